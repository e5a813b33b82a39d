//! Control rows: what the provider's list has to show, and what it is known to show. They decide whether a scan
//! counts.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension;

use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId};
use crate::product::Function;
use crate::rule::Rule;

/// The provider's times are whole seconds, and a span's edges belong to it or not.
const EDGE_S: i64 = 2;

/// A purchase that a scan through the provider's list must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRow {
    /// Not before this does the list file it (Unix seconds, provider's clock).
    pub from_v: i64,
    /// Nor after this: it was answered then.
    pub posted_v: i64,
}

/// How long an answer to a purchase may take: by so much the list may file the purchase before it (seconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// By the Standard method.
    pub standard_s: i64,
    /// By Live.
    pub live_s: i64,
}

/// How far a list shows what is not finished. What is finished it may file by the time at which it was, which may be after
/// what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// It shows what is not finished of these functions.
    pub shown: BTreeSet<Function>,
    /// What was read up to this moment, or nearly, was read up to the latest there is.
    pub latest_v: i64,
    /// So many seconds after its purchase a page, or a model's task, is finished.
    pub done_after_s: [i64; 2],
}

/// What is known of an account's provider from earlier sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderMemory {
    /// The longest that its list was behind, in seconds.
    pub longest_lag_s: i64,
    /// Since when a restored ledger's purchases are unknown, on the provider's clock.
    pub restored_from_v: Option<i64>,
    /// When it first had contact since.
    pub restored_closed_v: Option<i64>,
    /// The latest that the provider's clock was seen at.
    pub heard_v: Option<i64>,
}

impl Ledger {
    /// The attempts that a complete look through spans of the provider's list must show, with the times of their
    /// purchase. Those are the times of its answers: the list may file a purchase before, by as much as `late` says; and one
    /// whose task may have been finished after them it may file there, unless it is of those that are shown `unfinished`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn control_rows(
        &self,
        account: AccountId,
        spans: &[(i64, i64)],
        late: Late,
        unfinished: &Unfinished,
    ) -> Result<Vec<(AttemptId, i64)>, LedgerError> {
        let mut all = Vec::new();
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id, batch.posted_v FROM batch INDEXED BY batch_by_time JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.account = ?1 AND batch.posted_v BETWEEN ?2 AND ?3 AND attempt.state IN (1, 2, 6)
             AND batch.posted_v >= ?2 + iif(batch.method = 'live', ?5, ?4)
             AND (batch.method = 'live' OR batch.posted_v <= ?3 - iif(batch.function = 'llm_responses', ?7, ?6)
                  OR EXISTS (SELECT 1 FROM answer WHERE answer.attempt = attempt.id AND answer.done_v <= ?3))",
        )?;
        for (from_v, to_v) in spans {
            let is_latest = *to_v >= unfinished.latest_v - EDGE_S;
            let done_after_s = |function, at: usize| {
                let is_shown = is_latest && unfinished.shown.contains(&function);
                if is_shown || !Rule::ControlRowIsFiled.is_kept() { 0 } else { unfinished.done_after_s[at] }
            };
            let (page_s, model_s) = (done_after_s(Function::LlmScraper, 0), done_after_s(Function::LlmResponses, 1));
            // The edges of a span belong to it or not; what the provider dates a second off is no control row.
            let bounds = (account.0, from_v + EDGE_S, to_v - EDGE_S, late.standard_s, late.live_s, page_s, model_s);
            let rows = statement.query_map(bounds, |row| Ok((AttemptId(row.get(0)?), row.get(1)?)))?;
            all.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }

    /// The purchase to which a scan from a moment on must reach, so that there is one that it must show: the latest that the
    /// list may file before it, or the first after it where there is none. Nothing before `reach_v`, where the provider's list
    /// begins, and nothing after `until_v`, since it may not show that yet. `late` as above.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn control_row_for(
        &self,
        account: AccountId,
        from_v: i64,
        until_v: i64,
        reach_v: i64,
        late: Late,
    ) -> Result<Option<ControlRow>, LedgerError> {
        // The one row that has the least or the greatest time of them.
        let of = |what: &str, of_v: &str, bounds: (i64, i64)| {
            // Paid failures are no control rows: not every list shows them.
            let sql = format!(
                "SELECT posted_v - iif(method = 'live', ?5, ?4), {what}(posted_v) FROM batch INDEXED BY batch_by_time
                 WHERE account = ?1 AND posted_v >= ?2 AND posted_v <= ?3 AND {of_v}
                 AND EXISTS (SELECT 1 FROM attempt
                     WHERE attempt.id BETWEEN first_attempt AND first_attempt + attempts - 1
                     AND attempt.state IN (1, 2, 6))"
            );
            self.db.prepare_cached(&sql)?.query_row(
                (account.0, bounds.0, until_v, late.standard_s, late.live_s, bounds.1),
                |row| {
                    let (from_v, posted_v): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                    Ok(from_v.zip(posted_v).map(|(from_v, posted_v)| ControlRow { from_v, posted_v }))
                },
            )
        };
        let filed_v = "posted_v - iif(method = 'live', ?5, ?4)";
        let before = of("max", &format!("{filed_v} >= ?2 AND {filed_v} < ?6"), (reach_v, from_v))?;
        Ok(if before.is_some() { before } else { of("min", &format!("{filed_v} >= ?6"), (from_v, from_v))? })
    }

    /// When the provider's list was first seen to show an unfinished task of ours.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn visibility_proof(&self, account: AccountId, function: Function) -> Result<Option<i64>, LedgerError> {
        Ok(self
            .db
            .query_row(
                "SELECT seen_v FROM visibility_proof WHERE account = ?1 AND function = ?2",
                (account.0, function.name()),
                |row| row.get(0),
            )
            .optional()?)
    }

    /// What is known of an account's provider.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn provider_memory(&self, account: AccountId) -> Result<ProviderMemory, LedgerError> {
        Ok(self.db.query_row(
            "SELECT longest_lag_s, restored_from_v, restored_closed_v, provider_time_v FROM account WHERE id = ?1",
            [account.0],
            |row| {
                Ok(ProviderMemory {
                    longest_lag_s: row.get(0)?,
                    restored_from_v: row.get(1)?,
                    restored_closed_v: row.get(2)?,
                    heard_v: row.get(3)?,
                })
            },
        )?)
    }
}
