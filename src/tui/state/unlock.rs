//! Keys of protected blocks that the user types. They go into the options that every job reads the file with.

use std::sync::Arc;

use super::{Effect, JobKind, Level, Prompt, PromptKind, Request, State, checks, knowledge};
use h4mk::block::Form;
use h4mk::codec::{cipher, mask};
use h4mk::container::{Container, Options};
use h4mk::secret::Secret;

impl State {
    /// Whether blocks are encrypted in a way that a secret opens.
    pub fn takes_secret(&self) -> bool {
        self.container.as_ref().is_some_and(|container| container.pipeline().is_living_cipher())
    }

    /// Whether blocks are masked.
    pub fn takes_mask_key(&self) -> bool {
        self.container.as_ref().is_some_and(|container| container.pipeline().masked)
    }
}

/// Why a key of that kind would be of no use.
pub(super) fn useless(state: &State, kind: PromptKind) -> Option<String> {
    let Some(container) = &state.container else { return Some("the file is not indexed yet".to_owned()) };
    let pipeline = container.pipeline();
    match (kind, &pipeline.cipher) {
        (PromptKind::Secret, None) => Some("the blocks are not encrypted".to_owned()),
        (PromptKind::Secret, Some(cipher)) if cipher != h4mk::block::LIVING_CIPHER => {
            Some(format!("blocks encrypted with {} can't be decrypted here", h4mk::text::escape(cipher)))
        }
        (PromptKind::MaskKey, _) if !pipeline.masked => Some("the blocks are not masked".to_owned()),
        _ => None,
    }
}

/// Takes the key in the prompt and has it tried, while the prompt waits. What was typed is wiped, accepted or not.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    given_up(state);
    let Some(prompt) = state.prompt.take() else { return Vec::new() };
    let kind = prompt.kind;
    let typed = prompt.hidden().unwrap_or_default();
    if typed.trim().is_empty() {
        return Vec::new();
    }
    let key = Secret::from_hex(typed).and_then(|key| {
        if kind == PromptKind::Secret {
            cipher::check_secret(&key)?
        } else {
            mask::check_key(&key)?
        }
        Ok(Arc::new(key))
    });
    match (key, state.container.clone()) {
        (Ok(key), Some(container)) => {
            let mut options = state.options.clone();
            match kind {
                PromptKind::Secret => options.shared_secret = Some(key),
                _ => options.mask_key = Some(key),
            }
            ask_again(state, kind, "the key is being tried".to_owned());
            vec![Effect::Start(state.jobs.start(Request::Unlock { container, options, kind }))]
        }
        (Ok(_), None) => Vec::new(),
        (Err(error), _) => {
            ask_again(state, kind, error.to_string());
            Vec::new()
        }
    }
}

/// The prompt was given up, or another key is typed: the one that is being tried isn't wanted any more.
pub(super) fn given_up(state: &mut State) {
    state.jobs.cancel(JobKind::Unlock);
}

/// Says why a key isn't taken: in its prompt, where that still waits.
pub(super) fn refuse(state: &mut State, kind: Option<PromptKind>, why: String) {
    match &mut state.prompt {
        Some(prompt) if prompt.kind.is_hidden() && kind.is_none_or(|kind| kind == prompt.kind) => {
            prompt.error = Some(why)
        }
        _ => state.say(Level::Error, why),
    }
}

