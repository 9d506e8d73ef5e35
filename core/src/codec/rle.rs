//! The reference engine's compression (`geometric-reference`, "RLE+delta"): pairs of (value, run), each byte repeated
//! `run` times. There is no delta. A writer makes runs of 1 to 255; a run of 0 decodes to nothing.

use std::ops::{Range, RangeInclusive};

use crate::bytes::Bytes;
use crate::task::{Cancelled, Task};

/// The longest run that a pair can hold.
const RUN_MAX: usize = u8::MAX as usize;

/// Bytes of a row of pairs that are added up at once, as eight-byte words with a run in every second byte.
const ROW: usize = 32;
/// Bytes between carries: 256 rows, so that the 16-bit lane of a word can't overflow (256 × 255 < 2^16).
const STRIDE: usize = 256 * ROW;
/// The run of each pair of a word, once it is shifted down by a byte.
const RUNS: u64 = 0x00ff_00ff_00ff_00ff;

/// Pairs decoded between two looks at the room that is left.
const GROUP: usize = 16;
/// Bytes written at a stroke whatever the run; what is too much is overwritten by the next run.
const STROKE: usize = 16;
/// Room in which a group can be written without looking: its longest decoded form, and the strokes past its end.
const GROUP_ROOM: usize = (GROUP + 1) * (RUN_MAX + 1);

/// Stored bytes between two checkpoints of [`Steps`].
const STEP: usize = 64 << 10;

/// Why a payload does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RleError {
    /// The last pair is cut in half.
    #[error("{len} stored bytes are not a whole number of (value, run) pairs")]
    OddLength {
        /// Length of the payload in bytes.
        len: u64,
    },
    /// Nothing was decoded or allocated.
    #[error("decodes to {decoded_len} bytes, over the limit of {limit}")]
    TooLarge {
        /// What the payload's whole pairs decode to, in bytes.
        decoded_len: u64,
        /// The caller's limit, in bytes.
        limit: u64,
    },
}

/// What a payload's structure says without decoding it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// Sum of the runs of the whole pairs.
    pub decoded_len: u64,
    /// Pairs whose run is 0; the reference writer makes none.
    pub zero_runs: u64,
    /// Offset in the payload of the first pair whose run is 0.
    pub first_zero_run: Option<u64>,
    /// The payload ends inside a pair.
    pub odd: bool,
}

/// How many bytes a block of that decoded size may be stored in, without runs of 0: at least in the longest runs, at most in
/// runs of 1.
pub fn stored_lens(decoded_len: u64) -> RangeInclusive<u64> {
    decoded_len.div_ceil(RUN_MAX as u64).saturating_mul(2)..=decoded_len.saturating_mul(2)
}

/// Bytes that the whole pairs of `stored` decode to.
pub fn decoded_len(stored: &[u8]) -> u64 {
    stored.chunks(STRIDE).map(|stride| sum_runs(stride).0).sum()
}

/// Decoded length, zero runs and oddness in one pass.
pub fn survey(stored: &[u8]) -> Survey {
    let mut survey = Survey { odd: stored.len() % 2 == 1, ..Survey::default() };
    let mut offset = 0;
    for stride in stored.chunks(STRIDE) {
        let (decoded_len, live_runs) = sum_runs(stride);
        let zero_runs = (stride.len() / 2) as u64 - live_runs;
        if zero_runs > 0 && survey.first_zero_run.is_none() {
            let first = pairs_of(stride).iter().position(|&[_, run]| run == 0);
            survey.first_zero_run = first.map(|pair| offset + pair as u64 * 2);
        }
        survey.decoded_len += decoded_len;
        survey.zero_runs += zero_runs;
        offset += stride.len() as u64;
    }
    survey
}

fn pairs_of(stored: &[u8]) -> &[[u8; 2]] {
    stored.as_chunks().0
}

