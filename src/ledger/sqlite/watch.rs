//! The watch list: what was given up and may still appear.
//!
//! A batch in doubt is given up if two clean scans did not show it, or if a person said that it was not bought. A
//! provider that accepts it later charges for it. It stays on this list for as long as the provider's list goes back.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, named_params};

use super::GivenUp;
use super::columns::{named, only};
use super::{Ledger, LedgerError};
use crate::ids::AccountId;
use crate::product::{Engine, Function};

impl Ledger {
    /// What was given up of the batches that an account sent from a moment on.
    pub(super) fn given_up(&self, account: AccountId, from_v: i64) -> Result<Vec<GivenUp>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT batch.id, batch.function, batch.sent_v, batch.closed_v, count(*) AS tasks,
                    sum(attempt.held_nano) AS held
             FROM batch INDEXED BY batch_in_doubt JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.account = :account AND batch.sent_v >= :from_v AND batch.unknown_because IS NOT NULL
                 AND attempt.state = 3
             GROUP BY batch.id ORDER BY batch.id",
        )?;
        let rows = statement.query_map(named_params! { ":account": account, ":from_v": from_v }, |row| {
            Ok(GivenUp {
                batch: row.get("id")?,
                function: named(row, "function")?,
                sent_v: row.get("sent_v")?,
                closed_v: row.get("closed_v")?,
                tasks: row.get("tasks")?,
                held: row.get("held")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Endpoints whose `tasks_ready` was full when something was in doubt there, and when that was last seen.
    pub(super) fn crowded(&self, account: AccountId) -> Result<BTreeMap<(Engine, Function), i64>, LedgerError> {
        let mut statement =
            self.db.prepare_cached("SELECT engine, function, seen_v FROM ready_crowded WHERE account = :account")?;
        let rows = statement.query_map(named_params! { ":account": account }, |row| {
            Ok(((named(row, "engine")?, named(row, "function")?), row.get("seen_v")?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the latest scan that was to conclude something began, and what it was worth.
    pub(super) fn last_scan(&self, account: AccountId) -> Result<Option<(i64, String)>, LedgerError> {
        let sql = "SELECT begun_v, verdict FROM scan WHERE account = :account ORDER BY id DESC LIMIT 1";
        Ok(self
            .db
            .query_row(sql, named_params! { ":account": account }, |row| Ok((row.get("begun_v")?, row.get("verdict")?)))
            .optional()?)
    }

    /// When the provider's list was last read for it, by the provider's clock.
    pub(super) fn watched_v(&self, account: AccountId) -> Result<Option<i64>, LedgerError> {
        Ok(self.db.query_row(
            "SELECT watched_v FROM account WHERE id = :account",
            named_params! { ":account": account },
            only,
        )?)
    }
}
