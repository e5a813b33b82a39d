//! Firewalls that refuse a request because of one of its prompts, in the campaigns from seed 250,000 on. They are
//! drawn separately, so that a seed still means what it meant before.

use bursar::sandbox::{Fault, Rule};

use super::weather::{Draw, Weather};

/// The first seed with such firewalls.
const FIRST: u64 = 250_000;

impl Weather {
    /// Draws which prompt is refused, with which status, and whether a proxy refuses large requests besides: for good, or
    /// as long as the weather is bad. At a gateway nobody else stands between.
    pub fn walls(&mut self, seed: u64) {
        let draw = &mut Draw(fastrand::Rng::with_seed(seed ^ 0xF13E_3A11));
        if seed < FIRST || draw.by(0.3) || !self.account.route.shows_lists() {
            return;
        }
        let until = (self.clears - self.began).to_std().ok().filter(|_| draw.by(0.4));
        let number = draw.0.usize(0..12);
        let marker = format!("question {number}");
        let fault = Fault::RefuseBody { marker, status: draw.pick(&[403, 403, 400, 413, 422]) };
        self.settings.faults.rules.push(Rule { until, ..Rule::always(fault) });
        if draw.by(0.3) {
            let fault = Fault::RefuseLarge { tasks: draw.0.usize(1..=60) };
            self.settings.faults.rules.push(Rule { until, ..Rule::always(fault) });
        }
    }
}
