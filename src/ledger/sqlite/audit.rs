//! The audit: recomputes every total from the entries and checks every invariant that the ledger itself can show.
//!
//! It only reads. What it finds is a bug in bursar or an edit of the file; it names the row.

use std::collections::BTreeMap;

use super::caps::{Owners, ScopeRow};
use super::columns::{named, only};
use super::{Audit, StateCount};
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::money::Money;
use crate::plan::Scope;

/// Invariants as queries: each names the rows that break it, and no row is right.
const MUST_BE_EMPTY: &[(&str, &str)] = &[
    (
        "the hold of a batch is not reserve - charge - release",
        "SELECT 'batch ' || batch.id FROM batch LEFT JOIN (
             SELECT batch, sum(CASE kind WHEN 'reserve' THEN nano_usd WHEN 'charge' THEN -nano_usd
                                         WHEN 'release' THEN -nano_usd ELSE 0 END) AS held
             FROM entry GROUP BY batch) AS booked ON booked.batch = batch.id
         WHERE batch.held_nano <> coalesce(booked.held, 0)",
    ),
    (
        "what a batch was charged is not what its attempts cost",
        "SELECT 'batch ' || batch.id FROM batch
         LEFT JOIN (SELECT batch, sum(CASE kind WHEN 'charge' THEN nano_usd WHEN 'overrun' THEN nano_usd
                                                WHEN 'refund' THEN -nano_usd ELSE 0 END) AS spent
                    FROM entry GROUP BY batch) AS booked ON booked.batch = batch.id
         LEFT JOIN (SELECT batch, sum(coalesce(settled_nano, posted_nano, 0)) AS cost FROM attempt
             GROUP BY batch) AS bought
             ON bought.batch = batch.id
         WHERE coalesce(booked.spent, 0) <> coalesce(bought.cost, 0)",
    ),
    (
        "the counts of a batch are not those of its attempts",
        "SELECT 'batch ' || batch.id FROM batch
         LEFT JOIN (SELECT batch, count(*) AS n, sum(state = 0) AS unresolved, sum(state = 1) AS uncollected
                    FROM attempt GROUP BY batch) AS counted ON counted.batch = batch.id
         WHERE batch.attempts <> coalesce(n, 0) OR batch.unresolved <> coalesce(counted.unresolved, 0)
            OR batch.uncollected <> coalesce(counted.uncollected, 0)",
    ),
    (
        "what is held for a batch is not what its attempts are held for",
        "SELECT 'batch ' || batch.id FROM batch LEFT JOIN (
             SELECT attempt.batch, sum(CASE
                 WHEN attempt.state = 0 THEN attempt.held_nano
                 -- Until its answer says what it came to.
                 WHEN attempt.state = 1 AND attempt.settled_nano IS NULL AND of.function = 'llm_responses'
                     AND of.method = 'standard' THEN max(attempt.held_nano - attempt.posted_nano, 0)
                 ELSE 0 END) AS held
             FROM attempt JOIN batch AS of ON of.id = attempt.batch
                 GROUP BY attempt.batch) AS open ON open.batch = batch.id
         WHERE batch.held_nano <> coalesce(open.held, 0)",
    ),
    (
        "a task is not where its latest attempt is",
        "SELECT 'task ' || task.id FROM task LEFT JOIN attempt ON attempt.id = task.attempt
         WHERE (task.state = 1) <> coalesce(attempt.state = 0, 0)
             OR (task.state = 2) <> coalesce(attempt.state = 1 OR attempt.state = 7, 0)
            OR (task.state = 3) <> coalesce(attempt.state = 2, 0)",
    ),
    (
        "one id of the provider's stands for several attempts",
        "SELECT 'attempt ' || min(id) FROM attempt WHERE provider_id IS NOT NULL GROUP BY provider_id
                HAVING count(*) > 1",
    ),
    (
        "an attempt does not belong to the task that names it",
        "SELECT 'task ' || task.id FROM task JOIN attempt ON attempt.id = task.attempt WHERE attempt.task <> task.id",
    ),
    (
        "an answered task has no answer",
        "SELECT 'task ' || task.id FROM task
         WHERE task.state = 3 AND NOT EXISTS (SELECT 1 FROM answer WHERE answer.attempt = task.attempt)",
    ),
    (
        "a task was paid for twice without a failure between",
        // One whose answer expired has failed: what follows is a person's retry, or was found after a restoration.
        "SELECT 'task ' || task FROM attempt WHERE state IN (1, 2, 7) AND coalesce(settled_nano, posted_nano, 0) > 0
         GROUP BY task HAVING count(*) > 1",
    ),
    (
        "a person's word stands for what is not waited for, or nobody said what is",
        "SELECT 'attempt ' || attempt.id FROM attempt LEFT JOIN word ON word.attempt = attempt.id
         WHERE (attempt.state = 7) <> coalesce(word.bought, 0)",
    ),
    (
        "an attempt belongs to no task or no batch",
        "SELECT 'attempt ' || attempt.id FROM attempt
         LEFT JOIN task ON task.id = attempt.task LEFT JOIN batch ON batch.id = attempt.batch
         WHERE task.id IS NULL OR batch.id IS NULL",
    ),
    ("a row points to nothing", "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check"),
    ("the file is damaged", "SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'"),
];

