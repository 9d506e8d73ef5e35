//! What an audit can find: codes, severities, and the words that explain them. One table; every output reads it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// How bad a finding is. Ordered from the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file is damaged or breaks the format.
    Error,
    /// Readable, but not as its writer should have made it.
    Warning,
    /// Worth knowing, but not a fault.
    Info,
}

impl Severity {
    /// The name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a program over this core can do about a finding. How that is asked for depends on the program, and on where the
/// finding is read: an option, a key, a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// Salvage the file: what is intact goes into a new file, with rebuilt tables.
    Salvage,
    /// Salvage it, with flipped bits and tags put back where that is confirmed.
    Mend,
    /// Give the shared secret of encrypted blocks.
    GiveSecret,
    /// Give the master key of masked blocks.
    GiveMaskKey,
    /// Add an engine that decodes the blocks.
    AddEngine,
    /// Choose what SEEK's offsets mean.
    ChooseMeaning,
    /// Raise the limit of what a block may decode to.
    RaiseBlockLimit,
}

/// What to do about a finding, in words that hold wherever they are read; the [`Remedy`] in them is put into words by who
/// shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    text: &'static str,
    remedies: &'static [Remedy],
}

impl Advice {
    /// `text` has a `{}` for each remedy.
    const fn new(text: &'static str, remedies: &'static [Remedy]) -> Self {
        Self { text, remedies }
    }

    /// The advice in one line. `how` says how a remedy is asked for: `with salvage`, `Press E and give the secret`.
    pub fn words(&self, how: impl Fn(Remedy) -> Cow<'static, str>) -> String {
        let mut remedies = self.remedies.iter();
        let parts = self.text.split("{}").enumerate();
        let words = parts.map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => remedies.next().map_or_else(String::new, |remedy| how(*remedy).into_owned()) + part,
        });
        words.collect()
    }
}

/// What would be right where a finding is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A value: an offset, a length, a count, a timestamp.
    Number(u64),
    /// A tag, a digest or CRC in hex, a type.
    Text(String),
}

