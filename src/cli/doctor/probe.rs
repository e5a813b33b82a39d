//! `--probe`: the ordinary engine buys one task, to see that money, list and answers work as they should.

use std::cell::Cell;
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::DateTime;

use super::finding::{Finding, Level};
use crate::cli::out::Out;
use crate::cli::progress::{Baseline, Teller};
use crate::cli::run::{Wait, take};
use crate::cli::terms::terms;
use crate::cli::{Exit, secrets, stop};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::engine::{self, End, Executor, StopWord};
use crate::ids::AccountId;
use crate::job::{self, Disk, Job};
use crate::ledger::{Books, Kind, Ledger, LedgerError, LockError, Lookups, Reports};
use crate::money::Money;
use crate::period;
use crate::price::PriceList;
use crate::product::Function;
use crate::report::Report;

/// Its job in the ledger.
const JOB: &str = "doctor-probe";
const ABOUT: &str = "probe";
const IN_DOUBT: &str = "whether the task was bought is not known yet";
const ASK: &str = "`bursar reconcile` asks the provider about it";

/// What a probe is made with.
pub(super) struct Probe<'a> {
    pub(super) config: &'a Config,
    pub(super) account: &'a AccountConfig,
    pub(super) state_dir: &'a Path,
    /// How long to wait for the answer.
    pub(super) wait: Duration,
    pub(super) clock: Clock,
    pub(super) out: Out,
}

/// A session that buys is not waited for.
const NO_WAIT: Wait = Wait { no_follow: true, silence: std::time::Duration::MAX, patience: None };

