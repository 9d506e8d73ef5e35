//! What a key, or a command's name, asks for.

use super::answers::{Answered, answer, ask};
use crate::tui::command::{Command, Level, ListChange, Pane, View};
use crate::tui::rows::{Motion, Window};
use crate::tui::state::{
    Effect, JobKind, State, blocks, checks, comparison, copy, follow, help, hex, moment, panes, popup, prompt,
};
use h4mk::block::Form;

/// Does what a command says where the keys are, or the same everywhere.
pub(super) fn run(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => {
            state.jobs.cancel_all();
            return vec![Effect::Quit];
        }
        Command::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    if state.help.is_some() {
        in_help(state, command);
        return Vec::new();
    }
    if state.prompt.is_some() && prompt::takes(command) {
        return match answer(state, command) {
            Answered::Done(effects) => effects,
            Answered::Run(command) => run(state, command),
        };
    }
    if state.popup.is_some() {
        return popup::behaviour::run(state, command);
    }
    state.message = (command == Command::Close).then(|| state.message.take()).flatten();
    let in_pane = panes::with_keys(state).run(state, command);
    in_pane.unwrap_or_else(|| anywhere(state, command))
}

/// What a command does where the pane with the keys has no meaning of its own for it.
fn anywhere(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => state.help = Some(Window::default()),
        Command::Close => return close(state),
        Command::NextPane | Command::PreviousPane => {
            state.focus = if state.focus == Pane::Tree { Pane::View } else { Pane::Tree };
            state.moved.sizes = true;
        }
        Command::Show(view) => state.show(view),
        Command::Ask(kind) => ask(state, kind),
        Command::Raw => {
            state.form = if state.form == Form::Raw { Form::Decoded } else { Form::Raw };
            state.say(
                Level::Info,
                if state.form == Form::Raw { "blocks are shown as stored" } else { "blocks are shown decoded" },
            );
        }
        Command::Verify => return checks::verify(state),
        Command::Audit => return checks::audit(state),
        Command::Follow => return follow::toggle(state),
        Command::Copy | Command::CopyRaw => return copy::selected_chunk(state),
        Command::Back => {
            let place = state.history.back(state.place());
            if !state.revisit(place) {
                state.say(Level::Info, "this is the first place");
            }
        }
        Command::Forward => {
            let place = state.history.forward(state.place());
            if !state.revisit(place) {
                state.say(Level::Info, "this is the last place");
            }
        }
        Command::Mouse => {
            state.mouse = !state.mouse;
            state.say(
                Level::Info,
                if state.mouse { "the mouse is on" } else { "the mouse is off: the terminal selects text" },
            );
            return vec![Effect::CaptureMouse(state.mouse)];
        }
        Command::NextMatch | Command::PreviousMatch => state.say(Level::Warning, "nothing to search for yet"),
        // No pane has a meaning for these now.
        Command::Move(_) | Command::Open | Command::Fold => {}
        // By name, from another view: it is shown first.
        Command::Zoom(_) | Command::Pan { .. } | Command::Keyframe { .. } | Command::Scale => {
            return run_in(state, View::Timeline, command);
        }
        Command::Compare => comparison::behaviour::toggle(state),
        Command::List(ListChange::NextTrack) if blocks::behaviour::tracks(state).is_none() => {
            blocks::behaviour::no_tracks(state)
        }
        Command::List(ListChange::NextTrack) => {
            state.show(View::Blocks);
            return blocks::behaviour::next_track(state);
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
    state.show(view);
    panes::of(view).run(state, command).unwrap_or_default()
}

fn in_help(state: &mut State, command: Command) {
    let lines = help::help(state).len() as u64;
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
            JobKind::Find => state.hex.search.iter_mut().for_each(hex::search::Search::stop),
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
