//! The Blocks view: a row for each block, as many columns as there is room for, and what they add up to. Only the rows in
//! sight are made, and none of them reads a block: that was done before, or is being done.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::known::look;
use super::painter::{Painter, titled};
use crate::report::short_size;
use crate::tui::layout::PaneArea;
use crate::tui::state::blocks::{Cell, lines, table};
use crate::tui::state::{JobKind, Pane, State};
use crate::tui::text::{Align, Keep, count_text, fit, from_file, width};
use crate::tui::theme::Role;
use h4mk::container::{Container, Effort};
use h4mk::explore::chart::kind_of;
use h4mk::explore::sorted_blocks::Column;
use h4mk::index::{self, Chunk, Tag};
use h4mk::knowledge::Known;
use h4mk::text::escape;
use h4mk::time::format_us;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let Some(container) = &state.container else { return };
    let focused = state.focus == Pane::View;
    let title = titled(state, &painter, &title(state, &painter));
    painter.frame(pane, &title, focused);
    let list = &state.blocks;
    let rows = lines(pane.inner.height);
    let cells = table(container, pane.inner.width);
    if rows.start > 0 {
        header(state, &mut painter, pane.inner, &cells);
        let totals = totals(state, container, &painter);
        painter.line(pane.inner, pane.inner.height.saturating_sub(1), totals);
    }
    let len = list.len(container);
    if len == 0 {
        let why = match container.index().blocks() {
            0 => " there are no blocks: the file has no CORE chunk",
            _ => " no block matches; X shows all",
        };
        painter.line(pane.inner, rows.start, vec![painter.span(Role::Dim, why)]);
    }
    let visible = list.window.visible(len, rows.end - rows.start);
    for (line, row) in (rows.start..).zip(visible) {
        let Some(chunk) = list.block(container, row).and_then(|block| container.index().block(block)) else { continue };
        let at_cursor = row == list.window.cursor();
        let mut spans = vec![painter.span(Role::Text, if at_cursor { painter.glyphs.selected } else { " " })];
        let mut x = 1;
        for cell in &cells {
            let gap = usize::from(cell.x.saturating_sub(x));
            spans.push(Span::raw(" ".repeat(gap)));
            spans.extend(value(state, container, &painter, &chunk, cell));
            x = cell.x + cell.width;
        }
        painter.line(pane.inner, line, spans);
        if at_cursor {
            painter.tint(pane.inner, line, if focused { Role::Selection } else { Role::SelectionElsewhere });
        }
    }
    painter.scroll_bar(pane, &list.window, len);
}

/// The view's name, and what is listed where it is not all.
fn title(state: &State, painter: &Painter<'_>) -> String {
    let list = &state.blocks;
    let mut title = "Blocks".to_owned();
    let dot = painter.glyphs.separator;
    if !list.filter.is_empty() {
        title.push_str(&format!(" {dot} {}", escape(&list.filter.to_string())));
    }
    if state.jobs.is_running(JobKind::List) {
        title.push_str(&format!(" {dot} listing{}", painter.glyphs.ellipsis));
    }
    title
}

/// A column's name, and on which side its values stand.
fn name(column: Column) -> (&'static str, Align) {
    match column {
        Column::Index => ("block", Align::Right),
        Column::Track => ("track", Align::Left),
        Column::Kind => ("kind", Align::Left),
        Column::Offset => ("offset", Align::Right),
        Column::Pts => ("time", Align::Right),
        Column::Keyframe => ("key", Align::Left),
        Column::Stored => ("stored", Align::Right),
        Column::Decoded => ("decoded", Align::Right),
        Column::Ratio => ("ratio", Align::Right),
        Column::Known => ("state", Align::Left),
    }
}

fn header(state: &State, painter: &mut Painter<'_>, area: Rect, cells: &[Cell]) {
    let order = state.blocks.shown_order();
    for cell in cells {
        let (name, align) = name(cell.column);
        let sorted = order.column == cell.column;
        let arrow = if order.descending { painter.glyphs.descending } else { painter.glyphs.ascending };
        let (role, name) = if sorted { (Role::Strong, format!("{name}{arrow}")) } else { (Role::Dim, name.to_owned()) };
        // An arrow that finds no room in a narrow column stands in the space beside it.
        let columns = usize::from(cell.width).max(width(&name));
        let x = match align {
            Align::Left => cell.x,
            Align::Right => cell.x.saturating_sub((columns - usize::from(cell.width)) as u16),
        };
        let place = Rect { x: area.x.saturating_add(x), width: area.width.saturating_sub(x), ..area };
        let text = fit(&name, columns, align, painter.glyphs.ellipsis);
        painter.line(place, 0, vec![painter.span(role, text)]);
    }
}

