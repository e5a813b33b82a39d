//! Calls counted by calendar minute, as the provider counts them; refused calls are not counted.
//!
//! [`Peaks`] also counts what no client sees: the most calls that ever arrived in any 60 seconds.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::route::Call;
use super::settings::Settings;

/// The counts of one account in the minute under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    minute: i64,
    all: u32,
    ready: u32,
    list: u32,
    user_data: u32,
}

impl Limits {
    /// Calls in the last minute that had any.
    pub(super) fn calls(&self) -> u32 {
        self.all
    }

    /// Counts a call, or says that it is one too many.
    pub(super) fn admit(&mut self, now: DateTime<Utc>, call: Call, settings: &Settings) -> bool {
        let minute = now.timestamp().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, ..Self::default() };
        }
        let mut unlimited = 0;
        let (count, most) = match call {
            Call::TasksReady => (&mut self.ready, settings.tasks_ready_per_minute),
            Call::IdList => (&mut self.list, settings.id_list_per_minute),
            Call::UserData => (&mut self.user_data, settings.user_data_per_minute),
            Call::TaskPost | Call::Live | Call::TaskGet | Call::Lists | Call::Errors | Call::Other => {
                (&mut unlimited, u32::MAX)
            }
        };
        let fits = *count < most && self.all < settings.calls_per_minute;
        if fits {
            *count += 1;
            self.all += 1;
        }
        fits
    }
}

/// Calls that are under way, by the moments at which they end.
#[derive(Clone, Debug, Default)]
pub(super) struct AtOnce {
    ends: Vec<DateTime<Utc>>,
}

impl AtOnce {
    /// Whether one more may begin.
    pub(super) fn has_headroom(&mut self, now: DateTime<Utc>, most: usize) -> bool {
        self.ends.retain(|end| *end > now);
        self.ends.len() < most
    }

    /// One more is under way until then.
    pub(super) fn enter(&mut self, until: DateTime<Utc>) {
        self.ends.push(until);
    }
}

/// The most calls in any 60 seconds, by kind and over all; refused ones count too.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks {
    recent: BTreeMap<Option<Call>, VecDeque<DateTime<Utc>>>,
    pub(super) most: BTreeMap<Option<Call>, usize>,
}

impl Peaks {
    /// Notes a call's arrival.
    pub(super) fn note(&mut self, now: DateTime<Utc>, call: Call) {
        for kind in [Some(call), None] {
            let recent = self.recent.entry(kind).or_default();
            recent.push_back(now);
            while recent.front().is_some_and(|first| *first <= now - TimeDelta::seconds(60)) {
                recent.pop_front();
            }
            let most = self.most.entry(kind).or_default();
            *most = recent.len().max(*most);
        }
    }
}