/// The sum of the runs in at most [`STRIDE`] bytes, and how many of them are not 0. Inlined, so that whoever needs only
/// the sum does not pay for the count.
#[inline]
fn sum_runs(stride: &[u8]) -> (u64, u64) {
    const WORDS: usize = ROW / 8;
    let (rows, rest) = stride.as_chunks::<ROW>();
    let mut sums = [0; WORDS];
    let mut live = [0; WORDS];
    for row in rows {
        for ((sum, live), &word) in sums.iter_mut().zip(&mut live).zip(row.as_chunks().0) {
            let runs = (u64::from_le_bytes(word) >> 8) & RUNS;
            *sum += runs;
            // A run of 1 or more carries into the byte above it.
            *live += ((runs + RUNS) >> 8) & 0x0001_0001_0001_0001;
        }
    }
    let across = |words: [u64; WORDS]| -> u64 {
        words.iter().flat_map(|word| [0, 16, 32, 48].map(|shift| (word >> shift) & 0xffff)).sum()
    };
    let mut total = (across(sums), across(live));
    for &[_, run] in pairs_of(rest) {
        total.0 += u64::from(run);
        total.1 += u64::from(run > 0);
    }
    total
}

/// Decodes a whole payload of at most `limit` decoded bytes.
pub fn decode(stored: &[u8], limit: u64) -> Result<Vec<u8>, RleError> {
    let mut raw = Vec::new();
    decode_into(&mut raw, stored, limit)?;
    Ok(raw)
}

/// As [`decode`], in place of what `raw` held. A buffer that is used again spares the page faults of a fresh one, which
/// cost more than decoding does. After an error `raw` is as it was.
pub fn decode_into(raw: &mut Vec<u8>, stored: &[u8], limit: u64) -> Result<(), RleError> {
    if stored.len() % 2 == 1 {
        return Err(RleError::OddLength { len: stored.len() as u64 });
    }
    decode_pairs_into(raw, stored, limit)
}

/// Decodes the whole pairs of a payload, be its length odd or not; fails only with [`RleError::TooLarge`].
pub fn decode_lossy(stored: &[u8], limit: u64) -> Result<Vec<u8>, RleError> {
    let mut raw = Vec::new();
    decode_pairs_into(&mut raw, stored, limit)?;
    Ok(raw)
}

fn decode_pairs_into(raw: &mut Vec<u8>, stored: &[u8], limit: u64) -> Result<(), RleError> {
    let decoded_len = decoded_len(stored);
    let too_large = RleError::TooLarge { decoded_len, limit };
    if decoded_len > limit {
        return Err(too_large);
    }
    let len = usize::try_from(decoded_len).map_err(|_| too_large)?;
    if raw.capacity() < len {
        // Not `resize`, which would copy what is about to be overwritten and round the capacity up.
        *raw = vec![0; len];
    }
    raw.resize(len, 0);
    expand(pairs_of(stored), raw);
    Ok(())
}

/// Decoded bytes `start..start + len`, or fewer where the block ends before. Reads all the runs before `start`: for many
/// windows of one large block, use [`Steps`].
pub fn decode_window(stored: &[u8], start: u64, len: usize) -> Vec<u8> {
    let mut rest = stored;
    let mut skip = start;
    while let Some((stride, after)) = rest.split_at_checked(STRIDE) {
        let (stride_len, _) = sum_runs(stride);
        if skip < stride_len {
            break;
        }
        skip -= stride_len;
        rest = after;
    }
    let mut pairs = pairs_of(rest);
    while let Some((&[_, run], after)) = pairs.split_first() {
        if skip < u64::from(run) {
            break;
        }
        skip -= u64::from(run);
        pairs = after;
    }
    let Some((&[value, run], after)) = pairs.split_first() else { return Vec::new() };
    let head_len = usize::from(run) - skip as usize; // `skip` is less than `run` here
    let mut raw = vec![0; bounded_len(pairs, skip.saturating_add(len as u64)).saturating_sub(skip as usize)];
    match raw.split_at_mut_checked(head_len) {
        Some((head, tail)) => {
            head.fill(value);
            expand(after, tail);
        }
        None => raw.fill(value),
    }
    raw
}

