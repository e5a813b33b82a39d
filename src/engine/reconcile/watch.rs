//! The watch: once a day, a scan for what was given up.
//!
//! It reads the windows of what was given up, the latest first. It concludes nothing, and ends after one reading,
//! after enough pages for a day, or when the list cannot be read. It begins when nothing more urgent is to be read,
//! and yields to a new unknown outcome between two pages. What it finds is an unmatched charge, by the ordinary rules
//! for listed rows.

use super::scan::{AFTER_CLOSE_S, BEFORE_SEND_S};
use super::{Purpose, Reconcile, Span, in_reach};
use crate::ledger::GivenUp;
use crate::product::LIST_REACH_S;
use crate::rule::Rule;

/// Pages of the list that one day's watch reads: at the default limit, ten minutes of it. A busy account has more rows in a
/// month of windows; the latest are the likeliest to have changed.
const MOST_PAGES: u32 = 100;
const DAY_S: i64 = 24 * 3_600;

/// What is on the watch list, and how far this session has come with it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Watch {
    given_up: Vec<GivenUp>,
    watched_v: Option<i64>,
    /// Asked for by a person: whatever the day, and however many pages.
    at_once: bool,
    /// Whether this session is to scan for it; not known before the provider's clock is.
    due: Option<bool>,
    pages: u32,
    /// Something in doubt waits for its first scan.
    gives_way: bool,
    /// The list could not be read for it.
    missed: bool,
}

impl Watch {
    pub(in crate::engine) fn new(given_up: Vec<GivenUp>, watched_v: Option<i64>, at_once: bool) -> Self {
        Self { given_up, watched_v, at_once, ..Self::default() }
    }
}

impl Reconcile {
    /// What is to be looked for.
    pub(in crate::engine) fn watch_for(&mut self, watch: Watch) {
        self.watch = watch;
    }

    /// Decides once whether the day's scan is due.
    pub(super) fn decide_watch(&mut self, provider_now: i64) {
        if self.watch.due.is_none() {
            let day = |at_v: i64| at_v.div_euclid(DAY_S);
            let is_new_day = self.watch.watched_v.is_none_or(|at_v| day(at_v) != day(provider_now));
            let is_wanted = (self.watch.at_once || is_new_day) && Rule::GivenUpIsWatched.is_kept();
            self.watch.due = Some(self.lists && is_wanted && !self.watch_windows(provider_now).is_empty());
        }
    }

    /// The day's scan is still to be made.
    pub(super) fn is_to_watch(&self) -> bool {
        self.watch.due == Some(true)
    }

    /// The spans in which the list files what was given up, if it was accepted after all: what was accepted within `give_up`
    /// of the close is finished within another, and the list may go by either.
    pub(super) fn watch_windows(&self, provider_now: i64) -> Vec<Span> {
        let last = provider_now - 2;
        let in_reach = |given_up: &&GivenUp| in_reach(given_up.sent_v, provider_now);
        let span = |given_up: &GivenUp| {
            let from = (given_up.sent_v - BEFORE_SEND_S).max(provider_now - LIST_REACH_S);
            let accepted = given_up.closed_v.map(|closed| closed + 2 * self.give_up_s(given_up.function));
            (from, accepted.map_or(last, |to| (to + AFTER_CLOSE_S).min(last)))
        };
        let windows = self.watch.given_up.iter().filter(in_reach).map(span);
        windows.filter(|(from, to)| from < to).collect()
    }

    /// The scan under way is a watch.
    pub(in crate::engine) fn is_watching(&self) -> bool {
        self.scan.as_ref().is_some_and(|scan| scan.purpose == Purpose::Watch)
    }

    /// Something fell into doubt: its first scan goes before the rest of a watch.
    pub(super) fn watch_gives_way(&mut self) {
        self.watch.gives_way = self.is_watching();
    }

    /// A page of the watch was read: `true` where the day's scan ends with it, read through or not.
    pub(super) fn watched_page(&mut self, is_through: bool) -> bool {
        self.watch.pages += 1;
        if is_through || (self.watch.pages >= MOST_PAGES && !self.watch.at_once) {
            return true;
        }
        if std::mem::take(&mut self.watch.gives_way) {
            self.scan = None;
        }
        false
    }

    /// The day's scan has ended: when it began, what is on the watch list, and the rows that were read.
    pub(in crate::engine) fn watch_ended(&mut self) -> Option<(i64, u64, u64)> {
        let scan = self.scan.take_if(|scan| scan.purpose == Purpose::Watch)?;
        self.watch.due = Some(false);
        Some((scan.begun_v, self.watch.given_up.iter().map(|given_up| given_up.tasks).sum(), scan.rows))
    }

    /// The list cannot be read: the watch is left to the next session.
    pub(super) fn watch_failed(&mut self) {
        (self.watch.due, self.watch.missed) = (Some(false), true);
    }

    /// A scan for what was given up was due and is not made.
    pub(in crate::engine) fn watch_is_missed(&self) -> bool {
        self.watch.missed || self.is_to_watch()
    }
}
