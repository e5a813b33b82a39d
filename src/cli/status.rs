//! `bursar status`: the status of runs.

mod chosen;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::account_status::AccountStatus;
use super::args::StatusArgs;
use super::failure;
use super::learnt::Learnt;
use super::out::{self, Out, count, grouped, lines};
use super::{Common, Exit, sandboxed, summary, table};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, is_loopback};
use crate::ids::RunId;
use crate::ledger::{Books, Gap, Kind, Ledger, Lock, Reports, RunState, RunStatus, Total};
use crate::price::PriceList;
use crate::report::Report;
use crate::sandbox::embedded;

pub(super) fn status(args: &StatusArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (mut ledger, config, job) = sandboxed::to_read(args.job.as_deref(), common, args.sandbox)?;
    let clock = Clock::system();
    let mut reports = Vec::new();
    let runs = chosen::runs(&ledger, job.as_deref(), args)?;
    for (run, _) in &runs {
        let run = *run;
        let account = account(&ledger, &config, run)?;
        // Of an account of the embedded sandbox, the configuration tells the times of the real one.
        let is_embedded = |account: &AccountConfig| ledger.kind() == Kind::Sandbox && !is_loopback(&account.base_url);
        let account = account.map(|account| {
            let timing = if is_embedded(account) { embedded::timing() } else { account.timing.clone() };
            AccountConfig { timing, ..account.clone() }
        });
        let account = account.as_ref();
        let prices = account
            .map(|account| PriceList::with(&account.prices))
            .unwrap_or_default()
            .on(clock.now().wall.date_naive());
        let report = Report::of(&mut ledger, run, &prices, clock.now())?;
        let seen = ledger.losses_seen(run)?;
        reports.push((
            Shown { report, seen },
            account.map(|account| AccountStatus::of(&ledger, account, clock.now())).transpose()?.unwrap_or_default(),
        ));
    }
    let totals = ledger.current_totals()?;
    let gaps = chosen::gaps(ledger.gaps(job.as_deref(), clock.now().wall)?, &ledger, &runs, args)?;
    if args.failed {
        reports.retain(|(shown, _)| shown.losses() > 0);
    }
    let hidden = (ledger.runs(job.as_deref())?.len() - reports.len()) as u64;
    if out.json {
        let runs: Vec<Value> =
            reports.iter().map(|(shown, account_status)| shown.facts(&ledger, account_status)).collect();
        out::document(&json!({
            "schema": "bursar.status/1",
            "ledger": out::from_anywhere(ledger.path()),
            "kind": ledger.kind().name(),
            "runs": runs,
            "missing": gaps.iter().map(missing).collect::<Vec<_>>(),
            "totals": totals.iter().map(total).collect::<Vec<_>>(),
        }))?;
    } else {
        out::data(&text(&reports, &gaps, &totals, &ledger))?;
        if hidden > 0 {
            out.note(&format!("not shown: {}; without --last, --since and --failed all are", count(hidden, "run")));
        }
    }
    if args.seen {
        let (path, kind) = (ledger.path().to_owned(), ledger.kind());
        drop(ledger);
        // Whoever buys writes its own losses.
        let lock = Lock::try_take(&path)?;
        let mut ledger = Ledger::open(&path, kind, clock.now().wall.timestamp())?;
        let runs: Vec<(RunId, u64)> =
            reports.iter().map(|(shown, _)| (shown.report.status.run, shown.losses())).collect();
        let jobs: Vec<(String, i64)> = gaps.iter().map(|gap| (gap.job.clone(), gap.until)).collect();
        ledger.seen(&runs, &jobs)?;
        ledger.tidy();
        drop(lock);
        out.note("seen: what is marked here is not marked any more; what is lost from now on will be");
    }
    Ok(Exit::Complete)
}

/// A run as it is shown.
struct Shown {
    report: Report,
    /// So many losses of it a person has seen.
    seen: u64,
}

impl Shown {
    /// Tasks that ended without an answer, and of a closed run those that were not bought.
    fn losses(&self) -> u64 {
        self.report.failed + self.short()
    }

    fn short(&self) -> u64 {
        if self.report.status.state == RunState::Closed { self.report.planned } else { 0 }
    }

    /// Its state, and how badly it ended where nobody has seen that yet.
    fn state(&self) -> String {
        let mut state = computed(&self.report).to_owned();
        if self.losses() <= self.seen {
            return state;
        }
        if self.report.failed > 0 {
            let _ = write!(state, ", {} failed", grouped(self.report.failed));
        }
        if self.short() > 0 {
            state += ", short";
        }
        state
    }

    fn facts(&self, ledger: &Ledger, account_status: &AccountStatus) -> Value {
        let mut facts = summary::facts(&self.report, None, None, ledger, account_status, &Learnt::default());
        facts["shown_as"] = self.state().into();
        facts["unseen_losses"] = self.losses().saturating_sub(self.seen).into();
        facts
    }
}

/// Periods without a run, as facts.
fn missing(gap: &Gap) -> Value {
    json!({ "job": gap.job, "first": gap.first, "last": gap.last, "periods": gap.periods })
}

