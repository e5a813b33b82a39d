//! A clock that nobody waits for: the true time, what this machine's wall clock shows, and the time since it booted.

use std::time::Duration;

use bursar::clock::Now;
use chrono::{DateTime, TimeDelta, Utc};

/// The time of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    /// The true time, which is the provider's but for what its own clock stands wrong.
    pub true_time: DateTime<Utc>,
    mono: Duration,
    /// By how much the wall clock is ahead.
    wrong: TimeDelta,
}

impl VirtualClock {
    pub fn starting_at(true_time: DateTime<Utc>) -> Self {
        Self { true_time, mono: Duration::ZERO, wrong: TimeDelta::zero() }
    }

    /// As a process sees it.
    pub fn now(&self) -> Now {
        Now { wall: self.true_time + self.wrong, mono: self.mono }
    }

    /// A process begins.
    pub fn begin(&mut self) {
        self.mono = Duration::ZERO;
    }

    /// Time passes.
    pub fn pass(&mut self, time: Duration) {
        self.true_time += time;
        self.mono += time;
    }

    /// The machine sleeps: its monotonic clock stands still.
    pub fn suspend(&mut self, time: Duration) {
        self.true_time += time;
    }

    /// The wall clock jumps.
    pub fn jump(&mut self, seconds: i64) {
        self.wrong += TimeDelta::seconds(seconds);
    }

    /// The wall clock is set right.
    pub fn set_right(&mut self) {
        self.wrong = TimeDelta::zero();
    }
}
