//! What stands between a stored block and its raw bytes, one file per layer.

pub mod cipher;
pub mod engine;
#[cfg(all(feature = "external", not(target_family = "wasm")))]
pub mod external;
pub mod mask;
pub mod rle;

#[cfg(test)]
mod reference;
