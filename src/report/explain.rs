//! What a finding means, with an example and what to do: the text of `explain`, of SARIF's help and of docs/findings.md.

use std::io::{self, Write};

use super::advice::on_the_command_line;
use super::style::{Paint, Role};
use h4mk::finding::Code;
use h4mk::name::percent_encoded;

/// Where docs/findings.md is published, if that was said when the program was built.
const DOCS: Option<&str> = option_env!("H4INSPECT_DOCS");

/// All there is to say about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// How it is found, and what follows from it.
    pub about: &'static str,
    /// A message that it has.
    pub example: &'static str,
    /// What to do, in the words of the command line.
    pub advice: String,
}

impl Explanation {
    /// Of that code.
    pub fn of(code: Code) -> Self {
        let (about, example) = text(code);
        Self { code, about, example, advice: code.advice().words(on_the_command_line) }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let severity = self.code.severity();
        writeln!(out, "{} ({})", paint.paint(Role::Heading, self.code), paint.paint(severity.into(), severity))?;
        writeln!(out, "{}\n", self.code.meaning())?;
        for line in wrapped(self.about) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "\n{}\n  {}\n", paint.paint(Role::Label, "For example:"), self.example)?;
        writeln!(out, "{}\n  {}", paint.paint(Role::Label, "What to do:"), self.advice)
    }

    /// As plain text.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory does not fail.
        _ = self.write_text(&mut text, Paint::PLAIN);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// As Markdown, without a heading.
    pub fn markdown(&self) -> String {
        let Self { code, about, example, advice } = self;
        format!(
            "**{}** ({})\n\n{about}\n\nFor example:\n\n```text\n{example}\n```\n\nWhat to do: {advice}\n",
            code.meaning(),
            code.severity()
        )
    }

    /// A URI that leads to the text: into the published docs/findings.md, or where it isn't known to be published, one that
    /// holds the text itself.
    pub fn uri(&self) -> String {
        match DOCS {
            Some(docs) => format!("{}/findings.md#{}", docs.trim_end_matches('/'), self.code),
            None => format!("data:text/plain;charset=utf-8,{}", percent_encoded(self.text().as_bytes())),
        }
    }
}

/// A paragraph as lines of at most 80 columns, where its words allow that.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < 80 => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes all codes, a line each.
pub fn write_list(out: &mut dyn Write, paint: Paint) -> io::Result<()> {
    let columns = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    for code in Code::ALL {
        let severity = paint.paint(code.severity().into(), code.severity());
        writeln!(out, "{:<columns$}  {severity:<7}  {}", code.name(), code.meaning())?;
    }
    Ok(())
}

/// docs/findings.md.
pub fn document() -> String {
    let mut out = "# Findings

What `audit` can find, in the order of the format. `h4inspect explain CODE` prints the same. Severities are *error*, *warning*
and *info*; a finding's `offset` is a file offset, of a chunk's finding that of the chunk header, and `expected` says what would
be right where that is known.
"
    .to_owned();
    for code in Code::ALL {
        out += &format!("\n## {code}\n\n{}", Explanation::of(*code).markdown());
    }
    out
}

