//! When the first answers of what is bought are expected: by what earlier answers took, or by the provider's promise.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::out::lasting;
use crate::job::Job;
use crate::ledger::{LedgerError, Lookups};
use crate::product::{Method, promised_turnaround};

/// How long the first answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct FirstAnswers {
    takes: Duration,
    /// The ledger has seen enough answers of this kind to tell; else it is what the provider promises.
    is_seen: bool,
}

impl FirstAnswers {
    /// Of a job as it is bought; none where a target is bought Live, whose answers come with the purchase.
    pub(in crate::cli) fn of(job: &Job, ledger: &dyn Lookups, speed: u32) -> Result<Option<Self>, LedgerError> {
        let mut first: Option<Self> = None;
        for target in job.sets.iter().flat_map(|set| &set.targets) {
            if target.method == Method::Live {
                return Ok(None);
            }
            let kind = (target.function, target.method, target.priority);
            let one = match ledger.turnaround(&job.account, kind.0, kind.1, kind.2)? {
                Some(takes) => Self { takes, is_seen: true },
                None => Self { takes: promised_turnaround(kind.0, kind.1, kind.2) / speed.max(1), is_seen: false },
            };
            if first.is_none_or(|first| one.takes < first.takes) {
                first = Some(one);
            }
        }
        Ok(first)
    }

    /// Of two jobs that are bought together, the one whose answers come first.
    pub(in crate::cli) fn sooner(self, other: Option<Self>) -> Self {
        other.filter(|other| other.takes < self.takes).unwrap_or(self)
    }

    /// Seconds, as a fact.
    pub(in crate::cli) fn seconds(self) -> u64 {
        self.takes.as_secs()
    }

    /// What is said at a purchase.
    pub(super) fn says(self, bought: DateTime<Utc>) -> String {
        let by = TimeDelta::from_std(self.takes).ok().and_then(|takes| bought.checked_add_signed(takes));
        let by = by.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let form = if by.date_naive() == bought.date_naive() { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%SZ" };
        let takes = lasting(self.takes.as_secs());
        let why = if self.is_seen {
            format!("earlier answers took up to {takes}")
        } else {
            format!("the provider promises them within {takes}")
        };
        format!("first answers expected by {}: {why}", by.format(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_answers_are_dated_from_their_purchase() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let promised = FirstAnswers { takes: Duration::from_mins(45), is_seen: false };
        assert_eq!(
            promised.says(at("2026-12-01T06:10:05Z")),
            "first answers expected by 06:55:05Z: the provider promises them within 45m"
        );
        assert_eq!(
            promised.says(at("2026-12-01T23:30:00Z")),
            "first answers expected by 2026-12-02 00:15:00Z: the provider promises them within 45m"
        );
        let seen = FirstAnswers { takes: Duration::from_secs(500), is_seen: true };
        assert_eq!(
            promised.sooner(Some(seen)).says(at("2026-12-01T06:00:00Z")),
            "first answers expected by 06:08:20Z: earlier answers took up to 8m 20s"
        );
    }
}
