//! When the list alone is sufficient evidence because `tasks_ready` cannot tell.
//!
//! `tasks_ready` shows at most a thousand rows. If another program leaves that many uncollected on the account, it is
//! no evidence about finished tasks. The list is sufficient if each of the two scans that conclude has shown a
//! finished task of ours at the same endpoint. That it shows unfinished tasks is proven before (the visibility
//! proof), or the batch is older than any task stays unfinished. The list would then show the batch's tasks in
//! whichever state they are (docs/decisions/0015).

use std::collections::BTreeSet;

use super::{Reconcile, UnknownOutcome};
use crate::engine::collect::{Endpoint, Listing};
use crate::product::Method;
use crate::rule::Rule;

impl Reconcile {
    /// The list shows a finished task of ours, with its tag.
    pub(in crate::engine) fn saw_finished(&mut self, endpoint: Endpoint) {
        if let Some(scan) = &mut self.scan {
            scan.finished.insert(endpoint);
        }
    }

    /// A scan counts for a batch, and has shown what is finished at its endpoint or not: `true` where it is the first that
    /// has, so that a second one is worth waiting for.
    pub(super) fn shown_finished(unknown: &mut UnknownOutcome, begun_v: i64, finished: &BTreeSet<Endpoint>) -> bool {
        let is_shown = finished.contains(&(unknown.facts.engine, unknown.facts.function));
        unknown.finished.extend(is_shown.then_some(begun_v));
        is_shown && unknown.finished.len() == 1
    }

    /// What is finished of a batch would have been seen: in `tasks_ready`, or in the list where that is full.
    pub(super) fn finished_would_show(&self, unknown: &UnknownOutcome, listing: Listing) -> bool {
        // What is answered on its connection is in no list of what is ready.
        if unknown.facts.method == Method::Live || !Rule::ReadyIsRead.is_kept() {
            return true;
        }
        let Some(over) = self.conclude_from(unknown) else { return false };
        let is_after = |at_v: Option<i64>| at_v.is_some_and(|at_v| at_v >= over);
        is_after(listing.whole_v)
            || is_after(listing.full_v)
                && (self.two_scans(&unknown.finished, Some(over)) || !Rule::FinishedIsShown.is_kept())
    }
}
