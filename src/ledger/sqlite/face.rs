//! The SQLite store as an implementation of the three traits of a ledger.

use super::{
    AccountFacts, Audit, Awaited, Booked, Books, CapReached, Change, ControlRow, Draft, Evidence, ExportRow,
    FailedAlike, FailedSum, FailedTask, Found, Gap, GivenUp, JobFacts, JobRow, Late, Ledger, LedgerError, Lookups,
    LostRow, Notice, OpenBatch, Order, PlanWriter, PlannedOf, ProviderMemory, Provisional, Recognised, RegisterError,
    Reports, Reserved, RunFacts, RunStatus, Seal, SetSum, Settlement, TakenOver, TargetCost, TargetFacts, ToBuy,
    ToCollect, Total, Tried, Unfinished, UnknownBatch, UnresolvedTask,
};
use crate::catalogue::{Kept, Model, Served};
use crate::event::{Part, Subject};
use crate::ids::{AccountId, AttemptId, BatchId, JobId, MarketId, RunId, SetId, TargetId, TaskId};
use crate::job::Job;
use crate::market::{Language, Location, Market};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::period::{Period, PeriodKind};
use crate::plan::{Headroom, Scope};
use crate::price::Charge;
use crate::product::{Engine, Function, Method, Priority, ResultKind, Route};
use crate::tag::Tag;
use crate::zone::Zone;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

/// Each function of a face is the store's own of that name.
macro_rules! delegate {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)* $(,)?) -> $out:ty;)*) => {
        $(fn $name(&self $(, $arg: $type)*) -> $out {
            self.$name($($arg),*)
        })*
    };
    ($(fn $name:ident(&mut self $(, $arg:ident: $type:ty)* $(,)?) -> $out:ty;)*) => {
        $(fn $name(&mut self $(, $arg: $type)*) -> $out {
            self.$name($($arg),*)
        })*
    };
}

impl Books for Ledger {
    delegate! {
        fn is_planned(&self, run: RunId, plan_hash: [u8; 32]) -> Result<bool, LedgerError>;
        fn seal(&self) -> Option<Seal>;
    }

