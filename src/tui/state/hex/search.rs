//! Finding text or bytes in what the Hex view shows.

use std::sync::Arc;

use super::{ExtentId, Goal, Shown, shown};
use crate::core::extent::Extent;
use crate::core::find::{Matches, Needle, Next};
use crate::core::text::escape;
use crate::tui::state::{Effect, Level, Request, State};

/// A search, and what it found.
#[derive(Debug)]
pub struct Search {
    /// What was typed, not escaped.
    pub text: String,
    /// What is looked for.
    pub needle: Arc<Needle>,
    found: Option<(ExtentId, Matches)>,
    then: Option<Then>,
}

/// What follows a search.
#[derive(Debug, Clone, Copy)]
struct Then {
    from: u64,
    forward: bool,
    /// A match at `from` itself is one.
    inclusive: bool,
    wrapped: bool,
}

impl Search {
    /// The bytes are no longer what they were.
    pub(super) fn forget(&mut self) {
        (self.found, self.then) = (None, None);
    }

    /// The matches in an extent, once they are counted.
    pub fn matches(&self, extent: &Extent) -> Option<&Matches> {
        let about = ExtentId::of(extent);
        self.found.as_ref().filter(|(found, _)| *found == about).map(|(_, matches)| matches)
    }
}

/// Searches for what was typed, from the cursor on.
pub(super) fn start(state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
    let shown = shown(state).map_err(|_| "there are no bytes to search yet".to_owned())?;
    let needle = Needle::parse(text).map_err(|error| error.to_string())?;
    state.hex.search = Some(Search { text: text.to_owned(), needle: Arc::new(needle), found: None, then: None });
    let then = Then { from: state.hex.cursor, forward: true, inclusive: true, wrapped: false };
    Ok(search_around(state, &shown, then.from, then))
}

/// To the next match or the one before; `None` where nothing was searched for.
pub(super) fn next(state: &mut State, forward: bool) -> Option<Vec<Effect>> {
    state.hex.search.as_ref()?;
    let shown = shown(state).ok()?;
    let then = Then { from: state.hex.cursor, forward, inclusive: false, wrapped: false };
    Some(follow(state, &shown, then))
}

fn search_around(state: &mut State, shown: &Shown, around: u64, then: Then) -> Vec<Effect> {
    let Some(search) = &mut state.hex.search else { return Vec::new() };
    search.then = Some(then);
    let request = Request::Find {
        container: shown.container.clone(),
        extent: shown.extent.clone(),
        needle: search.needle.clone(),
        around,
    };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Goes to the match, or searches around where it must be.
fn follow(state: &mut State, shown: &Shown, then: Then) -> Vec<Effect> {
    let Some(search) = &state.hex.search else { return Vec::new() };
    let Some(matches) = search.matches(&shown.extent) else {
        return search_around(state, shown, then.from, then);
    };
    let here = then.inclusive && matches.ordinal_at(then.from).is_some();
    let next = match here {
        true => Some(Next::At { position: then.from, wrapped: false }),
        false => matches.step(&shown.range, then.from, then.forward),
    };
    match next {
        Some(Next::At { position, wrapped }) => {
            state.hex.goal = Some(Goal::Position(position));
            if state.hex.whole {
                super::behaviour::move_to(state, position);
            }
            match (wrapped || then.wrapped, then.forward) {
                (false, _) => {}
                (true, true) => state.say(Level::Info, "past the end: on from the start"),
                (true, false) => state.say(Level::Info, "past the start: on from the end"),
            }
            Vec::new()
        }
        Some(Next::Around { position, wrapped }) => {
            let then = Then { from: position, inclusive: wrapped && then.forward, wrapped, ..then };
            search_around(state, shown, position, then)
        }
        None => {
            let text = escape(&search.text).into_owned();
            let elsewhere = if state.hex.whole { "" } else { "; `w` and `n` search the whole file" };
            state.say(Level::Warning, format!("{text} is not here{elsewhere}"));
            Vec::new()
        }
    }
}

/// The matches were counted.
pub(in crate::tui::state) fn found(state: &mut State, extent: &Extent, matches: Matches) -> Vec<Effect> {
    let about = ExtentId::of(extent);
    let Some(search) = &mut state.hex.search else { return Vec::new() };
    search.found = Some((about.clone(), matches));
    let then = search.then.take();
    match (then, shown(state)) {
        (Some(then), Ok(shown)) if ExtentId::of(&shown.extent) == about => follow(state, &shown, then),
        _ => Vec::new(),
    }
}
