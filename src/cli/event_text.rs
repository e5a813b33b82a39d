//! An event of the engine, in words and as JSON.

use serde_json::{Map, Value, json};

use super::failure;
use super::out::{count, grouped, money};
use crate::event::{Event, EventKind, Progress};
use crate::money::Money;

/// Who needs to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// With `-v`.
    Detail,
    /// Whoever watches.
    News,
    /// Somebody has to act, or money is at stake: also when quiet.
    Alarm,
}

/// An event in words: what it means for the money, and what happens next. Progress has no line of its own.
#[expect(clippy::too_many_lines, reason = "a table: one sentence for each event")]
pub(super) fn words(kind: &EventKind) -> Option<(Weight, String)> {
    use Weight::{Alarm, Detail, News};
    let line = match kind {
        EventKind::Contact { account, skew_s } => {
            let clock = match *skew_s {
                -2..=2 => String::new(),
                s => format!("; its clock is {}s {}", s.unsigned_abs(), if s > 0 { "ahead" } else { "behind" }),
            };
            (Detail, format!("the provider answers account {account}{clock}"))
        }
        EventKind::Restored { .. } => (
            Alarm,
            "this ledger was restored or copied: nothing is bought before it is known what it bought meanwhile"
                .to_owned(),
        ),
        EventKind::RestoredDone { recovered } => (
            Alarm,
            format!("the provider's list was read: {} recovered; buying continues", count(*recovered, "purchase")),
        ),
        EventKind::BatchSent { batch, tasks, reserved, canary, .. } => {
            let canary = if *canary { " (one task first, to see whether the price is right)" } else { "" };
            (Detail, format!("batch {batch}: {} sent, {reserved} held{canary}", count(*tasks as u64, "task")))
        }
        EventKind::BatchAnswered { batch, accepted, refused, in_doubt, charged } => {
            let weight = if *refused + *in_doubt > 0 { News } else { Detail };
            (
                weight,
                format!(
                    "batch {batch}: {} accepted for {charged}, {} refused at no cost, {} in doubt",
                    grouped(*accepted as u64),
                    grouped(*refused as u64),
                    grouped(*in_doubt as u64)
                ),
            )
        }
        EventKind::BatchNotBought { batch, why } => {
            (News, format!("batch {batch} was not bought, its money is free again: {why}"))
        }
        EventKind::BatchInDoubt { batch, tasks, held, why } => (
            News,
            format!(
                "batch {batch} is in doubt: {why}; {held} stays held for {} until that is known",
                count(*tasks as u64, "task")
            ),
        ),
        EventKind::Recovered { attempt, cost } => {
            (Detail, format!("attempt {attempt} was in doubt and is bought, for {cost}: it is not bought again"))
        }
        EventKind::Concluded { batch, tasks } => (
            News,
            format!(
                "batch {batch}: {} surely not bought; the money is free, they are planned again",
                count(*tasks as u64, "task")
            ),
        ),
        EventKind::UnmatchedCharge { provider_id, cost, why } => (
            Alarm,
            format!("the provider took {cost} for its task {provider_id}, which answers no task of ours: {why}"),
        ),
        EventKind::WithoutTask { purchases, cost } => (
            Alarm,
            format!(
                "{} that this ledger made after the copy it was restored from belong to none of its tasks: {cost} is \
                 booked as unmatched charges; run the jobs that bought them, and they are taken over",
                count(*purchases, "purchase")
            ),
        ),
        EventKind::CostDiffers { booked, listed, subject, .. } => (
            Alarm,
            format!(
                "the provider's list says that a task cost {listed}, and {booked} is booked for it: compare it with the provider's \
                 bill; the task is {}",
                failure::named(subject.as_deref())
            ),
        ),
        EventKind::CostCorrected { assumed, listed, subject, .. } => (
            News,
            format!(
                "the provider's list says that a task cost {listed}: {assumed} was assumed, and is corrected; the task is {}",
                failure::named(subject.as_deref())
            ),
        ),
        EventKind::CostsCorrected { tasks, booked, cost } => (
            News,
            format!(
                "the provider's list names what {} came to that failed, expired or named no cost: {cost}; {booked} was \
                 booked, and is corrected",
                count(*tasks, "task")
            ),
        ),
        EventKind::CostsStay { tasks, booked } => (
            News,
            format!(
                "the provider's list does not say what {} came to that failed, expired or named no cost: {booked} stays \
                 booked, which is the most that they can have cost; compare it with the provider's bill",
                count(*tasks, "task")
            ),
        ),
        EventKind::ScanEnded { concluding, rows, found, inconclusive } => {
            let weight = if *found > 0 || inconclusive.is_some() { News } else { Detail };
            let what = if *concluding {
                "looked through the provider's list to conclude"
            } else {
                "looked at the provider's list"
            };
            let inconclusive =
                inconclusive.as_ref().map(|why| format!("; it proves nothing yet: {why}")).unwrap_or_default();
            (weight, format!("{what}: {} read, {found} in doubt found{inconclusive}", count(*rows, "row")))
        }
        EventKind::Watched { tasks, rows } => (
            Detail,
            format!(
                "looked through the provider's list for {} that were given up as not bought: {} read",
                count(*tasks, "task"),
                count(*rows, "row")
            ),
        ),
        EventKind::VisibilityProven { function } => (
            Detail,
            format!("the provider's list shows unfinished tasks of {function}: absence from it can mean something"),
        ),
        EventKind::PriceConfirmed { price, cost } => (Detail, format!("price as expected: {cost} for one of {price}")),
        EventKind::PriceDiffers { price, expected, charged, stopped } => {
            (Alarm, format!("{price} costs {charged}, and {expected} was expected: {}", of_price(*stopped)))
        }
        EventKind::PriceListed { price, expected, listed, stopped } => {
            let then = of_price(*stopped);
            (Alarm, format!("{price} costs {listed} by the provider's own list, and {expected} was expected: {then}"))
        }
        EventKind::CapReached { cap, limit, .. } => {
            (News, format!("{cap} ({limit}) does not cover everything: the rest stays planned and is not bought"))
        }
        EventKind::Paused { for_ms, why } => (News, format!("calls wait {}: {why}", shortly(*for_ms))),
        EventKind::Silent { for_ms, why, ends_after_ms } => {
            let ends = ends_after_ms.map_or_else(String::new, |ms| {
                format!("; after {} without an answer this session ends; run the same command to continue", shortly(ms))
            });
            let lasted = shortly(*for_ms);
            (
                Alarm,
                format!("no call has come to anything for {lasted}: {why}; it is tried again, nothing is lost{ends}"),
            )
        }
        EventKind::Answering { for_ms } => {
            (News, format!("the provider answers again, after {} without an answer", shortly(*for_ms)))
        }
        EventKind::Halted { why } => (Alarm, format!("nothing more is bought in this session: {why}")),
        EventKind::Collected { answers } => (Detail, format!("{} stored", count(*answers, "answer"))),
        EventKind::LiveLost { cost, subject, .. } => (
            News,
            format!(
                "a Live answer was lost on the way and {cost} was paid for it; it is not bought again: {}",
                failure::named(subject.as_deref())
            ),
        ),
        EventKind::CostBeyondHold { price, held, cost } => (
            Alarm,
            format!(
                "one task of {price} came to {cost}, and {held} was held for it: nothing more is bought like it at that; \
                 raise max_cost_per_task or its price under [[accounts.NAME.prices]], or allow it with max_price_drift"
            ),
        ),
        EventKind::OddAnswersStop { price, oddity, answers } => (
            Alarm,
            format!(
                "{answers} answers of {price} in a row are odd in the same way ({oddity}): nothing more is bought of it in \
                 this session; they are paid for and kept, look at them with `bursar export`"
            ),
        ),
        EventKind::BodyRefused { batch, tasks, why, subject, .. } => {
            let then = if *tasks == 1 {
                format!(
                    "the task may be why, or the way to the provider: it is tried again once another request is read; it is {}",
                    failure::named(subject.as_deref())
                )
            } else {
                "its tasks are sent again in smaller requests, to find the one that is refused".to_owned()
            };
            let tasks = count(*tasks as u64, "task");
            (News, format!("batch {batch} ({tasks}) was refused whole, its money is free again: {why}; {then}"))
        }
        EventKind::RefusalsStop { name, code, message, refused, left, .. } => (
            Alarm,
            format!(
                "{}: {name}; nothing more is bought of it in this session, which leaves {}; mend the job file",
                failure::what(&format!("{refused} in a row refused alike"), Some(*code), Some(message)),
                count(*left, "task")
            ),
        ),
        EventKind::TaskFailed { code, message, paid, subject, .. } => {
            let what = failure::what(
                if *paid { "failed, and was paid for" } else { "refused at no cost" },
                Some(*code),
                Some(message),
            );
            (News, format!("{what}: {}", failure::named(subject.as_deref())))
        }
        EventKind::Odd { engine, function, what } => (News, format!("{function}/{engine}: {what}")),
        EventKind::Draining => (Detail, "what is in flight ends, nothing new begins".to_owned()),
        EventKind::Progress(_) => return None,
    };
    Some(line)
}