impl From<u64> for Expected {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Expected {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Expected {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<String> for Expected {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Expected {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $meaning:literal $advice:literal $($remedy:ident)?;)*) => {
        /// A kind of finding. The name is a promise to scripts and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The name used in every output, such as `chunk-crc-mismatch`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The severity unless a finding says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it.
            pub fn advice(self) -> Advice {
                match self { $(Self::$variant => Advice::new($advice, &[$(Remedy::$remedy)?]),)* }
            }
        }
    };
}

codes! {
    NotH4mk "not-h4mk" Error "The file does not begin with the H4MK magic." "Check that it is the right file: every H4MK container begins with this magic.";
    HeaderTruncated "header-truncated" Error "The file ends inside its own header." "Fetch or write the file again: nothing in it can be used.";
    VersionUnsupported "version-unsupported" Error "The header names a version other than 1." "Look at the chunks: if they chain, the version field is wrong, not the rest of the file.";
    ReservedNonzero "reserved-nonzero" Warning "A reserved field is set." "Find out why the writer set it; readers may refuse the file.";
    ChunkTruncated "chunk-truncated" Error "The file ends inside a chunk." "Copy the file again from its source; all chunks before this one are usable.";
    ChunkCrcMismatch "chunk-crc-mismatch" Error "A chunk's bytes do not match its CRC." "Fetch the chunk again; do not trust its content.";
    ChunkLengthRepaired "chunk-length-repaired" Error "A chunk's length field is wrong; its CRC proves the true length." "Write the true length into the header, or save the file {}." Salvage;
    ChunkTagRepaired "chunk-tag-repaired" Error "A chunk's tag is one bit off; VERI proves the true one." "Write the true tag into the header, or salvage {}." Mend;
    RegionSkipped "region-skipped" Error "Bytes here belong to no chunk." "Any chunks that were here are lost: fetch the region again.";
    TrailingBytes "trailing-bytes" Warning "Bytes follow the last chunk." "Look at what was appended, then cut the file at this offset.";
    AppendedContainer "appended-container" Warning "Another container follows this one in the same file." "Split the file at this offset: readers see only the first container.";
    ChunkTagInvalid "chunk-tag-invalid" Warning "A tag is not four printable ASCII characters." "Check the writer, and the tag's bytes for damage: the CRC does not cover the tag.";
    ChunkUnknown "chunk-unknown" Info "The format does not define this tag." "Nothing to do: readers skip the chunk.";
    ChunkDuplicate "chunk-duplicate" Warning "A chunk that should occur only once occurs again." "Remove the later chunk: the first one counts.";
    ChunkMissing "chunk-missing" Warning "A chunk that every container should have is missing." "Have the writer add the chunk; what depends on it is unknown.";
    ChunkAfterVeri "chunk-after-veri" Warning "A chunk follows VERI, so VERI does not cover it." "Do not treat it as verified; have the writer put VERI last.";
    NoBlocks "no-blocks" Warning "There is no CORE chunk, so there is nothing to play." "Check that the writer had any input.";
    Unfinished "unfinished" Error "SEEK, META, SAFE and VERI are all missing: the writer did not finish." "Wait for the writer, or save what has been written {}." Salvage;
    ContainerCrcMismatch "container-crc-mismatch" Error "The closing CRC does not match the bytes before it." "Look for the place in the other findings; if there are none, bytes between chunks or the CRC itself changed.";
    ContainerCrcMissing "container-crc-missing" Error "The file ends without its closing CRC." "Check whether the file was cut off: the last chunks may be missing too.";
    JsonInvalid "json-invalid" Error "A JSON payload can't be parsed." "Correct the JSON at that offset; until then its fields are unknown.";
    JsonNotObject "json-not-object" Error "A JSON payload is not an object." "Have the writer store an object; until then its fields are unknown.";
    JsonDuplicateKey "json-duplicate-key" Warning "A key occurs twice in one JSON object." "Remove one of them: readers differ in which one they use; here the last one counts.";
    JsonBom "json-bom" Warning "A JSON payload begins with a byte order mark." "Remove the mark: strict parsers refuse it.";
    JsonSurrogate "json-surrogate" Warning "A JSON string has an escape that is half of a surrogate pair." "Correct the string: strict parsers refuse the whole document; here it is shown as written.";
    JsonLimit "json-limit" Warning "JSON is nested too deeply, or is too long, to be read." "Check it with another tool: nothing beyond the limit was checked.";
    JsonFieldInvalid "json-field-invalid" Warning "A known field has an invalid type or value." "Correct the field; it is ignored until then.";
    MetaBinary "meta-binary" Warning "META is in the older binary form." "Rewrite it as JSON: this form holds only the duration and the frame count.";
    EngineAssumed "engine-assumed" Info "META does not say how blocks are compressed; the reference engine is assumed." "Nothing to do if the blocks decode correctly.";
    SeekTruncated "seek-truncated" Error "SEEK holds fewer entries than its count says." "Rebuild SEEK {}; until then only the entries that are present are used." Salvage;
    SeekTrailingBytes "seek-trailing-bytes" Warning "SEEK is longer than its count says." "Check the count: entries beyond it are ignored.";
    SeekDuplicatePts "seek-duplicate-pts" Warning "Two SEEK entries have the same timestamp." "Remove one of them: the last one is used.";
    SeekUnsorted "seek-unsorted" Error "SEEK is not in ascending order, so a binary search goes wrong." "Sort the table by pts; here it is sorted before each lookup.";
    SeekUnresolved "seek-unresolved" Error "A SEEK entry does not lead to a block." "Rebuild SEEK {}: players will start decoding in the middle of a block." Salvage;
    SeekAmbiguous "seek-ambiguous" Info "SEEK offsets can be read in more than one way, with different answers." "Choose one {}." ChooseMeaning;
    SeekGopMismatch "seek-gop-mismatch" Warning "SEEK does not match META's gop and fps_hint." "Find out which is right: the times shown come from META, the keyframes from SEEK.";
    BlockOddLength "block-odd-length" Error "A block's RLE payload has an odd length: half a pair is missing." "Write the block again; its whole pairs can still be shown.";
    BlockZeroRun "block-zero-run" Warning "A block holds a run of length 0, which the reference writer never writes." "Check the writer: some decoders read 0 as 256.";
    BlockSizeMismatch "block-size-mismatch" Warning "A block does not decode to META's block_size." "Check the block and META: offsets into the decoded stream shift after this block.";
    BlockTooLarge "block-too-large" Warning "A block decodes to more than the limit, so it was not decoded." "{} if the block is meant to be this large." RaiseBlockLimit;
    BlockOpaque "block-opaque" Info "Blocks come from an engine that can't be decoded here." "{}; the CRCs were checked." AddEngine;
    BlockEncrypted "block-encrypted" Info "Blocks are encrypted, and no secret was given." "{}; the CRCs were checked." GiveSecret;
    BlockMasked "block-masked" Info "Blocks are masked, and no key was given." "{}; the CRCs were checked." GiveMaskKey;
    BlockAuthFailed "block-auth-failed" Error "The given secret does not open the block." "Check that the secret belongs to this file.";
    CipherHeaderInvalid "cipher-header-invalid" Error "An encrypted block does not begin with a whole cipher header." "Fetch the block again.";
    CipherCounterGap "cipher-counter-gap" Error "Message counters jump: encrypted blocks are missing or out of place." "Fetch the missing blocks: the chain can't be decrypted without them in order.";
    CipherTranscriptBroken "cipher-transcript-broken" Error "A block does not carry the transcript of the block before it." "One of the two was changed after encryption: fetch both again.";
    TrackIndexInvalid "track-index-invalid" Error "The track index can't be parsed, or an entry holds an impossible value." "Rebuild the index; until then blocks can't be assigned to tracks.";
    TrackSeekInvalid "track-seek-invalid" Error "A track's seek table can't be parsed, or an entry holds an impossible value." "Rebuild the table; until then seeking in the track means scanning.";
    TrackBlockOutOfRange "track-block-out-of-range" Error "The track index names a block that does not exist." "Rebuild the index, or look for missing blocks.";
    TrackUnknown "track-unknown" Error "A block or a seek table belongs to an undeclared track." "Declare the track, or correct the track id.";
    TrackEntryInconsistent "track-entry-inconsistent" Error "The kind and the keyframe flag of a track index entry contradict each other." "Correct the entry: players start decoding at a block that needs others, or never start at one that needs none.";
    TrackHeaderMissing "track-header-missing" Error "A CORE payload does not begin with an H4TB header." "Fetch the chunk again: it can't be assigned to a track.";
    TrackSeekUnresolved "track-seek-unresolved" Error "A track's seek entry does not lead to a keyframe of that track at its time." "Rebuild the track's table {}." Salvage;
    TrackSeekIncomplete "track-seek-incomplete" Warning "A track's seek table leaves out some of its keyframes." "Rebuild the table: players start decoding too early.";
    TrackBlockUnindexed "track-block-unindexed" Warning "No track index entry names these blocks." "Rebuild the index: players never reach these blocks.";
    TrackUnsorted "track-unsorted" Warning "A track's blocks or its seek table are not in pts order." "Sort them by pts: players expect ascending timestamps and use binary search.";
    TrackKindReserved "track-kind-reserved" Warning "Blocks carry the reserved kind 3." "Check the muxer: only I, P and B are defined.";
    TrackStartsWithoutKeyframe "track-starts-without-keyframe" Warning "A track does not begin with a keyframe." "Check the muxer: blocks before the first keyframe can't be decoded.";
    TrackSeekMissing "track-seek-missing" Warning "A track with keyframes has no seek table." "Have the muxer write one: without it, seeking means scanning.";
    VeriMismatch "veri-mismatch" Error "The digest in VERI does not match the bytes it covers." "The content changed after VERI was written: do not release it.";
    VeriMalformed "veri-malformed" Error "VERI is neither 32 bytes nor a JSON object with a digest." "Have the writer store a digest; until then nothing is verified.";
    VeriUnsupported "veri-unsupported" Warning "VERI can't be recomputed here: it is neither verified nor disproved." "Verify it with its writer's own tool.";
    FileChanged "file-changed" Warning "The file changed while it was being read." "Run again when nothing is writing to the file.";
}

impl Code {
    /// The code of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A single flipped bit that explains a CRC mismatch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Flip {
    /// File offset of the byte.
    pub offset: u64,
    /// The byte as it is in the file.
    pub byte: u8,
    /// The bit in it; 0 is the least significant.
    pub bit: u8,
    /// A VERI that covers the place comes out right once every located repair is made.
    pub confirmed: bool,
    /// The chance that other damage of this chunk would look like one flipped bit.
    pub chance: f64,
}

impl Flip {
    /// The byte as it was before the bit flipped.
    pub fn before(&self) -> u8 {
        self.byte ^ 1u8.checked_shl(u32::from(self.bit)).unwrap_or_default()
    }
}

/// One fault or oddity, and where it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How bad; the code's own severity except where the case decides.
    pub severity: Severity,
    /// File offset; for a chunk's finding that of the chunk header.
    pub offset: u64,
    /// Bytes concerned, from `offset`.
    pub length: u64,
    /// Ordinal of the chunk in the file.
    pub chunk: Option<u64>,
    /// Index of the block, for a CORE chunk.
    pub block: Option<u64>,
    /// What was expected and what was found.
    pub message: String,
    /// The flipped bit, where one explains it.
    pub flip: Option<Flip>,
    /// What would be right, if that is known.
    pub expected: Option<Expected>,
    /// The very bytes at fault, where they are fewer than the whole: file offsets.
    pub focus: Option<Range<u64>>,
}

