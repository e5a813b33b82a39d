//! The ledger: the only user of SQLite.
//!
//! Its public functions are named for the business and leak no SQLite type. Only `book` moves money. What is asked while
//! it buys and collects is found by an index; only `status`, `show`, `export` and `audit` look at all tasks. Every write
//! is one IMMEDIATE transaction with `synchronous = FULL`: what a function returned `Ok` for survives a power cut. It
//! knows nothing of the vendor, and decides nothing.

mod adopt;
mod audit;
mod book;
mod caps;
mod change;
mod columns;
mod error;
mod export;
mod in_doubt;
mod lock;
mod money_path;
mod note;
mod open;
mod orders;
mod recognise;
mod register;
mod show;
mod starts;
mod status;
mod tasks;
mod to_buy;
mod to_collect;
mod touched;
mod vendor_id;
mod witnesses;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

pub use adopt::LostRow;
pub use audit::{Audit, StateCount};
pub use caps::Total;
pub use change::{Answer, Booked, CapReached, Change, Draft, DraftTask, Extra, Replanned, Reserved};
pub use error::LedgerError;
pub use export::{ExportRow, Past};
pub use in_doubt::Doubted;
pub use lock::{Lock, LockError};
pub use open::Kind;
pub use orders::{Asked, Order, RunName};
pub use recognise::Recognised;
pub use register::{AccountFacts, JobFacts, Login, RegisterError, RunFacts};
pub use show::{FailedSum, JobRow, PlannedOf, SetSum, UnresolvedTask};
pub use starts::{Start, Trust};
pub use status::{RunStatus, StatusBatch};
pub use tasks::{Edited, PlanRows};
pub use to_buy::{TargetFacts, ToBuy};
pub use to_collect::{OpenBatch, ToCollect};

use crate::ids::RunId;
use crate::tag::LedgerId;

/// An open ledger. Whoever buys holds its [`Lock`] as well.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    path: PathBuf,
    id: LedgerId,
    kind: Kind,
    /// The number of this start; 0 for one that only reads.
    start: i64,
    /// The counter of starts and attempts outside the ledger.
    outside: Option<starts::Counter>,
    /// What the caps of a run hang on, read once.
    runs: HashMap<RunId, caps::Owners>,
    /// The vendor's ids have an index.
    ids_are_indexed: bool,
    /// Runs by name, read once.
    names: HashMap<i64, Arc<RunName>>,
    /// What is asked, by market and target, read once.
    asked: HashMap<(i64, i64), Arc<Asked>>,
}

impl Ledger {
    /// The file it lives in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who it is: part of every tag.
    pub fn id(&self) -> &LedgerId {
        &self.id
    }

    /// Real money or play money.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}
