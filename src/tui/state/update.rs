//! [`update`]: the one function that changes the state.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::blocks::Listed;
use super::command_line::{self, Line};
use super::moment::{Goal, Target};
use super::tree::{Only, Row};
use super::{
    Action, Command, Effect, Failure, JobKind, Level, Outcome, Pane, Place, Prompt, PromptKind, Report, Request,
    Selection, State, View, blocks, comparison, follow, hex, manifest, moment, popup, prompt, timeline, unlock, views,
};
use crate::tui::clip::Clip;
use crate::tui::rows::{Motion, Window};
use crate::tui::{keymap, layout};
use h4mk::audit::{Audit, Verdict};
use h4mk::block::{BlockError, Form};
use h4mk::container::Container;
use h4mk::knowledge::Knowledge;
use h4mk::text::escape;
use h4mk::time::{Time, format_us};
use h4mk::veri::{Status, Verification};

/// Rows that a notch of the wheel scrolls.
const WHEEL_ROWS: i64 = 3;

/// Changes the state; returns what must be done about the world.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    if let Action::Tick(now) = action {
        state.jobs.tick(now);
        return Vec::new();
    }
    let mut effects = act(state, action);
    if !effects.iter().any(|effect| matches!(effect, Effect::Quit)) {
        filter_tree(state);
        effects.extend(timeline::profile_wanted(state));
        effects.extend(views::of(state.view).wants(state));
        effects.extend(comparison::wanted(state));
        count(state);
    }
    effects
}

fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Do(command) => run(state, command),
        Action::Type(c) => {
            if let Some(prompt) = &mut state.prompt {
                prompt.insert(std::iter::once(c));
            }
            Vec::new()
        }
        Action::Paste(text) => {
            if let Some(prompt) = &mut state.prompt {
                prompt.insert(text.chars());
            }
            Vec::new()
        }
        Action::Click(at) => click(state, at),
        Action::Drag { from, to } => drag(state, from, to),
        Action::Wheel { at, notches } => wheel(state, at, notches),
        Action::Resize(size) => {
            state.size = size;
            refit(state);
            Vec::new()
        }
        Action::Report(report) => reported(state, report),
        // Done before: nothing else depends on it.
        Action::Tick(_) => Vec::new(),
    }
}

fn run(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => {
            state.jobs.cancel_all();
            return vec![Effect::Quit];
        }
        Command::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    if state.help.is_some() {
        help(state, command);
        return Vec::new();
    }
    if state.prompt.is_some() && prompt::takes(command) {
        return answer(state, command);
    }
    if state.popup.is_some() {
        return popup::run(state, command);
    }
    state.message = (command == Command::Close).then(|| state.message.take()).flatten();
    let in_pane = match state.focus {
        _ if comparison::is_shown(state) => comparison::run(state, command),
        Pane::Tree => in_tree(state, command),
        Pane::View => views::of(state.view).run(state, command),
    };
    in_pane.unwrap_or_else(|| anywhere(state, command))
}

