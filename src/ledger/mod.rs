//! The ledger: what was asked, what was bought, what it cost, and what came back.
//!
//! Callers use one of three traits: [`Books`] to write, [`Lookups`] for the engine at work, [`Reports`] for people. A
//! store implements them; SQLite is the only one. Nothing of a store crosses a trait: no type, no path, no statement.
//! The ledger knows nothing of the provider and decides nothing.

// Its three faces: what is written, what the engine asks, and what people ask.
mod books;
mod lookups;
mod reports;

// What they speak of.
mod change;
mod wanted;
mod awaiting;
mod unknown;
mod who;
mod shown;
mod told;
mod error;

// Beside every store: one dispatcher at a time, and a counter that tells a restored ledger.
mod lock;
mod counter;

// The store: SQLite.
mod sqlite;

pub use awaiting::{OpenBatch, OpenCost, Provisional, Settlement, ToCollect};
pub use books::{Books, PlanWriter};
pub use change::{Answer, Booked, CapReached, Change, Draft, DraftTask, Replanned, Reserved, Settled, UnmatchedCharge};
pub use counter::Seal;
pub use error::LedgerError;
pub use lock::{Holder, Lock, LockError};
pub use lookups::Lookups;
pub use reports::Reports;
pub use shown::{
    Audit, FailedAlike, FailedSum, Gap, JobRow, Notice, NoticeKind, PlannedOf, RunState, RunStatus, SetSum, StateCount,
    StatusBatch, Total, UnresolvedTask,
};
pub use sqlite::{
    ANOTHER_MINUTE_S, Buyer, Ledger, Whose, bought_elsewhere, is_new, needs_its_folder, predecessor, second_ledger,
    sqlite_version,
};
pub use told::{Evidence, ExportRow, Past, Scan, UnknownTask};
pub use unknown::{
    Awaited, ControlRow, Found, GivenUp, Late, LostRow, LostTask, ProviderMemory, Recognised, TakenOver, Unfinished,
    UnknownBatch,
};
pub use wanted::{Asked, Edited, FailedTask, Order, RunName, TargetCost, TargetFacts, ToBuy, Tried};
pub use who::{AccountFacts, JobFacts, Kind, Login, RegisterError, RunFacts, Session, Trust};
