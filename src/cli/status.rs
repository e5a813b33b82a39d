//! `bursar status`: how runs stand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::args::StatusArgs;
use super::out::{self, Out, count, grouped, lines};
use super::standing::Standing;
use super::{Common, Exit, embedded, locate, summary, table, told};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, is_loopback};
use crate::ids::RunId;
use crate::ledger::{Kind, Ledger, RunState, RunStatus, Total};
use crate::price::PriceList;
use crate::report::Report;

pub(super) fn status(args: &StatusArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (mut ledger, config, job) = locate::to_read(args.job.as_deref(), common)?;
    let clock = Clock::system();
    let mut reports = Vec::new();
    for run in ledger.runs(job.as_deref())? {
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
        reports.push((
            report,
            account.map(|account| Standing::of(&ledger, account, clock.now())).transpose()?.unwrap_or_default(),
        ));
    }
    let totals = ledger.standing()?;
    if out.json {
        let runs: Vec<Value> =
            reports.iter().map(|(report, standing)| summary::facts(report, None, None, &ledger, standing)).collect();
        out::document(&json!({
            "schema": "bursar.status/1",
            "ledger": ledger.path().display().to_string(),
            "kind": ledger.kind().name(),
            "runs": runs,
            "totals": totals.iter().map(total).collect::<Vec<_>>(),
        }))?;
    } else {
        out::data(&text(&reports, &totals, &ledger))?;
    }
    Ok(Exit::Complete)
}

/// The account of a run, where the config has it.
fn account<'a>(ledger: &Ledger, config: &'a Config, run: RunId) -> anyhow::Result<Option<&'a AccountConfig>> {
    let (job, _) = ledger.run_name(run)?;
    Ok(ledger.job(&job)?.and_then(|job| config.accounts.get(&job.account)))
}

fn text(reports: &[(Report, Standing)], totals: &[Total], ledger: &Ledger) -> String {
    let mut text = format!("ledger {} ({} money)\n\n", ledger.path().display(), ledger.kind().name());
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
    for (report, _) in reports {
        let status = &report.status;
        let counts = [report.asked, report.planned, report.in_doubt, report.waiting, report.answered, report.failed];
        let mut row = vec![status.job.clone(), status.period.clone(), computed(report).to_owned()];
        row.extend(counts.map(grouped));
        row.extend([status.total.charged.to_string(), status.total.held.to_string(), table::limit(status.total.limit)]);
        runs.add_row(row);
    }
    text += &table::text(&runs);
    for (report, _) in reports.iter().filter(|(report, _)| !report.status.oddities.is_empty()) {
        let RunStatus { job, period, .. } = &report.status;
        let _ = writeln!(text, "odd: {job} ({period}): {}", summary::odd(report));
    }
    for (report, standing) in reports {
        for batch in &report.status.in_doubt {
            let until = standing.of_doubt(batch.batch).map(|until| format!("; {until}")).unwrap_or_default();
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
            for evidence in standing.missing(batch.batch) {
                let _ = writeln!(text, "  missing: {}", lines(&evidence));
            }
        }
    }
    let mut accounts = BTreeMap::new();
    for (_, standing) in reports {
        accounts.entry(&standing.account).or_insert(standing);
    }
    for sentence in accounts.values().flat_map(|standing| {
        let watch = standing.watch_sentence();
        standing.sentences().into_iter().chain(watch)
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
        RunState::Open if report.planned > 0 && report.tightest().is_some_and(|room| room.left < report.dearest) => {
            "budget reached"
        }
        RunState::Open => "open",
    }
}

fn total(total: &Total) -> Value {
    let mut row = Map::new();
    row.insert("name".into(), total.name.clone().into());
    told::money(&mut row, "spent", total.charged);
    told::money(&mut row, "held", total.held);
    if let Some(limit) = total.limit {
        told::money(&mut row, "limit", limit);
        told::money(&mut row, "left", limit.less(total.charged).less(total.held));
    }
    Value::Object(row)
}
