//! The period for which a session buys: it reads the provider's clock before a run is opened, as the program does.
//!
//! Campaigns of seeds from 200,000 on begin their sessions like this, and in some of them this machine's clock lies
//! in another period than the provider's.

use std::collections::BTreeMap;
use std::time::Duration;

use bursar::engine::{Advance, ClockSeen, Input, Runner, Terms};
use bursar::job::Job;
use bursar::ledger::Ledger;
use bursar::period::{self, Agreement, Period};
use bursar::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

use super::books::Books;
use super::checks::{Checked, fail};
use super::session::{Around, Death};
use super::weather::Draw;
use super::world::World;

/// Campaigns before it are what they were.
pub const FIRST_SEED: u64 = 200_000;
/// The answer that dates the greeting may have been under way for so long.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(3);

/// By how many seconds this machine's clock stands wrong in a life: so little that it is waited for, in another hour, in
/// another day.
pub fn wrong_by(draw: &mut Draw) -> i64 {
    let far = draw.pick(&[0, 30, 100, 3_600, 90_000, 200_000]);
    if draw.by(0.5) { far } else { -far }
}

/// When each session opened its runs, by the provider's clock; numbers may come again after a ledger was lost.
pub type Opened = BTreeMap<i64, Vec<DateTime<Utc>>>;

impl World {
    /// The first calls of a life, and the provider's clock as they showed it.
    pub(super) fn handshake(&mut self, ledger: &mut Ledger, terms: Terms) -> Result<ClockSeen, String> {
        let mut at_work = Runner::handshake(terms, self.clock.now());
        let mut input = Input::Begin;
        for _ in 0..10_000 {
            let (now, at) = (self.clock.now(), self.clock.true_time);
            let mut moments = 0;
            let mut around = Around {
                now,
                journal: &mut self.journal,
                calls: Vec::new(),
                moments: &mut moments,
                death: Death::Never,
                at,
            };
            let turn = at_work.advance(input, ledger, &mut around).map_err(|error| error.to_string())?;
            for call in around.calls {
                self.wire.send(at, call, &mut self.journal, &mut self.struck);
            }
            let Advance::Wait(wake) = turn else { return Ok(at_work.heard_clock()) };
            let heard = self.wait(wake, &mut Vec::new(), Death::Never, &mut moments)?;
            input = heard.ok_or("a greeting died of nothing")?;
        }
        Err("a greeting does not end".to_owned())
    }

    /// The period of a job that both clocks agree on; none where they do not.
    pub(super) fn agreed(&mut self, job: &Job, heard: ClockSeen) -> Option<Period> {
        for _ in 0..5 {
            let now = self.clock.now();
            let seen = |at| (at, period::current(job.period, job.timezone, at));
            match period::agreed(seen(now.wall), seen(heard.shows(now)?)) {
                Agreement::In(period) => return Some(period),
                Agreement::Soon(wait) => {
                    self.struck.note("clocks on two sides of a border: waited");
                    self.clock.pass(wait.max(Duration::from_millis(1)));
                }
                Agreement::Apart(apart) => {
                    self.struck.note("the provider's clock lies in another period");
                    self.line(format_args!("{apart}"));
                    return None;
                }
            }
        }
        None
    }
}

/// Nothing is bought for a period that the provider's clock was not in when the run was opened or taken up.
pub fn nothing_is_bought_for_another_period(
    books: &Books,
    opened: &Opened,
    jobs: &BTreeMap<String, (period::PeriodKind, Zone)>,
) -> Checked {
    for attempt in books.attempts.values().filter(|attempt| !attempt.recovered) {
        let run = &books.runs[&attempt.run];
        let Some((kind, zone)) = jobs.get(&run.job) else { continue };
        let Some(times) = opened.get(&attempt.start) else { continue };
        let is_in = |at: DateTime<Utc>| period::current(*kind, *zone, at).id == run.period;
        if !times.iter().any(|at| is_in(*at) || is_in(*at - UNDER_WAY)) {
            return fail("bought for a period that the provider's clock was not in", &(run, attempt, times));
        }
    }
    Ok(())
}
