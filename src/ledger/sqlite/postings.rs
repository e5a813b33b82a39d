//! Postings: what a commit does to money, gathered and written as one entry for each batch and kind of step.
//!
//! This is the only code that inserts entries or moves totals. `journal` decides what is charged or released. The
//! rule that a charge beyond the hold is overrun is implemented here, once.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::LedgerError;
use super::caps::{Owners, ScopeRow};
use super::columns::only;
use super::{NoticeKind, notices};
use crate::ids::RunId;
use crate::money::Money;
use crate::plan::Scope;
use crate::rule::Rule;

/// What a commit does to its batches: their money, and the counts that say what is still open about them.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<i64, Move>);

#[derive(Debug, Default)]
struct Move {
    /// By the provider's time of the purchase.
    charges: BTreeMap<i64, Charge>,
    released: i64,
    /// Held once more.
    held_again: i64,
    unresolved: i64,
    uncollected: i64,
    posted_v: Option<i64>,
}

#[derive(Debug, Default)]
struct Charge {
    within: i64,
    beyond: i64,
    back: i64,
}

/// Where a batch's money counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) owners: Owners,
    pub(super) sent_v: i64,
    pub(super) hold_to_v: i64,
}

impl Moves {
    /// A task that was held for costs so much: up to the hold it is charge, beyond it overrun. The rest is released; of
    /// one that is `open`, it stays held until its cost is known.
    pub(super) fn charge(&mut self, batch: i64, posted_v: i64, held: Money, cost: Money, open: bool) {
        let rest = self.take(batch, posted_v, cost, held);
        if !open {
            self.release(batch, rest);
        }
    }

    /// What was booked as so much has cost so much in the end, and so much of its hold was kept. It counts where the
    /// purchase does.
    pub(super) fn settle(&mut self, batch: i64, posted_v: i64, booked: Money, cost: Money, rest: Money) {
        let rest = self.take(batch, posted_v, cost.less(booked), rest);
        self.of(batch).charges.entry(posted_v).or_default().back += booked.less(cost).nanos();
        self.release(batch, rest);
    }

    /// Takes money out of a hold, and beyond it where it does not do; what is left of the hold.
    fn take(&mut self, batch: i64, posted_v: i64, amount: Money, held: Money) -> Money {
        let charge = self.of(batch).charges.entry(posted_v).or_default();
        let within = amount.min(held);
        charge.within += within.nanos();
        if Rule::OverrunIsBooked.is_kept() {
            charge.beyond += (amount - within).nanos();
        }
        held - within
    }

    /// Can no longer be charged.
    pub(super) fn release(&mut self, batch: i64, amount: Money) {
        self.of(batch).released += amount.nanos();
    }

    /// What was booked as charged at that time is in doubt again: it comes back, and is held past every ceiling, since it may
    /// be gone.
    pub(super) fn in_doubt_again(&mut self, batch: i64, charged: Option<(i64, Money)>, held: Money) {
        let this = self.of(batch);
        if let Some((charged_v, booked)) = charged {
            this.charges.entry(charged_v).or_default().back += booked.nanos();
        }
        this.held_again += held.nanos();
    }

    /// So many more attempts are unresolved, and so many more answers are to come.
    pub(super) fn count(&mut self, batch: i64, unresolved: i64, uncollected: i64) {
        let this = self.of(batch);
        this.unresolved += unresolved;
        this.uncollected += uncollected;
    }

    /// When the batch was bought, by the provider's clock; the first word stands.
    pub(super) fn posted(&mut self, batch: i64, posted_v: i64) {
        self.of(batch).posted_v.get_or_insert(posted_v);
    }

    fn of(&mut self, batch: i64) -> &mut Move {
        self.0.entry(batch).or_default()
    }

    /// True where money is charged or released.
    pub(super) fn any_money(&self) -> bool {
        self.0.values().any(|this| this.released != 0 || this.held_again != 0 || !this.charges.is_empty())
    }

    /// Writes entries, totals and batches.
    pub(super) fn write(self, write: &Connection) -> Result<(), LedgerError> {
        let mut totals = Totals::default();
        for (batch, this) in self.0 {
            let charged = this.charges.values().map(|charge| charge.within).sum::<i64>();
            let unheld = this.released + charged - this.held_again;
            write
                .prepare_cached(
                    "UPDATE batch SET held_nano = held_nano - :unheld, unresolved = unresolved + :unresolved,
                                      uncollected = uncollected + :uncollected,
                                      posted_v = coalesce(posted_v, :posted_v)
                     WHERE id = :batch",
                )?
                .execute(named_params! {
                    ":batch": batch, ":unheld": unheld, ":unresolved": this.unresolved,
                    ":uncollected": this.uncollected, ":posted_v": this.posted_v,
                })?;
            if unheld == 0 && this.held_again == 0 && this.charges.is_empty() {
                continue;
            }
            let window = window(write, batch)?;
            entry(write, batch, "reserve", this.held_again, window.sent_v, window.hold_to_v)?;
            for (posted_v, charge) in this.charges {
                entry(write, batch, "charge", charge.within, posted_v, posted_v)?;
                entry(write, batch, "overrun", charge.beyond, posted_v, posted_v)?;
                if charge.beyond > 0 {
                    let Owners { account, run, .. } = window.owners;
                    notices::add(write, account, Some(run), NoticeKind::Overrun, (1, charge.beyond))?;
                }
                entry(write, batch, "refund", charge.back, posted_v, posted_v)?;
                for row in window.owners.rows(write, posted_v, posted_v)? {
                    // The balance may have been read since the charge, with nothing too much taken off.
                    let back = if row.scope == Scope::AccountBalance { 0 } else { charge.back };
                    totals.add(row, charge.within + charge.beyond - back, 0);
                }
            }
            entry(write, batch, "release", this.released, window.sent_v, window.hold_to_v)?;
            for row in window.owners.rows(write, window.sent_v, window.hold_to_v)? {
                totals.add(row, 0, unheld);
            }
        }
        totals.write(write)
    }
}

