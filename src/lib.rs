//! Inspector and auditor for H4MK containers.
//!
//! [`core`] reads, explains and checks containers, and knows no terminal. [`report`] gives what it finds its outward
//! shapes, as JSON and as text. [`tui`] shows it on a screen, [`cli`] is the command line over all of them; [`hexdump`]
//! draws rows of bytes for it, and [`draft`] is how files are written.

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

pub use h4mk as core;

#[forbid(unsafe_code)]
pub mod cli;
pub mod draft;
#[forbid(unsafe_code)]
pub mod hexdump;
#[forbid(unsafe_code)]
pub mod report;
pub mod tui;

/// Its example is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
