//! Advice in the words of the command line.

use h4mk::finding::{Finding, Remedy};

/// What to do about a finding, in one line.
pub fn advice(finding: &Finding) -> String {
    finding.advice().words(|remedy| on_the_command_line(remedy).into())
}

/// How a remedy is asked for there.
pub fn on_the_command_line(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Salvage => "with salvage",
        Remedy::Mend => "with --repair",
        Remedy::GiveSecret => "Give the secret with --secret-file",
        Remedy::GiveMaskKey => "Give the key with --mask-key-file",
        Remedy::AddEngine => "Give the vendor's library with --core-lib",
        Remedy::ChooseMeaning => "with --meaning",
        Remedy::RaiseBlockLimit => "Raise --max-block-size",
    }
}