impl Probe<'_> {
    /// Buys one task, unless something speaks against it; what goes wrong is a finding too.
    pub(super) async fn make(&self, before: &[Finding]) -> Vec<Finding> {
        if !self.account.route.shows_lists() {
            let says = format!("route `{}` has no list to prove anything: nothing was bought", self.account.route);
            return vec![Finding::ok(ABOUT, says)];
        }
        if before.iter().any(|finding| finding.level() == Level::Fail) {
            return vec![Finding::warn(ABOUT, "something failed above: nothing was bought", "fix it, then try again")];
        }
        let begun = Cell::new(false);
        self.start(&begun).await.unwrap_or_else(|error| {
            let advice = match error.downcast_ref::<LockError>() {
                Some(_) => "nothing was bought: ask again when the other process has ended".to_owned(),
                None if !begun.get() => "nothing was bought: fix it, then try again".to_owned(),
                None => format!("what was bought, if anything, stands in the ledger: `bursar status {JOB}`"),
            };
            vec![Finding::fail(ABOUT, Exit::of(&error), format!("{error:#}"), advice)]
        })
    }

    /// A session like any other, for one task; and whether it came as far as to call the provider.
    async fn start(&self, begun: &Cell<bool>) -> anyhow::Result<Vec<Finding>> {
        let prices = PriceList::with(&self.account.prices).on(self.clock.now().wall.date_naive());
        let (job, expected) = self.job(&prices)?;
        let stop = stop::listen(Out { bars: false, ..self.out }, Some(self.wait));
        let Some(_lock) = take(&self.config.ledger, "buying a task for proof", NO_WAIT, self.out, stop.clone()).await?
        else {
            return Ok(vec![interrupted()]);
        };
        let now = self.clock.now();
        let at = now.wall.timestamp();
        let credentials = secrets::of(self.account)?;
        let mut ledger = Ledger::open(&self.config.ledger, Kind::of(self.account.route), at)?;
        ledger.begin(self.state_dir, at)?;
        let id = engine::bring_account(&mut ledger, self.account, credentials.whose())?;
        if ledger.provider_memory(id)?.restored_from_v.is_some() {
            return Ok(vec![Finding::warn(
                ABOUT,
                "the ledger was taken for restored: nothing was bought",
                "let `bursar run` or `bursar reconcile` read the provider's list whole, then ask again",
            )]);
        }
        if let Some(other) = ledger.job(JOB)?.filter(|job| job.path != JOB) {
            return Ok(vec![Finding::fail(
                ABOUT,
                Exit::Usage,
                format!("this ledger has a job of its own called `{JOB}`, {}: nothing was bought", other.path),
                "name another ledger with --ledger",
            )]);
        }
        let known = match ledger.find_run(JOB, None)? {
            Some(run) => Some(Report::of(&mut ledger, run, &prices, now)?).filter(|report| report.planned == 0),
            None => None,
        };
        let (run, to_buy) = if let Some(report) = &known {
            (report.status.run, Vec::new())
        } else {
            let period = period::current(job.period, job.timezone, now.wall);
            let limits = &self.account.limits;
            let prepared = engine::prepare(&mut ledger, &job, id, limits, &prices, &period, false, &Disk, now)?;
            (prepared.run, vec![prepared.terms])
        };
        let mut findings = Vec::new();
        let unknown_batches = known.as_ref().is_some_and(|report| report.in_doubt > 0);
        if let Some(report) = known {
            let ours = ledger.job(JOB)?.is_some_and(|job| job.account == self.account.name);
            if report.is_complete() || !ours {
                return Ok(vec![bought_before(&ledger, &report)?]);
            }
            if !unknown_batches {
                findings.push(bought_before(&ledger, &report)?);
            }
        } else {
            let headrooms = Report::of(&mut ledger, run, &prices, now)?.headrooms;
            if let Some(headroom) = headrooms.into_iter().find(|headroom| headroom.left < expected) {
                return Ok(vec![Finding::fail(
                    ABOUT,
                    Exit::BudgetReached,
                    format!(
                        "{} leaves {}, and one task is {expected}: nothing was bought",
                        headroom.name, headroom.left
                    ),
                    "change it, or ask again when it leaves room",
                )]);
            }
            if *stop.borrow() > StopWord::None {
                return Ok(vec![interrupted()]);
            }
            self.out.must(&format!(
                "account {} at {}: one task is bought now, for {expected} at most",
                self.account.name, self.account.base_url
            ));
        }
        let buys = !to_buy.is_empty();
        let executor = Executor::new(terms(id, self.account, to_buy), prices.clone());
        let http = Arc::new(credentials.way_to(&self.account.base_url)?);
        // One document is asked for, not a line for each event.
        begun.set(true);
        let mut teller = Teller::new(Out { json: false, bars: false, ..self.out }, Baseline::default());
        let ended = engine::run(executor, http, &mut ledger, self.clock, stop, &mut teller).await;
        teller.finish();
        let end = ended?;
        ledger.complete(run)?;
        let report = Report::of(&mut ledger, run, &prices, self.clock.now())?;
        if buys || unknown_batches {
            findings.push(self.bought(&report, &end, expected));
        } else {
            findings.extend(failed(&report));
        }
        if report.planned + report.in_doubt == 0 {
            findings.push(listed(&ledger, id)?);
            findings.extend(answer(&report));
        }
        ledger.tidy();
        Ok(findings)
    }

    /// Whether it was bought, and for what.
    fn bought(&self, report: &Report, end: &End, expected: Money) -> Finding {
        let (cost, held) = (report.status.total.charged, report.status.total.held);
        let again = "fix it, then run the same command to continue";
        match &end.refused {
            Some(why) if cost.is_zero() && held.is_zero() => {
                return Finding::fail(ABOUT, Exit::Refused, format!("nothing was bought: {why}"), again);
            }
            Some(why) if report.in_doubt > 0 => {
                let says = format!("{IN_DOUBT}; {held} is held for it, and nothing more is bought: {why}");
                return Finding::fail(ABOUT, Exit::Refused, says, ASK);
            }
            Some(why) => {
                let says = format!("{cost} was spent, and nothing more is bought: {why}");
                return Finding::fail(ABOUT, Exit::Refused, says, shown());
            }
            None => {}
        }
        if report.in_doubt > 0 {
            return Finding::fail(ABOUT, Exit::InDoubt, format!("{IN_DOUBT}; {held} is held for it"), ASK);
        }
        if report.planned > 0 {
            return match end.cuts.first() {
                Some((_, headroom)) => {
                    let says = format!("{} leaves {}: nothing was bought", headroom.name, headroom.left);
                    Finding::fail(ABOUT, Exit::BudgetReached, says, "change it, or ask again when it leaves room")
                }
                None => Finding::fail(
                    ABOUT,
                    Exit::Interrupted,
                    "nothing was bought in this time",
                    "run the same command to continue; -v says what the provider answered",
                ),
            };
        }
        if let Some(failed) = failed(report) {
            return failed;
        }
        let name = &self.account.name;
        let other = format!("one task was bought for {cost}, and {expected} was expected");
        match cost.cmp(&expected) {
            Ordering::Greater => Finding::fail(
                ABOUT,
                Exit::Refused,
                format!("{other}: buying at this price stops"),
                format!("write it under [[accounts.{name}.prices]], or allow more with max_price_drift"),
            ),
            Ordering::Less => Finding::warn(
                ABOUT,
                format!("{other}: more is held than is charged"),
                format!("write the price under [[accounts.{name}.prices]]"),
            ),
            Ordering::Equal => Finding::ok(ABOUT, format!("one task was bought for {cost}, as expected")),
        }
    }

    /// The job, checked as if it stood in a file, and what its one task costs at the most: its whole budget.
    fn job(&self, prices: &PriceList) -> anyhow::Result<(Job, Money)> {
        let text = format!(
            "name = \"{JOB}\"\naccount = \"{}\"\nperiod = \"once\"\n[budget]\nrun = \"1\"\n\
             [[prompt_set]]\nname = \"probe\"\nengine = \"chat_gpt\"\nmethod = \"standard\"\npriority = \"normal\"\n\
             locations = [\"United States\"]\nlanguages = [\"English\"]\nprompts = [\"Which day follows Monday?\"]\n",
            self.account.name
        );
        let mut job = job::check(Path::new(JOB), &text, self.config, &Disk)?;
        let set = job.sets.first().context("the probe has a prompt set")?;
        let target = set.targets.first().context("the probe has a target")?;
        let price = prices.expected(target, set.asked()).context("no price is known of what the probe buys")?;
        job.budget.run = price.worst_case;
        Ok((job, price.worst_case))
    }
}

