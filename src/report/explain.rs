//! What a finding means, with an example and what to do: the text of `explain`, of SARIF's help and of docs/findings.md.

use std::io::{self, Write};

use super::advice::on_the_command_line;
use super::style::{Paint, Role};
use h4mk::finding::Code;
use h4mk::name::percent_encoded;

/// Where docs/findings.md is published, if that was given when the program was built.
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
and *info*. A finding's `offset` is a file offset; for a finding about a chunk it is the offset of the chunk header. `expected`
says what would be right, if that is known.
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
            "Every container begins with the four bytes 48 34 4d 4b (\"H4MK\"). Without them nothing else in the file is checked, so the verdict is unreadable. An empty file is reported the same way.",
            "not an H4MK container: offset 0 holds 52 49 46 46, expected 48 34 4d 4b (\"H4MK\")",
        ),
        Code::HeaderTruncated => (
            "The magic is there, but the file ends before the end of its header, which is 8 bytes in the transport layout and 16 in mux.",
            "the file ends at offset 6, inside the 8-byte file header",
        ),
        Code::VersionUnsupported => (
            "Version 1 is the only version. The chunks are still read as far as they chain, since the version field itself may be damaged.",
            "version 2 at 4, but only version 1 is defined",
        ),
        Code::ReservedNonzero => (
            "A field that must be 0 is not 0: in the file header, in a track header, in a track table, or in the flags of a mux chunk. Either a later version of the format gives it a meaning, or it was damaged.",
            "reserved field at 6 is 0x1234, expected 0",
        ),
        Code::ChunkTruncated => (
            "The file ends inside the header or payload of a chunk, or the chunk's length runs into the next chunk, and no other length makes the CRC right. The first part of the payload is still there; the chunk doesn't count as intact.",
            "CORE at 144: its length field says 22 bytes, but the file ends at 163 after 7 of them",
        ),
        Code::ChunkCrcMismatch => (
            "The CRC stored with the chunk differs from the CRC of its bytes, so something in the chunk changed. If one flipped bit explains that, the bit is named, with the chance that other damage looks the same. It is confirmed only if a VERI that covers the place verifies with the bit flipped back.",
            "CORE at 1240: stored CRC eaf5a42c, computed 1772cf9a; bit 5 of the byte at 1290 is flipped (confirmed by VERI)",
        ),
        Code::ChunkLengthRepaired => (
            "With the stored length the CRC is wrong; with another length, up to the next chunk, it is right. The payload is whole and the chunk counts as intact.",
            "CORE at 26: its length field says 24, but its CRC is right with 6",
        ),
        Code::ChunkTagRepaired => (
            "The CRC of a transport chunk doesn't cover its tag. This tag is one bit off from a known tag, and VERI verifies with that tag, so the chunk is read with it.",
            "tag CMRE at 8 is one bit off from CORE, and VERI verifies with CORE",
        ),
        Code::RegionSkipped => (
            "The chain of chunks breaks here. It goes on at the next known tag with a right CRC, or not at all. Any chunks in between are lost, and block numbers after them are provisional.",
            "202 bytes at 3828 belong to no chunk; the next chunk with a right CRC begins at 4030",
        ),
        Code::TrailingBytes => (
            "All chunks are whole, but the last one is followed by bytes that do not begin another. Something was appended, or a file system padded the file with zeros.",
            "7 bytes after the last chunk, at 713, beginning with \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"",
        ),
        Code::AppendedContainer => (
            "The magic of another container is where this one ends, as after `cat a.h4mk b.h4mk`. The audit covers only the first one.",
            "another container begins at 4946; the 4946 bytes from there on were not checked",
        ),
        Code::ChunkTagInvalid => (
            "Tags are four printable ASCII characters. The CRC of this chunk is right, so the payload is as it was written; what it means is unknown.",
            "tag bytes 1b 5b 32 4a at 8 are not printable ASCII",
        ),
        Code::ChunkUnknown => (
            "The tag belongs neither to the format (CORE SEEK META SAFE VERI TRAK TSEK NOTE) nor to a known extension (GEOM TEMP GMET). Future tags are legal, and readers must skip them.",
            "tag COPE at 8 is not defined by the format",
        ),
        Code::ChunkDuplicate => (
            "META, SAFE, SEEK, VERI and TRAK occur only once. If there are two, readers differ in which one they use; here the first one counts.",
            "another META at 669; the one at 310 counts",
        ),
        Code::ChunkMissing => (
            "A transport container has META, SEEK, SAFE and VERI, and a mux container has TRAK. A missing chunk is reported only if it can't have been in damaged bytes. In mux it is an error if there are blocks, since nothing describes their tracks.",
            "there is no SAFE chunk",
        ),
        Code::ChunkAfterVeri => (
            "VERI covers what is before it. A chunk after it can be changed or added without anyone noticing.",
            "CORE at 70 follows VERI at 26",
        ),
        Code::NoBlocks => (
            "Content is stored in CORE chunks. There is none, and damaged bytes can't have held one, so the container has nothing to play.",
            "there is no CORE chunk",
        ),
        Code::Unfinished => (
            "The reference writer ends a transport container with SEEK, META, SAFE and VERI. All of them are missing and nothing is damaged, so the writer was stopped or is still writing. While a file is being followed, this is not reported.",
            "META, SEEK, SAFE and VERI are all missing: the chain of chunks ends at 8",
        ),
        Code::ContainerCrcMismatch => (
            "A mux container ends with the CRC of everything before it. It is checked on its own, so damage to a chunk shows here too.",
            "closing CRC at 734: stored fb54c394, computed a0c0389c",
        ),
        Code::ContainerCrcMissing => (
            "A mux container ends with the CRC of everything before it. Here the file ends with a chunk, or with fewer than four bytes after it, as if it was cut off.",
            "the file ends after a chunk, at 734, where its closing CRC should be",
        ),
        Code::JsonInvalid => (
            "META, SAFE, TRAK or a JSON VERI has a syntax error at the given file offset. None of its fields is used.",
            "META at 310: EOF while parsing a value, at file offset 342",
        ),
        Code::JsonNotObject => (
            "META, SAFE, TRAK and a JSON VERI must be objects. This one is JSON of another type, so it has no fields.",
            "META at 310 is JSON, but not an object",
        ),
        Code::JsonDuplicateKey => (
            "A key occurs twice in the same object, and JSON doesn't say which value counts.",
            "META /project occurs more than once",
        ),
        Code::JsonBom => (
            "The text begins with the bytes ef bb bf, which JSON forbids; here they are skipped.",
            "META at 310 begins with a byte order mark",
        ),
        Code::JsonSurrogate => (
            "An escape such as \\ud83d is half of a pair, and the other half is missing: a string was cut in the middle of a character. Everything else in the chunk is read.",
            "META at 310: half of a surrogate pair at 342; the string is shown as written",
        ),
        Code::JsonLimit => (
            "The JSON is nested more than 128 levels deep, or META, SAFE or VERI is longer than 64 MiB. It may be right, but it was not read, so the audit isn't complete. Salvage keeps such a chunk as it is.",
            "META at 310: nested deeper than the limit of 128 levels",
        ),
        Code::JsonFieldInvalid => (
            "A field of the format has the wrong type or an impossible value, such as a gop of 0 or a negative size. It is treated as absent.",
            "META /project: expected a string, found 7",
        ),
        Code::MetaBinary => (
            "Before META was JSON, it was 12 bytes: a duration and a frame count. Nothing else is known about such a file: no engine, no mask, and no frame rate except the one that follows from these two.",
            "META at 310 is the older binary form: duration 1000000 µs, 30 frames",
        ),
        Code::EngineAssumed => (
            "META has no `compression` object, or one that names no engine. The blocks are read as blocks of the reference engine (RLE).",
            "META has no compression object: the reference engine is assumed",
        ),
        Code::SeekTruncated => (
            "The count at the beginning of SEEK is larger than the number of entries in its bytes.",
            "SEEK at 246: its count says 4294967295 entries, but its 52 bytes hold 3",
        ),
        Code::SeekTrailingBytes => (
            "SEEK goes on after the number of entries in its count. Either the count is wrong, or something was appended.",
            "SEEK at 246: 5 bytes after the 3 entries that it counts",
        ),
        Code::SeekDuplicatePts => (
            "Two entries have the same time, so which keyframe is found depends on the reader.",
            "SEEK entry 2 repeats pts 66666",
        ),
        Code::SeekUnsorted => (
            "Readers use binary search, which needs ascending timestamps. In this table they find the wrong keyframe.",
            "SEEK entry 2 has pts 99999 after 199998",
        ),
        Code::SeekUnresolved => (
            "The file doesn't say what SEEK offsets are: positions in the decoded or the stored blocks, file offsets of chunks or payloads, or block numbers. Under the meaning that fits best, this entry doesn't lead to the start of a block. `expected` is the offset of the block with the entry's time.",
            "SEEK entry 1 (pts 66666) has offset 812: as a position in the decoded stream, no block of META's block_size starts there",
        ),
        Code::SeekAmbiguous => (
            "More than one meaning of the offsets fits every entry, and these meanings lead to different blocks. The likeliest one is used.",
            "SEEK offsets fit as stored and as index, and these lead to different blocks",
        ),
        Code::SeekGopMismatch => (
            "META says how far apart keyframes are (gop) and how long a frame lasts (fps_hint). This entry leads to another block or has another time, or the table has fewer entries than there are keyframes.",
            "SEEK entry 2 (pts 199998) leads to block 6; by META's gop of 3 it should be block 3; 2 entries differ",
        ),
        Code::BlockOddLength => (
            "The reference engine stores pairs of a value and a run. An odd number of bytes means that half a pair is missing, although the CRC is right: the writer stored it like that.",
            "block 2 at 76: 21 bytes of (value, run) pairs, which is an odd number",
        ),
        Code::BlockZeroRun => (
            "A run of 0 decodes to nothing. The reference writer never writes one, and some decoders read it as 256.",
            "block 1 at 42: 1 run of length 0, the first at 76",
        ),
        Code::BlockSizeMismatch => (
            "META gives the size that blocks decode to; only the last block may be shorter. If SEEK offsets are positions in the decoded stream, a block of another size shifts all blocks after it.",
            "block 2 at 76 decodes to 512 bytes, but META's block_size is 1024",
        ),
        Code::BlockTooLarge => (
            "A block is decoded only up to a limit (by default 1 GiB), since a few bytes can decode to gigabytes. The block was not checked beyond the limit, so the audit isn't complete.",
            "block 1 at 42 decodes to 16320 bytes, over the limit of 1000",
        ),
        Code::BlockOpaque => (
            "The blocks come from a closed engine. Their CRCs were checked, but not what they decode to.",
            "5 blocks of engine \"core\": CRCs checked, content not checked",
        ),
        Code::BlockEncrypted => (
            "META says that blocks are encrypted. Their CRCs, their headers and the chain of their transcripts were checked without the secret, but not their content.",
            "6 encrypted blocks (living-cipher-v3): CRCs checked, content not checked",
        ),
        Code::BlockMasked => (
            "META says that blocks are masked: without the key they can be decoded, but the result is noise.",
            "6 masked blocks: CRCs and runs checked, content not checked",
        ),
        Code::BlockAuthFailed => (
            "Each encrypted block carries an authentication tag, which matches only with the right secret and the unchanged block. If no block opens, the secret is for another file, or META's engine_id, fingerprint, track_id or pts_us changed; the tag covers them too.",
            "block 3 at 660 does not open with the secret that opens other blocks",
        ),
        Code::CipherHeaderInvalid => (
            "An encrypted block begins with \"H4LC3\", the name of its suite, its message counter and the transcript of the block before it. This one doesn't.",
            "block 1 at 300 has no cipher header: it begins with 1f 8b 08 00 00",
        ),
        Code::CipherCounterGap => (
            "The blocks are messages with the numbers 0, 1, 2, and so on. A number is missing or out of place, so blocks were lost, added or moved, although each one is whole.",
            "block 3 at 660 is message 4, expected 3: 1 missing before it",
        ),
        Code::CipherTranscriptBroken => (
            "Each block carries a digest of all messages before it. This block's digest doesn't match the block stored before it, so one of the two was replaced along with its CRC.",
            "block 3 at 660 does not carry the transcript of block 2",
        ),
        Code::TrackIndexInvalid => (
            "TRAK, or META's trak_b64, can't be read, or an entry holds an impossible value, such as a negative pts. Which block belongs to which track is unknown.",
            "META /trak_b64 isn't JSON: EOF while parsing a list at byte 9",
        ),
        Code::TrackSeekInvalid => (
            "A TSEK chunk, or META's seekm_b64, can't be read, or a track has two tables.",
            "META /seekm_b64 isn't base64: Invalid symbol 64, offset 0.",
        ),
        Code::TrackBlockOutOfRange => (
            "An entry of the track index names a block beyond the last one. Blocks were cut off, or the index belongs to another file.",
            "track \"v\" names block 5, but the file has 5 blocks",
        ),
        Code::TrackUnknown => (
            "Blocks or a seek table belong to a track that is declared neither in TRAK nor in META.tracks or META.track_id. Players that rely on the declaration never show it.",
            "track 9 is not declared, but 1 block belongs to it",
        ),
        Code::TrackEntryInconsistent => (
            "An entry of the track index has kind I but says that it isn't a keyframe, or has another kind but says that it is one. Players that rely on the kind start decoding at other blocks than players that rely on the flag.",
            "META /trak_b64: block 3 of track v has kind P but keyframe true",
        ),
        Code::TrackHeaderMissing => (
            "A mux CORE payload begins with \"H4TB\" and the number of its track. This one doesn't, so it belongs to no track.",
            "CORE at 533 does not begin with a whole H4TB header",
        ),
        Code::TrackSeekUnresolved => (
            "An entry of a track's table must lead to a keyframe of that track, at that time. `expected` is the right offset, if the track has a keyframe at that time.",
            "track 1: seek entry 1 (pts 60000) leads to offset 536, where no block starts",
        ),
        Code::TrackSeekIncomplete => (
            "The track has keyframes that its table doesn't list, so players start at an earlier one and decode more than they need.",
            "track 1: its seek table leaves out 6 of its 10 keyframes; the first is block 10 at pts 400000",
        ),
        Code::TrackBlockUnindexed => (
            "The track index leaves out blocks, so they belong to no track and no player shows them.",
            "no track index entry names 2 of 8 blocks; the first is block 6",
        ),
        Code::TrackUnsorted => (
            "The blocks of a mux track are stored in pts order, and a track's seek table is sorted by pts. Here the pts goes back. (In a transport index B blocks are naturally out of order; that isn't reported.)",
            "track v: seek entry 1 has pts 0 after 20",
        ),
        Code::TrackKindReserved => (
            "The kind of a block is 0 (I), 1 (P) or 2 (B). 3 isn't defined, so it is unknown which other blocks this block needs.",
            "track 1: the block at 533 has kind 3, expected 0 (I), 1 (P) or 2 (B)",
        ),
        Code::TrackStartsWithoutKeyframe => (
            "The first block of the track depends on an earlier block, which isn't there. Nothing before the first keyframe can be shown.",
            "track 1: its first block, at 433, isn't a keyframe",
        ),
        Code::TrackSeekMissing => (
            "The track has keyframes but no seek table. To seek, players have to read all chunk headers.",
            "track 1 has 4 keyframes but no seek table",
        ),
        Code::VeriMismatch => (
            "VERI holds a digest. It was recomputed over every byte after the file header up to VERI and over the payloads alone, or over what VERI declares, but none of these digests matches. It is checked on its own, so damage to a chunk shows here too.",
            "VERI at 669: stored caa8d734…, computed 4071477d…",
        ),
        Code::VeriMalformed => (
            "VERI is either a digest of 32 bytes or a JSON object with one. This is neither, so nothing is verified.",
            "VERI at 669: 20 bytes, which is neither a 32-byte digest nor a JSON object",
        ),
        Code::VeriUnsupported => (
            "The algorithm isn't supported here, or it is unknown what the digest covers and no guess matches. The file may be right, but that was not verified.",
            "VERI at 669: the algorithm blake3 is not supported here",
        ),
        Code::FileChanged => (
            "The size or the time of the file changed, or another file took its name, while it was being read. The findings may be true of neither version, so the audit isn't complete.",
            "the file shrank from 7110 to 5000 bytes",
        ),
    }
}
