//! Purchases that a person called bought: looked for in the provider's list, once a session and whenever the list is
//! read to find something.
//!
//! Their money is charged already, and nothing is concluded from their absence. They wait until a list, their id or a
//! callback shows them, or until the provider no longer keeps their answers.

use std::collections::BTreeMap;

use super::{Reconcile, Span, in_reach};
use crate::engine::collect::Endpoint;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Awaited;
use crate::product::Method;

/// The provider keeps an answer for 30 days, and a day more is no harm.
const KEPT_S: i64 = 31 * 86_400;

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Words {
    batches: BTreeMap<BatchId, Awaited>,
    /// This session has read the list for it.
    has_scanned: bool,
}

impl Reconcile {
    /// A person said that these were bought.
    pub(in crate::engine) fn await_bought(&mut self, awaited: Vec<Awaited>) {
        self.words.batches = awaited.into_iter().map(|awaited| (awaited.batch, awaited)).collect();
    }

    /// Where an attempt was bought, and by which method, if it is one of these and was not found yet.
    pub(in crate::engine) fn awaited(&self, batch: BatchId, attempt: AttemptId) -> Option<(Endpoint, Method)> {
        let awaited = self.words.batches.get(&batch).filter(|awaited| awaited.attempts.contains(&attempt))?;
        Some(((awaited.engine, awaited.function), awaited.method))
    }

    /// It was found, or has come to its end.
    pub(in crate::engine) fn awaited_no_more(&mut self, batch: BatchId, attempt: AttemptId) {
        if let Some(awaited) = self.words.batches.get_mut(&batch) {
            awaited.attempts.remove(&attempt);
            if awaited.attempts.is_empty() {
                self.words.batches.remove(&batch);
            }
        }
    }

    /// How many are still looked for.
    pub(in crate::engine) fn awaited_attempts(&self) -> u64 {
        self.words.batches.values().map(|awaited| awaited.attempts.len() as u64).sum()
    }

    /// Those whose answers the provider no longer keeps.
    pub(in crate::engine) fn never_came(&self, provider_now: i64) -> Vec<(BatchId, AttemptId)> {
        let over = self.words.batches.values().filter(|awaited| awaited.sent_v + KEPT_S < provider_now);
        over.flat_map(|awaited| awaited.attempts.iter().map(|attempt| (awaited.batch, *attempt))).collect()
    }

    /// The list is still to be read for them in this session.
    pub(super) fn scans_for_awaited(&self) -> bool {
        self.lists && !self.words.has_scanned && !self.words.batches.is_empty()
    }

    /// A scan that was to find something is through.
    pub(super) fn scanned_for_awaited(&mut self) {
        self.words.has_scanned = true;
    }

    /// Where the list may file them: by the time of the purchase, or by that at which they were finished.
    pub(super) fn awaited_spans(&self, since: impl Fn(i64) -> i64, last: i64, provider_now: i64) -> Vec<Span> {
        let in_list = self.words.batches.values().filter(|awaited| in_reach(awaited.sent_v, provider_now));
        in_list
            .map(|awaited| {
                let until_s = self.proven_quarantine_s() + self.give_up_s(awaited.function);
                (since(awaited.sent_v), (awaited.closed_v.unwrap_or(awaited.sent_v) + until_s).min(last))
            })
            .collect()
    }
}
