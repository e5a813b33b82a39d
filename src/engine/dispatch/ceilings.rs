//! What the ceilings leave, and where they cut the plan.
//!
//! The ledger has the last word: what seems to fit here may still be refused there (`batches`).

use super::Dispatch;
use crate::ids::RunId;
use crate::money::Money;
use crate::plan::Room;

/// What the ceilings leave to a run: its own tightest, and the tightest that all runs of the account share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFor {
    /// Which run.
    pub run: RunId,
    /// The tightest of the run and its job.
    pub own: Option<Room>,
    /// The tightest of the account.
    pub shared: Option<Room>,
}

impl Dispatch {
    /// Gives a task its money, or says which ceiling has no room.
    pub(super) fn fund(&mut self, queue: usize, worst: Money) -> Result<(), Room> {
        let all: Money = self.queues.iter().map(|queue| queue.funded).sum();
        let this = &mut self.queues[queue];
        let short = short(this.own.as_ref(), this.funded, worst).or_else(|| short(self.shared.as_ref(), all, worst));
        if let Some(room) = short {
            this.cut = Some((worst, room.clone()));
            Err(room)
        } else {
            this.funded += worst;
            Ok(())
        }
    }

    /// Where the ceilings stand after a commit.
    pub(in crate::engine) fn rooms(&mut self, rooms: Vec<RoomFor>) {
        for room in rooms {
            self.shared = room.shared;
            if let Some(at) = self.queue_of(room.run) {
                self.queues[at].own = room.own;
            }
        }
        let all: Money = self.queues.iter().map(|queue| queue.funded).sum();
        for queue in self.queues.iter_mut().filter(|queue| queue.given_up.is_none()) {
            let Some((needs, _)) = queue.cut else { continue };
            // It may be another ceiling by now that has no room.
            let short =
                short(queue.own.as_ref(), queue.funded, needs).or_else(|| short(self.shared.as_ref(), all, needs));
            queue.cut = short.map(|room| (needs, room));
        }
    }

    /// The ceilings that cut a run's plan.
    pub(in crate::engine) fn cuts(&self) -> Vec<(RunId, Room)> {
        self.queues
            .iter()
            .filter_map(|queue| queue.cut.as_ref().map(|(_, room)| (queue.terms.run, room.clone())))
            .collect()
    }
}

/// The ceiling, where so much having been given it has no room for this.
fn short(room: Option<&Room>, given: Money, needs: Money) -> Option<Room> {
    room.filter(|room| given.saturating_add(needs) > room.left).cloned()
}
