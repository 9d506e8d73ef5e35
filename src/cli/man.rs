//! `man`: the manual, one page for all commands.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

use super::args;
use super::output::Output;
use crate::tui::keymap;

/// Writes the page as roff.
pub fn run() -> anyhow::Result<()> {
    let mut page = Vec::new();
    write_page(&mut page)?;
    let mut out = Output::stdout();
    out.write_all(portable(&String::from_utf8_lossy(&page)).as_bytes())?;
    out.finish()
}

/// The page with characters beyond ASCII by number: roff need not be told how the page is encoded.
fn portable(page: &str) -> String {
    let spell = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    page.chars().map(spell).collect()
}

fn write_page(out: &mut dyn Write) -> io::Result<()> {
    let command = args::command();
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands() {
        write_command(out, subcommand)?;
    }
    for (title, text) in args::SECTIONS {
        writeln!(out, ".SH {}", title.to_uppercase())?;
        write_verbatim(out, text)?;
    }
    writeln!(out, ".SH KEYS")?;
    for (title, bindings) in keymap::on_paper() {
        writeln!(out, ".SS \"{title}\"")?;
        let lines = bindings.iter().map(|[keys, name, help]| match name.as_str() {
            "" => format!("  {keys:18} {help}"),
            name => format!("  {keys:18} {help} (:{name})"),
        });
        write_verbatim(out, &lines.collect::<Vec<_>>().join("\n"))?;
    }
    page.render_version_section(out)
}

/// A command as a subsection: its usage, what it does, its options and examples.
fn write_command(out: &mut dyn Write, command: &Command) -> io::Result<()> {
    let name = format!("{} {}", args::NAME, command.get_name());
    let mut command = command.clone().bin_name(&name).disable_help_flag(true);
    writeln!(out, ".SS \"{name}\"")?;
    let usage = command.render_usage().to_string();
    write_verbatim(out, usage.trim_start_matches("Usage: "))?;
    let page = Man::new(command.clone());
    for render in [Man::render_description_section, Man::render_options_section] {
        let mut section = Vec::new();
        render(&page, &mut section)?;
        writeln!(out, ".PP")?;
        // The subsection has its heading already.
        for line in section.split_inclusive(|&b| b == b'\n').filter(|line| !line.starts_with(b".SH ")) {
            out.write_all(line)?;
        }
    }
    match command.get_after_help() {
        Some(examples) => write_verbatim(out, &examples.to_string()),
        None => Ok(()),
    }
}

/// Text whose lines stay as they are.
fn write_verbatim(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, ".PP\n.nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        // A leading dot would be a request.
        writeln!(out, "\\&{line}")?;
    }
    writeln!(out, ".fi")
}
