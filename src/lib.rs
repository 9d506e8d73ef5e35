//! Inspector and auditor for H4MK containers.
//!
//! [`core`] reads, explains and checks containers, and knows no terminal. [`report`] gives what it finds its outward
//! shapes, as JSON and as text. [`cli`] is the command line over both; [`hexdump`] draws rows of bytes for it.

pub mod cli;
pub mod core;
pub mod hexdump;
pub mod report;

/// Its example is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
