//! The book: the only code that moves money and tasks together.
//!
//! T1 ([`Ledger::reserve`]): a batch and its attempts exist from the moment their money is reserved, before a byte
//! leaves. T2 and T3 ([`Ledger::record`]): what the vendor accepted is charged and its id stored; what surely was not
//! bought is released; an answer is stored with the state it leads to. Each is one commit, whole or not at all.

use std::collections::HashMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, TransactionBehavior};

use super::caps::Owners;
use super::money_path::{self, Moves, Window};
use super::{Ledger, LedgerError, ToBuy};
use crate::ids::{AccountId, AttemptId, BatchId, RunId, TaskId};
use crate::money::Money;
use crate::offer::{Engine, Function, ResultKind};
use crate::plan::Room;
use crate::task::{Reason, TaskState, Transition};

/// Attempts of a task beyond those that a restored ledger holds, for which tags are tried.
const MOST_LOST_ATTEMPTS: u32 = 8;

/// A batch that is to be reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whose tasks.
    pub run: RunId,
    /// The endpoint's engine.
    pub engine: Engine,
    /// The endpoint's function.
    pub function: Function,
    /// Up to a hundred tasks.
    pub tasks: Vec<DraftTask>,
    /// The vendor cannot see it before this moment (Unix seconds, the vendor's clock).
    pub sent_v: i64,
    /// Nor charge it after this one.
    pub hold_to_v: i64,
}

/// A task of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftTask {
    /// Which.
    pub task: TaskId,
    /// The most it may cost.
    pub hold: Money,
    /// The attempt before this one.
    pub previous: Option<AttemptId>,
    /// This attempt's number, from 1.
    pub number: u32,
}

/// A batch whose money is reserved: it may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its row.
    pub batch: BatchId,
    /// The row of its first attempt; the others follow in the order of the draft.
    pub first_attempt: AttemptId,
    /// What is held for it.
    pub hold: Money,
}

/// A batch that fits no longer: nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapReached {
    /// The ceiling, and what it leaves.
    pub cap: Room,
}

/// A form of an answer, as the vendor sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which form.
    pub kind: ResultKind,
    /// The body, compressed by zstd.
    pub body: Vec<u8>,
    /// When it was fetched (Unix seconds, this machine's clock).
    pub fetched_at: i64,
    /// When the engine answered, by the vendor's word.
    pub done_v: Option<i64>,
    /// Which model answered, by the vendor's word.
    pub model: Option<String>,
    /// It is the last form that was asked for.
    pub complete: bool,
}

/// Money that the vendor took and that belongs to no attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The attempt whose tag it bears, where that is known.
    pub attempt: Option<AttemptId>,
    /// The vendor's id of the task.
    pub vendor_id: String,
    /// Its tag, as the vendor shows it.
    pub tag: String,
    /// What was taken.
    pub cost: Money,
    /// When it was bought, by the vendor's clock.
    pub posted_v: i64,
    /// How it came to be.
    pub why: String,
}

