//! What stands between a stored block and its raw bytes, one file per layer.

pub mod rle;
