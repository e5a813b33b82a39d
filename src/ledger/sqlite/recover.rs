//! Purchases that a restored ledger lacks: made after its copy, found in the provider's list.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension, named_params};

use super::bulk_writes::Mover;
use super::caps::Owners;
use super::columns::{IDENTITY, IDENTITY_FROM, former_identities, identity, listed_done, named, only, task_state};
use super::commit::Commit;
use super::postings::{self, Window};
use super::to_buy::TO_BUY;
use super::working_set::Attempt;
use super::{Found, LostRow, LostTask, TakenOver};
use super::{Ledger, LedgerError, OpenBatch, ToBuy};
use crate::attempt::AttemptState;
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::ledger::change::{Change, UnmatchedCharge};
use crate::product::{Engine, Function, Method};
use crate::rule::Rule;
use crate::tag::{Tag, content_hashes};
use crate::task::{Reason, TaskState, Transition};

/// Tasks whose purchases may be found in a list.
const UNANSWERED: &str = "task.state <> 3";

/// The most hashes that one search computes: less than a minute's. A hundred thousand tasks can each have been bought a
/// thousand times since the copy, and all of it is found.
const MOST_HASHES: i64 = 1 << 27;

impl Ledger {
    /// Finds the tasks behind tags of this ledger's that it holds no attempt for: what was bought after the copy that
    /// it was restored from, also as a purchase that is counted as one which this copy holds and which came to nothing. A
    /// task is tried for so many (`reach`) purchases beyond those that are held. Looks at every task that is not answered,
    /// so it is for restored ledgers alone.
    pub(super) fn find_lost(&self, tags: &[Tag], reach: u32) -> Result<Vec<Found>, LedgerError> {
        let wanted: HashMap<[u8; 16], &Tag> = tags.iter().map(|tag| (tag.hash, tag)).collect();
        let sql = format!(
            "SELECT {TO_BUY}, {IDENTITY}, task.run, task.state = 2 AS awaits_answer
             FROM task {IDENTITY_FROM} LEFT JOIN attempt ON attempt.id = task.attempt WHERE {UNANSWERED}"
        );
        let mut found = Vec::new();
        let mut statement = self.db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let task = ToBuy::from_row(row)?;
            let mut hashes = vec![content_hashes(&self.id, &identity(row)?.as_identity())];
            let former = former_identities(row)?;
            hashes.extend(former.iter().map(|identity| content_hashes(&self.id, &identity.as_identity())));
            let is_bought: bool = row.get("awaits_answer")?;
            // Where a purchase of it is known, another one that is counted alike is one too many.
            let held = if is_bought || !Rule::HistoriesShareNumbers.is_kept() { task.attempts } else { 0 };
            for number in held + 1..=task.attempts.saturating_add(reach) {
                for tag in hashes.iter().filter_map(|hash| wanted.get(&hash(number))) {
                    let (tag, run) = ((*tag).clone(), row.get("run")?);
                    found.push(Found { tag, run, task, number, awaits_answer: is_bought });
                }
            }
        }
        Ok(found)
    }

    /// How many purchases a task may have seen beyond those that are held, by tags of which none was found: every purchase
    /// had a row of its own. As far as it can be searched.
    pub(super) fn furthest(&self, tags: &[Tag]) -> Result<u32, LedgerError> {
        // What was taken over has another history's row in its tag.
        let sql = "SELECT id FROM attempt WHERE tag IS NULL ORDER BY id DESC LIMIT 1";
        let last: i64 = self.db.query_row(sql, [], only).optional()?.unwrap_or(0);
        let tasks: i64 = self.db.query_row(&format!("SELECT count(*) FROM task WHERE {UNANSWERED}"), [], only)?;
        let most = |tag: &Tag| if tag.attempt > last { tag.attempt - last } else { tag.attempt };
        let furthest = tags.iter().map(most).max().unwrap_or(0);
        Ok(u32::try_from(furthest.min(MOST_HASHES / tasks.max(1))).unwrap_or(u32::MAX))
    }

    /// Takes over purchases that were made after the copy which this ledger was restored from: each becomes an attempt
    /// of the task that its tag was computed from. What belongs to no planned task is an unmatched charge.
    pub(super) fn recover_lost(&mut self, account: AccountId, rows: &[LostRow]) -> Result<TakenOver, LedgerError> {
        let mut taken = TakenOver::default();
        let mut latest = BTreeMap::new();
        for (at, lost) in rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.task?))) {
            // Of several purchases of a task the last is its own: the others were paid failures, after which it was bought
            // again. Were one of those taken, its failure would be learnt once more, and the last be bought a second time.
            let entry = latest.entry(lost.task.task).or_insert((lost.number, at));
            *entry = (lost.number, at).max(*entry);
        }
        for (at, row) in rows.iter().enumerate() {
            let is_latest = |lost: &LostTask| latest.get(&lost.task.task) == Some(&(lost.number, at));
            if let Some(lost) = row.task.filter(is_latest) {
                let recovered = Change::Recovered { account, row: row.clone(), lost };
                taken.batches.extend(self.record(vec![recovered])?.recovered);
            } else {
                let extra = UnmatchedCharge {
                    attempt: None,
                    provider_id: row.provider_id.clone(),
                    tag: row.tag.clone(),
                    cost: row.cost,
                    posted_v: row.posted_v,
                    why: match row.task {
                        Some(_) => {
                            "bought by this ledger after the copy that it was restored from, and bought again later"
                        }
                        None => "bought by this ledger, for a task that its restored copy does not hold",
                    }
                    .to_owned(),
                };
                if self.record(vec![Change::UnmatchedCharge { account, extra }])?.extras > 0 {
                    taken.extras += 1;
                    taken.extra_cost = taken.extra_cost.saturating_add(row.cost);
                }
            }
        }
        Ok(taken)
    }
}

