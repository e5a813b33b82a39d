//! Observations that move neither money nor tasks: unknown outcomes, prices seen, what the provider's lists have
//! shown.

use rusqlite::{Connection, ToSql, named_params};

use super::provisional::{is_final, is_scanned};
use super::to_buy::price_seen;
use super::{Change, LedgerError, scans};
use crate::attempt::AttemptState;
use crate::ids::AccountId;
use crate::price::{Charge, is_later};
use crate::product::{Engine, Function};

/// What moves neither money nor tasks.
pub(super) fn note(write: &Connection, change: Change) -> Result<(), LedgerError> {
    match change {
        Change::UnknownOutcome { batch, why } => {
            let sql = "UPDATE batch SET unknown_because = :why WHERE id = :batch AND unresolved > 0";
            set(write, sql, named_params! { ":batch": batch, ":why": why })?;
        }
        Change::CostSought { attempts, at_v } => is_scanned(write, &attempts, at_v)?,
        Change::CostStays { attempt } => is_final(write, attempt)?,
        Change::Shown { attempt } => {
            let sql = "UPDATE attempt SET listed_done = 0 WHERE id = :attempt AND state = :state";
            set(write, sql, named_params! { ":attempt": attempt, ":state": AttemptState::Sending })?;
        }
        Change::Closed { batch, closed_v } => {
            let sql = "UPDATE batch SET closed_v = :closed_v,
                           unknown_because = coalesce(unknown_because, 'the process that sent it died')
                       WHERE id = :batch AND closed_v IS NULL";
            set(write, sql, named_params! { ":batch": batch, ":closed_v": closed_v })?;
        }
        Change::PriceSeen { account, price_key, cost, at_v } => {
            saw_price(write, account, &price_key, (cost, at_v))?;
        }
        Change::VisibilityProof { account, function, at_v } => {
            let sql = "INSERT INTO visibility_proof (account, function, seen_v) VALUES (:account, :function, :seen_v)
                       ON CONFLICT DO NOTHING";
            set(write, sql, named_params! { ":account": account, ":function": function.name(), ":seen_v": at_v })?;
        }
        Change::Lag { account, seconds } => {
            let sql = "UPDATE account SET longest_lag_s = max(longest_lag_s, :seconds) WHERE id = :account";
            set(write, sql, named_params! { ":account": account, ":seconds": seconds })?;
        }
        Change::ProviderTime { account, at_v } => {
            let sql = "UPDATE account SET provider_time_v = :at_v WHERE id = :account";
            set(write, sql, named_params! { ":account": account, ":at_v": at_v })?;
        }
        Change::Restored { account, from_v } => was_restored(write, account, from_v)?,
        Change::RestoredClosed { account, closed_v } => {
            let sql = "UPDATE account SET restored_closed_v = :closed_v
                       WHERE id = :account AND restored_from_v IS NOT NULL AND restored_closed_v IS NULL";
            set(write, sql, named_params! { ":account": account, ":closed_v": closed_v })?;
        }
        Change::RestoredDone { account } => {
            let sql = "UPDATE account SET restored_from_v = NULL, restored_closed_v = NULL WHERE id = :account";
            set(write, sql, named_params! { ":account": account })?;
        }
        Change::ScanEnded { account, begun_v, from_v, to_v, rows, found, verdict, counts_for, restored } => {
            let scan = named_params! {
                ":account": account, ":begun_v": begun_v, ":from_v": from_v, ":to_v": to_v, ":rows": rows,
                ":found": found, ":verdict": verdict, ":restored": restored,
            };
            let sql = "INSERT INTO scan (account, begun_v, from_v, to_v, rows, found, verdict, restored)
                       VALUES (:account, :begun_v, :from_v, :to_v, :rows, :found, :verdict, :restored)";
            set(write, sql, scan)?;
            scans::count_for(write, write.last_insert_rowid(), &counts_for)?;
        }
        Change::ScansInconclusive { batch } => scans::inconclusive(write, batch)?,
        Change::Watched { account, at_v } => {
            let sql = "UPDATE account SET watched_v = :at_v WHERE id = :account";
            set(write, sql, named_params! { ":account": account, ":at_v": at_v })?;
        }
        Change::Crowded { account, engine, function, at_v } => {
            saw_crowd(write, account, (engine, function), at_v)?;
        }
        Change::LetGo { batch } => {
            let sql = "UPDATE batch SET unknown_because = coalesce(unknown_because, 'the process that sent it died')
                       WHERE id = :batch";
            set(write, sql, named_params! { ":batch": batch })?;
        }
        Change::Noted { run, at, what } => {
            let sql = "INSERT INTO change (run, at, what) VALUES (:run, :at, :what)";
            set(write, sql, named_params! { ":run": run, ":at": at, ":what": what })?;
        }
        Change::Accepted { .. }
        | Change::Corrected { .. }
        | Change::CostFound { .. }
        | Change::Refused { .. }
        | Change::RefusedWhole { .. }
        | Change::NotBought { .. }
        | Change::PaidFailure { .. }
        | Change::LostLive { .. }
        | Change::FailedLater { .. }
        | Change::Expired { .. }
        | Change::Answered { .. }
        | Change::ResolvedAsBought { .. }
        | Change::ResolvedAsNotBought { .. }
        | Change::TakenBack { .. }
        | Change::NeverCame { .. }
        | Change::Posted { .. }
        | Change::Recovered { .. }
        | Change::UnmatchedCharge { .. } => unreachable!("written with what it moves"),
    }
    Ok(())
}

