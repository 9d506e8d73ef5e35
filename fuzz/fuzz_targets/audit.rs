//! Any bytes can be opened and audited, and every block that is there can be asked for.
#![no_main]

use std::sync::Arc;

use h4inspect::core::audit::audit;
use h4inspect::core::block::Form;
use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Arc::new(Source::from_bytes("fuzz", bytes.to_vec()));
    let options = Options { max_block_size: 1 << 20, ..Options::default() };
    let Ok(audit) = audit(&source, &options, &Task::default()) else { return };
    let Some(container) = audit.container else { return };
    for block in 0..container.index().blocks().min(64) {
        _ = container.block_bytes(block, Form::Decoded);
        _ = container.keyframe(block);
    }
    for pts_us in [0, 1, 100_000, u64::MAX] {
        _ = container.seek(pts_us, None);
    }
    _ = container.manifest();
});
