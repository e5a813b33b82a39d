//! The journal: the only code that moves money and tasks together.
//!
//! T1 ([`Ledger::reserve`]): a batch and its attempts exist from the moment their money is reserved, before a byte is
//! sent. T2 and T3 ([`Ledger::record`]): what the provider accepted is charged and its id stored; what surely was not
//! bought is released; an answer is stored with the state it leads to. Each is one commit, complete or not at all.

use rusqlite::{Connection, DropBehavior, TransactionBehavior, named_params};

use super::bulk_writes::{Mover, insert_attempts};
use super::caps::Owners;
use super::columns::only;
use super::commit::Commit;
use super::notices;
use super::observations::note;
use super::postings::{self, Window};
use super::provider_id::provider_key;
use super::provisional::is_provisional;
use super::reopen::paid_failures;
use super::to_buy::TO_BUY;
use super::words::said;
use super::working_set::Attempt;
use super::{Ledger, LedgerError, ToBuy};
use crate::attempt::{AttemptState, Step};
use crate::ids::{AttemptId, BatchId};
use crate::ledger::change::{Answer, Booked, CapReached, Change, Draft, Replanned, Reserved, Settled};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::price::NamedIn;
use crate::rule::Rule;
use crate::task::{Reason, TaskState, Transition};

impl Ledger {
    /// T1: reserves the money of each batch under every cap and writes the batch and its attempts, all in one commit.
    /// Each draft stands alone: one that does not fit leaves nothing behind.
    pub(super) fn reserve(&mut self, drafts: &[Draft]) -> Result<Vec<Result<Reserved, CapReached>>, LedgerError> {
        Ok(self.commit(Vec::new(), drafts)?.1)
    }

    /// T2 and T3: writes what has become known, all in one commit. A change that the ledger already holds (the same id
    /// again, a late reply) is no change.
    pub(super) fn record(&mut self, changes: Vec<Change>) -> Result<Booked, LedgerError> {
        Ok(self.commit(changes, &[])?.0)
    }

    /// T2 and T3, and then T1 of the next batches with the money that they left, in one commit: a purchase waits for
    /// one write to the disk instead of two.
    pub(super) fn commit(
        &mut self,
        changes: Vec<Change>,
        drafts: &[Draft],
    ) -> Result<(Booked, Vec<Result<Reserved, CapReached>>), LedgerError> {
        let owners = drafts.iter().map(|draft| self.owners(draft.run)).collect::<Result<Vec<_>, _>>()?;
        let session = self.session;
        if !Rule::IntentBeforeTheAct.is_kept() && !self.db.is_autocommit() {
            self.db.execute_batch("COMMIT")?;
        }
        let mut write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let booked = write_down(&write, changes, session)?;
        let mut outcomes = Vec::with_capacity(drafts.len());
        for (draft, owners) in drafts.iter().zip(owners) {
            outcomes.push(reserve_one(&write, draft, owners, session)?);
        }
        if Rule::IntentBeforeTheAct.is_kept() || drafts.is_empty() {
            write.commit()?;
        } else {
            // Left for the next commit to end, and what it reserves is sent.
            write.set_drop_behavior(DropBehavior::Ignore);
            drop(write);
        }
        let last = outcomes.iter().zip(drafts).filter_map(|(outcome, draft): (&Result<Reserved, CapReached>, _)| {
            let reserved = outcome.as_ref().ok()?;
            Some(reserved.first_attempt.0 + i64::try_from(draft.tasks.len()).unwrap_or(0) - 1)
        });
        if let (Some(outside), Some(last)) = (&self.outside, last.max()) {
            outside.reserved(last);
        }
        Ok((booked, outcomes))
    }
}

/// Writes changes: first those that move money or tasks, then what they moved, then the rest.
fn write_down(write: &Connection, changes: Vec<Change>, session: i64) -> Result<Booked, LedgerError> {
    let attempts = changes.iter().filter_map(Change::attempt).map(|attempt| attempt.0).collect();
    let mut commit = Commit::begin(write, attempts, session)?;
    let mut notes = Vec::new();
    for change in changes {
        notes.extend(commit.record(change)?);
    }
    commit.accepted.write()?;
    let Commit { working_set, moves, lost, mut booked, .. } = commit;
    working_set.finish()?;
    booked.money |= moves.any_money();
    moves.write(write)?;
    notices::lost(write, &lost)?;
    for change in notes {
        note(write, change)?;
    }
    Ok(booked)
}

