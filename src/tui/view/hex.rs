//! The Hex view: bytes with the names of the fields they are. Where things stand is in
//! [`crate::tui::state::hex::geometry`].

mod grid;
mod heading;
mod inspector;
mod preview;
mod seen;
mod status;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::painter::Painter;
use crate::tui::layout::PaneArea;
use crate::tui::state::hex::chunk_name;
use crate::tui::state::hex::geometry::PanelKind;
use crate::tui::state::hex::rows::Rows;
use crate::tui::state::hex::shown::{Empty, Shown, shown};
use crate::tui::state::{JobKind, Pane, State, moment};
use crate::tui::text::{Keep, count_text, cut};
use crate::tui::theme::Role;
use h4mk::block::Reading;
use seen::Seen;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    match shown(state) {
        Ok(shown) => draw_bytes(state, &mut painter, pane, &shown),
        Err(empty) => draw_empty(state, &mut painter, pane.inner, &empty),
    }
}

fn draw_bytes(state: &State, painter: &mut Painter<'_>, pane: PaneArea, shown: &Shown) {
    let title = title(state, painter, shown);
    let room = usize::from(pane.outer.width).saturating_sub(4);
    let title = cut(&title, room, Keep::Start, painter.glyphs.ellipsis).into_owned();
    painter.frame(pane, &title, state.focus == Pane::View);

    let Some(geometry) = state.hex_geometry(shown) else { return };
    let rows = Rows::new(&shown.range, &geometry.columns);
    if let Some(note) = &shown.note {
        let glyph = painter.glyphs.warning;
        painter.line(geometry.note, 0, vec![painter.span(Role::Warning, format!(" {glyph} {note}"))]);
    }
    let seen = Seen::new(state, shown, &rows, geometry.grid.height);
    if shown.range.is_empty() {
        painter.line(geometry.grid, 0, vec![painter.span(Role::Dim, format!(" {}", no_bytes(shown)))]);
    } else {
        grid::draw_ruler(painter, &geometry);
        grid::draw(state, painter, shown, &geometry, &rows, &seen);
    }
    status::draw(state, painter, shown, geometry.status, &seen);
    match geometry.panel {
        Some((PanelKind::Inspector, area)) => inspector::draw(state, painter, shown, area, &seen),
        Some((PanelKind::Preview, area)) => preview::draw(state, painter, shown, area),
        None => {}
    }
    let bar = Rect { y: geometry.grid.y, height: geometry.grid.height, ..pane.scroll_bar };
    painter.scroll_bar(PaneArea { scroll_bar: bar, ..pane }, state.hex.window(), rows.count());
}

fn no_bytes(shown: &Shown) -> &'static str {
    if shown.is_decoded() { "It decodes to nothing; r shows what is stored." } else { "There are no bytes here." }
}

fn draw_empty(state: &State, painter: &mut Painter<'_>, area: Rect, empty: &Empty) {
    let lines = match empty {
        Empty::NotIndexed if state.jobs.is_running(JobKind::Index) => {
            ["The file is being indexed.".to_owned(), String::new()]
        }
        Empty::NotIndexed => ["There is no container to show.".to_owned(), String::new()],
        Empty::NotRead(chunk, reading) => {
            let decoding = state.jobs.running().iter().find(|r| r.job.request.kind() == JobKind::Decode);
            let name = chunk_name(chunk);
            match decoding.map(|running| state.jobs.progress(running)) {
                Some(_) if *reading == Reading::Whole => {
                    [format!("Decoding {name}."), "Meanwhile r shows it as stored.".to_owned()]
                }
                None if *reading == Reading::Whole => {
                    let text = format!("Decoding {name} was stopped.");
                    [text, "r shows it as stored, r again decodes it.".to_owned()]
                }
                Some((done, total, _)) => {
                    let percent = u128::from(done) * 100 / u128::from(total.max(1));
                    let text = format!("Counting what {name} decodes to: {percent}%");
                    [text, "Meanwhile r shows it as stored.".to_owned()]
                }
                None => {
                    let text = format!("Counting what {name} decodes to was stopped.");
                    [text, "r shows it as stored, r again counts it.".to_owned()]
                }
            }
        }
    };
    for (line, text) in (0..).zip(lines) {
        painter.line(area, line, vec![painter.span(Role::Dim, format!(" {text}"))]);
    }
}

/// What is shown, in which form, from where its offsets count, the cursor's place and the length.
fn title(state: &State, painter: &Painter<'_>, shown: &Shown) -> String {
    let separator = format!(" {} ", painter.glyphs.separator);
    let (cursor, range) = (state.hex.cursor(), &shown.range);
    let len = format!("{} B", count_text(range.end - range.start));
    let parts = match &shown.chunk {
        Some(chunk) if shown.is_decoded() => {
            let name = chunk_name(chunk);
            [format!("Hex: {name} decoded"), format!("block offset {cursor:#x}"), len]
        }
        Some(chunk) if !state.hex.whole => {
            let name = chunk_name(chunk);
            [format!("Hex: {name} as stored"), format!("file offset {cursor:#x}"), len]
        }
        _ => ["Hex: whole file".to_owned(), format!("file offset {cursor:#x}"), len],
    };
    let [name, rest @ ..] = parts;
    let about = moment::about(state).filter(|_| !state.hex.whole).unwrap_or_default();
    [name + &about].into_iter().chain(rest).collect::<Vec<_>>().join(&separator)
}
