//! What only looking at a container needs: the lanes of a timeline, lists of blocks, stretches of bytes and what they hold,
//! search, and the names of fields.

pub mod byte_view;
pub mod chart;
pub mod fields;
pub mod find;
pub mod page;
pub mod preview;
pub mod sorted_blocks;
