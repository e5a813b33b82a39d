//! Lookups: what the engine asks while it works. An index serves each of them; none reads all tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    Awaited, ControlRow, Found, GivenUp, Late, LedgerError, OpenBatch, Order, ProviderMemory, Provisional, Recognised,
    Settlement, TargetCost, TargetFacts, ToBuy, ToCollect, Unfinished, UnknownBatch,
};
use crate::event::{Part, Subject};
use crate::ids::{AccountId, AttemptId, BatchId, MarketId, RunId, SetId, TargetId, TaskId};
use crate::job::Asked;
use crate::market::Market;
use crate::oddity::Oddity;
use crate::plan::Headroom;
use crate::price::Charge;
use crate::product::{Engine, Function, Method, Priority, ResultKind};
use crate::tag::Tag;

/// What the engine asks. Each function fails where the store cannot be read.
pub trait Lookups {
    /// What is known of an account's provider.
    fn provider_memory(&self, account: AccountId) -> Result<ProviderMemory, LedgerError>;

    /// When the provider's list was first seen to show an unfinished task of ours.
    fn visibility_proof(&self, account: AccountId, function: Function) -> Result<Option<i64>, LedgerError>;

    /// The batches of an account with an unknown outcome.
    fn unknown_batches(&self, account: AccountId) -> Result<Vec<UnknownBatch>, LedgerError>;

    /// What a person called bought and nobody has found yet.
    fn awaited(&self, account: AccountId) -> Result<Vec<Awaited>, LedgerError>;

    /// The batches of an account that have answers to come, oldest first.
    fn open_batches(&self, account: AccountId) -> Result<Vec<OpenBatch>, LedgerError>;

    /// The functions that anything is asked by.
    fn functions(&self) -> Result<BTreeSet<Function>, LedgerError>;

    /// When the scans began that count for what this restored ledger may lack. Those before it was last taken for a
    /// restored one began before its first contact since then, and count for nothing.
    fn scans_of_restored(&self, account: AccountId) -> Result<Vec<i64>, LedgerError>;

    /// Where a run has something left to buy: engine, function and method.
    fn wanted(&self, run: RunId) -> Result<BTreeSet<(Engine, Function, Method)>, LedgerError>;

    /// Endpoints whose `tasks_ready` was full when something was in doubt there, and when that was last seen.
    fn crowded(&self, account: AccountId) -> Result<BTreeMap<(Engine, Function), i64>, LedgerError>;

    /// What was given up of the batches that an account sent from a moment on.
    fn given_up(&self, account: AccountId, from_v: i64) -> Result<Vec<GivenUp>, LedgerError>;

    /// When the provider's list was last read for it, by the provider's clock.
    fn watched_v(&self, account: AccountId) -> Result<Option<i64>, LedgerError>;

    /// When the latest scan that was to conclude something began, and what it was worth.
    fn last_scan(&self, account: AccountId) -> Result<Option<(i64, String)>, LedgerError>;

    /// What the caps leave for a hold between two moments of the provider's: the run's and job's own first, then those
    /// that other runs of the account share.
    fn headrooms(&mut self, run: RunId, from_v: i64, to_v: i64) -> Result<(Vec<Headroom>, Vec<Headroom>), LedgerError>;

    /// The next tasks to buy of a run, after a place in its plan.
    fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError>;

    /// A market, with its names.
    fn market(&self, market: MarketId) -> Result<Market, LedgerError>;

    /// A target.
    fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError>;

    /// What makes the tasks of a prompt set dearer than others of the same target.
    fn asked(&self, set: SetId) -> Result<Asked, LedgerError>;

    /// What one task of a kind was last charged, and when that was by the provider's clock.
    fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Charge>, LedgerError>;

    /// What finished tasks of a target came to, where that is only known with their answers.
    fn target_cost(
        &self,
        account: AccountId,
        target: TargetId,
        method: Method,
    ) -> Result<Option<TargetCost>, LedgerError>;

    /// What is odd about the last `most` answers that an account has in one form of tasks that are bought as this one is:
    /// the same engine, function, model, method and priority. Nothing where they are not all odd in the same way.
    fn odd_of_late(&self, account: AccountId, like: TaskId, most: u32) -> Result<Option<Oddity>, LedgerError>;

    /// The tasks of a batch as they go over the wire, in the order of their attempts.
    fn orders(&mut self, batch: BatchId) -> Result<Vec<Order>, LedgerError>;

