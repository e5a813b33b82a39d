//! How `run --sandbox` sets up the simulated provider, and an account at it: quick enough for a demo.

use std::time::Duration;

use super::settings::Settings;
use crate::config::{Limits, Timing};

/// The provider's times are divided by it: 45 minutes are 9 seconds.
pub const SPEED: u32 = 300;
const CALLS_PER_MINUTE: u32 = 6_000;
const LISTS_PER_MINUTE: u32 = 600;

/// The provider.
pub fn settings() -> Settings {
    Settings {
        speed: SPEED,
        calls_per_minute: CALLS_PER_MINUTE,
        tasks_ready_per_minute: LISTS_PER_MINUTE,
        id_list_per_minute: LISTS_PER_MINUTE,
        user_data_per_minute: LISTS_PER_MINUTE,
        ..Settings::default()
    }
}

/// What an account may ask of it.
pub fn limits() -> Limits {
    Limits {
        calls_per_minute: CALLS_PER_MINUTE,
        in_flight: 20,
        live_in_flight: 20,
        tasks_ready_per_minute: LISTS_PER_MINUTE,
        id_list_per_minute: LISTS_PER_MINUTE,
        user_data_per_minute: LISTS_PER_MINUTE,
    }
}

/// Short enough for a demo, and long enough to be true: the simulated list lags less than a second at this speed.
pub fn timing() -> Timing {
    Timing {
        request_timeout: Duration::from_secs(10),
        live_timeout: Duration::from_secs(10),
        sweep_every: Duration::from_secs(2),
        sweep_gap: Duration::from_secs(1),
        quarantine: Duration::from_secs(5),
        lag_max: Duration::from_secs(1),
        poll_min: Duration::from_secs(1),
        poll_max: Duration::from_secs(2),
        give_up: Some(Duration::from_mins(1)),
        balance_lag: Duration::from_secs(1),
        ..Timing::default()
    }
}
