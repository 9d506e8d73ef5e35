//! Finding text or bytes in what the Hex view shows.

use std::sync::Arc;

use super::Goal;
use super::asked::ByteViewId;
use super::cursor::{catch_up, move_to};
use super::search::{Search, Then};
use super::shown::{Shown, shown};
use crate::tui::command::{Level, View};
use crate::tui::state::{Effect, Request, Selection, State};
use h4mk::explore::byte_view::ByteView;
use h4mk::explore::find::{Elsewhere, Matches, Needle, Next};
use h4mk::text::escape;

/// Searches for what was typed, from the cursor on.
pub(super) fn start(state: &mut State, text: &str) -> Result<(), String> {
    if state.container.is_none() {
        return Err("the file is not indexed yet".to_owned());
    }
    let needle = Arc::new(Needle::parse(text).map_err(|error| error.to_string())?);
    state.hex.search = Some(Search { text: text.to_owned(), needle, begins: true, found: None, then: None });
    Ok(())
}

/// Begins a search, where one waits for that.
pub(super) fn begin_search(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let from = state.hex.cursor;
    match &mut state.hex.search {
        Some(search) if search.begins && state.hex.goal.is_none() => search.begins = false,
        _ => return Vec::new(),
    }
    search_around(state, shown, from, Then { from, forward: true, inclusive: true, wrapped: false, alone: None })
}

/// To the next match or the one before; `None` where nothing was searched for.
pub(super) fn next(state: &mut State, forward: bool) -> Option<Vec<Effect>> {
    state.hex.search.as_ref()?;
    let shown = shown(state).ok()?;
    let then = Then { from: state.hex.cursor, forward, inclusive: false, wrapped: false, alone: None };
    Some(follow(state, &shown, then))
}

/// The block whose content is shown.
fn decoded_block(shown: &Shown) -> Option<u64> {
    shown.chunk.filter(|_| shown.is_decoded())?.block()
}

/// Searches the other blocks, where matches in this one come to an end.
fn search_on(state: &mut State, shown: &Shown, from: u64, then: Then) -> Vec<Effect> {
    let Some(search) = &mut state.hex.search else { return Vec::new() };
    search.then = Some(then);
    let (container, needle) = (shown.container.clone(), search.needle.clone());
    let request = Request::FindFrom { container, needle, from, forward: then.forward };
    vec![Effect::Start(state.jobs.start(request))]
}

fn search_around(state: &mut State, shown: &Shown, around: u64, then: Then) -> Vec<Effect> {
    let Some(search) = &mut state.hex.search else { return Vec::new() };
    search.then = Some(then);
    let request = Request::Find {
        container: shown.container.clone(),
        byte_view: shown.byte_view.clone(),
        needle: search.needle.clone(),
        around,
    };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Goes to the match, or searches around where it must be.
fn follow(state: &mut State, shown: &Shown, then: Then) -> Vec<Effect> {
    let Some(search) = &state.hex.search else { return Vec::new() };
    let Some(matches) = search.matches(&shown.byte_view) else {
        return search_around(state, shown, then.from, then);
    };
    let here = then.inclusive && matches.ordinal_at(then.from).is_some();
    let next = match here {
        true => Some(Next::At { position: then.from, wrapped: false }),
        false => matches.step(&shown.range, then.from, then.forward),
    };
    let ends = matches!(next, None | Some(Next::At { wrapped: true, .. } | Next::Around { wrapped: true, .. }));
    if let Some(from) = decoded_block(shown).filter(|_| ends && then.alone.is_none()) {
        return search_on(state, shown, from, then);
    }
    match next {
        Some(Next::At { position, wrapped }) => {
            state.hex.goal = Some(Goal::Position(position));
            if state.hex.whole {
                move_to(state, position);
            }
            let elsewhere = if then.alone.is_some() { "not in any other block; " } else { "" };
            match (wrapped || then.wrapped, then.forward) {
                (false, _) => {}
                (true, true) => state.say(Level::Info, format!("{elsewhere}continued from the start")),
                (true, false) => state.say(Level::Info, format!("{elsewhere}continued from the end")),
            }
            Vec::new()
        }
        Some(Next::Around { position, wrapped }) => {
            let then = Then { from: position, inclusive: wrapped && then.forward, wrapped, ..then };
            search_around(state, shown, position, then)
        }
        None => {
            let text = escape(&search.text).into_owned();
            let as_stored = "`w` and `n` search the file as stored";
            let said = match then.alone {
                Some(0) => format!("{text} is in no decoded block; {as_stored}"),
                Some(unread) => format!("{text} is in no decoded block ({unread} can't be decoded); {as_stored}"),
                None if state.hex.whole => format!("{text} is not in the file as stored"),
                None => format!("{text} is not here; {as_stored}"),
            };
            state.say(Level::Warning, said);
            Vec::new()
        }
    }
}

/// The matches were counted.
pub(in crate::tui::state) fn found(state: &mut State, byte_view: &ByteView, matches: Matches) -> Vec<Effect> {
    let about = ByteViewId::of(byte_view);
    let Some(search) = &mut state.hex.search else { return Vec::new() };
    search.found = Some((about.clone(), matches));
    let then = search.then.take();
    match (then, shown(state)) {
        (Some(then), Ok(shown)) if ByteViewId::of(&shown.byte_view) == about => follow(state, &shown, then),
        _ => Vec::new(),
    }
}

/// The other blocks were searched. Whoever went elsewhere meanwhile is left there.
pub(in crate::tui::state) fn found_from(state: &mut State, from: u64, elsewhere: Elsewhere) -> Vec<Effect> {
    let then = state.hex.search.as_mut().and_then(|search| search.then.take());
    let shown = shown(state).ok().filter(|shown| state.view == View::Hex && decoded_block(shown) == Some(from));
    let Some((then, shown)) = then.zip(shown) else { return Vec::new() };
    let Some((byte_view, matches)) = elsewhere.found else {
        return follow(state, &shown, Then { alone: Some(elsewhere.unread), ..then });
    };
    let ByteView::Decoded { chunk, coding } = &byte_view else { return Vec::new() };
    let position = if then.forward { matches.kept.first() } else { matches.kept.last() };
    let goal = position.map_or(Goal::Start, |position| Goal::Position(*position));
    let about = ByteViewId::of(&byte_view);
    state.hex.ahead.keep(about.clone(), Ok(coding.clone()));
    // What was typed since goes on from the match.
    let typed = std::mem::take(&mut state.hex.typed);
    state.select(Selection::of_chunk(&shown.container, chunk));
    catch_up(state);
    state.hex.goal = Some(goal);
    state.hex.typed.extend(typed);
    if let Some(search) = &mut state.hex.search {
        search.found = Some((about, matches));
    }
    let block = chunk.block().unwrap_or_default();
    let past = match then.forward {
        true if block < from => "continued from the first block: ",
        false if block > from => "continued from the last block: ",
        _ => "",
    };
    state.say(Level::Info, format!("{past}found in block {block}"));
    Vec::new()
}

/// Searches what Hex shows, or is about to, for a text that was entered in another view.
pub(in crate::tui::state) fn find_from_elsewhere(state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
    start(state, text)?;
    state.show(View::Hex);
    Ok(Vec::new())
}
