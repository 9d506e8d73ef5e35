//! A line that asks the user for something.

use std::fmt;

use tui_input::{Input, InputRequest};
use zeroize::Zeroizing;

use super::command_line;
use crate::tui::command::{Command, PromptKind};
use h4mk::secret::MAX_KEY_BYTES;

/// The longest answer, in characters. What would make it longer is refused: what was cut is something else.
const MAX_CHARS: usize = 4096;

/// The longest hidden answer: a key, and some white space.
const MAX_HIDDEN_CHARS: usize = MAX_KEY_BYTES * 2 + 64;

/// Stands for a hidden character in what is shown and edited.
const STAND_IN: char = '*';

/// Answers that are remembered, of each kind.
const REMEMBERED: usize = 50;

/// A prompt that waits for its answer.
#[derive(Debug)]
pub struct Prompt {
    /// What is asked for.
    pub kind: PromptKind,
    /// The answer so far; of a hidden one, a `*` for each character.
    pub input: Input,
    /// What an answer looks like.
    pub example: &'static str,
    /// Why the last answer was not accepted.
    pub error: Option<String>,
    recalled: usize,
    hidden: Option<Hidden>,
    /// Something was refused for its length, and nothing was changed since.
    overfull: bool,
}

/// Text that nobody may see. Its room is taken once, so that it leaves no copies behind as it grows, and wiped in the end.
struct Hidden(Zeroizing<String>);

