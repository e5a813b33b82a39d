//! From events to what a person sees during a run: bars on a terminal, plain lines elsewhere, JSON Lines on stdout.

mod bars;
mod first_answers;

use chrono::{DateTime, TimeDelta, Utc};

use bars::{Bars, Says};
pub(super) use first_answers::FirstAnswers;

use super::event_text::{self, Weight};
use super::learnt::Settled;
use super::out::{self, Out, count, grouped, lasting};
use super::stop::STOPPING;
use crate::event::{Event, EventKind, Progress, Watch};
use crate::money::Money;

/// Between two lines of progress, at least.
const LINE_EVERY: TimeDelta = TimeDelta::seconds(2);
/// Failures, and unmatched charges, that are told one by one; all are counted.
const MOST_ALIKE_TOLD: u32 = 5;

/// How things stood when this session began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    /// Tasks that the caps leave room for, and those whose answers are to come.
    pub(super) work: u64,
    /// Spent before.
    pub(super) spent: Money,
    /// Ceilings of the runs together.
    pub(super) budget: Money,
    /// When the first answers come after a purchase, where that is worth saying.
    pub(super) first_answers: Option<FirstAnswers>,
}

/// Tells what happens.
pub(super) struct Teller {
    out: Out,
    baseline: Baseline,
    began: Option<DateTime<Utc>>,
    told: Option<(DateTime<Utc>, Progress)>,
    failures: u32,
    extras: u32,
    settled: Settled,
    bars: Option<Bars>,
    /// When the first answers come was said.
    told_when: bool,
}

impl Teller {
    pub(super) fn new(out: Out, baseline: Baseline) -> Self {
        let bars = out.bars.then(|| Bars::new(baseline.work, baseline.budget.nanos().unsigned_abs()));
        Self {
            out,
            baseline,
            began: None,
            told: None,
            failures: 0,
            extras: 0,
            settled: Settled::default(),
            bars,
            told_when: false,
        }
    }

    /// Takes the bars away: what follows is the summary. What was in doubt and is settled.
    pub(super) fn finish(self) -> Settled {
        if let Some(bars) = self.bars {
            bars.clear();
        }
        self.settled
    }

    /// Counts what was in doubt and is settled.
    fn settle(&mut self, kind: &EventKind) {
        if let EventKind::Recovered { cost, .. } = kind {
            self.settled.bought += 1;
            self.settled.cost = self.settled.cost.saturating_add(*cost);
        } else if let EventKind::Concluded { tasks, .. } = kind {
            self.settled.not_bought += *tasks as u64;
        }
    }

    /// What may come by the hundred is told a few times, and then counted.
    fn counted(&mut self, kind: &EventKind) -> Option<(&mut u32, &'static str)> {
        if matches!(kind, EventKind::TaskFailed { .. }) {
            Some((&mut self.failures, "failure"))
        } else if matches!(kind, EventKind::UnmatchedCharge { .. }) {
            Some((&mut self.extras, "unmatched charge"))
        } else {
            None
        }
    }

    /// Says once, at the first purchase, when the first answers come.
    fn say_when(&mut self, at: DateTime<Utc>, kind: &EventKind) {
        let is_bought = matches!(kind, EventKind::BatchAnswered { accepted: 1.., .. });
        if let Some(first) = self.baseline.first_answers.filter(|_| is_bought && !self.told_when && !self.out.quiet) {
            self.told_when = true;
            self.line(at, &first.says(at));
        }
    }

    fn line(&self, at: DateTime<Utc>, text: &str) {
        let text = format!("{}  {text}", at.format("%H:%M:%SZ"));
        match &self.bars {
            Some(bars) => bars.above(|| self.out.must(&text)),
            None => self.out.must(&text),
        }
    }

    fn progress(&mut self, at: DateTime<Utc>, now: &Progress) {
        let began = *self.began.get_or_insert(at);
        let pace = self.pace(at - began, now);
        if let Some(bars) = &self.bars {
            let done = (now.answered + now.failed).min(self.baseline.work);
            let spent = self.baseline.spent.saturating_add(now.charged);
            let elapsed = u64::try_from((at - began).num_seconds()).unwrap_or_default();
            let says = Says {
                tasks: vec![format!("{}/{}", grouped(done), grouped(self.baseline.work))],
                money: vec![format!("{spent} of {}", self.baseline.budget)],
                time: std::iter::once(lasting(elapsed)).chain(pace.into_iter().rev()).collect(),
                session: troubles(now).into_iter().chain(counts(now)).collect(),
            };
            bars.show(done, spent.nanos().unsigned_abs(), &says);
            return;
        }
        let due = self.told.is_none_or(|(told_at, told)| {
            at - told_at >= LINE_EVERY
                && (told.bought, told.answered, told.failed) != (now.bought, now.answered, now.failed)
        });
        if self.out.progress && !self.out.json && due && now.bought + now.answered + now.waiting > 0 {
            self.told = Some((at, *now));
            self.line(at, &format!("this session: {}", tallied(now, &pace)));
        }
    }

