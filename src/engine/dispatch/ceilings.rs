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
    pub(super) fn fund(&mut self, desk: usize, worst: Money) -> Result<(), Room> {
        let all: Money = self.desks.iter().map(|desk| desk.funded).sum();
        let this = &mut self.desks[desk];
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
            if let Some(at) = self.desk(room.run) {
                self.desks[at].own = room.own;
            }
        }
        let all: Money = self.desks.iter().map(|desk| desk.funded).sum();
        for desk in self.desks.iter_mut().filter(|desk| desk.given_up.is_none()) {
            let Some((needs, _)) = desk.cut else { continue };
            // It may be another ceiling by now that has no room.
            let short =
                short(desk.own.as_ref(), desk.funded, needs).or_else(|| short(self.shared.as_ref(), all, needs));
            desk.cut = short.map(|room| (needs, room));
        }
    }

    /// The ceilings that cut a run's plan.
    pub(in crate::engine) fn cuts(&self) -> Vec<(RunId, Room)> {
        self.desks.iter().filter_map(|desk| desk.cut.as_ref().map(|(_, room)| (desk.terms.run, room.clone()))).collect()
    }
}

/// The ceiling, where so much having been given it has no room for this.
fn short(room: Option<&Room>, given: Money, needs: Money) -> Option<Room> {
    room.filter(|room| given.saturating_add(needs) > room.left).cloned()
}