/// What a command does where the pane with the keys has no meaning of its own for it.
fn anywhere(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => state.help = Some(Window::default()),
        Command::Close => return close(state),
        Command::NextPane | Command::PreviousPane => {
            state.focus = if state.focus == Pane::Tree { Pane::View } else { Pane::Tree };
            refit(state);
        }
        Command::Show(view) => show(state, view),
        Command::Ask(kind) => ask(state, kind),
        Command::Raw => {
            state.form = if state.form == Form::Raw { Form::Decoded } else { Form::Raw };
            state.say(Level::Info, if state.form == Form::Raw { "blocks as stored" } else { "blocks decoded" });
        }
        Command::Verify => return verify(state),
        Command::Audit => return audit(state),
        Command::Follow => return follow::toggle(state),
        // It holds nothing from the file that could be unsafe.
        Command::Copy | Command::CopyRaw => return copy_chunk(state),
        Command::Back => {
            let place = state.history.back(state.place());
            revisit(state, place, "this is the first place");
        }
        Command::Forward => {
            let place = state.history.forward(state.place());
            revisit(state, place, "this is the last place");
        }
        Command::Mouse => {
            state.mouse = !state.mouse;
            state.say(Level::Info, if state.mouse { "mouse on" } else { "mouse off: the terminal selects text" });
            return vec![Effect::CaptureMouse(state.mouse)];
        }
        Command::NextMatch | Command::PreviousMatch => state.say(Level::Warning, "nothing was searched for here"),
        // No pane has a meaning for these now.
        Command::Move(_) | Command::Open | Command::Fold => {}
        // By name, from another view: it is shown first.
        Command::Zoom(_) | Command::Pan { .. } | Command::Keyframe { .. } | Command::Scale => {
            return run_in(state, View::Timeline, command);
        }
        Command::Compare => comparison::toggle(state),
        Command::List(Listed::NextTrack) if blocks::tracks(state).is_none() => blocks::no_tracks(state),
        Command::List(Listed::NextTrack) => {
            show(state, View::Blocks);
            return blocks::next_track(state);
        }
        Command::List(_) => return run_in(state, View::Blocks, command),
        Command::Hex(_) => return run_in(state, View::Hex, command),
        Command::CopyValue | Command::Bytes => return run_in(state, View::Manifest, command),
        Command::Group => return run_in(state, View::Audit, command),
        Command::Chain => return moment::toggle(state),
        // Belong to a prompt or were done before.
        Command::Submit | Command::Complete | Command::Recall { .. } | Command::Edit(_) => {}
        Command::Quit | Command::Suspend => {}
    }
    Vec::new()
}

/// What a command does in the view that it belongs to.
fn run_in(state: &mut State, view: View, command: Command) -> Vec<Effect> {
    show(state, view);
    views::of(view).run(state, command).unwrap_or_default()
}

fn help(state: &mut State, command: Command) {
    let lines = keymap::help(state).len() as u64;
    let height = state.areas().map_or(0, |areas| areas.overlay.inner.height);
    match (command, &mut state.help) {
        (Command::Close | Command::Help, _) => state.help = None,
        // The help is read by the page and has no cursor to see: its first line moves.
        (Command::Move(motion), Some(window)) => {
            let rows = match motion {
                Motion::Up => -1,
                Motion::Down => 1,
                Motion::PageUp => -i64::from(height.max(1)),
                Motion::PageDown => i64::from(height.max(1)),
                Motion::Home => i64::MIN,
                Motion::End => i64::MAX,
                Motion::Left | Motion::Right => 0,
            };
            window.scroll(rows, lines, height);
        }
        _ => {}
    }
}

fn close(state: &mut State) -> Vec<Effect> {
    if let Some(kind) = state.jobs.cancel_newest() {
        match kind {
            JobKind::List => state.blocks.give_up(),
            JobKind::Diff => state.comparison.iter_mut().for_each(|comparison| comparison.fail("stopped")),
            _ => {}
        }
        state.say(Level::Info, format!("stopped {}", kind.title()));
    } else if state.followed.is_some() {
        return follow::stop(state);
    } else {
        state.message = None;
    }
    Vec::new()
}

/// Shows a view and gives it the keys.
pub(super) fn show(state: &mut State, view: View) {
    if view != state.view {
        state.history.leave(state.place());
        state.view = view;
    }
    state.focus = Pane::View;
    comparison::hide(state);
    refit(state);
}

fn revisit(state: &mut State, place: Option<Place>, otherwise: &str) {
    match place {
        Some(place) => {
            state.view = place.view;
            state.selection = place.selection;
            comparison::hide(state);
            follow_selection(state);
        }
        None => state.say(Level::Info, otherwise),
    }
}

/// Selects something, from wherever; the place before is one to go back to.
pub(super) fn select(state: &mut State, selection: Selection) {
    if selection != state.selection {
        state.history.leave(state.place());
        state.selection = selection;
    }
    comparison::hide(state);
    follow_selection(state);
}

/// Moves every pane to what is selected.
pub(super) fn follow_selection(state: &mut State) {
    let Some(container) = state.container.clone() else { return };
    let index = container.index();
    if let Some(chunk) = state.selection.chunk.and_then(|chunk| index.chunk(chunk))
        && let Some(row) = state.tree.row_of(index, &chunk)
    {
        state.tree.reveal(index, row);
        let (at, len) = (state.tree.place(index, row), state.tree.len(index));
        state.tree_window.jump(at, len, state.pane_height(Pane::Tree));
    }
    View::ALL.into_iter().for_each(|view| views::of(view).follow(state));
}