    delegate! {
        fn reserve(&mut self, drafts: &[Draft]) -> Result<Vec<Result<Reserved, CapReached>>, LedgerError>;
        fn record(&mut self, changes: Vec<Change>) -> Result<Booked, LedgerError>;
        fn commit(
            &mut self,
            changes: Vec<Change>,
            drafts: &[Draft],
        ) -> Result<(Booked, Vec<Result<Reserved, CapReached>>), LedgerError>;
        fn balance_read(
            &mut self,
            account: AccountId,
            spendable: Option<Money>,
            vouched_v: i64,
        ) -> Result<(), LedgerError>;
        fn recover_lost(&mut self, account: AccountId, rows: &[LostRow]) -> Result<TakenOver, LedgerError>;
        fn bring_account(&mut self, facts: &AccountFacts<'_>) -> Result<AccountId, RegisterError>;
        fn bring_job(&mut self, facts: &JobFacts<'_>) -> Result<JobId, RegisterError>;
        fn bring_run(&mut self, facts: &RunFacts<'_>, now: i64) -> Result<RunId, LedgerError>;
        fn keep_lines(&mut self, run: RunId, job: &Job) -> Result<(), LedgerError>;
        fn complete(&mut self, run: RunId) -> Result<bool, LedgerError>;
        fn told(&mut self, notices: &[Notice], now: i64) -> Result<(), LedgerError>;
        fn told_short(&mut self, run: RunId, tasks: u64) -> Result<(), LedgerError>;
        fn seen(&mut self, runs: &[(RunId, u64)], jobs: &[(String, i64)]) -> Result<(), LedgerError>;
        fn keep_locations(&mut self, engine: Engine, rows: &[Location], now: i64) -> Result<(), LedgerError>;
        fn keep_languages(&mut self, engine: Engine, rows: &[Language], now: i64) -> Result<(), LedgerError>;
        fn keep_models(&mut self, engine: Engine, rows: &[Model], now: i64) -> Result<(), LedgerError>;
    }

    fn reopen(
        &mut self,
        run: RunId,
        at: i64,
        is_meant: &dyn Fn(&FailedTask) -> bool,
    ) -> Result<(u64, u64), LedgerError> {
        self.reopen(run, at, is_meant)
    }

    fn plan_rows(&mut self, run: RunId) -> Result<Box<dyn PlanWriter + '_>, LedgerError> {
        Ok(Box::new(self.plan_rows(run)?))
    }
}

impl Lookups for Ledger {
    delegate! {
        fn provider_memory(&self, account: AccountId) -> Result<ProviderMemory, LedgerError>;
        fn visibility_proof(&self, account: AccountId, function: Function) -> Result<Option<i64>, LedgerError>;
        fn unknown_batches(&self, account: AccountId) -> Result<Vec<UnknownBatch>, LedgerError>;
        fn awaited(&self, account: AccountId) -> Result<Vec<Awaited>, LedgerError>;
        fn open_batches(&self, account: AccountId) -> Result<Vec<OpenBatch>, LedgerError>;
        fn functions(&self) -> Result<BTreeSet<Function>, LedgerError>;
        fn scans_of_restored(&self, account: AccountId) -> Result<Vec<i64>, LedgerError>;
        fn wanted(&self, run: RunId) -> Result<BTreeSet<(Engine, Function, Method)>, LedgerError>;
        fn crowded(&self, account: AccountId) -> Result<BTreeMap<(Engine, Function), i64>, LedgerError>;
        fn given_up(&self, account: AccountId, from_v: i64) -> Result<Vec<GivenUp>, LedgerError>;
        fn watched_v(&self, account: AccountId) -> Result<Option<i64>, LedgerError>;
        fn last_scan(&self, account: AccountId) -> Result<Option<(i64, String)>, LedgerError>;
        fn next_to_buy(&self, run: RunId, after: i64, most: usize) -> Result<Vec<ToBuy>, LedgerError>;
        fn market(&self, market: MarketId) -> Result<Market, LedgerError>;
        fn target(&self, target: TargetId) -> Result<TargetFacts, LedgerError>;
        fn asked(&self, set: SetId) -> Result<crate::job::Asked, LedgerError>;
        fn price_seen(&self, account: AccountId, price_key: &str) -> Result<Option<Charge>, LedgerError>;
        fn target_cost(
            &self,
            account: AccountId,
            target: TargetId,
            method: Method,
        ) -> Result<Option<TargetCost>, LedgerError>;
        fn odd_of_late(&self, account: AccountId, like: TaskId, most: u32) -> Result<Option<Oddity>, LedgerError>;
        fn endpoint(&self, batch: BatchId) -> Result<(Engine, Function, Method, ResultKind), LedgerError>;
        fn unresolved(&self, batch: BatchId) -> Result<Vec<AttemptId>, LedgerError>;
        fn uncollected(&self, batch: BatchId) -> Result<Vec<ToCollect>, LedgerError>;
        fn to_collect(&self, attempt: AttemptId) -> Result<Option<ToCollect>, LedgerError>;
        fn in_doubt(&self, attempt: AttemptId, provider_id: &str) -> Result<(ToBuy, ToCollect), LedgerError>;
        fn control_rows(
            &self,
            account: AccountId,
            spans: &[(i64, i64)],
            late: Late,
            unfinished: &Unfinished,
        ) -> Result<Vec<(AttemptId, i64)>, LedgerError>;
        fn control_row_for(
            &self,
            account: AccountId,
            from_v: i64,
            until_v: i64,
            reach_v: i64,
            late: Late,
        ) -> Result<Option<ControlRow>, LedgerError>;
        fn provisional(&self, account: AccountId) -> Result<Vec<Provisional>, LedgerError>;
        fn settlements(
            &self,
            account: AccountId,
            span_v: (i64, i64),
            most: usize,
        ) -> Result<Vec<Settlement>, LedgerError>;
        fn find_lost(&self, tags: &[Tag], reach: u32) -> Result<Vec<Found>, LedgerError>;
        fn furthest(&self, tags: &[Tag]) -> Result<u32, LedgerError>;
        fn subject(&self, attempt: AttemptId) -> Result<Option<Subject>, LedgerError>;
        fn planned_like(&self, run: RunId, part: &Part) -> Result<u64, LedgerError>;
        fn find_run(&self, job: &str, period: Option<&str>) -> Result<Option<RunId>, LedgerError>;
        fn opened_at(&self, run: RunId) -> Result<i64, LedgerError>;
        fn turnaround(
            &self,
            account: &str,
            function: Function,
            method: Method,
            priority: Priority,
        ) -> Result<Option<Duration>, LedgerError>;
        fn is_cooled_down(&self) -> bool;
    }

    delegate! {
        fn headrooms(
            &mut self,
            run: RunId,
            from_v: i64,
            to_v: i64,
        ) -> Result<(Vec<Headroom>, Vec<Headroom>), LedgerError>;
        fn orders(&mut self, batch: BatchId) -> Result<Vec<Order>, LedgerError>;
        fn recognise(
            &mut self,
            account: AccountId,
            provider_id: &str,
            tag: Option<&str>,
        ) -> Result<Recognised, LedgerError>;
    }
}

impl Reports for Ledger {
    delegate! {
        fn audit(&self) -> Result<Audit, LedgerError>;
        fn headrooms_to_plan(
            &self,
            named: (&str, &str, &str),
            ceilings: &[(Scope, Money)],
            balance_lag: Duration,
            at: i64,
        ) -> Result<Vec<Headroom>, LedgerError>;
        fn locations(&self, engine: Engine) -> Result<Option<Kept<Location>>, LedgerError>;
        fn languages(&self, engine: Engine) -> Result<Option<Kept<Language>>, LedgerError>;
        fn models(&self, engine: Engine) -> Result<Option<Kept<Model>>, LedgerError>;
        fn model(&self, engine: Engine, name: &str) -> Result<Option<Model>, LedgerError>;
        fn served(&self) -> Result<Served, LedgerError>;
        fn evidence(&self, batch: BatchId) -> Result<Option<Evidence>, LedgerError>;
        fn failed_alike(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError>;
        fn refused_whole(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError>;
        fn gaps(&self, job: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Gap>, LedgerError>;
        fn untold(&self) -> Result<Vec<Notice>, LedgerError>;
        fn losses_seen(&self, run: RunId) -> Result<u64, LedgerError>;
        fn tag_of(&self, attempt: AttemptId) -> Result<Option<String>, LedgerError>;
        fn scans_of(&self, batch: BatchId) -> Result<Vec<i64>, LedgerError>;
        fn job(&self, name: &str) -> Result<Option<JobRow>, LedgerError>;
        fn job_names(&self) -> Result<Vec<String>, LedgerError>;
        fn account(&self, name: &str) -> Result<Option<(AccountId, Route)>, LedgerError>;
        fn account_names(&self) -> Result<Vec<String>, LedgerError>;
        fn account_of(&self, run: RunId) -> Result<AccountId, LedgerError>;
        fn extra_charges(&self, account: AccountId) -> Result<(u64, Money), LedgerError>;
        fn failures(&self, run: RunId) -> Result<Vec<FailedSum>, LedgerError>;
        fn set_sums(&self, run: RunId) -> Result<Vec<SetSum>, LedgerError>;
        fn planned_of(&self, run: RunId) -> Result<Vec<PlannedOf>, LedgerError>;
        fn bytes_of_answers(&self, form: ResultKind, enough: u64) -> Result<Option<u64>, LedgerError>;
        fn batch(&self, batch: BatchId) -> Result<Option<(RunId, i64)>, LedgerError>;
        fn unresolved_tasks(&self, batch: BatchId) -> Result<Vec<UnresolvedTask>, LedgerError>;
        fn period_at(
            &self,
            job: &str,
            kind: PeriodKind,
            zone: Zone,
            at: DateTime<Utc>,
        ) -> Result<Period, LedgerError>;
        fn past_deadline(&self, run: RunId, now: i64) -> Result<u64, LedgerError>;
        fn runs(&self, job: Option<&str>) -> Result<Vec<RunId>, LedgerError>;
        fn run_name(&self, run: RunId) -> Result<(String, String), LedgerError>;
        fn run_status(&self, run: RunId) -> Result<RunStatus, LedgerError>;
        fn current_totals(&self) -> Result<Vec<Total>, LedgerError>;
        fn tally(&self, run: RunId) -> Result<[u64; 5], LedgerError>;
        fn model_costs(&self, account: &str) -> Result<BTreeMap<String, TargetCost>, LedgerError>;
        fn prices_charged(&self, account: &str) -> Result<BTreeSet<String>, LedgerError>;
        fn models_asked(&self, account: AccountId) -> Result<BTreeSet<(Engine, String)>, LedgerError>;
        fn tried(&self, run: RunId, job: &Job) -> Result<Tried, LedgerError>;
        fn words(&self, batch: BatchId) -> Result<Vec<(AttemptId, crate::ids::TaskId, bool)>, LedgerError>;
    }

    fn export(
        &self,
        run: RunId,
        answered: bool,
        each: &mut dyn FnMut(ExportRow) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        self.export(run, answered, each)
    }
}
