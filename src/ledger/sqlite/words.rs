//! The provider's own words about an attempt that it refused or that failed, stored beside it.

use rusqlite::{Connection, named_params};

use super::LedgerError;
use crate::ids::AttemptId;

/// The longest text that is kept, in characters: whoever reads it has passed on no more, and nobody needs more to act.
const MOST_CHARS: usize = 300;

/// Keeps what the provider said last of an attempt; without words, what it said before stays.
pub(super) fn said(write: &Connection, attempt: AttemptId, message: &str) -> Result<(), LedgerError> {
    let message: String = message.chars().take(MOST_CHARS).collect();
    if !message.is_empty() {
        write
            .prepare_cached(
                "INSERT INTO provider_message (attempt, message) SELECT :attempt, :message
                 WHERE EXISTS (SELECT 1 FROM attempt WHERE id = :attempt)
                 ON CONFLICT DO UPDATE SET message = excluded.message",
            )?
            .execute(named_params! { ":attempt": attempt, ":message": message })?;
    }
    Ok(())
}