/// Keeps the panes' cursors in sight after the screen or the list changed.
fn refit(state: &mut State) {
    let len = state.container.as_ref().map_or(0, |container| state.tree.len(container.index()));
    let height = state.pane_height(Pane::Tree);
    state.tree_window.set_cursor(state.tree_window.cursor(), len, height);
    View::ALL.into_iter().for_each(|view| views::of(view).refit(state));
    popup::refit(state);
    comparison::refit(state);
}

/// The tree shows the blocks of the track whose blocks are listed.
fn filter_tree(state: &mut State) {
    let Some(container) = state.container.clone() else { return };
    let only = match (&state.blocks.filter.track, state.tree.only()) {
        (None, None) => return,
        (Some(track), Some(only)) if only.is_of(&container, track) => return,
        (track, _) => track.as_deref().map(|track| Only::of_track(&container, track)),
    };
    state.tree.show_only(only);
    let index = container.index();
    let selected = state.selection.chunk.and_then(|chunk| state.tree.row_of(index, &index.chunk(chunk)?));
    let at = selected.map_or(0, |row| state.tree.place(index, row));
    state.tree_window.set_cursor(at, state.tree.len(index), state.pane_height(Pane::Tree));
}

fn in_tree(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let container = state.container.clone()?;
    let index = container.index();
    let row = state.tree.row(index, state.tree_window.cursor())?;
    let open = state.tree.is_open(index, row);
    match command {
        Command::Move(Motion::Left) => {
            let fold = if open == Some(true) { row } else { state.tree.parent(index, row) };
            state.tree.set_open(index, fold, false);
            tree_cursor(state, &container, fold);
        }
        Command::Move(Motion::Right) => state.tree.set_open(index, row, true),
        Command::Move(motion) => {
            let (len, height) = (state.tree.len(index), state.pane_height(Pane::Tree));
            state.tree_window.step(motion, len, height);
            tree_selects(state, &container);
        }
        Command::Fold | Command::Open if open.is_some() => state.tree.set_open(index, row, open == Some(false)),
        Command::Fold => {
            let fold = state.tree.parent(index, row);
            state.tree.set_open(index, fold, false);
            tree_cursor(state, &container, fold);
        }
        Command::Open => show(state, View::Hex),
        Command::List(Listed::NextTrack) => {
            let effects = blocks::next_track(state);
            if container.tracks().is_some_and(|tracks| tracks.indexed) {
                let text = match &state.blocks.filter.track {
                    Some(track) => format!("blocks of track {}", escape(track)),
                    None => "blocks of all tracks".to_owned(),
                };
                state.say(Level::Info, text);
            }
            return Some(effects);
        }
        _ => return None,
    }
    Some(Vec::new())
}

fn tree_cursor(state: &mut State, container: &Container, row: Row) {
    let index = container.index();
    let (at, len) = (state.tree.place(index, row), state.tree.len(index));
    state.tree_window.set_cursor(at, len, state.pane_height(Pane::Tree));
    tree_selects(state, container);
}

/// The chunk under the tree's cursor becomes what is selected, without moving the tree. Walking over rows leaves no trail
/// in the history.
fn tree_selects(state: &mut State, container: &Container) {
    let index = container.index();
    let row = state.tree.row(index, state.tree_window.cursor());
    if let Some(chunk) = row.and_then(|row| state.tree.chunk(index, row)) {
        state.selection = Selection::of_chunk(container, &chunk);
        View::ALL.into_iter().for_each(|view| views::of(view).follow(state));
    }
}

fn ask(state: &mut State, kind: PromptKind) {
    let value = match (kind, state.selection.block) {
        (PromptKind::Export, _) if !state.may_write => {
            return state.say(Level::Warning, "no file is written from here");
        }
        (PromptKind::Export, None) => {
            return state.say(Level::Warning, "select a block first: `:#0`, or one in Blocks");
        }
        (PromptKind::Export, Some(block)) => format!("block-{block}.bin"),
        (PromptKind::Filter, _) => state.blocks.filter_text(),
        (PromptKind::Secret | PromptKind::MaskKey, _) => {
            if let Some(why) = unlock::useless(state, kind) {
                return state.say(Level::Warning, why);
            }
            String::new()
        }
        _ => String::new(),
    };
    let mut prompt = Prompt::new(kind, &value);
    if kind == PromptKind::Find {
        prompt.example = views::of(state.view).findable();
    }
    state.prompt = Some(prompt);
}

