//! `bursar resolve`: a person decides what no list can tell.

use serde_json::{Map, Value};

use super::args::ResolveArgs;
use super::out::{self, Out, count};
use super::{Common, Exit, locate, mistake, told};
use crate::clock::Clock;
use crate::ids::{BatchId, TaskId};
use crate::ledger::{Change, Ledger, Lock, UnresolvedTask};
use crate::money::Money;
use crate::offer::LIST_REACH_S;

pub(super) fn resolve(args: &ResolveArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        return mistake("--reason must say how you know");
    }
    let config = locate::config(None, common)?;
    let kind = Ledger::open_to_read(&config.ledger)?.kind();
    // Whoever buys must not find its batches changed under its hands.
    let lock = Lock::try_take(&config.ledger)?;
    let at = Clock::system().now().wall.timestamp();
    let mut ledger = Ledger::open(&config.ledger, kind, at)?;
    if let Some(name) = &args.restored {
        return restored(&mut ledger, name, reason, at, out);
    }
    let Some(batch) = args.batch.map(BatchId) else { return mistake("which batch?") };
    let Some((run, sent_v)) = ledger.batch(batch)? else {
        return mistake(format!("the ledger has no batch {batch}; `bursar status` shows those in doubt"));
    };
    let tasks = meant(&ledger.unresolved_tasks(batch)?, batch, &args.tasks)?;
    let held: Money = tasks.iter().fold(Money::ZERO, |sum, task| sum.saturating_add(task.held));
    let verdict = if args.bought { "bought" } else { "not bought" };
    let mut changes: Vec<Change> = tasks
        .iter()
        .map(|task| {
            if args.bought {
                Change::ResolvedAsBought { attempt: task.attempt, posted_v: sent_v }
            } else {
                Change::NotBought { attempt: task.attempt }
            }
        })
        .collect();
    changes.extend((!args.bought).then_some(Change::LetGo { batch }));
    let ids: Vec<String> = tasks.iter().map(|task| task.task.to_string()).collect();
    let what = format!("batch {batch}, tasks {}: a person decided: {verdict}: {reason}", ids.join(" "));
    changes.push(Change::Noted { run: Some(run), at, what });
    ledger.record(changes)?;
    ledger.tidy();
    drop(lock);
    let n = count(tasks.len() as u64, "task");
    out.note(&if args.bought {
        format!("batch {batch}: {n} taken as bought: {held} is charged, and they fail as paid; they are not bought again")
    } else {
        format!(
            "batch {batch}: {n} taken as not bought: {held} is free again, and they are planned; the next run buys them. \
             Should the vendor have sold them after all, that money shows as an extra charge"
        )
    });
    if out.json {
        let mut facts = Map::new();
        facts.insert("schema".into(), "bursar.resolve/1".into());
        facts.insert("batch".into(), batch.0.into());
        facts.insert("tasks".into(), tasks.iter().map(|task| task.task.0).collect());
        facts.insert("verdict".into(), verdict.replace(' ', "_").into());
        told::money(&mut facts, "held", held);
        out::document(&Value::Object(facts))?;
    }
    Ok(Exit::Complete)
}

/// A person says that nothing more is to be found out about what a restored ledger bought meanwhile.
fn restored(ledger: &mut Ledger, name: &str, reason: &str, at: i64, out: Out) -> anyhow::Result<Exit> {
    let Some((account, route)) = ledger.account(name)? else {
        return mistake(format!("the ledger knows no account `{name}`"));
    };
    let restored_from_v = ledger.vendor_memory(account)?.restored_from_v;
    let is_listed = restored_from_v.is_none_or(|from_v| from_v >= at - LIST_REACH_S);
    if route.shows_lists() && is_listed {
        return mistake(format!(
            "account `{name}` has the vendor's own list of what was bought: the next `bursar run` reads it and knows again what \
             this ledger lacks; a person's word would buy it twice"
        ));
    }
    if restored_from_v.is_none() {
        return mistake(format!("account `{name}` is not taken for restored: there is nothing to decide"));
    }
    let what = format!("account {name}, restored: a person decided: it may buy again: {reason}");
    ledger.record(vec![Change::RestoredDone { account }, Change::Noted { run: None, at, what }])?;
    ledger.tidy();
    out.note(&format!(
        "account {name} may buy again. What was bought by it and is missing from this ledger stays missing: it is not in \
         the books, and what is planned is bought anew"
    ));
    if out.json {
        let facts = serde_json::json!({ "schema": "bursar.resolve/1", "account": name, "verdict": "restored" });
        out::document(&facts)?;
    }
    Ok(Exit::Complete)
}

/// The tasks that are meant, each of them in doubt.
fn meant(unresolved: &[UnresolvedTask], batch: BatchId, named: &[i64]) -> anyhow::Result<Vec<UnresolvedTask>> {
    if unresolved.is_empty() {
        return mistake(format!("nothing of batch {batch} is in doubt: there is nothing to decide"));
    }
    if named.is_empty() {
        return Ok(unresolved.to_vec());
    }
    let mut tasks: Vec<UnresolvedTask> = Vec::new();
    for id in named {
        match unresolved.iter().find(|task| task.task == TaskId(*id)) {
            Some(task) if tasks.contains(task) => {}
            Some(task) => tasks.push(task.clone()),
            None => {
                let ids: Vec<String> = unresolved.iter().map(|task| task.task.to_string()).collect();
                return mistake(format!("task {id} is not in doubt in batch {batch}; these are: {}", ids.join(" ")));
            }
        }
    }
    Ok(tasks)
}