impl Finding {
    /// A finding about the bytes `offset..offset + length`.
    pub fn at(code: Code, offset: u64, length: u64, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            offset,
            length,
            chunk: None,
            block: None,
            message: message.into(),
            flip: None,
            expected: None,
            focus: None,
        }
    }

    /// A finding about a chunk: its whole range, ordinal and block index.
    pub fn on(code: Code, chunk: &super::index::Chunk, message: impl Into<String>) -> Self {
        let mut finding = Self::at(code, chunk.offset, chunk.end.saturating_sub(chunk.offset), message);
        finding.chunk = Some(chunk.index);
        finding.block = chunk.block;
        finding
    }

    /// What to do about it: its code's advice, unless this very finding knows better.
    pub fn advice(&self) -> Advice {
        match (self.code, &self.flip) {
            (Code::ChunkCrcMismatch, Some(flip)) if flip.confirmed => {
                Advice::new("Salvage {}: it flips the bit back, and VERI's digest confirms that.", &[Remedy::Mend])
            }
            (Code::NotH4mk, _) if self.length == 0 => {
                Advice::new("Write or fetch the file again: nothing ever reached it.", &[])
            }
            _ => self.code.advice(),
        }
    }

    /// Says what would be right.
    pub fn expecting(self, expected: impl Into<Expected>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    /// Says what would be right, if that is known.
    pub fn expecting_if(self, expected: Option<impl Into<Expected>>) -> Self {
        Self { expected: expected.map(Into::into).or(self.expected), ..self }
    }

    /// Says which bytes of the whole are at fault.
    pub fn focused(self, focus: Range<u64>) -> Self {
        Self { focus: Some(focus), ..self }
    }
}

