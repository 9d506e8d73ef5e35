//! Inspector and auditor for H4MK containers.

// A number from a file must never panic the program.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod cli;
pub mod core;
pub mod hexdump;
pub mod report;
pub mod tui;
