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
        let short = |room: &Option<Room>, given: Money| {
            room.as_ref().filter(|room| given.saturating_add(worst) > room.left).cloned()
        };
        let this = &mut self.desks[desk];
        if let Some(room) = short(&this.own, this.funded).or_else(|| short(&self.shared, all)) {
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
            let Some((needs, _)) = &desk.cut else { continue };
            let fits = |room: &Option<Room>, given: Money| {
                room.as_ref().is_none_or(|room| given.saturating_add(*needs) <= room.left)
            };
            if fits(&desk.own, desk.funded) && fits(&self.shared, all) {
                desk.cut = None;
            }
        }
    }

    /// The ceilings that cut a run's plan.
    pub(in crate::engine) fn cuts(&self) -> Vec<(RunId, Room)> {
        self.desks.iter().filter_map(|desk| desk.cut.as_ref().map(|(_, room)| (desk.terms.run, room.clone()))).collect()
    }
}
