//! Which files a command is about: those named, those a list names, and the containers in folders.

#[cfg(unix)]
mod descriptors;
mod expand;
mod list;
#[cfg(not(unix))]
mod paths;
mod select;
mod target;

pub(super) use expand::{expand, in_folder};
pub(super) use list::{Separator, listed};
pub(super) use select::{Exclusion, Selection};
pub(super) use target::{Identity, Target};

#[cfg(test)]
mod tests;
