//! Back-off: how long to wait after so many failures in a row.
//!
//! A pure function of the count, so that a wait can outlive the process that began it. Whoever waits keeps the count and
//! begins anew at the first success.

use std::time::Duration;

/// A wait that doubles with each failure, up to a longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
}

impl BackOff {
    /// The wait after a first failure, and the longest.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// The wait after so many failures in a row.
    pub fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits =
            |back_off: BackOff| [0, 1, 2, 3, 4, 5, u32::MAX].map(|failures| back_off.after(failures).as_millis());
        let minute = BackOff::new(Duration::from_secs(10), Duration::from_mins(1));
        assert_eq!(waits(minute), [10_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
        let short = BackOff::new(Duration::from_secs(3), Duration::from_secs(1));
        assert_eq!(waits(short), [1_000; 7], "never longer than the longest");
    }
}
