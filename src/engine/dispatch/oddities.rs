//! Odd answers: the same oddity several times in a row stops its price class before more is paid for.
//!
//! One odd answer says something about itself. Five in a row of one price class, in one form and odd in the same way,
//! say something about the class: if one answer in a hundred were odd by chance, five in a row would occur once in
//! ten thousand million. A later session buys a single task of the class, and the rest once its answer is normal.

use std::collections::BTreeMap;

use super::Dispatch;
use crate::ids::TaskId;
use crate::oddity::Oddity;
use crate::product::ResultKind;
use crate::rule::Rule;

/// So many answers in a row that are odd in the same way stop their price class.
pub(in crate::engine) const MOST_ODD: u32 = 5;

/// Answers of one price class and form that were odd in the same way, the latest in a row.
#[derive(Clone, Copy, Debug)]
struct Streak {
    oddity: Oddity,
    times: u32,
}

/// A price class of which nothing more is bought in this session.
#[derive(Debug)]
struct Stopped {
    oddity: Oddity,
    /// An earlier session stopped it: this one buys a single task, to see whether its answer is odd as well.
    may_try: bool,
    tried: Option<TaskId>,
    /// Tasks left planned for it.
    left: u64,
}

/// What is known of odd answers, by price class.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    streaks: BTreeMap<(String, ResultKind), Streak>,
    stopped: BTreeMap<String, Stopped>,
}

/// What an answer means for its price class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum OddNews {
    /// Nothing more is bought of it in this session.
    Stopped(Oddity),
    /// It was stopped, and is bought again.
    Cleared,
}

impl Oddities {
    /// The latest answers of a class were odd when this session began.
    pub(super) fn remember(&mut self, key: &str, oddity: Option<Oddity>) {
        if let Some(oddity) = oddity.filter(|_| Rule::OddAnswersStop.is_kept()) {
            let stopped = Stopped { oddity, may_try: true, tried: None, left: 0 };
            self.stopped.entry(key.to_owned()).or_insert(stopped);
        }
    }

    /// True where a task may not be bought because the answers of its class are odd: it is left planned.
    pub(super) fn leaves(&mut self, key: &str, task: TaskId) -> bool {
        let Some(stopped) = self.stopped.get_mut(key) else { return false };
        if stopped.may_try && stopped.tried.is_none_or(|tried| tried == task) {
            stopped.tried = Some(task);
            return false;
        }
        stopped.left += 1;
        true
    }

    /// The plan is pulled anew.
    pub(super) fn start_over(&mut self) {
        self.stopped.values_mut().for_each(|stopped| stopped.left = 0);
    }
}

impl Dispatch {
    /// An answer of a price class is kept: as it should be, or odd.
    pub(in crate::engine) fn answered_as(
        &mut self,
        key: &str,
        kind: ResultKind,
        oddity: Option<Oddity>,
    ) -> Option<OddNews> {
        let place = (key.to_owned(), kind);
        let Some(oddity) = oddity else {
            self.oddities.streaks.remove(&place);
            self.oddities.stopped.remove(key)?;
            self.start_over();
            return Some(OddNews::Cleared);
        };
        let earlier = self.oddities.streaks.get(&place).filter(|streak| streak.oddity == oddity);
        let times = earlier.map_or(0, |streak| streak.times) + 1;
        self.oddities.streaks.insert(place, Streak { oddity, times });
        if times < MOST_ODD || self.oddities.stopped.contains_key(key) || !Rule::OddAnswersStop.is_kept() {
            return None;
        }
        let stopped = Stopped { oddity, may_try: false, tried: None, left: 0 };
        self.oddities.stopped.insert(key.to_owned(), stopped);
        self.start_over();
        Some(OddNews::Stopped(oddity))
    }

    /// What is not bought because answers are odd, in words.
    pub(in crate::engine) fn odd_out(&self) -> Option<String> {
        let each = self.oddities.stopped.iter().filter(|(_, stopped)| stopped.left > 0).map(|(key, stopped)| {
            let Stopped { oddity, may_try, left, .. } = stopped;
            let tasks = if *left == 1 { "1 task is".to_owned() } else { format!("{left} tasks are") };
            let then = if *may_try { ", and so was the one that this session bought to see" } else { "" };
            format!(
                "{tasks} not bought of {key}: the last {MOST_ODD} answers of this price class were odd in the same way \
                 ({oddity}){then}; look at them with `bursar export`; the next session buys one task, and the rest if its \
                 answer is as it should be"
            )
        });
        let each: Vec<String> = each.collect();
        (!each.is_empty()).then(|| each.join("; "))
    }
}
