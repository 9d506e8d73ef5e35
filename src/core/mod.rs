//! The embedded core: the container, read, explained and checked. Knows no terminal and prints nothing.
//!
//! Data flows one way: bytes ([`source`]) → layout ([`layout`]) → index ([`walk`], [`index`]) → seek, block, veri,
//! audit, all through [`container::Container`].

pub mod audit;
pub mod block;
mod bytes;
pub mod codec;
pub mod container;
pub mod crc;
pub mod diff;
pub mod extent;
pub mod fields;
pub mod find;
pub mod finding;
pub mod flip;
pub mod hash;
pub mod index;
pub mod json;
pub mod json_span;
pub mod knowledge;
pub mod layout;
pub mod listed;
pub mod listing;
pub mod meta;
pub mod name;
pub mod numbering;
mod open;
pub mod pack;
pub mod preview;
pub mod profile;
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
