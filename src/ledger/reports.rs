//! Reports: what people ask a ledger, at the beginning, at the end and in between. They may read complete runs.

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

use super::{
    Audit, Evidence, ExportRow, FailedAlike, FailedSum, Gap, JobRow, LedgerError, Lookups, Notice, PlannedOf,
    RunStatus, SetSum, TargetCost, Total, Tried, UnresolvedTask,
};
use crate::catalogue::{Kept, Model, Served};
use crate::ids::{AccountId, AttemptId, BatchId, RunId};
use crate::job::Job;
use crate::market::{Language, Location};
use crate::money::Money;
use crate::period::{Period, PeriodKind};
use crate::plan::{Headroom, Scope};
use crate::product::{Engine, ResultKind, Route};
use crate::zone::Zone;

/// What people ask. Each function fails where the store cannot be read.
pub trait Reports: Lookups {
    /// Recomputes every total and checks every invariant.
    fn audit(&self) -> Result<Audit, LedgerError>;

    /// The ceilings of a run that is to be planned, by what is spent and held under each at a moment. Names that the ledger
    /// does not know have spent nothing; ceilings are those of the job file and the config as they are now, but for the
    /// balance to keep, of which only a session learns what may be spent.
    fn headrooms_to_plan(
        &self,
        named: (&str, &str, &str),
        ceilings: &[(Scope, Money)],
        balance_lag: Duration,
        at: i64,
    ) -> Result<Vec<Headroom>, LedgerError>;

    /// The places that an engine serves, countries first; none where no list is kept.
    fn locations(&self, engine: Engine) -> Result<Option<Kept<Location>>, LedgerError>;

    /// The languages that an engine can be asked in; none where no list is kept.
    fn languages(&self, engine: Engine) -> Result<Option<Kept<Language>>, LedgerError>;

    /// The models of an engine; none where no list is kept.
    fn models(&self, engine: Engine) -> Result<Option<Kept<Model>>, LedgerError>;

    /// What is known of a model by its name, or by the base name of its newest dated version; none where no list is
    /// kept, or where it has no such model.
    fn model(&self, engine: Engine, name: &str) -> Result<Option<Model>, LedgerError>;

    /// All that is kept.
    fn served(&self) -> Result<Served, LedgerError>;

    /// What is known of a batch; `None` where there is none of that number.
    fn evidence(&self, batch: BatchId) -> Result<Option<Evidence>, LedgerError>;

    /// Every task of a run in the order of its plan, with its answers; those with an answer alone where `answered` says so.
    /// `each` may break it off.
    fn export(
        &self,
        run: RunId,
        answered: bool,
        each: &mut dyn FnMut(ExportRow) -> ControlFlow<()>,
    ) -> Result<(), LedgerError>;

