//! Requests that were refused as a whole: halved until the refused task is alone.
//!
//! A firewall in front of the provider, or the provider itself, may refuse a request because of one of its tasks.
//! Nothing of it was bought then, and the other tasks need not wait for that one. Its tasks may only go into requests
//! of half the size. These go one after the other as long as nothing shows that the way is open at all. A task that
//! is refused alone is to blame only if the request answered before it was read. Otherwise it waits until one is, and
//! is tried once more. What is in doubt is never halved: half of it may have been bought.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Dispatch, EndpointQueue, InFlight, Pulled, Want};
use crate::ids::TaskId;
use crate::product::{MAX_BATCH, Product};

/// Requests in a row that are refused whole before it is no longer taken for the fault of their tasks: to find one task
/// among a hundred takes eight, and some more may stand beside it.
pub(in crate::engine) const MOST_REFUSED_BODIES: u32 = 20;

/// What is known of bodies that were refused whole, in this session.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// The most tasks that a body with this one may have.
    limits: BTreeMap<TaskId, usize>,
    /// The most of an endpoint queue, where a larger one was refused for its size.
    sizes: BTreeMap<EndpointQueue, usize>,
    /// Refused alone, and not shown to be to blame: they wait until another request is read.
    parked: BTreeSet<TaskId>,
    /// Refused one after another, without one that was read between them, and without those that a task is to blame for.
    in_a_row: u32,
    /// Refused beside those: larger bodies that had nothing to do with the first, which may have been under way with it.
    beside: u32,
    /// Tasks that were taken to be to blame since a request was read.
    blamed: u32,
    /// A request was read in this session.
    any_read: bool,
    /// What stood in refused requests of earlier sessions is tried: nothing else is left.
    tries_refused: bool,
    /// Tasks that wait for that.
    deferred: u64,
    /// Tasks that are left planned.
    left: u64,
    /// What was said of the last of them.
    why: String,
}

/// What follows from a body that was refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Blame {
    /// Its one task is refused.
    Task,
    /// Its one task, or the way to the provider: that is not known yet.
    Unknown,
    /// One of its tasks: they go in halves.
    Halves,
}

impl Bodies {
    /// How many tasks from the front of an endpoint queue stand in its next body.
    pub(super) fn next(&self, endpoint_queue: EndpointQueue, tasks: &VecDeque<Want>) -> usize {
        let limit = |want: &Want| self.limits.get(&want.task.task).copied();
        let first = tasks.front().and_then(limit);
        let most = self.max_in(endpoint_queue).min(first.unwrap_or(usize::MAX));
        tasks.iter().take(most).take_while(|want| limit(want) == first).count()
    }

    /// The tasks that one POST of an endpoint queue may carry.
    pub(super) fn max_in(&self, endpoint_queue: EndpointQueue) -> usize {
        let (engine, function, method) = endpoint_queue;
        let most = Product::find(engine, function, method).map_or(MAX_BATCH, |product| product.batch);
        self.sizes.get(&endpoint_queue).map_or(most, |size| most.min(*size))
    }

    /// A task of a body that was refused.
    pub(super) fn is_suspect(&self, want: &Want) -> bool {
        self.limits.contains_key(&want.task.task)
    }

    /// Until a request is read, suspects go one body after the other.
    pub(super) fn goes_alone(&self) -> bool {
        self.in_a_row > 0
    }

    /// True where a task waits until another request is read: it is left planned. What earlier sessions saw refused waits only
    /// as long as there is something else, and is halved on from there.
    pub(super) fn leaves(&mut self, pulled: &Pulled) -> bool {
        let task = pulled.task.task;
        if let Some(with) = pulled.task.refused_with.filter(|_| !self.limits.contains_key(&task)) {
            if !self.tries_refused {
                self.deferred += 1;
                return true;
            }
            self.limits.insert(task, usize::try_from(with.div_ceil(2)).unwrap_or(MAX_BATCH).max(1));
        }
        let is_parked = self.parked.contains(&task);
        self.left += u64::from(is_parked);
        is_parked
    }

