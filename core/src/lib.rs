//! The core of an inspector for H4MK containers: the container, read, explained and checked. Knows no terminal and prints
//! nothing.
//!
//! Data flows one way: bytes ([`source`]) → layout ([`layout`]) → index ([`walk`], [`index`]) → seek, block, veri,
//! audit, all through [`container::Container`].

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

pub mod audit;
pub mod block;
pub mod bytes;
pub mod capped;
pub mod codec;
pub mod container;
pub mod crc;
#[cfg(feature = "diff")]
pub mod diff;
pub mod explore;
pub mod finding;
pub mod flip;
pub mod hash;
pub mod index;
pub mod json;
pub mod knowledge;
pub mod layout;
pub mod meta;
pub mod name;
pub mod numbering;
mod open;
pub mod pack;
#[cfg(feature = "report")]
pub mod report;
pub mod salvage;
pub mod secret;
pub mod seek;
pub mod size;
pub mod source;
mod tail;
pub mod task;
pub mod text;
pub mod time;
pub mod timeline;
pub mod tracks;
pub mod veri;
pub mod walk;
