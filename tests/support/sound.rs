//! What holds of every screen, whatever is on it.

use unicode_width::UnicodeWidthStr;

/// Checks a screen drawn as text: its size, that nothing in it could steer a terminal, and that it shows what every screen
/// does: the file's name in the first line and the frame of a pane, or that there is no room for them.
pub(crate) fn assert_sound(text: &str, (cols, rows): (u16, u16), name: &str, after: &str) {
    let (cols, rows) = (usize::from(cols), usize::from(rows));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), if cols == 0 { lines.len() } else { rows }, "{after}: lines of\n{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{after}: a control character in\n{text}");
    assert!(lines.iter().all(|line| line.width() <= cols), "{after}: a line of more than {cols} columns in\n{text}");
    if cols == 0 || rows == 0 {
        return;
    }
    assert!(!lines[0].is_empty(), "{after}: nothing in the first line of\n{text}");
    // The smallest screens have no frames, and a text that is open, such as the help, covers all else.
    if cols >= 40 && rows >= 12 {
        let name: String = name.chars().take(4).collect();
        assert!(lines[0].contains(&name), "{after}: no name in the first line of\n{text}");
        assert!(text.contains(['┌', '+']), "{after}: no pane in\n{text}");
    } else if (cols < 20 || rows < 6) && cols >= 12 {
        assert!(lines[0].starts_with("too small"), "{after}: not said to be too small:\n{text}");
    }
}
