//! Odd answers: when the provider's answer is final although it is odd.
//!
//! A proxy or a cache that is broken for a moment repeats itself however often it is asked. An answer that is not
//! final by itself therefore has to arrive in the same odd form several times, over as long as the provider's own
//! lists may lag.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::provider_clock::seconds;
use crate::ids::AttemptId;
use crate::oddity::Oddity;
use crate::provider::OddAnswer;

/// How often in a row each answer has come in the same odd form.
#[derive(Debug)]
pub(super) struct OddStreaks {
    /// For so long an answer that is not late has to come in the same form.
    odd_for_s: i64,
    streaks: BTreeMap<AttemptId, Streak>,
}

#[derive(Clone, Copy, Debug)]
struct Streak {
    oddity: Oddity,
    size: usize,
    times: u32,
    /// Since when, by the provider's clock.
    since_v: i64,
}

impl OddStreaks {
    pub(super) fn new(odd_for: Duration) -> Self {
        Self { odd_for_s: seconds(odd_for), streaks: BTreeMap::new() }
    }

    /// An answer came in odd form: whether that is the provider's last word. What was cut short has to end at the same byte
    /// each time; an answer that is not late (`has_time`) is given time.
    pub(super) fn is_last_word(
        &mut self,
        attempt: AttemptId,
        odd: &OddAnswer,
        has_time: bool,
        provider_now: i64,
    ) -> bool {
        let OddAnswer { oddity, size, is_final, .. } = *odd;
        let is_same = |streak: &&Streak| streak.oddity == oddity && (streak.size == size || oddity != Oddity::CutShort);
        let earlier = self.streaks.get(&attempt).filter(is_same);
        let times = earlier.map_or(0, |streak| streak.times) + 1;
        let since_v = earlier.map_or(provider_now, |streak| streak.since_v);
        self.streaks.insert(attempt, Streak { oddity, size, times, since_v });
        is_final || (times >= oddity.times() && (!has_time || provider_now - since_v >= self.odd_for_s))
    }

    /// It came in another form, or in its own.
    pub(super) fn end(&mut self, attempt: AttemptId) {
        self.streaks.remove(&attempt);
    }
}
