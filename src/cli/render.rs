//! `render`: the TUI without a terminal.

use std::io::Write;

use ratatui::layout::Size;

use super::input::Input;
use super::output::Output;
use super::screen;
use super::session::Session;
use crate::tui::headless::Player;
use crate::tui::theme::{Background, Depth, Theme};
use crate::tui::{input, picture};

/// The named keys.
macro_rules! names {
    () => {
        "\
<Enter> <Esc> <Tab> <BackTab> <Space> <Up> <Down> <Left> <Right> <PgUp> <PgDn> <Home> <End>
<Backspace> <Del> <lt> <gt> <C-x> <Paste:text> <Click:col,row> <Drag:col,row,col,row>
<Wheel:col,row,±n> <Resize:COLSxROWS>"
    };
}

/// Arguments of `render`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = concat!(
    "In KEYS each character stands for its key; the named keys are:\n",
    names!(),
    "

Examples:
  h4inspect render clip.h4mk
  h4inspect render clip.h4mk --keys '6a'              # all findings
  h4inspect render clip.h4mk --keys 'a6<Enter>'       # the bytes of the first finding
  h4inspect render clip.h4mk --keys '4:#30<Enter>'    # block 30 among its neighbours
  h4inspect render clip.h4mk --size 80x24 --keys '3t1.5s<Enter>'"
))]
pub struct Args {
    /// Container to show; - is standard input
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub file: Input,
    /// Compare FILE with this container
    #[arg(long, value_name = "OTHER", value_hint = clap::ValueHint::FilePath)]
    pub diff: Option<Input>,
    /// Columns and rows of the screen
    #[arg(long, value_name = "COLSxROWS", default_value = "120x40", value_parser = screen_size)]
    pub size: Size,
    /// Keys to play before the screen is drawn
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true, value_parser = played)]
    pub keys: Keys,
    /// Format of the picture
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Keys to play.
#[derive(Debug, Clone)]
pub struct Keys(Vec<input::Input>);

fn screen_size(text: &str) -> Result<Size, String> {
    let size = input::parse_size(text).ok().filter(|size| size.width > 0 && size.height > 0);
    size.ok_or_else(|| "write it as 120x40, with each number from 1 to 1000".to_owned())
}

fn played(text: &str) -> Result<Keys, String> {
    input::parse(text).map(Keys).map_err(|error| format!("{error}\n\nNames:\n{}", names!()))
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Characters only.
    #[default]
    Text,
    /// With colours and attributes, for a terminal.
    Ansi,
    /// A picture for a page.
    Svg,
}

/// Plays the keys and draws the last frame, the same for the same file and keys wherever it runs.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let theme = Theme { background: Background::Dark, depth: Depth::True, ascii: false };
    let setup = screen::setup(&args.file, args.diff.as_ref(), session, theme, args.size)?;
    let mut player = Player::new(setup);
    player.play(args.keys.0.iter().cloned());
    let frame = player.frame();
    let picture = match args.format {
        Format::Text => crate::tui::screen::text(&frame),
        Format::Ansi => picture::ansi(&frame),
        Format::Svg => picture::svg(&frame, theme.background),
    };
    let mut out = Output::stdout();
    out.write_all(picture.as_bytes())?;
    out.finish()
}