/// How many findings of one code are listed; the rest is counted.
pub const LISTED_PER_CODE: usize = 100;

/// A list of findings, at most [`LISTED_PER_CODE`] of a code, with the count of the rest.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<Code, u64>,
}

impl Findings {
    /// Adds a finding; beyond the limit of its code it is only counted, and `make` is not called.
    pub fn add(&mut self, code: Code, make: impl FnOnce() -> Finding) {
        let count = self.counts.entry(code).or_default();
        *count = count.saturating_add(1);
        if *count <= LISTED_PER_CODE as u64 {
            self.list.push(make());
        }
    }

    /// Adds a finding that is already made.
    pub fn push(&mut self, finding: Finding) {
        self.add(finding.code, || finding);
    }

    /// Adds all of `other`, counts included.
    pub fn merge(&mut self, other: Findings) {
        for finding in other.list {
            let listed = self.list.iter().filter(|f| f.code == finding.code).count();
            if listed < LISTED_PER_CODE {
                self.list.push(finding);
            }
        }
        for (code, count) in other.counts {
            let total = self.counts.entry(code).or_default();
            *total = total.saturating_add(count);
        }
    }

    /// Puts the list into file order.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|f| f.offset);
    }

    /// The listed findings.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// For changing listed findings in place, such as adding flips.
    pub fn list_mut(&mut self) -> &mut [Finding] {
        &mut self.list
    }

    /// How many there are of a code, listed or not.
    pub fn count(&self, code: Code) -> u64 {
        self.counts.get(&code).copied().unwrap_or(0)
    }

    /// How many findings beyond the listed ones there are of each code.
    pub fn omitted(&self) -> BTreeMap<Code, u64> {
        let over = |(code, count): (&Code, &u64)| {
            Some((*code, count.checked_sub(LISTED_PER_CODE as u64)?)).filter(|(_, over)| *over > 0)
        };
        self.counts.iter().filter_map(over).collect()
    }

    /// The worst severity listed.
    pub fn worst(&self) -> Option<Severity> {
        self.list.iter().map(|f| f.severity).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
        }
    }

    #[test]
    fn a_finding_may_know_better_than_its_code() {
        let mut finding = Finding::at(Code::ChunkCrcMismatch, 0, 1, "x");
        assert_eq!(finding.advice(), Code::ChunkCrcMismatch.advice());
        for confirmed in [true, false] {
            finding.flip = Some(Flip { offset: 0, byte: 0, bit: 0, confirmed, chance: 0.0 });
            let words = finding.advice().words(|remedy| if remedy == Remedy::Mend { "so" } else { "?" }.into());
            assert_eq!(words.starts_with("Salvage so:"), confirmed, "{words}");
        }
        let advice = |length| Finding::at(Code::NotH4mk, 0, length, "x").advice();
        assert_ne!(advice(0), advice(4));
    }

    #[test]
    fn advice_has_a_place_for_each_remedy_and_none_for_a_program_s_own_words() {
        for code in Code::ALL {
            let advice = code.advice();
            assert_eq!(advice.text.matches("{}").count(), advice.remedies.len(), "{code}");
            assert!(!advice.text.contains("--") && !advice.text.contains('`'), "{code}: {}", advice.text);
            let words = advice.words(|_| "Somehow".into());
            assert!(words.ends_with(['.', '!']) && !words.contains("{}"), "{code}: {words}");
        }
    }

    #[test]
    fn beyond_the_limit_findings_are_counted() {
        let mut findings = Findings::default();
        for n in 0..130 {
            findings.push(Finding::at(Code::ChunkCrcMismatch, n, 1, "x"));
        }
        assert_eq!(findings.list().len(), 100);
        assert_eq!(findings.omitted().get(&Code::ChunkCrcMismatch), Some(&30));
        let mut all = Findings::default();
        all.push(Finding::at(Code::ChunkCrcMismatch, 0, 1, "y"));
        all.merge(findings);
        assert_eq!((all.list().len(), all.count(Code::ChunkCrcMismatch)), (100, 131));
    }
}
