//! Control rows: what the provider's list has to show, and what it is known to show. They decide whether a scan
//! counts.

use rusqlite::{OptionalExtension, named_params};

use super::columns::only;
use super::{ControlRow, Late, ProviderMemory, Unfinished};
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId};
use crate::product::Function;
use crate::rule::Rule;

/// The provider's times are whole seconds, and a span's edges belong to it or not.
const EDGE_S: i64 = 2;

impl Ledger {
    /// The attempts that a complete look through spans of the provider's list must show, with the times of their
    /// purchase. Those are the times of its answers: the list may file a purchase before, by as much as `late` says; and one
    /// whose task may have been finished after them it may file there, unless it is of those that are shown `unfinished`.
    pub(super) fn control_rows(
        &self,
        account: AccountId,
        spans: &[(i64, i64)],
        late: Late,
        unfinished: &Unfinished,
    ) -> Result<Vec<(AttemptId, i64)>, LedgerError> {
        let mut all = Vec::new();
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.id AS attempt, batch.posted_v FROM batch INDEXED BY batch_by_time JOIN attempt
             ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
             WHERE batch.account = :account AND batch.posted_v BETWEEN :from AND :to AND attempt.state IN (1, 2, 6)
             AND batch.posted_v >= :from + iif(batch.method = 'live', :live_s, :standard_s)
             AND (batch.method = 'live'
                  OR batch.posted_v <= :to - iif(batch.function = 'llm_responses', :model_s, :page_s)
                  OR EXISTS (SELECT 1 FROM answer WHERE answer.attempt = attempt.id AND answer.done_v <= :to))",
        )?;
        for (from_v, to_v) in spans {
            let is_latest = *to_v >= unfinished.latest_v - EDGE_S;
            let done_after_s = |function, at: usize| {
                let is_shown = is_latest && unfinished.shown.contains(&function);
                if is_shown || !Rule::ControlRowIsFiled.is_kept() { 0 } else { unfinished.done_after_s[at] }
            };
            let (page_s, model_s) = (done_after_s(Function::LlmScraper, 0), done_after_s(Function::LlmResponses, 1));
            // The edges of a span belong to it or not; what the provider dates a second off is no control row.
            let bounds = named_params! {
                ":account": account, ":from": from_v + EDGE_S, ":to": to_v - EDGE_S, ":page_s": page_s,
                ":model_s": model_s, ":standard_s": late.standard_s, ":live_s": late.live_s,
            };
            let rows = statement.query_map(bounds, |row| Ok((row.get("attempt")?, row.get("posted_v")?)))?;
            all.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }

    /// The purchase to which a scan from a moment on must reach, so that there is one that it must show: the latest that the
    /// list may file before it, or the first after it where there is none. Nothing before `reach_v`, where the provider's list
    /// begins, and nothing after `until_v`, since it may not show that yet. `late` as above.
    pub(super) fn control_row_for(
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
                "SELECT posted_v - iif(method = 'live', :live_s, :standard_s) AS from_v, {what}(posted_v) AS posted_v
                 FROM batch INDEXED BY batch_by_time
                 WHERE account = :account AND posted_v >= :least AND posted_v <= :until AND {of_v}
                 AND EXISTS (SELECT 1 FROM attempt
                     WHERE attempt.id BETWEEN first_attempt AND first_attempt + attempts - 1
                     AND attempt.state IN (1, 2, 6))"
            );
            self.db.prepare_cached(&sql)?.query_row(
                named_params! {
                    ":account": account, ":least": bounds.0, ":until": until_v, ":from": bounds.1,
                    ":standard_s": late.standard_s, ":live_s": late.live_s,
                },
                |row| {
                    let (from_v, posted_v): (Option<i64>, Option<i64>) = (row.get("from_v")?, row.get("posted_v")?);
                    Ok(from_v.zip(posted_v).map(|(from_v, posted_v)| ControlRow { from_v, posted_v }))
                },
            )
        };
        let filed_v = "posted_v - iif(method = 'live', :live_s, :standard_s)";
        let before = of("max", &format!("{filed_v} >= :least AND {filed_v} < :from"), (reach_v, from_v))?;
        Ok(if before.is_some() { before } else { of("min", &format!("{filed_v} >= :from"), (from_v, from_v))? })
    }

    /// When the provider's list was first seen to show an unfinished task of ours.
    pub(super) fn visibility_proof(&self, account: AccountId, function: Function) -> Result<Option<i64>, LedgerError> {
        Ok(self
            .db
            .query_row(
                "SELECT seen_v FROM visibility_proof WHERE account = :account AND function = :function",
                named_params! { ":account": account, ":function": function.name() },
                only,
            )
            .optional()?)
    }

    /// What is known of an account's provider.
    pub(super) fn provider_memory(&self, account: AccountId) -> Result<ProviderMemory, LedgerError> {
        Ok(self.db.query_row(
            "SELECT longest_lag_s, restored_from_v, restored_closed_v, provider_time_v FROM account
                    WHERE id = :account",
            named_params! { ":account": account },
            |row| {
                Ok(ProviderMemory {
                    longest_lag_s: row.get("longest_lag_s")?,
                    restored_from_v: row.get("restored_from_v")?,
                    restored_closed_v: row.get("restored_closed_v")?,
                    heard_v: row.get("provider_time_v")?,
                })
            },
        )?)
    }
}
