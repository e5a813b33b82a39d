//! From events to what a person sees during a run: bars on a terminal, plain lines elsewhere, JSON Lines on stdout.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event_text::{self, Weight};
use super::learnt::Settled;
use super::out::{self, Out, count, grouped, lines};
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
}

struct Bars {
    multi: MultiProgress,
    tasks: ProgressBar,
    money: ProgressBar,
}

impl Bars {
    fn new(baseline: &Baseline) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let style = |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let tasks = multi.add(ProgressBar::new(baseline.work));
        tasks.set_style(style("tasks {bar:16} {pos}/{len}  {wide_msg}").progress_chars("=> "));
        let money = multi.add(ProgressBar::new(baseline.budget.nanos().unsigned_abs()));
        money.set_style(style("money {bar:16} {wide_msg}").progress_chars("=> "));
        Self { multi, tasks, money }
    }
}

impl Teller {
    pub(super) fn new(out: Out, baseline: Baseline) -> Self {
        let bars = out.bars.then(|| Bars::new(&baseline));
        Self { out, baseline, began: None, told: None, failures: 0, extras: 0, settled: Settled::default(), bars }
    }

    /// Takes the bars away: what follows is the summary. What was in doubt and is settled.
    pub(super) fn finish(self) -> Settled {
        if let Some(bars) = self.bars {
            bars.tasks.finish_and_clear();
            bars.money.finish_and_clear();
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

    fn line(&self, at: DateTime<Utc>, text: &str) {
        let text = format!("{}  {text}", at.format("%H:%M:%SZ"));
        match &self.bars {
            // Where the terminal cannot be written to, there is nobody to tell.
            Some(bars) => drop(bars.multi.println(lines(&text))),
            None => self.out.must(&text),
        }
    }

    fn progress(&mut self, at: DateTime<Utc>, now: &Progress) {
        let began = *self.began.get_or_insert(at);
        let (pace, left) = self.pace(at - began, now);
        if let Some(bars) = &self.bars {
            bars.tasks.set_position((now.answered + now.failed).min(self.baseline.work));
            bars.tasks.set_message(format!("{}{pace}{left}", tallied(now)));
            let spent = self.baseline.spent.saturating_add(now.charged);
            bars.money.set_position(spent.nanos().unsigned_abs());
            bars.money.set_message(format!("{spent} of {}", self.baseline.budget));
            return;
        }
        let due = self.told.is_none_or(|(told_at, told)| {
            at - told_at >= LINE_EVERY
                && (told.bought, told.answered, told.failed) != (now.bought, now.answered, now.failed)
        });
        if self.out.progress && !self.out.json && due && now.bought + now.answered + now.waiting > 0 {
            self.told = Some((at, *now));
            self.line(at, &format!("{}; {} charged{pace}{left}", tallied(now), now.charged));
        }
    }

    /// Tasks a minute, and how long the rest takes at that.
    fn pace(&self, since: TimeDelta, now: &Progress) -> (String, String) {
        let elapsed_ms = u64::try_from(since.num_milliseconds()).unwrap_or(0);
        let done = now.answered + now.failed;
        if elapsed_ms < 1_000 || done == 0 {
            return (String::new(), String::new());
        }
        let pace = format!("; {} answers/min", grouped(done.saturating_mul(60_000) / elapsed_ms));
        let left_s = self.baseline.work.saturating_sub(done).saturating_mul(elapsed_ms) / done / 1_000;
        let left = if left_s == 0 {
            String::new()
        } else {
            format!(", about {} left", humantime::format_duration(Duration::from_secs(left_s)))
        };
        (pace, left)
    }
}

fn tallied(now: &Progress) -> String {
    let mut text =
        format!("{} bought, {} answered, {} waiting", grouped(now.bought), grouped(now.answered), grouped(now.waiting));
    if now.failed > 0 {
        let _ = write!(text, ", {} failed", grouped(now.failed));
    }
    if now.in_doubt > 0 {
        let _ = write!(text, ", {} in doubt", grouped(now.in_doubt));
    }
    text
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
