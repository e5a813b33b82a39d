//! What a commit does to money, gathered and written as one entry for each batch and kind of step.
//!
//! The only code that inserts entries or moves totals. `book` decides what is charged or released; the rule that a
//! charge beyond the hold is overrun stands here, once.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::LedgerError;
use super::caps::Owners;
use crate::money::Money;

/// What a commit does to the money of its batches.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// By batch, and by the vendor's time of the purchase.
    charges: BTreeMap<(i64, i64), Charge>,
    releases: BTreeMap<i64, i64>,
}

#[derive(Debug, Default)]
struct Charge {
    within: i64,
    beyond: i64,
}

/// Where a batch's money counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) owners: Owners,
    pub(super) sent_v: i64,
    pub(super) hold_to_v: i64,
}

impl Moves {
    /// A task that was held for costs so much: up to the hold it is charge, beyond it overrun; the rest is released.
    pub(super) fn charge(&mut self, batch: i64, posted_v: i64, held: Money, cost: Money) {
        let charge = self.charges.entry((batch, posted_v)).or_default();
        let within = cost.min(held);
        charge.within += within.nanos();
        charge.beyond += (cost - within).nanos();
        self.release(batch, held - within);
    }

    /// Can no longer be charged.
    pub(super) fn release(&mut self, batch: i64, amount: Money) {
        if !amount.is_zero() {
            *self.releases.entry(batch).or_default() += amount.nanos();
        }
    }

    /// Writes entries, holds and totals.
    pub(super) fn write(
        self,
        write: &Connection,
        mut window: impl FnMut(i64) -> Result<Window, LedgerError>,
    ) -> Result<(), LedgerError> {
        for ((batch, posted_v), charge) in self.charges {
            let window = window(batch)?;
            entry(write, batch, "charge", charge.within, posted_v, posted_v)?;
            entry(write, batch, "overrun", charge.beyond, posted_v, posted_v)?;
            unhold(write, batch, charge.within, window)?;
            for row in window.owners.rows(posted_v, posted_v) {
                row.ensure(write)?;
                row.book(write, charge.within + charge.beyond, 0)?;
            }
        }
        for (batch, amount) in self.releases {
            let window = window(batch)?;
            entry(write, batch, "release", amount, window.sent_v, window.hold_to_v)?;
            unhold(write, batch, amount, window)?;
        }
        Ok(())
    }
}

/// Reserves for a new batch under every ceiling that applies; the name of the one it does not fit under, if any.
pub(super) fn reserve(
    write: &Connection,
    batch: i64,
    hold: Money,
    window: Window,
) -> Result<Option<super::caps::ScopeRow>, LedgerError> {
    for row in window.owners.rows(window.sent_v, window.hold_to_v) {
        row.ensure(write)?;
        if !row.hold(write, hold.nanos())? {
            return Ok(Some(row));
        }
    }
    entry(write, batch, "reserve", hold.nanos(), window.sent_v, window.hold_to_v)?;
    Ok(None)
}

/// Holds for a purchase that was made already, past every ceiling: the money is gone, and the books must say so.
pub(super) fn hold_for_found(write: &Connection, batch: i64, cost: Money, window: Window) -> Result<(), LedgerError> {
    for row in window.owners.rows(window.sent_v, window.hold_to_v) {
        row.ensure(write)?;
        row.book(write, 0, -cost.nanos())?;
    }
    write.execute("UPDATE batch SET held_nano = held_nano + ?2 WHERE id = ?1", (batch, cost.nanos()))?;
    entry(write, batch, "reserve", cost.nanos(), window.sent_v, window.hold_to_v)
}

/// Money that belongs to no attempt counts in the account's totals.
pub(super) fn extra(write: &Connection, account: i64, posted_v: i64, amount: Money) -> Result<(), LedgerError> {
    for row in Owners::read_account(write, account)?.rows(posted_v, posted_v) {
        row.ensure(write)?;
        row.book(write, amount.nanos(), 0)?;
    }
    Ok(())
}

fn entry(write: &Connection, batch: i64, kind: &str, nanos: i64, from_v: i64, to_v: i64) -> Result<(), LedgerError> {
    if nanos == 0 {
        return Ok(());
    }
    write
        .prepare_cached("INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((batch, kind, nanos, from_v, to_v))?;
    Ok(())
}

/// Takes an amount off what is held for a batch, in every period it was held in.
fn unhold(write: &Connection, batch: i64, nanos: i64, window: Window) -> Result<(), LedgerError> {
    write.prepare_cached("UPDATE batch SET held_nano = held_nano - ?2 WHERE id = ?1")?.execute((batch, nanos))?;
    for row in window.owners.rows(window.sent_v, window.hold_to_v) {
        row.book(write, 0, nanos)?;
    }
    Ok(())
}
