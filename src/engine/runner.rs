//! A session at work, one turn at a time: the core decides, the executor executes, until only waiting is left.
//!
//! `run` drives it by tokio's time and real calls; a simulation drives it by a loop of its own. Nothing here waits.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::call::Call;
use super::core::Core;
use super::executor::{Done, EngineError, Executor};
use super::provider_clock::ProviderClock;
use super::vocabulary::{Effect, End, Input, Memory, Terms};
use crate::clock::Now;
use crate::event::{Event, EventKind};
use crate::ledger::{Books, Lookups};
use crate::price::PriceList;

/// What a session is surrounded by.
pub trait Outside {
    /// What time it is.
    fn now(&self) -> Now;

    /// Something happened that people may want to see.
    fn tell(&mut self, event: &Event);

    /// Makes a call; its reply is an input of a later turn.
    fn call(&mut self, call: Call);

    /// Asked before and after each effect; `false` ends the process there, as a kill would. For simulations.
    fn lives(&mut self, _: Moment<'_>) -> bool {
        true
    }
}

/// Where a process may end.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// Nothing of this was done yet.
    Before(&'a Effect),
    /// It was done, and the core does not know.
    After,
}

/// What a turn led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// There is only waiting left: for replies, or until this moment of the monotonic clock.
    Wait(Option<std::time::Duration>),
    /// There is nothing left to do in this session.
    Ended(Box<End>),
    /// The process was ended ([`Outside::lives`]).
    Killed,
}

/// The provider's clock as the first answers of a session showed it.
#[derive(Clone, Copy, Debug)]
pub struct ClockSeen(ProviderClock);

impl ClockSeen {
    /// What it shows now; none where no answer bore a date that is believed.
    pub fn shows(&self, now: Now) -> Option<DateTime<Utc>> {
        self.0.by_date(now)
    }
}

/// A session at work.
#[derive(Debug)]
pub struct Runner {
    core: Core,
    executor: Executor,
}

impl Runner {
    /// A session that takes up what the ledger holds from earlier ones. Its first input is [`Input::Begin`].
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn new(executor: Executor, ledger: &dyn Lookups, now: Now) -> Result<Self, EngineError> {
        let memory = executor.memory(ledger)?;
        Ok(Self { core: Core::new(executor.terms.clone(), memory, now), executor })
    }

    /// A session that hears the provider's clock, and neither looks into the ledger nor writes to it. Its first input is
    /// [`Input::Begin`].
    pub fn handshake(terms: Terms, now: Now) -> Self {
        let terms = Terms { keep_balance: None, runs: Vec::new(), ..terms };
        let mut core = Core::new(terms.clone(), Memory::default(), now);
        core.handshake.alone = true;
        Self { core, executor: Executor::new(terms, PriceList::with(&[])) }
    }

    /// What was heard of the provider's clock.
    pub fn heard_clock(&self) -> ClockSeen {
        ClockSeen(self.core.clock)
    }

    /// Takes an input and does all that follows from it at once.
    ///
    /// # Errors
    /// The ledger cannot be written: nothing more may be sent, and what is in flight is in doubt at the next session.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else the core decides, the executor does")]
    pub fn advance(
        &mut self,
        input: Input,
        ledger: &mut dyn Books,
        outside: &mut dyn Outside,
    ) -> Result<Advance, EngineError> {
        let mut inputs = VecDeque::from([input]);
        let mut wake = None;
        while let Some(input) = inputs.pop_front() {
            let now = outside.now();
            for effect in self.core.step(now, input) {
                match effect {
                    Effect::Tell(kind) => tell(outside, named(kind, ledger)?),
                    Effect::Wake(at) => wake = Some(at),
                    // What a commit led to may still need doing; the core says so again when nothing does.
                    Effect::Finish(end) if inputs.is_empty() => return Ok(Advance::Ended(Box::new(end))),
                    Effect::Finish(_) => {}
                    effect => {
                        if !outside.lives(Moment::Before(&effect)) {
                            return Ok(Advance::Killed);
                        }
                        let now = outside.now();
                        match self.executor.perform(effect, ledger, now, self.core.hold_window(now))? {
                            Done::Input(input) => inputs.push_back(*input),
                            Done::Call(call) => outside.call(*call),
                            Done::Nothing => {}
                        }
                        if !outside.lives(Moment::After) {
                            return Ok(Advance::Killed);
                        }
                    }
                }
            }
        }
        Ok(Advance::Wait(wake))
    }

    /// The end of a session that is told to stop at once: what is in flight will be in doubt at the next.
    pub fn cut_short(&mut self) -> End {
        self.core.cut_short()
    }
}

/// A task that something befell is told by what was asked, which only the ledger knows.
fn named(mut kind: EventKind, ledger: &dyn Lookups) -> Result<EventKind, EngineError> {
    if let EventKind::TaskFailed { attempt, subject, .. }
    | EventKind::LiveLost { attempt, subject, .. }
    | EventKind::CostDiffers { attempt, subject, .. }
    | EventKind::CostCorrected { attempt, subject, .. }
    | EventKind::BodyRefused { attempt, subject, tasks: 1, .. } = &mut kind
    {
        *subject = ledger.subject(*attempt)?.map(Box::new);
    } else if let EventKind::RefusalsStop { run, part, left, .. } = &mut kind {
        *left = ledger.planned_like(*run, part)?;
    }
    Ok(kind)
}

fn tell(outside: &mut dyn Outside, kind: EventKind) {
    let event = Event { at: outside.now().wall, kind };
    outside.tell(&event);
}
