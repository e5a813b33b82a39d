//! What a purchase cost in the end, if that was not known when it was made; purchases that came to nothing, or were
//! found after they had been given up.

use rusqlite::{OptionalExtension as _, named_params};

use super::LedgerError;
use super::columns::{listed_done, named_in, only};
use super::commit::Commit;
use super::postings;
use super::provider_id::provider_key;
use super::provisional::{is_final, is_provisional};
use super::working_set::Attempt;
use super::{NoticeKind, notices};
use crate::attempt::{AttemptState, Step};
use crate::ids::{AccountId, AttemptId};
use crate::ledger::change::{Settled, UnmatchedCharge};
use crate::money::Money;
use crate::price::NamedIn;
use crate::task::{Reason, Transition};

impl Commit<'_> {
    /// An assumed cost becomes the provider's: what was booked too much is refund, and too little is overrun.
    pub(super) fn correct(&mut self, attempt: AttemptId, cost: Money, named_in: NamedIn) -> Result<(), LedgerError> {
        let assumed: Option<(i64, i64, i64, bool)> = self
            .write
            .prepare_cached(
                "SELECT attempt.batch, attempt.settled_nano, batch.posted_v,
                        attempt.state = 1 AND batch.function = 'llm_responses' AND batch.method = 'standard' AS open
                 FROM attempt JOIN batch ON batch.id = attempt.batch
                 WHERE attempt.id = :attempt AND attempt.posted_nano IS NULL AND attempt.settled_nano IS NOT NULL",
            )?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                Ok((row.get("batch")?, row.get("settled_nano")?, row.get("posted_v")?, row.get("open")?))
            })
            .optional()?;
        let Some((batch, assumed, posted_v, open)) = assumed else { return Ok(()) };
        if open {
            // It may still come to all that was held: what was taken so far is noted, and its answer settles it.
            let sql = "UPDATE attempt SET posted_nano = :posted_nano, listed_done = :listed_done WHERE id = :attempt";
            self.write.prepare_cached(sql)?.execute(named_params! {
                ":attempt": attempt, ":posted_nano": cost, ":listed_done": listed_done(named_in),
            })?;
            return Ok(());
        }
        self.write
            .prepare_cached(
                "UPDATE attempt SET posted_nano = :posted_nano, settled_nano = :posted_nano
                             WHERE id = :attempt",
            )?
            .execute(named_params! { ":attempt": attempt, ":posted_nano": cost })?;
        self.moves.settle(batch, posted_v, Money::from_nanos(assumed), cost, Money::ZERO);
        is_final(self.write, attempt)
    }

    /// A task whose cost was open has come to so much: the difference to what was booked is charge, overrun or refund,
    /// and what is left of its hold is free.
    pub(super) fn close(&mut self, attempt: AttemptId, settled: Option<Settled>) -> Result<(), LedgerError> {
        let Some(Settled { cost, is_told }) = settled else { return Ok(()) };
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Submitted])? else { return Ok(()) };
        let (booked, kept, posted_v, first): (i64, bool, i64, Option<(i64, NamedIn)>) = self
            .write
            .prepare_cached(
                "SELECT coalesce(attempt.settled_nano, attempt.posted_nano) AS booked, attempt.settled_nano IS NULL
                        AND batch.method = 'standard' AS kept, coalesce(batch.posted_v, batch.sent_v) AS posted_v,
                        attempt.posted_nano, attempt.listed_done
                 FROM attempt JOIN batch ON batch.id = attempt.batch WHERE attempt.id = :attempt",
            )?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                let first = row.get::<_, Option<i64>>("posted_nano")?.zip(Some(named_in(row.get("listed_done")?)));
                Ok((row.get("booked")?, row.get("kept")?, row.get("posted_v")?, first))
            })?;
        self.write
            .prepare_cached(
                "UPDATE attempt SET posted_nano = coalesce(posted_nano, settled_nano), settled_nano = :settled_nano
                 WHERE id = :attempt",
            )?
            .execute(named_params! { ":attempt": attempt, ":settled_nano": cost })?;
        let booked = Money::from_nanos(booked);
        let rest = if kept { facts.held.less(booked) } else { Money::ZERO };
        self.moves.settle(facts.batch, posted_v, booked, cost, rest);
        if !is_told {
            // The list may still name it.
            return is_provisional(self.write, attempt, first);
        }
        is_final(self.write, attempt)?;
        self.write
            .prepare_cached(
                "INSERT INTO target_cost (account, target, method, tasks, total_nano, max_nano)
                 SELECT batch.account, task.target, batch.method, 1, :total_nano, :total_nano FROM batch, task
                 WHERE batch.id = :batch AND task.id = :task
                 ON CONFLICT DO UPDATE SET tasks = tasks + 1, total_nano = total_nano + excluded.total_nano,
                                           max_nano = max(max_nano, excluded.max_nano)",
            )?
            .execute(named_params! { ":batch": facts.batch, ":task": facts.task, ":total_nano": cost })?;
        Ok(())
    }

    /// An attempt that was given up was a purchase: nothing is held any more for what it was charged, and what was booked
    /// for it as an extra while its task was not asked is taken back. The rest of what was held for it is held again, past
    /// every ceiling, where it may still be charged.
    pub(super) fn found_after_all(
        &mut self,
        facts: Attempt,
        provider_id: &str,
        rest: Money,
    ) -> Result<Attempt, LedgerError> {
        let sql = "SELECT account FROM batch WHERE id = :batch";
        let account = self.write.query_row(sql, named_params! { ":batch": facts.batch }, only)?;
        postings::reverse_unmatched(self.write, account, provider_id, facts.id)?;
        let window = postings::window(self.write, facts.batch)?;
        postings::hold_for_found(self.write, facts.batch, rest, window)?;
        if rest.is_zero() {
            self.write
                .prepare_cached("UPDATE attempt SET held_nano = 0 WHERE id = :attempt")?
                .execute(named_params! { ":attempt": facts.id })?;
        }
        Ok(Attempt { held: Money::ZERO, ..facts })
    }

    /// The provider took money for a task that has no answer.
    pub(super) fn paid_for_nothing(
        &mut self,
        facts: Attempt,
        code: Option<u32>,
        provider_id: Option<&str>,
        (cost, posted_v): (Money, i64),
        reason: Reason,
    ) -> Result<(), LedgerError> {
        let was_sending = facts.state == AttemptState::Sending;
        let facts = match provider_id {
            Some(provider_id) if !was_sending => {
                // Given up for not bought, and found after all: it is accepted first, and lost then.
                self.working_set.move_task_of(facts, Transition::Accept)?;
                self.found_after_all(facts, provider_id, Money::ZERO)?
            }
            _ => facts,
        };
        let state = self.goes(facts, Step::FailPaid, Transition::Fail(reason))?;
        let sql = "UPDATE attempt SET state = :state, code = :code, provider_id = :provider_id, posted_nano = :cost,
                                      settled_nano = :cost
                   WHERE id = :attempt AND state = :from";
        let changed = self.write.prepare_cached(sql)?.execute(named_params! {
            ":attempt": facts.id, ":from": facts.state, ":state": state, ":code": code, ":cost": cost,
            ":provider_id": provider_id.map(provider_key),
        })?;
        LedgerError::unless_one(changed, "attempt", facts.id)?;
        self.moves.charge(facts.batch, posted_v, facts.held, cost, false);
        self.moves.count(facts.batch, if was_sending { -1 } else { 0 }, 0);
        self.moves.posted(facts.batch, posted_v);
        Ok(())
    }

    /// A model's task failed in the reply to its purchase, which named so much: the provider may give back what was taken
    /// beside its fee, and its list alone says so.
    pub(super) fn may_come_back(&mut self, attempt: AttemptId, named: Money) -> Result<(), LedgerError> {
        let sql = "SELECT attempt.provider_id IS NOT NULL AND function = 'llm_responses' AND method = 'standard'
                   FROM attempt JOIN batch ON batch.id = attempt.batch WHERE attempt.id = :attempt";
        let settles_later =
            self.write.prepare_cached(sql)?.query_row(named_params! { ":attempt": attempt }, only::<bool>)?;
        if settles_later && !named.is_zero() {
            is_provisional(self.write, attempt, Some((named.nanos(), NamedIn::Answer)))?;
        }
        Ok(())
    }

    /// Money that belongs to no attempt, booked once.
    pub(super) fn extra(&mut self, account: AccountId, extra: &UnmatchedCharge) -> Result<(), LedgerError> {
        let new = self.write.execute(
            "INSERT INTO unmatched_charge (account, attempt, provider_id, tag, nano_usd, posted_v, why)
             VALUES (:account, :attempt, :provider_id, :tag, :nano_usd, :posted_v, :why) ON CONFLICT DO NOTHING",
            named_params! {
                ":account": account, ":attempt": extra.attempt, ":provider_id": &extra.provider_id,
                ":tag": &extra.tag, ":nano_usd": extra.cost, ":posted_v": extra.posted_v, ":why": &extra.why,
            },
        )?;
        if new == 1 {
            self.booked.extras += 1;
            self.booked.money = true;
            postings::extra(self.write, account.0, extra.posted_v, extra.cost)?;
            notices::add(self.write, account.0, None, NoticeKind::Unmatched, (1, extra.cost.nanos()))?;
        }
        Ok(())
    }
}
