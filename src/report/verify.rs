//! VERI, recomputed, for people.

use std::io::{self, Write};

use super::style::{Paint, Role, field};
use super::summary::Describe;
use h4mk::report::Verify;
use h4mk::report::summary::VeriSummary;
use h4mk::text;
use h4mk::veri::Status;

/// Writes what came of the file of that name.
pub fn write_text(out: &mut dyn Write, paint: Paint, file: &str, verify: &Verify) -> io::Result<()> {
    let Verify { status, scheme, .. } = *verify;
    let summary = VeriSummary { status, scheme, algorithm: verify.hash_algorithm.clone() };
    let outcome = paint.paint(status.into(), summary.describe());
    writeln!(out, "{}: {outcome}", paint.paint(Role::Heading, text::escape(file)))?;
    field(out, paint, "", text::escape(&verify.info))?;
    if let Some(expected) = &verify.expected {
        field(out, paint, "Expected", expected)?;
    }
    if let Some(computed) = &verify.computed {
        field(out, paint, "Computed", computed)?;
    }
    if status == Status::Mismatch {
        field(out, paint, "", "`h4inspect audit` shows which chunks are damaged, if their CRCs show it")?;
    }
    Ok(())
}
