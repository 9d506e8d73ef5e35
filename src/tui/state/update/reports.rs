//! What the background answers changes.

use super::settle::settle;
use crate::tui::command::{Level, View};
use crate::tui::state::{
    Effect, Failure, JobKind, Outcome, Report, State, blocks, comparison, follow, hex, knowledge, manifest, moment,
    panes, unlock,
};
use h4mk::text::escape;

/// A job has something to say.
pub(super) fn reported(state: &mut State, report: Report) -> Vec<Effect> {
    if !state.jobs.is_current(report.id) {
        return Vec::new();
    }
    let kind = state.jobs.running().iter().find(|r| r.job.id == report.id).map(|r| r.job.request.kind());
    if report.last {
        state.jobs.finish(report.id);
    }
    let mut effects = Vec::new();
    match report.outcome {
        Ok(Outcome::Indexed(container)) => effects.extend(follow::indexed(state, container)),
        Ok(Outcome::Reopened(source)) => return follow::reopened(state, source),
        Ok(Outcome::Audited(audit)) => effects.extend(knowledge::audited(state, audit)),
        Ok(Outcome::Verified(verification)) => knowledge::verified(state, verification),
        Ok(Outcome::Sought(found, target, goal)) => {
            if let Some(found) = found {
                moment::sought(state, found, &target, goal);
            }
            return Vec::new();
        }
        Ok(Outcome::Exported { path, len, caveats }) => {
            let path = path.to_string_lossy().into_owned();
            let wrote = format!("wrote {len} bytes to {}", escape(&path));
            match caveats.is_empty() {
                true => state.say(Level::Good, wrote),
                false => state.say(Level::Warning, format!("{}; {wrote}", caveats.join("; "))),
            }
            return Vec::new();
        }
        Ok(Outcome::Charted(chart)) => {
            state.chart = Some(chart);
            panes::of(View::Timeline).follow(state);
        }
        Ok(Outcome::Listed(sorted)) => blocks::behaviour::listed(state, sorted),
        Ok(Outcome::Measured(chunk, measure)) => state.blocks.measured(&chunk, measure),
        Ok(Outcome::Followed) => {}
        // They change nothing that panes are made of.
        Ok(Outcome::AllRead) => return Vec::new(),
        Ok(Outcome::Read { byte_view, number, page }) => {
            hex::reading::read(state, &byte_view, number, page);
            return Vec::new();
        }
        Ok(Outcome::Located { byte_view, position }) => {
            hex::located(state, &byte_view, position);
            return Vec::new();
        }
        Ok(Outcome::ReadToCopy(bytes, form)) => return hex::copying::read(state, bytes, form),
        Ok(Outcome::Entries(page, entries)) => {
            manifest::behaviour::read(state, page, entries);
            return Vec::new();
        }
        Ok(Outcome::FieldBytes(row, bytes)) => {
            manifest::behaviour::found_bytes(state, row, bytes);
            return Vec::new();
        }
        Ok(Outcome::FieldValue(value, raw)) => return manifest::behaviour::found_value(state, value, raw),
        Ok(Outcome::Unlocked { container, before, kind, tried }) => {
            effects.extend(unlock::unlocked(state, container, &before, kind, tried));
        }
        Ok(Outcome::Reread(container)) => {
            hex::reading::forget(state);
            effects.extend(follow::indexed(state, container));
        }
        Ok(Outcome::Decoded { chunk, coding }) => hex::reading::decoded(state, &chunk, coding),
        Ok(Outcome::ReadAhead { chunk, coding }) => hex::reading::read_ahead(state, &chunk, coding),
        Ok(Outcome::Found { byte_view, matches }) => return hex::searching::found(state, &byte_view, matches),
        Ok(Outcome::FoundFrom { from, elsewhere }) => return hex::searching::found_from(state, from, elsewhere),
        Ok(Outcome::Previewed { byte_view, preview }) => hex::reading::previewed(state, &byte_view, preview),
        Ok(Outcome::Compared { container, differences }) => {
            // The audit knows more than the comparison does.
            if state.container.as_ref().is_none_or(|present| !present.is_checked()) {
                knowledge::indexed(state, container);
            }
            comparison::behaviour::found(state, differences);
        }
        Ok(Outcome::Described(description)) => state.description = Some(description),
        Ok(Outcome::FoundFields(hits)) => {
            manifest::behaviour::found(state, hits);
            return Vec::new();
        }
        Err(Failure::Cancelled) => return Vec::new(),
        Err(failure) => {
            if let (Some(JobKind::Diff), Some(comparison)) = (kind, &mut state.comparison) {
                comparison.fail(failure.to_string());
            }
            if kind == Some(JobKind::Unlock) {
                unlock::refuse(state, None, format!("the key could not be tried: {failure}"));
                return Vec::new();
            }
            match (kind, &mut state.hex.search) {
                (Some(JobKind::Locate), _) => hex::located_nowhere(state),
                (Some(JobKind::Find), Some(search)) => search.stop(),
                _ => {}
            }
            if kind == Some(JobKind::Follow) {
                follow::failed(state, &failure.to_string());
                return Vec::new();
            }
            let doing = kind.map_or("working", JobKind::title);
            state.say(Level::Error, format!("{doing}: {}", escape(&failure.to_string())));
            return Vec::new();
        }
    }
    settle(state);
    knowledge::count(state);
    effects.extend(View::ALL.into_iter().flat_map(|view| panes::of(view).refresh(state)));
    effects
}
