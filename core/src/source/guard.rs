//! Threads that may not wait for a file.

use std::cell::Cell;

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on this thread, which must not read any source meanwhile: a screen that waits for a far or a slow one stands
/// still. In debug builds and tests a read panics; in others it is done.
///
/// ```
/// use h4mk::source::{Source, without_reads};
///
/// let source = Source::from_bytes("example", vec![1, 2, 3]);
/// assert_eq!(without_reads(|| source.len()), 3);
/// ```
pub fn without_reads<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORBIDDEN.set(self.0);
        }
    }
    let _restore = Restore(FORBIDDEN.replace(true));
    work()
}

/// Panics in debug builds where this thread must not read.
pub(super) fn check() {
    debug_assert!(!FORBIDDEN.get(), "a source is read where nothing may wait for one");
}
