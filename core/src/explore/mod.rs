//! What only looking at a container needs: the lanes of a timeline, lists of blocks, stretches of bytes and what they hold,
//! search, and the names of fields.

pub mod extent;
pub mod fields;
pub mod find;
pub mod listing;
pub mod page;
pub mod preview;
pub mod profile;