/// One thing that has become known.
#[expect(missing_docs, reason = "the fields of a change are named for what they hold")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The vendor took the task, and said so in the answer or in a list.
    Accepted { attempt: AttemptId, vendor_id: String, cost: Money, posted_v: i64 },
    /// The vendor refused the task; it cost nothing. `for_good`: the same task would be refused again.
    Refused { attempt: AttemptId, code: u32, for_good: bool },
    /// The task surely was not bought.
    NotBought { attempt: AttemptId },
    /// The vendor took money and gives no answer. `again`: it may be bought anew, as a new attempt with new money.
    PaidFailure { attempt: AttemptId, code: u32, vendor_id: Option<String>, cost: Money, posted_v: i64, again: bool },
    /// The vendor failed a task that it had accepted. `again` as above.
    FailedLater { attempt: AttemptId, code: u32, again: bool },
    /// The vendor has thrown the answer away.
    Expired { attempt: AttemptId },
    /// A form of an answer.
    Answered { attempt: AttemptId, answer: Answer },
    /// The outcome of a batch is not known.
    Doubt { batch: BatchId, why: String },
    /// The connection of a batch in doubt was surely gone by then.
    Closed { batch: BatchId, closed_v: i64 },
    /// When a batch was bought, by the vendor's clock.
    Posted { batch: BatchId, posted_v: i64 },
    /// A person decided: the hold is charged, and the task fails as paid.
    ResolvedAsBought { attempt: AttemptId, posted_v: i64 },
    /// Money without an attempt.
    Extra { account: AccountId, extra: Extra },
    /// What one task of a kind was charged.
    PriceSeen { account: AccountId, price_key: String, cost: Money, at_v: i64 },
    /// The vendor's list has shown an unfinished task of ours.
    TagProof { account: AccountId, function: Function, at_v: i64 },
    /// The vendor's list was behind by so many seconds.
    Lag { account: AccountId, seconds: i64 },
    /// The latest sight of the vendor's clock.
    VendorTime { account: AccountId, at_v: i64 },
    /// The vendor's list shows purchases of this ledger's that it does not hold: others since then may be missing too.
    Restored { account: AccountId, from_v: i64 },
    /// First contact with the vendor since the ledger was found to be restored.
    RestoredClosed { account: AccountId, closed_v: i64 },
    /// The vendor's list was read, and the restored ledger knows what it bought.
    RestoredDone { account: AccountId },
    /// A complete look through the vendor's list.
    Swept { account: AccountId, begun_v: i64, from_v: i64, to_v: i64, rows: u64, found: u64, verdict: String },
    /// Something for people to read.
    Noted { run: Option<RunId>, at: i64, what: String },
}

/// A task that may be bought again after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replanned {
    /// Its run.
    pub run: RunId,
    /// As it would be pulled from the plan.
    pub task: ToBuy,
}

/// What a commit of changes led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Tasks that are planned again.
    pub replanned: Vec<Replanned>,
    /// Extra charges that were new to the ledger.
    pub extras: u64,
}

/// An attempt and its batch, as the book needs them.
#[derive(Clone, Copy, Debug)]
struct AttemptFacts {
    id: i64,
    task: i64,
    batch: i64,
    state: i64,
    held: Money,
}

mod attempt_state {
    pub(super) const SENDING: i64 = 0;
    pub(super) const SUBMITTED: i64 = 1;
    pub(super) const ANSWERED: i64 = 2;
    pub(super) const NOT_BOUGHT: i64 = 3;
    pub(super) const REFUSED: i64 = 4;
    pub(super) const PAID_FAILURE: i64 = 5;
    pub(super) const EXPIRED: i64 = 6;
    pub(super) const RESOLVED_AS_BOUGHT: i64 = 7;
}

impl Ledger {
    /// T1: reserves the money of each batch under every cap and writes the batch and its attempts, all in one commit.
    /// Each draft stands alone: one that does not fit leaves nothing behind.
    ///
    /// # Errors
    /// Nothing was written, so nothing may be sent.
    pub fn reserve(&mut self, drafts: &[Draft]) -> Result<Vec<Result<Reserved, CapReached>>, LedgerError> {
        let owners = drafts.iter().map(|draft| self.owners(draft.run)).collect::<Result<Vec<_>, _>>()?;
        let start = self.start;
        let mut write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(drafts.len());
        for (draft, owners) in drafts.iter().zip(owners) {
            let mut point = write.savepoint()?;
            let outcome = reserve_one(&point, draft, owners, start)?;
            if outcome.is_err() {
                point.rollback()?;
            }
            point.commit()?;
            outcomes.push(outcome);
        }
        write.commit()?;
        let last = outcomes.iter().zip(drafts).filter_map(|(outcome, draft): (&Result<Reserved, CapReached>, _)| {
            let reserved = outcome.as_ref().ok()?;
            Some(reserved.first_attempt.0 + i64::try_from(draft.tasks.len()).unwrap_or(0) - 1)
        });
        if let (Some(outside), Some(last)) = (&mut self.outside, last.max()) {
            outside.reserved(last)?;
        }
        Ok(outcomes)
    }

