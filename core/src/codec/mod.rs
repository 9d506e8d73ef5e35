//! What stands between a stored block and its raw bytes, one file per layer.

#[forbid(unsafe_code)]
pub mod cipher;
#[forbid(unsafe_code)]
pub mod engine;
#[cfg(all(feature = "external", not(target_family = "wasm")))]
pub mod external;
#[forbid(unsafe_code)]
pub mod mask;
#[forbid(unsafe_code)]
pub mod rle;

#[cfg(test)]
mod corpus;
