//! The vendor's clock, as far as its `Date` headers show it.
//!
//! A `Date` is whole seconds, rounded down, and stamped before it arrives: the vendor's time is never before what the
//! latest one plus the time since its arrival says. What must not be too early (a connection is surely closed) is
//! rounded up; what must not be too late (a look surely began after) is rounded down. Moments are Unix seconds.

use std::time::Duration;

use crate::clock::Now;

/// What is known of the vendor's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VendorClock {
    /// Vendor's seconds minus ours since the process began, from the latest answer.
    latest_s: Option<i64>,
    /// The same, the furthest ahead that any answer showed.
    furthest_s: Option<i64>,
    /// When the latest answer arrived.
    seen: Option<Now>,
}

impl VendorClock {
    /// An answer arrived now with this `Date`; where it had none, the wall clock stands in for it.
    pub(super) fn saw(&mut self, date_v: Option<i64>, now: Now) {
        let offset = date_v.unwrap_or(now.wall.timestamp()) - seconds(now.mono);
        self.latest_s = Some(offset);
        self.seen = Some(now);
        self.furthest_s = Some(self.furthest_s.map_or(offset, |furthest| furthest.max(offset)));
    }

    /// The vendor has been heard in this start.
    pub(super) fn is_known(&self) -> bool {
        self.latest_s.is_some()
    }

    /// The vendor's time is not before this. Before any contact, the wall clock's.
    pub(super) fn not_before(&self, now: Now) -> i64 {
        self.latest_s.map_or(now.wall.timestamp(), |offset| offset + seconds(now.mono))
    }

    /// The vendor's time is not after this, whichever of its machines answered.
    pub(super) fn not_after(&self, now: Now) -> i64 {
        self.furthest_s.map_or(now.wall.timestamp(), |offset| offset + seconds(now.mono)) + 2 + self.slept_s(now)
    }

    /// By how many seconds the wall clock has gone ahead of the monotonic one since the latest answer: this machine may
    /// have slept so long.
    fn slept_s(&self, now: Now) -> i64 {
        self.seen.map_or(0, |seen| {
            let awake = seconds(now.mono.saturating_sub(seen.mono));
            ((now.wall - seen.wall).num_seconds() - awake).max(0)
        })
    }

    /// By how many seconds the vendor is ahead of the wall clock.
    pub(super) fn skew_s(&self, now: Now) -> i64 {
        self.not_before(now) - now.wall.timestamp()
    }
}

/// Whole seconds, as the vendor's times are counted in.
pub(super) fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
