//! The errors of a ledger, in words for the person who must act.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::attempt::IllegalStep;
use crate::task::IllegalTransition;

/// The ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite says no.
    #[error("{}", sqlite_says(.path, .said))]
    Sqlite {
        /// The ledger's file.
        path: PathBuf,
        /// What SQLite said.
        said: Box<rusqlite::Error>,
    },
    /// The file cannot be made or is not safe to use.
    #[error("ledger `{}`: {what}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// The bundled SQLite has a known bug that can lose commits.
    #[error("SQLite {0} can lose commits: bursar needs 3.51.3 or later, and not 3.52.0")]
    SqliteVersion(String),
    /// A step that no task may take: the transaction was rolled back.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// A step that no attempt may take: the transaction was rolled back.
    #[error(transparent)]
    IllegalStep(#[from] IllegalStep),
    /// A row is not as it must be: the transaction was rolled back.
    #[error("ledger: {0}: this is a bug in bursar, and nothing was written")]
    Unexpected(String),
}

/// What SQLite said, and what it means for the money.
fn sqlite_says(path: &std::path::Path, source: &rusqlite::Error) -> String {
    let ledger = if path.as_os_str().is_empty() { "ledger".to_owned() } else { format!("ledger `{}`", path.display()) };
    if let rusqlite::Error::FromSqlConversionFailure(_, _, what) = source {
        return format!(
            "{ledger} holds what this bursar cannot read: {what}; nothing is bought with it. A newer bursar has written it, or the \
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
    format!("{ledger}: {source}; {means}")
}

/// Anything that SQLite says gets the path when it leaves the module.
impl From<rusqlite::Error> for LedgerError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite { path: PathBuf::new(), said: Box::new(source) }
    }
}

impl LedgerError {
    /// An update that names the state it expects has changed its one row.
    pub(super) fn unless_one(changed: usize, what: &str, id: i64) -> Result<(), Self> {
        if changed == 1 {
            return Ok(());
        }
        Err(Self::Unexpected(format!("{what} {id} was taken to stand where it does not")))
    }

    /// Names the file in what SQLite said.
    #[must_use]
    pub(crate) fn at(self, path: &std::path::Path) -> Self {
        match self {
            Self::Sqlite { said, .. } => Self::Sqlite { path: path.to_owned(), said },
            other @ (Self::File { .. }
            | Self::SqliteVersion(_)
            | Self::Illegal(_)
            | Self::IllegalStep(_)
            | Self::Unexpected(_)) => other,
        }
    }
}
