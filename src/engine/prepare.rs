//! From a checked job to a run in the ledger: account, caps, plan rows.
//!
//! `run` and `resume` are one path: what is already known is kept, and an unchanged plan is not written again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::RunTerms;
use crate::clock::Now;
use crate::config::{AccountConfig, Limits};
use crate::ids::{AccountId, RunId};
use crate::job::{Files, Job, PromptsError, WhenShort};
use crate::ledger::{
    AccountFacts, Books, Edited, FailedTask, JobFacts, LedgerError, Login, Lookups, RegisterError, RunFacts,
};
use crate::money::Money;
use crate::period::Period;
use crate::plan::{
    BuyingOrder, DeadlineChoice, Headroom, Plan, PlanError, Scope, TimeLeft, choose_by_deadline, plan, worst_cases,
};
use crate::price::PriceList;
use crate::product::{PRODUCTS, promised_turnaround};
use crate::provider::codes::{Class, look_up};
use crate::task::{Reason, hash128};

/// A job that cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The ledger remembers otherwise, or cannot be written.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No price, or not enough money for one task.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The job buys all or nothing, and all does not fit.
    #[error(
        "job `{job}` is refused whole (when_short = \"refuse\"): it costs {whole}, and {cap} leaves {left}; nothing was bought. \
         {enough} would be enough"
    )]
    Short {
        /// The job.
        job: String,
        /// What it costs.
        whole: Money,
        /// The ceiling it does not fit under.
        cap: String,
        /// What that leaves.
        left: Money,
        /// What would do.
        enough: Money,
    },
    /// A prompt file changed while it was read.
    #[error(transparent)]
    Prompts(#[from] PromptsError<LedgerError>),
}

/// A run that is in the ledger, planned.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Which.
    pub run: RunId,
    /// How the engine is to buy it.
    pub terms: RunTerms,
    /// What a new plan changed; `None` where the plan in the ledger is this one.
    pub edited: Option<Edited>,
    /// There was a run of this period before.
    pub resumed: bool,
    /// How what goes by the deadline is bought from now on.
    pub deadline_choice: DeadlineChoice,
}

/// Brings an account with its login into the ledger.
///
/// # Errors
/// The ledger remembers it otherwise.
pub fn bring_account(ledger: &mut dyn Books, account: &AccountConfig, login: &str) -> Result<AccountId, RegisterError> {
    ledger.bring_account(&AccountFacts {
        name: &account.name,
        route: account.route,
        base_url: &account.base_url,
        login: Login(login),
        day_cap: account.caps.day,
        month_cap: account.caps.month,
    })
}

/// Whether a job that has no run yet can be bought as it is asked, by its own prices and budgets. Nothing is written.
///
/// # Errors
/// It cannot be paid, or not whole where it must be.
pub fn affordable(
    ledger: &dyn Lookups,
    job: &Job,
    limits: &Limits,
    prices: &PriceList,
    now: Now,
) -> Result<(), PrepareError> {
    let (job, _) = by_deadline(ledger, job, None, limits, prices, now.wall.timestamp())?;
    refuse_what_is_short(&job, &plan(&job, prices, &[own_headroom(&job)])?)
}

/// Brings a job and its run of a period into the ledger, and plans it where its plan has changed.
///
/// # Errors
/// It cannot be paid, or not whole where it must be; or the ledger cannot be written. Nothing was bought.
#[expect(clippy::too_many_arguments, reason = "a job, where it is bought, and with what it is read")]
pub fn prepare(
    ledger: &mut dyn Books,
    job: &Job,
    account: AccountId,
    limits: &Limits,
    prices: &PriceList,
    period: &Period,
    moved: bool,
    files: &dyn Files,
    now: Now,
) -> Result<Prepared, PrepareError> {
    let at = now.wall.timestamp();
    let known = ledger.find_run(&job.name, Some(&period.id))?;
    let (job, deadline_choice) = by_deadline(ledger, job, known, limits, prices, at)?;
    let job = &*job;
    let worst_case = worst_cases(job, prices)?;
    let path = job.path.to_string_lossy();
    if known.is_none() {
        // Before anything is written: a job that cannot be paid leaves no run behind.
        refuse_what_is_short(job, &plan(job, prices, &[own_headroom(job)])?)?;
    }
    let job_id = ledger.bring_job(&JobFacts {
        name: &job.name,
        path: &path,
        account,
        timezone: job.timezone,
        day_cap: job.budget.day,
        month_cap: job.budget.month,
        moved,
    })?;
    let deadline_s = job.deadline.map(|deadline| i64::try_from(deadline.as_secs()).unwrap_or(i64::MAX / 2));
    let run = ledger
        .bring_run(&RunFacts { job: job_id, period, cap: job.budget.run, results: &job.results, deadline_s }, at)?;
    let plan_hash = plan_hash(job, &worst_case);
    let edited = if ledger.is_planned(run, plan_hash)? {
        ledger.keep_lines(run, job)?;
        None
    } else {
        let mut rows = ledger.plan_rows(run)?;
        job.each_prompt(files, |index, text| rows.prompt(job.prompts.hash(index), text))?;
        Some(rows.finish(job, BuyingOrder::new(job, &worst_case), plan_hash, at)?)
    };
    // The job may allow more paid failures than it did when they came.
    let allows = |failed: &FailedTask| {
        let can_retry = matches!(failed.code.map(|code| look_up(code).class), Some(Class::PaidFailure { again: true }));
        failed.reason == Reason::PaidFailure && can_retry && failed.paid <= job.retry_paid_failures
    };
    if known.is_some() && job.retry_paid_failures > 0 {
        ledger.reopen(run, at, &allows)?;
    }
    let terms = RunTerms {
        run,
        max_attempts: job.max_attempts,
        drift: job.max_price_drift,
        retry_paid_failures: job.retry_paid_failures,
        stop_after_refusals: job.stop_after_refusals,
    };
    Ok(Prepared { run, terms, edited, resumed: known.is_some(), deadline_choice })
}

