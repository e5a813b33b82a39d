//! The provider's clock, as far as its `Date` headers show it.
//!
//! A `Date` is in whole seconds, rounded down, and stamped before it arrives. The provider's time is therefore at
//! least the latest `Date` plus the time since it arrived. A moment that must not be too early (a connection is
//! surely closed) is rounded up; one that must not be too late (a scan surely began after) is rounded down. Moments
//! are Unix seconds.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Now;
use crate::rule::Rule;

/// A `Date` further from this machine's clock than this is no word on the time (seconds): one of the two is broken. A
/// machine that was switched off or restored from an image is wrong by less once its clock is set.
pub const FURTHEST_OFF_S: i64 = 14 * 24 * 3_600;
/// The provider's machines agree to this (milliseconds); windows of its list begin earlier by more.
const AGREE_MS: i64 = 60_000;
/// Answers in a row that show a later time than is believed before it is.
const ENOUGH_AHEAD: u32 = 5;

/// What is known of the provider's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProviderClock {
    /// The provider's milliseconds minus ours since the process began, from the latest answer that is believed.
    latest_ms: Option<i64>,
    /// Answers in a row that showed a later time and are not believed yet, and the least of their offsets.
    ahead: Option<(u32, i64)>,
    /// The same, the furthest ahead that any answer showed.
    furthest_ms: Option<i64>,
    /// When the call was begun that the latest answer answers: its `Date` may be as old as that.
    asked: Option<Now>,
    /// An answer bore a `Date`. Where a route needs none, this machine's clock stands in for it.
    is_dated: bool,
    /// The provider's milliseconds minus ours, from the latest answer whose `Date` was too far off to be believed.
    beyond_ms: Option<i64>,
    /// How long that answer took, on a clock that stands still while the machine sleeps.
    took: Duration,
}

impl ProviderClock {
    /// The answer to a call begun then arrived now with this `Date`; `false` where that says nothing of the time.
    pub(super) fn saw(&mut self, date_v: i64, begun: Now, now: Now) -> bool {
        let offset = date_v.saturating_mul(1_000).saturating_sub(millis(now.mono));
        if date_v.abs_diff(now.wall.timestamp()) > FURTHEST_OFF_S.unsigned_abs() {
            self.beyond_ms = Some(offset);
            return false;
        }
        let may_be = self.latest_ms.map(|latest| latest + 1_000 * self.slept_s(now) + AGREE_MS);
        self.furthest_ms = Some(self.furthest_ms.map_or(offset, |furthest| furthest.max(offset)));
        self.ahead = may_be.filter(|may_be| offset > *may_be).map(|_| {
            let (answers, least) = self.ahead.unwrap_or((0, offset));
            (answers + 1, least.min(offset))
        });
        match self.ahead {
            // One machine of the provider's may be ahead of the others: what is bought now may be filed before it says.
            Some((answers, _)) if answers < ENOUGH_AHEAD && Rule::ClocksAgree.is_kept() => return true,
            Some((_, least)) => self.latest_ms = Some(least),
            None => self.latest_ms = Some(offset),
        }
        self.ahead = None;
        self.asked = Some(begun);
        self.took = now.mono.saturating_sub(begun.mono);
        true
    }

    /// The provider has been heard in this session.
    pub(super) fn is_known(&self) -> bool {
        self.latest_ms.is_some()
    }

    /// An answer of this session bore a `Date` that is believed.
    pub(super) fn dated(&mut self) {
        self.is_dated = true;
    }

    /// The provider's time by the `Date` of its answers; none where none bore one.
    pub(super) fn by_date(&self, now: Now) -> Option<DateTime<Utc>> {
        let offset = self.latest_ms.filter(|_| self.is_dated)?;
        DateTime::from_timestamp_millis(offset + millis(now.mono))
    }

    /// The provider's time by a `Date` that was too far off to be believed.
    pub(super) fn beyond_belief(&self, now: Now) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.beyond_ms? + millis(now.mono))
    }

    /// The provider's time is not before this. Before any contact, the wall clock's, or what no purchase may go by.
    pub(super) fn not_before(&self, now: Now) -> i64 {
        let known = self.latest_ms.or(self.beyond_ms);
        known.map_or(now.wall.timestamp(), |offset| offset.saturating_add(millis(now.mono)).div_euclid(1_000))
    }

    /// The provider's time is not after this, whichever of its machines answered.
    pub(super) fn not_after(&self, now: Now) -> i64 {
        let at = |offset: i64| (offset + millis(now.mono)).div_euclid(1_000);
        let known = self.furthest_ms.map_or(now.wall.timestamp(), at);
        known + 2 + seconds(self.took) + self.slept_s(now)
    }

    /// By how many seconds the wall clock has gone ahead of the monotonic one since the latest answer was asked for: this
    /// machine may have slept so long, also while the answer was on its way.
    fn slept_s(&self, now: Now) -> i64 {
        self.asked.map_or(0, |asked| {
            let awake = seconds(now.mono.saturating_sub(asked.mono));
            ((now.wall - asked.wall).num_seconds() - awake).max(0)
        })
    }

    /// By how many seconds the provider is ahead of the wall clock.
    pub(super) fn skew_s(&self, now: Now) -> i64 {
        self.not_before(now) - now.wall.timestamp()
    }
}

/// Whole seconds, as the provider's times are counted in.
pub(super) fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
