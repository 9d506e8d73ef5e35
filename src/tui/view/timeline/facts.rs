//! What is known about the playhead and the whole, below the chart.

use ratatui::text::Span;

use super::rate::{rate, rate_text};
use super::scene::Scene;
use crate::report::short_size;
use crate::tui::state::moment;
use crate::tui::state::timeline::faults::{distance_text, is_checked};
use crate::tui::text::count_text;
use crate::tui::theme::Role;
use crate::tui::view::known::look;
use crate::tui::view::painter::Painter;
use h4mk::explore::chart::{Axis, EntryFault, Lane, kind_of, rule};
use h4mk::knowledge::Known;
use h4mk::seek::Meaning;
use h4mk::time::format_us;

/// The columns of the names in front of the facts.
const NAME_COLUMNS: usize = 10;

/// More faulty entries than this are not counted by kind: a frame must not look at all of a long table.
const MOST_COUNTED: u64 = 4096;

impl Scene<'_> {
    /// What is known about the playhead and the whole: one line each, the most wanted first.
    pub(super) fn facts(&self, painter: &Painter<'_>) -> Vec<Vec<Span<'static>>> {
        let Some(lane) = self.chart.lanes.get(self.state.timeline.lane).or(self.chart.lanes.first()) else {
            return Vec::new();
        };
        let dot = format!(" {} ", painter.glyphs.separator);
        let fact = |name: &str, parts: Vec<(Role, String)>| {
            let mut spans = vec![painter.span(Role::Dim, format!(" {name:<NAME_COLUMNS$}"))];
            for (at, (role, text)) in parts.into_iter().enumerate() {
                if at > 0 {
                    spans.push(painter.span(Role::Dim, dot.clone()));
                }
                spans.push(painter.span(role, text));
            }
            spans
        };
        vec![
            fact("playhead", self.playhead_fact()),
            fact("block", self.block_fact(painter)),
            fact("seek", self.answer_fact(painter, lane)),
            fact("decode", self.chain_fact(painter)),
            fact("keyframes", self.spacing_fact(painter, lane)),
            fact("entries", self.entries_fact(painter, lane)),
            fact("gaps", self.gaps_fact(painter, lane)),
            fact("rate", self.rate_fact(lane)),
        ]
    }

    fn playhead_fact(&self) -> Vec<(Role, String)> {
        let Some(at) = self.head else { return vec![(Role::Dim, "nothing with a time is selected".to_owned())] };
        let share = match self.chart.axis {
            Axis::Time => self.container.span().map_or(0, |span| span.per_mille(at)),
            Axis::Index => u128::from(at) * 1000 / u128::from(self.chart.axis_len()),
        };
        let share = (Role::Dim, format!("{}.{}%", share / 10, share % 10));
        match self.chart.axis {
            Axis::Time => vec![(Role::Playhead, format_us(at)), (Role::Text, format!("{at} us")), share],
            Axis::Index => {
                vec![(Role::Playhead, format!("#{at}")), share, (Role::Warning, "no time base: by index".to_owned())]
            }
        }
    }

    fn block_fact(&self, painter: &Painter<'_>) -> Vec<(Role, String)> {
        let glyphs = painter.glyphs;
        let chunk = self.state.selection.block.and_then(|block| self.container.index().block(block));
        let Some((chunk, block)) = chunk.and_then(|chunk| Some((chunk, chunk.block()?))) else {
            return vec![(Role::Dim, "none selected".to_owned())];
        };
        let mut parts = vec![(Role::Strong, format!("#{block}"))];
        let keyframe = self.container.is_keyframe(block);
        let kind = kind_of(self.container, block).map(|kind| format!("{kind} ")).unwrap_or_default();
        if keyframe {
            parts.push((Role::Keyframe, format!("{} {kind}keyframe", glyphs.keyframe)));
        } else if !kind.is_empty() {
            parts.push((Role::Text, kind.trim_end().to_owned()));
        }
        let known = self.state.knowledge.of_chunk(self.container, &chunk);
        let (glyph, role) = look(known, glyphs);
        parts.push((role, format!("{glyph} {known}")));
        parts.push((Role::Text, format!("{} stored", short_size(chunk.len()))));
        if let Some(pts_us) = self.container.pts_us(block) {
            parts.push((Role::Text, format!("{} = {pts_us} us", format_us(pts_us))));
        }
        parts.push((Role::Dim, format!("at {:#x}", chunk.offset())));
        parts
    }

    /// Which entry answers the playhead, and by which rule it leads to its block.
    fn answer_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let arrow = painter.glyphs.arrow;
        let asked = moment::current(self.state).and_then(|moment| moment.seek.as_ref().ok());
        if let Some((answer, block)) = asked.and_then(|answer| Some((answer, answer.block?))) {
            let entry = match answer.scanned {
                true => format!("keyframe at {} us {arrow} #{block}", answer.entry.pts_us),
                false => format!("entry {} at {} us {arrow} #{block}", answer.entry_index, answer.entry.pts_us),
            };
            let rule = answer.meaning.map_or("found by reading every block".to_owned(), |m| self.rule_text(m));
            return vec![(Role::SeekEntry, entry), (Role::Text, rule)];
        }
        let Some(at) = self.head else { return vec![(Role::Dim, "no playhead".to_owned())] };
        let Some(entry) = lane.entry_at(at) else {
            let why = match lane.entries.first() {
                None => "no seek table",
                Some(_) => "before the first entry",
            };
            return vec![(Role::Dim, why.to_owned())];
        };
        let lands = entry.block.map_or_else(String::new, |block| format!(" {arrow} #{block}"));
        let mut parts = vec![(Role::SeekEntry, format!("entry {} at {} us{lands}", entry.row, entry.pts_us))];
        match entry.fault {
            Some(fault) => {
                let glyph = if fault == EntryFault::Nowhere { painter.glyphs.damage } else { painter.glyphs.warning };
                let role = if fault == EntryFault::Nowhere { Role::Damage } else { Role::Warning };
                parts.push((role, format!("{glyph} {}", fault.describe())));
            }
            None => parts.push((Role::Text, self.rule_text(rule(self.container, lane)))),
        }
        parts
    }

    fn rule_text(&self, meaning: Meaning) -> String {
        match self.pane.width {
            70.. => format!("offset is {}", meaning.describe()),
            _ => format!("by {}", meaning.name()),
        }
    }

    fn chain_fact(&self, painter: &Painter<'_>) -> Vec<(Role, String)> {
        let Some(chain) = self.state.timeline.chain() else {
            return vec![(Role::Dim, "no keyframe leads to the playhead".to_owned())];
        };
        let blocks = format!("{} block{}", count_text(chain.blocks), if chain.blocks == 1 { "" } else { "s" });
        let from = match chain.blocks {
            1 => format!("only #{}", chain.keyframe),
            _ => format!("#{} {} #{} playing", chain.keyframe, painter.glyphs.arrow, chain.last),
        };
        vec![
            (Role::Strong, blocks),
            (Role::Text, from),
            (Role::Dim, distance_text(self.chart.axis, chain.end.saturating_sub(chain.start))),
        ]
    }

    /// Whether every check was made, so that what is not known to be wrong is right.
    fn is_checked(&self) -> bool {
        is_checked(self.state)
    }

    /// What was not looked at, and the key that does.
    fn not_checked(&self) -> String {
        match self.state.tally.of(Known::Unread) {
            0 => "not audited (a)".to_owned(),
            unread => {
                let all = count_text(self.container.index().blocks());
                format!("{} of {all} blocks not checked (a)", count_text(unread))
            }
        }
    }

    fn spacing_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let mut parts = vec![(Role::Text, count_text(lane.keyframes()))];
        let Some(spacing) = &lane.spacing else { return parts };
        let text = |distance| distance_text(self.chart.axis, distance);
        if spacing.min == spacing.max {
            parts.push((Role::Text, format!("every {}", text(spacing.usual))));
        } else {
            let (min, mean, max) = (text(spacing.min), text(spacing.mean), text(spacing.max));
            parts.push((Role::Text, format!("min {min}, mean {mean}, max {max}")));
        }
        let irregular = spacing.irregular.first().and_then(|place| lane.block(*place));
        match irregular {
            Some(first) => {
                let count = count_text(spacing.irregular.len() as u64);
                parts.push((Role::Warning, format!("{} {count} irregular, first #{first}", painter.glyphs.warning)));
            }
            None if self.is_checked() => parts.push((Role::Good, format!("{} regular", painter.glyphs.good))),
            None => parts.push((Role::Dim, "regular, not checked".to_owned())),
        }
        parts
    }

    fn entries_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let glyphs = painter.glyphs;
        let all = lane.entries.len() as u64 + lane.unplaced_entries;
        if all == 0 {
            return vec![(Role::Dim, "none".to_owned())];
        }
        let mut parts = vec![(Role::Text, count_text(all))];
        let count = |fault| lane.faulty_entries().filter(|entry| entry.fault == Some(fault)).count() as u64;
        let faults = if lane.entry_faults() <= MOST_COUNTED {
            [EntryFault::Nowhere, EntryFault::OtherTime, EntryFault::NoKeyframe, EntryFault::Unknown]
                .map(|f| (f, count(f)))
        } else {
            let first = lane.faulty_entries().next().and_then(|entry| entry.fault).unwrap_or(EntryFault::Unknown);
            [(first, lane.entry_faults()), (first, 0), (first, 0), (first, 0)]
        };
        for (fault, count) in faults.into_iter().filter(|(_, count)| *count > 0) {
            let (glyph, role) = match fault {
                EntryFault::Nowhere => (glyphs.damage, Role::Damage),
                _ => (glyphs.warning, Role::Warning),
            };
            parts.push((role, format!("{glyph} {} {}", count_text(count), fault.landing())));
        }
        if lane.unplaced_entries > 0 {
            parts.push((Role::Damage, format!("{} {} to no block", glyphs.damage, count_text(lane.unplaced_entries))));
        }
        let beyond = lane.entries.len() - lane.entries.partition_point(|entry| entry.at < self.chart.end);
        if beyond > 0 {
            parts.push((Role::Warning, format!("{} {beyond} beyond the end", glyphs.warning)));
        }
        if parts.len() == 1 {
            parts.push(match self.is_checked() {
                true => (Role::Good, format!("{} each leads to its block", glyphs.good)),
                false => (Role::Dim, format!("each leads to a block; {}", self.not_checked())),
            });
        }
        parts
    }

    fn gaps_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let glyphs = painter.glyphs;
        let mut parts = Vec::new();
        let len = |gap: &&h4mk::explore::chart::Gap| gap.end.saturating_sub(gap.start);
        if let Some(longest) = lane.gaps.iter().max_by_key(len) {
            let text = distance_text(self.chart.axis, len(&longest));
            let count = count_text(lane.gaps.len() as u64);
            let from = self.at_text(longest.start);
            parts.push((Role::Warning, format!("{} {count}, longest {text} from {from}", glyphs.lost)));
        }
        if lane.overlaps > 0 {
            let count = count_text(lane.overlaps);
            let verb = if lane.overlaps == 1 { "overlaps" } else { "overlap" };
            parts.push((Role::Warning, format!("{} {count} {verb} the block before", glyphs.warning)));
        }
        if lane.unsorted > 0 {
            let count = count_text(lane.unsorted);
            parts.push((Role::Warning, format!("{} {count} stored out of order", glyphs.warning)));
        }
        let losses = &self.container.walked().losses;
        if let Some(first) = losses.first().filter(|_| self.container.is_complete()) {
            let bytes: u64 = losses.iter().map(|loss| loss.length).fold(0, u64::saturating_add);
            let text = format!(
                "{} {} lost before #{}: later blocks are provisional",
                glyphs.damage,
                short_size(bytes),
                first.block
            );
            parts.push((Role::Damage, text));
        }
        if self.chart.untimed > 0 {
            let count = count_text(self.chart.untimed);
            parts.push((Role::Warning, format!("{} {count} blocks in no track", glyphs.warning)));
        }
        if parts.is_empty() {
            parts.push(match self.is_checked() {
                true => (Role::Good, format!("{} none", glyphs.good)),
                false => (Role::Dim, "none seen, not checked".to_owned()),
            });
        }
        parts
    }

    fn rate_fact(&self, lane: &Lane) -> Vec<(Role, String)> {
        let places = lane.places_in(&self.shown);
        let shown = if self.shown.end - self.shown.start == self.chart.axis_len() { "mean" } else { "mean shown" };
        let mut parts = Vec::new();
        match self.chart.axis {
            Axis::Time => {
                parts.push((Role::Text, format!("{} {shown}", rate_text(rate(lane, &places)))));
                let source = match self.container.timeline().filter(|_| lane.track.is_none()) {
                    Some(timeline) => format!("a block every {} us, by {}", lane.step, timeline.source.describe()),
                    None => format!("usually a block every {} us", lane.step),
                };
                parts.push((Role::Dim, source));
            }
            Axis::Index => parts.push((Role::Dim, "unknown without a time base".to_owned())),
        }
        parts.push((Role::Dim, format!("largest {}", short_size(lane.largest(&places)))));
        parts
    }
}
