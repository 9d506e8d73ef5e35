//! The Timeline view: bars of block sizes and bit rates against time, one lane a track, with keyframes, SEEK entries and
//! where they lead, damage in place, and what must be decoded for the playhead. Each column costs a few binary searches,
//! however many blocks it stands for.
//!
//! ```text
//! 00:00:00.000000 - 00:00:10.000000 · 10 s of 10 s · a column is 114.942 ms
//!     1.2 MiB│▇▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▇      block sizes; below them bit rates
//!           0│
//!      ◆ keys│◆───────◆───────◆      and lines for SEEK, damage and the chain, or all in one
//!            │00:00      │00:05
//!  playhead  00:00:07.500000 · 7500000 us
//!  block     #225 · …
//! ```

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::known::{look, look_of_fault};
use super::{Painter, PaneArea, State, count_text, size_text};
use crate::tui::layout::strip_column;
use crate::tui::state::timeline::{LaneLines, Parts, Scale, distance_text, is_checked, playhead, stretch};
use crate::tui::state::{JobKind, moment};
use crate::tui::text::{Align, Keep, fit, from_file, width};
use crate::tui::theme::Role;
use h4mk::container::Container;
use h4mk::explore::profile::{Axis, EntryFault, Lane, Profile, kind_of, rule};
use h4mk::knowledge::Known;
use h4mk::seek::Meaning;
use h4mk::time::{format_duration, format_us};
use h4mk::tracks::Track;

/// The columns of the names in front of the facts.
const NAME_COLUMNS: usize = 10;

