//! The tests of the crate and the program, as one program: linking is most of what a test program costs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod audits;
mod builder;
mod cli_basics;
mod commands;
mod conformance;
mod core_library;
mod diff;
mod diff_command;
mod file_limit;
mod findings;
mod found;
mod growing;
#[cfg(target_os = "linux")]
mod hostile_library;
mod large;
mod moving;
mod mutations;
mod mux_tracks;
mod nested;
mod papers;
mod protection;
mod readme;
mod salvage;
mod salvage_command;
mod salvage_protected;
mod sample_data;
mod samples;
mod screens_audit;
mod screens_blocks;
mod screens_diff;
mod screens_hex;
mod screens_manifest;
mod screens_samples;
mod screens_summary;
mod screens_timeline;
mod sequences;
mod support;
mod terminal;
mod times;
mod unpack;
mod unread_meta;
mod veri;
