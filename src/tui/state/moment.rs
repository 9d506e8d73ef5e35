//! A time that was asked for: what plays then is selected, the playhead stays at it, and one key goes to the keyframe that
//! decoding begins with and back.

use std::sync::Arc;

use super::request::{Goal, Target};
use super::{Effect, Level, Request, Selection, State, View, hex};
use h4mk::container::{Container, Moment, Plays};
use h4mk::text::escape;
use h4mk::time::{format_duration, format_us};

/// Looks something up in the background: it may take a look at all blocks.
pub(super) fn seek(state: &mut State, container: &Arc<Container>, target: Target, goal: Goal) -> Effect {
    Effect::Start(state.jobs.start(Request::Seek(container.clone(), target, goal)))
}

/// The time that the selection stands for, and what it leads to; `None` once something else was selected.
pub fn current(state: &State) -> Option<&Moment> {
    let moment = state.moment.as_deref()?;
    let block = state.selection.block?;
    let here = moment.block() == Some(block) || moment.keyframe == Some(block);
    (here && moment.pts_us == state.selection.time_us).then_some(moment)
}

/// The block under the playhead: what plays at the time, also while its keyframe is selected.
pub fn playing(state: &State) -> Option<u64> {
    current(state).and_then(Moment::block).or(state.selection.block)
}

fn select_block(state: &mut State, moment: &Moment, block: u64, trail: bool) {
    let Some(container) = state.container.clone() else { return };
    let Some(chunk) = container.index().block(block) else { return };
    let selection = Selection { time_us: moment.pts_us, ..Selection::of_chunk(&container, &chunk) };
    if trail {
        state.select(selection);
    } else {
        state.walk_to(selection);
    }
}

/// A time was looked up.
pub(super) fn sought(state: &mut State, moment: Arc<Moment>, target: &Target, goal: Goal) {
    // Whoever went on meanwhile is left there.
    if matches!((goal, target), (Goal::Follow, Target::Block(block)) if state.selection.block != Some(*block)) {
        return;
    }
    state.moment = Some(moment.clone());
    state.timed = matches!(target, Target::Time(..));
    match (goal, moment.block()) {
        (Goal::Keyframe, _) => to_keyframe(state, &moment),
        (Goal::Plays, Some(block)) => {
            select_block(state, &moment, block, true);
            let level = if moment.provisional || moment.keyframe.is_none() { Level::Warning } else { Level::Info };
            state.say(level, said(&moment));
        }
        (Goal::Plays, None) => {
            let text = said(&moment);
            state.say(Level::Error, text);
        }
        (Goal::Follow, Some(block)) => {
            // Only the time is new where the block is selected already.
            let stays = state.selection.block == Some(block) && hex::has_followed(state);
            select_block(state, &moment, block, false);
            if stays {
                hex::stay(state);
            }
        }
        (Goal::Follow, None) => {}
    }
}

/// From the block that plays to its keyframe, or back.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    let (Some(container), Some(block)) = (state.container.clone(), state.selection.block) else {
        state.say(Level::Warning, "select a block first: `:#0`, or one in Blocks");
        return Vec::new();
    };
    let Some(moment) = current(state).cloned() else {
        return vec![seek(state, &container, Target::Block(block), Goal::Keyframe)];
    };
    match moment.block().filter(|plays| *plays != block) {
        Some(plays) => {
            select_block(state, &moment, plays, true);
            state.say(Level::Info, format!("back to block {plays}"));
        }
        None => to_keyframe(state, &moment),
    }
    Vec::new()
}

fn to_keyframe(state: &mut State, moment: &Moment) {
    match (moment.keyframe, moment.block()) {
        (Some(keyframe), Some(block)) if keyframe == block => {
            state.say(Level::Info, format!("block {block} is a keyframe itself"));
        }
        (Some(keyframe), Some(block)) => {
            select_block(state, moment, keyframe, true);
            state.say(Level::Info, format!("keyframe {keyframe}; c goes back to block {block}"));
        }
        (_, block) => {
            let block = block.or(state.selection.block).unwrap_or_default();
            state.say(Level::Warning, format!("no known keyframe leads to block {block}{}", why(moment)));
        }
    }
}

/// Why there is no keyframe, behind a colon.
fn why(moment: &Moment) -> String {
    match &moment.seek {
        Err(error) => format!(": {error}"),
        Ok(answer) if answer.block.is_none() => {
            format!(": entry {} at {} us leads to no block", answer.entry_index, answer.entry.pts_us)
        }
        Ok(answer) => format!(": entry {} at {} us leads elsewhere", answer.entry_index, answer.entry.pts_us),
    }
}