fn answer(state: &mut State, command: Command) -> Vec<Effect> {
    let Some(prompt) = &mut state.prompt else { return Vec::new() };
    match command {
        Command::Close => state.prompt = None,
        Command::Complete => prompt.complete(),
        Command::Recall { earlier } => prompt.recall(&state.answers, earlier),
        Command::Edit(request) => prompt.edit(request),
        Command::Submit if prompt.is_overfull() => prompt.refuse_overfull(),
        Command::Submit if prompt.kind.is_hidden() => return unlock::submit(state),
        Command::Submit => {
            let (kind, text) = (prompt.kind, prompt.input.value().to_owned());
            return match submit(state, kind, &text) {
                Ok(effects) => {
                    state.answers.remember(kind, &text);
                    effects
                }
                Err(error) => {
                    if let Some(prompt) = &mut state.prompt {
                        prompt.error = Some(error);
                    }
                    Vec::new()
                }
            };
        }
        _ => {}
    }
    Vec::new()
}

/// What an answer leads to; an answer that can't be used leaves the prompt open and says why.
fn submit(state: &mut State, kind: PromptKind, text: &str) -> Result<Vec<Effect>, String> {
    let effects = match kind {
        PromptKind::Filter => {
            blocks::set_filter(state, text)?;
            Vec::new()
        }
        _ if text.trim().is_empty() => Vec::new(),
        PromptKind::Time => {
            let container = walked(state)?;
            let time = Time::parse(text).map_err(|error| error.to_string())?;
            let target = match time {
                Time::Block(block) => {
                    let blocks = container.index().blocks();
                    let there = container.index().block(block).map(|_| Target::Block(block));
                    there.ok_or_else(|| BlockError::OutOfRange { index: block, blocks }.to_string())?
                }
                time => {
                    let pts_us = container.time_us(time).map_err(|error| error.to_string())?;
                    Target::Time(pts_us, moment::track(state, &container))
                }
            };
            vec![moment::seek(state, &container, target, Goal::Plays)]
        }
        PromptKind::Command => match command_line::parse(text).map_err(|error| error.to_string())? {
            Line::Command(command) => {
                state.prompt = None;
                return Ok(run(state, command));
            }
            Line::Block(block) => {
                let container = walked(state)?;
                let blocks = container.index().blocks();
                let chunk = container.index().block(block).ok_or_else(|| format!("there are {blocks} blocks"))?;
                select(state, Selection::of_chunk(&container, &chunk));
                say_block(state, &container, block, &chunk);
                vec![moment::seek(state, &container, Target::Block(block), Goal::Follow)]
            }
            Line::Offset(offset) => {
                let container = walked(state)?;
                go_to_offset(state, &container, offset)?
            }
            Line::Within(offset) => hex::go_within(state, offset)?,
            Line::Percent(percent) => {
                let container = walked(state)?;
                let last = container.source().len().saturating_sub(1);
                go_to_offset(state, &container, (last as f64 * percent / 100.0) as u64)?
            }
        },
        PromptKind::Find => {
            let effects = views::of(state.view).find(state, text)?;
            // What is found is in a pane below it.
            comparison::hide(state);
            effects
        }
        PromptKind::Secret | PromptKind::MaskKey => return Ok(unlock::submit(state)),
        PromptKind::Export => {
            let block = state.selection.block.filter(|_| state.may_write).ok_or("no block is selected")?;
            let (container, path) = (walked(state)?, PathBuf::from(text));
            let request = Request::Export { container, block, form: state.form, path };
            vec![Effect::Start(state.jobs.start(request))]
        }
    };
    state.prompt = None;
    Ok(effects)
}

fn walked(state: &State) -> Result<Arc<Container>, String> {
    state.container.clone().ok_or_else(|| "the file is not indexed yet".to_owned())
}

fn go_to_offset(state: &mut State, container: &Container, offset: u64) -> Result<Vec<Effect>, String> {
    let len = container.source().len();
    if offset >= len {
        return Err(format!("the file ends at {len:#x}"));
    }
    select(state, Selection::of_bytes(container, offset..offset + 1));
    show(state, View::Hex);
    Ok(Vec::new())
}