/// Tries again what a run has of failed tasks, by a person's word: what was refused, and what was paid for and gave no
/// answer, which is paid for again. How many cost nothing, and how many were paid for. What a person called bought stays.
///
/// # Errors
/// The ledger cannot be read or written.
pub fn retry_failed(ledger: &mut dyn Books, run: RunId, now: Now) -> Result<(u64, u64), LedgerError> {
    ledger.reopen(run, now.wall.timestamp(), &|failed| match failed.reason {
        Reason::Refused | Reason::PaidFailure | Reason::Expired | Reason::LostLive => true,
        Reason::DroppedByJob | Reason::ResolvedAsBought => false,
    })
}

/// The job as it is to be bought in the time that its run has left, by what answers have taken so far.
///
/// # Errors
/// The ledger cannot be read.
pub fn by_deadline<'j>(
    ledger: &dyn Lookups,
    job: &'j Job,
    run: Option<RunId>,
    limits: &Limits,
    prices: &PriceList,
    now: i64,
) -> Result<(Cow<'j, Job>, DeadlineChoice), LedgerError> {
    let Some(deadline) = job.deadline else { return Ok((Cow::Borrowed(job), DeadlineChoice::default())) };
    let opened_at = run.map_or(Ok(now), |run| ledger.opened_at(run))?;
    let gone = Duration::from_secs((now - opened_at).max(0).unsigned_abs());
    let mut seen = BTreeMap::new();
    for product in PRODUCTS {
        for priority in product.priorities {
            let kind = (product.function, product.method, *priority);
            seen.extend(ledger.turnaround(&job.account, kind.0, kind.1, kind.2)?.map(|took| (kind, took)));
        }
    }
    let takes = |function, method, priority| {
        let took = seen.get(&(function, method, priority)).copied();
        took.unwrap_or_else(|| promised_turnaround(function, method, priority))
    };
    let (job, deadline_choice) =
        choose_by_deadline(job, prices, &TimeLeft { left: deadline.saturating_sub(gone), limits, takes: &takes });
    Ok((Cow::Owned(job), deadline_choice))
}

/// The ceilings that a job file sets, the run's own first.
pub fn own_ceilings(job: &Job) -> Vec<(Scope, Money)> {
    let day = job.budget.day.map(|limit| (Scope::JobDay, limit));
    let month = job.budget.month.map(|limit| (Scope::JobMonth, limit));
    std::iter::once((Scope::Run, job.budget.run)).chain(day).chain(month).collect()
}

/// The budgets of a run that has not begun, its own first, as if nothing were spent of them.
pub fn own_headrooms(job: &Job) -> Vec<Headroom> {
    own_ceilings(job)
        .into_iter()
        .map(|(scope, limit)| Headroom::new(scope, scope.ceiling(), limit, Money::ZERO))
        .collect()
}

/// The tightest of them.
pub fn own_headroom(job: &Job) -> Headroom {
    let run = Headroom::of_run(job.budget.run);
    own_headrooms(job)
        .into_iter()
        .fold(run, |least, headroom| if headroom.limit < least.limit { headroom } else { least })
}

fn refuse_what_is_short(job: &Job, plan: &Plan) -> Result<(), PrepareError> {
    match &plan.cut {
        Some(cut) if job.budget.when_short == WhenShort::Refuse => Err(PrepareError::Short {
            job: job.name.clone(),
            whole: cut.whole,
            cap: cut.cap.name.clone(),
            left: cut.cap.left,
            enough: cut.enough,
        }),
        _ => Ok(()),
    }
}

/// Everything that the order of a job's tasks depends on.
fn plan_hash(job: &Job, worst_case: &[Vec<Money>]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (set, worst_case) in job.sets.iter().zip(worst_case) {
        let targets: Vec<_> =
            set.targets.iter().zip(worst_case).map(|(target, worst_case)| format!("{target:?} {worst_case}")).collect();
        let facts = format!("{:?} {} {} {:?} {targets:?}", set.name, set.weight, set.repeats, set.markets);
        hasher.update(&hash128(facts.as_bytes()));
        hasher.update(&(set.prompts.len() as u64).to_le_bytes());
        for prompt in &set.prompts {
            hasher.update(&job.prompts.hash(*prompt));
        }
    }
    *hasher.finalize().as_bytes()
}
