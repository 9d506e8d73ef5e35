//! A drawn screen as text: for snapshots and for people.

use std::fmt::Write;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::style::{Color, Modifier, Style};

/// The characters of the screen, a line each, without spaces at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        let line: String = row.iter().map(|(symbol, _)| *symbol).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The styled stretches of the screen, a line each: row, first and last column, style, text. Unstyled cells are left out,
/// so that a snapshot shows what selection, damage and matches look like and nothing else.
pub fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for (y, row) in rows(buffer).enumerate() {
        let mut x = 0;
        for stretch in row.chunk_by(|a, b| a.1 == b.1) {
            let text: String = stretch.iter().map(|(symbol, _)| *symbol).collect();
            let width: usize = stretch.iter().map(|(symbol, _)| usize::from(symbol.cell_width())).sum();
            if let Some((_, style)) = stretch.first()
                && *style != plain()
            {
                _ = writeln!(out, "{y:>3} {x:>3}-{:<3} {:<28} {}", x + width - 1, name(style), text.trim_end());
            }
            x += width;
        }
    }
    out
}

/// The cells of each row, those hidden behind a wide character left out.
pub(super) fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<(&str, Style)>> {
    let area = buffer.area;
    (area.top()..area.bottom()).map(move |y| {
        let mut hidden = 0;
        let mut row = Vec::with_capacity(usize::from(area.width));
        for cell in (area.left()..area.right()).filter_map(|x| buffer.cell((x, y))) {
            if hidden == 0 {
                row.push((cell.symbol(), cell.style()));
                hidden = cell.cell_width();
            }
            hidden = hidden.saturating_sub(1);
        }
        row
    })
}

fn plain() -> Style {
    ratatui::buffer::Cell::default().style()
}

/// A style in a few words: `bold #d2a8ff on #2f4a73`.
fn name(style: &Style) -> String {
    let attributes = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed"),
    ];
    let mut words: Vec<String> = attributes
        .into_iter()
        .filter(|(modifier, _)| style.add_modifier.contains(*modifier))
        .map(|(_, word)| word.to_owned())
        .collect();
    words.extend(style.fg.filter(|fg| *fg != Color::Reset).map(color));
    words.extend(style.bg.filter(|bg| *bg != Color::Reset).map(|bg| format!("on {}", color(bg))));
    words.join(" ")
}

fn color(color: Color) -> String {
    color.to_string().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn text_and_styles_of_a_screen() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "日本 a", Style::new());
        buffer.set_string(5, 0, "bc", Style::new().fg(Color::Rgb(255, 0, 16)).add_modifier(Modifier::BOLD));
        buffer.set_string(0, 1, "語", Style::new().bg(Color::Blue));
        assert_eq!(text(&buffer), "日本 bc\n語\n");
        let styled = styles(&buffer);
        let words: Vec<Vec<&str>> = styled.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words, [vec!["0", "5-6", "bold", "#ff0010", "bc"], vec!["1", "0-1", "on", "blue", "語"]]);
        assert_eq!(text(&Buffer::empty(Rect::ZERO)), "");
    }
}
