//! Provisional costs: booked because the provider named none, until its list names them.
//!
//! `settle` and `journal` write a row where they book such a cost. The engine reads the provider's list for these
//! rows, and its findings come back as a change. Entries that are added under the caps of the purchase correct the
//! books.

use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::columns::{listed_done, named, named_in, provider_id};
use super::commit::Commit;
use super::{Ledger, LedgerError};
use super::{Provisional, Settlement};
use crate::ids::{AccountId, AttemptId};
use crate::money::Money;
use crate::price::NamedIn;

impl Ledger {
    /// The costs of an account that were booked provisionally, but for those that an answer will still settle.
    pub(super) fn provisional(&self, account: AccountId) -> Result<Vec<Provisional>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id, attempt.provider_id, batch.function, batch.method,
                    coalesce(attempt.settled_nano, attempt.posted_nano, 0) AS booked, first_nano, first_done,
                    coalesce(batch.posted_v, batch.sent_v) AS posted_v, scanned_v, attempt.state = 5 AS has_failed,
                    (SELECT nano_usd FROM price_seen WHERE price_seen.account = batch.account
                     AND price_key GLOB batch.function || '/*/standard/*' ORDER BY seen_v DESC LIMIT 1) AS last
             FROM provisional_cost JOIN attempt ON attempt.id = provisional_cost.attempt
             JOIN batch ON batch.id = attempt.batch
             WHERE batch.account = :account AND attempt.provider_id IS NOT NULL
               AND NOT (attempt.state = 1 AND batch.function = 'llm_responses' AND batch.method = 'standard')
             ORDER BY attempt.id",
        )?;
        let rows = statement.query_map(named_params! { ":account": account }, |row| {
            let money = |nanos: Option<i64>| nanos.map(Money::from_nanos);
            Ok(Provisional {
                attempt: row.get("id")?,
                provider_id: provider_id(row, "provider_id")?,
                function: named(row, "function")?,
                method: named(row, "method")?,
                booked: row.get("booked")?,
                first: money(row.get("first_nano")?),
                named_in: named_in(row.get("first_done")?),
                posted_v: row.get("posted_v")?,
                scanned_v: row.get("scanned_v")?,
                has_failed: row.get("has_failed")?,
                last: money(row.get("last")?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Models' tasks that were bought in a span of the provider's time and settled by their answers, some of them.
    pub(super) fn settlements(
        &self,
        account: AccountId,
        (from_v, to_v): (i64, i64),
        most: usize,
    ) -> Result<Vec<Settlement>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.provider_id, attempt.posted_nano, attempt.settled_nano
             FROM batch JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.account = :account AND batch.posted_v BETWEEN :from_v AND :to_v
                 AND batch.function = 'llm_responses'
               AND batch.method = 'standard' AND attempt.state = 2 AND attempt.settled_nano <> attempt.posted_nano
               AND NOT EXISTS (SELECT 1 FROM provisional_cost WHERE provisional_cost.attempt = attempt.id)
             LIMIT :most",
        )?;
        let rows = statement.query_map(
            named_params! { ":account": account, ":from_v": from_v, ":to_v": to_v, ":most": most },
            |row| {
                Ok(Settlement {
                    provider_id: provider_id(row, "provider_id")?,
                    first: row.get("posted_nano")?,
                    cost: row.get("settled_nano")?,
                })
            },
        )?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A cost is booked provisionally, of which the provider named so much at the purchase, there. Where it has no list
/// of what was bought, nothing will ever name it.
pub(super) fn is_provisional(
    write: &Connection,
    attempt: AttemptId,
    first: Option<(i64, NamedIn)>,
) -> Result<(), LedgerError> {
    let first_done = first.and_then(|(_, named_in)| listed_done(named_in));
    write
        .prepare_cached(
            "INSERT OR REPLACE INTO provisional_cost (attempt, first_nano, first_done)
             SELECT attempt.id, :first_nano, :first_done FROM attempt JOIN batch ON batch.id = attempt.batch
             JOIN account ON account.id = batch.account WHERE attempt.id = :attempt AND account.route <> 'aisa'",
        )?
        .execute(named_params! {
            ":attempt": attempt, ":first_nano": first.map(|(first, _)| first), ":first_done": first_done,
        })?;
    Ok(())
}

/// The cost is known, or never will be.
pub(super) fn is_final(write: &Connection, attempt: AttemptId) -> Result<(), LedgerError> {
    write.prepare_cached("DELETE FROM provisional_cost WHERE attempt = :attempt")?.execute(named_params! {
        ":attempt": attempt,
    })?;
    Ok(())
}

/// A scan has found no other figure for it.
pub(super) fn is_scanned(write: &Connection, attempts: &[AttemptId], at_v: i64) -> Result<(), LedgerError> {
    let mut update = write.prepare_cached(
        "UPDATE provisional_cost SET scanned_v = :scanned_v
                                           WHERE attempt = :attempt",
    )?;
    for attempt in attempts {
        update.execute(named_params! { ":attempt": attempt, ":scanned_v": at_v })?;
    }
    Ok(())
}

impl Commit<'_> {
    /// The list has named what an attempt cost: what was booked too much is refund, and too little is overrun, in the caps of
    /// the purchase.
    pub(super) fn found_cost(&mut self, attempt: AttemptId, cost: Money) -> Result<(), LedgerError> {
        let found: Option<(i64, i64, i64)> = self
            .write
            .prepare_cached(
                "SELECT attempt.batch, coalesce(attempt.settled_nano, attempt.posted_nano) AS booked,
                        coalesce(batch.posted_v, batch.sent_v) AS posted_v
                 FROM provisional_cost JOIN attempt ON attempt.id = provisional_cost.attempt
                 JOIN batch ON batch.id = attempt.batch
                 WHERE attempt.id = :attempt AND coalesce(attempt.settled_nano, attempt.posted_nano) IS NOT NULL
                   AND NOT (attempt.state = 1 AND batch.function = 'llm_responses' AND batch.method = 'standard')",
            )?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                Ok((row.get("batch")?, row.get("booked")?, row.get("posted_v")?))
            })
            .optional()?;
        let Some((batch, booked, posted_v)) = found else { return Ok(()) };
        self.write
            .prepare_cached(
                "UPDATE attempt SET posted_nano = coalesce(posted_nano, :settled_nano), settled_nano = :settled_nano
                 WHERE id = :attempt",
            )?
            .execute(named_params! { ":attempt": attempt, ":settled_nano": cost })?;
        self.moves.settle(batch, posted_v, Money::from_nanos(booked), cost, Money::ZERO);
        is_final(self.write, attempt)
    }
}
