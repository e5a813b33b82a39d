//! The list alone, where `tasks_ready` cannot tell.
//!
//! `tasks_ready` shows a thousand rows and no more. Where another program leaves that many uncollected on the account, it
//! is no witness for what is finished. The list is one by itself where each of the two scans that conclude has shown a
//! finished task of ours at the same endpoint: what it shows unfinished is proven before (the tag proof), or the batch is
//! older than any task stays unfinished, so that its tasks would be shown in whichever state they are
//! (docs/decisions/0015).

use std::collections::BTreeSet;

use super::{Doubt, Reconcile};
use crate::engine::collect::{Endpoint, Listing};
use crate::offer::Method;
use crate::rule::Rule;

impl Reconcile {
    /// The list shows a finished task of ours, with its tag.
    pub(in crate::engine) fn saw_finished(&mut self, endpoint: Endpoint) {
        if let Some(sweep) = &mut self.sweep {
            sweep.finished.insert(endpoint);
        }
    }

    /// A scan counts for a batch, and has shown what is finished at its endpoint or not: `true` where it is the first that
    /// has, so that a second one is worth waiting for.
    pub(super) fn shown_finished(doubt: &mut Doubt, begun_v: i64, finished: &BTreeSet<Endpoint>) -> bool {
        let is_shown = finished.contains(&(doubt.facts.engine, doubt.facts.function));
        doubt.finished.extend(is_shown.then_some(begun_v));
        is_shown && doubt.finished.len() == 1
    }

    /// What is finished of a batch would have been seen: in `tasks_ready`, or in the list where that is full.
    pub(super) fn finished_would_show(&self, doubt: &Doubt, listing: Listing) -> bool {
        // What is answered on its connection is in no list of what is ready.
        if doubt.facts.method == Method::Live || !Rule::ReadyIsRead.is_kept() {
            return true;
        }
        let Some(over) = self.conclude_from(doubt) else { return false };
        let is_after = |at_v: Option<i64>| at_v.is_some_and(|at_v| at_v >= over);
        is_after(listing.whole_v)
            || is_after(listing.full_v)
                && (self.two_looks(&doubt.finished, Some(over)) || !Rule::FinishedIsShown.is_kept())
    }
}
