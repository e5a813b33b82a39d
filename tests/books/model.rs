//! The books as simple arithmetic: no entries, no standing totals, no SQL. Every sum is computed again when it is
//! asked for.

use std::collections::BTreeMap;

use bursar::task::{Reason, TaskState};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Sending,
    Submitted,
    Answered,
    NotBought,
    /// Bought by a person's word: charged at its hold, and looked for.
    Awaited,
    /// Refused, failed, expired: nothing moves it any more.
    Over,
}

/// An attempt: what is held for it while it is being sent, and what it was charged in which hour.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) task: usize,
    pub(crate) held: i64,
    pub(crate) sent: i64,
    pub(crate) hold_to: i64,
    pub(crate) at: At,
    pub(crate) charged: Option<(i64, i64)>,
    /// The provider's, of one that was accepted.
    pub(crate) provider_id: Option<String>,
    /// One form of its answer is stored.
    pub(crate) form_is_here: bool,
}

/// A task follows its latest attempt.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) state: TaskState,
    pub(crate) attempts: Vec<usize>,
}

/// A ceiling on the days that a zone so many seconds east of UTC has, or on all days as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cap {
    pub(crate) limit: i64,
    pub(crate) day: Option<i64>,
    /// Money without an attempt counts in it.
    pub(crate) extras: bool,
}

/// The books.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) tasks: Vec<Task>,
    pub(crate) attempts: Vec<Attempt>,
    /// By the provider's id: what was taken and when.
    pub(crate) extras: BTreeMap<String, (i64, i64)>,
    pub(crate) caps: Vec<Cap>,
}

impl Cap {
    fn days(self, from: i64, to: i64) -> std::ops::RangeInclusive<i64> {
        self.day.map_or(0..=0, |east| (from + east).div_euclid(86_400)..=(to + east).div_euclid(86_400))
    }
}

impl Books {
    pub(crate) fn charged(&self) -> i64 {
        let extras: i64 = self.extras.values().map(|(cost, _)| cost).sum();
        self.attempts.iter().filter_map(|attempt| attempt.charged).map(|(cost, _)| cost).sum::<i64>() + extras
    }

    pub(crate) fn held(&self) -> i64 {
        self.attempts.iter().filter(|attempt| attempt.at == At::Sending).map(|attempt| attempt.held).sum()
    }

    /// Charged and held under a cap on one of its days.
    pub(crate) fn used(&self, cap: Cap, day: i64) -> i64 {
        let of_attempts = self.attempts.iter().map(|attempt| {
            let charged = attempt.charged.filter(|(_, posted)| cap.days(*posted, *posted).contains(&day));
            let holds = attempt.at == At::Sending && cap.days(attempt.sent, attempt.hold_to).contains(&day);
            charged.map_or(0, |(cost, _)| cost) + if holds { attempt.held } else { 0 }
        });
        let extras = self.extras.values().filter(|(_, at)| cap.extras && cap.days(*at, *at).contains(&day));
        of_attempts.sum::<i64>() + extras.map(|(cost, _)| cost).sum::<i64>()
    }

    /// True where a hold fits under every cap on every day that it may be charged on.
    pub(crate) fn fits(&self, hold: i64, sent: i64, hold_to: i64) -> bool {
        self.caps.iter().all(|cap| cap.days(sent, hold_to).all(|day| self.used(*cap, day) + hold <= cap.limit))
    }

    /// Every day under every cap, with what is used of it.
    pub(crate) fn passed(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let days = self.caps.iter().flat_map(|cap| cap.days(from, to).map(|day| (*cap, day)));
        days.map(|(cap, day)| (self.used(cap, day), cap.limit)).filter(|(used, limit)| used > limit).collect()
    }

    pub(crate) fn reserve(&mut self, holds: &[(usize, i64)], sent: i64, hold_to: i64) {
        for (task, held) in holds {
            self.tasks[*task].state = TaskState::Sending;
            self.tasks[*task].attempts.push(self.attempts.len());
            let (task, held) = (*task, *held);
            let (at, charged, provider_id, form_is_here) = (At::Sending, None, None, false);
            self.attempts.push(Attempt { task, held, sent, hold_to, at, charged, provider_id, form_is_here });
        }
    }

    pub(crate) fn is_latest(&self, attempt: usize) -> bool {
        self.tasks[self.attempts[attempt].task].attempts.last() == Some(&attempt)
    }

    /// Moves an attempt that is in one of the states, and its task where it is the latest; true where it moved.
    pub(crate) fn go(&mut self, attempt: usize, from: &[At], to: At, task: TaskState) -> bool {
        if !from.contains(&self.attempts[attempt].at) {
            return false;
        }
        self.attempts[attempt].at = to;
        if self.is_latest(attempt) {
            let of = self.attempts[attempt].task;
            self.tasks[of].state = task;
        }
        true
    }

    pub(crate) fn failed(reason: Reason, again: bool) -> TaskState {
        if again { TaskState::Planned } else { TaskState::Failed(reason) }
    }

    pub(crate) fn in_state(&self, name: &str) -> u64 {
        self.tasks.iter().filter(|task| task.state.name() == name).count() as u64
    }

    pub(crate) fn in_doubt(&self) -> u64 {
        self.attempts.iter().filter(|attempt| attempt.at == At::Sending).count() as u64
    }
}
