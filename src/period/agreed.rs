//! The period that both clocks agree on.
//!
//! This machine's clock says in which period a job is asked; the provider's clock dates the money. A machine that is
//! a day behind would buy today's job again as yesterday's. One that is a day ahead would buy tomorrow's and close
//! today's. A run is therefore opened only while both clocks lie in the same period.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Period;
use crate::rule::Rule;

/// Clocks that differ by this much at a border are waited for; by more, one of them is wrong. Machines that set their
/// clocks from the network differ by less than a second, and those that do not rarely by more than a minute.
const WORTH_WAITING: Duration = Duration::from_mins(2);

/// The periods in which two clocks lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Both lie in this one.
    In(Period),
    /// One has passed a border that the other reaches after this time.
    Soon(Duration),
    /// They lie in different ones.
    Apart(Apart),
}

/// Two clocks that do not allow a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// This machine's clock.
    pub machine: DateTime<Utc>,
    /// The period of this machine's clock.
    pub machine_period: String,
    /// The provider's clock.
    pub provider: DateTime<Utc>,
    /// The period of the provider's clock.
    pub provider_period: String,
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, machine_period, provider, provider_period } = self;
        write!(
            f,
            "this machine's clock says {} (period {machine_period}), and the provider's clock says {} (period \
             {provider_period}): a run would be bought for the wrong period, so nothing is bought. Set this machine's clock \
             right, then run the same command again",
            shown(*machine),
            shown(*provider)
        )
    }
}

/// A moment in words.
pub fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The period that both clocks lie in, of the two that each lies in. Their ids tell whether it is one: a run keeps the
/// borders that it was opened with. `once` has no borders, so any two clocks agree on it.
pub fn agreed(
    (machine, of_machine): (DateTime<Utc>, Period),
    (provider, of_provider): (DateTime<Utc>, Period),
) -> Agreement {
    if of_machine.id == of_provider.id || !Rule::ClocksShareThePeriod.is_kept() {
        return Agreement::In(of_machine);
    }
    let (behind, ahead, border) =
        if machine < provider { (machine, provider, of_machine.to) } else { (provider, machine, of_provider.to) };
    let apart = (ahead - behind).to_std().unwrap_or_default();
    if apart <= WORTH_WAITING && border <= ahead {
        return Agreement::Soon((border - behind).to_std().unwrap_or_default());
    }
    Agreement::Apart(Apart { machine, machine_period: of_machine.id, provider, provider_period: of_provider.id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::{PeriodKind, current};
    use crate::zone::Zone;

    /// Of two clocks in UTC.
    fn agreed(kind: PeriodKind, machine: DateTime<Utc>, provider: DateTime<Utc>) -> Agreement {
        let seen = |at| (at, current(kind, Zone::UTC, at));
        super::agreed(seen(machine), seen(provider))
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn clocks_in_one_period_agree_however_far_apart() {
        let (early, late) = (at("2026-11-01T00:00:00Z"), at("2026-11-30T23:59:59Z"));
        let Agreement::In(month) = agreed(PeriodKind::Month, early, late) else { panic!("they agree") };
        assert_eq!(month.id, "2026-11");
        assert!(matches!(agreed(PeriodKind::Once, early, late), Agreement::In(_)));
    }

    #[test]
    fn a_clock_a_day_off_agrees_on_no_day() {
        let (machine, provider) = (at("2026-11-29T21:00:00Z"), at("2026-11-30T22:00:00Z"));
        let Agreement::Apart(apart) = agreed(PeriodKind::Day, machine, provider) else { panic!("apart") };
        assert_eq!(
            apart.to_string(),
            "this machine's clock says 2026-11-29 21:00:00 UTC (period 2026-11-29), and the provider's clock says \
             2026-11-30 22:00:00 UTC (period 2026-11-30): a run would be bought for the wrong period, so nothing is \
             bought. Set this machine's clock right, then run the same command again"
        );
        assert!(matches!(agreed(PeriodKind::Day, provider, machine), Agreement::Apart(_)));
        assert!(matches!(agreed(PeriodKind::Month, machine, provider), Agreement::In(_)));
    }

    #[test]
    fn seconds_of_skew_at_midnight_are_awaited() {
        let (before, after) = (at("2026-11-30T23:59:58Z"), at("2026-12-01T00:00:03Z"));
        for kind in [PeriodKind::Hour, PeriodKind::Day, PeriodKind::Month] {
            assert_eq!(agreed(kind, before, after), Agreement::Soon(Duration::from_secs(2)), "{kind}");
            assert_eq!(agreed(kind, after, before), Agreement::Soon(Duration::from_secs(2)), "{kind}");
        }
        let far = at("2026-12-01T00:01:59Z");
        assert!(matches!(agreed(PeriodKind::Day, before, far), Agreement::Apart(_)), "121 s apart");
    }
}