/// What a row says in a column, padded to its width.
fn value(
    state: &State,
    container: &Container,
    painter: &Painter<'_>,
    chunk: &Chunk,
    cell: &Cell,
) -> Vec<Span<'static>> {
    let glyphs = painter.glyphs;
    let block = chunk.block().unwrap_or(0);
    let measure = state.blocks.measure(block);
    let columns = usize::from(cell.width);
    let unknown = || match measure {
        None => (Role::Dim, glyphs.ellipsis.to_owned()),
        Some(_) => (Role::Dim, "?".to_owned()),
    };
    let (role, text) = match cell.column {
        Column::Index => (Role::Strong, count_text(block)),
        Column::Track => {
            let track = container.tracks().and_then(|tracks| tracks.of_block(block));
            let id = track.map(|(track, _)| from_file(&track.id, columns, Keep::Start, glyphs.ellipsis));
            (Role::Text, id.unwrap_or_else(|| "?".to_owned()))
        }
        Column::Kind => (Role::Text, kind_of(container, block).map_or_else(|| "?".to_owned(), |kind| kind.to_string())),
        Column::Offset => (Role::Dim, format!("{:#x}", chunk.offset())),
        Column::Pts => (Role::Text, container.pts_us(block).map_or_else(|| "?".to_owned(), format_us)),
        Column::Keyframe if container.is_keyframe(block) => (Role::Keyframe, format!(" {}", glyphs.keyframe)),
        Column::Keyframe => (Role::Text, String::new()),
        Column::Stored => (Role::Text, count_text(chunk.len())),
        Column::Decoded => match measure.and_then(|measure| measure.decoded) {
            Some(len) if count_text(len).len() <= columns => (Role::Text, count_text(len)),
            Some(len) => (Role::Text, short_size(len)),
            None => unknown(),
        },
        Column::Ratio => match measure.and_then(|measure| measure.decoded) {
            Some(_) if chunk.is_empty() => (Role::Dim, glyphs.line.to_owned()),
            Some(len) => (Role::Text, format!("{:.2}{}", len as f64 / chunk.len() as f64, glyphs.times)),
            None => unknown(),
        },
        Column::Known => return known(state, container, painter, chunk, columns),
    };
    let (_, align) = name(cell.column);
    vec![painter.span(role, fit(&text, columns, align, glyphs.ellipsis))]
}

/// What is known of a block, and the word that says most of it in few columns.
fn known(
    state: &State,
    container: &Container,
    painter: &Painter<'_>,
    chunk: &Chunk,
    columns: usize,
) -> Vec<Span<'static>> {
    let known = state.knowledge.of_chunk(container, chunk);
    let (glyph, role) = look(known, painter.glyphs);
    let word = match (known, container.state(chunk)) {
        (Known::Wrong, index::State::Truncated) => "cut",
        (Known::Wrong, index::State::CrcMismatch) => "CRC",
        (Known::Wrong, _) => "error",
        (Known::NextToLoss, _) => "at loss",
        (_, index::State::LengthRepaired) => "length",
        (_, index::State::TagRepaired) => "tag",
        (Known::Mended, _) => "mended",
        (Known::Doubtful, _) => "warning",
        (Known::Unread, _) => "unread",
        (Known::Right, _) => "right",
    };
    vec![painter.span(role, fit(&format!("{glyph} {word}"), columns, Align::Left, painter.glyphs.ellipsis))]
}

/// What the listed blocks add up to.
fn totals(state: &State, container: &Container, painter: &Painter<'_>) -> Vec<Span<'static>> {
    let index = container.index();
    let all = index.blocks();
    let (blocks, stored, decoded) = match state.blocks.sorted() {
        Some(sorted) => (sorted.len(), sorted.stored, sorted.decoded),
        None => {
            let known = container.starts(Effort::Cheap).decoded.filter(|starts| starts.known() == all);
            (all, index.total(Tag::CORE).map_or(0, |total| total.bytes), known.map(|starts| starts.total()))
        }
    };
    let count = if blocks == all { count_text(all) } else { format!("{} of {}", count_text(blocks), count_text(all)) };
    let mut parts = vec![
        (Role::Strong, format!("{count} block{}", if all == 1 { "" } else { "s" })),
        (Role::Text, format!("{} stored", short_size(stored))),
    ];
    if let Some(decoded) = decoded {
        let ratio = if stored > 0 {
            format!(" ({:.2}{})", decoded as f64 / stored as f64, painter.glyphs.times)
        } else {
            String::new()
        };
        parts.push((Role::Text, format!("{} decoded{ratio}", short_size(decoded))));
    }
    if let Some(chart) = state.chart.as_ref().filter(|_| blocks == all) {
        let keyframes: u64 = chart.lanes.iter().map(|lane| lane.keyframes()).sum();
        parts.push((Role::Text, format!("{} keyframes", count_text(keyframes))));
    }
    if let Some(mean) = stored.checked_div(blocks) {
        parts.push((Role::Dim, format!("{}/block", short_size(mean))));
    }
    let mut spans = Vec::new();
    for (at, (role, text)) in parts.into_iter().enumerate() {
        let before = if at == 0 { " ".to_owned() } else { format!(" {} ", painter.glyphs.separator) };
        spans.extend([painter.span(Role::Dim, before), painter.span(role, text)]);
    }
    spans
}
