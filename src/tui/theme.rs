//! How things look, by what they mean. Views ask for a [`Role`] or a [`Glyphs`] field and never name a colour; the theme
//! answers for a dark or a light background, in as many colours as the terminal has, down to none. No role differs from
//! plain text by colour alone when that difference is a state: the views add a glyph, and without colour the theme adds
//! an attribute.

mod glyphs;

pub use glyphs::Glyphs;
use glyphs::{ASCII, UNICODE};

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Labels, units, what may be overlooked.
    Dim,
    /// What should be read first.
    Strong,
    /// The name of a pane.
    Title,
    /// The frame of a pane.
    Border,
    /// The frame of the pane that has the keys.
    BorderFocus,
    /// The selected row of the pane that has the keys.
    Selection,
    /// The selected row of any other pane.
    SelectionElsewhere,
    /// The byte or block under the cursor.
    Cursor,
    /// A match of the search.
    Match,
    /// The match that the cursor is on.
    MatchCurrent,
    /// Damage, findings of severity error.
    Damage,
    /// Findings of severity warning.
    Warning,
    /// Findings of severity info.
    Info,
    /// Checked and right.
    Good,
    /// A keyframe.
    Keyframe,
    /// A block that isn't a keyframe.
    Block,
    /// A SEEK entry.
    SeekEntry,
    /// The selected time.
    Playhead,
    /// The four bytes of a tag.
    FieldTag,
    /// A length or count field.
    FieldLength,
    /// A CRC or digest field.
    FieldCrc,
    /// A time or offset field.
    FieldTime,
    /// Flags, versions and reserved fields.
    FieldFlags,
    /// A byte 0.
    ByteZero,
    /// A printable ASCII byte.
    BytePrintable,
    /// An ASCII control byte.
    ByteControl,
    /// A byte from 0x80 to 0xFE.
    ByteHigh,
    /// A byte 0xFF.
    ByteOnes,
    /// A key of a JSON object.
    JsonKey,
    /// A JSON string.
    JsonString,
    /// A JSON number.
    JsonNumber,
    /// true, false, null.
    JsonLiteral,
    /// The header line.
    Header,
    /// A key in the footer or the help.
    HintKey,
    /// What that key does.
    HintText,
    /// The prompt's label.
    PromptLabel,
    /// The done part of a progress bar.
    Progress,
}

/// A colour as the four depths and two backgrounds have it.
#[derive(Debug, Clone, Copy)]
struct Tone {
    dark: u32,
    light: u32,
    dark16: Color,
    light16: Color,
}

const fn tone(dark: u32, light: u32, dark16: Color, light16: Color) -> Option<Tone> {
    Some(Tone { dark, light, dark16, light16 })
}

// Text tones keep a contrast of 4.5:1 with a background of 0x16181d or 0xffffff (WCAG AA).
const RED: Option<Tone> = tone(0xff6b6b, 0xb3261e, Color::LightRed, Color::Red);

const AMBER: Option<Tone> = tone(0xf5b84b, 0x8a5300, Color::LightYellow, Color::Magenta);

const GREEN: Option<Tone> = tone(0x7bd88f, 0x1e7a34, Color::LightGreen, Color::Green);

const BLUE: Option<Tone> = tone(0x6cb6ff, 0x0b5cad, Color::LightBlue, Color::Blue);

const CYAN: Option<Tone> = tone(0x5fd7d7, 0x006d75, Color::LightCyan, Color::Cyan);

const VIOLET: Option<Tone> = tone(0xd2a8ff, 0x7a3eb1, Color::LightMagenta, Color::Magenta);

const GREY: Option<Tone> = tone(0x8b929e, 0x6b7280, Color::DarkGray, Color::DarkGray);

const WHITE: Option<Tone> = tone(0xffffff, 0x000000, Color::White, Color::Black);

const SELECTED: Option<Tone> = tone(0x2f4a73, 0xcfe3fb, Color::Blue, Color::Gray);

const SELECTED_ELSEWHERE: Option<Tone> = tone(0x2b303a, 0xe8ebf0, Color::DarkGray, Color::Gray);

const MATCHED: Option<Tone> = tone(0x5b4a12, 0xffe9a8, Color::Yellow, Color::Yellow);

const BLACK: Option<Tone> = tone(0x000000, 0x000000, Color::Black, Color::Black);

const BRIGHT_AMBER: Option<Tone> = tone(0xffc857, 0xffb000, Color::LightYellow, Color::LightYellow);

const BAR: Option<Tone> = tone(0x23272f, 0xe4e7ec, Color::Reset, Color::Reset);

const NONE: Option<Tone> = None;