/// Holds a batch's money, and then writes it and its attempts; where a ceiling has no room, nothing at all.
fn reserve_one(
    write: &Connection,
    draft: &Draft,
    owners: Owners,
    session: i64,
) -> Result<Result<Reserved, CapReached>, LedgerError> {
    let hold: Money = draft.tasks.iter().map(|task| task.hold).sum();
    let window = Window { owners, sent_v: draft.sent_v, hold_to_v: draft.hold_to_v };
    if let Some(row) = postings::hold(write, hold, window)? {
        let cap = row.headroom(write)?.ok_or_else(|| LedgerError::Unexpected("a ceiling without a limit".into()))?;
        return Ok(Err(CapReached { cap }));
    }
    let first: i64 = write.prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM attempt")?.query_row([], only)?;
    write
        .prepare_cached(
            "INSERT INTO batch (run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, session,
             held_nano, unresolved, method)
             VALUES (:run, :account, :engine, :function, :first, :attempts, :sent, :hold_to, :session, :held,
                 :attempts, :method)",
        )?
        .execute(named_params! {
            ":run": draft.run.0, ":account": owners.account, ":engine": draft.engine.name(),
            ":function": draft.function.name(), ":first": first, ":attempts": draft.tasks.len(),
            ":sent": draft.sent_v, ":hold_to": draft.hold_to_v, ":session": session, ":held": hold.nanos(), ":method": draft.method.name(),
        })?;
    let batch = write.last_insert_rowid();
    postings::reserved(write, batch, hold, window)?;
    let mut mover = Mover::new(write)?;
    for (attempt, task) in (first..).zip(&draft.tasks) {
        mover.go(task.task.0, TaskState::Planned, Transition::Reserve, Some(attempt))?;
    }
    mover.finish()?;
    insert_attempts(write, batch, first, &draft.tasks)?;
    Ok(Ok(Reserved { batch: BatchId(batch), first_attempt: AttemptId(first), hold }))
}

