//! The summary of a session, for somebody whose card is charged.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::account_status::AccountStatus;
use super::exit::Exit;
use super::failure;
use super::learnt::Learnt;
use super::out::{self, count, from_anywhere, grouped, lasting, lines, shell};
use super::table;
use super::unbought;
use crate::engine::End;
use crate::ledger::{Kind, Ledger, RunState};
use crate::report::Report;

/// How a run ended in this session.
pub(super) fn exit_of(report: &Report, end: &End) -> Exit {
    let cut = end.cuts.iter().any(|(run, _)| *run == report.status.run);
    if end.refused.is_some() {
        Exit::Refused
    } else if end.in_doubt > 0 || report.in_doubt > 0 {
        Exit::InDoubt
    } else if report.is_complete() {
        if report.failed + report.past_deadline + end.unmatched.0 > 0 { Exit::SomeFailed } else { Exit::Complete }
    } else if end.stopped || (end.given_up > 0 && !cut) {
        Exit::Interrupted
    } else if report.planned > 0 && report.status.state != RunState::Closed {
        Exit::BudgetReached
    } else if report.planned > 0 || end.late > 0 || report.failed > 0 || end.unmatched.0 > 0 {
        Exit::SomeFailed
    } else {
        // Answers are to come and were not to be waited for.
        Exit::Complete
    }
}

/// What an ending means for a run, in a few words.
fn heading(report: &Report, exit: Exit, learnt: &Learnt) -> String {
    if exit == Exit::Complete && report.waiting > 0 {
        return format!("{} to come", count(report.waiting, "answer"));
    }
    if exit != Exit::SomeFailed {
        return exit.meaning().to_owned();
    }
    let (failed, late) = (report.failed, report.past_deadline);
    let is_closed = report.status.state == RunState::Closed && report.planned > 0;
    let mut parts = Vec::new();
    if is_closed {
        parts.push(format!("closed, {} not bought", count(report.planned, "task")));
    }
    if failed > 0 {
        parts.push(format!("{} failed", grouped(failed)));
    }
    if late > 0 {
        parts.push(format!("{} late", grouped(late)));
    }
    parts.extend(learnt.heading().map(str::to_owned));
    match (is_closed, report.is_complete(), parts.is_empty()) {
        (_, true, true) => "complete, but charges answer no task".to_owned(),
        (false, true, false) => format!("complete, but {}", parts.join(", ")),
        (false, false, true) => "answers are late".to_owned(),
        _ => parts.join(", "),
    }
}

