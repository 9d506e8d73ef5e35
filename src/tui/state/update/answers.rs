//! Prompts, and what their answers lead to.

use std::path::PathBuf;
use std::sync::Arc;

use crate::tui::command::{Command, Level, PromptKind, View};
use crate::tui::state::command_line::{self, Line};
use crate::tui::state::request::{Goal, Request, Target};
use crate::tui::state::{Effect, Prompt, Selection, State, blocks, hex, moment, panes, unlock};
use h4mk::block::BlockError;
use h4mk::container::Container;
use h4mk::time::{Time, format_us};

/// What came of a command while a prompt is open.
pub(super) enum Answered {
    /// It is done.
    Done(Vec<Effect>),
    /// The answer is the name of this command, which is still to be run.
    Run(Command),
}

impl Answered {
    fn nothing() -> Self {
        Self::Done(Vec::new())
    }
}

/// Opens a prompt, or says why there is nothing to ask.
pub(super) fn ask(state: &mut State, kind: PromptKind) {
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
        prompt.example = panes::of(state.view).findable();
    }
    state.prompt = Some(prompt);
}

/// Edits the answer, accepts it or gives it up.
pub(super) fn answer(state: &mut State, command: Command) -> Answered {
    let Some(prompt) = &mut state.prompt else { return Answered::nothing() };
    match command {
        Command::Close => {
            state.prompt = None;
            unlock::given_up(state);
        }
        Command::Complete => prompt.complete(),
        Command::Recall { earlier } => prompt.recall(&state.answers, earlier),
        Command::Edit(request) => prompt.edit(request),
        Command::Submit if prompt.is_overfull() => prompt.refuse_overfull(),
        Command::Submit if prompt.kind.is_hidden() => return Answered::Done(unlock::submit(state)),
        Command::Submit => {
            let (kind, text) = (prompt.kind, prompt.input.value().to_owned());
            return match submit(state, kind, &text) {
                Ok(answered) => {
                    state.answers.remember(kind, &text);
                    answered
                }
                Err(error) => {
                    if let Some(prompt) = &mut state.prompt {
                        prompt.error = Some(error);
                    }
                    Answered::nothing()
                }
            };
        }
        _ => {}
    }
    Answered::nothing()
}

/// What an answer leads to; an answer that can't be used leaves the prompt open and says why.
fn submit(state: &mut State, kind: PromptKind, text: &str) -> Result<Answered, String> {
    let effects = match kind {
        PromptKind::Filter => {
            blocks::behaviour::set_filter(state, text)?;
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
                return Ok(Answered::Run(command));
            }
            Line::Block(block) => {
                let container = walked(state)?;
                let blocks = container.index().blocks();
                let chunk = container.index().block(block).ok_or_else(|| format!("there are {blocks} blocks"))?;
                state.select(Selection::of_chunk(&container, &chunk));
                say_block(state, &container, block, &chunk);
                vec![moment::seek(state, &container, Target::Block(block), Goal::Follow)]
            }
            Line::Offset(offset) => {
                let container = walked(state)?;
                go_to_offset(state, &container, offset)?
            }
            Line::Within(offset) => hex::reading::go_within(state, offset)?,
            Line::Percent(percent) => {
                let container = walked(state)?;
                let last = container.source().len().saturating_sub(1);
                go_to_offset(state, &container, (last as f64 * percent / 100.0) as u64)?
            }
        },
        PromptKind::Find => {
            let found = panes::of(state.view).find(state, text);
            let effects = found.unwrap_or_else(|| hex::searching::find_from_elsewhere(state, text))?;
            // What is found is in a pane below it.
            state.hide_comparison();
            effects
        }
        PromptKind::Secret | PromptKind::MaskKey => return Ok(Answered::Done(unlock::submit(state))),
        PromptKind::Export => {
            let block = state.selection.block.filter(|_| state.may_write).ok_or("no block is selected")?;
            let (container, path) = (walked(state)?, PathBuf::from(text));
            let request = Request::Export { container, block, form: state.form, path };
            vec![Effect::Start(state.jobs.start(request))]
        }
    };
    state.prompt = None;
    Ok(Answered::Done(effects))
}

fn walked(state: &State) -> Result<Arc<Container>, String> {
    state.container.clone().ok_or_else(|| "the file is not indexed yet".to_owned())
}

fn go_to_offset(state: &mut State, container: &Container, offset: u64) -> Result<Vec<Effect>, String> {
    let len = container.source().len();
    if offset >= len {
        return Err(format!("the file ends at {len:#x}"));
    }
    state.select(Selection::of_bytes(container, offset..offset + 1));
    state.show(View::Hex);
    Ok(Vec::new())
}

/// Says which block was selected, in views that do not show it.
fn say_block(state: &mut State, container: &Container, block: u64, chunk: &h4mk::index::Chunk) {
    let at = container.pts_us(block).map(|us| format!(", plays at {}", format_us(us))).unwrap_or_default();
    let known = state.knowledge.of_chunk(container, chunk);
    let stored = crate::report::size(chunk.len());
    state.say(
        Level::Info,
        format!("block {block}{at}, {stored} stored at {:#x}, {known}; 4 and 5 show it", chunk.offset()),
    );
}
