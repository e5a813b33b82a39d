//! Odd answers, in the campaigns from seed 200,000 on. They are drawn separately, so that a seed still means what it
//! meant before.

use bursar::sandbox::{Bend, Call, Fault, Rule};

use super::checks::{Checked, fail};
use super::weather::{Draw, Weather};

/// The first seed with such answers.
const FIRST: u64 = 200_000;

impl Weather {
    /// Draws which answers are odd as long as the weather is bad, and in which way.
    pub fn odd_answers(&mut self, seed: u64) {
        let draw = &mut Draw(fastrand::Rng::with_seed(seed ^ 0x0DDA_25E7));
        if seed < FIRST || draw.by(0.4) {
            return;
        }
        // What a model charged stands in its result: where that is lost, the books are above the bill.
        let legible = [Bend::NotUtf8, Bend::Nan, Bend::Control, Bend::RepeatedKey];
        let has_models = self.jobs.iter().any(|job| job.models);
        for _ in 0..draw.0.usize(1..=3) {
            let how = draw.pick(if has_models { &legible[..] } else { Bend::ALL });
            let share = draw.pick(&[0.05, 0.3, 1.0]);
            let call = draw.pick(&[Call::TaskGet, Call::TaskGet, Call::Live]);
            let until = (self.clears - self.began).to_std().ok();
            let fault = Fault::OddAnswer { how, share };
            self.settings.faults.rules.push(Rule { until, ..Rule::chance(fault, call, 1.0) });
        }
    }
}

/// Each answer that was paid for is stored, and what is stored is told by its name where it is odd.
pub fn answers_are_kept(db: &rusqlite::Connection) -> Checked {
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| error.to_string());
    let lost = number(
        "SELECT count(*) FROM attempt WHERE state = 2
         AND NOT EXISTS (SELECT 1 FROM answer WHERE answer.attempt = attempt.id AND length(answer.body) > 0)",
    )?;
    if lost > 0 { fail("answered, and no answer is stored", &lost) } else { Ok(()) }
}
