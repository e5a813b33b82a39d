//! Until when something waits that only the vendor's list can tell.

use std::collections::BTreeMap;

use super::core::reconcile_of;
use super::desk::Desk;
use super::reconcile::in_reach;
use crate::ids::BatchId;
use crate::ledger::{Ledger, LedgerError};

/// When absence from the vendor's list can mean something, by the vendor's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// No list can tell, of this route or so far back: a person decides.
    Person,
    /// The wait begins with the next call that the vendor answers.
    Contact,
    /// Not before this second (Unix time).
    From {
        /// Which.
        at_v: i64,
        /// The list was seen to show unfinished tasks; the wait is longer until it has.
        is_proven: bool,
    },
}

/// What an account waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// By batch in doubt: when it can be concluded that it was not bought. That it was may be found at any time.
    pub doubts: BTreeMap<BatchId, Until>,
    /// The ledger was restored: when the account can buy again.
    pub restored: Option<Until>,
}

/// Until when what is in doubt at an account has to wait, by what the ledger holds at `now` (Unix seconds).
///
/// # Errors
/// The ledger cannot be read.
pub fn waits(desk: &Desk, ledger: &Ledger, now: i64) -> Result<Waits, LedgerError> {
    let memory = desk.memory(ledger)?;
    let terms = &desk.terms;
    let mut reconcile = reconcile_of(terms, &memory);
    let until = |at_v: Option<i64>, is_proven| match at_v {
        _ if !terms.lists => Until::Person,
        None => Until::Contact,
        Some(at_v) => Until::From { at_v, is_proven },
    };
    let batches: Vec<BatchId> = memory.doubted.iter().map(|doubted| doubted.batch).collect();
    for doubted in memory.doubted {
        reconcile.add(doubted, std::time::Duration::ZERO);
    }
    let restored = memory.restored.map(|(from_v, closed_v)| {
        reconcile.restore(from_v, closed_v);
        let is_proven = memory.functions.iter().all(|function| reconcile.is_proven(*function));
        if in_reach(from_v, now) { until(reconcile.restored_conclude_from(), is_proven) } else { Until::Person }
    });
    let of = |batch: BatchId| {
        let doubt = reconcile.doubt(batch)?;
        let until = until(reconcile.conclude_from(doubt), reconcile.is_enough_proven(doubt));
        Some((batch, if in_reach(doubt.facts.sent_v, now) { until } else { Until::Person }))
    };
    Ok(Waits { doubts: batches.into_iter().filter_map(of).collect(), restored })
}
