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

pub mod audit;
pub mod block;
pub mod bytes;
pub mod capped;
pub mod codec;
pub mod container;
pub mod crc;
pub mod diff;
pub mod error;
pub mod explore;
pub mod finding;
pub mod flip;
pub mod hash;
pub mod index;
pub mod json;
pub mod kind;
pub mod knowledge;
pub mod layout;
pub mod meta;
pub mod name;
pub mod numbering;
pub mod open;
pub mod options;
pub mod pack;
pub mod salvage;
pub mod secret;
pub mod seek;
pub mod size;
pub mod source;
mod tail;
pub mod task;
pub mod text;
pub mod time;
pub mod timeline;
pub mod tracks;
pub mod veri;
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
