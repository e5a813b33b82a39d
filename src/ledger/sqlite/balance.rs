//! The balance to keep: how much of the provider's balance may be spent.
//!
//! The balance may be some minutes old. What this ledger has bought since the moment for which it is certain is
//! subtracted, whichever session bought it; what is held is subtracted anyway.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params};

use super::caps::Owners;
use super::columns::only;
use super::{Ledger, LedgerError};
use crate::ids::AccountId;
use crate::money::Money;
use crate::plan::{Headroom, Scope};
use crate::rule::Rule;

/// A charge is dated by its purchase, and a batch by the first of its purchases: a task of a batch that was posted this
/// long ago may have been bought, or settled by its model, since. A model's task settles within 72 hours.
const SETTLES_WITHIN_S: i64 = 74 * 3_600;

impl Ledger {
    /// The provider's balance was read: what may be spent of it, above what is to be kept. The figure has every purchase
    /// that was made before `vouched_v`; of later ones it may have none.
    pub(super) fn balance_read(
        &mut self,
        account: AccountId,
        spendable: Option<Money>,
        vouched_v: i64,
    ) -> Result<(), LedgerError> {
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in Owners::read_account(&write, account.0)?.rows(&write, 0, 0)? {
            row.ensure(&write)?;
        }
        let unseen = if Rule::BalanceIsStale.is_kept() { taken_since(&write, account, vouched_v)? } else { 0 };
        write.execute(
            "UPDATE cap SET limit_nano = :limit_nano, charged_nano = :unseen, unseen_nano = :unseen,
                            since_entry = (SELECT coalesce(max(id), 0) FROM entry),
                            since_unmatched = (SELECT coalesce(max(id), 0) FROM unmatched_charge)
             WHERE scope = 'account_balance' AND owner = :owner",
            named_params! { ":owner": account, ":limit_nano": spendable, ":unseen": unseen },
        )?;
        write.commit()?;
        Ok(())
    }
}

impl Ledger {
    /// What a session that began now would find to spend above the balance to keep, if the provider's figure were then what
    /// it was when it was last read, less what was charged since. It takes off what was bought after `vouched_v` once more,
    /// as that session will, since the figure may not show it. None where no session has read the balance.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn balance_to_plan(&self, account: &str, vouched_v: i64) -> Result<Option<Headroom>, LedgerError> {
        let sql = "SELECT cap.owner, cap.limit_nano, cap.charged_nano - cap.unseen_nano + cap.held_nano AS used
                   FROM cap JOIN account ON account.id = cap.owner
                   WHERE cap.scope = 'account_balance' AND account.name = :account AND cap.limit_nano IS NOT NULL";
        let row: Option<(i64, i64, i64)> = self
            .db
            .query_row(sql, named_params! { ":account": account }, |row| {
                Ok((row.get("owner")?, row.get("limit_nano")?, row.get("used")?))
            })
            .optional()?;
        let Some((account, limit, used)) = row else { return Ok(None) };
        let unseen =
            if Rule::BalanceIsStale.is_kept() { taken_since(&self.db, AccountId(account), vouched_v)? } else { 0 };
        let scope = Scope::AccountBalance;
        let used = Money::from_nanos(used.saturating_add(unseen));
        Ok(Some(Headroom::new(scope, scope.ceiling(), Money::from_nanos(limit), used)))
    }
}

/// What the provider took for this ledger's purchases from a moment on: charges of purchases made since, or by a person's
/// word, what older tasks of a model came to since beyond what was taken at first, and unmatched charges. What came back is
/// not counted: the balance may show that already.
fn taken_since(db: &Connection, account: AccountId, from_v: i64) -> Result<i64, LedgerError> {
    let settles_v = from_v.saturating_sub(SETTLES_WITHIN_S);
    let sum = |sql: &str| {
        db.prepare_cached(sql)?
            .query_row(named_params! { ":account": account, ":from": from_v, ":settles": settles_v }, only::<i64>)
    };
    let charged = sum("SELECT coalesce(sum(entry.nano_usd), 0) FROM batch INDEXED BY batch_by_time
         JOIN entry ON entry.batch = batch.id
         WHERE batch.account = :account AND batch.posted_v >= :settles AND entry.kind IN ('charge', 'overrun')
             AND entry.from_v >= :from")?;
    // What a person calls bought is charged, and nobody knows yet when it was bought.
    let by_word = sum("SELECT coalesce(sum(attempt.posted_nano), 0)
         FROM word JOIN attempt ON attempt.id = word.attempt JOIN batch ON batch.id = attempt.batch
         WHERE word.bought = 1 AND batch.account = :account AND batch.posted_v IS NULL AND word.charged_v >= :from
           AND :settles IS NOT NULL")?;
    let settled = sum("SELECT coalesce(sum(max(attempt.settled_nano - attempt.posted_nano, 0)), 0)
         FROM batch INDEXED BY batch_by_time
         JOIN attempt ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
         WHERE batch.account = :account AND batch.posted_v >= :settles AND batch.posted_v < :from
           AND batch.function = 'llm_responses' AND batch.method = 'standard' AND attempt.settled_nano IS NOT NULL
           AND EXISTS (SELECT 1 FROM answer
                       WHERE answer.attempt = attempt.id AND coalesce(answer.done_v, :from) >= :from)")?;
    let extra = sum("SELECT coalesce(sum(nano_usd), 0) FROM unmatched WHERE account = :account AND posted_v >= :from
                AND :settles IS NOT NULL")?;
    Ok(charged.saturating_add(by_word).saturating_add(settled).saturating_add(extra))
}