/// Decoded length of `pairs`, or `enough` when they decode to more. Stops reading there.
fn bounded_len(pairs: &[[u8; 2]], enough: u64) -> usize {
    let mut total = 0;
    for stride in pairs.as_flattened().chunks(STRIDE) {
        if total >= enough {
            break;
        }
        total += sum_runs(stride).0;
    }
    usize::try_from(total.min(enough)).unwrap_or(usize::MAX)
}

/// Writes the runs of `pairs` to `raw` until one of them ends.
fn expand(pairs: &[[u8; 2]], raw: &mut [u8]) {
    let (groups, tail) = pairs.as_chunks::<GROUP>();
    let mut rest = raw;
    for group in groups {
        let len = if let Some(room) = rest.first_chunk_mut() {
            expand_group(group, room)
        } else if rest.is_empty() {
            // A window ends long before its block.
            return;
        } else {
            expand_plainly(group, rest)
        };
        rest = rest.get_mut(len..).unwrap_or_default();
    }
    expand_plainly(tail, rest);
}

/// Writes a group to the beginning of `room` and says how long it is; bytes past it are written too, and belong to runs
/// that are still to come.
#[inline]
fn expand_group(group: &[[u8; 2]; GROUP], room: &mut [u8; GROUP_ROOM]) -> usize {
    if let Some(values) = values_of_ones(group) {
        if let Some(bytes) = room.first_chunk_mut() {
            *bytes = values;
        }
        return GROUP;
    }
    let mut at = 0;
    for &[value, run] in group {
        let run = usize::from(run);
        if let Some(run_room) = room.get_mut(at..at + RUN_MAX + 1) {
            let (strokes, _) = run_room.as_chunks_mut::<STROKE>();
            if let Some((first, others)) = strokes.split_first_mut() {
                *first = [value; STROKE];
                if run > STROKE {
                    others.iter_mut().take((run - 1) / STROKE).for_each(|stroke| *stroke = [value; STROKE]);
                }
            }
        }
        at += run;
    }
    at
}

/// The decoded group when all its runs are 1, as in data that does not compress: cheaper than sixteen strokes.
#[inline]
fn values_of_ones(group: &[[u8; 2]; GROUP]) -> Option<[u8; GROUP]> {
    let mut values = [0; GROUP];
    let mut not_one = 0;
    for (quad, &word) in values.as_chunks_mut().0.iter_mut().zip(group.as_flattened().as_chunks().0) {
        let word = u64::from_le_bytes(word);
        not_one |= ((word >> 8) ^ 0x0001_0001_0001_0001) & RUNS;
        let two_by_two = (word & RUNS | (word & RUNS) >> 8) & 0x0000_ffff_0000_ffff;
        *quad = ((two_by_two | two_by_two >> 16) as u32).to_le_bytes();
    }
    (not_one == 0).then_some(values)
}

/// Writes `pairs` without ever passing the end of `raw`, and says how many bytes that were.
fn expand_plainly(pairs: &[[u8; 2]], raw: &mut [u8]) -> usize {
    let room = raw.len();
    let mut rest = raw;
    for &[value, run] in pairs {
        let (bytes, after) = rest.split_at_mut(usize::from(run).min(rest.len()));
        bytes.fill(value);
        rest = after;
    }
    room - rest.len()
}

/// Where in a block's decoded bytes every 64 KiB of its stored bytes begin: 8 bytes a step, so half a megabyte for the
/// largest chunk there can be. With it, a window of a block of any size costs one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    decoded_starts: Vec<u64>,
    decoded_len: u64,
}

impl Steps {
    /// Reads the runs of the whole block once.
    pub fn new(stored: Bytes<'_>) -> Self {
        let mut steps = Self::default();
        stored.pieces().for_each(|piece| piece.chunks(STEP).for_each(|step| steps.push(step)));
        steps
    }

