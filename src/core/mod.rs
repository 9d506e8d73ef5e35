//! The embedded core: the container, read, explained and checked. Knows no terminal and prints nothing.

pub mod task;
pub mod text;