    /// T2 and T3: writes what has become known, all in one commit. A change that the ledger already holds (the same id
    /// again, a late reply) is no change.
    ///
    /// # Errors
    /// Nothing was written.
    pub fn record(&mut self, changes: Vec<Change>) -> Result<Booked, LedgerError> {
        let mut windows = HashMap::new();
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut booked = Booked::default();
        let mut moves = Moves::default();
        for change in changes {
            record_one(&write, change, &mut moves, &mut booked)?;
        }
        moves.write(&write, |batch| match windows.entry(batch) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(*known.get()),
            std::collections::hash_map::Entry::Vacant(new) => Ok(*new.insert(window(&write, batch)?)),
        })?;
        write.commit()?;
        Ok(booked)
    }
}

/// A purchase of this ledger's that it holds no attempt for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRow {
    /// The vendor's id.
    pub vendor_id: String,
    /// Its tag.
    pub tag: String,
    /// What was taken.
    pub cost: Money,
    /// When it was bought, by the vendor's clock.
    pub posted_v: i64,
}

impl Ledger {
    /// Takes over purchases that were made after the copy which this ledger was restored from: each becomes an attempt
    /// of the task that its tag was computed from. What belongs to no planned task is an extra charge.
    ///
    /// # Errors
    /// Nothing was written.
    pub fn adopt_lost(
        &mut self,
        account: AccountId,
        rows: &[LostRow],
    ) -> Result<(Vec<super::OpenBatch>, u64), LedgerError> {
        let tags: Vec<crate::tag::Tag> = rows.iter().filter_map(|row| row.tag.parse().ok()).collect();
        let found = self.find_lost(&tags, MOST_LOST_ATTEMPTS)?;
        let mut batches = Vec::new();
        let mut extras = 0;
        let mut taken = std::collections::BTreeSet::new();
        for row in rows {
            let tag = row.tag.parse::<crate::tag::Tag>().ok();
            let task = found.iter().find(|(known, ..)| Some(known) == tag.as_ref());
            if let Some((_, task, run, number)) = task.filter(|(_, task, ..)| taken.insert(*task)) {
                batches.push(self.adopt_one(account, row, *task, *run, *number)?);
            } else {
                let extra = Extra {
                    attempt: None,
                    vendor_id: row.vendor_id.clone(),
                    tag: row.tag.clone(),
                    cost: row.cost,
                    posted_v: row.posted_v,
                    why: "bought by this ledger, for a task that its restored copy does not hold".to_owned(),
                };
                extras += self.record(vec![Change::Extra { account, extra }])?.extras;
            }
        }
        Ok((batches, extras))
    }