/// How a finding of that code is found and what follows from it, and a message.
fn text(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::NotH4mk => (
            "Every container begins with the four bytes 48 34 4d 4b (\"H4MK\"). Without them nothing in the file is looked for, so the verdict is unreadable. An empty file is reported so too.",
            "not an H4MK container: offset 0 holds 52 49 46 46, expected 48 34 4d 4b (\"H4MK\")",
        ),
        Code::HeaderTruncated => (
            "The magic is there, but the file ends before its header does: 8 bytes in the transport layout, 16 in mux.",
            "the file ends at offset 6, inside the 8-byte file header",
        ),
        Code::VersionUnsupported => (
            "Version 1 is the only one. The chunks are still read where they chain, since the field itself may be what is damaged.",
            "version 2 at 4, only 1 is defined",
        ),
        Code::ReservedNonzero => (
            "A field that must be 0 isn't: in the file header, in a track header, in a track table, or in the flags of a mux chunk. A later version of the format may give it a meaning, or it is damage.",
            "reserved field at 6 is 0x1234, expected 0",
        ),
        Code::ChunkTruncated => (
            "The file ends inside the header or payload of a chunk, or its length runs into the next chunk, and no other length makes the CRC right. The first part of the payload is still there; the chunk doesn't count as intact.",
            "CORE at 144: length field says 22, the file ends at 163 after 7 of them",
        ),
        Code::ChunkCrcMismatch => (
            "The CRC stored with the chunk differs from the CRC of its bytes, so something in it changed. Where one flipped bit explains it, that bit is named, with the chance that other damage looks the same. It is confirmed only where a VERI that covers the place comes out right with it.",
            "CORE at 1240: stored CRC eaf5a42c, computed 1772cf9a; bit 5 of the byte at 1290 is flipped (confirmed by the digest over the whole)",
        ),
        Code::ChunkLengthRepaired => (
            "With the stored length the CRC is wrong; with another one, up to the next chunk, it is right. The payload is whole and the chunk counts as intact.",
            "CORE at 26: length field says 24, the CRC is right with 6",
        ),
        Code::ChunkTagRepaired => (
            "The CRC of a transport chunk doesn't cover its tag. This tag is one bit from a known one, and VERI verifies once it is restored, so the chunk is read as what it was.",
            "tag CMRE at 8 is one bit from CORE, and VERI verifies with that",
        ),
        Code::RegionSkipped => (
            "The walk lost the chain of chunks here, and found it again at the next known tag with a right CRC, or not at all. Whatever chunks stood in between are lost, and block numbers after it are provisional.",
            "202 bytes at 3828 belong to no chunk; the next chunk with a right CRC begins at 4030",
        ),
        Code::TrailingBytes => (
            "All chunks are whole, and bytes follow the last one that begin no other. Something was appended, or a file system rounded the size up with zeros.",
            "7 bytes after the last chunk, at 713, beginning \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"",
        ),
        Code::AppendedContainer => (
            "The magic of another container stands where this one ends, as after `cat a.h4mk b.h4mk`. The audit covers the first one only.",
            "another container begins at 4946; 4946 bytes from there were not looked at",
        ),
        Code::ChunkTagInvalid => (
            "Tags are four printable ASCII characters. The CRC of this chunk is right, so the payload is as it was written; what it means is unknown.",
            "tag bytes 1b 5b 32 4a at 8 are not printable ASCII",
        ),
        Code::ChunkUnknown => (
            "The tag is neither one of the format (CORE SEEK META SAFE VERI TRAK TSEK NOTE) nor of a known extension (GEOM TEMP GMET). Future tags are legal, and readers must walk over them.",
            "tag COPE at 8 is not defined by the format",
        ),
        Code::ChunkDuplicate => (
            "META, SAFE, SEEK, VERI and TRAK occur once. Readers differ on which of two they take; here the first one counts.",
            "another META at 669; the one at 310 counts",
        ),
        Code::ChunkMissing => (
            "A transport container has META, SEEK, SAFE and VERI, a mux container has TRAK. It is reported only where no damage could have held the chunk. In mux it is an error where there are blocks: nothing says what their tracks are.",
            "there is no SAFE chunk",
        ),
        Code::ChunkAfterVeri => (
            "VERI covers what stands before it. A chunk behind it can be changed or added without anyone noticing.",
            "CORE at 70 follows VERI at 26",
        ),
        Code::NoBlocks => (
            "Content is in CORE chunks. There is none, and no damage could have held one: the container has nothing to play.",
            "there is no CORE chunk",
        ),
        Code::Unfinished => (
            "The reference writer ends a transport container with SEEK, META, SAFE and VERI. None of them is there and nothing was damaged, so the writer was stopped or is still writing. Such a file isn't reported while it is followed.",
            "none of META, SEEK, SAFE and VERI: the chain ends at 8 unfinished",
        ),
        Code::ContainerCrcMismatch => (
            "A mux container ends with the CRC of everything before it. It is measured on its own: damage to a chunk shows here too.",
            "closing CRC at 734: stored fb54c394, computed a0c0389c",
        ),
        Code::ContainerCrcMissing => (
            "A mux container ends with the CRC of everything before it. Here the file ends with a chunk, or with less than four bytes behind it, as after a cut.",
            "the file ends at 734 after a chunk, where its closing CRC should be",
        ),
        Code::JsonInvalid => (
            "META, SAFE, TRAK or a JSON VERI doesn't parse, at the file offset given. None of its fields is used.",
            "META at 310: EOF while parsing a value, at file offset 342",
        ),
        Code::JsonNotObject => (
            "META, SAFE, TRAK and a JSON VERI are objects. This one is JSON of another type, so it has no fields.",
            "META at 310 is JSON, but not an object",
        ),
        Code::JsonDuplicateKey => (
            "One key occurs twice in one object, and JSON doesn't say which value counts.",
            "META /project occurs more than once",
        ),
        Code::JsonBom => (
            "The text begins with the bytes ef bb bf. JSON forbids them; here they are skipped.",
            "META at 310 begins with a byte order mark",
        ),
        Code::JsonSurrogate => (
            "An escape such as \\ud83d is half of a pair, and its other half is missing: a text was cut in the middle of a character. All else in the chunk is read.",
            "META at 310: half of a surrogate pair at 342; its text is shown as written",
        ),
        Code::JsonLimit => (
            "Nested more than 128 levels deep, or META, SAFE or VERI of more than 64 MiB. It may be right; it was not read, so the audit isn't complete. Salvage keeps such a chunk as it is.",
            "META at 310: nested deeper than 128 levels, which is not read",
        ),
        Code::JsonFieldInvalid => (
            "A field that the format knows has another type, or a value that can't be: a gop of 0, a negative size. It is treated as absent.",
            "META /project: expected a string, found 7",
        ),
        Code::MetaBinary => (
            "Before META was JSON it was 12 bytes: a duration and a frame count. Nothing else is known about such a file: no frame rate beyond that, no engine, no mask.",
            "META at 310 is the older binary form: duration 1000000 µs, 30 frames",
        ),
        Code::EngineAssumed => (
            "META has no `compression` object, or one that names no engine. The blocks are read as those of the reference engine (RLE).",
            "META has no compression object: blocks are read as the reference engine's",
        ),
        Code::SeekTruncated => (
            "The count at the beginning of SEEK says more entries than its bytes hold.",
            "SEEK at 246: count says 4294967295 entries, 52 bytes hold 3",
        ),
        Code::SeekTrailingBytes => (
            "SEEK goes on after the entries its count says. Either the count is wrong, or something was appended.",
            "SEEK at 246: 5 bytes after the 3 entries its count says",
        ),
        Code::SeekDuplicatePts => (
            "Two entries are for one time, so which keyframe answers it depends on the reader.",
            "SEEK entry 2 repeats pts 66666; 0 more repeats",
        ),
        Code::SeekUnsorted => (
            "Readers look entries up by binary search, which needs ascending timestamps. In this table they find the wrong keyframe.",
            "SEEK entry 2 has pts 99999 after 199998; 0 more steps back",
        ),
        Code::SeekUnresolved => (
            "The file doesn't say what SEEK offsets are: positions in the decoded or the stored blocks, file offsets of chunks or payloads, or block numbers. Under the meaning that fits best, this entry isn't the start of a block. `expected` is the offset of the block of its time.",
            "SEEK entry 1 (pts 66666) has offset 812: as position in the decoded stream, no block starts there in META's grid of block_size",
        ),
        Code::SeekAmbiguous => (
            "More than one meaning of the offsets fits every entry, and they lead to different blocks. The likeliest one is used.",
            "SEEK offsets fit as stored and as index, which lead to different blocks",
        ),
        Code::SeekGopMismatch => (
            "META says how far keyframes are apart (gop) and how long a frame lasts (fps_hint). This entry is another block, or has another time, or the table has fewer entries than there are keyframes.",
            "SEEK entry 2 is block 6 at pts 199998; with META's gop of 3 it would be block 3; 2 entries differ",
        ),
        Code::BlockOddLength => (
            "The reference engine stores pairs of a value and a run. An odd number of bytes means that half a pair is missing, although the CRC is right: the writer stored it so.",
            "block 2 at 76: 21 bytes of (value, run) pairs, an odd number",
        ),
        Code::BlockZeroRun => (
            "A run of 0 decodes to nothing. The reference writer never writes one, and some decoders take it for 256.",
            "block 1 at 42: 1 runs of 0, the first at 76",
        ),
        Code::BlockSizeMismatch => (
            "META gives the size that blocks decode to; only the last one may be shorter. Where SEEK offsets are positions in the decoded stream, a block of another size moves all that follow.",
            "block 2 at 76 decodes to 512 bytes, META's block_size is 1024",
        ),
        Code::BlockTooLarge => (
            "A block is decoded only up to a limit (1 GiB unless told otherwise), since a few bytes can decode to gigabytes. What lies beyond was not checked, so the audit isn't complete.",
            "block 1 at 42 decodes to 16320 bytes, over the limit of 1000",
        ),
        Code::BlockOpaque => (
            "The blocks are those of a closed engine. Their CRCs were checked, what they decode to was not.",
            "5 blocks of engine \"core\": CRCs checked, content not",
        ),
        Code::BlockEncrypted => (
            "META says that blocks are encrypted. Their CRCs, their headers and the chain of their transcripts were checked without the secret, what they hold was not.",
            "6 blocks are encrypted (living-cipher-v3): CRCs checked, content not",
        ),
        Code::BlockMasked => (
            "META says that blocks are masked: they decode without the key, and what they decode to is noise.",
            "6 blocks are masked: CRCs and runs checked, content not",
        ),
        Code::BlockAuthFailed => (
            "Each encrypted block carries a tag that only the right secret and the unchanged block give. If no block opens, the secret is another file's, or META's engine_id, fingerprint, track_id or pts_us changed, which the tag covers.",
            "block 3 at 660 does not open with the secret that opens others",
        ),
        Code::CipherHeaderInvalid => (
            "An encrypted block begins with \"H4LC3\", the name of its suite, its message counter and the transcript of the block before it. This one doesn't.",
            "block 1 at 300 has no cipher header: it begins with 1f 8b 08 00 00",
        ),
        Code::CipherCounterGap => (
            "The blocks are numbered messages: 0, 1, 2, and so on. A number is left out or comes at the wrong place, so blocks were lost, added or moved, although each one is whole.",
            "block 3 at 660 is message 4, expected 3: 1 missing before it",
        ),
        Code::CipherTranscriptBroken => (
            "Each block carries a digest over all messages before it. This one doesn't carry that of the block stored before it, so one of the two was replaced, CRC and all.",
            "block 3 at 660 does not carry the transcript of block 2",
        ),
        Code::TrackIndexInvalid => (
            "TRAK, or META's trak_b64, can't be read, or an entry holds what can't be, such as a negative pts. Which block belongs to which track is unknown.",
            "META /trak_b64 isn't JSON: EOF while parsing a list at byte 9",
        ),
        Code::TrackSeekInvalid => (
            "A TSEK chunk, or META's seekm_b64, can't be read, or two tables are for one track.",
            "META /seekm_b64 isn't base64: Invalid symbol 64, offset 0.",
        ),
        Code::TrackBlockOutOfRange => (
            "An entry of the track index names a block beyond the last one. Blocks were cut off, or the index is that of another file.",
            "track \"v\" names block 5, there are 5",
        ),
        Code::TrackUnknown => (
            "Blocks or a seek table are for a track that neither TRAK, META.tracks nor META.track_id declares. Players that go by the declaration never show it.",
            "track 9 is not declared, and 1 block is its",
        ),
        Code::TrackEntryInconsistent => (
            "An entry of the track index has kind I and says that it is no keyframe, or another kind and says that it is one. Players that go by the one and by the other begin decoding at different blocks.",
            "META /trak_b64: block 3 of track v has kind P and keyframe true",
        ),
        Code::TrackHeaderMissing => (
            "A mux CORE payload begins with \"H4TB\" and the number of its track. This one doesn't, so it is in no track.",
            "CORE at 533 does not begin with a whole H4TB header",
        ),
        Code::TrackSeekUnresolved => (
            "An entry of a track's table must lead to a keyframe of that track, at that time. `expected` is the offset that does, where the track has a keyframe then.",
            "track 1: seek entry 1 (pts 60000) leads to offset 536, where no block starts",
        ),
        Code::TrackSeekIncomplete => (
            "The track has keyframes that its table doesn't list, so players begin at an earlier one and decode more than they need.",
            "track 1: its seek table leaves out 6 of its 10 keyframes; the first is block 10 at pts 400000",
        ),
        Code::TrackBlockUnindexed => (
            "The track index leaves out blocks, so they belong to no track and no player shows them.",
            "2 of 8 blocks are in no track's index, the first is block 6",
        ),
        Code::TrackUnsorted => (
            "The blocks of a mux track are stored by pts, and a track's seek table is sorted by it. Here a step goes back. (In a transport index B blocks are out of order by nature; that is no finding.)",
            "track v: seek entry 1 has pts 0 after 20",
        ),
        Code::TrackKindReserved => (
            "The kind of a block is 0 (I), 1 (P) or 2 (B). 3 isn't defined, so it is unknown what the block needs to be decoded.",
            "track 1: the block at 533 has kind 3, expected 0 (I), 1 (P) or 2 (B)",
        ),
        Code::TrackStartsWithoutKeyframe => (
            "The first block of the track needs one before it, which isn't there. Everything up to the first keyframe can't be shown.",
            "track 1: its first block, at 433, is no keyframe",
        ),
        Code::TrackSeekMissing => (
            "The track has keyframes and no seek table. Players have to read all chunk headers to seek.",
            "track 1 has 4 keyframes and no seek table",
        ),
        Code::VeriMismatch => (
            "VERI holds a digest. It was recomputed over every byte after the file header up to VERI and over the payloads alone, or over what VERI declares, and none matches. It is measured on its own: damage to a chunk shows here too.",
            "VERI at 669 says caa8d734…, computed 4071477d…",
        ),
        Code::VeriMalformed => (
            "VERI is either a digest of 32 bytes or a JSON object with one. This is neither, so nothing is verified.",
            "VERI at 669: VERI: 20 bytes, neither 32 nor a JSON object",
        ),
        Code::VeriUnsupported => (
            "The algorithm isn't one that is computed here, or what the digest covers isn't known and no guess matches. The file may be right; that was not verified.",
            "VERI at 669: algorithm blake3 is not supported",
        ),
        Code::FileChanged => (
            "The size or the time of the file changed, or another file took its name, between the first and the last look at it. What was found may hold for neither version, so the audit isn't complete.",
            "the file shrank from 7110 to 5000 bytes",
        ),
    }
}
