//! `render`: the TUI without a terminal.

use super::input::Input;

/// Arguments of `render`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
KEYS is text in which each character is that key; <Enter> <Esc> <Tab> <Up> <C-x> <lt> and the like are named ones.

Examples:
  h4inspect render clip.h4mk
  h4inspect render clip.h4mk --size 80x24 --keys '3t1.5s<Enter>'")]
pub struct Args {
    /// Container to show; - is standard input
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub file: Input,
    /// Columns and rows of the screen
    #[arg(long, value_name = "COLSxROWS", default_value = "120x40", value_parser = screen)]
    pub size: Screen,
    /// Keys to play before the picture is taken
    #[arg(long, default_value = "", hide_default_value = true)]
    pub keys: String,
    /// How to write the picture
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// A screen's size in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// 1…1000.
    pub columns: u16,
    /// 1…1000.
    pub rows: u16,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Characters only.
    #[default]
    Text,
}

/// Larger than any terminal, and small enough to draw.
const MAX_CELLS: u16 = 1000;

fn screen(text: &str) -> Result<Screen, String> {
    let side = |digits: &str| digits.parse().ok().filter(|cells| (1..=MAX_CELLS).contains(cells));
    let sides = text.split_once(['x', 'X']).and_then(|(columns, rows)| Some((side(columns)?, side(rows)?)));
    let (columns, rows) = sides.ok_or_else(|| format!("write it as 120x40; each from 1 to {MAX_CELLS}"))?;
    Ok(Screen { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_columns_x_rows() {
        assert_eq!(screen("80x24"), Ok(Screen { columns: 80, rows: 24 }));
        assert_eq!(screen("1X1000"), Ok(Screen { columns: 1, rows: 1000 }));
        for text in ["", "80", "80x", "0x5", "5x1001", "80x24x3", "-1x5", "70000x1"] {
            assert!(screen(text).is_err(), "{text}");
        }
    }
}
