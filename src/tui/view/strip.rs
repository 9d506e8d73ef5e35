//! Blocks against time in one or two lines, always in sight: how large they are, where SEEK leads (or keyframes are, where
//! there is no SEEK), where damage is, and where the playhead stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::known::look_of_fault;
use super::painter::Painter;
use crate::tui::layout::{strip_blocks, strip_column};
use crate::tui::state::{State, moment};
use crate::tui::theme::Role;
use h4mk::container::Container;
use h4mk::explore::chart::Axis;

pub(super) fn draw(state: &State, buffer: &mut Buffer, area: Rect) {
    let mut painter = Painter::new(state, buffer);
    let Some(container) = &state.container else { return };
    let blocks = container.index().blocks();
    if blocks == 0 {
        painter.line(area, 0, vec![painter.span(Role::Dim, " no blocks")]);
        return;
    }
    let playhead = moment::playing(state).and_then(|block| strip_column(blocks, area.width, block));
    let selected = state.selection.block.and_then(|block| strip_column(blocks, area.width, block));
    let sizes: Vec<u64> = (0..area.width).map(|column| mean_size(container, blocks, area.width, column)).collect();
    let largest = sizes.iter().copied().max().unwrap_or(0).max(1);
    let one_line = area.height == 1;
    for (column, size) in (0..area.width).zip(sizes) {
        let (bar, bar_role) = match size {
            0 => (" ", Role::Block),
            size => (painter.glyphs.bars.get(bar_level(size, largest)).copied().unwrap_or(" "), Role::Block),
        };
        let mark = mark(state, container, &painter, area.width, column, playhead);
        let x = area.x.saturating_add(column);
        match (one_line, mark) {
            (true, Some((glyph, role))) => painter.cell(x, area.y, glyph, role),
            (true, None) => painter.cell(x, area.y, bar, bar_role),
            (false, mark) => {
                let role = if playhead == Some(column) { Role::Playhead } else { bar_role };
                painter.cell(x, area.y, bar, role);
                let (glyph, role) = mark.unwrap_or((painter.glyphs.line, Role::Border));
                painter.cell(x, area.y.saturating_add(1), glyph, role);
            }
        }
        if selected == Some(column) && playhead != selected {
            painter.tint(Rect { x, width: 1, ..area }, area.height.saturating_sub(1), Role::SelectionElsewhere);
        }
    }
}

/// The mean of a column's blocks, headers included: two lookups, however many blocks it stands for.
fn mean_size(container: &Container, blocks: u64, width: u16, column: u16) -> u64 {
    let range = strip_blocks(blocks, width, column);
    let index = container.index();
    let ends = range.end.checked_sub(1).and_then(|last| Some((index.block(range.start)?, index.block(last)?)));
    ends.map_or(0, |(first, last)| last.end().saturating_sub(first.offset()) / (range.end - range.start).max(1))
}

fn bar_level(size: u64, largest: u64) -> usize {
    usize::try_from(u128::from(size) * 7 / u128::from(largest)).unwrap_or(7)
}

/// What is marked in a column: damage before the playhead before a SEEK entry.
fn mark(
    state: &State,
    container: &Container,
    painter: &Painter<'_>,
    width: u16,
    column: u16,
    playhead: Option<u16>,
) -> Option<(&'static str, Role)> {
    let range = strip_blocks(container.index().blocks(), width, column);
    let known = state.knowledge.of_blocks(container, range.clone());
    if let Some(fault) = known.and_then(|known| look_of_fault(known, painter.glyphs)) {
        return Some(fault);
    }
    if playhead == Some(column) {
        return Some((painter.glyphs.playhead, Role::Playhead));
    }
    // Tracks have tables of their own; what they have in common is keyframes.
    let chart = state.chart.as_ref()?;
    let table = match &chart.lanes[..] {
        [lane] if lane.track.is_none() && chart.axis == Axis::Time && !lane.entries.is_empty() => Some(lane),
        _ => None,
    };
    let (Some(timeline), Some(lane)) = (container.timeline(), table) else {
        let keyframe = chart.keyframe_in(range)?;
        return (keyframe < container.index().blocks()).then_some((painter.glyphs.keyframe, Role::Keyframe));
    };
    // Where blocks outnumber columns, whole stretches are marked by what SEEK's timestamps say.
    let (from, to) = (timeline.pts_us(range.start), timeline.pts_us(range.end));
    let first = lane.entries.partition_point(|entry| entry.pts_us < from);
    lane.entries.get(first).filter(|entry| entry.pts_us < to).map(|_| (painter.glyphs.seek, Role::SeekEntry))
}

#[cfg(test)]
mod tests {
    use crate::tui::headless::Player;
    use crate::tui::testing::{damaged, played, setup};
    use crate::tui::{input, screen};

    #[test]
    fn keyframes_and_the_playhead_stand_at_their_blocks() {
        let frame = screen::text(&played(80, 24, ":#6<Enter>").frame());
        let marks: Vec<char> = frame.lines().nth(21).unwrap().chars().collect();
        assert_eq!((marks[0], marks[60], marks[40], marks[20]), ('▲', '┃', '▲', '─'), "{frame}");
    }

    #[test]
    fn damage_stands_at_its_block() {
        let mut player = Player::new(setup(damaged(), 80, 24));
        player.play(input::parse("a").unwrap());
        let frame = screen::text(&player.frame());
        assert!(frame.lines().nth(21).unwrap().chars().skip(20).take(10).all(|c| c == '✗'), "{frame}");
    }
}