fn verify(state: &mut State) -> Vec<Effect> {
    match state.container.clone().filter(|container| container.is_complete()) {
        Some(container) => vec![Effect::Start(state.jobs.start(Request::Verify(container)))],
        None => {
            state.say(Level::Warning, "wait for the index: VERI stands last");
            Vec::new()
        }
    }
}

/// Starts every check there is.
pub(super) fn audit(state: &mut State) -> Vec<Effect> {
    let request = Request::Audit { source: state.source.clone(), options: state.options.clone() };
    vec![Effect::Start(state.jobs.start(request))]
}

fn copy_chunk(state: &mut State) -> Vec<Effect> {
    let chunk = state.container.as_ref().zip(state.selection.chunk).and_then(|(c, chunk)| c.index().chunk(chunk));
    match chunk {
        Some(chunk) => {
            let text = format!("{} chunk {} at {:#x}, {} bytes", chunk.tag, chunk.index, chunk.offset, chunk.len);
            copied(state, &text)
        }
        None => {
            state.say(Level::Warning, "nothing is selected");
            Vec::new()
        }
    }
}

/// Copies a text as it is shown, and says so.
pub(super) fn copied(state: &mut State, text: &str) -> Vec<Effect> {
    let clip = Clip::shown(text);
    state.say(Level::Info, format!("copied: {}", clip.text()));
    vec![Effect::Copy(clip)]
}

/// Copies a text as it is, and says what that means.
pub(super) fn copied_raw(state: &mut State, text: String) -> Vec<Effect> {
    let shown = escape(&text).into_owned();
    let clip = Clip::raw(text);
    match clip.hazards() {
        0 => state.say(Level::Info, format!("copied raw: {shown}")),
        hazards => {
            let unseen = crate::report::count(hazards, "control or invisible character");
            state.say(Level::Warning, format!("copied raw, with {unseen} that a shell may obey: {shown}"));
        }
    }
    vec![Effect::Copy(clip)]
}

fn click(state: &mut State, at: Position) -> Vec<Effect> {
    if state.help.is_none() && state.popup.take().is_some() {
        return Vec::new();
    }
    let Some(areas) = state.areas().filter(|_| state.help.is_none()) else { return Vec::new() };
    if let Some((view, ..)) = areas.tab_labels(state.view).into_iter().find(|(_, area, _)| area.contains(at)) {
        show(state, view);
        return Vec::new();
    }
    if areas.strip.contains(at) {
        scrub(state, areas.strip, at);
        return Vec::new();
    }
    if comparison::is_shown(state) {
        return comparison::click(state, at);
    }
    let Some((pane, area)) = areas.pane_at(at) else { return Vec::new() };
    state.focus = pane;
    let Some(container) = state.container.clone() else { return Vec::new() };
    if let (Pane::Tree, Some(line)) = (pane, area.line_at(at)) {
        let len = state.tree.len(container.index());
        if let Some(row) = state.tree_window.row_at(line, len) {
            // A second click on the same row opens or folds it.
            if row == state.tree_window.cursor() {
                return in_tree(state, Command::Fold).unwrap_or_default();
            }
            state.tree_window.set_cursor(row, len, area.inner.height);
            tree_selects(state, &container);
        }
    }
    if pane == Pane::View && area.inner.contains(at) {
        return views::of(state.view).click(state, at);
    }
    Vec::new()
}

fn drag(state: &mut State, from: Position, to: Position) -> Vec<Effect> {
    let Some(areas) = state.areas().filter(|_| state.help.is_none() && state.popup.is_none()) else {
        return Vec::new();
    };
    if areas.strip.contains(from) {
        scrub(state, areas.strip, to);
    } else if !comparison::is_shown(state)
        && let Some((Pane::View, area)) = areas.pane_at(from)
        && area.inner.contains(from)
    {
        views::of(state.view).drag(state, from, to);
    }
    Vec::new()
}

/// Selects the block under a column of the strip.
fn scrub(state: &mut State, strip: Rect, at: Position) {
    let Some(container) = state.container.clone() else { return };
    let column = at.x.saturating_sub(strip.x);
    let blocks = layout::strip_blocks(container.index().blocks(), strip.width, column);
    if let Some(chunk) = container.index().block(blocks.start).filter(|_| !blocks.is_empty()) {
        state.selection = Selection::of_chunk(&container, &chunk);
        follow_selection(state);
    }
}