    fn adopt_one(
        &mut self,
        account: AccountId,
        row: &LostRow,
        task: TaskId,
        run: RunId,
        number: u32,
    ) -> Result<super::OpenBatch, LedgerError> {
        let owners = self.owners(run)?;
        let start = self.start;
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (engine, function, state, reason, previous): (String, String, i64, Option<i64>, Option<i64>) = write
            .query_row(
                "SELECT target.engine, target.function, task.state, task.reason, task.attempt
             FROM task JOIN target ON target.id = task.target WHERE task.id = ?1",
                [task.0],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
            )?;
        // In doubt here: a later attempt of it shows that the other history had found it not bought.
        if TaskState::from_numbers(state, reason).is_some_and(|state| matches!(state, TaskState::Failed(_))) {
            move_task(&write, task.0, Transition::Reopen, None)?;
        }
        let first: i64 = write.query_row("SELECT coalesce(max(id), 0) + 1 FROM attempt", [], |row| row.get(0))?;
        write.execute(
            "INSERT INTO batch (run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, closed_v, posted_v,
                                doubt, start, held_nano, unresolved, uncollected)
             VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?6, ?6, 'found in the vendor''s list after a restoration', ?7, 0, 0, 1)",
            (run.0, account.0, &engine, &function, first, row.posted_v, start),
        )?;
        let batch = write.last_insert_rowid();
        write.execute(
            "INSERT INTO attempt (id, task, batch, number, state, vendor_id, held_nano, posted_nano, previous, tag)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9)",
            (
                first,
                task.0,
                batch,
                number,
                attempt_state::SUBMITTED,
                vendor_key(&row.vendor_id),
                row.cost.nanos(),
                previous,
                &row.tag,
            ),
        )?;
        move_task(&write, task.0, Transition::Accept, Some(first))?;
        // It was reserved under the caps by the ledger that bought it; here the money is charged as it was.
        let mut moves = Moves::default();
        moves.charge(batch, row.posted_v, row.cost, row.cost);
        let window = Window { owners, sent_v: row.posted_v, hold_to_v: row.posted_v };
        money_path::hold_for_found(&write, batch, row.cost, window)?;
        moves.write(&write, |_| Ok(window))?;
        write.commit()?;
        Ok(super::OpenBatch {
            batch: BatchId(batch),
            engine: engine.parse().map_err(|_| LedgerError::Unexpected(format!("engine `{engine}`")))?,
            function: function.parse().map_err(|_| LedgerError::Unexpected(format!("function `{function}`")))?,
            posted_v: row.posted_v,
            uncollected: 1,
            all_high: false,
        })
    }
}

