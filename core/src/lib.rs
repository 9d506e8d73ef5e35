//! H4MK media containers, read, explained, checked and salvaged: whatever state they are in.
//!
//! ```
//! let container = h4mk::Container::open("../sample-data/demo.h4mk")?;
//! let answer = container.seek(7_500_000, None)?; // µs
//! let block = container.block(answer.block.unwrap_or(0))?;
//! println!("{} bytes of {}", block.len(), container.manifest()["project"]);
//! # Ok::<(), h4mk::Error>(())
//! ```
//!
//! [`Container`] is the one door: [open](Container::open) a file, or [build](Container::builder) on how it is read, from a
//! [`Source`] wherever the bytes are. [`manifest`](Container::manifest), [`seek`](Container::seek),
//! [`block`](Container::block), [`blocks`](Container::blocks), [`verify`](Container::verify) and
//! [`audit`](Container::audit) ask it. [`salvage`], [`diff`], [`pack`] and [`explore`] have modules of their own.
//!
//! Data flows one way: bytes ([`source`]) → layout ([`layout`]) → index ([`walk`], [`index`]) → seek, block, veri, audit.
//! It is transport only: structure, timing and deterministic compression; never pixels, codecs or audio. Nothing here
//! prints, and no number from a file can make it panic or take memory without bound.

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

#[forbid(unsafe_code)]
pub mod audit;
#[forbid(unsafe_code)]
pub mod block;
#[forbid(unsafe_code)]
pub mod bytes;
#[forbid(unsafe_code)]
pub mod capped;
pub mod codec;
#[forbid(unsafe_code)]
pub mod container;
#[forbid(unsafe_code)]
pub mod crc;
#[cfg(feature = "diff")]
#[forbid(unsafe_code)]
pub mod diff;
#[forbid(unsafe_code)]
pub mod error;
#[forbid(unsafe_code)]
pub mod explore;
#[forbid(unsafe_code)]
pub mod finding;
#[forbid(unsafe_code)]
pub mod flip;
#[forbid(unsafe_code)]
pub mod hash;
#[forbid(unsafe_code)]
pub mod index;
#[forbid(unsafe_code)]
pub mod json;
#[forbid(unsafe_code)]
pub mod kind;
#[forbid(unsafe_code)]
pub mod knowledge;
#[forbid(unsafe_code)]
pub mod layout;
#[forbid(unsafe_code)]
pub mod meta;
#[forbid(unsafe_code)]
pub mod name;
#[forbid(unsafe_code)]
pub mod numbering;
#[forbid(unsafe_code)]
pub mod open;
#[forbid(unsafe_code)]
pub mod options;
#[forbid(unsafe_code)]
pub mod pack;
#[forbid(unsafe_code)]
mod recent;
#[cfg(feature = "report")]
#[forbid(unsafe_code)]
pub mod report;
#[forbid(unsafe_code)]
pub mod salvage;
#[forbid(unsafe_code)]
pub mod secret;
#[forbid(unsafe_code)]
pub mod seek;
#[forbid(unsafe_code)]
mod sidecars_at_end;
#[forbid(unsafe_code)]
pub mod size;
pub mod source;
#[forbid(unsafe_code)]
pub mod task;
#[forbid(unsafe_code)]
pub mod text;
#[forbid(unsafe_code)]
pub mod time;
#[forbid(unsafe_code)]
pub mod timeline;
#[forbid(unsafe_code)]
pub mod tracks;
#[forbid(unsafe_code)]
pub mod veri;
#[forbid(unsafe_code)]
pub mod walk;

pub use audit::{Audit, Verdict, Verified};
pub use block::{BlockError, Content, Stage};
pub use bytes::Bytes;
pub use codec::engine::{Engine, EngineError};
pub use container::{Block, Blocks, Container, Options, SeekAnswer, SeekError};
pub use error::Error;
pub use finding::{Code, Finding, Severity};
pub use index::{Chunk, Tag};
pub use layout::Layout;
pub use open::Builder;
pub use secret::Secret;
pub use seek::Meaning;
pub use source::{ReadAt, Source, SourceError};
pub use task::{Cancelled, Task};
pub use time::Time;
pub use veri::{Status, Verification};
pub use walk::Depth;