fn wheel(state: &mut State, at: Position, notches: i16) -> Vec<Effect> {
    let rows = i64::from(notches) * WHEEL_ROWS;
    let Some(areas) = state.areas() else { return Vec::new() };
    let lines = keymap::help(state).len() as u64;
    if let Some(window) = &mut state.help {
        window.scroll(rows, lines, areas.overlay.inner.height);
        return Vec::new();
    }
    if state.popup.is_some() {
        popup::scroll(state, rows);
        return Vec::new();
    }
    if comparison::is_shown(state) {
        comparison::wheel(state, rows);
        return Vec::new();
    }
    let Some(container) = state.container.clone() else { return Vec::new() };
    if let Some((Pane::Tree, area)) = areas.pane_at(at) {
        let len = state.tree.len(container.index());
        state.tree_window.scroll(rows, len, area.inner.height);
        tree_selects(state, &container);
    } else if let Some((Pane::View, _)) = areas.pane_at(at) {
        views::of(state.view).wheel(state, rows);
    }
    Vec::new()
}

fn reported(state: &mut State, report: Report) -> Vec<Effect> {
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
        Ok(Outcome::Audited(audit)) => audited(state, audit),
        Ok(Outcome::Verified(verification)) => verified(state, verification),
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
        Ok(Outcome::Profiled(profile)) => {
            state.profile = Some(profile);
            views::of(View::Timeline).follow(state);
        }
        Ok(Outcome::Listed(listing)) => blocks::listed(state, listing),
        Ok(Outcome::Measured(chunk, measure)) => state.blocks.measured(&chunk, measure),
        Ok(Outcome::AllMeasured | Outcome::AllReadAhead | Outcome::Followed) => {}
        Ok(Outcome::Decoded { chunk, coding }) => hex::decoded(state, &chunk, coding),
        Ok(Outcome::ReadAhead { chunk, coding }) => hex::read_ahead(state, &chunk, coding),
        Ok(Outcome::Found { extent, matches }) => return hex::found(state, &extent, matches),
        Ok(Outcome::FoundFrom { from, elsewhere }) => return hex::found_from(state, from, elsewhere),
        Ok(Outcome::Previewed { extent, preview }) => hex::previewed(state, &extent, preview),
        Ok(Outcome::Compared { container, differences }) => {
            // The audit knows more than the comparison does.
            if state.container.as_ref().is_none_or(|present| !present.is_checked()) {
                indexed(state, container);
            }
            comparison::found(state, differences);
        }
        Ok(Outcome::Described(description)) => state.description = Some(description),
        Ok(Outcome::FoundFields(hits)) => {
            manifest::found(state, hits);
            return Vec::new();
        }
        Err(Failure::Cancelled) => return Vec::new(),
        Err(failure) => {
            if let (Some(JobKind::Diff), Some(comparison)) = (kind, &mut state.comparison) {
                comparison.fail(failure.to_string());
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
    count(state);
    effects.extend(View::ALL.into_iter().flat_map(|view| views::of(view).refresh(state)));
    effects
}

/// A container replaces the one before: more of it was walked, all of it was checked, or a key was given.
pub(super) fn indexed(state: &mut State, container: Arc<Container>) {
    let container = unlock::with_keys(state, container);
    match &state.container {
        Some(before) if before.pipeline() == container.pipeline() => hex::forget_failures(state),
        Some(_) => hex::forget(state),
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
    refit(state);
}

fn audited(state: &mut State, audit: Arc<Audit>) {
    state.audit = Some(audit.clone());
    if let Some(container) = &audit.container {
        state.jobs.cancel(JobKind::Index);
        indexed(state, container.clone());
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
fn count(state: &mut State) {
    let Some(container) = &state.container else { return };
    let looked_at = container.looked_at();
    if looked_at != state.tallied {
        state.tally = state.knowledge.tally(container);
        state.tallied = looked_at;
    }
}

fn verified(state: &mut State, verification: Verification) {
    let level = match verification.status {
        Status::Verified => Level::Good,
        Status::Mismatch | Status::Malformed => Level::Error,
        Status::Absent | Status::Unsupported | Status::Unchecked => Level::Warning,
    };
    state.say(level, format!("VERI {}: {}", verification.status.name(), escape(&verification.info)));
    state.verification = Some(verification);
    learn(state);
}

/// Says which block was selected, in views that do not show it.
fn say_block(state: &mut State, container: &Container, block: u64, chunk: &h4mk::index::Chunk) {
    let at = container.pts_us(block).map(|us| format!(", plays at {}", format_us(us))).unwrap_or_default();
    let known = state.knowledge.of_chunk(container, chunk);
    let stored = crate::report::size(chunk.len);
    state.say(
        Level::Info,
        format!("block {block}{at}, {stored} stored at {:#x}, {known}; 4 and 5 show it", chunk.offset),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::state::Setup;
    use crate::tui::testing::{damaged, played, setup};
    use crate::tui::{headless::Player, keys};

    fn message(player: &Player) -> (Level, &str) {
        let message = player.state().message.as_ref().unwrap();
        (message.level, &message.text)
    }

    #[test]
    fn a_timestamp_selects_what_plays_and_keeps_the_playhead() {
        let player = played(80, 24, "t0.2s<Enter>");
        let state = player.state();
        assert_eq!((state.selection.block, state.selection.time_us), (Some(6), Some(200_000)));
        assert_eq!(
            message(&player).1.split(": ").nth(1),
            Some(
                "block 6 plays; c goes to keyframe 4, entry 1 at 133332 us (offset is position in the decoded stream)"
            )
        );
        let row = state.tree.row(state.container.as_ref().unwrap().index(), state.tree_window.cursor());
        assert_eq!(row, Some(Row::Chunk(0, 6)), "the tree follows");
    }

    #[test]
    fn an_offset_leads_to_its_chunk_in_hex() {
        let state = played(80, 24, ":0x1c<Enter>");
        let state = state.state();
        assert_eq!(
            (state.view, state.selection.chunk, state.selection.bytes.clone()),
            (View::Hex, Some(1), Some(28..29))
        );
        let beyond = played(80, 24, ":0x1000<Enter>");
        let prompt = beyond.state().prompt.as_ref().unwrap();
        assert_eq!(prompt.error.as_deref(), Some("the file ends at 0x165"));
    }

    #[test]
    fn places_are_found_again() {
        let at = |text| {
            let player = played(80, 24, text);
            (player.state().view, player.state().selection.block)
        };
        assert_eq!(at(":#5<Enter>4:#7<Enter>"), (View::Blocks, Some(7)));
        assert_eq!(at(":#5<Enter>4:#7<Enter>b"), (View::Blocks, Some(5)));
        assert_eq!(at(":#5<Enter>4:#7<Enter>bb"), (View::Summary, Some(5)));
        assert_eq!(at(":#5<Enter>4:#7<Enter>bbb"), (View::Summary, Some(0)));
        assert_eq!(at(":#5<Enter>4:#7<Enter>bbbff"), (View::Blocks, Some(5)));
    }

    #[test]
    fn the_tree_walks_opens_and_folds() {
        let cursor = |text: &str| {
            let player = played(80, 24, &format!("<Tab>{text}"));
            let state = player.state();
            (state.tree_window.cursor(), state.selection.chunk, state.view)
        };
        assert_eq!(cursor("j"), (1, Some(8), View::Summary));
        assert_eq!(cursor("<Space>jj"), (2, Some(1), View::Summary));
        assert_eq!(cursor("ljjj<Left>"), (0, Some(0), View::Summary), "left folds and goes to the fold");
        assert_eq!(cursor("l<Down><Enter>"), (1, Some(0), View::Hex), "enter opens a chunk");
        assert_eq!(cursor("<Click:3,5>"), (2, Some(9), View::Summary));
        assert_eq!(cursor("<Click:3,3><Click:3,4>"), (1, Some(0), View::Summary), "a second click opens");
        assert_eq!(cursor("m<Click:3,5>"), (0, Some(0), View::Summary), "no mouse");
    }

    #[test]
    fn the_strip_scrubs_and_tabs_switch() {
        let player = played(80, 24, "<Click:45,21><Drag:45,21,75,20><Click:30,1>");
        assert_eq!((player.state().selection.block, player.state().view), (Some(7), View::Timeline));
    }

    #[test]
    fn audit_and_veri_are_done_before_the_next_key() {
        assert_eq!(message(&played(80, 24, "a")), (Level::Good, "ok: 0 findings"));
        let mut player = Player::new(setup(damaged(), 80, 24));
        player.play(keys::parse("av").unwrap());
        let (level, text) = message(&player);
        assert_eq!((level, text.split(':').next()), (Level::Error, Some("VERI mismatch")));
        let audit = player.state().audit.as_ref().unwrap();
        assert_eq!(audit.verdict, Verdict::Damaged);
    }

    #[test]
    fn a_command_line_does_what_keys_do() {
        assert_eq!(message(&played(80, 24, ":aud<Tab><Enter>")), (Level::Good, "ok: 0 findings"));
        assert_eq!(played(80, 24, ":bl<Enter>").state().view, View::Blocks);
        assert!(played(80, 24, ":help<Enter>").state().help.is_some());
        assert_eq!(played(80, 24, "t1<Esc>q4").state().view, View::Summary, "nothing is played after leaving");
    }

    #[test]
    fn overlays_take_the_keys_and_ctrl_c_always_leaves() {
        for before in ["", "?", "t", ":x"] {
            let player = played(80, 24, &format!("{before}<C-c>4"));
            assert_eq!(player.state().view, View::Summary);
        }
        assert_eq!(played(80, 24, "?4q").state().view, View::Summary);
        assert!(played(80, 24, "?4q").state().help.is_none());
    }

    #[test]
    fn reports_of_replaced_jobs_are_ignored() {
        let (mut state, effects) = State::new(setup(damaged(), 80, 24));
        let [Effect::Start(first)] = &effects[..] else { panic!("{effects:?}") };
        let request = first.request.clone();
        state.jobs.start(request);
        let late = Report { id: first.id, outcome: Err(Failure::Failed("late".into())), last: true };
        update(&mut state, Action::Report(late));
        assert_eq!(state.message, None);
    }

    #[test]
    fn a_block_is_exported_where_files_may_be_written() {
        assert_eq!(message(&played(80, 24, "e")), (Level::Warning, "no file is written from here"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b");
        let mut player = Player::new(Setup { may_write: true, ..setup(damaged(), 80, 24) });
        player.play(keys::parse(&format!(":#1<Enter>re<C-u><Paste:{}><Enter>", path.display())).unwrap());
        assert_eq!(message(&player).0, Level::Good);
        assert_eq!(std::fs::read(path).unwrap(), [1, 255, 1, 1]);
    }

    #[test]
    fn an_exported_block_is_called_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let export = |source, name: &str| {
            let path = folder.path().join(name);
            let mut player = Player::new(Setup { may_write: true, ..setup(source, 80, 24) });
            player.play(keys::parse(&format!(":#2<Enter>e<C-u><Paste:{}><Enter>", path.display())).unwrap());
            assert!(path.exists(), "{:?}", player.state().message);
            player.state().message.clone().unwrap()
        };
        let said = export(damaged(), "damaged");
        assert!(said.text.starts_with("block 2 at 40 has a wrong CRC: stored "), "{said:?}");
        assert!(said.level == Level::Warning && said.text.contains("; wrote "), "{said:?}");
        let masked = br#"{"masked":true,"compression":{"engine":"geometric-reference"}}"#;
        let said = export(crate::tui::testing::sample_with(masked), "masked");
        assert!(
            said.text.starts_with("block 2 is masked: no key; given still masked, :mask-key unmasks; wrote"),
            "{said:?}"
        );
        let mut lost = crate::tui::testing::bytes();
        lost[8 + 16..8 + 32].fill(0);
        let said = export(Arc::new(h4mk::source::Source::from_bytes("x", lost)), "provisional");
        assert!(
            said.text.starts_with("block 2 is numbered provisionally: bytes were lost before it; wrote"),
            "{said:?}"
        );
    }

    #[test]
    fn copying_gives_the_text_away() {
        for key in ["y", "<C-y>"] {
            let player = played(80, 24, &format!(":#1<Enter><Tab>{key}"));
            assert_eq!(player.copied(), Some("CORE chunk 1 at 0x18, 4 bytes"));
        }
    }
}
