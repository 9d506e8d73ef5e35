//! Inspector and auditor for H4MK containers.
pub mod core;
