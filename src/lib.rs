//! Inspector and auditor for H4MK containers.
pub mod cli;
pub mod core;
pub mod hexdump;
pub mod report;
