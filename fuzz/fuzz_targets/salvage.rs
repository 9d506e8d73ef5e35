//! What is saved from any bytes is a container without errors, and salvaged again is itself.
#![no_main]

use std::sync::Arc;

use h4inspect::core::audit::{Audit, audit};
use h4inspect::core::container::Options;
use h4inspect::core::finding::Severity;
use h4inspect::core::salvage::{Report, SalvageError, Settings, salvage};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use libfuzzer_sys::fuzz_target;

fn audited(bytes: Vec<u8>) -> Option<Audit> {
    let source = Arc::new(Source::from_bytes("fuzz", bytes));
    let options = Options { max_block_size: 1 << 20, ..Options::default() };
    audit(&source, &options, &Task::default()).ok()
}

fn salvaged(audit: &Audit, repair: bool) -> Option<(Report, Vec<u8>)> {
    let mut out = Vec::new();
    match salvage(audit, &Settings { repair, ..Settings::default() }, &mut out, &Task::default()) {
        Ok(report) => Some((report, out)),
        Err(SalvageError::Unreadable(_) | SalvageError::Nothing) => None,
        Err(error) => panic!("{error}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(before) = audited(bytes.to_vec()) else { return };
    for repair in [false, true] {
        let Some((report, out)) = salvaged(&before, repair) else { return };
        assert_eq!(report.bytes_after, out.len() as u64);

        let after = audited(out.clone()).expect("what was written is read");
        let mut errors = after.findings.list().iter().filter(|finding| finding.severity == Severity::Error);
        assert!(errors.next().is_none(), "{:?}\n{report:?}", after.findings.list());
        let blocks = after.container.as_ref().map_or(0, |container| container.index().blocks());
        assert_eq!(report.blocks_after, blocks, "{report:?}");

        let (again, same) = salvaged(&after, repair).expect("a container can be salvaged");
        assert!(same == out && again.nothing_lost(), "a second salvage changes it: {again:?}");
    }
});