/// A time as short as it can be said exactly.
fn time_text(us: u64) -> String {
    if us >= 60_000_000 || !us.is_multiple_of(1000) { format_us(us) } else { format_duration(us) }
}

/// `block 225, plays at 7.5 s, decode from 210 (c)`: what a pane's title says of the time that was asked for, and which
/// key goes on from there.
pub fn title(state: &State) -> Option<String> {
    Some(format!("block {}{}", state.selection.block?, about(state)?))
}

/// The same behind the block's number.
pub fn about(state: &State) -> Option<String> {
    let moment = current(state)?;
    let selected = state.selection.block?;
    let provisional = if moment.provisional { " (provisional)" } else { "" };
    let block = moment.block()?;
    let at = moment.pts_us.map(time_text);
    if selected != block {
        let at = at.map(|at| format!(", which plays at {at}")).unwrap_or_default();
        return Some(format!("{provisional}, keyframe of block {block}{at} (c)"));
    }
    let from = match moment.keyframe {
        Some(keyframe) if keyframe == block => ", a keyframe".to_owned(),
        Some(keyframe) => format!(", decode from {keyframe} (c)"),
        None => ", no keyframe leads there".to_owned(),
    };
    let plays = match (moment.plays, at) {
        (_, None) => String::new(),
        (Some(Plays::Now(_)), Some(at)) => format!(", plays at {at}"),
        (Some(Plays::First(_)), Some(at)) => format!(", the first: nothing plays at {at} yet"),
        (Some(Plays::Last(_)), Some(at)) => format!(", the last one, at {at}"),
        (None, Some(at)) => format!(", found for {at}: block times are unknown"),
    };
    Some(format!("{provisional}{plays}{from}"))
}

/// What the message line says of a time that was asked for.
fn said(moment: &Moment) -> String {
    let clock = moment.pts_us.map(format_us).unwrap_or_default();
    let plays = match moment.plays {
        Some(Plays::Now(block)) => format!("block {block} plays"),
        Some(Plays::First(block)) => format!("nothing plays yet; block {block} is the first"),
        Some(Plays::Last(block)) => format!("block {block} is the last"),
        None => "what plays is unknown".to_owned(),
    };
    let provisional = if moment.provisional { "; its number is provisional, bytes were lost before it" } else { "" };
    let Some((keyframe, answer)) = moment.keyframe.zip(moment.seek.as_ref().ok()) else {
        return format!("{clock}: {plays}; no keyframe leads there{}{provisional}", why(moment));
    };
    let go = match moment.block() == Some(keyframe) {
        true => "a keyframe".to_owned(),
        false => format!("c goes to keyframe {keyframe}"),
    };
    let track = answer.track.as_ref().map(|track| format!(" of track {}", escape(track))).unwrap_or_default();
    let entry = match answer.scanned {
        true => format!("at {} us{track}, found by reading its blocks", answer.entry.pts_us),
        false => format!("entry {}{track} at {} us", answer.entry_index, answer.entry.pts_us),
    };
    let rule = answer.meaning.map(|meaning| format!(" (offset is {})", meaning.describe())).unwrap_or_default();
    let before = if answer.before_first { ", before the first entry" } else { "" };
    format!("{clock}: {plays}{provisional}; {go}, {entry}{before}{rule}")
}

/// The track that a time is asked for of: while the Timeline is shown, the one that keys move in; else the one whose
/// blocks are listed.
pub(super) fn track(state: &State, container: &Container) -> Option<String> {
    let listed = || state.blocks.filter.track.clone();
    let lane = || state.chart.as_ref()?.lanes.get(state.timeline.lane)?.track;
    let of_lane = (state.view == View::Timeline).then(lane).flatten();
    of_lane.and_then(|lane| container.tracks()?.list.get(lane)).map(|track| track.id.clone()).or_else(listed)
}

/// Whether the playhead stands at a time that was asked for, and not at a block.
pub(super) fn is_timed(state: &State) -> bool {
    state.timed && current(state).is_some()
}

/// More of the file was walked: a time past what was its end may lead elsewhere now.
pub(super) fn again(state: &mut State) -> Option<Effect> {
    let moment = current(state)?;
    let past_the_end = matches!(moment.plays, Some(Plays::Last(_)));
    let target = Target::Time(moment.pts_us?, moment.track.clone());
    let asked = state.timed && past_the_end && moment.block() == state.selection.block;
    let container = state.container.clone().filter(|_| asked)?;
    Some(seek(state, &container, target, Goal::Follow))
}