/// Writes a batch, its hold and its attempts.
fn reserve_one(
    write: &Connection,
    draft: &Draft,
    owners: Owners,
    start: i64,
) -> Result<Result<Reserved, CapReached>, LedgerError> {
    let hold: Money = draft.tasks.iter().map(|task| task.hold).sum();
    let first: i64 =
        write.prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM attempt")?.query_row([], |row| row.get(0))?;
    write
        .prepare_cached(
            "INSERT INTO batch (run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, start, held_nano, unresolved)
             VALUES (:run, :account, :engine, :function, :first, :attempts, :sent, :hold_to, :start, :held, :attempts)",
        )?
        .execute(rusqlite::named_params! {
            ":run": draft.run.0, ":account": owners.account, ":engine": draft.engine.name(),
            ":function": draft.function.name(), ":first": first, ":attempts": draft.tasks.len(),
            ":sent": draft.sent_v, ":hold_to": draft.hold_to_v, ":start": start, ":held": hold.nanos(),
        })?;
    let batch = write.last_insert_rowid();
    let window = Window { owners, sent_v: draft.sent_v, hold_to_v: draft.hold_to_v };
    if let Some(row) = money_path::reserve(write, batch, hold, window)? {
        let cap = row.room(write)?.ok_or_else(|| LedgerError::Unexpected("a ceiling without a limit".into()))?;
        return Ok(Err(CapReached { cap }));
    }
    for (attempt, task) in (first..).zip(&draft.tasks) {
        move_task(write, task.task.0, Transition::Reserve, Some(attempt))?;
        write
            .prepare_cached(
                "INSERT INTO attempt (id, task, batch, number, held_nano, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((attempt, task.task.0, batch, task.number, task.hold.nanos(), task.previous.map(|p| p.0)))?;
    }
    Ok(Ok(Reserved { batch: BatchId(batch), first_attempt: AttemptId(first), hold }))
}

fn record_one(write: &Connection, change: Change, moves: &mut Moves, booked: &mut Booked) -> Result<(), LedgerError> {
    match change {
        Change::Accepted { attempt, vendor_id, cost, posted_v } => {
            accept(write, attempt, &vendor_id, cost, posted_v, moves)
        }
        Change::Refused { attempt, code, for_good } => {
            let transition = if for_good { Transition::Fail(Reason::Refused) } else { Transition::NotBought };
            not_bought(write, attempt, attempt_state::REFUSED, Some(code), transition, moves, booked)
        }
        Change::NotBought { attempt } => {
            not_bought(write, attempt, attempt_state::NOT_BOUGHT, None, Transition::NotBought, moves, booked)
        }
        Change::PaidFailure { attempt, code, vendor_id, cost, posted_v, again } => {
            let Some(facts) = in_state(write, attempt, &[attempt_state::SENDING])? else { return Ok(()) };
            write
                .prepare_cached(
                    "UPDATE attempt SET state = ?2, code = ?3, vendor_id = ?4, posted_nano = ?5, settled_nano = ?5 WHERE id = ?1",
                )?
                .execute((facts.id, attempt_state::PAID_FAILURE, code, vendor_id.as_deref().map(vendor_key), cost.nanos()))?;
            move_task_of(write, facts, Transition::Fail(Reason::PaidFailure))?;
            moves.charge(facts.batch, posted_v, facts.held, cost);
            count(write, facts.batch, -1, 0)?;
            reopen(write, facts, again, booked)
        }
        Change::FailedLater { attempt, code, again } => {
            let Some(facts) = in_state(write, attempt, &[attempt_state::SUBMITTED])? else { return Ok(()) };
            write
                .prepare_cached("UPDATE attempt SET state = ?2, code = ?3, settled_nano = posted_nano WHERE id = ?1")?
                .execute((facts.id, attempt_state::PAID_FAILURE, code))?;
            move_task_of(write, facts, Transition::Fail(Reason::PaidFailure))?;
            count(write, facts.batch, 0, -1)?;
            reopen(write, facts, again, booked)
        }
        Change::Expired { attempt } => {
            let Some(facts) = in_state(write, attempt, &[attempt_state::SUBMITTED])? else { return Ok(()) };
            write
                .prepare_cached("UPDATE attempt SET state = ?2, settled_nano = posted_nano WHERE id = ?1")?
                .execute((facts.id, attempt_state::EXPIRED))?;
            move_task_of(write, facts, Transition::Fail(Reason::Expired))?;
            count(write, facts.batch, 0, -1)
        }
        Change::Answered { attempt, answer } => store(write, attempt, &answer),
        Change::ResolvedAsBought { attempt, posted_v } => {
            let Some(facts) = in_state(write, attempt, &[attempt_state::SENDING])? else { return Ok(()) };
            write
                .prepare_cached(
                    "UPDATE attempt SET state = ?2, posted_nano = held_nano, settled_nano = held_nano WHERE id = ?1",
                )?
                .execute((facts.id, attempt_state::RESOLVED_AS_BOUGHT))?;
            move_task_of(write, facts, Transition::Fail(Reason::ResolvedAsBought))?;
            moves.charge(facts.batch, posted_v, facts.held, facts.held);
            count(write, facts.batch, -1, 0)
        }
        Change::Extra { account, extra } => {
            let new = write.execute(
                "INSERT INTO extra_charge (account, attempt, vendor_id, tag, nano_usd, posted_v, why)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                (
                    account.0,
                    extra.attempt.map(|a| a.0),
                    &extra.vendor_id,
                    &extra.tag,
                    extra.cost.nanos(),
                    extra.posted_v,
                    &extra.why,
                ),
            )?;
            if new == 1 {
                booked.extras += 1;
                money_path::extra(write, account.0, extra.posted_v, extra.cost)?;
            }
            Ok(())
        }
        other @ (Change::Doubt { .. }
        | Change::Closed { .. }
        | Change::Posted { .. }
        | Change::PriceSeen { .. }
        | Change::TagProof { .. }
        | Change::Lag { .. }
        | Change::VendorTime { .. }
        | Change::Restored { .. }
        | Change::RestoredClosed { .. }
        | Change::RestoredDone { .. }
        | Change::Swept { .. }
        | Change::Noted { .. }) => note(write, other),
    }
}