impl Ledger {
    /// Recomputes every total and checks every invariant.
    pub(super) fn audit(&self) -> Result<Audit, LedgerError> {
        // One picture of the file, also while another process buys.
        let read = self.db.unchecked_transaction()?;
        let mut audit = Audit::default();
        for (what, sql) in MUST_BE_EMPTY {
            let mut statement = read.prepare_cached(sql)?;
            let rows: Vec<String> = statement.query_map([], only)?.collect::<Result<_, _>>()?;
            audit.problems.extend(rows.iter().take(20).map(|row| format!("{row}: {what}")));
            if rows.len() > 20 {
                audit.problems.push(format!("{} further rows: {what}", rows.len() - 20));
            }
        }
        let sum = |sql: &str| read.prepare_cached(sql)?.query_row([], only::<i64>);
        audit.overrun = Money::from_nanos(sum("SELECT coalesce(sum(nano_usd), 0) FROM entry WHERE kind = 'overrun'")?);
        let spent = sum("SELECT coalesce(sum(CASE kind WHEN 'charge' THEN nano_usd WHEN 'overrun' THEN nano_usd
                                           WHEN 'refund' THEN -nano_usd ELSE 0 END), 0) FROM entry")?;
        audit.extra = Money::from_nanos(sum("SELECT coalesce(sum(nano_usd), 0) FROM unmatched")?);
        audit.extra_charges = sum("SELECT count(*) FROM unmatched")?.unsigned_abs();
        audit.charged = Money::from_nanos(spent) + audit.extra;
        audit.held = Money::from_nanos(sum("SELECT coalesce(sum(held_nano), 0) FROM batch")?);
        audit.in_doubt = sum("SELECT coalesce(sum(unresolved), 0) FROM batch")?.unsigned_abs();
        audit.batches = sum("SELECT count(*) FROM batch")?.unsigned_abs();
        let mut statement = read.prepare_cached(
            "SELECT task_state.name, count(task.id) AS tasks FROM task_state LEFT
                    JOIN task ON task.state = task_state.state
             GROUP BY task_state.state ORDER BY task_state.state",
        )?;
        let states =
            statement.query_map([], |row| Ok(StateCount { state: row.get("name")?, tasks: row.get("tasks")? }))?;
        audit.tasks = states.collect::<Result<_, _>>()?;
        self.check_totals(&mut audit.problems)?;
        Ok(audit)
    }

    /// Recomputes what stands in `cap` from entries and batches.
    fn check_totals(&self, problems: &mut Vec<String>) -> Result<(), LedgerError> {
        let mut totals: BTreeMap<(Scope, i64, i64), (i64, i64)> = BTreeMap::new();
        let mut add = |row: &ScopeRow, charged: i64, held: i64| {
            let total = totals.entry((row.scope, row.owner, row.from_v)).or_default();
            *total = (total.0 + charged, total.1 + held);
        };
        let mut owners = BTreeMap::new();
        let mut since = BTreeMap::new();
        let mut statement = self.db.prepare_cached(
            "SELECT owner, since_entry, since_unmatched, unseen_nano FROM cap WHERE scope = 'account_balance'",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let owner: i64 = row.get("owner")?;
            since.insert(owner, (row.get::<_, i64>("since_entry")?, row.get::<_, i64>("since_unmatched")?));
            // What was taken before it was read, and that the figure may not have.
            for scope in Owners::of_account(owner).rows(&self.db, 0, 0)? {
                if scope.scope == Scope::AccountBalance {
                    add(&scope, row.get("unseen_nano")?, 0);
                }
            }
        }
        let mut statement =
            self.db.prepare_cached("SELECT run, sent_v, hold_to_v, held_nano FROM batch WHERE held_nano > 0")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let of_run = owners_of(&self.db, &mut owners, row.get("run")?)?;
            for scope in of_run.rows(&self.db, row.get("sent_v")?, row.get("hold_to_v")?)? {
                add(&scope, 0, row.get("held_nano")?);
            }
        }
        let mut statement = self.db.prepare_cached(
            "SELECT batch.run, entry.from_v, entry.id, iif(entry.kind = 'refund', -1, 1) * entry.nano_usd AS amount
             FROM entry JOIN batch ON batch.id = entry.batch WHERE entry.kind IN ('charge', 'overrun', 'refund')",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (from_v, entry): (i64, i64) = (row.get("from_v")?, row.get("id")?);
            let of_run = owners_of(&self.db, &mut owners, row.get("run")?)?;
            for scope in of_run.rows(&self.db, from_v, from_v)? {
                let amount: i64 = row.get("amount")?;
                // Of a balance only what was taken since it was read counts, and nothing that comes back.
                let counts = || amount > 0 && since.get(&scope.owner).is_none_or(|(since, _)| entry > *since);
                if scope.scope != Scope::AccountBalance || counts() {
                    add(&scope, amount, 0);
                }
            }
        }
        let mut statement = self.db.prepare_cached("SELECT account, posted_v, nano_usd, id FROM unmatched")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (posted_v, id): (i64, i64) = (row.get("posted_v")?, row.get("id")?);
            for scope in Owners::of_account(row.get("account")?).rows(&self.db, posted_v, posted_v)? {
                if scope.scope != Scope::AccountBalance || since.get(&scope.owner).is_none_or(|(_, since)| id > *since)
                {
                    add(&scope, row.get("nano_usd")?, 0);
                }
            }
        }
        let mut statement = self.db.prepare_cached("SELECT scope, owner, from_v, charged_nano, held_nano FROM cap")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = (named(row, "scope")?, row.get("owner")?, row.get("from_v")?);
            let kept: (i64, i64) = (row.get("charged_nano")?, row.get("held_nano")?);
            let counted = totals.remove(&key).unwrap_or_default();
            if kept != counted {
                problems.push(mismatch(&key, kept, counted));
            }
        }
        problems.extend(
            totals.iter().filter(|(_, total)| **total != (0, 0)).map(|(key, total)| mismatch(key, (0, 0), *total)),
        );
        Ok(())
    }
}

fn owners_of(db: &rusqlite::Connection, known: &mut BTreeMap<i64, Owners>, run: i64) -> Result<Owners, LedgerError> {
    if let Some(owners) = known.get(&run) {
        return Ok(*owners);
    }
    let owners = Owners::read(db, RunId(run))?;
    known.insert(run, owners);
    Ok(owners)
}

fn mismatch((scope, owner, from_v): &(Scope, i64, i64), kept: (i64, i64), counted: (i64, i64)) -> String {
    let money = Money::from_nanos;
    format!(
        "{} ({scope} {owner}): kept as charged {} held {}, recomputed as charged {} held {}",
        super::caps::name(*scope, *from_v),
        money(kept.0),
        money(kept.1),
        money(counted.0),
        money(counted.1)
    )
}