impl Commit<'_> {
    /// A purchase that this ledger does not hold becomes an attempt whose outcome is not known. It was reserved under the
    /// caps by the ledger that bought it; here it is held past every ceiling, since the money is gone, and then booked like
    /// any other that a list shows.
    pub(super) fn recovered(&mut self, account: AccountId, row: &LostRow, lost: LostTask) -> Result<(), LedgerError> {
        let (run, task, held) = (lost.run, lost.task.task, row.cost.max(lost.most));
        let (engine, function, mut stands, previous) = self.write.query_row(
            "SELECT target.engine, target.function, task.state, task.reason, task.attempt
             FROM task JOIN target ON target.id = task.target WHERE task.id = :task",
            named_params! { ":task": task },
            |row| {
                let stands = task_state(row.get("state")?, row.get("reason")?)?;
                Ok((named::<Engine>(row, "engine")?, named::<Function>(row, "function")?, stands, row.get("attempt")?))
            },
        )?;
        let previous: Option<AttemptId> = previous;
        let method = if row.is_live { Method::Live } else { Method::Standard };
        let first: i64 = self.write.query_row("SELECT coalesce(max(id), 0) + 1 FROM attempt", [], only)?;
        self.write.execute(
            "INSERT INTO batch (run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, closed_v,
                                posted_v, unknown_because, session, held_nano, unresolved, method)
             VALUES (:run, :account, :engine, :function, :first_attempt, 1, :posted_v, :posted_v, :posted_v,
                     :posted_v, 'found in the provider''s list after a restoration', :session, 0, 1, :method)",
            named_params! {
                ":run": run, ":account": account, ":engine": engine.name(), ":function": function.name(),
                ":first_attempt": first, ":posted_v": row.posted_v, ":session": self.session, ":method": method.name(),
            },
        )?;
        let batch = self.write.last_insert_rowid();
        self.write.execute(
            "INSERT INTO attempt (id, task, batch, number, held_nano, previous, tag, listed_done)
             VALUES (:id, :task, :batch, :number, :held_nano, :previous, :tag, :listed_done)",
            named_params! {
                ":id": first, ":task": task, ":batch": batch, ":number": lost.number.max(lost.task.attempts),
                ":held_nano": held, ":previous": previous, ":tag": &row.tag, ":listed_done": listed_done(row.named_in),
            },
        )?;
        // Booked as an unmatched charge while its task was not known here.
        postings::reverse_unmatched(self.write, account.0, &row.provider_id, first)?;
        let window = Window { owners: Owners::read(self.write, run)?, sent_v: row.posted_v, hold_to_v: row.posted_v };
        postings::hold_for_found(self.write, batch, held, window)?;
        // In doubt here: a later attempt of it shows that the other history had found it not bought.
        if matches!(stands, TaskState::Failed(_)) {
            let mut mover = Mover::new(self.write)?;
            stands = mover.go(task.0, stands, Transition::Reopen, None)?;
            mover.finish()?;
        }
        let facts = Attempt { id: first, task: task.0, batch, state: AttemptState::Sending, held };
        self.working_set.begins(facts, stands);
        if row.is_live {
            self.working_set.move_task_of(facts, Transition::Accept)?;
            let paid = (row.cost, row.posted_v);
            self.paid_for_nothing(facts, None, Some(&row.provider_id), paid, Reason::LostLive)?;
        } else {
            let paid = (row.cost, row.posted_v);
            self.accept(AttemptId(first), &row.provider_id, paid, Some(row.named_in), true)?;
        }
        self.booked.recovered.push(OpenBatch {
            batch: BatchId(batch),
            engine,
            function,
            posted_v: row.posted_v,
            uncollected: u64::from(!row.is_live),
            all_high: false,
        });
        Ok(())
    }
}
