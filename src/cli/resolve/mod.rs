//! `bursar resolve`: the evidence on a batch in doubt, and a person's decision if no list can tell.

mod shown;
mod by_id;
mod restored;

use serde_json::{Map, Value};

use super::args::ResolveArgs;
use super::out::{self, Out, count};
use super::{Common, Exit, locate, mistake, sandboxed};
use crate::clock::Clock;
use crate::ids::{BatchId, TaskId};
use crate::ledger::{Books, Change, Evidence, Ledger, Lock, Reports};
use crate::money::Money;
use crate::product::Method;

/// A task that is meant.
type Meant = crate::ledger::UnknownTask;

pub(super) fn resolve(args: &ResolveArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let reason = args.reason.as_deref().map(str::trim);
    if reason == Some("") {
        return mistake("--reason must say how you know");
    }
    let reason = reason.unwrap_or("by the provider's ids");
    let config = sandboxed::config(common, args.sandbox)?;
    let seen = locate::to_open(&config.ledger, None)?;
    let (kind, at) = (seen.kind(), Clock::system().now().wall.timestamp());
    if args.sandbox && args.ids.is_some() {
        return mistake(
            "--ids asks the provider, and the simulated one is there while `run` or `reconcile` work: leave --ids out",
        );
    }
    if let Some(name) = &args.restored {
        drop(seen);
        let _lock = Lock::try_take(&config.ledger)?;
        return restored::restored(&mut Ledger::open(&config.ledger, kind, at)?, name, reason, at, out);
    }
    let Some(batch) = args.batch.map(BatchId) else { return mistake("which batch?") };
    let no_batch = || mistake(format!("the ledger has no batch {batch}; `bursar status` shows those in doubt"));
    let Some(evidence) = seen.evidence(batch)? else { return no_batch() };
    let shown = shown::Shown::of(&seen, &config, &evidence, common.verbose > 0)?;
    drop(seen);
    let is_verdict = args.bought || args.not_bought || args.undo || args.ids.is_some();
    if !is_verdict {
        if out.json {
            out::document(&Value::Object(shown.facts()))?;
        } else {
            out::data(&out::lines(&shown.text()))?;
        }
        return Ok(Exit::Complete);
    }
    // What is decided on is seen first.
    out.note(shown.text().trim_end());
    // Whoever buys must not find its batches changed under its hands.
    let lock = Lock::try_take(&config.ledger)?;
    let mut ledger = Ledger::open(&config.ledger, kind, at)?;
    let Some(evidence) = ledger.evidence(batch)? else { return no_batch() };
    let mut facts = shown.facts();
    let exit = match &args.ids {
        Some(file) => by_id::resolve(&mut ledger, &config, &evidence, file, (reason, at), &mut facts, out)?,
        None => decide(&mut ledger, &evidence, args, (reason, at), &mut facts, out)?,
    };
    ledger.tidy();
    drop(lock);
    if out.json {
        out::document(&Value::Object(facts))?;
    }
    Ok(exit)
}

/// Writes a verdict down, or takes one back.
fn decide(
    ledger: &mut Ledger,
    evidence: &Evidence,
    args: &ResolveArgs,
    (reason, at): (&str, i64),
    facts: &mut Map<String, Value>,
    out: Out,
) -> anyhow::Result<Exit> {
    let batch = evidence.batch;
    let in_doubt = |task: &&Meant| task.state == "sending";
    let candidates: Vec<&Meant> = evidence.tasks.iter().filter(|task| in_doubt(task) != args.undo).collect();
    if candidates.is_empty() && args.undo {
        return mistake(format!(
            "nothing of batch {batch} can be taken back: no word of a person stands on it, or something has come of it: what was \
             called not bought was bought again or has left its job, or what was called bought was found or has ended"
        ));
    }
    let tasks = meant(&candidates, batch, &args.tasks)?;
    let held: Money = tasks.iter().fold(Money::ZERO, |sum, task| sum.saturating_add(task.held));
    let (verdict, change): (_, fn(&Meant, i64) -> Change) = if args.undo {
        ("taken back", |task, _| Change::TakenBack { attempt: task.attempt })
    } else if args.bought {
        ("bought", |task, sent_v| Change::ResolvedAsBought { attempt: task.attempt, posted_v: sent_v })
    } else {
        ("not bought", |task, _| Change::ResolvedAsNotBought { attempt: task.attempt })
    };
    let mut changes: Vec<Change> = tasks.iter().map(|task| change(task, evidence.sent_v)).collect();
    changes.extend(args.not_bought.then_some(Change::LetGo { batch }));
    let ids: Vec<String> = tasks.iter().map(|task| task.task.to_string()).collect();
    let what = format!("batch {batch}, tasks {}: a person decided: {verdict}: {reason}", ids.join(" "));
    changes.push(Change::Noted { run: Some(evidence.run), at, what });
    ledger.record(changes)?;
    let n = count(tasks.len() as u64, "task");
    let undo = format!("`bursar resolve {batch} --undo --reason TEXT` takes it back");
    out.note(&if args.undo {
        format!("batch {batch}: {n} in doubt again: {held} is held, and the provider's list settles it, or a person does")
    } else if args.bought && evidence.method == Method::Live {
        format!(
            "batch {batch}: {n} taken as bought: {held} is charged, and they fail as paid and are not bought again: a Live answer \
             went with its connection. This cannot be taken back"
        )
    } else if args.bought {
        format!(
            "batch {batch}: {n} taken as bought: {held} is charged, and they are not bought again. Each run looks for them in \
             the provider's list, books their real cost and fetches their answers, as long as the provider keeps them (30 \
             days); where you know their ids, `bursar resolve {batch} --ids FILE` finds them at once. Until one is found, {undo}"
        )
    } else {
        format!(
            "batch {batch}: {n} taken as not bought: {held} is free again, and they are planned; the next run buys them, and \
             until then {undo}. Should the provider have sold them after all, that money shows as an unmatched charge"
        )
    });
    facts.insert("tasks".into(), tasks.iter().map(|task| task.task.0).collect());
    facts.insert("verdict".into(), verdict.replace(' ', "_").into());
    out::money(facts, "held", held);
    Ok(Exit::Complete)
}

/// The tasks that are meant, each of them one that can be decided on.
fn meant<'t>(candidates: &[&'t Meant], batch: BatchId, named: &[i64]) -> anyhow::Result<Vec<&'t Meant>> {
    if candidates.is_empty() {
        return mistake(format!("nothing of batch {batch} is in doubt: there is nothing to decide"));
    }
    if named.is_empty() {
        return Ok(candidates.to_vec());
    }
    let mut tasks: Vec<&Meant> = Vec::new();
    for id in named {
        match candidates.iter().find(|task| task.task == TaskId(*id)) {
            Some(task) if tasks.contains(task) => {}
            Some(task) => tasks.push(task),
            None => {
                let ids: Vec<String> = candidates.iter().map(|task| task.task.to_string()).collect();
                return mistake(format!("task {id} is not in doubt in batch {batch}; these are: {}", ids.join(" ")));
            }
        }
    }
    Ok(tasks)
}
