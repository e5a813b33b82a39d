//! One account at work: its jobs are brought into the ledger, shown, bought and collected, and summed up.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::Start;
use super::bring::{Brought, Go};
use super::disk_room::Wanted;
use super::period::{Handshake, NoRun, has_borders};
use crate::cli::account_status::AccountStatus;
use crate::cli::learnt::{Learnt, Settled};
use crate::cli::locate::Located;
use crate::cli::out::{self, Out, count, grouped};
use crate::cli::progress::{Baseline, FirstAnswers, Teller};
use crate::cli::secrets::Credentials;
use crate::cli::terms::terms;
use crate::cli::{Exit, diagnostics, event_text, secrets, summary, warnings};
use crate::config::AccountConfig;
use crate::engine::{self, Executor, StopWord, Terms};
use crate::job::Job;
use crate::ledger::{Books, Ledger, Reports, RunState};
use crate::plan::{self, Plan, Stand, Tempo};
use crate::price::PriceList;
use crate::report::Report;
use crate::sandbox::embedded;

impl Start<'_> {
    /// Works for one account until nothing more can happen in this session.
    pub(super) async fn account(
        &self,
        ledger: &mut Ledger,
        config: &AccountConfig,
        credentials: &Credentials,
        jobs: &[Located],
    ) -> anyhow::Result<Exit> {
        let http = Arc::new(credentials.way_to(&config.base_url)?);
        let account = engine::bring_account(ledger, config, credentials.whose())?;
        let prices = PriceList::with(&config.prices).on(self.clock.now().wall.date_naive());
        let speed = if self.args.sandbox { embedded::SPEED } else { 1 };
        let patience = self.args.max_wait.or((!self.out.is_watched()).then_some(config.timing.patience));
        let handshake = if jobs.iter().any(has_borders) {
            self.can_be_bought(ledger, jobs, account, config, &prices)?;
            let terms = Terms { speed, patience, ..terms(account, config, Vec::new()) };
            let mut teller = Teller::new(Out { bars: false, ..self.out }, Baseline::default());
            Some(self.handshake(ledger, terms, Arc::clone(&http), &mut teller).await?)
        } else {
            None
        };
        let whose = (account, config);
        let Brought { runs, mut bought, mut exit } =
            self.bring_all(ledger, jobs, whose, handshake.as_ref(), &prices).await?;
        ledger.settle_in_file();
        let (mut baseline, mut wanted) = (Baseline::default(), Wanted::default());
        let charged = ledger.prices_charged(&config.name)?;
        let mut firsts = Vec::new();
        for (run, located) in runs.iter().filter_map(|(run, go)| Some((run, go.on()?))) {
            let report = Report::of(ledger, *run, &prices, self.clock.now())?;
            let (job, _) = engine::by_deadline(
                ledger,
                &located.job,
                Some(*run),
                &config.limits,
                &prices,
                self.clock.now().wall.timestamp(),
            )?;
            let first_answers = FirstAnswers::of(&job, ledger, speed)?.filter(|_| report.waiting == 0);
            self.show(&report, (located, &job), config, (&prices, &charged), first_answers)?;
            firsts.push(first_answers);
            let fits = fits(&report);
            let to_buy = if report.status.state == RunState::Closed { 0 } else { fits };
            wanted.add(to_buy, report.waiting + report.in_doubt, &located.job.results);
            baseline.work += fits + report.waiting + report.in_doubt;
            baseline.spent = baseline.spent.saturating_add(report.status.total.charged);
            baseline.budget = baseline.budget.saturating_add(report.status.total.limit.unwrap_or_default());
        }
        // Where one of the jobs has answers at once, or waits for earlier ones, there is no first moment to name.
        baseline.first_answers = firsts.into_iter().reduce(|one, other| Some(one?.sooner(Some(other?)))).flatten();
        let bytes_per_answer = jobs.first().and_then(|located| located.config.bytes_per_answer);
        let no_headroom = wanted.refusal(ledger, bytes_per_answer)?;
        if let Some(why) = &no_headroom {
            diagnostics::notice(why, self.out)?;
            bought.clear();
        }
        let terms = Terms { speed, collect: !self.args.no_collect, patience, ..terms(account, config, bought) };
        let (end, settled) = if let Some(handshake) = handshake.filter(Handshake::is_the_end) {
            (handshake.end, Settled::default())
        } else {
            let executor = Executor::new(terms, prices.clone());
            let mut teller = Teller::new(self.out, baseline);
            let ended = engine::run(executor, http, ledger, self.clock, self.stop.clone(), &mut teller).await;
            let settled = teller.finish();
            (ended?, settled)
        };
        if end.refused.is_some() || end.no_answer.is_some() {
            self.tell_likely_cause(credentials, config)?;
        }
        let unmatched = [(config.name.clone(), end.unmatched.0)].into();
        let learnt = Learnt::of(ledger, runs.iter().map(|(run, _)| *run).collect(), settled, unmatched)?;
        let (nothing, last) = (Learnt::default(), runs.len());
        for (at, (run, go)) in runs.into_iter().enumerate() {
            // The last summary tells what belongs to none of them.
            let learnt = if at + 1 == last { &learnt } else { &nothing };
            ledger.complete(run)?;
            let report = Report::of(ledger, run, &prices, self.clock.now())?;
            let mut end = end.clone();
            if let Go::NoPeriod(no_run) = &go {
                (end.undated, end.refused) = (true, end.refused.or_else(|| Some(no_run.why.clone())));
            }
            let planned = match go {
                Go::Wrong => Exit::Usage,
                Go::On(_) if no_headroom.is_some() => Exit::Unexpected,
                Go::On(_) | Go::NoPeriod(_) => Exit::Complete,
            };
            let of_run = planned.and(summary::exit_of(&report, &end)).and(learnt.exit());
            exit = exit.and(of_run);
            let account_status = AccountStatus::of(ledger, config, self.clock.now())?;
            if self.out.json {
                let facts = summary::facts(&report, Some(&end), Some(of_run), ledger, &account_status, learnt);
                self.json("summary", facts)?;
            } else if !self.out.quiet || of_run != Exit::Complete {
                out::data(&summary::text(&report, &end, of_run, ledger, &account_status, learnt))?;
            }
            if of_run == Exit::BudgetReached {
                ledger.told_short(run, report.planned)?;
            }
        }
        if last == 0 && learnt.exit() != Exit::Complete {
            // No run has a summary, so it is told alone.
            if self.out.json {
                self.json("learnt", json!({ "learnt": learnt.facts(), "exit": learnt.exit().code() }))?;
            }
            learnt.sentences().iter().for_each(|sentence| self.out.must(sentence));
            exit = exit.and(learnt.exit());
        }
        learnt.was_told(ledger, self.clock.now().wall.timestamp())?;
        Ok(exit)
    }

    /// What is likely wrong where the account is refused, or nothing answers.
    fn tell_likely_cause(&self, credentials: &Credentials, config: &AccountConfig) -> anyhow::Result<()> {
        for sentence in credentials.odd() {
            diagnostics::notice(sentence, self.out)?;
        }
        // When quiet, this was not said at the beginning.
        if let Some(variable) = secrets::unused_proxy(config).filter(|_| self.out.quiet) {
            diagnostics::notice(&secrets::proxy_not_used(variable, &config.name), self.out)?;
        }
        Ok(())
    }

    /// Says that a job has no run in this session; what that comes to.
    pub(super) fn tell_no_run(&self, located: &Located, no_run: &NoRun) -> anyhow::Result<Exit> {
        let collected = if self.args.no_collect { "" } else { "; what is paid is collected all the same" };
        self.out.must(&format!("job `{}` is not run{collected}: {}", located.job.name, no_run.why));
        if self.out.json {
            self.json("no_run", no_run.facts(&located.job.name))?;
        }
        let stopped = no_run.stopped || *self.stop.borrow() > StopWord::None;
        Ok(if stopped { Exit::Interrupted } else { Exit::Refused })
    }

    /// What is about to happen, in a few lines.
    fn show(
        &self,
        report: &Report,
        (located, job): (&Located, &Job),
        config: &AccountConfig,
        (prices, charged): (&PriceList, &BTreeSet<String>),
        first_answers: Option<FirstAnswers>,
    ) -> anyhow::Result<()> {
        let status = &report.status;
        if self.out.json {
            self.json(
                "begin",
                json!({
                    "config": located.config.path.as_ref().map(|path| path.display().to_string()),
                    "ledger": located.config.ledger.display().to_string(),
                    "account": config.name, "base_url": config.base_url, "job": status.job, "period": status.period,
                    "tasks": { "asked": report.asked, "planned": report.planned, "submitted": report.waiting,
                               "in_doubt": report.in_doubt, "answered": report.answered, "failed": report.failed },
                    "first_answers_s": first_answers.map(FirstAnswers::seconds),
                }),
            )?;
        }
        let name = format!("{} ({})", status.job, status.period);
        if report.asked > report.planned {
            self.out.note(&format!(
                "{name}: continuing; {} asked, of which earlier sessions left {} answered, {} waiting, {} in doubt, {} failed",
                count(report.asked, "task"),
                grouped(report.answered),
                grouped(report.waiting),
                grouped(report.in_doubt),
                grouped(report.failed)
            ));
        } else if let Ok(plan) = plan_of(job, report, prices) {
            let speed = if self.args.sandbox { embedded::SPEED } else { 1 };
            let tempo = Tempo { limits: &config.limits, timing: &config.timing, speed };
            let purchases = plan.work.purchases(charged);
            let ends = plan.work.expected(&tempo, charged);
            self.out.note(&format!(
                "{name}: {} in {}, {} in all; about {} in {}, done in {} at most",
                count(report.asked, "task"),
                count(located.job.sets.len() as u64, "prompt set"),
                plan.total.cost,
                count(purchases + plan.work.fetches(), "call"),
                count(purchases, "batch"),
                humantime::format_duration(std::time::Duration::from_secs(ends.as_secs().max(1)))
            ));
        }
        for line in warnings::of(job) {
            self.out.note(&format!("{name}: {line}"));
        }
        let fits = fits(report);
        if status.state == RunState::Closed {
            // It was said already that nothing more is bought for it.
        } else if report.planned > 0 {
            let missing = report.missing.unwrap_or_default();
            let line = match report.tightest().filter(|_| fits < report.planned) {
                Some(headroom) => format!(
                    "{name}: {} to buy for {missing}, and {} leaves {}: {}",
                    count(report.planned, "task"),
                    headroom.name,
                    headroom.left,
                    match fits {
                        0 => "nothing more is bought".to_owned(),
                        fits => format!("about {} fit, the others are left out", grouped(fits)),
                    }
                ),
                None => format!("{name}: {} to buy for {missing} at most", count(report.planned, "task")),
            };
            self.out.note(&line);
        } else {
            self.out.note(&format!("{name}: nothing is left to buy"));
        }
        Ok(())
    }

    fn json(&self, name: &str, facts: serde_json::Value) -> anyhow::Result<()> {
        out::data(&format!("{}\n", event_text::line(name, self.clock.now().wall, facts)))?;
        Ok(())
    }
}

/// The plan of a run of which nothing was tried, under its caps as they stand.
fn plan_of(job: &Job, report: &Report, prices: &PriceList) -> Result<Plan, plan::PlanError> {
    plan::plan_rest(job, prices, &report.headrooms, &|_| Stand::ToBuy)
}

/// About how many of the tasks to buy fit the caps; exact where all cost the same.
fn fits(report: &Report) -> u64 {
    let missing = report.missing.unwrap_or_default();
    match report.tightest() {
        Some(headroom) if headroom.left < missing => {
            let share = u128::from(report.planned) * u128::from(headroom.left.nanos().unsigned_abs())
                / u128::from(missing.nanos().unsigned_abs().max(1));
            u64::try_from(share).unwrap_or(report.planned)
        }
        _ => report.planned,
    }
}
