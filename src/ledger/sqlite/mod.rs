//! The store in one SQLite file: the only user of SQLite.
//!
//! Only `journal` moves money. An index serves everything that is read while it buys and collects; complete runs are read
//! only at the beginning, at the end and for questions. Every write is one IMMEDIATE transaction with `synchronous =
//! FULL`: what a function returned `Ok` for survives a power cut.

mod face;

// The file: opened, locked, and known from its copies.
mod said;
mod named_file;
mod oddities;
mod open;
mod read_only;
mod line_ends;
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

pub use buyers::{Buyer, Whose, bought_elsewhere, second_ledger};
pub use open::{is_new, needs_its_folder, sqlite_version};
pub use sessions::{ANOTHER_MINUTE_S, predecessor};

use super::awaiting::{OpenBatch, OpenCost, Provisional, Settlement, ToCollect};
use super::books::{Books, PlanWriter};
use super::change::{Booked, CapReached, Change, Draft, Reserved};
use super::counter;
use super::counter::Seal;
use super::error::LedgerError;
use super::lock::Lock;
use super::lookups::Lookups;
use super::reports::Reports;
use super::shown::{
    Audit, FailedAlike, FailedSum, Gap, JobRow, Notice, NoticeKind, PlannedOf, RunStatus, SetSum, StateCount,
    StatusBatch, Total, UnresolvedTask,
};
use super::told::{Evidence, ExportRow, Past, Scan, UnknownTask};
use super::unknown::{
    Awaited, ControlRow, Found, GivenUp, Late, LostRow, LostTask, ProviderMemory, Recognised, TakenOver, Unfinished,
    UnknownBatch,
};
use super::wanted::{Asked, Edited, FailedTask, Order, RunName, TargetCost, TargetFacts, ToBuy, Tried};
use super::who::{AccountFacts, JobFacts, Kind, Login, RegisterError, RunFacts, Session, Trust};
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