fn set(write: &Connection, sql: &str, named: &[(&str, &dyn ToSql)]) -> Result<usize, LedgerError> {
    Ok(write.prepare_cached(sql)?.execute(named)?)
}

/// The list has shown that this ledger was restored: purchases since then may be missing.
fn was_restored(write: &Connection, account: AccountId, from_v: i64) -> Result<(), LedgerError> {
    let sql = "UPDATE account SET restored_from_v = min(coalesce(restored_from_v, :from_v), :from_v),
                                  restored_closed_v = NULL
               WHERE id = :account";
    set(write, sql, named_params! { ":account": account, ":from_v": from_v })?;
    let sql = "UPDATE session SET restored_from_v = min(coalesce(restored_from_v, :from_v), :from_v)
               WHERE n = (SELECT max(n) FROM session)";
    set(write, sql, named_params! { ":from_v": from_v })?;
    Ok(())
}

/// What one task of a price was charged; the latest purchase says most about the price of today.
fn saw_price(write: &Connection, account: AccountId, key: &str, (cost, at_v): Charge) -> Result<(), LedgerError> {
    if price_seen(write, account, key)?.is_none_or(|known| is_later((cost, at_v), known)) {
        write
            .prepare_cached(
                "INSERT INTO price_seen (account, price_key, nano_usd, seen_v)
                 VALUES (:account, :price_key, :nano_usd, :seen_v)
                 ON CONFLICT DO UPDATE SET nano_usd = excluded.nano_usd, seen_v = max(seen_v, excluded.seen_v)",
            )?
            .execute(named_params! {
                ":account": account, ":price_key": key, ":nano_usd": cost, ":seen_v": at_v,
            })?;
    }
    Ok(())
}

/// `tasks_ready` of an endpoint was full at this moment, so that it may hide rows of ours; `None`: it was not.
fn saw_crowd(
    write: &Connection,
    account: AccountId,
    (engine, function): (Engine, Function),
    at_v: Option<i64>,
) -> Result<(), LedgerError> {
    let (engine, function) = (engine.name(), function.name());
    write.execute(
        "DELETE FROM ready_crowded WHERE account = :account AND engine = :engine AND function = :function",
        named_params! { ":account": account, ":engine": engine, ":function": function },
    )?;
    if let Some(at_v) = at_v {
        write.execute(
            "INSERT INTO ready_crowded (account, engine, function, seen_v)
             VALUES (:account, :engine, :function, :seen_v)",
            named_params! { ":account": account, ":engine": engine, ":function": function, ":seen_v": at_v },
        )?;
    }
    Ok(())
}
