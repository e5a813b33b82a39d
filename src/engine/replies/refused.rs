//! A call that was refused, throttled or failed: what that means for later calls.
//!
//! `posted` handles the tasks of a refused purchase.

use std::time::Duration;

use super::consequences::Consequences;
use crate::clock::Now;
use crate::engine::core::Core;
use crate::engine::dispatch::EndpointQueue;
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::product::Method;
use crate::provider::codes::Class;
use crate::provider::{ListProblem, Refusal};
use crate::retry::BackOff;

/// Failures in a row, with growing pauses between them, after which a session gives up on a provider it cannot reach; and
/// questions for a balance to keep, after which it gives up on being told.
pub(in crate::engine) const MOST_FAILURES: u32 = 20;
/// The pause after a complaint about too many calls that names none.
const THROTTLE_PAUSE: Duration = Duration::from_secs(3);
/// Between calls of any kind while they fail.
const AFTER_FAILURES: BackOff = BackOff::new(Duration::from_millis(500), Duration::from_mins(1));
/// Between purchases while none is answered.
const AFTER_UNANSWERED: BackOff = BackOff::new(Duration::from_millis(500), Duration::from_mins(10));
/// A back-off that is worth a word.
const TOLD_BACK_OFF: Duration = Duration::from_secs(8);

/// The limit that a call counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Calls,
    Ready,
    List,
    Account,
}

impl Limit {
    fn of_what(self) -> &'static str {
        match self {
            Self::Calls => "",
            Self::Ready => " of tasks_ready",
            Self::List => " of id_list",
            Self::Account => " of user_data",
        }
    }
}

impl Core {
    /// A whole call was refused: what that means for the calls to come.
    pub(super) fn refused(&mut self, now: Now, refusal: &Refusal, free_call: bool, out: &mut Vec<Effect>) {
        let why = match (refusal.code, refusal.http) {
            (None, None) => refusal.message.clone(),
            _ => format!("the provider refuses: {}", refusal.in_words()),
        };
        match refusal.class {
            Class::Throttled => self.throttled(now, refusal.retry_after, Limit::Calls, out),
            Class::Again | Class::Unreachable | Class::UnknownOutcome | Class::Unlisted => {
                self.failed(now, why, refusal.retry_after, out);
            }
            Class::Halt => {
                self.collect.stop();
                self.halt(why, out);
            }
            // A free call that is refused for itself says nothing about purchases.
            Class::Answered
            | Class::Accepted
            | Class::Pending
            | Class::Permanent
            | Class::BadCall
            | Class::NextBatch
            | Class::NotToday
            | Class::Duplicate
            | Class::NoMoney
            | Class::PaidFailure { .. }
            | Class::NotFound
            | Class::Expired
            | Class::WrongPlace => {
                if free_call {
                    self.failed(now, why, refusal.retry_after, out);
                } else {
                    self.halt(why, out);
                }
            }
        }
    }

    /// A gateway does not know the call that buys here: nothing more is bought at this endpoint, and the rest goes on.
    pub(super) fn unknown_endpoint(&mut self, endpoint_queue: EndpointQueue, refusal: &Refusal, out: &mut Vec<Effect>) {
        let (engine, function, method) = endpoint_queue;
        let call = match method {
            Method::Standard => "task_post",
            Method::Live => "live",
        };
        let why = format!("the call that buys them is not known on this route ({call}: {})", refusal.in_words());
        if self.dispatch.shut(endpoint_queue, why) {
            let what = format!(
                "this route does not know the call that buys by {method}, so nothing more is bought there in this session: {}",
                refusal.in_words()
            );
            out.push(Effect::Tell(EventKind::Odd { engine, function, what }));
        }
    }

    pub(super) fn halt(&mut self, why: String, out: &mut Vec<Effect>) {
        if self.dispatch.halted.is_none() {
            out.push(Effect::Tell(EventKind::Halted { why: why.clone() }));
            self.dispatch.halted = Some(why);
        }
    }

    /// Too many calls: the limit that was hit is that of the call, as far as can be known.
    pub(super) fn throttled(&mut self, now: Now, retry_after: Option<Duration>, limit: Limit, out: &mut Vec<Effect>) {
        let pause = retry_after.unwrap_or(THROTTLE_PAUSE) + Duration::from_millis(self.rng.u64(0..1_000));
        let bucket = match limit {
            Limit::Calls => &mut self.calls,
            Limit::Ready => &mut self.ready,
            Limit::List => &mut self.list,
            Limit::Account => &mut self.account_calls,
        };
        bucket.slow_down(now.mono, pause);
        let why = format!("the provider says that there are too many calls{}", limit.of_what());
        out.push(Effect::Tell(EventKind::Paused { for_ms: millis(pause), why }));
    }

    /// A call failed in a way that may pass: everything waits a little, longer each time.
    pub(super) fn failed(&mut self, now: Now, why: String, retry_after: Option<Duration>, out: &mut Vec<Effect>) {
        self.failures += 1;
        if self.failures > MOST_FAILURES && self.terms.patience.is_none() {
            self.collect.stop();
            self.halt(format!("{MOST_FAILURES} calls in a row failed, the last: {why}"), out);
        }
        let pause = AFTER_FAILURES.after(self.failures).max(retry_after.unwrap_or_default());
        let pause = pause + Duration::from_millis(self.rng.u64(0..=millis(pause) / 4));
        self.quiet_until = self.quiet_until.max(now.mono + pause);
        out.push(Effect::Tell(EventKind::Paused { for_ms: millis(pause), why }));
    }

    /// A purchase had no answer, or none that says anything: what follows may have none either, and would be in doubt as
    /// well. The next waits a little, longer each time.
    pub(super) fn purchases_back_off(&mut self, now: Now, why: &str, then: &mut Consequences) {
        self.unanswered += 1;
        let pause = AFTER_UNANSWERED.after(self.unanswered);
        self.buying_backs_off_until = self.buying_backs_off_until.max(now.mono + pause);
        if pause >= TOLD_BACK_OFF {
            let why = format!("the last {} purchases are in doubt ({why}), so the next waits", self.unanswered);
            then.tell(EventKind::Paused { for_ms: millis(pause), why });
        }
    }

    /// A list could not be read. Where the provider answered at all, other calls need not wait for it.
    pub(super) fn list_problem(
        &mut self,
        now: Now,
        problem: ListProblem,
        limit: Limit,
        answered: bool,
        out: &mut Vec<Effect>,
    ) {
        match problem {
            ListProblem::Throttled { retry_after } => self.throttled(now, retry_after, limit, out),
            ListProblem::Refused(refusal) if refusal.class == Class::Halt => self.refused(now, &refusal, true, out),
            ListProblem::Unreachable { why } if !answered => self.failed(now, why, None, out),
            ListProblem::Refused(_) | ListProblem::Unreachable { .. } | ListProblem::Unreliable { .. } => {}
        }
    }
}

pub(super) fn problem_text(problem: &ListProblem) -> String {
    match problem {
        ListProblem::Throttled { .. } => "too many calls".to_owned(),
        ListProblem::Refused(refusal) => refusal.message.clone(),
        ListProblem::Unreachable { why } | ListProblem::Unreliable { why } => why.clone(),
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
