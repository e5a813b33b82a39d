//! A person's decision on what is in doubt: what it does to the books, how it is stored, and how it is taken back.
//!
//! What a person calls bought is charged at its hold and waits for its id, its cost and its answer. When a list, its
//! id or a callback shows it, one commit takes the charge back, restores the hold, and books the purchase like any
//! other that was in doubt.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, named_params};

use super::Awaited;
use super::NoticeKind;
use super::columns::{named, only};
use super::commit::Commit;
use super::working_set::Attempt;
use super::{Ledger, LedgerError};
use crate::attempt::{AttemptState, Step};
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::task::{Reason, Transition};

impl Ledger {
    /// What a person called bought and nobody has found yet.
    pub(super) fn awaited(&self, account: AccountId) -> Result<Vec<Awaited>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT batch.id AS batch, batch.engine, batch.function, batch.method, batch.sent_v, batch.closed_v,
                    attempt.id AS attempt
             FROM word JOIN attempt ON attempt.id = word.attempt JOIN batch ON batch.id = attempt.batch
             WHERE word.bought = 1 AND batch.account = :account ORDER BY attempt.id",
        )?;
        let mut rows = statement.query(named_params! { ":account": account })?;
        let mut all: Vec<Awaited> = Vec::new();
        while let Some(row) = rows.next()? {
            let (batch, attempt) = (row.get("batch")?, row.get("attempt")?);
            match all.last_mut().filter(|last| last.batch == batch) {
                Some(last) => drop(last.attempts.insert(attempt)),
                None => all.push(Awaited {
                    batch,
                    engine: named(row, "engine")?,
                    function: named(row, "function")?,
                    method: named(row, "method")?,
                    sent_v: row.get("sent_v")?,
                    closed_v: row.get("closed_v")?,
                    attempts: BTreeSet::from([attempt]),
                }),
            }
        }
        Ok(all)
    }

    /// The attempts of a batch on which a person's word stands and can be taken back: those called bought that were not
    /// found, and those called not bought whose tasks wait to be bought.
    pub(super) fn words(&self, batch: BatchId) -> Result<Vec<(AttemptId, crate::ids::TaskId, bool)>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id AS attempt, task.id AS task, word.bought FROM word
                    JOIN attempt ON attempt.id = word.attempt
             JOIN task ON task.id = attempt.task
             WHERE attempt.batch = :batch AND (word.bought = 1 OR (task.attempt = attempt.id AND task.state = 0))
             ORDER BY attempt.id",
        )?;
        let rows = statement.query_map(named_params! { ":batch": batch }, |row| {
            Ok((row.get("attempt")?, row.get("task")?, row.get("bought")?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Commit<'_> {
    /// The hold is charged as of this moment, and the answer is waited for.
    pub(super) fn said_bought(&mut self, attempt: AttemptId, posted_v: i64) -> Result<(), LedgerError> {
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::Sending])? else { return Ok(()) };
        let sql = "SELECT method = 'live' FROM batch WHERE id = :batch";
        let is_live: bool = self.write.prepare_cached(sql)?.query_row(named_params! { ":batch": facts.batch }, only)?;
        if is_live {
            // Its answer went with its connection: there is nothing to wait for.
            return self.paid_for_nothing(facts, None, None, (facts.held, posted_v), Reason::ResolvedAsBought);
        }
        let state = self.goes(facts, Step::ResolveAsBought, Transition::Accept)?;
        self.write_row(facts, state, "posted_nano = held_nano, settled_nano = held_nano")?;
        self.write
            .prepare_cached(
                "INSERT OR REPLACE INTO word (attempt, bought, charged_v) VALUES (:attempt, 1, :charged_v)",
            )?
            .execute(named_params! { ":attempt": facts.id, ":charged_v": posted_v })?;
        self.moves.charge(facts.batch, posted_v, facts.held, facts.held, false);
        self.moves.count(facts.batch, -1, 0);
        Ok(())
    }

    /// The hold is free, and the task is planned again.
    pub(super) fn said_not_bought(&mut self, attempt: AttemptId) -> Result<(), LedgerError> {
        if self.working_set.in_state(attempt, &[AttemptState::Sending])?.is_none() {
            return Ok(());
        }
        self.not_bought(attempt, Step::NotBought, None, Transition::NotBought)?;
        self.write
            .prepare_cached("INSERT OR REPLACE INTO word (attempt, bought) VALUES (:attempt, 0)")?
            .execute(named_params! { ":attempt": attempt })?;
        Ok(())
    }

    /// A person's word is taken back. Of what was called not bought that goes as long as its task waits to be bought.
    pub(super) fn taken_back(&mut self, attempt: AttemptId) -> Result<(), LedgerError> {
        let states = [AttemptState::ResolvedAsBought, AttemptState::NotBought];
        let Some(facts) = self.working_set.in_state(attempt, &states)? else { return Ok(()) };
        if facts.state == AttemptState::ResolvedAsBought {
            return self.word_is_kept(facts).map(drop);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM word JOIN task ON task.attempt = word.attempt
                                  WHERE word.attempt = :attempt AND word.bought = 0 AND task.state = 0)";
        let is_planned: bool =
            self.write.prepare_cached(sql)?.query_row(named_params! { ":attempt": attempt }, only)?;
        if is_planned {
            self.in_doubt_again(facts, None)?;
        }
        Ok(())
    }

    /// What a person called bought was not found as long as the provider keeps answers: it was paid for nothing.
    pub(super) fn never_came(&mut self, attempt: AttemptId) -> Result<(), LedgerError> {
        let Some(facts) = self.working_set.in_state(attempt, &[AttemptState::ResolvedAsBought])? else { return Ok(()) };
        let state = self.goes(facts, Step::FailPaid, Transition::Fail(Reason::ResolvedAsBought))?;
        self.write_row(facts, state, "code = code")?;
        self.forget_word(facts)?;
        // Not the person's word is the loss, but that nothing came of it.
        self.lost.push((facts.id, NoticeKind::Expired));
        Ok(())
    }

    /// An attempt that a person called bought is in doubt again, as if nobody had said anything, and what has become known
    /// of it is booked like that of any other. One that is in another state stays as it is.
    pub(super) fn word_is_kept(&mut self, facts: Attempt) -> Result<Attempt, LedgerError> {
        if facts.state != AttemptState::ResolvedAsBought {
            return Ok(facts);
        }
        let charged_v: Option<i64> = self
            .write
            .prepare_cached("SELECT charged_v FROM word WHERE attempt = :attempt")?
            .query_row(named_params! { ":attempt": facts.id }, only)
            .optional()?
            .flatten();
        let charged_v = charged_v.ok_or_else(|| {
            LedgerError::Unexpected(format!("nobody said of attempt {} that it was bought", facts.id))
        })?;
        self.in_doubt_again(facts, Some(charged_v))
    }

    fn in_doubt_again(&mut self, facts: Attempt, charged_v: Option<i64>) -> Result<Attempt, LedgerError> {
        let state = self.goes(facts, Step::UnknownOutcome, Transition::UnknownOutcome)?;
        self.write_row(facts, state, "posted_nano = NULL, settled_nano = NULL, code = NULL")?;
        self.forget_word(facts)?;
        self.moves.in_doubt_again(facts.batch, charged_v.map(|charged_v| (charged_v, facts.held)), facts.held);
        self.moves.count(facts.batch, 1, 0);
        Ok(Attempt { state, ..facts })
    }

    /// Writes the attempt's row with its new state, and with what a word or its end makes of its costs.
    fn write_row(&mut self, facts: Attempt, state: AttemptState, costs: &str) -> Result<(), LedgerError> {
        let sql = format!("UPDATE attempt SET state = :state, {costs} WHERE id = :attempt AND state = :from");
        let changed = self
            .write
            .prepare_cached(&sql)?
            .execute(named_params! { ":attempt": facts.id, ":from": facts.state, ":state": state })?;
        LedgerError::unless_one(changed, "attempt", facts.id)
    }

    fn forget_word(&mut self, facts: Attempt) -> Result<(), LedgerError> {
        self.write.prepare_cached("DELETE FROM word WHERE attempt = :attempt")?.execute(named_params! {
            ":attempt": facts.id,
        })?;
        Ok(())
    }
}