/// What follows from another price than expected.
fn of_price(stopped: bool) -> &'static str {
    if stopped {
        "buying at this price has stopped; write the new price under [[accounts.NAME.prices]], or allow it with max_price_drift"
    } else {
        "the job allows it, and the caps count the new price"
    }
}

fn shortly(ms: u64) -> String {
    let rounded = if ms < 1_000 { ms } else { ms / 1_000 * 1_000 };
    humantime::format_duration(std::time::Duration::from_millis(rounded)).to_string()
}

/// An event as one line of JSON.
pub(super) fn json(event: &Event) -> Value {
    let (name, fields) = fields(&event.kind);
    line(name, event.at, fields)
}

/// A line of a run's JSON: what it is, when, and its facts.
pub(super) fn line(name: &str, at: chrono::DateTime<chrono::Utc>, fields: Value) -> Value {
    let mut all = Map::new();
    all.insert("schema".to_owned(), "bursar.run/1".into());
    all.insert("event".to_owned(), name.into());
    all.insert("at".to_owned(), at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into());
    if let Value::Object(fields) = fields {
        all.extend(fields);
    }
    Value::Object(all)
}

fn with(mut fields: Value, amounts: &[(&str, Money)]) -> Value {
    if let Value::Object(fields) = &mut fields {
        for (name, amount) in amounts {
            money(fields, name, *amount);
        }
    }
    fields
}