/// What moves neither money nor tasks.
fn note(write: &Connection, change: Change) -> Result<(), LedgerError> {
    match change {
        Change::Doubt { batch, why } => {
            write
                .prepare_cached("UPDATE batch SET doubt = ?2 WHERE id = ?1 AND unresolved > 0")?
                .execute((batch.0, why))?;
        }
        Change::Closed { batch, closed_v } => {
            write
                .prepare_cached("UPDATE batch SET closed_v = ?2, doubt = coalesce(doubt, 'the process that sent it died') WHERE id = ?1 AND closed_v IS NULL")?
                .execute((batch.0, closed_v))?;
        }
        Change::Posted { batch, posted_v } => {
            write
                .prepare_cached("UPDATE batch SET posted_v = coalesce(posted_v, ?2) WHERE id = ?1")?
                .execute((batch.0, posted_v))?;
        }
        Change::PriceSeen { account, price_key, cost, at_v } => {
            write
                .prepare_cached(
                    "INSERT INTO price_seen (account, price_key, nano_usd, seen_v) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET nano_usd = excluded.nano_usd, seen_v = excluded.seen_v",
                )?
                .execute((account.0, price_key, cost.nanos(), at_v))?;
        }
        Change::TagProof { account, function, at_v } => {
            write.execute(
                "INSERT INTO tag_proof (account, function, seen_v) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                (account.0, function.name(), at_v),
            )?;
        }
        Change::Lag { account, seconds } => {
            write.execute(
                "UPDATE account SET longest_lag_s = max(longest_lag_s, ?2) WHERE id = ?1",
                (account.0, seconds),
            )?;
        }
        Change::VendorTime { account, at_v } => {
            write
                .prepare_cached(
                    "UPDATE account SET vendor_time_v = max(coalesce(vendor_time_v, ?2), ?2) WHERE id = ?1",
                )?
                .execute((account.0, at_v))?;
        }
        Change::Restored { account, from_v } => {
            write.execute(
                "UPDATE account SET restored_from_v = min(coalesce(restored_from_v, ?2), ?2), restored_closed_v = NULL
                 WHERE id = ?1",
                (account.0, from_v),
            )?;
        }
        Change::RestoredClosed { account, closed_v } => {
            write.execute(
                "UPDATE account SET restored_closed_v = ?2
                 WHERE id = ?1 AND restored_from_v IS NOT NULL AND restored_closed_v IS NULL",
                (account.0, closed_v),
            )?;
        }
        Change::RestoredDone { account } => {
            write.execute(
                "UPDATE account SET restored_from_v = NULL, restored_closed_v = NULL WHERE id = ?1",
                [account.0],
            )?;
        }
        Change::Swept { account, begun_v, from_v, to_v, rows, found, verdict } => {
            write.execute(
                "INSERT INTO sweep (account, begun_v, from_v, to_v, rows, found, verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (account.0, begun_v, from_v, to_v, rows, found, verdict),
            )?;
        }
        Change::Noted { run, at, what } => {
            write.execute("INSERT INTO change (run, at, what) VALUES (?1, ?2, ?3)", (run.map(|r| r.0), at, what))?;
        }
        Change::Accepted { .. }
        | Change::Refused { .. }
        | Change::NotBought { .. }
        | Change::PaidFailure { .. }
        | Change::FailedLater { .. }
        | Change::Expired { .. }
        | Change::Answered { .. }
        | Change::ResolvedAsBought { .. }
        | Change::Extra { .. } => unreachable!("recorded with its money"),
    }
    Ok(())
}

