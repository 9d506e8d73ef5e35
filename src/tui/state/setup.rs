//! How the program starts.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use crate::tui::theme::Theme;
use h4mk::container::Options;
use h4mk::source::Source;

/// When a followed file is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Polling {
    /// From the start, and not only once it is asked for.
    pub at_once: bool,
    /// How often; `None` looks once each time it is asked for.
    pub every: Option<Duration>,
}

/// How the program starts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The file.
    pub source: Arc<Source>,
    /// The file it is compared with, and that one's name.
    pub other: Option<(Arc<Source>, String)>,
    /// How both are read.
    pub options: Options,
    /// The name in the header, which need not be the whole path.
    pub name: String,
    /// How it looks.
    pub theme: Theme,
    /// The screen.
    pub size: Size,
    /// Whether files may be written: not by keys that nobody typed.
    pub may_write: bool,
    /// When the file is looked at for what was added.
    pub polling: Polling,
}
