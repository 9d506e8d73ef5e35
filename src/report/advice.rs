//! Advice in the words of the command line.

use std::borrow::Cow;

use h4mk::finding::{Finding, Remedy};
use h4mk::salvage::Way;

/// What to do about a finding, in one line.
pub fn advice(finding: &Finding) -> String {
    finding.advice().words(on_the_command_line)
}

/// How a remedy is asked for there.
pub fn on_the_command_line(remedy: Remedy) -> Cow<'static, str> {
    Cow::Borrowed(match remedy {
        Remedy::Salvage => "with salvage",
        Remedy::Mend => "with --repair",
        Remedy::GiveSecret => "Give the secret with --secret-file",
        Remedy::GiveMaskKey => "Give the key with --mask-key-file",
        Remedy::AddEngine => "Give the vendor's library with --core-lib",
        Remedy::ChooseMeaning => "with --meaning",
        Remedy::RaiseBlockLimit => "Raise --max-block-size",
    })
}

/// How something that a salvage's note speaks of is asked for there.
pub fn way(way: Way) -> Cow<'static, str> {
    Cow::Borrowed(match way {
        Way::Placeholders => "--placeholders",
        Way::Repair => "--repair",
        Way::ReadEncrypted => "`block SOURCE INDEX --secret-file PATH`",
        Way::ReadMasked => "`block SOURCE INDEX --mask-key-file PATH`",
        Way::SameMeaning => "the same --meaning",
        _ => "another way of salvaging",
    })
}