    /// Tasks a minute, and how long the rest takes at that; nothing before there is an answer.
    fn pace(&self, since: TimeDelta, now: &Progress) -> Vec<String> {
        let elapsed_ms = u64::try_from(since.num_milliseconds()).unwrap_or(0);
        let done = now.answered + now.failed;
        if elapsed_ms < 1_000 || done == 0 {
            return Vec::new();
        }
        let pace = format!("{} answers/min", grouped(done.saturating_mul(60_000) / elapsed_ms));
        let left_s = self.to_come(now).saturating_mul(elapsed_ms) / done / 1_000;
        let left = (left_s > 0).then(|| format!("about {} left", lasting(left_s)));
        std::iter::once(pace).chain(left).collect()
    }

    /// Answers that this session still brings: not those of tasks that it has given up.
    fn to_come(&self, now: &Progress) -> u64 {
        if !now.buying {
            return now.waiting;
        }
        let left = self.baseline.work.saturating_sub(now.answered + now.failed);
        left.saturating_sub(now.given_up).max(now.waiting)
    }
}

/// What may need somebody.
fn troubles(now: &Progress) -> Vec<String> {
    let some = [(now.failed, "failed"), (now.in_doubt, "in doubt")].into_iter().filter(|(tasks, _)| *tasks > 0);
    some.map(|(tasks, what)| format!("{} {what}", grouped(tasks))).collect()
}

fn counts(now: &Progress) -> Vec<String> {
    let all = [(now.bought, "bought"), (now.answered, "answered"), (now.waiting, "waiting")];
    all.map(|(tasks, what)| format!("{} {what}", grouped(tasks))).to_vec()
}

fn tallied(now: &Progress, pace: &[String]) -> String {
    let tasks = counts(now).into_iter().chain(troubles(now)).collect::<Vec<_>>().join(", ");
    let charged = format!("{} charged", now.charged);
    [tasks, charged].iter().chain(pace).map(String::as_str).collect::<Vec<_>>().join("; ")
}

impl Watch for Teller {
    fn see(&mut self, event: &Event) {
        if self.out.json
            && let Err(error) = out::data(&format!("{}\n", event_text::json(event)))
        {
            tracing::warn!(%error, "an event could not be written to stdout");
        }
        if let EventKind::Progress(progress) = &event.kind {
            self.progress(event.at, progress);
            return;
        }
        self.settle(&event.kind);
        self.say_when(event.at, &event.kind);
        // Where there are bars, nobody else writes to the terminal.
        if matches!(event.kind, EventKind::Draining)
            && let Some(bars) = &self.bars
        {
            bars.above(|| self.out.must(STOPPING));
            return;
        }
        let Some((weight, text)) = event_text::words(&event.kind) else { return };
        let counted = self.counted(&event.kind).map(|(told, one)| {
            *told = told.saturating_add(1);
            (*told, one)
        });
        if counted.is_some_and(|(told, _)| told > MOST_ALIKE_TOLD) && !self.out.verbose {
            return;
        }
        let least = match (self.out.quiet, self.out.verbose) {
            (true, _) => Weight::Alarm,
            (false, true) => Weight::Detail,
            (false, false) => Weight::News,
        };
        if weight < least {
            return;
        }
        self.line(event.at, &text);
        if let Some((told @ MOST_ALIKE_TOLD, one)) = counted.filter(|_| !self.out.verbose) {
            let told = count(u64::from(told), one);
            self.line(event.at, &format!("{told} shown so far; further ones are only counted"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller(work: u64) -> Teller {
        let out = Out { json: false, events: false, quiet: false, bars: false, progress: true, verbose: false };
        Teller::new(out, Baseline { work, ..Baseline::default() })
    }

    #[test]
    fn what_was_given_up_is_not_waited_for() {
        let now = Progress { answered: 100, failed: 20, waiting: 30, buying: true, ..Progress::default() };
        let left = |now: &Progress| teller(1_000).pace(TimeDelta::seconds(60), now);
        assert_eq!(left(&now), ["120 answers/min", "about 7m 20s left"]);
        assert_eq!(left(&Progress { given_up: 820, ..now })[1], "about 30s left");
        assert_eq!(left(&Progress { given_up: 2_000, ..now })[1], "about 15s left");
        assert_eq!(left(&Progress { buying: false, ..now })[1], "about 15s left");
    }

    #[test]
    fn a_progress_line_counts_with_separators() {
        let now = Progress { bought: 1_200, answered: 1_100, waiting: 99, failed: 1, ..Progress::default() };
        assert_eq!(tallied(&now, &[]), "1,200 bought, 1,100 answered, 99 waiting, 1 failed; $0.00 charged");
    }
}