    /// As [`Steps::new`], with progress in stored bytes.
    pub fn counted(stored: Bytes<'_>, task: &Task) -> Result<Self, Cancelled> {
        task.set_total(stored.len());
        let mut steps = Self::default();
        for piece in stored.pieces() {
            for step in piece.chunks(STEP) {
                task.advance(step.len() as u64)?;
                steps.push(step);
            }
        }
        Ok(steps)
    }

    fn push(&mut self, step: &[u8]) {
        self.decoded_starts.push(self.decoded_len);
        self.decoded_len += decoded_len(step);
    }

    /// What the whole pairs of the block decode to, in bytes.
    pub fn decoded_len(&self) -> u64 {
        self.decoded_len
    }

    /// Bytes of memory that the steps take.
    pub fn weight(&self) -> u64 {
        size_of_val(self.decoded_starts.as_slice()) as u64
    }

    /// Decoded bytes `start..start + len`, or fewer where the block ends before. `stored` is the payload that the steps
    /// were made from.
    pub fn window(&self, stored: Bytes<'_>, start: u64, len: usize) -> Vec<u8> {
        let step = self.step_of(start);
        let skipped = self.decoded_starts.get(step).copied().unwrap_or(0);
        let rest = stored.after((step * STEP) as u64);
        // As many bytes as runs of 1 take; runs of 0 take more.
        let mut wanted = (STEP as u64).saturating_add((len as u64).saturating_mul(2));
        loop {
            let window = decode_window(&rest.available(0, wanted).read(), start - skipped, len);
            if window.len() >= len || wanted >= rest.len() {
                return window;
            }
            wanted = wanted.saturating_mul(2);
        }
    }

    /// The pairs that make the decoded bytes of `wanted`: which bytes each makes, and where in `stored` it stands.
    pub fn pairs(&self, stored: Bytes<'_>, wanted: Range<u64>) -> Vec<(Range<u64>, u64)> {
        let mut pairs = Vec::new();
        let first = self.stored_at(stored, wanted.start);
        let (mut at, mut offset) = (self.decoded_at(stored, first), first);
        for piece in stored.after(first).pieces() {
            for &[_, run] in pairs_of(&piece) {
                if at >= wanted.end {
                    return pairs;
                }
                let end = at + u64::from(run);
                if run > 0 {
                    pairs.push((at..end, offset));
                }
                (at, offset) = (end, offset + 2);
            }
        }
        pairs
    }

    /// The last step that begins at or before that decoded byte.
    fn step_of(&self, at: u64) -> usize {
        self.decoded_starts.partition_point(|&start| start <= at).saturating_sub(1)
    }

    /// Where the decoded byte of the stored pair at `at` stands.
    pub fn decoded_at(&self, stored: Bytes<'_>, at: u64) -> u64 {
        let pair = at.min(stored.len()) / 2 * 2;
        let step = pair / STEP as u64;
        let before = self.decoded_starts.get(step as usize).copied().unwrap_or(self.decoded_len);
        before + decoded_len(&stored.range(step * STEP as u64..pair).read())
    }

    /// The stored pair that makes the decoded byte at `at`; the end where there is none.
    pub fn stored_at(&self, stored: Bytes<'_>, at: u64) -> u64 {
        let step = self.step_of(at);
        let mut skip = at - self.decoded_starts.get(step).copied().unwrap_or(0);
        let mut before = (step * STEP) as u64;
        for piece in stored.after(before).pieces() {
            let pairs = pairs_of(&piece);
            let found = pairs.iter().position(|&[_, run]| {
                let here = skip < u64::from(run);
                skip = skip.saturating_sub(u64::from(run));
                here
            });
            before += found.unwrap_or(pairs.len()) as u64 * 2;
            if found.is_some() {
                break;
            }
        }
        before
    }
}

/// What the reference compressor writes for `raw`, whose length it wants to be a multiple of 256 (not checked here).
pub fn encode(raw: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    encode_into(&mut stored, raw);
    stored
}

