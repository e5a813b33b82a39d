//! Batches: drafted from the endpoint queues, reserved or refused by the ledger, in flight until their reply is
//! processed.

use super::{Dispatch, EndpointQueue, InFlight, MOST_PULLED, PULL, Pending};
use crate::ids::BatchId;
use crate::ledger::{CapReached, Draft, DraftTask, Reserved};
use crate::product::Method;

/// Commits in a row in which the ledger may refuse drafts although there seemed to be room, before their runs are left
/// to a later session: one may follow from a period that turned, more are a disagreement that does not pass.
const MOST_REFUSALS: u32 = 3;

impl Dispatch {
    /// Another call of this method may be under way.
    pub(super) fn has_headroom(&self, method: Method) -> bool {
        method == Method::Standard || self.live() < self.live_at_once
    }

    /// True where a batch could be made now.
    pub(in crate::engine) fn has_batch(&self) -> bool {
        self.halted.is_none() && (self.canary().is_some() || self.full_queue().is_some())
    }

    /// A endpoint queue with a full batch, or with all that its run has to give.
    fn full_queue(&self) -> Option<(usize, EndpointQueue)> {
        self.queues.iter().enumerate().find_map(|(at, queue)| {
            let no_more = queue.exhausted
                || queue.cut.is_some()
                || (!queue.pulling && self.waiting_for(at) >= MOST_PULLED - PULL);
            let endpoint_queue = queue.endpoint_queues.iter().find(|(endpoint_queue, wants)| {
                if wants.front().is_some_and(|want| self.bodies.is_suspect(want)) {
                    let waits = self.bodies.goes_alone() && self.tries_suspects(**endpoint_queue);
                    return !waits && self.has_headroom(endpoint_queue.2);
                }
                let full = wants.len() >= self.bodies.max_in(**endpoint_queue);
                let last = no_more && !wants.is_empty() && !self.canary_may_fill(at, **endpoint_queue);
                (full || last) && self.has_headroom(endpoint_queue.2)
            })?;
            Some((at, *endpoint_queue.0))
        })
    }

    /// Takes the next batch's tasks out of the endpoint queues.
    pub(in crate::engine) fn draft(&mut self, sent_v: i64, hold_to_v: i64) -> Option<Draft> {
        let pending = if let Some(price) = self.canary() {
            let waiting = self.prices[price].waiting.iter_mut().find(|(_, waiting)| !waiting.is_empty())?;
            // One of which nothing was refused is likelier to be accepted, and to prove the price.
            let run = self.queues[*waiting.0].terms.run;
            let likeliest = (0..waiting.1.len()).min_by_key(|at| self.alike.suspicion(run, &waiting.1[*at]))?;
            let (queue, want) = (*waiting.0, waiting.1.remove(likeliest)?);
            self.prices[price].canaries_out += 1;
            Pending { queue, wants: vec![want], canary: Some(price), sent_v }
        } else {
            let (queue, endpoint) = self.full_queue()?;
            let endpoint_queue = self.queues[queue].endpoint_queues.get_mut(&endpoint)?;
            let wants = endpoint_queue.drain(..self.bodies.next(endpoint, endpoint_queue)).collect();
            Pending { queue, wants, canary: None, sent_v }
        };
        let first = pending.wants.first()?;
        let draft = Draft {
            run: self.queues[pending.queue].terms.run,
            engine: first.engine,
            function: first.function,
            method: first.task.method,
            tasks: pending
                .wants
                .iter()
                .map(|want| DraftTask {
                    task: want.task.task,
                    hold: want.allocated,
                    previous: want.task.previous,
                    number: want.task.attempts + 1,
                })
                .collect(),
            sent_v,
            hold_to_v,
        };
        self.pending.push(pending);
        Some(draft)
    }

    /// The ledger has reserved what was drafted, or says which ceiling has no room; the batches that may be sent.
    pub(in crate::engine) fn reserved(&mut self, outcomes: Vec<Result<Reserved, CapReached>>) -> Vec<(BatchId, bool)> {
        let mut sent = Vec::new();
        // Several commits of drafts may be on their way: these outcomes are the oldest's.
        let drafted: Vec<Pending> = self.pending.drain(..outcomes.len().min(self.pending.len())).collect();
        for pending in &drafted {
            self.queues[pending.queue].allocated -= pending.wants.iter().map(|want| want.allocated).sum();
        }
        let mut refused = Vec::new();
        for (pending, outcome) in drafted.into_iter().zip(outcomes) {
            let queue = &mut self.queues[pending.queue];
            match outcome {
                Ok(reserved) => {
                    let first = pending.wants[0];
                    sent.push((reserved.batch, pending.canary.is_some()));
                    self.in_flight.insert(
                        reserved.batch,
                        InFlight {
                            run: queue.terms.run,
                            engine: first.engine,
                            function: first.function,
                            method: first.task.method,
                            first_attempt: reserved.first_attempt,
                            hold: reserved.hold,
                            wants: pending.wants,
                            canary: pending.canary,
                            sent_v: pending.sent_v,
                        },
                    );
                }
                Err(CapReached { cap }) => {
                    // A period has turned, or another total moved: look again from the first planned task on.
                    if let Some(price) = pending.canary {
                        self.prices[price].canaries_out -= 1;
                    }
                    refused.push((pending.queue, cap));
                }
            }
        }
        if !sent.is_empty() {
            self.refusals = 0;
        }
        if !refused.is_empty() {
            self.refusals += 1;
            for (queue, cap) in refused.into_iter().filter(|_| self.refusals > MOST_REFUSALS) {
                self.queues[queue].given_up = Some(cap);
            }
            self.start_over();
        }
        sent
    }

    /// A batch has been answered for, or its connection is gone.
    pub(in crate::engine) fn answered(&mut self, batch: BatchId) -> Option<InFlight> {
        self.in_flight.remove(&batch)
    }

    /// Live calls under way or about to be.
    pub(in crate::engine) fn live(&self) -> u32 {
        let drafted = self.pending.iter().filter_map(|pending| pending.wants.first());
        let live = drafted.filter(|want| want.task.method == Method::Live).count()
            + self.in_flight.values().filter(|flight| flight.method == Method::Live).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    }

    pub(in crate::engine) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Tasks whose outcome has not come back yet.
    pub(in crate::engine) fn sending(&self) -> u64 {
        self.in_flight.values().map(|flight| flight.wants.len() as u64).sum()
    }

    pub(in crate::engine) fn flight(&self, batch: BatchId) -> Option<&InFlight> {
        self.in_flight.get(&batch)
    }
}
