//! The headroom that the caps leave, and where they cut the plan.
//!
//! The ledger has the last word: it may still refuse what seems to fit here (`batches`).

use super::Dispatch;
use crate::ids::RunId;
use crate::money::Money;
use crate::plan::Headroom;

/// What the ceilings leave to a run: its own tightest, and the tightest that all runs of the account share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadroomFor {
    /// Which run.
    pub run: RunId,
    /// The tightest of the run and its job.
    pub own: Option<Headroom>,
    /// The tightest of the account.
    pub shared: Option<Headroom>,
}

impl Dispatch {
    /// Gives a task its money, or says which ceiling has no room.
    pub(super) fn fund(&mut self, queue: usize, worst_case: Money) -> Result<(), Headroom> {
        let all: Money = self.queues.iter().map(|queue| queue.allocated).sum();
        let this = &mut self.queues[queue];
        let short = short(this.own.as_ref(), this.allocated, worst_case)
            .or_else(|| short(self.shared.as_ref(), all, worst_case));
        if let Some(headroom) = short {
            this.cut = Some((worst_case, headroom.clone()));
            Err(headroom)
        } else {
            this.allocated += worst_case;
            Ok(())
        }
    }

    /// Where the ceilings stand after a commit.
    pub(in crate::engine) fn headrooms(&mut self, headrooms: Vec<HeadroomFor>) {
        for headroom in headrooms {
            self.shared = headroom.shared;
            if let Some(at) = self.queue_of(headroom.run) {
                self.queues[at].own = headroom.own;
            }
        }
        let all: Money = self.queues.iter().map(|queue| queue.allocated).sum();
        for queue in self.queues.iter_mut().filter(|queue| queue.given_up.is_none()) {
            let Some((needs, _)) = queue.cut else { continue };
            // It may be another ceiling by now that has no room.
            let short =
                short(queue.own.as_ref(), queue.allocated, needs).or_else(|| short(self.shared.as_ref(), all, needs));
            queue.cut = short.map(|headroom| (needs, headroom));
        }
    }

    /// The ceilings that cut a run's plan.
    pub(in crate::engine) fn cuts(&self) -> Vec<(RunId, Headroom)> {
        self.queues
            .iter()
            .filter_map(|queue| queue.cut.as_ref().map(|(_, headroom)| (queue.terms.run, headroom.clone())))
            .collect()
    }
}

/// The ceiling, where so much having been given it has no room for this.
fn short(headroom: Option<&Headroom>, given: Money, needs: Money) -> Option<Headroom> {
    headroom.filter(|headroom| given.saturating_add(needs) > headroom.left).cloned()
}