/// A role's look: colours, attributes beside them, and attributes where there are no colours.
struct Look(Option<Tone>, Option<Tone>, Modifier, Modifier);

const PLAIN: Modifier = Modifier::empty();

const BOLD: Modifier = Modifier::BOLD;

const DIM: Modifier = Modifier::DIM;

const UNDER: Modifier = Modifier::UNDERLINED;

const REVERSED: Modifier = Modifier::REVERSED;

const BOLD_UNDER: Modifier = Modifier::BOLD.union(Modifier::UNDERLINED);

const BOLD_REVERSED: Modifier = Modifier::BOLD.union(Modifier::REVERSED);

const UNDER_REVERSED: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED);

impl Role {
    fn look(self) -> Look {
        match self {
            Self::Text | Self::HintText => Look(NONE, NONE, PLAIN, PLAIN),
            Self::Dim | Self::Border | Self::Info => Look(GREY, NONE, PLAIN, DIM),
            Self::Strong => Look(WHITE, NONE, BOLD, BOLD),
            Self::Title | Self::PromptLabel => Look(BLUE, NONE, BOLD, BOLD),
            Self::BorderFocus => Look(BLUE, NONE, PLAIN, BOLD),
            Self::Selection => Look(WHITE, SELECTED, BOLD, REVERSED),
            Self::SelectionElsewhere => Look(NONE, SELECTED_ELSEWHERE, PLAIN, UNDER),
            Self::Cursor => Look(BLACK, BRIGHT_AMBER, BOLD, BOLD_REVERSED),
            Self::Match => Look(WHITE, MATCHED, UNDER, UNDER),
            Self::MatchCurrent => Look(BLACK, BRIGHT_AMBER, UNDER, UNDER_REVERSED),
            Self::Damage => Look(RED, NONE, BOLD, BOLD_UNDER),
            Self::Warning => Look(AMBER, NONE, PLAIN, BOLD),
            Self::Good => Look(GREEN, NONE, PLAIN, PLAIN),
            Self::Keyframe => Look(CYAN, NONE, BOLD, BOLD),
            Self::Block => Look(BLUE, NONE, PLAIN, PLAIN),
            Self::SeekEntry => Look(VIOLET, NONE, PLAIN, PLAIN),
            Self::Playhead => Look(AMBER, NONE, BOLD, BOLD_REVERSED),
            Self::FieldTag => Look(VIOLET, NONE, BOLD, BOLD),
            Self::FieldLength => Look(BLUE, NONE, PLAIN, PLAIN),
            Self::FieldCrc => Look(AMBER, NONE, PLAIN, PLAIN),
            Self::FieldTime => Look(CYAN, NONE, PLAIN, PLAIN),
            Self::FieldFlags => Look(GREEN, NONE, PLAIN, PLAIN),
            Self::ByteZero => Look(GREY, NONE, PLAIN, DIM),
            Self::BytePrintable => Look(CYAN, NONE, PLAIN, PLAIN),
            Self::ByteControl => Look(GREEN, NONE, PLAIN, PLAIN),
            Self::ByteHigh => Look(NONE, NONE, PLAIN, PLAIN),
            Self::ByteOnes => Look(AMBER, NONE, PLAIN, PLAIN),
            Self::JsonKey => Look(BLUE, NONE, PLAIN, BOLD),
            Self::JsonString => Look(GREEN, NONE, PLAIN, PLAIN),
            Self::JsonNumber => Look(CYAN, NONE, PLAIN, PLAIN),
            Self::JsonLiteral => Look(VIOLET, NONE, PLAIN, PLAIN),
            Self::Header => Look(NONE, BAR, PLAIN, PLAIN),
            Self::HintKey => Look(BLUE, NONE, BOLD, BOLD),
            Self::Progress => Look(BLACK, GREEN, PLAIN, REVERSED),
        }
    }
}

/// The background that the colours must stand out from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
}

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// No colours, only attributes (NO_COLOR).
    None,
    /// The 16 of the terminal's own palette.
    Ansi16,
    /// The 256 of xterm.
    Ansi256,
    /// 24 bits.
    #[default]
    True,
}

/// The theme: what a frame is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// The background.
    pub background: Background,
    /// The number of colours.
    pub depth: Depth,
    /// True where only ASCII can be shown.
    pub ascii: bool,
}

/// What the user said about colour on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// As the environment says.
    #[default]
    Auto,
    /// Colour whatever the environment says.
    Always,
    /// Attributes only.
    Never,
}

