//! Whether a file was the same from the first byte read to the last.

use super::messages;
use super::session::Session;
use super::status::Status;
use h4mk::container::Container;
use h4mk::source::Source;

/// Says so if the file changed while it was read: what was written may be a mixture.
pub(super) fn container(container: &Container, session: &mut Session) {
    source(container.source(), session);
}

/// See [`container`].
pub(super) fn source(source: &Source, session: &mut Session) {
    if let Some(change) = source.change() {
        messages::warn(source.name(), format_args!("the file {change} while it was read"));
        session.raise(Status::NotFullyVerified);
    }
}
