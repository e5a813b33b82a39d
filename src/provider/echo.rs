//! Which task an answer belongs to: the tag that the provider returns with it.

use super::wire::envelope;
use super::{Failure, Response};

/// The tag in the answer to the question for one task; none where the answer is of another id, or says none.
pub fn echoed_tag(outcome: &Result<Response, Failure>, id: &str) -> Option<String> {
    let envelope = envelope(&outcome.as_ref().ok()?.body).ok()?;
    match &envelope.rows[..] {
        [row] if envelope.unreadable_rows == 0 && row.id.as_deref() == Some(id) => {
            row.tag.as_deref().map(str::to_owned)
        }
        _ => None,
    }
}
