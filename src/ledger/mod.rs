//! The ledger: the only user of SQLite.
//!
//! Its public functions are named for the business and leak no SQLite type. Only `journal` moves money. An index
//! serves everything that is read while it buys and collects; complete runs are read only at the beginning, at the
//! end and for questions. Every write is one IMMEDIATE transaction with `synchronous = FULL`: what a function
//! returned `Ok` for survives a power cut. The ledger knows nothing of the provider and decides nothing.

// Its three faces: what is written, what the engine asks, and what people ask.
mod books;
mod lookups;
mod reports;
mod face;

// The file: opened, locked, and known from its copies.
mod error;
mod named_file;
mod oddities;
mod open;
mod read_only;
mod line_ends;
mod lock;
mod counter;
mod sessions;
mod buyers;

// Who is who, what can be asked, and what is to be.
mod register;
mod catalogue;
mod tasks;
mod reopen;

// Money: under which caps, and what moves it.
mod borders;
mod caps;
mod balance;
mod change;
mod words;
mod commit;
mod journal;
mod bulk_writes;
mod settle;
mod provisional;
mod word;
mod working_set;
mod postings;
mod notices;

// Read, and noted, while it buys and collects.
mod columns;
mod provider_id;
mod to_buy;
mod orders;
mod in_doubt;
mod scans;
mod recognise;
mod control_rows;
mod watch;
mod observations;
mod recover;
mod to_collect;

// For people: whole runs are looked at.
mod status;
mod tried;
mod gaps;
mod show;
mod evidence;
mod failed;
mod export;
mod audit;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

pub use audit::{Audit, StateCount};
pub use books::{Books, PlanWriter};
pub use buyers::{Buyer, Whose, bought_elsewhere, second_ledger};
pub use caps::Total;
pub use change::{Answer, Booked, CapReached, Change, Draft, DraftTask, Replanned, Reserved, Settled, UnmatchedCharge};
pub use control_rows::{ControlRow, Late, ProviderMemory, Unfinished};
pub use counter::Seal;
pub use error::LedgerError;
pub use evidence::{Evidence, Scan, UnknownTask};
pub use export::{ExportRow, Past};
pub use failed::FailedAlike;
pub use gaps::Gap;
pub use in_doubt::UnknownBatch;
pub use lock::{Holder, Lock, LockError};
pub use lookups::Lookups;
pub use notices::{Notice, NoticeKind};
pub use open::{Kind, is_new, needs_its_folder, sqlite_version};
pub use orders::{Asked, Order, RunName};
pub use provisional::{Provisional, Settlement};
pub use recognise::Recognised;
pub use recover::{Found, LostRow, LostTask, TakenOver};
pub use register::{AccountFacts, JobFacts, Login, RegisterError, RunFacts};
pub use reopen::FailedTask;
pub use reports::Reports;
pub use sessions::{ANOTHER_MINUTE_S, Session, Trust, predecessor};
pub use show::{FailedSum, JobRow, PlannedOf, SetSum, UnresolvedTask};
pub use status::{RunState, RunStatus, StatusBatch};
pub use tasks::{Edited, PlanRows};
pub use to_buy::{TargetCost, TargetFacts, ToBuy};
pub use to_collect::{OpenBatch, ToCollect};
pub use tried::Tried;
pub use watch::GivenUp;
pub use word::Awaited;

use crate::ids::RunId;
use crate::tag::LedgerId;

/// An open ledger. Whoever buys holds its [`Lock`] as well.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    path: PathBuf,
    id: LedgerId,
    kind: Kind,
    /// The number of this session; 0 for one that only reads.
    session: i64,
    /// No other session began within the minute before.
    cooled_down: bool,
    /// The counter of sessions and attempts outside the ledger.
    outside: Option<Arc<counter::Counter>>,
    /// A person says that it may stand in the place of another one.
    anew: bool,
    /// No other process buys from a copy of it.
    alone: Option<Lock>,
    /// What the caps of a run hang on, read once.
    runs: HashMap<RunId, caps::Owners>,
    /// The provider's ids have an index.
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
