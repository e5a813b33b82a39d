//! Scans of the provider's list that were valid, and which doubts each counted for.
//!
//! Two scans conclude that something was not bought. They need not fall into one session: the ledger keeps for which
//! batches a scan counted, and a later session counts it together with a scan of its own (`engine::reconcile::carried`).

use rusqlite::Connection;

use super::{Ledger, LedgerError};
use crate::ids::{AccountId, BatchId};

/// A scan counts for these batches from now on.
pub(super) fn count_for(write: &Connection, sweep: i64, batches: &[BatchId]) -> Result<(), LedgerError> {
    let mut insert = write.prepare_cached("INSERT INTO sweep_of (batch, sweep) VALUES (?1, ?2)")?;
    for batch in batches {
        insert.execute((batch.0, sweep))?;
    }
    Ok(())
}

/// No scan so far counts for this batch any more.
pub(super) fn void(write: &Connection, batch: BatchId) -> Result<(), LedgerError> {
    write.prepare_cached("DELETE FROM sweep_of WHERE batch = ?1")?.execute([batch.0])?;
    Ok(())
}

impl Ledger {
    /// When the scans that count for a batch began, by the provider's clock, the earliest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn scans_of(&self, batch: BatchId) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT sweep.begun_v FROM sweep_of JOIN sweep ON sweep.id = sweep_of.sweep
             WHERE sweep_of.batch = ?1 ORDER BY sweep.begun_v",
        )?;
        let rows = statement.query_map([batch.0], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the scans began that count for what this restored ledger may lack. Those before it was last taken for a
    /// restored one began before its first contact since then, and count for nothing.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn scans_of_restored(&self, account: AccountId) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT sweep.begun_v FROM sweep JOIN account ON account.id = sweep.account
             WHERE sweep.account = ?1 AND sweep.restored = 1 AND sweep.begun_v > account.restored_closed_v
             ORDER BY sweep.begun_v",
        )?;
        let rows = statement.query_map([account.0], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