impl Theme {
    /// The theme for a terminal, from what its environment says: H4INSPECT_THEME or COLORFGBG for the background;
    /// NO_COLOR, CLICOLOR_FORCE, COLORTERM and TERM for the colours; LC_ALL, LC_CTYPE, LANG for the glyphs.
    pub fn from_env(choice: ColorChoice, env: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| env(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| get(name));
        let utf8 = locale.map_or(cfg!(windows), |l| {
            let l = l.to_ascii_lowercase();
            l.contains("utf-8") || l.contains("utf8")
        });
        Self { background: background(&get), depth: depth(choice, &get), ascii: !utf8 }
    }

    /// The style for a role.
    pub fn style(&self, role: Role) -> Style {
        let Look(fg, bg, with_color, without) = role.look();
        if self.depth == Depth::None {
            return Style::new().add_modifier(without);
        }
        let mut style = Style::new().add_modifier(with_color);
        style.fg = fg.map(|tone| self.color(tone));
        style.bg = bg.map(|tone| self.color(tone));
        if self.depth == Depth::Ansi16 && role == Role::SelectionElsewhere {
            // The sixteen have no grey that stays apart from both backgrounds and all texts.
            return Style::new().add_modifier(UNDER);
        }
        style
    }

    fn color(&self, tone: Tone) -> Color {
        let (rgb, ansi) = match self.background {
            Background::Dark => (tone.dark, tone.dark16),
            Background::Light => (tone.light, tone.light16),
        };
        let [_, r, g, b] = rgb.to_be_bytes();
        match self.depth {
            Depth::True => Color::Rgb(r, g, b),
            Depth::Ansi256 => Color::Indexed(nearest256(r, g, b)),
            Depth::Ansi16 | Depth::None => ansi,
        }
    }

    /// The glyphs for what is drawn with characters.
    pub fn glyphs(&self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }
}

fn background(get: &impl Fn(&str) -> Option<String>) -> Background {
    match get("H4INSPECT_THEME").as_deref() {
        Some("light") => return Background::Light,
        Some("dark") => return Background::Dark,
        _ => {}
    }
    // rxvt's and Konsole's `foreground;background`, as indices of the sixteen.
    let colors = get("COLORFGBG");
    match colors.as_deref().and_then(|c| c.rsplit(';').next()) {
        Some("7" | "15") => Background::Light,
        _ => Background::Dark,
    }
}

fn depth(choice: ColorChoice, get: &impl Fn(&str) -> Option<String>) -> Depth {
    let forced = choice == ColorChoice::Always || get("CLICOLOR_FORCE").is_some_and(|v| v != "0");
    if choice == ColorChoice::Never || (!forced && get("NO_COLOR").is_some()) {
        return Depth::None;
    }
    let term = get("TERM").unwrap_or_default();
    let has = match get("COLORTERM").as_deref() {
        Some("truecolor" | "24bit") => Depth::True,
        _ if term.contains("direct") || cfg!(windows) => Depth::True,
        _ if term.contains("256") => Depth::Ansi256,
        _ if matches!(term.as_str(), "" | "dumb" | "vt100" | "vt102" | "vt220") => Depth::None,
        _ => Depth::Ansi16,
    };
    if forced { has.max(Depth::Ansi16) } else { has }
}

