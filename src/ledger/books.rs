//! Books: what is written, for the code that buys, collects and reconciles.

use super::{
    AccountFacts, Booked, CapReached, Change, Draft, Edited, FailedTask, JobFacts, LedgerError, Lookups, LostRow,
    Notice, RegisterError, Reserved, RunFacts, Seal, TakenOver,
};
use crate::catalogue::Model;
use crate::ids::{AccountId, JobId, RunId};
use crate::job::Job;
use crate::market::{Language, Location};
use crate::money::Money;
use crate::plan::BuyingOrder;
use crate::product::Engine;

/// The books of a ledger: what moves money and tasks, and what a session brings and keeps. Each function is one commit,
/// whole or not at all. Where it fails, nothing was written and nothing may be sent, unless only the last word of the disk
/// was missing: then the next session may find all of it, and holds it in doubt.
pub trait Books: Lookups + Send {
    /// T1: reserves the money of each batch under every cap and writes the batch and its attempts, all in one commit.
    /// Each draft stands alone: one that does not fit leaves nothing behind.
    fn reserve(&mut self, drafts: &[Draft]) -> Result<Vec<Result<Reserved, CapReached>>, LedgerError>;

    /// T2 and T3: writes what has become known, all in one commit. A change that the ledger already holds (the same id
    /// again, a late reply) is no change.
    fn record(&mut self, changes: Vec<Change>) -> Result<Booked, LedgerError>;

    /// T2 and T3, and then T1 of the next batches with the money that they left, in one commit: a purchase waits for
    /// one write to the disk instead of two.
    fn commit(
        &mut self,
        changes: Vec<Change>,
        drafts: &[Draft],
    ) -> Result<(Booked, Vec<Result<Reserved, CapReached>>), LedgerError>;

    /// The provider's balance was read: what may be spent of it, above what is to be kept. The figure has every purchase
    /// that was made before `vouched_v`; of later ones it may have none.
    fn balance_read(&mut self, account: AccountId, spendable: Option<Money>, vouched_v: i64)
    -> Result<(), LedgerError>;

    /// Takes over purchases that were made after the copy which this ledger was restored from: each becomes an attempt
    /// of the task that its tag was computed from. What belongs to no planned task is an unmatched charge.
    fn recover_lost(&mut self, account: AccountId, rows: &[LostRow]) -> Result<TakenOver, LedgerError>;

    /// Brings an account, with its caps as they are now.
    fn bring_account(&mut self, facts: &AccountFacts<'_>) -> Result<AccountId, RegisterError>;

    /// Brings a job, with its caps as they are now.
    fn bring_job(&mut self, facts: &JobFacts<'_>) -> Result<JobId, RegisterError>;

    /// Opens the run of a period, or the one there is; runs of the job for earlier periods stop buying.
    fn bring_run(&mut self, facts: &RunFacts<'_>, now: i64) -> Result<RunId, LedgerError>;

    /// True where the run is planned by exactly this plan.
    fn is_planned(&self, run: RunId, plan_hash: [u8; 32]) -> Result<bool, LedgerError>;

    /// A plan that has not changed may stand on other lines of its file by now.
    fn keep_lines(&mut self, run: RunId, job: &Job) -> Result<(), LedgerError>;

    /// Begins to write a run's plan.
    fn plan_rows(&mut self, run: RunId) -> Result<Box<dyn PlanWriter + '_>, LedgerError>;

    /// Plans again those of a run's failed tasks that are meant and still asked; how many of them cost nothing, and how many
    /// were paid for.
    fn reopen(
        &mut self,
        run: RunId,
        at: i64,
        is_meant: &dyn Fn(&FailedTask) -> bool,
    ) -> Result<(u64, u64), LedgerError>;

    /// Says that a run has nothing left to buy, to wait for or to settle; `false` where that is not so.
    fn complete(&mut self, run: RunId) -> Result<bool, LedgerError>;

    /// What must be set before anything that is reserved by now is sent; nothing before the session is counted.
    fn seal(&self) -> Option<Seal>;

    /// These losses were told: no later session tells them again.
    fn told(&mut self, notices: &[Notice], now: i64) -> Result<(), LedgerError>;

    /// A summary has said of a run that a cap leaves so many of its tasks unbought: that is no news when it is closed.
    fn told_short(&mut self, run: RunId, tasks: u64) -> Result<(), LedgerError>;

    /// A person has seen so many losses of each of these runs, and that periods of the jobs before these moments (Unix
    /// seconds) have no run.
    fn seen(&mut self, runs: &[(RunId, u64)], jobs: &[(String, i64)]) -> Result<(), LedgerError>;

    /// Keeps the places that an engine serves, in place of those kept before.
    fn keep_locations(&mut self, engine: Engine, rows: &[Location], now: i64) -> Result<(), LedgerError>;

    /// Keeps the languages that an engine can be asked in, in place of those kept before.
    fn keep_languages(&mut self, engine: Engine, rows: &[Language], now: i64) -> Result<(), LedgerError>;

    /// Keeps the models of an engine, in place of those kept before.
    fn keep_models(&mut self, engine: Engine, rows: &[Model], now: i64) -> Result<(), LedgerError>;
}

/// A plan on its way into the books. Nothing of it is seen before [`PlanWriter::finish`].
pub trait PlanWriter {
    /// Stores the text of the job's next distinct prompt.
    fn prompt(&mut self, hash: [u8; 16], text: &str) -> Result<(), LedgerError>;

    /// Writes the tasks in their order and takes out what is asked no longer. All prompts were stored before.
    fn finish(
        self: Box<Self>,
        job: &Job,
        order: BuyingOrder<'_>,
        plan_hash: [u8; 32],
        now: i64,
    ) -> Result<Edited, LedgerError>;
}
