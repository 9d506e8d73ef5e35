//! What is said about a container in words, put together once and in the background: it takes a look at every track's
//! blocks and every JSON payload.

use crate::report::info::Glance;
use crate::tui::json_tree::JsonTree;
use h4mk::audit::Audit;
use h4mk::container::Container;

/// What is said about a container.
#[derive(Debug)]
pub struct Description {
    /// What the `info` command says.
    pub glance: Glance,
    /// What the container says itself.
    pub fields: JsonTree,
    /// All of the container was there to be described.
    pub is_complete: bool,
    /// The file's length and the number of chunks then.
    pub amount: (u64, u64),
    /// The audit's results are in it.
    pub is_audited: bool,
}

impl Description {
    /// Describes a container; with an audit of it, what that found out too.
    pub fn new(container: &Container, audit: Option<&Audit>) -> Self {
        Self {
            glance: Glance::new(container, audit),
            fields: JsonTree::new(container),
            is_complete: container.is_complete(),
            amount: amount(container),
            is_audited: audit.is_some(),
        }
    }
}

/// How much of a container there is.
pub(super) fn amount(container: &Container) -> (u64, u64) {
    (container.source().len(), container.index().len())
}