#[expect(clippy::too_many_lines, reason = "a table: the facts of each event")]
fn fields(kind: &EventKind) -> (&'static str, Value) {
    match kind {
        EventKind::Contact { account, skew_s } => ("contact", json!({ "account": account, "skew_s": skew_s })),
        EventKind::Restored { since_v } => ("restored", json!({ "since_v": since_v })),
        EventKind::RestoredDone { recovered } => ("restored_done", json!({ "recovered": recovered })),
        EventKind::BatchSent { batch, run, tasks, reserved, canary } => (
            "batch_sent",
            with(
                json!({ "batch": batch.0, "run": run.0, "tasks": tasks, "canary": canary }),
                &[("reserved", *reserved)],
            ),
        ),
        EventKind::BatchAnswered { batch, accepted, refused, in_doubt, charged } => (
            "batch_answered",
            with(
                json!({ "batch": batch.0, "accepted": accepted, "refused": refused, "in_doubt": in_doubt }),
                &[("charged", *charged)],
            ),
        ),
        EventKind::BatchNotBought { batch, why } => ("batch_not_bought", json!({ "batch": batch.0, "why": why })),
        EventKind::BatchInDoubt { batch, tasks, held, why } => {
            ("batch_in_doubt", with(json!({ "batch": batch.0, "tasks": tasks, "why": why }), &[("held", *held)]))
        }
        EventKind::Recovered { attempt, cost } => {
            ("recovered", with(json!({ "attempt": attempt.0 }), &[("cost", *cost)]))
        }
        EventKind::Concluded { batch, tasks } => ("concluded", json!({ "batch": batch.0, "tasks": tasks })),
        EventKind::UnmatchedCharge { provider_id, cost, why } => {
            ("unmatched_charge", with(json!({ "provider_id": provider_id, "why": why }), &[("cost", *cost)]))
        }
        EventKind::WithoutTask { purchases, cost } => {
            ("without_task", with(json!({ "purchases": purchases }), &[("cost", *cost)]))
        }
        EventKind::CostDiffers { attempt, booked, listed, subject } => (
            "cost_differs",
            with(
                failure::with(json!({ "attempt": attempt.0 }), subject.as_deref()),
                &[("booked", *booked), ("listed", *listed)],
            ),
        ),
        EventKind::CostCorrected { attempt, assumed, listed, subject } => (
            "cost_corrected",
            with(
                failure::with(json!({ "attempt": attempt.0 }), subject.as_deref()),
                &[("assumed", *assumed), ("listed", *listed)],
            ),
        ),
        EventKind::CostsCorrected { tasks, booked, cost } => {
            ("costs_corrected", with(json!({ "tasks": tasks }), &[("booked", *booked), ("cost", *cost)]))
        }
        EventKind::CostsStay { tasks, booked } => {
            ("costs_stay", with(json!({ "tasks": tasks }), &[("booked", *booked)]))
        }
        EventKind::ScanEnded { concluding, rows, found, inconclusive } => {
            ("scanned", json!({ "concluding": concluding, "rows": rows, "found": found, "void": inconclusive }))
        }
        EventKind::Watched { tasks, rows } => ("watched", json!({ "tasks": tasks, "rows": rows })),
        EventKind::VisibilityProven { function } => ("visibility_proven", json!({ "function": function.name() })),
        EventKind::PriceConfirmed { price, cost } => {
            ("price_confirmed", with(json!({ "price": price }), &[("cost", *cost)]))
        }
        EventKind::PriceDiffers { price, expected, charged, stopped } => (
            "price_differs",
            with(json!({ "price": price, "stopped": stopped }), &[("expected", *expected), ("charged", *charged)]),
        ),
        EventKind::PriceListed { price, expected, listed, stopped } => (
            "price_listed",
            with(json!({ "price": price, "stopped": stopped }), &[("expected", *expected), ("listed", *listed)]),
        ),
        EventKind::CapReached { run, cap, limit, left } => {
            ("cap_reached", with(json!({ "run": run.0, "cap": cap }), &[("limit", *limit), ("left", *left)]))
        }
        EventKind::Paused { for_ms, why } => ("paused", json!({ "for_ms": for_ms, "why": why })),
        EventKind::Silent { for_ms, why, ends_after_ms } => {
            ("silent", json!({ "for_ms": for_ms, "why": why, "ends_after_ms": ends_after_ms }))
        }
        EventKind::Answering { for_ms } => ("answering", json!({ "for_ms": for_ms })),
        EventKind::Halted { why } => ("halted", json!({ "why": why })),
        EventKind::Collected { answers } => ("collected", json!({ "answers": answers })),
        EventKind::LiveLost { attempt, cost, subject } => {
            ("live_lost", with(failure::with(json!({ "attempt": attempt.0 }), subject.as_deref()), &[("cost", *cost)]))
        }
        EventKind::CostBeyondHold { price, held, cost } => {
            ("cost_beyond_hold", with(json!({ "price": price }), &[("held", *held), ("cost", *cost)]))
        }
        EventKind::OddAnswersStop { price, oddity, answers } => {
            ("odd_answers_stop", json!({ "price": price, "oddity": oddity.name(), "answers": answers }))
        }
        EventKind::BodyRefused { batch, tasks, why, attempt, subject } => {
            let facts = json!({ "batch": batch.0, "tasks": tasks, "why": why, "attempt": attempt.0 });
            ("body_refused", failure::with(facts, subject.as_deref()))
        }
        EventKind::RefusalsStop { run, part: _, name, code, message, refused, left } => (
            "refusals_stop",
            json!({ "run": run.0, "of": name, "code": code, "message": message, "refused": refused, "left": left }),
        ),
        EventKind::TaskFailed { attempt, code, message, paid, subject } => {
            let facts = json!({ "attempt": attempt.0, "code": code, "message": message, "paid": paid });
            ("task_failed", failure::with(facts, subject.as_deref()))
        }
        EventKind::Odd { engine, function, what } => {
            ("odd", json!({ "engine": engine.name(), "function": function.name(), "what": what }))
        }
        EventKind::Draining => ("draining", json!({})),
        EventKind::Progress(progress) => ("progress", of_progress(progress)),
    }
}

fn of_progress(progress: &Progress) -> Value {
    let Progress { bought, answered, failed, waiting, in_doubt, charged, in_flight, given_up, buying } = *progress;
    with(
        json!({ "bought": bought, "answered": answered, "failed": failed, "waiting": waiting, "in_doubt": in_doubt,
                "in_flight": in_flight, "given_up": given_up, "buying": buying }),
        &[("charged", charged)],
    )
}
