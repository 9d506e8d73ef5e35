//! The chunk tree: a group for each tag with its count and size, runs of long groups, chunks with their state.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::known::look;
use super::painter::Painter;
use crate::report::short_size;
use crate::tui::layout::PaneArea;
use crate::tui::state::tree::{ChunkRow, Tree};
use crate::tui::state::{Pane, State, View};
use crate::tui::text::{Align, Keep, count_text, fit, from_file, width};
use crate::tui::theme::{Glyphs, Role};
use h4mk::container::Container;
use h4mk::index::{Chunk, Tag};
use h4mk::knowledge::Known;
use h4mk::veri::CoveredPart;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let focused = state.focus == Pane::Tree;
    let title = match state.tree.track() {
        Some(track) => {
            let room = usize::from(pane.outer.width).saturating_sub("Chunks of ".len() + 4);
            format!("Chunks of {}", from_file(track, room, Keep::Start, painter.glyphs.ellipsis))
        }
        None => "Chunks".to_owned(),
    };
    painter.frame(pane, &title, focused);
    let Some(container) = &state.container else { return };
    let index = container.index();
    let len = state.tree.len(index);
    let visible = state.tree_window.visible(len, pane.inner.height);
    for (line, at) in (0..).zip(visible) {
        let Some(row) = state.tree.row(index, at) else { break };
        let mut spans = row_spans(state, container, &painter, row, usize::from(pane.inner.width).saturating_sub(1));
        let gutter = if at == state.tree_window.cursor() { painter.glyphs.selected } else { " " };
        spans.insert(0, painter.span(Role::Text, gutter));
        painter.line(pane.inner, line, spans);
        if at == state.tree_window.cursor() {
            painter.tint(pane.inner, line, if focused { Role::Selection } else { Role::SelectionElsewhere });
        }
    }
    painter.scroll_bar(pane, &state.tree_window, len);
}

/// A row: indent, fold, name on the left; count, size and state on the right.
fn row_spans(
    state: &State,
    container: &Container,
    painter: &Painter<'_>,
    row: ChunkRow,
    columns: usize,
) -> Vec<Span<'static>> {
    let index = container.index();
    let glyphs = painter.glyphs;
    let fold = match state.tree.is_open(index, row) {
        Some(true) => glyphs.open,
        Some(false) => glyphs.closed,
        None => " ",
    };
    let tag = Tree::tag(index, row).map(|tag| tag.to_string()).unwrap_or_default();
    let members = state.tree.members(index, row);
    let chunk = state.tree.chunk(index, row);
    // A block's is its index, though only those of one track are shown.
    let number = |member: u64| {
        let block = || state.tree.nth(index, Tree::tag(index, row)?, member)?.block();
        block().unwrap_or(member)
    };
    let (indent, name, role, detail) = match row {
        ChunkRow::Group(group) => {
            let (count, bytes) = state.tree.total(index, group);
            (0, tag, Role::Strong, format!("{}  {}", count_text(count), fit(&short_size(bytes), 9, Align::Right, "")))
        }
        ChunkRow::Run(..) => {
            let span = format!("{}-{}", number(members.start), number(members.end.saturating_sub(1)));
            (1, span, Role::Text, count_text(members.end - members.start))
        }
        ChunkRow::Chunk(..) => {
            let keyframe = chunk.and_then(|c| c.block()).is_some_and(|block| container.is_keyframe(block));
            let glyph = if keyframe { glyphs.keyframe } else { " " };
            let name = format!("#{} {glyph}", number(members.start));
            let role = if keyframe { Role::Keyframe } else { Role::Text };
            let bytes = chunk.map_or(0, |chunk| chunk.len());
            (2, name, role, short_size(bytes))
        }
    };
    let (mark, mark_role) = look(known(state, container, row, chunk.as_ref()), glyphs);
    let left = format!("{:indent$}{fold} ", "", indent = indent * 2);
    let room = columns.saturating_sub(width(&left) + width(&detail) + 3);
    vec![
        painter.span(Role::Dim, left),
        painter.span(role, fit(&name, room, Align::Left, glyphs.ellipsis)),
        painter.span(Role::Dim, format!(" {detail}")),
        painter.span(Role::Good, covered(state, container, painter.glyphs, chunk.as_ref())),
        painter.span(mark_role, mark),
    ]
}

/// While VERI is what the Audit view is about: a bar beside the chunks that it covers.
fn covered(state: &State, container: &Container, glyphs: &Glyphs, first: Option<&Chunk>) -> &'static str {
    let coverage = state.verification.as_ref().filter(|_| state.view == View::Audit).and_then(|v| v.coverage.as_ref());
    match coverage.zip(first).map(|(coverage, chunk)| coverage.part_of(container, chunk)) {
        Some(CoveredPart::Whole | CoveredPart::Content) => glyphs.track,
        Some(CoveredPart::Nothing) | None => " ",
    }
}

/// Members of a row that are looked at one by one in a frame.
const MOST_MEMBERS: u64 = 1 << 16;

/// The worst that is known of what a row stands for.
fn known(state: &State, container: &Container, row: ChunkRow, first: Option<&Chunk>) -> Known {
    let (index, knowledge) = (container.index(), &state.knowledge);
    let members = state.tree.members(index, row);
    let tag = Tree::tag(index, row);
    let last = tag.and_then(|tag| state.tree.nth(index, tag, members.end.checked_sub(1)?));
    // Of all blocks, or all between two of one track: where none of them is worse than right, or unread, that is it.
    let blocks = first.and_then(|first| Some(first.block()?..last?.block()?.saturating_add(1)));
    let together = blocks.and_then(|blocks| knowledge.of_blocks(container, blocks));
    let alone = tag != Some(Tag::CORE) || state.tree.track().is_some();
    match (together, alone) {
        (Some(known), false) | (Some(known @ Known::Right), true) => known,
        _ => {
            let some = members.start..members.end.min(members.start.saturating_add(MOST_MEMBERS));
            let beyond = (some.end < members.end).then_some(Known::Unread);
            let chunks = some.filter_map(|member| state.tree.nth(index, tag?, member));
            knowledge.of_chunks(container, chunks).into_iter().chain(beyond).min().unwrap_or(Known::Unread)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::headless::Player;
    use crate::tui::testing::{damaged, played, setup};
    use crate::tui::{input, screen};

    fn tree_lines(player: &Player) -> Vec<String> {
        let frame = screen::text(&player.frame());
        frame.lines().skip(3).map(|line| line.chars().skip(1).take(24).collect()).collect()
    }

    #[test]
    fn groups_and_their_chunks() {
        let closed = tree_lines(&played(80, 24, ""));
        assert_eq!(closed[0], "▌▸ CORE   8       32 B ·");
    }

    #[test]
    fn damage_is_marked_on_the_chunk_and_its_group() {
        let mut player = Player::new(setup(damaged(), 80, 24));
        player.play(input::parse("a<BackTab><Home><Right>").unwrap());
        let lines = tree_lines(&player);
        assert!(lines[0].trim_end().ends_with('✗') && lines[3].trim_end().ends_with('✗'), "{lines:#?}");
        assert!(lines[1].trim_end().ends_with('✓'), "{lines:#?}");
    }
}