    /// Failed tasks of a run, by what they have in common, those that are most first. What the job file no longer asks
    /// and was never bought has not failed.
    fn failed_alike(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError>;

    /// Planned tasks of a run whose latest request was refused whole, in the same form: which of its tasks is to blame is not
    /// known.
    fn refused_whole(&self, run: RunId) -> Result<Vec<FailedAlike>, LedgerError>;

    /// The periods without a run between the first run of a job and the period of `now`, but for those that a person has
    /// seen; of one job where it is named. They are of the kind that the job's latest run has.
    fn gaps(&self, job: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Gap>, LedgerError>;

    /// The losses that nobody was told of, of all runs and accounts, oldest first.
    fn untold(&self) -> Result<Vec<Notice>, LedgerError>;

    /// How many losses of a run a person has seen.
    fn losses_seen(&self, run: RunId) -> Result<u64, LedgerError>;

    /// The tag that the provider knows an attempt by.
    fn tag_of(&self, attempt: AttemptId) -> Result<Option<String>, LedgerError>;

    /// When the scans that count for a batch began, by the provider's clock, the earliest first.
    fn scans_of(&self, batch: BatchId) -> Result<Vec<i64>, LedgerError>;

    /// A job by its name.
    fn job(&self, name: &str) -> Result<Option<JobRow>, LedgerError>;

    /// The names of all jobs, by name.
    fn job_names(&self) -> Result<Vec<String>, LedgerError>;

    /// The account of a name, and its route.
    fn account(&self, name: &str) -> Result<Option<(AccountId, Route)>, LedgerError>;

    /// The names of all accounts.
    fn account_names(&self) -> Result<Vec<String>, LedgerError>;

    /// The account that a run buys from.
    fn account_of(&self, run: RunId) -> Result<AccountId, LedgerError>;

    /// How many purchases of an account belong to none of the ledger's tasks, and what they cost.
    fn extra_charges(&self, account: AccountId) -> Result<(u64, Money), LedgerError>;

    /// What failed of a run, by reason, with what was paid for it.
    fn failures(&self, run: RunId) -> Result<Vec<FailedSum>, LedgerError>;

    /// The prompt sets of a run, in the order of the job file, and what of each is not bought.
    fn set_sums(&self, run: RunId) -> Result<Vec<SetSum>, LedgerError>;

    /// The tasks of a run that are not bought, by what they cost.
    fn planned_of(&self, run: RunId) -> Result<Vec<PlannedOf>, LedgerError>;

    /// What the last answers of this form take on average, compressed; nothing where fewer than `enough` are stored.
    fn bytes_of_answers(&self, form: ResultKind, enough: u64) -> Result<Option<u64>, LedgerError>;

    /// The run of a batch, and when it was sent by the provider's clock; `None` where there is no such batch.
    fn batch(&self, batch: BatchId) -> Result<Option<(RunId, i64)>, LedgerError>;

    /// The tasks of a batch whose outcome is not known.
    fn unresolved_tasks(&self, batch: BatchId) -> Result<Vec<UnresolvedTask>, LedgerError>;

    /// The period of a job that a moment is in. A run keeps the borders that it was opened with, also where the rules of
    /// its zone have changed since: no period is split.
    fn period_at(&self, job: &str, kind: PeriodKind, zone: Zone, at: DateTime<Utc>) -> Result<Period, LedgerError>;

    /// Tasks of a run that were not answered by its deadline, as it stands at `now`; none where it has no deadline.
    fn past_deadline(&self, run: RunId, now: i64) -> Result<u64, LedgerError>;

    /// The runs of the ledger, oldest first; of one job where it is named.
    fn runs(&self, job: Option<&str>) -> Result<Vec<RunId>, LedgerError>;

    /// The job and period of a run.
    fn run_name(&self, run: RunId) -> Result<(String, String), LedgerError>;

    /// How a run stands. Looks at all its tasks.
    fn run_status(&self, run: RunId) -> Result<RunStatus, LedgerError>;

    /// The standing totals of all accounts and jobs, the latest of each scope.
    fn current_totals(&self) -> Result<Vec<Total>, LedgerError>;

    /// Counts the tasks of a run by state: planned, sending, submitted, answered, failed. Looks at all of them, so it
    /// is for starts and ends.
    fn tally(&self, run: RunId) -> Result<[u64; 5], LedgerError>;

    /// What finished tasks of each model came to, by price key: whatever else they asked.
    fn model_costs(&self, account: &str) -> Result<BTreeMap<String, TargetCost>, LedgerError>;

    /// The prices that an account was charged before.
    fn prices_charged(&self, account: &str) -> Result<BTreeSet<String>, LedgerError>;

    /// The models that the latest run of each of an account's jobs asks.
    fn models_asked(&self, account: AccountId) -> Result<BTreeSet<(Engine, String)>, LedgerError>;

    /// What a run has tried of what a job asks now. Reads all that it tried.
    fn tried(&self, run: RunId, job: &Job) -> Result<Tried, LedgerError>;

    /// The attempts of a batch on which a person's word stands and can be taken back: those called bought that were not
    /// found, and those called not bought whose tasks wait to be bought.
    fn words(&self, batch: BatchId) -> Result<Vec<(AttemptId, crate::ids::TaskId, bool)>, LedgerError>;
}