    /// The plan is pulled anew.
    pub(super) fn start_over(&mut self) {
        (self.left, self.deferred) = (0, 0);
    }
}

impl Dispatch {
    /// A body was refused whole, for its size or for what stands in it.
    pub(in crate::engine) fn body_refused(&mut self, flight: &InFlight, for_its_size: bool, why: &str) -> Blame {
        why.clone_into(&mut self.bodies.why);
        let half = flight.wants.len().div_ceil(2);
        let is_first_or_alone = self.bodies.in_a_row == 0 || half == flight.wants.len();
        let counts = is_first_or_alone || flight.wants.iter().any(|want| self.bodies.is_suspect(want));
        self.bodies.beside += u32::from(!counts);
        if let [want] = &flight.wants[..] {
            // Whatever its size is, it is this one's.
            self.bodies.sizes.remove(&flight.endpoint_queue());
            self.bodies.limits.insert(want.task.task, 1);
            // Many in a row are no longer the tasks' own: the way has closed since.
            if self.bodies.in_a_row == 0 && self.bodies.any_read && self.bodies.blamed < MOST_REFUSED_BODIES {
                self.bodies.blamed += 1;
                return Blame::Task;
            }
            self.bodies.in_a_row += u32::from(counts);
            self.bodies.parked.insert(want.task.task);
            return Blame::Unknown;
        }
        self.bodies.in_a_row += u32::from(counts);
        for want in &flight.wants {
            let limit = self.bodies.limits.entry(want.task.task).or_insert(half);
            *limit = half.min(*limit);
        }
        if for_its_size {
            let size = self.bodies.sizes.entry(flight.endpoint_queue()).or_insert(half);
            *size = half.min(*size);
        }
        Blame::Halves
    }

    /// So many in a row that their tasks are not to blame.
    pub(in crate::engine) fn are_all_bodies_refused(&self) -> bool {
        let Bodies { in_a_row, beside, blamed, .. } = self.bodies;
        in_a_row + blamed >= MOST_REFUSED_BODIES || beside >= 3 * MOST_REFUSED_BODIES
    }

    /// A request was read: the way is open, and what waited for that is tried once more.
    pub(in crate::engine) fn body_read(&mut self) {
        (self.bodies.in_a_row, self.bodies.beside, self.bodies.blamed) = (0, 0, 0);
        self.bodies.any_read = true;
        if !self.bodies.parked.is_empty() {
            self.bodies.parked.clear();
            self.start_over();
        }
    }

    /// Nothing is left but what earlier sessions saw refused: it is tried, from its first task on.
    pub(super) fn try_refused(&mut self) {
        if self.bodies.deferred > 0 && self.is_done() {
            self.bodies.tries_refused = true;
            self.start_over();
        }
    }

    /// A body of suspects is under way in this endpoint queue.
    pub(super) fn tries_suspects(&self, endpoint_queue: EndpointQueue) -> bool {
        let drafted = self.pending.iter().filter_map(|pending| pending.wants.first());
        let in_flight = self.in_flight.values().filter_map(|flight| flight.wants.first());
        drafted.chain(in_flight).any(|want| want.endpoint_queue() == endpoint_queue && self.bodies.is_suspect(want))
    }

    /// What is not bought because its request is refused, in words.
    pub(in crate::engine) fn bodies_out(&self) -> Option<String> {
        let Bodies { left, why, .. } = &self.bodies;
        let (tasks, their) = if *left == 1 {
            ("1 task is".to_owned(), "its request, in which it stood alone, was")
        } else {
            (format!("{left} tasks are"), "their requests, in which each stood alone, were")
        };
        (*left > 0).then(|| {
            format!(
                "{tasks} not bought: {their} refused ({why}), and no other request was read since that would show that the \
                 way to the provider is open; a later session tries again, and `bursar doctor` looks at the way"
            )
        })
    }
}
