//! Errors of SQLite, and what they mean for the money.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use super::LedgerError;

/// Anything that SQLite says gets the path when it leaves the module.
impl From<rusqlite::Error> for LedgerError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Store { path: PathBuf::new(), what: means(&source), said: Box::new(source) }
    }
}

/// Behind the name of the ledger.
fn means(source: &rusqlite::Error) -> String {
    if let rusqlite::Error::FromSqlConversionFailure(_, _, what) = source {
        return format!(
            " holds what this bursar cannot read: {what}; nothing is bought with it. A newer bursar has written it, or the \
             file was changed by other hands: use that bursar, or put a copy of the ledger in its place"
        );
    }
    let means = match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged, and nothing more is bought with it. Keep it, and put a copy of the ledger in its place: what \
             that lacks is read from the provider's list before anything is bought"
        }
        _ => {
            "what was committed before is safe, and nothing is bought without a commit. Once it can be read and written, the \
             same command goes on, and `bursar status` shows what is spent and in doubt"
        }
    };
    format!(": {source}; {means}")
}
