//! A lane: bars of block sizes and bit rates, and the lines of marks below them.

use super::rate::{rate, rate_text};
use super::scene::Scene;
use crate::report::short_size;
use crate::tui::state::timeline::Scale;
use crate::tui::state::timeline::parts::{LaneLines, stretch};
use crate::tui::text::{Keep, count_text, from_file, width};
use crate::tui::theme::Role;
use crate::tui::view::known::look_of_fault;
use crate::tui::view::painter::Painter;
use h4mk::explore::chart::{EntryFault, Lane};
use h4mk::knowledge::Known;
use h4mk::tracks::Track;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::ops::Range;

/// What a column of a lane shows.
struct Column {
    places: Range<u64>,
    keyframe: bool,
    /// The keyframe begins here, and does not only last.
    keyframe_begins: bool,
    worst: Option<Known>,
    entry: Option<Option<EntryFault>>,
    in_chain: bool,
    in_gap: bool,
    selected: bool,
}

impl Scene<'_> {
    pub(super) fn lane(&self, painter: &mut Painter<'_>, lane: &Lane, lines: &LaneLines) {
        let columns = self.columns(lane, lines.lane);
        if let Some(line) = lines.head {
            let spans = self.lane_head(painter, lane, lines.lane);
            painter.line(self.pane, line, spans);
        }
        let sizes: Vec<u64> = columns.iter().map(|column| lane.largest(&column.places)).collect();
        self.bars(painter, &lines.sizes, &columns, &sizes, short_size);
        let rates: Vec<u64> = columns.iter().map(|column| rate(lane, &column.places)).collect();
        self.bars(painter, &lines.rates, &columns, &rates, rate_text);
        let glyphs = painter.glyphs;
        let apart = lines.seek.is_some();
        let head = self.head_column();
        let unnamed = self.track(lane).filter(|_| lines.head.is_none());
        let marks = match unnamed {
            Some(track) => track_name(track, 10, glyphs.ellipsis),
            None if apart => format!("{} keys", glyphs.keyframe),
            None => "marks".to_owned(),
        };
        let names = [
            (lines.marks, marks),
            (lines.seek, format!("{} SEEK", glyphs.seek)),
            (lines.damage, format!("{} faults", glyphs.damage)),
            (lines.chain, format!("{} decode", glyphs.chain)),
        ];
        for (line, name) in names {
            if let Some(line) = line {
                self.gutter(painter, line, &name, Role::Dim);
            }
        }
        for (x, column) in (0u16..).zip(&columns) {
            let is_head = head == Some(x);
            let plain = match (column.places.is_empty(), column.in_gap) {
                (false, _) => (glyphs.line, Role::Border),
                (true, true) => (glyphs.lost, Role::Warning),
                (true, false) => (" ", Role::Text),
            };
            let playhead = is_head.then_some((glyphs.playhead, Role::Playhead));
            let keyframe = column.keyframe_begins.then_some((glyphs.keyframe, Role::Keyframe));
            let damage = column.worst.and_then(|worst| look_of_fault(worst, glyphs));
            let seek = column.entry.map(|fault| match fault {
                None => (glyphs.seek, Role::SeekEntry),
                Some(EntryFault::Nowhere) => (glyphs.damage, Role::Damage),
                Some(EntryFault::Unknown) => ("?", Role::Warning),
                Some(EntryFault::OtherTime | EntryFault::NoKeyframe) => (glyphs.warning, Role::Warning),
            });
            let chain = column.in_chain.then_some((glyphs.chain, Role::Strong));
            let faulty_seek = seek.filter(|(_, role)| *role != Role::SeekEntry);
            let marks = match apart {
                true => keyframe.or(playhead),
                false => damage.or(playhead).or(faulty_seek).or(keyframe).or(seek).or(chain),
            };
            self.mark(painter, lines.marks, x, marks.unwrap_or(plain), column.selected);
            let quiet = playhead.unwrap_or((" ", Role::Text));
            self.mark(painter, lines.seek, x, seek.unwrap_or(quiet), false);
            self.mark(painter, lines.damage, x, damage.unwrap_or(quiet), false);
            self.mark(painter, lines.chain, x, playhead.filter(|_| !column.in_chain).or(chain).unwrap_or(quiet), false);
        }
    }

    fn lane_head(&self, painter: &Painter<'_>, lane: &Lane, number: usize) -> Vec<Span<'static>> {
        let glyphs = painter.glyphs;
        let current = number == self.state.timeline.lane;
        let (mark, role) = if current { (glyphs.selected, Role::Strong) } else { (" ", Role::Text) };
        let mut spans = vec![painter.span(role, mark)];
        if let Some(track) = self.track(lane) {
            spans.push(painter.span(role, track_name(track, 24, glyphs.ellipsis)));
            let about = [&track.kind, &track.codec].into_iter().flatten();
            for text in about {
                let text = from_file(text, 16, Keep::Start, glyphs.ellipsis);
                spans.push(painter.span(Role::Dim, format!(" {} {text}", glyphs.separator)));
            }
        }
        let counted = |n: u64, thing: &str| format!("{} {thing}{}", count_text(n), if n == 1 { "" } else { "s" });
        let mut rest = vec![counted(lane.len(), "block"), counted(lane.keyframes(), "keyframe")];
        let faults = lane.entry_faults();
        rest.extend((faults > 0).then(|| match faults {
            1 => "1 seek entry is wrong".to_owned(),
            _ => format!("{faults} seek entries are wrong"),
        }));
        for text in rest {
            spans.push(painter.span(Role::Dim, format!(" {} {text}", glyphs.separator)));
        }
        spans
    }

    fn columns(&self, lane: &Lane, number: usize) -> Vec<Column> {
        let marked = self.state.timeline.faults(number);
        let chain = self.state.timeline.chain().filter(|_| self.state.timeline.lane == number);
        let selected = self.state.selection.block.and_then(|block| self.chart.find(self.container, block));
        let selected = selected.filter(|(lane, _)| *lane == number).map(|(_, place)| place);
        let width = self.parts.chart_width(self.pane);
        let column = |column| {
            let stretch = stretch(&self.shown, width, column);
            let places = lane.places_in(&stretch);
            let first = marked.partition_point(|(place, _)| *place < places.start);
            let irregular = lane.spacing.as_ref().is_some_and(|spacing| spacing.is_irregular(&places));
            let here = marked.iter().skip(first).take_while(|(place, _)| *place < places.end);
            let before =
                lane.place_at(stretch.start).is_some() && lane.place_at(stretch.start) != lane.len().checked_sub(1);
            let keyframe = lane.keyframe_in(&places);
            let begins = keyframe.and_then(|place| lane.position(place)).is_some_and(|at| stretch.contains(&at));
            Column {
                keyframe: keyframe.is_some(),
                keyframe_begins: begins,
                worst: here.map(|(_, known)| *known).min().or(irregular.then_some(Known::Doubtful)),
                entry: lane.entry_in(&stretch).map(|entry| entry.fault),
                in_chain: chain.is_some_and(|chain| chain.start < stretch.end && stretch.start < chain.end),
                in_gap: places.is_empty() && before,
                selected: selected.is_some_and(|place| places.contains(&place)),
                places,
            }
        };
        (0..width).map(column).collect()
    }

    fn mark(&self, painter: &mut Painter<'_>, line: Option<u16>, x: u16, mark: (&str, Role), selected: bool) {
        let Some(line) = line else { return };
        let chart = self.chart(&(line..line + 1));
        let (x, (glyph, role)) = (chart.x.saturating_add(x), mark);
        painter.cell(x, chart.y, glyph, role);
        if selected {
            painter.tint(Rect { x, width: 1, ..chart }, 0, Role::SelectionElsewhere);
        }
    }

    fn bars(
        &self,
        painter: &mut Painter<'_>,
        lines: &Range<u16>,
        columns: &[Column],
        values: &[u64],
        text: fn(u64) -> String,
    ) {
        if lines.is_empty() {
            return;
        }
        let top = values.iter().copied().max().unwrap_or(0);
        let rows = lines.end - lines.start;
        let head = self.head_column();
        for (below_top, line) in (0u16..).zip(lines.clone()) {
            let label = match below_top {
                0 => text(top),
                _ if below_top == rows / 2 && rows >= 5 => {
                    text(self.value_at(top, f64::from(rows - below_top) / f64::from(rows)))
                }
                _ if below_top == rows - 1 => "0".to_owned(),
                _ => String::new(),
            };
            self.gutter(painter, line, &label, Role::Dim);
        }
        let chart = self.chart(lines);
        for (x, (column, value)) in (0u16..).zip(columns.iter().zip(values)) {
            let eighths = self.level(*value, top, rows.saturating_mul(8));
            let role = match (column.worst, column.keyframe) {
                _ if head == Some(x) => Role::Playhead,
                (Some(Known::Wrong | Known::NextToLoss), _) => Role::Damage,
                (_, true) => Role::Keyframe,
                (_, false) => Role::Block,
            };
            for row in 0..rows {
                let filled = eighths.saturating_sub(row.saturating_mul(8)).min(8);
                let bar = usize::from(filled).checked_sub(1).and_then(|at| painter.glyphs.bars.get(at));
                let glyph = match bar {
                    Some(bar) => bar,
                    None if head == Some(x) => painter.glyphs.playhead,
                    None => continue,
                };
                painter.cell(chart.x.saturating_add(x), chart.bottom().saturating_sub(row + 1), glyph, role);
            }
        }
    }

    /// How many of `of` parts a bar of that value fills; what is more than 0 fills at least one.
    fn level(&self, value: u64, top: u64, of: u16) -> u16 {
        if value == 0 || top == 0 {
            return 0;
        }
        let share = match self.state.timeline.scale {
            Scale::Linear => value as f64 / top as f64,
            Scale::Log => (value as f64).ln_1p() / (top as f64).ln_1p(),
        };
        ((share * f64::from(of)).ceil() as u16).clamp(1, of)
    }

    /// The value whose bar fills that share.
    fn value_at(&self, top: u64, share: f64) -> u64 {
        match self.state.timeline.scale {
            Scale::Linear => (top as f64 * share) as u64,
            Scale::Log => ((top as f64).ln_1p() * share).exp_m1() as u64,
        }
    }
}

/// A track's name on the screen: its id, and what it is called.
pub(super) fn track_name(track: &Track, columns: usize, ellipsis: &str) -> String {
    let id = from_file(&track.id, columns, Keep::Start, ellipsis);
    let room = columns.saturating_sub(width(&id) + 1);
    match track.name.as_ref().filter(|_| room > 3) {
        Some(name) => format!("{id} {}", from_file(name, room, Keep::Start, ellipsis)),
        None => id,
    }
}
