//! The pace: one token bucket for each limit of the provider, counting in time that is handed in.
//!
//! For a limit of N calls a minute the burst is max(1, N/400), and the rest is spread over 60.2 s. That is at most N
//! in any 60 s, and more than 99 % of N from 1,000 up. Every session begins with an empty bucket, so nothing has to
//! be stored for the limit to hold across a restart. The engine decides which call goes next.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::rule::Rule;

/// The window over which N calls are spread: a little more than a minute, so that a delayed call cannot fall into the
/// next window with N others.
const WINDOW: Duration = Duration::from_millis(60_200);
/// How long each level of slowness lasts after the provider has throttled us.
const RECOVERY: Duration = Duration::from_secs(15);
/// A single throttling asks for a pause; one that follows another this soon, for a slower pace as well.
const REPEATED: Duration = Duration::from_secs(10);
/// The slowest pace is a 64th of the limit.
const SLOWEST: u32 = 6;

/// A clock for governor that shows the time it was last given.
#[derive(Clone, Debug, Default)]
struct Told(Arc<AtomicU64>);

impl Told {
    fn tell(&self, mono: Duration) {
        self.0.store(u64::try_from(mono.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl GovernorClock for Told {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// One limit of the provider.
#[derive(Debug)]
pub struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, Told, NoOpMiddleware<Nanos>>,
    clock: Told,
    /// The least time between two calls while slowed down.
    spacing: Duration,
    /// 0: at the limit; each further level halves the pace.
    level: u32,
    slowed_at: Duration,
    complained_at: Option<Duration>,
    next: Duration,
}

impl Bucket {
    /// A bucket for `per_minute` calls a minute, empty at `mono`.
    pub fn new(per_minute: u32, mono: Duration) -> Self {
        let bucket = Self::full(per_minute, mono);
        if Rule::EmptyBuckets.is_kept() {
            let emptied = bucket.limiter.check_n(burst_of(per_minute));
            debug_assert!(matches!(emptied, Ok(Ok(()))), "a new bucket holds its burst");
        }
        bucket
    }

    /// A bucket that lets its burst through at once, for a limit in whose last minute only a long-lived bucket can
    /// have called. Such a bucket never takes more than the limit less the burst, which must leave it something.
    pub fn cooled_down(per_minute: u32, mono: Duration) -> Self {
        if per_minute > burst_of(per_minute).get() { Self::full(per_minute, mono) } else { Self::new(per_minute, mono) }
    }

    fn full(per_minute: u32, mono: Duration) -> Self {
        let limit = per_minute.max(1);
        let burst = burst_of(limit);
        let rest = limit.saturating_sub(burst.get()).max(1);
        let spacing = (WINDOW / rest).max(Duration::from_nanos(1));
        let clock = Told::default();
        clock.tell(mono);
        let quota = Quota::with_period(spacing).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        Self { limiter, clock, spacing, level: 0, slowed_at: mono, complained_at: None, next: mono }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none: the moment from which there may be one.
    pub fn take(&mut self, mono: Duration) -> Result<(), Duration> {
        self.recover(mono);
        if mono < self.next {
            return Err(self.next);
        }
        self.clock.tell(mono);
        match self.limiter.check() {
            Ok(()) => {
                if self.level > 0 {
                    self.next = mono + self.spacing * (1 << self.level);
                }
                Ok(())
            }
            Err(not_until) => {
                let at = not_until.earliest_possible().duration_since(Nanos::new(0));
                Err(Duration::from_nanos(at.as_u64()).max(mono + Duration::from_nanos(1)))
            }
        }
    }

    /// The provider throttled us: no call before `pause` is over, and half the pace after that if the last throttling
    /// was recent.
    pub fn slow_down(&mut self, mono: Duration, pause: Duration) {
        // Replies to calls that were in flight together are one complaint, not many.
        let since = mono.saturating_sub(self.complained_at.unwrap_or_default());
        if self.complained_at.is_some() && since < Duration::from_secs(1) {
            return;
        }
        if self.complained_at.is_some() && since < REPEATED + pause {
            self.level = (self.level + 1).min(SLOWEST);
            self.slowed_at = mono;
        }
        self.complained_at = Some(mono);
        self.next = self.next.max(mono + pause);
    }

    /// The allowance is used up: no call before this moment.
    pub fn rest_until(&mut self, mono: Duration) {
        self.next = self.next.max(mono);
    }

    /// Each quarter of a minute without further throttling removes a level of slowness.
    fn recover(&mut self, mono: Duration) {
        while self.level > 0 && mono >= self.slowed_at + RECOVERY {
            self.level -= 1;
            self.slowed_at += RECOVERY;
        }
    }
}

/// The burst: how many calls may go at once.
fn burst_of(per_minute: u32) -> NonZeroU32 {
    NonZeroU32::new((per_minute / 400).max(1)).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments at which a bucket that is asked without pause lets calls through, for `minutes`.
    fn greedy(bucket: &mut Bucket, from: Duration, minutes: u64) -> Vec<Duration> {
        let mut calls = Vec::new();
        let mut mono = from;
        while mono < from + Duration::from_mins(minutes) {
            match bucket.take(mono) {
                Ok(()) => calls.push(mono),
                Err(at) => mono = at,
            }
        }
        calls
    }

    fn max_in_a_minute(calls: &[Duration]) -> usize {
        calls
            .iter()
            .enumerate()
            .map(|(first, at)| calls[first..].partition_point(|call| *call < *at + Duration::from_mins(1)))
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn no_minute_exceeds_its_limit_of_calls() {
        for limit in [1, 6, 10, 20, 60, 1_000, 2_000, 6_000] {
            let calls = greedy(&mut Bucket::new(limit, Duration::ZERO), Duration::ZERO, 10);
            assert!(max_in_a_minute(&calls) <= limit as usize, "{limit}");
            if limit >= 1_000 {
                assert!(calls.len() * 100 >= limit as usize * 10 * 99, "{limit}: only {} in ten minutes", calls.len());
            }
        }
    }

    #[test]
    fn a_restart_cannot_push_a_minute_over_the_limit() {
        for restart_ms in (0..70_000).step_by(3_700) {
            let mut calls = greedy(&mut Bucket::new(1_000, Duration::ZERO), Duration::ZERO, 3);
            let restart = Duration::from_mins(2) + Duration::from_millis(restart_ms);
            calls.retain(|call| *call < restart);
            calls.extend(greedy(&mut Bucket::new(1_000, restart), restart, 2));
            assert!(max_in_a_minute(&calls) <= 1_000, "restart after {restart_ms} ms");
        }
    }

    #[test]
    fn a_full_bucket_cannot_exceed_a_minutes_limit() {
        for limit in [1, 6, 10, 1_000] {
            for restart_ms in (0..70_000).step_by(3_700) {
                let mut calls = greedy(&mut Bucket::new(limit, Duration::ZERO), Duration::ZERO, 3);
                let restart = Duration::from_mins(2) + Duration::from_millis(restart_ms);
                calls.retain(|call| *call < restart);
                calls.extend(greedy(&mut Bucket::cooled_down(limit, restart), restart, 2));
                assert!(max_in_a_minute(&calls) <= limit as usize, "{limit}: restart after {restart_ms} ms");
                assert_eq!(calls.contains(&restart), limit > 1, "{limit}: it goes at once");
            }
        }
    }

    #[test]
    fn repeated_throttling_halves_the_pace_for_a_while() {
        let mut bucket = Bucket::new(6_000, Duration::ZERO);
        bucket.slow_down(Duration::from_mins(1), Duration::from_secs(5));
        bucket.slow_down(Duration::from_secs(65), Duration::from_secs(5));
        let calls = greedy(&mut bucket, Duration::from_secs(66), 2);
        assert_eq!(calls[0], Duration::from_secs(70));
        let within = |from, to| calls.iter().filter(|call| (from..to).contains(&call.as_secs())).count();
        assert!((450..=510).contains(&within(70, 80)), "{}", within(70, 80));
        assert!(within(90, 150) > 5_900, "{}", within(90, 150));
    }

    #[test]
    fn throttling_of_concurrent_calls_counts_once() {
        let mut bucket = Bucket::new(6_000, Duration::ZERO);
        for _ in 0..20 {
            bucket.slow_down(Duration::from_mins(1), Duration::from_secs(1));
        }
        assert!(greedy(&mut bucket, Duration::from_secs(61), 1).len() > 5_900);
    }
}
