//! The terminal program: keys become actions, actions change the state, the state is drawn.
//!
//! ```text
//! terminal or --keys → input::Input → keymap → state::Action → state::update → view::draw
//!                                                    ↑               ↓
//!                                            state::Report ← workers ← state::Effect
//! ```
//!
//! [`run`] does this with a terminal, threads and a clock; [`headless`] does it with none of them, at once.
//!
//! Imports go one way: [`command`] has the words that all have in common; [`keymap`] and [`layout`] know only these;
//! [`state`] knows them and changes by its `update`; [`view`] draws it, and nothing that it draws knows the view.

pub mod clip;
pub mod command;
pub mod event;
pub mod headless;
pub mod input;
pub mod json_tree;
pub mod keymap;
pub mod layout;
pub mod picture;
#[cfg(unix)]
mod rescue;
pub mod rows;
pub mod run;
pub mod screen;
#[cfg(test)]
mod shuffled;
#[cfg(unix)]
mod signals;
#[cfg(not(unix))]
#[path = "no_signals.rs"]
mod signals;
pub mod state;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod theme;
#[cfg(unix)]
mod typed;
pub mod view;
pub mod workers;
pub mod wrap;
