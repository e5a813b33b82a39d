//! Silence: no call has succeeded for so long that somebody should know why. Also the end of an unattended session.

use std::time::Duration;

use super::{Core, LONGEST_NAP};
use crate::clock::Now;
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;

/// Nothing has come of any call since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Trouble {
    since: Duration,
    /// Why not, as the latest says.
    why: String,
    is_told: bool,
}

impl Core {
    /// Something came of a call, or nothing, for this reason.
    pub(in crate::engine) fn came_of_it(&mut self, now: Now, trouble: Option<String>, out: &mut Vec<Effect>) {
        match (trouble, &mut self.trouble) {
            (Some(why), Some(trouble)) => trouble.why = why,
            (Some(why), none) => *none = Some(Trouble { since: now.mono, why, is_told: false }),
            (None, trouble) => {
                if let Some(was) = trouble.take().filter(|trouble| trouble.is_told) {
                    let for_ms = millis(now.mono.saturating_sub(was.since));
                    out.push(Effect::Tell(EventKind::Answering { for_ms }));
                }
            }
        }
    }

    /// Says once why nothing moves, and ends a session that has waited too long for it. What is in flight is waited for,
    /// and what is in doubt stands in the ledger.
    pub(super) fn keep_silence_short(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(trouble) = &mut self.trouble else { return };
        let lasted = now.mono.saturating_sub(trouble.since);
        if lasted >= self.terms.timing.silence && !trouble.is_told && !self.stopping {
            trouble.is_told = true;
            let (for_ms, why) = (millis(lasted), trouble.why.clone());
            let ends_after_ms = self.terms.patience.map(millis);
            out.push(Effect::Tell(EventKind::Silent { for_ms, why, ends_after_ms }));
        }
        if self.terms.patience.is_some_and(|patience| lasted >= patience) {
            self.drain(out);
        }
    }

    /// Begins nothing new: what is in flight ends.
    pub(super) fn drain(&mut self, out: &mut Vec<Effect>) {
        if !self.stopping {
            self.stopping = true;
            self.collect.stop();
            out.push(Effect::Tell(EventKind::Draining));
        }
    }

    /// When to look again, where nothing else wakes the core soon after.
    pub(super) fn wake_in_silence(&self, wake: Duration) -> Duration {
        let Some(trouble) = self.trouble.as_ref().filter(|_| !self.stopping) else { return wake };
        let silence = (!trouble.is_told).then_some(self.terms.timing.silence);
        let due = silence.into_iter().chain(self.terms.patience).map(|after| trouble.since + after).min();
        due.filter(|due| *due + LONGEST_NAP < wake).unwrap_or(wake)
    }

    /// For how long nothing has come of any call, and why not.
    pub(super) fn no_answer(&self, now: Duration) -> Option<(Duration, String)> {
        self.trouble.as_ref().map(|trouble| (now.saturating_sub(trouble.since), trouble.why.clone()))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
