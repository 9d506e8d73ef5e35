//! What is known of the file changes: more of it was walked, it was checked, a key was given.

use std::sync::Arc;

use super::{Effect, JobKind, Level, Request, Selection, State, hex};
use h4mk::audit::{Audit, Verdict};
use h4mk::container::{Container, Options};
use h4mk::knowledge::Knowledge;
use h4mk::secret::Secret;
use h4mk::text::escape;
use h4mk::veri::{Status, Verification};

/// A container replaces the one before: more of it was walked, all of it was checked, or a key was given.
pub(super) fn indexed(state: &mut State, container: Arc<Container>) {
    match &state.container {
        Some(before) if before.pipeline() == container.pipeline() => hex::reading::forget_failures(state),
        Some(_) => hex::reading::forget(state),
        None => {}
    }
    let gop = container.meta().and_then(|meta| meta.gop);
    state.tree.set_run_len(gop);
    let first = state.selection == Selection::default();
    if let Some(chunk) = container.index().chunk(0).filter(|_| first) {
        state.selection = Selection::of_chunk(&container, &chunk);
    }
    if let Some(before) = &state.container {
        container.adopt(before);
    }
    state.container = Some(container);
    learn(state);
    state.moved.sizes = true;
}

/// Has a container read anew that doesn't know of a key: a job that began before the key was typed made it. What is shown
/// stays until then.
pub(super) fn read_with_keys(state: &mut State, container: &Arc<Container>) -> Option<Effect> {
    let same = |a: &Option<Arc<Secret>>, b: &Option<Arc<Secret>>| match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let (has, wants): (&Options, &Options) = (container.options(), &state.options);
    if same(&has.shared_secret, &wants.shared_secret) && same(&has.mask_key, &wants.mask_key) {
        return None;
    }
    let request = Request::Reread(container.clone(), wants.clone());
    Some(Effect::Start(state.jobs.start(request)))
}

/// Every check was made.
pub(super) fn audited(state: &mut State, audit: Arc<Audit>) -> Option<Effect> {
    state.audit = Some(audit.clone());
    let mut again = None;
    if let Some(container) = &audit.container {
        state.jobs.cancel(JobKind::Index);
        again = read_with_keys(state, container);
        if again.is_none() {
            indexed(state, container.clone());
        }
    }
    let total = audit.findings.list().len();
    let level = match audit.verdict {
        Verdict::Ok => Level::Good,
        Verdict::Suspect => Level::Warning,
        Verdict::Damaged | Verdict::Unreadable => Level::Error,
    };
    state.say(level, format!("{}: {total} finding{}", audit.verdict.name(), if total == 1 { "" } else { "s" }));
    state.verification = Some(audit.verification.clone());
    learn(state);
    again
}

/// VERI was recomputed.
pub(super) fn verified(state: &mut State, verification: Verification) {
    let level = match verification.status {
        Status::Verified => Level::Good,
        Status::Mismatch | Status::Malformed => Level::Error,
        Status::Absent | Status::Unsupported | Status::Unchecked => Level::Warning,
    };
    state.say(level, format!("VERI {}: {}", verification.status.name(), escape(&verification.info)));
    state.verification = Some(verification);
    learn(state);
}

/// Puts together what was found so far.
fn learn(state: &mut State) {
    let Some(container) = &state.container else { return };
    let findings = state.audit.as_ref().map(|audit| &audit.findings);
    state.knowledge = Arc::new(Knowledge::new(container, findings, state.verification.as_ref()));
    state.tally = state.knowledge.tally(container);
    state.tallied = container.looked_at();
}

/// Counts anew what is known of how many blocks, where more was looked at.
pub(super) fn count(state: &mut State) {
    let Some(container) = &state.container else { return };
    let looked_at = container.looked_at();
    if looked_at != state.tallied {
        state.tally = state.knowledge.tally(container);
        state.tallied = looked_at;
        hex::reading::outdate(state);
    }
}