/// The summary in words.
pub(super) fn text(
    report: &Report,
    end: &End,
    exit: Exit,
    ledger: &Ledger,
    account_status: &AccountStatus,
    learnt: &Learnt,
) -> String {
    let status = &report.status;
    let no_time = exit == Exit::Refused && end.undated;
    let heading = if no_time {
        "nothing bought, for want of a time that both clocks agree on".to_owned()
    } else {
        heading(report, exit, learnt)
    };
    let mut text = format!("\n{} ({}): {heading} (exit code {})\n", status.job, status.period, exit.code());
    let mut row = |name: &str, what: String| {
        let _ = writeln!(text, "  {name:<11}{}", lines(&what));
    };
    row("asked", count(report.asked, "task"));
    row("answered", grouped(report.answered));
    if !status.oddities.is_empty() {
        row("odd", odd(report));
    }
    if report.failed > 0 {
        row("failed", failed(report));
    }
    if report.waiting > 0 {
        let late = if end.late > 0 { format!(", {} of the account late", grouped(end.late)) } else { String::new() };
        row(
            "waiting",
            format!(
                "{} bought and paid, answer to come{late}; the same command fetches them, the provider keeps answers for 30 days",
                grouped(report.waiting)
            ),
        );
    }
    if report.past_deadline > 0 {
        let answers = count(report.past_deadline, "answer");
        row("late", format!("{answers} not there by the deadline; what is late is not bought again"));
    }
    if report.in_doubt > 0 {
        row("in doubt", format!("{}, {} held for them", count(report.in_doubt, "task"), status.total.held));
        for batch in &status.in_doubt {
            row("", format!("batch {}: {}, {}: {}", batch.batch, count(batch.attempts, "task"), batch.held, batch.why));
            if let Some(until) = account_status.of_unknown(batch.batch).filter(|_| !end.unlisted) {
                row("", format!("  {until}"));
            }
            for evidence in account_status.missing(batch.batch) {
                row("", format!("  {evidence}"));
            }
        }
        let next = if end.unlisted {
            "no list can be asked about it, and nothing of it is bought again before a person has decided: look at the \
             gateway's own record, then `bursar resolve BATCH --bought|--not-bought --reason TEXT`"
        } else {
            "not bought again until the provider's list shows what happened; run the same command or `bursar reconcile`"
        };
        row("", next.into());
    }
    if report.planned > 0 {
        row("not bought", unbought::why(report, end, exit));
        let by_set = report.sets.iter().filter(|set| set.planned > 0);
        let by_set: Vec<String> =
            by_set.map(|set| format!("{} {} of {}", set.name, grouped(set.planned), grouped(set.tasks))).collect();
        row("", format!("of the prompt sets: {}", by_set.join(", ")));
        if let Some(more) = report.missing.filter(|_| exit == Exit::BudgetReached) {
            row("", unbought::enough(report, end, more));
        }
    }
    if status.no_longer_asked > 0 {
        row(
            "besides",
            format!("{} bought earlier and no longer asked by the job file", count(status.no_longer_asked, "task")),
        );
    }
    row("spent", spent(report));
    if let Some(sentence) = unmatched(end) {
        row("unmatched", sentence);
    }
    let (tasks, booked, cost) = end.corrected;
    if tasks > 0 {
        let tasks = count(tasks, "task");
        row("corrected", format!("the provider's list names {cost} for {tasks} of this account; {booked} was booked"));
    }
    for sentence in account_status.sentences() {
        row("besides", sentence);
    }
    for cap in caps(&report.headrooms) {
        row("cap", cap);
    }
    if let Some(why) = &end.refused {
        row("refused", why.clone());
    }
    if let Some(why) = waiting_for(end, account_status).filter(|_| exit != Exit::Complete) {
        row("no answer", why);
    }
    for sentence in learnt.sentences() {
        row("learnt", sentence);
    }
    let play = if ledger.kind() == Kind::Sandbox { " (play money)" } else { "" };
    row("ledger", format!("{}{play}", shell(&from_anywhere(ledger.path()))));
    if report.answered > 0 {
        row("answers", export_command(report, ledger));
    }
    text
}

/// Caps and what they leave, their amounts under each other.
fn caps(headrooms: &[crate::plan::Headroom]) -> Vec<String> {
    let mut left: Vec<String> = headrooms.iter().map(|headroom| headroom.left.to_string()).collect();
    let mut limits: Vec<String> = headrooms.iter().map(|headroom| headroom.limit.to_string()).collect();
    table::aligned(left.iter_mut());
    table::aligned(limits.iter_mut());
    let widest = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or_default();
    let (of_left, of_limits) = (widest(&left), widest(&limits));
    let names = headrooms.iter().map(|headroom| headroom.name.chars().count() + 1);
    let of_names = names.max().unwrap_or_default();
    let each = headrooms.iter().zip(left.iter().zip(&limits));
    each.map(|(headroom, (left, limit))| {
        format!("{:<of_names$} {left:>of_left$} of {limit:>of_limits$} left", format!("{}:", headroom.name))
    })
    .collect()
}

/// What failed, by reason, and what was paid for it.
fn failed(report: &Report) -> String {
    let each = report.failures.iter().map(|sum| {
        if sum.paid.is_zero() {
            format!("{} {} at no cost", grouped(sum.tasks), sum.reason)
        } else {
            format!("{} {}, {} paid for them", grouped(sum.tasks), sum.reason, sum.paid)
        }
    });
    let sums = format!("{}: {}", grouped(report.failed), each.collect::<Vec<_>>().join("; "));
    // Each kind of them below, as far in as what stands beside it.
    let kinds = failure::lines(&report.failed_alike);
    std::iter::once(sums).chain(kinds).collect::<Vec<_>>().join("\n             ")
}