impl Hidden {
    fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(MAX_HIDDEN_CHARS * 4)))
    }

    fn insert(&mut self, at: usize, c: char) {
        let place = self.place(at);
        self.0.insert(place, c);
    }

    fn remove(&mut self, at: usize, count: usize) {
        let range = self.place(at)..self.place(at.saturating_add(count));
        self.0.drain(range);
    }

    /// Where a character begins, in bytes.
    fn place(&self, at: usize) -> usize {
        self.0.char_indices().nth(at).map_or(self.0.len(), |(place, _)| place)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Prompt {
    /// A prompt whose answer starts as `value`.
    pub fn new(kind: PromptKind, value: &str) -> Self {
        let hidden = kind.is_hidden().then(Hidden::new);
        let example = kind.example();
        Self { kind, input: Input::new(value.to_owned()), example, error: None, recalled: 0, hidden, overfull: false }
    }

    /// The answer so far where it is hidden.
    pub(super) fn hidden(&self) -> Option<&str> {
        self.hidden.as_ref().map(|hidden| hidden.0.as_str())
    }

    /// The longest answer, in characters.
    fn most(&self) -> usize {
        if self.hidden.is_some() { MAX_HIDDEN_CHARS } else { MAX_CHARS }
    }

    /// Whether the answer isn't what was typed: some of it was too long.
    pub(super) fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// Says why the answer isn't taken.
    pub(super) fn refuse_overfull(&mut self) {
        self.error = Some(format!("longer than {} characters; the rest was left out", self.most()));
    }

    /// Inserts what was typed or pasted, whole or not at all; characters that aren't text are dropped.
    pub fn insert(&mut self, text: impl Iterator<Item = char> + Clone) {
        self.error = None;
        let room = self.most().saturating_sub(self.len());
        let text = text.filter(|c| !h4mk::text::is_unsafe(*c));
        if text.clone().nth(room).is_some() {
            self.overfull = true;
            self.refuse_overfull();
            return;
        }
        for c in text {
            let shown = match &mut self.hidden {
                Some(hidden) => {
                    hidden.insert(self.input.cursor(), c);
                    STAND_IN
                }
                None => c,
            };
            self.input.handle(InputRequest::InsertChar(shown));
        }
    }

    /// Characters of the answer.
    fn len(&self) -> usize {
        self.input.value().chars().count()
    }

    /// Edits the answer.
    pub fn edit(&mut self, request: InputRequest) {
        self.error = None;
        self.overfull = false;
        let before = self.len();
        match &self.hidden {
            // What was deleted of a key is gone.
            Some(_) if request == InputRequest::Yank => return,
            _ => self.input.handle(request),
        };
        let removed = before.saturating_sub(self.len());
        if let Some(hidden) = &mut self.hidden {
            // Whatever is deleted, the cursor is where it was.
            hidden.remove(self.input.cursor(), removed);
        }
    }

    /// Completes a command's name as far as it is certain.
    pub fn complete(&mut self) {
        if self.kind == PromptKind::Command
            && let Some(longer) = command_line::complete(self.input.value())
        {
            self.input = Input::new(longer);
        }
    }

    /// Brings an earlier answer back, or a later one.
    pub fn recall(&mut self, answers: &Answers, earlier: bool) {
        if self.hidden.is_some() {
            return;
        }
        self.overfull = false;
        let known: Vec<_> = answers.of(self.kind).collect();
        self.recalled = match earlier {
            true => (self.recalled + 1).min(known.len()),
            false => self.recalled.saturating_sub(1),
        };
        let value = self.recalled.checked_sub(1).and_then(|back| known.get(back)).copied().unwrap_or_default();
        self.input = Input::new(value.to_owned());
    }
}

/// Answers given before, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Answers(Vec<(PromptKind, String)>);

impl Answers {
    /// Remembers an answer; one given before moves to the end.
    pub fn remember(&mut self, kind: PromptKind, answer: &str) {
        if answer.is_empty() {
            return;
        }
        self.0.retain(|(k, a)| *k != kind || a != answer);
        if self.of(kind).count() == REMEMBERED
            && let Some(oldest) = self.0.iter().position(|(k, _)| *k == kind)
        {
            self.0.remove(oldest);
        }
        self.0.push((kind, answer.to_owned()));
    }

    /// The answers of a kind, the newest first.
    pub fn of(&self, kind: PromptKind) -> impl Iterator<Item = &str> {
        self.0.iter().rev().filter(move |(k, _)| *k == kind).map(|(_, answer)| answer.as_str())
    }
}

/// Whether a command belongs to an open prompt.
pub(super) fn takes(command: Command) -> bool {
    use Command::*;
    matches!(command, Submit | Complete | Recall { .. } | Edit(_) | Close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_is_text_and_bounded() {
        let mut prompt = Prompt::new(PromptKind::Find, "");
        prompt.insert("a\x1b[2Jb\u{202e}\n日".chars());
        assert_eq!(prompt.input.value(), "a[2Jb日");
        prompt.insert(std::iter::repeat_n('x', 100_000));
        assert_eq!(prompt.input.value(), "a[2Jb日", "nothing of it");
        assert!(prompt.is_overfull() && prompt.error.is_some());
        prompt.edit(InputRequest::GoToEnd);
        prompt.insert(std::iter::repeat_n('x', MAX_CHARS - 6));
        assert!(!prompt.is_overfull() && prompt.input.value().chars().count() == MAX_CHARS);
        prompt.insert(std::iter::once('x'));
        assert!(prompt.is_overfull() && prompt.input.value().chars().count() == MAX_CHARS);
    }

    #[test]
    fn a_hidden_answer_is_edited_unseen() {
        let mut prompt = Prompt::new(PromptKind::Secret, "");
        prompt.insert("c0ff\né".chars());
        assert_eq!((prompt.hidden(), prompt.input.value()), (Some("c0ffé"), "*****"));
        let mut hidden = |requests: &[InputRequest]| {
            requests.iter().for_each(|request| prompt.edit(*request));
            assert_eq!(prompt.input.value().len(), prompt.hidden().unwrap().chars().count());
            prompt.hidden().unwrap().to_owned()
        };
        use InputRequest::*;
        assert_eq!(hidden(&[DeletePrevChar, GoToStart, GoToNextChar, DeleteNextChar]), "cff");
        assert_eq!(hidden(&[DeleteTillEnd, Yank]), "c");
        assert_eq!(hidden(&[GoToStart, Yank, GoToEnd, DeletePrevWord, Yank]), "");
        prompt.insert("12".chars());
        prompt.edit(GoToStart);
        prompt.insert("ab".chars());
        prompt.recall(&Answers::default(), true);
        assert_eq!(prompt.hidden(), Some("ab12"));
        let debug = format!("{prompt:?}");
        assert!(debug.contains("Hidden(…)") && !debug.contains("12"), "{debug}");
        prompt.insert(std::iter::repeat_n('日', 5000));
        assert!(prompt.is_overfull() && prompt.hidden() == Some("ab12"));
        prompt.insert(std::iter::repeat_n('日', MAX_HIDDEN_CHARS - 4));
        let room = prompt.hidden.as_ref().unwrap().0.capacity();
        assert_eq!((prompt.len(), room), (MAX_HIDDEN_CHARS, MAX_HIDDEN_CHARS * 4), "it never moves");
    }

    #[test]
    fn answers_come_back_newest_first() {
        let mut answers = Answers::default();
        for answer in ["a", "b", "a", ""] {
            answers.remember(PromptKind::Time, answer);
        }
        answers.remember(PromptKind::Find, "z");
        let mut prompt = Prompt::new(PromptKind::Time, "");
        let mut recall = |earlier| {
            prompt.recall(&answers, earlier);
            prompt.input.value().to_owned()
        };
        assert_eq!([recall(true), recall(true), recall(true)], ["a", "b", "b"]);
        assert_eq!([recall(false), recall(false)], ["a", ""]);
        (0..1000).for_each(|n| answers.remember(PromptKind::Time, &n.to_string()));
        assert_eq!((answers.of(PromptKind::Time).count(), answers.of(PromptKind::Find).count()), (REMEMBERED, 1));
    }
}
