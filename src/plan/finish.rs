//! When a plan will be done: the calls for its purchases and its answers, and how long the answers take.
//!
//! It errs on the long side. Purchases go first, and answers are fetched while others are outstanding. The end is
//! therefore the later of two moments: the last purchase and its answer, or the last of all calls at the pace that
//! the limits allow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::{Limits, Timing};
use crate::product::{Engine, Function, Method};

/// A purchase, its answer and the way back take some time of their own, at the beginning and at the end.
const MOMENTS: Duration = Duration::from_millis(500);
/// What comes in between (slow replies, a pace that is not quite reached) adds a tenth.
const MARGIN: u32 = 10;

/// The speed of a session.
#[derive(Clone, Copy, Debug)]
pub struct Tempo<'a> {
    /// The provider's limits.
    pub limits: &'a Limits,
    /// How often `tasks_ready` is called.
    pub timing: &'a Timing,
    /// How many times faster than a real one the provider answers.
    pub speed: u32,
}

/// The purchases at an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtEndpoint {
    /// The number of tasks.
    pub tasks: u64,
    /// The maximum number of tasks in a purchase.
    pub batch: u64,
    /// Their prices: a price that was never charged is tried on one task first.
    pub prices: BTreeSet<String>,
    /// The number of calls for the answers.
    pub fetches: u64,
    /// The time of the slowest answer.
    pub slowest: Duration,
}

/// The work of a plan, by endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work(pub(super) BTreeMap<(Engine, Function, Method), AtEndpoint>);

impl Work {
    /// The number of purchases, canaries included; `charged` are the prices that need no canary.
    pub fn purchases(&self, charged: &BTreeSet<String>) -> u64 {
        self.0.values().map(|at| at.purchases(charged)).sum()
    }

    /// The number of calls for the answers.
    pub fn fetches(&self) -> u64 {
        self.0.values().map(|at| at.fetches).sum()
    }

    /// The time from the first purchase to the last answer.
    pub fn expected(&self, tempo: &Tempo<'_>, charged: &BTreeSet<String>) -> Duration {
        let (purchases, fetches) = (self.purchases(charged), self.fetches());
        if purchases == 0 {
            return Duration::ZERO;
        }
        let speed = tempo.speed.max(1);
        let slowest = self.0.iter().map(|((_, _, method), at)| {
            // Live calls wait for one another, so many at a time.
            let turns = match method {
                Method::Standard => 1,
                Method::Live => at.tasks.div_ceil(u64::from(tempo.limits.live_in_flight.max(1))),
            };
            (at.slowest / speed).saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
        });
        let bought = tempo.time_for(purchases, 0).saturating_add(slowest.max().unwrap_or_default());
        let polled = self.0.iter().filter(|((_, _, method), _)| *method == Method::Standard).count() as u64;
        let called = tempo.time_for(purchases.saturating_add(fetches), polled);
        let seen = if fetches > 0 { tempo.timing.poll_max } else { Duration::ZERO };
        let sum = bought.max(called).saturating_add(seen).saturating_add(MOMENTS);
        sum.saturating_add(sum / MARGIN)
    }
}

impl AtEndpoint {
    fn purchases(&self, charged: &BTreeSet<String>) -> u64 {
        let trials = (self.prices.difference(charged).count() as u64).min(self.tasks);
        trials + (self.tasks - trials).div_ceil(self.batch.max(1))
    }
}

impl Tempo<'_> {
    /// The time of so many calls at the limit, beside the calls of `tasks_ready` at so many endpoints.
    fn time_for(&self, calls: u64, polled: u64) -> Duration {
        let limit = u64::from(self.limits.calls_per_minute.max(1));
        let interval_ms = u64::try_from(self.timing.poll_min.as_millis()).unwrap_or(u64::MAX).max(1);
        let asked = (polled.saturating_mul(60_000) / interval_ms).min(u64::from(self.limits.tasks_ready_per_minute));
        let left = limit.saturating_sub(asked.min(limit / 2)).max(1);
        Duration::from_millis(calls.saturating_mul(60_200) / left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(tasks: u64) -> Work {
        let at = AtEndpoint {
            tasks,
            batch: 100,
            prices: BTreeSet::from(["a".to_owned()]),
            fetches: tasks,
            slowest: Duration::from_mins(45),
        };
        Work(BTreeMap::from([((Engine::Gemini, Function::LlmScraper, Method::Standard), at)]))
    }

    #[test]
    fn a_price_never_charged_takes_a_purchase_more() {
        let charged = BTreeSet::from(["a".to_owned()]);
        let purchases = |tasks| (work(tasks).purchases(&BTreeSet::new()), work(tasks).purchases(&charged));
        assert_eq!([1, 100, 101, 201].map(purchases), [(1, 1), (2, 1), (2, 2), (3, 3)]);
        assert_eq!(purchases(0), (0, 0));
    }

    #[test]
    fn answers_and_calls_overlap_and_the_later_counts() {
        let (limits, timing) = (Limits::default(), Timing::default());
        let tempo = Tempo { limits: &limits, timing: &timing, speed: 1 };
        let minutes = |tasks| work(tasks).expected(&tempo, &BTreeSet::new()).as_secs() / 60;
        // The answers take longest; then the calls for them do.
        assert_eq!([1, 1_000, 10_000, 100_000, 400_000].map(minutes), [50, 50, 50, 114, 456]);
    }
}