fn accept(
    write: &Connection,
    attempt: AttemptId,
    vendor_id: &str,
    cost: Money,
    posted_v: i64,
    moves: &mut Moves,
) -> Result<(), LedgerError> {
    // Given up for not bought, and found after all: its hold is gone, so the charge is overrun.
    let states = [attempt_state::SENDING, attempt_state::NOT_BOUGHT];
    let Some(facts) = in_state(write, attempt, &states)? else { return Ok(()) };
    let held = if facts.state == attempt_state::SENDING { facts.held } else { Money::ZERO };
    write
        .prepare_cached("UPDATE attempt SET state = ?2, vendor_id = ?3, posted_nano = ?4, code = NULL WHERE id = ?1")?
        .execute((facts.id, attempt_state::SUBMITTED, vendor_key(vendor_id), cost.nanos()))?;
    move_task_of(write, facts, Transition::Accept)?;
    moves.charge(facts.batch, posted_v, held, cost);
    count(write, facts.batch, if facts.state == attempt_state::SENDING { -1 } else { 0 }, 1)?;
    write
        .prepare_cached("UPDATE batch SET posted_v = coalesce(posted_v, ?2) WHERE id = ?1")?
        .execute((facts.batch, posted_v))?;
    Ok(())
}

fn not_bought(
    write: &Connection,
    attempt: AttemptId,
    state: i64,
    code: Option<u32>,
    transition: Transition,
    moves: &mut Moves,
    booked: &mut Booked,
) -> Result<(), LedgerError> {
    let Some(facts) = in_state(write, attempt, &[attempt_state::SENDING])? else { return Ok(()) };
    write.prepare_cached("UPDATE attempt SET state = ?2, code = ?3 WHERE id = ?1")?.execute((facts.id, state, code))?;
    move_task_of(write, facts, transition)?;
    moves.release(facts.batch, facts.held);
    count(write, facts.batch, -1, 0)?;
    if transition == Transition::NotBought {
        replanned(write, facts, booked)?;
    }
    Ok(())
}

/// A paid failure that the job wants tried again is planned anew.
fn reopen(write: &Connection, facts: AttemptFacts, again: bool, booked: &mut Booked) -> Result<(), LedgerError> {
    if again {
        move_task_of(write, facts, Transition::Reopen)?;
        replanned(write, facts, booked)?;
    }
    Ok(())
}

/// The attempt's task is planned again, unless a later attempt has it.
fn replanned(write: &Connection, facts: AttemptFacts, booked: &mut Booked) -> Result<(), LedgerError> {
    let task = to_buy(write, facts.task)?;
    if task.task.previous != Some(AttemptId(facts.id)) {
        return Ok(());
    }
    let asked: bool =
        write.prepare_cached("SELECT asked FROM task WHERE id = ?1")?.query_row([facts.task], |row| row.get(0))?;
    if asked {
        booked.replanned.push(task);
        return Ok(());
    }
    // The job file no longer asks it: it leaves, as it would have if it had not been in doubt.
    move_task(write, facts.task, Transition::Drop, None)
}

fn store(write: &Connection, attempt: AttemptId, answer: &Answer) -> Result<(), LedgerError> {
    let Some(facts) = in_state(write, attempt, &[attempt_state::SUBMITTED])? else { return Ok(()) };
    write
        .prepare_cached(
            "INSERT INTO answer (attempt, kind, fetched_at, done_v, model, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
        )?
        .execute((facts.id, answer.kind.name(), answer.fetched_at, answer.done_v, &answer.model, &answer.body))?;
    if answer.complete {
        write
            .prepare_cached("UPDATE attempt SET state = ?2, settled_nano = posted_nano WHERE id = ?1")?
            .execute((facts.id, attempt_state::ANSWERED))?;
        move_task_of(write, facts, Transition::Answer)?;
        count(write, facts.batch, 0, -1)?;
    }
    Ok(())
}

/// Moves an attempt's task, which follows its latest attempt alone: an older one can only still move money.
fn move_task_of(write: &Connection, facts: AttemptFacts, transition: Transition) -> Result<(), LedgerError> {
    let latest: Option<i64> =
        write.prepare_cached("SELECT attempt FROM task WHERE id = ?1")?.query_row([facts.task], |row| row.get(0))?;
    if latest == Some(facts.id) { move_task(write, facts.task, transition, None) } else { Ok(()) }
}