fn interrupted() -> Finding {
    Finding::fail(ABOUT, Exit::Interrupted, "stopped before anything was bought", "run the same command to continue")
}

/// What became of the task in an earlier session.
fn bought_before(ledger: &Ledger, report: &Report) -> Result<Finding, LedgerError> {
    let opened = DateTime::from_timestamp(ledger.opened_at(report.status.run)?, 0).unwrap_or_default();
    let when = opened.format("%Y-%m-%d %H:%MZ");
    let (cost, held) = (report.status.total.charged, report.status.total.held);
    if report.in_doubt > 0 {
        return Ok(Finding::warn(
            ABOUT,
            format!("tried before with this ledger, on {when}, and {IN_DOUBT}; {held} is held for it"),
            ASK,
        ));
    }
    if let Some(failure) = report.failures.first() {
        let what = format!("tried before with this ledger, on {when}, and it failed ({}, {cost} paid)", failure.reason);
        return Ok(Finding::warn(ABOUT, format!("{what}: nothing was bought now"), shown()));
    }
    Ok(Finding::ok(ABOUT, format!("bought before with this ledger, on {when} for {cost}: nothing was bought now"))
        .knowing(shown()))
}

/// That the task ended without an answer, where it did.
fn failed(report: &Report) -> Option<Finding> {
    let failure = report.failures.first()?;
    let says = format!("the task failed: {}, {} paid", failure.reason, failure.paid);
    Some(Finding::fail(ABOUT, Exit::SomeFailed, says, shown()))
}

fn shown() -> String {
    format!("`bursar status {JOB}` shows it")
}

/// Whether the provider's list has shown it, or another task, while it was unfinished.
fn listed(ledger: &Ledger, account: AccountId) -> Result<Finding, LedgerError> {
    const ABOUT: &str = "probe list";
    Ok(match ledger.visibility_proof(account, Function::LlmScraper)? {
        Some(_) => Finding::ok(ABOUT, "the provider's list shows unfinished tasks with our tag"),
        None => Finding::ok(ABOUT, "the provider's list has not shown an unfinished task yet")
            .knowing("an answer that comes at once leaves nothing to show; the next purchases prove it by themselves"),
    })
}

/// Whether its answer came; nothing where there is none to come.
fn answer(report: &Report) -> Option<Finding> {
    const ABOUT: &str = "probe answer";
    if report.answered > 0 {
        return Some(Finding::ok(ABOUT, "it came"));
    }
    (report.waiting > 0).then(|| {
        Finding::ok(ABOUT, "it is still to come").knowing(
            "most take minutes, some an hour; the next `bursar run` of this account fetches it, or `bursar doctor --probe`",
        )
    })
}
