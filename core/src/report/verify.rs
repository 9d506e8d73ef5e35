//! VERI, recomputed.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::Verified;
use crate::container::Container;
use crate::veri::{Scheme, Status};

/// Whether a container matches VERI. The first three fields are those of the compatibility layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Verify {
    /// VERI was recomputed and is right; or there is none, and every chunk's CRC is right.
    pub valid: bool,
    /// The hash.
    pub hash_algorithm: Option<String>,
    /// How that was found out, in one line.
    pub info: String,
    /// The result of recomputing it.
    pub status: Status,
    /// The kind of VERI it matched as.
    pub scheme: Option<Scheme>,
    /// The digest in VERI, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The digest of the bytes as they are, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed: Option<String>,
}

impl Verify {
    /// From what [`verify`](crate::audit::verify) says about a container.
    pub fn new(verified: &Verified, container: &Container) -> Self {
        let verification = &verified.verification;
        Self {
            valid: verified.valid,
            hash_algorithm: verification.algorithm.clone(),
            info: info(verified, container),
            status: verification.status,
            scheme: verification.scheme,
            expected: verification.expected.clone(),
            computed: verification.computed.clone(),
        }
    }
}

/// How it was found out, in one line.
pub fn info(verified: &Verified, container: &Container) -> String {
    let info = &verified.verification.info;
    let chunks = verified.checked.as_ref().unwrap_or(container).index().len();
    match (verified.faults, chunks) {
        (None, _) => info.clone(),
        (Some(0), 0) => format!("{info}, nor any other chunk"),
        (Some(0), 1) => format!("{info}; the CRC of its only chunk is right"),
        (Some(0), chunks) => format!("{info}; the CRCs of all {chunks} chunks are right"),
        (Some(1), _) => format!("{info}; its chunks have 1 fault, which an audit names"),
        (Some(faults), _) => format!("{info}; its chunks have {faults} faults, which an audit names"),
    }
}