/// As [`encode`], in place of what `stored` held.
pub fn encode_into(stored: &mut Vec<u8>, raw: &[u8]) {
    stored.clear();
    let mut rest = raw;
    while let Some(&value) = rest.first() {
        if let Some(pairs) = rest.first_chunk().and_then(runs_of_one) {
            stored.extend_from_slice(pairs.as_flattened());
            rest = rest.get(GROUP..).unwrap_or_default();
            continue;
        }
        let run = run_len(rest.get(..RUN_MAX).unwrap_or(rest), value);
        stored.extend_from_slice(&[value, run as u8]); // at most RUN_MAX
        rest = rest.get(run..).unwrap_or_default();
    }
}

/// The pairs of all but the last of `bytes` where no two neighbours are equal, as in data that does not compress.
#[inline]
fn runs_of_one(bytes: &[u8; GROUP + 1]) -> Option<[[u8; 2]; GROUP]> {
    let (values, next) = (bytes.first_chunk::<GROUP>()?, bytes.last_chunk::<GROUP>()?);
    let equal = values.iter().zip(next).fold(0, |equal, (a, b)| equal | u8::from(a == b));
    (equal == 0).then(|| values.map(|value| [value, 1]))
}

/// How many bytes at the beginning of `bytes` are `value`.
fn run_len(bytes: &[u8], value: u8) -> usize {
    let same = u64::from_le_bytes([value; 8]);
    let (words, rest) = bytes.as_chunks();
    let mut run = 0;
    for &word in words {
        let differing = u64::from_le_bytes(word) ^ same;
        if differing != 0 {
            return run + differing.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + rest.iter().take_while(|&&byte| byte == value).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const NO_LIMIT: u64 = u64::MAX;

    fn decode_naively(stored: &[u8]) -> Vec<u8> {
        stored.chunks_exact(2).flat_map(|pair| vec![pair[0]; usize::from(pair[1])]).collect()
    }

    /// Payloads with stretches of the kinds that take different paths: runs of one, short, long, zero and any runs.
    fn payloads() -> impl Strategy<Value = Vec<u8>> {
        let run = |runs: std::ops::RangeInclusive<u8>| vec((any::<u8>(), runs), 0..60);
        let stretch = prop_oneof![run(1..=1), run(1..=4), run(0..=255), run(255..=255), run(0..=0)];
        (vec(stretch, 0..6), prop::option::of(any::<u8>())).prop_map(|(stretches, odd)| {
            let pairs = stretches.into_iter().flatten().flat_map(|(value, run)| [value, run]);
            pairs.chain(odd).collect()
        })
    }

    #[test]
    fn pairs_repeat_their_value() {
        assert_eq!(decode(&[7, 3, 9, 1, 1, 0, 7, 2], 6), Ok(vec![7, 7, 7, 9, 7, 7]));
        assert_eq!(decode(&[], 0), Ok(vec![]));
    }

    #[test]
    fn runs_are_capped_as_the_reference_compressor_caps_them() {
        assert_eq!(encode(&[0; 1000]), [0, 255, 0, 255, 0, 255, 0, 235]);
        assert_eq!(encode(&[0; 255]), [0, 255]);
        assert_eq!(encode(&[1, 2, 2]), [1, 1, 2, 2]);
        assert_eq!(encode(&[]), b"");
    }

    #[test]
    fn odd_lengths_and_bombs_are_refused_before_anything_is_allocated() {
        let mut kept = vec![5; 3];
        assert_eq!(decode_into(&mut kept, &[1, 2, 3], NO_LIMIT), Err(RleError::OddLength { len: 3 }));
        assert_eq!(
            decode_into(&mut kept, &[0, 255, 0, 255], 509),
            Err(RleError::TooLarge { decoded_len: 510, limit: 509 })
        );
        assert_eq!(kept, [5; 3]);
        assert_eq!(decode_lossy(&[1, 2, 3], NO_LIMIT), Ok(vec![1, 1]));
    }

    #[test]
    fn sums_do_not_overflow_their_lanes() {
        let stored = vec![255; 3 * STRIDE + 2];
        assert_eq!(decoded_len(&stored), (stored.len() as u64 / 2) * 255);
    }

    #[test]
    fn windows_cross_steps() {
        let stored: Vec<u8> =
            (0..3 * STEP as u32 + 10).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let raw = decode_naively(&stored);
        let steps = Steps::new((&stored).into());
        assert_eq!(steps.decoded_len(), raw.len() as u64);
        for edge in [0, 1, 2, 3].map(|step| decoded_len(&stored[..step * STEP]) as usize) {
            for (start, len) in [(edge.saturating_sub(300), 600), (edge, 1), (edge + 1, 70_000)] {
                let end = raw.len().min(start + len);
                assert_eq!(
                    steps.window((&stored).into(), start as u64, len),
                    raw[start.min(end)..end],
                    "{start}+{len}"
                );
            }
        }
        assert_eq!(steps.window((&stored).into(), u64::MAX, 10), b"");
        assert_eq!(Steps::default().window(Bytes::default(), 0, 10), b"");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(raw in vec((any::<u8>(), 1..600usize), 0..40)) {
            let raw: Vec<u8> = raw.into_iter().flat_map(|(value, run)| vec![value; run]).collect();
            let stored = encode(&raw);
            prop_assert!(stored.chunks(2).all(|pair| pair.len() == 2 && pair[1] > 0));
            prop_assert_eq!(decode(&stored, raw.len() as u64), Ok(raw));
        }

        #[test]
        fn decoding_and_survey_agree_with_the_plain_way(stored in payloads()) {
            let raw = decode_naively(&stored);
            let zero_runs: Vec<usize> = (0..stored.len() / 2).filter(|pair| stored[pair * 2 + 1] == 0).collect();
            prop_assert_eq!(survey(&stored), Survey {
                decoded_len: raw.len() as u64,
                zero_runs: zero_runs.len() as u64,
                first_zero_run: zero_runs.first().map(|&pair| pair as u64 * 2),
                odd: stored.len() % 2 == 1,
            });
            prop_assert_eq!(decoded_len(&stored), raw.len() as u64);
            let mut reused = vec![0xaa; 5000];
            prop_assert!(decode_into(&mut reused, &stored[..stored.len() / 2 * 2], NO_LIMIT).is_ok());
            prop_assert_eq!(&reused, &raw);
            prop_assert_eq!(decode_lossy(&stored, NO_LIMIT), Ok(raw));
        }

        #[test]
        fn a_window_is_a_slice_of_the_whole(stored in payloads(), start in 0..40_000u64, len in 0..40_000usize) {
            let raw = decode_naively(&stored);
            let from = (start as usize).min(raw.len());
            let window = &raw[from..raw.len().min(from + len)];
            prop_assert_eq!(decode_window(&stored, start, len), window);
            prop_assert_eq!(Steps::new((&stored).into()).window((&stored).into(), start, len), window);
        }

        #[test]
        fn stored_and_decoded_places_lead_to_each_other(stored in payloads()) {
            let steps = Steps::counted((&stored).into(), &Task::default()).unwrap();
            prop_assert_eq!(&steps, &Steps::new((&stored).into()));
            let mut decoded = 0;
            for (pair, &[_, run]) in pairs_of(&stored).iter().enumerate() {
                let at = pair as u64 * 2;
                prop_assert_eq!(steps.decoded_at((&stored).into(), at + 1), decoded);
                for within in 0..u64::from(run) {
                    prop_assert_eq!(steps.stored_at((&stored).into(), decoded + within), at);
                }
                decoded += u64::from(run);
            }
            prop_assert_eq!(steps.stored_at((&stored).into(), decoded), stored.len() as u64 / 2 * 2);
        }

        #[test]
        fn any_window_of_any_bytes_is_bounded(stored in vec(any::<u8>(), 0..200), start: u64, len: usize) {
            prop_assert!(decode_window(&stored, start, len).len() <= stored.len() * 128);
        }
    }
}