    /// Where a batch is bought, and the first of the forms that its run asks for.
    fn endpoint(&self, batch: BatchId) -> Result<(Engine, Function, Method, ResultKind), LedgerError>;

    /// The unresolved attempts of a batch.
    fn unresolved(&self, batch: BatchId) -> Result<Vec<AttemptId>, LedgerError>;

    /// The answers of a batch that are still to come.
    fn uncollected(&self, batch: BatchId) -> Result<Vec<ToCollect>, LedgerError>;

    /// What is to be fetched for an attempt; `None` where nothing is.
    fn to_collect(&self, attempt: AttemptId) -> Result<Option<ToCollect>, LedgerError>;

    /// What an attempt in doubt was to buy, and how to ask for its answer under the id that the provider gave it.
    fn in_doubt(&self, attempt: AttemptId, provider_id: &str) -> Result<(ToBuy, ToCollect), LedgerError>;

    /// Recognises a row by its tag, or by its id where it has none of ours. The first that has none makes an index of
    /// the ids, which takes a second for a million attempts.
    fn recognise(
        &mut self,
        account: AccountId,
        provider_id: &str,
        tag: Option<&str>,
    ) -> Result<Recognised, LedgerError>;

    /// The attempts that a complete look through spans of the provider's list must show, with the times of their
    /// purchase. Those are the times of its answers: the list may file a purchase before, by as much as `late` says; and one
    /// whose task may have been finished after them it may file there, unless it is of those that are shown `unfinished`.
    fn control_rows(
        &self,
        account: AccountId,
        spans: &[(i64, i64)],
        late: Late,
        unfinished: &Unfinished,
    ) -> Result<Vec<(AttemptId, i64)>, LedgerError>;

    /// The purchase to which a scan from a moment on must reach, so that there is one that it must show: the latest that the
    /// list may file before it, or the first after it where there is none. Nothing before `reach_v`, where the provider's list
    /// begins, and nothing after `until_v`, since it may not show that yet. `late` as above.
    fn control_row_for(
        &self,
        account: AccountId,
        from_v: i64,
        until_v: i64,
        reach_v: i64,
        late: Late,
    ) -> Result<Option<ControlRow>, LedgerError>;

    /// The costs of an account that were booked provisionally, but for those that an answer will still settle.
    fn provisional(&self, account: AccountId) -> Result<Vec<Provisional>, LedgerError>;

    /// Models' tasks that were bought in a span of the provider's time and settled by their answers, some of them.
    fn settlements(&self, account: AccountId, span_v: (i64, i64), most: usize) -> Result<Vec<Settlement>, LedgerError>;

    /// Finds the tasks behind tags of this ledger's that it holds no attempt for: what was bought after the copy that
    /// it was restored from, also as a purchase that is counted as one which this copy holds and which came to nothing. A
    /// task is tried for so many (`reach`) purchases beyond those that are held. Looks at every task that is not answered,
    /// so it is for restored ledgers alone.
    fn find_lost(&self, tags: &[Tag], reach: u32) -> Result<Vec<Found>, LedgerError>;

    /// How many purchases a task may have seen beyond those that are held, by tags of which none was found: every purchase
    /// had a row of its own. As far as it can be searched.
    fn furthest(&self, tags: &[Tag]) -> Result<u32, LedgerError>;

    /// The task of an attempt, as a person knows it.
    fn subject(&self, attempt: AttemptId) -> Result<Option<Subject>, LedgerError>;

    /// How many tasks of a run are planned that have this in common.
    fn planned_like(&self, run: RunId, part: &Part) -> Result<u64, LedgerError>;

    /// The run of a job in a period, or its latest.
    fn find_run(&self, job: &str, period: Option<&str>) -> Result<Option<RunId>, LedgerError>;

    /// When a run was first started (Unix seconds, this machine's clock).
    fn opened_at(&self, run: RunId) -> Result<i64, LedgerError>;

    /// How long all but one in twenty of an account's last thousand answers of a kind took; none before there are enough
    /// of them to tell.
    fn turnaround(
        &self,
        account: &str,
        function: Function,
        method: Method,
        priority: Priority,
    ) -> Result<Option<Duration>, LedgerError>;

    /// No other session began within the minute before this one.
    fn is_cooled_down(&self) -> bool;
}
