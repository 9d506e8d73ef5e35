//! What a salvage has to say beside its lists.

use std::borrow::Cow;
use std::fmt;

/// What a program over this core can offer about a note. How that is asked for depends on the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// Salvage with empty blocks in place of lost ones.
    Placeholders,
    /// Salvage with flipped bits put back where that is confirmed.
    Repair,
    /// Read an encrypted block of the source, by its index there and the secret.
    ReadEncrypted,
    /// Read a masked block of the source, by its index there and the mask key.
    ReadMasked,
    /// Open the output with the meaning of SEEK's offsets that was given for the source.
    SameMeaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phrase {
    Text(String),
    Way(Way),
}

/// A sentence for whoever uses the output; the [`Way`]s in it are put into words by who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(Vec<Phrase>);

impl Note {
    pub(super) fn way(mut self, way: Way) -> Self {
        self.0.push(Phrase::Way(way));
        self
    }

    pub(super) fn then(mut self, text: impl Into<String>) -> Self {
        self.0.push(Phrase::Text(text.into()));
        self
    }

    /// The sentence. `how` says how something is asked for.
    pub fn words(&self, how: impl Fn(Way) -> Cow<'static, str>) -> String {
        let part = |part: &Phrase| match part {
            Phrase::Text(text) => text.clone(),
            Phrase::Way(way) => how(*way).into_owned(),
        };
        self.0.iter().map(part).collect()
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self(vec![Phrase::Text(text)])
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Way> for Note {
    fn from(way: Way) -> Self {
        Self(vec![Phrase::Way(way)])
    }
}

/// In the words of this core.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(|way| {
            Cow::Borrowed(match way {
                Way::Placeholders => "a salvage with placeholders",
                Way::Repair => "a salvage with repairs",
                Way::ReadEncrypted => "reading it with the secret",
                Way::ReadMasked => "reading it with the mask key",
                Way::SameMeaning => "the meaning given for the source",
            })
        }))
    }
}
