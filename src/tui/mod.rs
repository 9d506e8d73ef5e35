//! The terminal program: keys become actions, actions change the state, the state is drawn.

pub mod keys;
pub mod rows;
pub mod text;
pub mod theme;
