//! A drawn screen as a picture: SGR sequences for terminals, SVG for pages.

use std::fmt::Write;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::style::{Color, Modifier, Style};

use super::screen::rows;
use super::theme::Background;
use crate::report::xml::allowed;

/// Stretches of one style in a row: first column, columns, style, text.
fn stretches(row: &[(&str, Style)]) -> Vec<(usize, usize, Style, String)> {
    let mut column = 0;
    let mut out = Vec::new();
    for stretch in row.chunk_by(|a, b| a.1 == b.1) {
        let text: String = stretch.iter().map(|(symbol, _)| *symbol).collect();
        let columns = stretch.iter().map(|(symbol, _)| usize::from(symbol.cell_width())).sum();
        if let Some((_, style)) = stretch.first() {
            out.push((column, columns, *style, text));
        }
        column += columns;
    }
    out
}

/// The screen with its colours and attributes, each line closed by a reset, so that it can be printed anywhere.
pub fn ansi(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        for (_, _, style, text) in stretches(&row) {
            let codes = sgr(&style);
            match codes.is_empty() {
                true => out.push_str(&text),
                false => _ = write!(out, "\x1b[{}m{text}\x1b[0m", codes.join(";")),
            }
        }
        out.push('\n');
    }
    out
}

const ATTRIBUTES: [(Modifier, u8); 6] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
    (Modifier::CROSSED_OUT, 9),
];

fn sgr(style: &Style) -> Vec<String> {
    let set = ATTRIBUTES.iter().filter(|(modifier, _)| style.add_modifier.contains(*modifier));
    let mut codes: Vec<String> = set.map(|(_, code)| code.to_string()).collect();
    codes.extend(style.fg.and_then(|color| color_code(color, 30)));
    codes.extend(style.bg.and_then(|color| color_code(color, 40)));
    codes
}

/// The code that sets a colour; `base` is 30 for text and 40 for what is behind it.
fn color_code(color: Color, base: u8) -> Option<String> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("{};2;{r};{g};{b}", base + 8)),
        Color::Indexed(index) => Some(format!("{};5;{index}", base + 8)),
        named => {
            let place = PALETTE.iter().position(|(color, _)| *color == named)? as u8;
            Some(if place < 8 { base + place } else { base + 52 + place }.to_string())
        }
    }
}

/// The sixteen named colours in the order of their codes, as xterm shows them.
const PALETTE: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

fn rgb(color: Color) -> Option<[u8; 3]> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(index @ 0..16) => PALETTE.get(usize::from(index)).map(|(_, rgb)| *rgb),
        Color::Indexed(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            Some([level(index / 36), level(index / 6 % 6), level(index % 6)])
        }
        Color::Indexed(grey) => Some([8 + 10 * (grey - 232); 3]),
        named => PALETTE.iter().find(|(color, _)| *color == named).map(|(_, rgb)| *rgb),
    }
}

/// Size of a cell, and where in it the text stands, in the SVG's units.
const CELL: (f64, f64) = (8.4, 18.0);
const BASELINE: f64 = 13.5;
const MARGIN: f64 = 10.0;

/// The screen as an SVG picture. Each stretch of text is stretched to its columns, so that rows stay aligned whatever
/// font a page has.
pub fn svg(buffer: &Buffer, background: Background) -> String {
    let (text, page) = match background {
        Background::Dark => ([230, 237, 243], [13, 17, 23]),
        Background::Light => ([31, 35, 40], [255, 255, 255]),
    };
    let width = f64::from(buffer.area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(buffer.area.height) * CELL.1 + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, \
         'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"{}\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n",
        hex(text),
        hex(page)
    );
    for (y, row) in rows(buffer).enumerate() {
        let top = MARGIN + y as f64 * CELL.1;
        for (column, columns, style, content) in stretches(&row) {
            let (mut fg, mut bg) = (style.fg.and_then(rgb), style.bg.and_then(rgb));
            if style.add_modifier.contains(Modifier::REVERSED) {
                (fg, bg) = (Some(bg.unwrap_or(page)), Some(fg.unwrap_or(text)));
            }
            let (x, wide) = (MARGIN + column as f64 * CELL.0, columns as f64 * CELL.0);
            if let Some(bg) = bg {
                _ = writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    CELL.1,
                    hex(bg)
                );
            }
            if !content.trim().is_empty() {
                _ = writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\"{}>{}</text>",
                    top + BASELINE,
                    attributes(&style, fg),
                    escape(&content)
                );
            }
        }
    }
    out.push_str("</svg>\n");
    out
}

fn attributes(style: &Style, fg: Option<[u8; 3]>) -> String {
    let mut out = fg.map(|fg| format!(" fill=\"{}\"", hex(fg))).unwrap_or_default();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if style.add_modifier.contains(modifier) {
            out.push_str(attribute);
        }
    }
    out
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text for XML.
fn escape(text: &str) -> String {
    allowed(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn screen() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::LightRed));
        buffer.set_string(3, 0, "日", Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
        buffer.set_string(0, 1, "x", Style::new().fg(Color::Indexed(208)));
        buffer
    }

    #[test]
    fn a_terminal_gets_codes_and_resets() {
        let expected = "\x1b[38;2;1;2;3;101ma<b\x1b[0m\x1b[1;7m日\x1b[0m   \n\x1b[38;5;208mx\x1b[0m       \n";
        assert_eq!(ansi(&screen()), expected);
    }

    #[test]
    fn a_page_gets_rectangles_and_texts() {
        let svg = svg(&screen(), Background::Dark);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains(">a&lt;b</text>") && svg.contains("fill=\"#010203\""));
        assert!(svg.contains("fill=\"#ff0000\"/>") && svg.contains("fill=\"#ff8700\""));
        assert!(svg.contains("font-weight=\"bold\">日</text>"));
    }

    #[test]
    fn a_page_holds_only_what_xml_allows() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        for (x, symbol) in ["a", "\u{fffe}", "b", "\u{ffff}", "\u{1fffe}"].into_iter().enumerate() {
            buffer[(x as u16, 0)].set_symbol(symbol);
        }
        assert!(svg(&buffer, Background::Dark).contains(">a\\u{fffe}b\\u{ffff}\u{1fffe}</text>"));
    }

    #[test]
    fn indexed_colours_are_xterm_s() {
        assert_eq!(rgb(Color::Indexed(16)), Some([0, 0, 0]));
        assert_eq!(rgb(Color::Indexed(231)), Some([255, 255, 255]));
        assert_eq!(rgb(Color::Indexed(255)), Some([238, 238, 238]));
    }
}