/// The account of a run, where the config has it.
fn account<'a>(ledger: &Ledger, config: &'a Config, run: RunId) -> anyhow::Result<Option<&'a AccountConfig>> {
    let (job, _) = ledger.run_name(run)?;
    Ok(ledger.job(&job)?.and_then(|job| config.accounts.get(&job.account)))
}

fn text(reports: &[(Shown, AccountStatus)], gaps: &[Gap], totals: &[Total], ledger: &Ledger) -> String {
    let mut text = format!("ledger {} ({} money)\n\n", out::from_anywhere(ledger.path()), ledger.kind().name());
    let header = [
        "job",
        "period",
        "state",
        "asked",
        "not bought",
        "in doubt",
        "waiting",
        "answered",
        "failed",
        "spent",
        "held",
        "budget",
    ];
    let mut runs = table::table(&header, &[3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (shown, _) in reports {
        let (report, status) = (&shown.report, &shown.report.status);
        let counts = [report.asked, report.planned, report.in_doubt, report.waiting, report.answered, report.failed];
        let mut row = vec![status.job.clone(), status.period.clone(), shown.state()];
        row.extend(counts.map(grouped));
        row.extend([status.total.charged.to_string(), status.total.held.to_string(), table::limit(status.total.limit)]);
        runs.add_row(row);
    }
    for gap in gaps {
        let period = if gap.periods == 1 { gap.first.clone() } else { format!("{} to {}", gap.first, gap.last) };
        runs.add_row(vec![gap.job.clone(), period, "missing".to_owned()]);
    }
    text += &table::text(&runs);
    if !gaps.is_empty() || reports.iter().any(|(shown, _)| shown.losses() > shown.seen) {
        text += "what is lost or missing is marked until `bursar status --seen`\n";
    }
    for (Shown { report, .. }, _) in reports.iter().filter(|(shown, _)| !shown.report.status.oddities.is_empty()) {
        let RunStatus { job, period, .. } = &report.status;
        let _ = writeln!(text, "odd: {job} ({period}): {}", summary::odd(report));
    }
    for (Shown { report, .. }, _) in reports.iter().filter(|(shown, _)| shown.losses() > shown.seen) {
        let RunStatus { job, period, .. } = &report.status;
        for line in failure::lines(&report.failed_alike) {
            let _ = writeln!(text, "failed: {job} ({period}): {}", lines(&line));
        }
    }
    for (Shown { report, .. }, _) in reports {
        let RunStatus { job, period, .. } = &report.status;
        for line in failure::lines(&report.refused_whole) {
            let _ = writeln!(text, "not bought: {job} ({period}): {}", lines(&line));
        }
    }
    for (Shown { report, .. }, account_status) in reports {
        for batch in &report.status.in_doubt {
            let until = account_status.of_unknown(batch.batch).map(|until| format!("; {until}")).unwrap_or_default();
            let _ = writeln!(
                text,
                "in doubt: batch {} of {} ({}), {}, {} held: {}{until}",
                batch.batch,
                report.status.job,
                report.status.period,
                count(batch.attempts, "task"),
                batch.held,
                lines(&batch.why)
            );
            for evidence in account_status.missing(batch.batch) {
                let _ = writeln!(text, "  missing: {}", lines(&evidence));
            }
        }
    }
    let mut accounts = BTreeMap::new();
    for (_, account_status) in reports {
        accounts.entry(&account_status.account).or_insert(account_status);
    }
    for sentence in accounts.values().flat_map(|account_status| {
        let watch = account_status.watch_sentence();
        account_status.sentences().into_iter().chain(watch)
    }) {
        let _ = writeln!(text, "{}", lines(&sentence));
    }
    if !totals.is_empty() {
        let mut sums = table::table(&["total", "spent", "held", "cap", "left"], &[1, 2, 3, 4]);
        for total in totals {
            let left = total.limit.map(|limit| limit.less(total.charged).less(total.held).to_string());
            sums.add_row([
                total.name.clone(),
                total.charged.to_string(),
                total.held.to_string(),
                table::limit(total.limit),
                left.unwrap_or_default(),
            ]);
        }
        let _ = write!(text, "\n{}", table::text(&sums));
    }
    text
}

/// The state of a run, where it is open: what it waits for.
fn computed(report: &Report) -> &'static str {
    match report.status.state {
        RunState::Complete | RunState::Closed => report.status.state.name(),
        RunState::Open if report.in_doubt > 0 => "in doubt",
        RunState::Open if report.waiting > 0 => "waiting",
        RunState::Open
            if report.planned > 0 && report.tightest().is_some_and(|headroom| headroom.left < report.dearest) =>
        {
            "budget reached"
        }
        RunState::Open => "open",
    }
}

fn total(total: &Total) -> Value {
    let mut row = Map::new();
    row.insert("name".into(), total.name.clone().into());
    out::money(&mut row, "spent", total.charged);
    out::money(&mut row, "held", total.held);
    if let Some(limit) = total.limit {
        out::money(&mut row, "limit", limit);
        out::money(&mut row, "left", limit.less(total.charged).less(total.held));
    }
    Value::Object(row)
}
