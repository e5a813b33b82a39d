//! How long something waits that only the provider's list can decide.

use std::collections::BTreeMap;

use super::core::reconcile_of;
use super::executor::Executor;
use super::reconcile::in_reach;
use crate::ids::BatchId;
use crate::ledger::{LedgerError, Lookups};
use crate::product::{Engine, Function, Method};

/// When absence from the provider's list can mean something, by the provider's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// No list can tell, of this route or so far back: a person decides.
    Person,
    /// The wait begins with the next call that the provider answers.
    Contact,
    /// Not before this second (Unix time).
    From {
        /// Which.
        at_v: i64,
        /// The list was seen to show unfinished tasks; the wait is longer until it has.
        is_visibility_proven: bool,
    },
}

/// A step of evidence without which it cannot be concluded that a batch was not bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The provider has answered no call since the connection was gone.
    Contact,
    /// The quarantine is not over: not before this second of the provider's clock.
    Quarantine {
        /// Until then.
        until_v: i64,
    },
    /// Two clean scans of the provider's list; the latest that was to conclude, and why it was none.
    Scans {
        /// When it began, and its verdict.
        latest: Option<(i64, String)>,
    },
    /// A whole `tasks_ready`: it was full of other rows.
    Ready {
        /// Of which endpoint.
        endpoint: (Engine, Function),
        /// When that was seen.
        seen_v: i64,
    },
    /// `tasks_ready` has shown some of it, and no list has named the cost.
    Cost {
        /// Of how many tasks.
        tasks: u64,
    },
}

/// What an account waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// By batch in doubt: when it can be concluded that it was not bought. That it was may be found at any time.
    pub unknowns: BTreeMap<BatchId, Until>,
    /// By batch in doubt: the evidence that is still missing, where the provider's list can be asked for it.
    pub missing: BTreeMap<BatchId, Vec<Missing>>,
    /// The ledger was restored: when the account can buy again.
    pub restored: Option<Until>,
}

/// Until when what is in doubt at an account has to wait, by what the ledger holds at `now` (Unix seconds).
///
/// # Errors
/// The ledger cannot be read.
pub fn waits(executor: &Executor, ledger: &dyn Lookups, now: i64) -> Result<Waits, LedgerError> {
    let memory = executor.memory(ledger)?;
    let terms = &executor.terms;
    let mut reconcile = reconcile_of(terms, &memory);
    let until = |at_v: Option<i64>, is_visibility_proven| match at_v {
        _ if !terms.lists => Until::Person,
        None => Until::Contact,
        Some(at_v) => Until::From { at_v, is_visibility_proven },
    };
    let batches: Vec<BatchId> = memory.unknown_batches.iter().map(|batch| batch.batch).collect();
    for batch in memory.unknown_batches.clone() {
        reconcile.add(batch, std::time::Duration::ZERO);
    }
    let restored = memory.restored.map(|(from_v, closed_v)| {
        reconcile.restore(from_v, closed_v);
        let is_visibility_proven = memory.functions.iter().all(|function| reconcile.is_visibility_proven(*function));
        if in_reach(from_v, now) {
            until(reconcile.restored_conclude_from(), is_visibility_proven)
        } else {
            Until::Person
        }
    });
    let latest = ledger.last_scan(terms.account)?.filter(|(_, verdict)| verdict != "valid");
    let missing_of = |batch: BatchId| {
        let unknown = reconcile.unknown(batch).filter(|unknown| terms.lists && in_reach(unknown.facts.sent_v, now))?;
        let mut missing = match reconcile.conclude_from(unknown) {
            None => vec![Missing::Contact],
            Some(until_v) if until_v > now => vec![Missing::Quarantine { until_v }],
            Some(over_v) => vec![Missing::Scans { latest: latest.clone().filter(|(begun_v, _)| *begun_v >= over_v) }],
        };
        let endpoint = (unknown.facts.engine, unknown.facts.function);
        if let Some(seen_v) = memory.crowded.get(&endpoint).filter(|_| unknown.facts.method == Method::Standard) {
            missing.push(Missing::Ready { endpoint, seen_v: *seen_v });
        }
        if !unknown.facts.shown.is_empty() {
            missing.push(Missing::Cost { tasks: unknown.facts.shown.len() as u64 });
        }
        Some((batch, missing))
    };
    let missing = batches.iter().filter_map(|batch| missing_of(*batch)).collect();
    let of = |batch: BatchId| {
        let unknown = reconcile.unknown(batch)?;
        let until = until(reconcile.conclude_from(unknown), reconcile.is_enough_proven(unknown));
        Some((batch, if in_reach(unknown.facts.sent_v, now) { until } else { Until::Person }))
    };
    Ok(Waits { unknowns: batches.into_iter().filter_map(of).collect(), missing, restored })
}