/// A key was tried. Everything is read with it from now on, unless it opens nothing. The chunks stay as they were walked.
pub(super) fn unlocked(
    state: &mut State,
    container: Arc<Container>,
    before: &Arc<Container>,
    kind: PromptKind,
    tried: Option<(u64, bool)>,
) -> Vec<Effect> {
    let name = if kind == PromptKind::Secret { "shared secret" } else { "mask key" };
    if let Some((block, false)) = tried {
        refuse(state, Some(kind), format!("this {name} does not open block {block}, which is intact"));
        return Vec::new();
    }
    state.prompt = state.prompt.take().filter(|prompt| prompt.kind != kind);
    let growing = state.options.growing;
    state.options = Options { growing, ..container.options().clone() };
    super::hex::reading::forget(state);
    super::comparison::behaviour::forget(state);
    let mut effects = Vec::new();
    match state.container.clone() {
        // More was walked meanwhile, and is read with the key as well.
        Some(present) if !Arc::ptr_eq(&present, before) => {
            effects.extend(knowledge::read_with_keys(state, &present));
        }
        _ => knowledge::indexed(state, container),
    }
    // Whoever gives a key wants to see what it opens.
    state.form = Form::Decoded;
    if state.audit.is_some() || state.jobs.is_running(JobKind::Audit) {
        effects.extend(checks::audit(state));
    }
    let (level, text) = match (kind, tried) {
        (PromptKind::Secret, Some((block, _))) => {
            (Level::Good, format!("this {name} opens block {block}; blocks are read with it from now on"))
        }
        (PromptKind::Secret, None) => {
            (Level::Warning, format!("blocks are read with this {name} from now on; no intact block can test it"))
        }
        _ => (
            Level::Info,
            format!("blocks are read with this {name} from now on; only their content shows if it is right"),
        ),
    };
    state.say(level, text);
    effects
}

/// Leaves the prompt open, empty, and says why: what is typed next is the next try.
fn ask_again(state: &mut State, kind: PromptKind, why: String) {
    let mut again = Prompt::new(kind, "");
    again.error = Some(why);
    state.prompt = Some(again);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::state::update::update;
    use crate::tui::state::{Action, Report};
    use crate::tui::testing::{finish, setup, type_keys};
    use crate::tui::workers;
    use h4mk::source::Source;

    #[test]
    fn a_job_that_began_before_the_key_does_not_undo_it() {
        let source = Source::from_bytes("x", std::fs::read("sample-data/encrypted.h4mk").unwrap());
        let (mut state, effects) = State::new(setup(Arc::new(source), 80, 24));
        let [Effect::Start(index)] = &effects[..] else { panic!("{effects:?}") };
        let mut reports: Vec<Report> = Vec::new();
        workers::perform(index, &mut |report| reports.push(report));
        let last = reports.pop().unwrap();
        update(&mut state, Action::Report(Report { last: false, ..last.clone() }));
        let secret = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
        let effects = type_keys(&mut state, &format!("E{secret}<Enter>"));
        finish(&mut state, effects);
        let content = |state: &State| state.container.as_ref().unwrap().block(0).map(|content| content.stage);
        let before = content(&state);
        assert_eq!(before, Ok(h4mk::block::Stage::Plain));
        let effects = update(&mut state, Action::Report(last));
        assert_eq!(content(&state), before, "it is read with the key before it is shown");
        finish(&mut state, effects);
        assert_eq!(content(&state), before);
    }

    #[test]
    fn a_key_is_tried_where_that_proves_something() {
        let said = |file: &str, keys: &str| {
            let source = Source::from_bytes("x", std::fs::read(format!("sample-data/{file}")).unwrap());
            let player = crate::tui::testing::played_with(Arc::new(source), keys);
            let message = player.state().message.clone().unwrap();
            (message.level, message.text)
        };
        let secret = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
        let (level, text) = said("encrypted.h4mk", &format!("E{secret}<Enter>"));
        assert!(level == Level::Good && text.contains("opens block 0"), "{text}");
        let (level, text) = said("masked.h4mk", &format!("M{}<Enter>", "00".repeat(16)));
        assert!(level == Level::Info && text.contains("only their content shows"), "{text}");
    }

    #[test]
    fn a_key_that_is_being_tried_leaves_other_prompts_alone() {
        let source = Source::from_bytes("x", std::fs::read("sample-data/encrypted.h4mk").unwrap());
        let mut state = crate::tui::testing::played_with(Arc::new(source), "").into_state();
        let tried = type_keys(&mut state, &format!("E{}<Enter>", "00".repeat(32)));
        let [Effect::Start(job)] = &tried[..] else { panic!("{tried:?}") };
        _ = type_keys(&mut state, "<Enter>:#3");
        assert!(job.task.check().is_err(), "nobody waits for it");
        let mut reports = Vec::new();
        workers::perform(job, &mut |report| reports.push(report));
        reports.into_iter().for_each(|report| _ = update(&mut state, Action::Report(report)));
        let prompt = state.prompt.as_ref().unwrap();
        assert_eq!((prompt.kind, prompt.input.value(), &prompt.error), (PromptKind::Command, "#3", &None));
    }
}
