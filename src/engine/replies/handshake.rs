//! The result of the first calls of a session: whether the provider can be reached and lets us in, and, if a route is
//! not known to hand out answers, at which endpoints it does.

use std::time::Duration;

use crate::clock::Now;
use crate::engine::collect::Endpoint;
use crate::engine::core::{Core, Step};
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::period::shown;
use crate::product::Method;
use crate::provider::codes::Class;
use crate::provider::{Probed, Refusal};

/// Questions about an endpoint that are answered and tell nothing, after which it counts as one that hands out none.
const MOST_PROBES: u32 = 5;
/// First answers without a usable date, after which nothing is bought in this session: one may be a proxy's, and what
/// three of them say the fourth will say as well.
const MOST_UNDATED: u32 = 3;
/// How long a session that may not buy for want of a date collects what is paid for. Ages are not certain then, so that
/// it cannot be told what is late; the next session goes on.
const UNDATED_COLLECTS_FOR: Duration = Duration::from_mins(10);

impl Core {
    pub(super) fn handshake(&mut self, now: Now, outcome: Result<(), Refusal>, out: &mut Vec<Effect>) {
        match outcome {
            Ok(()) if self.clock.is_known() => self.hello = Step::Done,
            // In which day a purchase counts and since when it is in doubt is told by the provider's clock alone.
            Ok(()) => {
                self.handshake.undated += 1;
                let why = self.why_undated(now);
                if self.handshake.undated < MOST_UNDATED {
                    self.hello = Step::Wanted;
                    self.failed(now, why, None, out);
                } else {
                    // What is paid for can be asked for all the same.
                    self.probes.clear();
                    self.hello = Step::Done;
                    self.handshake.collects_until = Some(now.mono + UNDATED_COLLECTS_FOR);
                    self.halt(why, out);
                }
            }
            Err(refusal) => {
                self.hello = Step::Wanted;
                self.refused(now, &refusal, true, out);
            }
        }
    }

    /// Why no answer tells the time, with both clocks.
    fn why_undated(&self, now: Now) -> String {
        let machine = shown(now.wall);
        match self.clock.beyond_belief(now) {
            Some(provider) => format!(
                "the provider's clock says {}, and this machine's clock says {machine}: they are weeks apart, so it is not \
                 known in which day a purchase would count, and nothing is bought. Set this machine's clock right, then run \
                 the same command again",
                shown(provider)
            ),
            None => format!(
                "the provider's answers bear no usable `Date`, and this machine's clock, which says {machine}, cannot be \
                 compared with anything: it is not known in which day a purchase would count, and nothing is bought. Where a \
                 proxy removes the header, let it pass, then run the same command again"
            ),
        }
    }

    /// Nothing is bought in this session because no answer tells the time.
    pub(in crate::engine) fn is_undated(&self) -> bool {
        self.handshake.undated >= MOST_UNDATED && !self.clock.is_known()
    }

    /// An endpoint was asked for an answer that cannot exist.
    pub(super) fn probed(
        &mut self,
        now: Now,
        endpoint: Endpoint,
        probed: Probed,
        answered: bool,
        out: &mut Vec<Effect>,
    ) {
        match probed {
            Probed::Open => self.next_probe(),
            Probed::Shut(why) => self.shut(endpoint, &why, out),
            Probed::Refused(refusal) => {
                self.hello = Step::Wanted;
                self.probe_tries += u32::from(answered);
                if refusal.class == Class::NoMoney {
                    // What is bought can be asked for all the same.
                    self.refused(now, &refusal, false, out);
                    self.probes.clear();
                    self.hello = Step::Done;
                } else if self.probe_tries >= MOST_PROBES && refusal.class != Class::Halt {
                    self.shut(endpoint, &refusal.message, out);
                } else {
                    self.refused(now, &refusal, true, out);
                }
            }
        }
    }

    /// Answers of an endpoint cannot be collected, so nothing is bought there whose answer would have to be.
    fn shut(&mut self, endpoint: Endpoint, why: &str, out: &mut Vec<Effect>) {
        let (engine, function) = endpoint;
        let what = format!("answers cannot be collected through this route, so nothing is bought by Standard: {why}");
        out.push(Effect::Tell(EventKind::Odd { engine, function, what }));
        let why = format!("their answers could not be collected through this route (task_get: {why})");
        self.dispatch.shut((engine, function, Method::Standard), why);
        self.next_probe();
    }

    fn next_probe(&mut self) {
        self.probes.pop();
        self.probe_tries = 0;
        self.hello = if self.probes.is_empty() { Step::Done } else { Step::Wanted };
    }
}