/// Answers that are kept as they came.
pub(super) fn odd(report: &Report) -> String {
    let each = report
        .status
        .oddities
        .iter()
        .map(|(oddity, answers)| format!("{} that {} ({oddity})", count(*answers, "answer"), oddity.words()));
    let each: Vec<String> = each.collect();
    format!("{}: paid for and kept as they came; `bursar export` shows them", each.join("; "))
}

/// Charges that this session found and that answer no task.
pub(super) fn unmatched(end: &End) -> Option<String> {
    let (purchases, cost) = end.unmatched;
    (purchases > 0).then(|| {
        format!(
            "{} that answer no task of this ledger came to light in this session, {cost} in all: the provider accepted them \
             after they had been given up, or twice; they are booked (table unmatched_charge): compare them with the provider's \
             bill",
            count(purchases, "purchase")
        )
    })
}

/// What nothing came of at the end: for how long, from whom, and why not.
fn waiting_for(end: &End, account_status: &AccountStatus) -> Option<String> {
    let (lasted, why) = end.no_answer.as_ref()?;
    let lasted = lasting(lasted.as_secs());
    Some(format!("for {lasted} from account {} at {}: {why}", account_status.account, account_status.base_url))
}

fn spent(report: &Report) -> String {
    let total = &report.status.total;
    let held = if total.held.is_zero() { "nothing held".to_owned() } else { format!("{} held", total.held) };
    let of = total.limit.map(|limit| format!(" of the budget of {limit}")).unwrap_or_default();
    let over = match total.limit {
        Some(limit) if total.charged.less(report.status.overrun) > limit => {
            "; the budget was lowered below what had been spent"
        }
        Some(limit) if total.charged > limit => "; the provider charged more than it names, and than was held for it",
        _ => "",
    };
    format!("{}{of}; {held}{over}", total.charged)
}

/// The exact command that writes the answers to a file.
pub(super) fn export_command(report: &Report, ledger: &Ledger) -> String {
    let (job, period) = (&report.status.job, &report.status.period);
    let once = period == "once";
    let period_flag = if once { String::new() } else { format!(" --period {}", shell(period)) };
    let file = if once { format!("{job}.jsonl") } else { format!("{job}-{period}.jsonl") };
    format!(
        "bursar export {}{period_flag} --ledger {} --output {}",
        shell(job),
        shell(&from_anywhere(ledger.path())),
        shell(&file)
    )
}

