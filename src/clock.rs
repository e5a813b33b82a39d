//! The only module that reads the time.
//!
//! All other code is handed a [`Now`]. `Clock::starting_at` moves with tokio's time, so a week of pacing takes a
//! moment under paused time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A moment, as this machine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock; may jump.
    pub wall: DateTime<Utc>,
    /// The time since the process began; it never runs backwards, and stands still while the machine is suspended.
    pub mono: Duration,
}

/// The source of the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: tokio::time::Instant,
    /// `None`: the system's wall clock.
    wall: Option<DateTime<Utc>>,
}

impl Clock {
    /// This machine's clock.
    pub fn system() -> Self {
        Self { began: tokio::time::Instant::now(), wall: None }
    }

    /// A clock that shows `wall` now and moves with tokio's time.
    pub fn starting_at(wall: DateTime<Utc>) -> Self {
        Self { began: tokio::time::Instant::now(), wall: Some(wall) }
    }

    /// The current time.
    pub fn now(&self) -> Now {
        let mono = self.began.elapsed();
        let wall = match self.wall {
            Some(began) => began + TimeDelta::from_std(mono).unwrap_or(TimeDelta::MAX),
            None => system_wall(),
        };
        Now { wall, mono }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_wall() -> DateTime<Utc> {
    Utc::now()
}
