//! What is found in a container, in the shapes that all JSON output has: a struct for each kind of answer, apart from the
//! types that the rest of this crate works with, so that those can change and the output can't by accident.
//!
//! The shapes serialize with any serde serializer; [`json`] writes them as h4inspect does, safe for a terminal. Values of
//! closed sets, such as [`Code`](crate::finding::Code) and [`Meaning`](crate::seek::Meaning), are their names in JSON. No
//! shape speaks of a program's options or keys: where one holds advice, its words come from the caller.
//!
//! ```no_run
//! use h4mk::Container;
//! use h4mk::report::{Info, json};
//!
//! let container = Container::open("clip.h4mk")?;
//! json::write_line(&mut std::io::stdout(), json::DOCUMENT, &Info::new(&container, None))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod chunks;
#[cfg(feature = "diff")]
pub mod diff;
mod fields;
pub mod info;
pub mod json;
pub mod manifest;
mod names;
pub mod salvage;
#[cfg(feature = "schema")]
pub mod schema;
pub mod seek;
pub mod summary;
pub mod verify;

pub use audit::FileAudit;
pub use chunks::Chunks;
#[cfg(feature = "diff")]
pub use diff::Comparison;
pub use info::Info;
pub use manifest::FullManifest;
pub use salvage::Salvage;
pub use seek::Seek;
pub use verify::Verify;

/// The version of all shapes. An addition keeps it; a field that goes or changes its meaning raises it.
pub const VERSION: u32 = 1;