/// The nearest of xterm's 6×6×6 cube and grey ramp.
fn nearest256(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |v: u8| (0u8..).zip(STEPS).min_by_key(|(_, s)| s.abs_diff(v)).unwrap_or((0, 0));
    let ((ri, rs), (gi, gs), (bi, bs)) = (step(r), step(g), step(b));
    let grey = ((u16::from(r) + u16::from(g) + u16::from(b)) / 3).saturating_sub(3) / 10;
    let grey = u8::try_from(grey.min(23)).unwrap_or(23);
    let level = 8 + 10 * grey;
    let distance = |x: [u8; 3]| -> u32 { x.iter().zip([r, g, b]).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    if distance([level; 3]) < distance([rs, gs, bs]) { 232 + grey } else { 16 + 36 * ri + 6 * gi + bi }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn theme(choice: ColorChoice, env: &[(&str, &str)]) -> Theme {
        let env: HashMap<_, _> = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Theme::from_env(choice, |name| env.get(name).cloned())
    }

    #[test]
    fn the_environment_decides() {
        let plain = theme(ColorChoice::Auto, &[]);
        assert_eq!((plain.background, plain.ascii), (Background::Dark, !cfg!(windows)));
        let rich = theme(
            ColorChoice::Auto,
            &[("COLORTERM", "truecolor"), ("LANG", "de_DE.UTF-8"), ("H4INSPECT_THEME", "light")],
        );
        assert_eq!(rich, Theme { background: Background::Light, depth: Depth::True, ascii: false });
        let c_wins =
            theme(ColorChoice::Auto, &[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8"), ("COLORFGBG", "0;default;15")]);
        assert_eq!((c_wins.ascii, c_wins.background), (true, Background::Light));
    }

    #[cfg(not(windows))]
    #[test]
    fn colour_by_choice_then_no_color_then_terminal() {
        let depth = |choice, env: &[_]| theme(choice, env).depth;
        assert_eq!(depth(ColorChoice::Auto, &[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(depth(ColorChoice::Auto, &[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(depth(ColorChoice::Auto, &[("TERM", "vt100")]), Depth::None);
        assert_eq!(depth(ColorChoice::Auto, &[("TERM", "xterm"), ("NO_COLOR", "")]), Depth::Ansi16);
        assert_eq!(depth(ColorChoice::Auto, &[("TERM", "xterm"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(depth(ColorChoice::Always, &[("TERM", "dumb"), ("NO_COLOR", "1")]), Depth::Ansi16);
        assert_eq!(depth(ColorChoice::Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), Depth::Ansi16);
        assert_eq!(depth(ColorChoice::Never, &[("COLORTERM", "truecolor")]), Depth::None);
    }

    /// The roles that stand for a state of what they are drawn on.
    const STATES: [Role; 8] = [
        Role::Selection,
        Role::SelectionElsewhere,
        Role::Cursor,
        Role::Match,
        Role::MatchCurrent,
        Role::Damage,
        Role::Warning,
        Role::BorderFocus,
    ];

    #[test]
    fn without_colour_there_is_none_and_states_still_show() {
        for background in [Background::Dark, Background::Light] {
            let theme = Theme { background, depth: Depth::None, ascii: false };
            for role in STATES {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
                assert!(!style.add_modifier.is_empty(), "{role:?}");
            }
        }
    }

    #[test]
    fn states_differ_from_text_and_text_from_its_ground_at_every_depth() {
        for depth in [Depth::None, Depth::Ansi16, Depth::Ansi256, Depth::True] {
            for background in [Background::Dark, Background::Light] {
                let theme = Theme { background, depth, ascii: false };
                for role in STATES {
                    let style = theme.style(role);
                    assert_ne!(style, theme.style(Role::Text), "{role:?} {depth:?}");
                    assert!(style.fg.is_none() || style.fg != style.bg, "{role:?} {depth:?}");
                }
                assert_ne!(theme.style(Role::Selection), theme.style(Role::SelectionElsewhere));
                assert_ne!(theme.style(Role::Match), theme.style(Role::MatchCurrent));
            }
        }
    }

    #[test]
    fn texts_are_readable_on_their_grounds() {
        let luminance = |rgb: u32| -> f64 {
            let [_, r, g, b] = rgb.to_be_bytes().map(|v| f64::from(v) / 255.0);
            let linear = |v: f64| if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let contrast = |a, b| {
            let (a, b) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for tone in [RED, AMBER, GREEN, BLUE, CYAN, VIOLET, GREY, WHITE].into_iter().flatten() {
            assert!(contrast(tone.dark, 0x16181d) >= 4.5, "{:06x}", tone.dark);
            assert!(contrast(tone.light, 0xffffff) >= 4.5, "{:06x}", tone.light);
        }
        for ground in [SELECTED, MATCHED].into_iter().flatten() {
            assert!(contrast(0xffffff, ground.dark) >= 4.5 && contrast(0, ground.light) >= 4.5);
        }
        assert!(BRIGHT_AMBER.iter().all(|t| contrast(0, t.dark) >= 4.5 && contrast(0, t.light) >= 4.5));
    }

    #[test]
    fn colours_are_approximated_in_256() {
        assert_eq!(nearest256(0, 0, 0), 16);
        assert_eq!(nearest256(255, 255, 255), 231);
        assert_eq!(nearest256(0xff, 0, 0), 196);
        assert_eq!(nearest256(128, 128, 128), 244);
    }

    #[test]
    fn every_glyph_is_one_column() {
        for glyphs in [UNICODE, ASCII] {
            let g = glyphs;
            let single = [
                g.ellipsis,
                g.open,
                g.closed,
                g.selected,
                g.good,
                g.damage,
                g.warning,
                g.info,
                g.unknown,
                g.keyframe,
                g.block,
                g.seek,
                g.playhead,
                g.lost,
                g.track,
                g.thumb,
                g.line,
                g.separator,
                g.arrow,
                g.ascending,
                g.descending,
                g.chain,
                g.times,
                g.dot,
                g.byte_zero,
                g.byte_control,
                g.byte_high,
                g.byte_ones,
            ];
            for glyph in single.into_iter().chain(g.bars) {
                assert_eq!(crate::tui::text::width(glyph), 1, "{glyph}");
            }
        }
        assert!(ASCII.bars.iter().all(|bar| bar.is_ascii()));
    }
}