/// All that the parts of the view are drawn from.
struct Scene<'a> {
    state: &'a State,
    container: &'a Container,
    profile: &'a Profile,
    pane: Rect,
    parts: &'a Parts,
    shown: Range<u64>,
    head: Option<u64>,
}

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let pane = pane.inner;
    let Some(container) = &state.container else { return };
    let Some(profile) = &state.profile else {
        let running = state.jobs.running().iter().find(|running| running.job.request.kind() == JobKind::Profile);
        let (done, total, _) = running.map_or((0, 0, None), |running| state.jobs.progress(running));
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        painter.line(pane, 0, vec![painter.span(Role::Dim, format!(" looking at every block: {percent}%"))]);
        return;
    };
    if profile.lanes.iter().all(Lane::is_empty) {
        painter.line(pane, 0, vec![painter.span(Role::Dim, " no blocks: there is nothing to place on a timeline")]);
        return;
    }
    let parts = Parts::of(pane, profile.lanes.len(), state.timeline.lane, profile.axis);
    let head = playhead(state, profile);
    let scene = Scene { state, container, profile, pane, parts: &parts, shown: state.timeline.shown(profile), head };
    if let Some(line) = parts.caption {
        let caption = scene.caption(&painter);
        painter.line(pane, line, caption);
    }
    for lines in &parts.lanes {
        if let Some(lane) = profile.lanes.get(lines.lane) {
            scene.lane(&mut painter, lane, lines);
        }
    }
    if let Some(line) = parts.ruler {
        scene.ruler(&mut painter, line);
    }
    let mut lines = parts.facts.clone();
    if lines.len() > 7
        && let Some(line) = lines.next()
    {
        let rule = painter.glyphs.line.repeat(usize::from(pane.width));
        painter.line(pane, line, vec![painter.span(Role::Border, rule)]);
    }
    for (line, fact) in lines.zip(scene.facts(&painter)) {
        painter.line(pane, line, fact);
    }
}

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
    fn chart(&self, lines: &Range<u16>) -> Rect {
        Rect {
            x: self.pane.x.saturating_add(self.parts.gutter),
            y: self.pane.y.saturating_add(lines.start),
            width: self.parts.chart_width(self.pane),
            height: lines.end.saturating_sub(lines.start),
        }
    }

    /// The column that the playhead stands in.
    fn head_column(&self) -> Option<u16> {
        let at = self.head.filter(|at| self.shown.contains(at))?;
        strip_column(self.shown.end - self.shown.start, self.parts.chart_width(self.pane), at - self.shown.start)
    }

    fn at_text(&self, at: u64) -> String {
        match self.profile.axis {
            Axis::Time => format_us(at),
            Axis::Index => format!("#{at}"),
        }
    }

    fn caption(&self, painter: &Painter<'_>) -> Vec<Span<'static>> {
        let len = self.shown.end - self.shown.start;
        let axis = self.profile.axis;
        let dot = format!(" {} ", painter.glyphs.separator);
        let whole = len == self.profile.extent();
        let mut texts = Vec::new();
        if self.pane.width >= 60 {
            texts.push(format!(
                "{} {} {}",
                self.at_text(self.shown.start),
                painter.glyphs.arrow,
                self.at_text(self.shown.end)
            ));
        }
        let of = match axis {
            Axis::Time => format_duration(self.container.duration_us().unwrap_or(0)),
            Axis::Index => distance_text(axis, self.profile.extent()),
        };
        texts.push(if whole { format!("all {of}") } else { format!("{} of {of}", distance_text(axis, len)) });
        let column = len as f64 / f64::from(self.parts.chart_width(self.pane).max(1));
        texts.push(match axis {
            Axis::Time => format!("column {}", format_duration(column.round() as u64)),
            Axis::Index => format!("column {column:.1} blocks"),
        });
        texts.push(match self.state.timeline.scale {
            Scale::Linear => "linear bars".to_owned(),
            Scale::Log => "log bars".to_owned(),
        });
        let hidden = self.profile.lanes.len() - self.parts.lanes.len().min(self.profile.lanes.len());
        if hidden > 0 {
            texts.push(format!("{hidden} more tracks"));
        }
        let mut spans = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            let before = if at == 0 { " ".to_owned() } else { dot.clone() };
            spans.extend([painter.span(Role::Dim, before), painter.span(Role::Text, text)]);
        }
        spans
    }

    fn columns(&self, lane: &Lane, number: usize) -> Vec<Column> {
        let marked = self.state.timeline.faults(number);
        let chain = self.state.timeline.chain().filter(|_| self.state.timeline.lane == number);
        let selected = self.state.selection.block.and_then(|block| self.profile.find(self.container, block));
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

    fn lane(&self, painter: &mut Painter<'_>, lane: &Lane, lines: &LaneLines) {
        let columns = self.columns(lane, lines.lane);
        if let Some(line) = lines.head {
            let spans = self.lane_head(painter, lane, lines.lane);
            painter.line(self.pane, line, spans);
        }
        let sizes: Vec<u64> = columns.iter().map(|column| lane.largest(&column.places)).collect();
        self.bars(painter, &lines.sizes, &columns, &sizes, size_text);
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

    fn mark(&self, painter: &mut Painter<'_>, line: Option<u16>, x: u16, mark: (&str, Role), selected: bool) {
        let Some(line) = line else { return };
        let chart = self.chart(&(line..line + 1));
        let (x, (glyph, role)) = (chart.x.saturating_add(x), mark);
        painter.cell(x, chart.y, glyph, role);
        if selected {
            painter.tint(Rect { x, width: 1, ..chart }, 0, Role::SelectionElsewhere);
        }
    }

    fn gutter(&self, painter: &mut Painter<'_>, line: u16, text: &str, role: Role) {
        let columns = usize::from(self.parts.gutter).saturating_sub(1);
        if columns > 0 {
            let area = Rect { width: self.parts.gutter, ..self.pane };
            let label = fit(text, columns, Align::Right, painter.glyphs.ellipsis);
            let spans = vec![painter.span(role, label), painter.span(Role::Border, painter.glyphs.track)];
            painter.line(area, line, spans);
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

    fn track(&self, lane: &Lane) -> Option<&Track> {
        self.container.tracks()?.list.get(lane.track?)
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
        let mut rest =
            vec![format!("{} blocks", count_text(lane.len())), format!("{} keyframes", count_text(lane.keyframes()))];
        rest.extend((lane.entry_faults() > 0).then(|| format!("{} seek entries disagree", lane.entry_faults())));
        for text in rest {
            spans.push(painter.span(Role::Dim, format!(" {} {text}", glyphs.separator)));
        }
        spans
    }

    fn ruler(&self, painter: &mut Painter<'_>, line: u16) {
        let chart = self.chart(&(line..line + 1));
        let len = self.shown.end - self.shown.start;
        let Some((step, label_width)) = tick_step(self.profile.axis, &self.shown, chart.width) else { return };
        let mut at = self.shown.start.div_ceil(step).saturating_mul(step);
        while at < self.shown.end {
            if let Some(x) = strip_column(len, chart.width, at - self.shown.start)
                && usize::from(x) + label_width < usize::from(chart.width)
            {
                let area = Rect { x: chart.x.saturating_add(x), width: chart.width - x, ..chart };
                let label = tick_text(self.profile.axis, at, step, self.shown.end);
                let spans = vec![painter.span(Role::Border, painter.glyphs.track), painter.span(Role::Dim, label)];
                painter.line(area, 0, spans);
            }
            let Some(next) = at.checked_add(step) else { break };
            at = next;
        }
    }

    /// What is known about the playhead and the whole: one line each, the most wanted first.
    fn facts(&self, painter: &Painter<'_>) -> Vec<Vec<Span<'static>>> {
        let Some(lane) = self.profile.lanes.get(self.state.timeline.lane).or(self.profile.lanes.first()) else {
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
        let share = match self.profile.axis {
            Axis::Time => self.container.span().map_or(0, |span| span.per_mille(at)),
            Axis::Index => u128::from(at) * 1000 / u128::from(self.profile.extent()),
        };
        let share = (Role::Dim, format!("{}.{}%", share / 10, share % 10));
        match self.profile.axis {
            Axis::Time => vec![(Role::Playhead, format_us(at)), (Role::Text, format!("{at} us")), share],
            Axis::Index => {
                vec![(Role::Playhead, format!("#{at}")), share, (Role::Warning, "no time base: by index".to_owned())]
            }
        }
    }

    fn block_fact(&self, painter: &Painter<'_>) -> Vec<(Role, String)> {
        let glyphs = painter.glyphs;
        let chunk = self.state.selection.block.and_then(|block| self.container.index().block(block));
        let Some((chunk, block)) = chunk.and_then(|chunk| Some((chunk, chunk.block?))) else {
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
        parts.push((Role::Text, format!("{} stored", size_text(chunk.len))));
        if let Some(pts_us) = self.container.pts_us(block) {
            parts.push((Role::Text, format!("{} = {pts_us} us", format_us(pts_us))));
        }
        parts.push((Role::Dim, format!("at {:#x}", chunk.offset)));
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
            let rule = answer.meaning.map_or("found by looking at every block".to_owned(), |m| self.rule_text(m));
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
            1 => format!("#{} alone", chain.keyframe),
            _ => format!("#{} {} #{} playing", chain.keyframe, painter.glyphs.arrow, chain.last),
        };
        vec![
            (Role::Strong, blocks),
            (Role::Text, from),
            (Role::Dim, distance_text(self.profile.axis, chain.end.saturating_sub(chain.start))),
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
                format!("{} of {all} blocks not looked at (a)", count_text(unread))
            }
        }
    }

    fn spacing_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let mut parts = vec![(Role::Text, count_text(lane.keyframes()))];
        let Some(spacing) = &lane.spacing else { return parts };
        let text = |distance| distance_text(self.profile.axis, distance);
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
            parts.push((Role::Damage, format!("{} {} on no block", glyphs.damage, count_text(lane.unplaced_entries))));
        }
        let beyond = lane.entries.len() - lane.entries.partition_point(|entry| entry.at < self.profile.end);
        if beyond > 0 {
            parts.push((Role::Warning, format!("{} {beyond} after the end", glyphs.warning)));
        }
        if parts.len() == 1 {
            parts.push(match self.is_checked() {
                true => (Role::Good, format!("{} each lands on its block", glyphs.good)),
                false => (Role::Dim, format!("each leads to a block; {}", self.not_checked())),
            });
        }
        parts
    }

    fn gaps_fact(&self, painter: &Painter<'_>, lane: &Lane) -> Vec<(Role, String)> {
        let glyphs = painter.glyphs;
        let mut parts = Vec::new();
        let len = |gap: &&h4mk::explore::profile::Gap| gap.end.saturating_sub(gap.start);
        if let Some(longest) = lane.gaps.iter().max_by_key(len) {
            let text = distance_text(self.profile.axis, len(&longest));
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
                size_text(bytes),
                first.block
            );
            parts.push((Role::Damage, text));
        }
        if self.profile.untimed > 0 {
            let count = count_text(self.profile.untimed);
            parts.push((Role::Warning, format!("{} {count} blocks of no track", glyphs.warning)));
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
        let shown = if self.shown.end - self.shown.start == self.profile.extent() { "mean" } else { "mean shown" };
        let mut parts = Vec::new();
        match self.profile.axis {
            Axis::Time => {
                parts.push((Role::Text, format!("{} {shown}", rate_text(rate(lane, &places)))));
                let source = match self.container.timeline().filter(|_| lane.track.is_none()) {
                    Some(timeline) => format!("a block every {} us, by {}", lane.step, timeline.source.describe()),
                    None => format!("a block every {} us as a rule", lane.step),
                };
                parts.push((Role::Dim, source));
            }
            Axis::Index => parts.push((Role::Dim, "unknown without a time base".to_owned())),
        }
        parts.push((Role::Dim, format!("largest {}", size_text(lane.largest(&places)))));
        parts
    }
}

/// More faulty entries than this are not counted by kind: a frame must not look at all of a long table.
const MOST_COUNTED: u64 = 4096;

/// A track's name on the screen: its id, and what it is called.
pub(super) fn track_name(track: &Track, columns: usize, ellipsis: &str) -> String {
    let id = from_file(&track.id, columns, Keep::Start, ellipsis);
    let room = columns.saturating_sub(width(&id) + 1);
    match track.name.as_ref().filter(|_| room > 3) {
        Some(name) => format!("{id} {}", from_file(name, room, Keep::Start, ellipsis)),
        None => id,
    }
}

/// Bits a second of these blocks: their stored bytes over the time from the first of them to the one after the last.
fn rate(lane: &Lane, places: &Range<u64>) -> u64 {
    let first = lane.position(places.start);
    let end = lane.position(places.end).or_else(|| Some(lane.span(places.end.checked_sub(1)?)?.end));
    let Some((first, end)) = first.zip(end).filter(|_| !places.is_empty()) else { return 0 };
    let bits = u128::from(lane.bytes(places)) * 8 * 1_000_000;
    u64::try_from(bits / u128::from(end.saturating_sub(first).max(1))).unwrap_or(u64::MAX)
}

/// Bits a second for people, in at most 11 columns up to 1000 Tbit/s.
fn rate_text(bits: u64) -> String {
    let (mut value, mut unit) = (bits as f64, "bit/s");
    for larger in ["kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    match value {
        _ if bits < 1000 => format!("{bits} {unit}"),
        0.0..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

const SECOND: u64 = 1_000_000;

/// Distances between marks of the ruler that people count in.
fn steps(axis: Axis) -> impl Iterator<Item = u64> {
    let decimal =
        |from: u64, to: u32| (0..to).flat_map(move |power| [1, 2, 5].map(|digit| digit * from * 10u64.pow(power)));
    let clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
    let clock = clock.into_iter().map(|seconds| seconds * SECOND);
    let (below, clock, above) = match axis {
        Axis::Time => (decimal(1, 6), Some(clock), decimal(86_400 * SECOND, 8)),
        Axis::Index => (decimal(1, 18), None, decimal(1, 0)),
    };
    below.chain(clock.into_iter().flatten()).chain(above)
}

/// The distance between marks, and the columns of a mark.
fn tick_step(axis: Axis, shown: &Range<u64>, columns: u16) -> Option<(u64, usize)> {
    let len = shown.end - shown.start;
    steps(axis).find_map(|step| {
        let label = 1 + width(&tick_text(axis, shown.end, step, shown.end));
        let apart = u128::from(step) * u128::from(columns) / u128::from(len.max(1));
        (apart >= label as u128 + 2).then_some((step, label))
    })
}

/// A position on the ruler, as exact as the distance between marks needs; hours only where `end` reaches one.
fn tick_text(axis: Axis, at: u64, step: u64, end: u64) -> String {
    if axis == Axis::Index {
        return format!("#{}", count_text(at));
    }
    let clock = format_us(at);
    let digits = match step {
        SECOND.. => 0,
        step => 6 - (1..6).take_while(|power| step.is_multiple_of(10u64.pow(*power))).count(),
    };
    let cut = if digits == 0 { 7 } else { 6 - digits };
    let text = clock.get(..clock.len().saturating_sub(cut)).unwrap_or(&clock);
    text.strip_prefix("00:").filter(|_| end < 3600 * SECOND).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_as_exact_as_they_are_close() {
        let text = |at, step| tick_text(Axis::Time, at, step, at);
        assert_eq!(text(61_500_000, SECOND), "01:01");
        assert_eq!(text(61_500_000, 500_000), "01:01.5");
        assert_eq!(text(3_661_000_020, 20), "01:01:01.00002");
        assert_eq!(text(7, 1), "00:00.000007");
        assert_eq!(tick_text(Axis::Index, 12_345, 5, 12_345), "#12,345");
    }

    #[test]
    fn steps_ascend_and_reach_every_length() {
        for axis in [Axis::Time, Axis::Index] {
            assert!(steps(axis).is_sorted());
            for shown in [0..1, 0..7, 5..1_000_000, u64::MAX - 10..u64::MAX] {
                assert!(tick_step(axis, &shown, 80).is_some(), "{shown:?}");
            }
        }
    }

    #[test]
    fn rates_have_units() {
        let rates = [0, 999, 1000, 12_345_678, 123_456_789_000].map(rate_text);
        assert_eq!(rates, ["0 bit/s", "999 bit/s", "1.0 kbit/s", "12.3 Mbit/s", "123 Gbit/s"]);
    }
}
