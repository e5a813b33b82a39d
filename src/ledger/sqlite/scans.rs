//! Valid scans of the provider's list, and the unknown outcomes that each counted for.
//!
//! Two scans conclude that something was not bought. They need not fall into one session: the ledger keeps the
//! batches that a scan counted for, and a later session counts it together with a scan of its own
//! (`engine::reconcile::carried`).

use rusqlite::{Connection, named_params};

use super::columns::only;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, BatchId};

/// A scan counts for these batches from now on.
pub(super) fn count_for(write: &Connection, scan: i64, batches: &[BatchId]) -> Result<(), LedgerError> {
    let mut insert = write.prepare_cached("INSERT INTO scan_of (batch, scan) VALUES (:batch, :scan)")?;
    for batch in batches {
        insert.execute(named_params! { ":batch": batch, ":scan": scan })?;
    }
    Ok(())
}

/// No scan so far counts for this batch any more.
pub(super) fn inconclusive(write: &Connection, batch: BatchId) -> Result<(), LedgerError> {
    write.prepare_cached("DELETE FROM scan_of WHERE batch = :batch")?.execute(named_params! { ":batch": batch })?;
    Ok(())
}

impl Ledger {
    /// When the scans that count for a batch began, by the provider's clock, the earliest first.
    pub(super) fn scans_of(&self, batch: BatchId) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT scan.begun_v FROM scan_of JOIN scan ON scan.id = scan_of.scan
             WHERE scan_of.batch = :batch ORDER BY scan.begun_v",
        )?;
        let rows = statement.query_map(named_params! { ":batch": batch }, only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the scans began that count for what this restored ledger may lack. Those before it was last taken for a
    /// restored one began before its first contact since then, and count for nothing.
    pub(super) fn scans_of_restored(&self, account: AccountId) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT scan.begun_v FROM scan JOIN account ON account.id = scan.account
             WHERE scan.account = :account AND scan.restored = 1 AND scan.begun_v > account.restored_closed_v
             ORDER BY scan.begun_v",
        )?;
        let rows = statement.query_map(named_params! { ":account": account }, only)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