/// What a commit adds to the standing totals, by scope, owner and begin: many batches count in the same few.
#[derive(Default)]
struct Totals(BTreeMap<(Scope, i64, i64), Sum>);

/// What one total is moved by.
struct Sum {
    row: ScopeRow,
    charged: i64,
    unheld: i64,
}

impl Totals {
    fn add(&mut self, row: ScopeRow, charged: i64, unheld: i64) {
        let key = (row.scope, row.owner, row.from_v);
        let sum = self.0.entry(key).or_insert(Sum { row, charged: 0, unheld: 0 });
        sum.charged += charged;
        sum.unheld += unheld;
    }

    fn write(self, write: &Connection) -> Result<(), LedgerError> {
        for Sum { row, charged, unheld } in self.0.into_values() {
            row.book(write, charged, unheld)?;
        }
        Ok(())
    }
}

/// Where a batch's money counts.
pub(super) fn window(write: &Connection, batch: i64) -> Result<Window, LedgerError> {
    let (run, sent_v, hold_to_v) = write
        .prepare_cached("SELECT run, sent_v, hold_to_v FROM batch WHERE id = :batch")?
        .query_row(named_params! { ":batch": batch }, |row| {
            Ok((row.get("run")?, row.get("sent_v")?, row.get("hold_to_v")?))
        })?;
    Ok(Window { owners: Owners::read(write, RunId(run))?, sent_v, hold_to_v })
}

/// Holds an amount under every ceiling that applies, or under none: then the one it does not fit under.
pub(super) fn hold(write: &Connection, amount: Money, window: Window) -> Result<Option<ScopeRow>, LedgerError> {
    let rows = window.owners.rows(write, window.sent_v, window.hold_to_v)?;
    for (at, row) in rows.iter().enumerate() {
        if !row.hold(write, amount.nanos())? {
            for held in &rows[..at] {
                held.book(write, 0, amount.nanos())?;
            }
            return Ok(Some(*row));
        }
    }
    Ok(None)
}

/// Writes down what is held for a new batch.
pub(super) fn reserved(write: &Connection, batch: i64, hold: Money, window: Window) -> Result<(), LedgerError> {
    entry(write, batch, "reserve", hold.nanos(), window.sent_v, window.hold_to_v)
}

/// Holds for a purchase that was made already, past every ceiling: the money is gone, and the books must say so.
pub(super) fn hold_for_found(write: &Connection, batch: i64, hold: Money, window: Window) -> Result<(), LedgerError> {
    for row in window.owners.rows(write, window.sent_v, window.hold_to_v)? {
        row.book(write, 0, -hold.nanos())?;
    }
    write.execute(
        "UPDATE batch SET held_nano = held_nano + :hold_nano WHERE id = :batch",
        named_params! { ":batch": batch, ":hold_nano": hold },
    )?;
    entry(write, batch, "reserve", hold.nanos(), window.sent_v, window.hold_to_v)
}

/// Money that belongs to no attempt counts in the account's totals.
pub(super) fn extra(write: &Connection, account: i64, posted_v: i64, amount: Money) -> Result<(), LedgerError> {
    for row in Owners::read_account(write, account)?.rows(write, posted_v, posted_v)? {
        row.book(write, amount.nanos(), 0)?;
    }
    Ok(())
}

fn entry(write: &Connection, batch: i64, kind: &str, nanos: i64, from_v: i64, to_v: i64) -> Result<(), LedgerError> {
    if nanos == 0 {
        return Ok(());
    }
    write
        .prepare_cached(
            "INSERT INTO entry (batch, kind, nano_usd, from_v, to_v)
                         VALUES (:batch, :kind, :nano_usd, :from_v, :to_v)",
        )?
        .execute(named_params! {
            ":batch": batch, ":kind": kind, ":nano_usd": nanos, ":from_v": from_v, ":to_v": to_v,
        })?;
    Ok(())
}

/// An unmatched charge has found its attempt: a row reverses it, and it leaves the totals, which the attempt's own charge
/// enters.
pub(super) fn reverse_unmatched(
    write: &Connection,
    account: i64,
    provider_id: &str,
    attempt: i64,
) -> Result<(), LedgerError> {
    let found: Option<(i64, i64, i64)> = write
        .prepare_cached(
            "SELECT id, nano_usd, posted_v FROM unmatched WHERE account = :account AND provider_id = :provider_id",
        )?
        .query_row(named_params! { ":account": account, ":provider_id": provider_id }, |row| {
            Ok((row.get("id")?, row.get("nano_usd")?, row.get("posted_v")?))
        })
        .optional()?;
    let Some((id, nanos, posted_v)) = found else { return Ok(()) };
    let since: i64 = write.query_row(
        "SELECT coalesce(max(since_unmatched), 0) FROM cap WHERE scope = 'account_balance' AND owner = :owner",
        named_params! { ":owner": account },
        only,
    )?;
    for row in Owners::read_account(write, account)?.rows(write, posted_v, posted_v)? {
        // The balance that was read last had it taken off already.
        if row.scope != Scope::AccountBalance || id > since {
            row.book(write, -nanos, 0)?;
        }
    }
    write.execute(
        "INSERT INTO unmatched_reversal (charge, attempt) VALUES (:charge, :attempt)",
        named_params! { ":charge": id, ":attempt": attempt },
    )?;
    notices::take_back_unmatched(write, account, nanos)
}