/// The summary as facts.
pub(super) fn facts(
    report: &Report,
    end: Option<&End>,
    exit: Option<Exit>,
    ledger: &Ledger,
    account_status: &AccountStatus,
    learnt: &Learnt,
) -> Value {
    let status = &report.status;
    let mut facts = serde_json::Map::new();
    facts.insert("job".into(), status.job.clone().into());
    facts.insert("period".into(), status.period.clone().into());
    facts.insert("state".into(), status.state.name().into());
    facts.insert(
        "tasks".into(),
        json!({ "asked": report.asked, "planned": report.planned, "in_doubt": report.in_doubt, "submitted": report.waiting,
                "answered": report.answered, "failed": report.failed, "no_longer_asked": status.no_longer_asked }),
    );
    out::money(&mut facts, "spent", status.total.charged);
    out::money(&mut facts, "held", status.total.held);
    if let Some(limit) = status.total.limit {
        out::money(&mut facts, "budget", limit);
    }
    if let Some(missing) = report.missing {
        out::money(&mut facts, "not_bought", missing);
    }
    facts.insert("past_deadline".into(), report.past_deadline.into());
    facts.insert("failures".into(), report.failures.iter().map(of_failures).collect());
    facts.insert("failed_alike".into(), report.failed_alike.iter().map(failure::facts).collect());
    facts.insert("refused_whole".into(), report.refused_whole.iter().map(failure::facts).collect());
    let oddities = status.oddities.iter().map(|(oddity, answers)| (oddity.name().to_owned(), (*answers).into()));
    facts.insert("oddities".into(), Value::Object(oddities.collect()));
    facts.insert("caps".into(), report.headrooms.iter().map(of_headroom).collect());
    facts.insert("in_doubt".into(), status.in_doubt.iter().map(|batch| of_unknown(batch, account_status)).collect());
    facts.insert("beside".into(), account_status.facts());
    facts.insert(
        "sets".into(),
        report.sets.iter().map(|set| json!({ "name": set.name, "tasks": set.tasks, "planned": set.planned })).collect(),
    );
    if let Some(end) = end {
        facts.insert("learnt".into(), learnt.facts());
        facts.insert("settled".into(), learnt.settled_facts());
        facts.insert("refused".into(), end.refused.clone().into());
        let (tasks, booked, cost) = end.corrected;
        let mut corrected = serde_json::Map::from_iter([("tasks".to_owned(), tasks.into())]);
        out::money(&mut corrected, "booked", booked);
        out::money(&mut corrected, "cost", cost);
        facts.insert("corrected".into(), Value::Object(corrected));
        facts.insert("waiting_for".into(), waiting_for(end, account_status).into());
        facts.insert("late".into(), end.late.into());
        facts.insert("stopped".into(), end.stopped.into());
        facts.insert("given_up".into(), end.given_up.into());
        facts.insert("unmatched".into(), unmatched_facts(end));
    }
    if let Some(exit) = exit {
        facts.insert("exit".into(), exit.code().into());
    }
    facts.insert("ledger".into(), from_anywhere(ledger.path()).into());
    Value::Object(facts)
}

/// The same as facts.
pub(super) fn unmatched_facts(end: &End) -> Value {
    let mut row = serde_json::Map::new();
    row.insert("purchases".into(), end.unmatched.0.into());
    out::money(&mut row, "spent", end.unmatched.1);
    Value::Object(row)
}

/// A cap as JSON.
pub(super) fn of_headroom(headroom: &crate::plan::Headroom) -> Value {
    let mut row = serde_json::Map::new();
    row.insert("name".into(), headroom.name.clone().into());
    out::money(&mut row, "limit", headroom.limit);
    out::money(&mut row, "left", headroom.left);
    Value::Object(row)
}

fn of_failures(sum: &crate::ledger::FailedSum) -> Value {
    let mut row = serde_json::Map::new();
    row.insert("reason".into(), sum.reason.clone().into());
    row.insert("tasks".into(), sum.tasks.into());
    out::money(&mut row, "paid", sum.paid);
    Value::Object(row)
}

fn of_unknown(batch: &crate::ledger::StatusBatch, account_status: &AccountStatus) -> Value {
    let mut row = serde_json::Map::new();
    row.insert("batch".into(), batch.batch.0.into());
    row.insert("tasks".into(), batch.attempts.into());
    row.insert("why".into(), batch.why.clone().into());
    row.insert("sent_v".into(), batch.sent_v.into());
    row.insert("closed_v".into(), batch.closed_v.into());
    row.insert("conclude_from_v".into(), account_status.unknown_until(batch.batch).into());
    row.insert("missing".into(), account_status.missing_facts(batch.batch).into());
    out::money(&mut row, "held", batch.held);
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::plan::{Headroom, Scope};

    #[test]
    fn amounts_of_several_caps_stand_under_each_other() {
        let headroom = |name: &str, left: i64, limit: i64| Headroom {
            scope: Scope::Run,
            name: name.to_owned(),
            left: Money::from_nanos(left),
            used: Money::ZERO,
            limit: Money::from_nanos(limit),
        };
        let run = headroom("budget of this run", 800_000, 500_000_000);
        assert_eq!(caps(std::slice::from_ref(&run)), ["budget of this run: $0.0008 of $0.50 left"]);
        assert_eq!(
            caps(&[run, headroom("account's cap of the UTC day", 12_500_000_000, 50_000_000_000)]),
            [
                "budget of this run:            $0.0008 of  $0.50 left",
                "account's cap of the UTC day: $12.5000 of $50.00 left"
            ]
        );
    }
}