/// Moves a task along the one table of its life.
fn move_task(write: &Connection, task: i64, transition: Transition, attempt: Option<i64>) -> Result<(), LedgerError> {
    let (state, reason): (i64, Option<i64>) = write
        .prepare_cached("SELECT state, reason FROM task WHERE id = ?1")?
        .query_row([task], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let from = TaskState::from_numbers(state, reason)
        .ok_or_else(|| LedgerError::Unexpected(format!("task {task} is in no known state")))?;
    let (state, reason) = from.next(transition)?.numbers();
    write
        .prepare_cached("UPDATE task SET state = ?2, reason = ?3, attempt = coalesce(?4, attempt) WHERE id = ?1")?
        .execute((task, state, reason, attempt))?;
    Ok(())
}

/// The attempt, if it is in one of the states; otherwise what is to be recorded is known already.
fn in_state(write: &Connection, attempt: AttemptId, states: &[i64]) -> Result<Option<AttemptFacts>, LedgerError> {
    let facts = write
        .prepare_cached("SELECT id, task, batch, state, held_nano FROM attempt WHERE id = ?1")?
        .query_row([attempt.0], |row| {
            Ok(AttemptFacts {
                id: row.get(0)?,
                task: row.get(1)?,
                batch: row.get(2)?,
                state: row.get(3)?,
                held: Money::from_nanos(row.get(4)?),
            })
        })?;
    Ok(states.contains(&facts.state).then_some(facts))
}

fn count(write: &Connection, batch: i64, unresolved: i64, uncollected: i64) -> Result<(), LedgerError> {
    write
        .prepare_cached("UPDATE batch SET unresolved = unresolved + ?2, uncollected = uncollected + ?3 WHERE id = ?1")?
        .execute((batch, unresolved, uncollected))?;
    Ok(())
}

fn window(write: &Connection, batch: i64) -> Result<Window, LedgerError> {
    let (run, sent_v, hold_to_v) = write
        .prepare_cached("SELECT run, sent_v, hold_to_v FROM batch WHERE id = ?1")?
        .query_row([batch], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Window { owners: Owners::read(write, RunId(run))?, sent_v, hold_to_v })
}

fn to_buy(write: &Connection, task: i64) -> Result<Replanned, LedgerError> {
    Ok(write
        .prepare_cached(
            "SELECT task.run, task.id, task.position, task.target, task.service, task.attempt, attempt.number
             FROM task LEFT JOIN attempt ON attempt.id = task.attempt WHERE task.id = ?1",
        )?
        .query_row([task], |row| Ok(Replanned { run: RunId(row.get(0)?), task: ToBuy::from_row(row, 1)? }))?)
}

/// The vendor's id as it is kept: 16 bytes where its text is a lower-case UUID, else the text.
pub(super) fn vendor_key(id: &str) -> Value {
    let shape = id.len() == 36 && [8, 13, 18, 23].iter().all(|at| id.as_bytes()[*at] == b'-');
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    match data_encoding::HEXLOWER.decode(digits.as_bytes()) {
        Ok(bytes) if shape && bytes.len() == 16 => Value::Blob(bytes),
        _ => Value::Text(id.to_owned()),
    }
}

/// The vendor's id as its text.
pub(super) fn vendor_text(key: ValueRef<'_>) -> Option<String> {
    match key {
        ValueRef::Blob(bytes) => {
            let hex = data_encoding::HEXLOWER.encode(bytes);
            (hex.len() == 32).then(|| [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
        }
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(str::to_owned),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_id_comes_back_as_it_was() {
        for id in [
            "06231817-1535-0066-0000-9b3f8fd46bd0",
            "06231817-1535-0066-0000-9B3F8FD46BD0",
            "x",
            "062318171535006600009b3f8fd46bd0----",
            "06231817-1535-0066-0000-9b3f8fd46bgz",
        ] {
            let key = vendor_key(id);
            assert_eq!(vendor_text(ValueRef::from(&key)).as_deref(), Some(id));
        }
        assert!(matches!(vendor_key("06231817-1535-0066-0000-9b3f8fd46bd0"), Value::Blob(_)));
    }
}
