//! The errors of a ledger, in words for the person who must act.

use std::path::{Path, PathBuf};

use crate::attempt::IllegalStep;
use crate::task::IllegalTransition;

/// The ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store says no.
    #[error("{}{what}", named(.path))]
    Store {
        /// Where it is kept.
        path: PathBuf,
        /// What it said, and what that means for the money.
        what: String,
        /// The same in the store's own words.
        said: Box<dyn std::error::Error + Send + Sync>,
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

fn named(path: &Path) -> String {
    if path.as_os_str().is_empty() { "ledger".to_owned() } else { format!("ledger `{}`", path.display()) }
}

impl LedgerError {
    /// An update that names the state it expects has changed its one row.
    pub(super) fn unless_one(changed: usize, what: &str, id: i64) -> Result<(), Self> {
        if changed == 1 {
            return Ok(());
        }
        Err(Self::Unexpected(format!("{what} {id} was taken to stand where it does not")))
    }

    /// Names the place in what the store said.
    #[must_use]
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Store { what, said, .. } => Self::Store { path: path.to_owned(), what, said },
            other @ (Self::File { .. }
            | Self::SqliteVersion(_)
            | Self::Illegal(_)
            | Self::IllegalStep(_)
            | Self::Unexpected(_)) => other,
        }
    }
}