impl Commit<'_> {
    /// Writes a change; one that moves neither money nor tasks is handed back, to be noted after those that do.
    fn record(&mut self, change: Change) -> Result<Option<Change>, LedgerError> {
        if !matches!(change, Change::Accepted { .. }) {
            // What follows may read or change what was accepted.
            self.accepted.write()?;
        }
        match change {
            Change::Accepted { attempt, provider_id, cost, posted_v, named_in, open } => {
                self.accept(attempt, &provider_id, (cost, posted_v), named_in, open)?;
            }
            Change::Corrected { attempt, cost, named_in } => self.correct(attempt, cost, named_in)?,
            Change::CostFound { attempt, cost } => self.found_cost(attempt, cost)?,
            Change::Refused { attempt, code, message, for_good } => {
                let transition = if for_good { Transition::Fail(Reason::Refused) } else { Transition::NotBought };
                self.not_bought(attempt, Step::Refuse, Some(code), transition)?;
                said(self.write, attempt, &message)?;
            }
            Change::RefusedWhole { attempt, code, message } => {
                self.not_bought(attempt, Step::NotBought, Some(code), Transition::NotBought)?;
                said(self.write, attempt, &message)?;
            }
            Change::NotBought { attempt } => {
                self.not_bought(attempt, Step::NotBought, None, Transition::NotBought)?;
            }
            Change::PaidFailure { attempt, code, message, provider_id, cost, named, posted_v, again } => {
                let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Sending])? else {
                    return Ok(None);
                };
                self.paid_for_nothing(
                    facts,
                    Some(code),
                    provider_id.as_deref(),
                    (cost, posted_v),
                    Reason::PaidFailure,
                )?;
                said(self.write, attempt, &message)?;
                self.may_come_back(attempt, named)?;
                self.reopen(facts, again)?;
            }
            Change::LostLive { attempt, provider_id, cost, posted_v } => {
                let states = [AttemptState::Sending, AttemptState::NotBought, AttemptState::ResolvedAsBought];
                let Some(facts) = self.working_set.in_state(attempt, &states)? else { return Ok(None) };
                let facts = self.word_is_kept(facts)?;
                self.paid_for_nothing(facts, None, Some(&provider_id), (cost, posted_v), Reason::LostLive)?;
            }
            Change::FailedLater { attempt, code, message, again, settled } => {
                self.close(attempt, settled)?;
                if let Some(facts) =
                    self.ended(attempt, Step::FailPaid, Some(code), Transition::Fail(Reason::PaidFailure))?
                {
                    said(self.write, attempt, &message)?;
                    self.reopen(facts, again)?;
                }
            }
            Change::Expired { attempt, settled } => {
                self.close(attempt, settled)?;
                let sql = "SELECT EXISTS (SELECT 1 FROM answer WHERE attempt = :attempt)";
                let is_here = self.write.prepare_cached(sql)?.query_row(named_params! { ":attempt": attempt }, only)?;
                let (step, transition) = if is_here {
                    (Step::Answer, Transition::Answer)
                } else {
                    (Step::Expire, Transition::Fail(Reason::Expired))
                };
                self.ended(attempt, step, None, transition)?;
            }
            Change::Answered { attempt, answer, settled } => self.store(attempt, &answer, settled)?,
            Change::ResolvedAsBought { attempt, posted_v } => self.said_bought(attempt, posted_v)?,
            Change::ResolvedAsNotBought { attempt } => self.said_not_bought(attempt)?,
            Change::TakenBack { attempt } => self.taken_back(attempt)?,
            Change::NeverCame { attempt } => self.never_came(attempt)?,
            Change::Recovered { account, row, lost } => self.recovered(account, &row, lost)?,
            Change::UnmatchedCharge { account, extra } => self.extra(account, &extra)?,
            Change::Posted { batch, posted_v } => self.moves.posted(batch.0, posted_v),
            Change::UnknownOutcome { batch, .. } if !Rule::DoubtIsHeld.is_kept() => {
                let sql = "SELECT held_nano FROM batch WHERE id = :batch";
                let held = self.write.query_row(sql, named_params! { ":batch": batch }, only)?;
                self.moves.release(batch.0, Money::from_nanos(held));
                return Ok(Some(change));
            }
            other @ (Change::UnknownOutcome { .. }
            | Change::CostSought { .. }
            | Change::CostStays { .. }
            | Change::Shown { .. }
            | Change::Closed { .. }
            | Change::PriceSeen { .. }
            | Change::VisibilityProof { .. }
            | Change::Lag { .. }
            | Change::ProviderTime { .. }
            | Change::Restored { .. }
            | Change::RestoredClosed { .. }
            | Change::RestoredDone { .. }
            | Change::ScanEnded { .. }
            | Change::ScansInconclusive { .. }
            | Change::Watched { .. }
            | Change::Crowded { .. }
            | Change::LetGo { .. }
            | Change::Noted { .. }) => return Ok(Some(other)),
        }
        Ok(None)
    }

    pub(super) fn accept(
        &mut self,
        attempt: AttemptId,
        provider_id: &str,
        (cost, posted_v): (Money, i64),
        named_in: Option<NamedIn>,
        open: bool,
    ) -> Result<(), LedgerError> {
        // Given up for not bought, and found after all: its hold is gone, so the charge is overrun; what it may still come
        // to is held again.
        let states = [AttemptState::Sending, AttemptState::NotBought, AttemptState::ResolvedAsBought];
        let Some(facts) = self.working_set.in_state(attempt, &states)? else { return Ok(()) };
        let facts = self.word_is_kept(facts)?;
        let was_sending = facts.state == AttemptState::Sending;
        let rest = if open { facts.held.less(cost) } else { Money::ZERO };
        let facts = if was_sending { facts } else { self.found_after_all(facts, provider_id, rest)? };
        self.accepted.add((facts.id, facts.state), provider_key(provider_id), cost, named_in)?;
        if named_in.is_none() {
            is_provisional(self.write, attempt, None)?;
        }
        self.goes(facts, Step::Accept, Transition::Accept)?;
        self.moves.charge(facts.batch, posted_v, facts.held, cost, open);
        self.moves.count(facts.batch, if was_sending { -1 } else { 0 }, 1);
        self.moves.posted(facts.batch, posted_v);
        Ok(())
    }

    pub(super) fn not_bought(
        &mut self,
        attempt: AttemptId,
        step: Step,
        code: Option<u32>,
        transition: Transition,
    ) -> Result<(), LedgerError> {
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Sending])? else { return Ok(()) };
        let state = self.goes(facts, step, transition)?;
        let sql = "UPDATE attempt SET state = :state, code = :code WHERE id = :attempt AND state = :from";
        let changed = self.write.prepare_cached(sql)?.execute(named_params! {
            ":attempt": facts.id, ":from": facts.state, ":state": state, ":code": code,
        })?;
        LedgerError::unless_one(changed, "attempt", facts.id)?;
        self.moves.release(facts.batch, facts.held);
        self.moves.count(facts.batch, -1, 0);
        if transition == Transition::NotBought {
            self.replanned(facts)?;
        }
        Ok(())
    }

    /// An attempt that was bought comes to no answer, or to no further one.
    fn ended(
        &mut self,
        attempt: AttemptId,
        step: Step,
        code: Option<u32>,
        transition: Transition,
    ) -> Result<Option<Attempt>, LedgerError> {
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Submitted])? else { return Ok(None) };
        let state = self.goes(facts, step, transition)?;
        let sql = "UPDATE attempt SET state = :state, code = :code, settled_nano = coalesce(settled_nano, posted_nano)
                   WHERE id = :attempt AND state = :from";
        let changed = self.write.prepare_cached(sql)?.execute(named_params! {
            ":attempt": facts.id, ":from": facts.state, ":state": state, ":code": code,
        })?;
        LedgerError::unless_one(changed, "attempt", facts.id)?;
        self.moves.count(facts.batch, 0, -1);
        Ok(Some(facts))
    }

    fn store(&mut self, attempt: AttemptId, answer: &Answer, settled: Option<Settled>) -> Result<(), LedgerError> {
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Submitted])? else { return Ok(()) };
        self.write
            .prepare_cached(
                "INSERT INTO answer (attempt, kind, fetched_at, done_v, model, body, oddity)
                 VALUES (:attempt, :kind, :fetched_at, :done_v, :model, :body, :oddity)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(named_params! {
                ":attempt": facts.id, ":kind": answer.kind.name(), ":fetched_at": answer.fetched_at,
                ":done_v": answer.done_v, ":model": &answer.model, ":body": &answer.body,
                ":oddity": answer.oddity.map(Oddity::name),
            })?;
        if answer.complete {
            self.close(attempt, settled)?;
            self.ended(attempt, Step::Answer, None, Transition::Answer)?;
        }
        Ok(())
    }

    /// A paid failure that the job wants tried again is planned anew, as long as there are no more of them.
    fn reopen(&mut self, facts: Attempt, again: u32) -> Result<(), LedgerError> {
        if again > 0 && paid_failures(self.write, facts.id)? <= again {
            self.working_set.move_task_of(facts, Transition::Reopen)?;
            self.lost.retain(|(attempt, _)| *attempt != facts.id);
            self.replanned(facts)?;
        }
        Ok(())
    }

    /// The attempt's task is planned again, unless a later attempt has it.
    fn replanned(&mut self, facts: Attempt) -> Result<(), LedgerError> {
        let (asked, task): (bool, Replanned) = self
            .write
            .prepare_cached(&format!(
                "SELECT {TO_BUY}, task.run, task.asked
                 FROM task LEFT JOIN attempt ON attempt.id = task.attempt WHERE task.id = :task"
            ))?
            .query_row(named_params! { ":task": facts.task }, |row| {
                Ok((row.get("asked")?, Replanned { run: row.get("run")?, task: ToBuy::from_row(row)? }))
            })?;
        if task.task.previous != Some(AttemptId(facts.id)) {
            return Ok(());
        }
        if asked {
            self.booked.replanned.push(task);
            return Ok(());
        }
        // The job file no longer asks it: it leaves, as it would have if it had not been in doubt.
        self.working_set.move_task_of(facts, Transition::Drop)?;
        Ok(())
    }
}
