//! Provisional costs, which bursar booked because the provider named none: a daily scan of the provider's list that
//! looks for them.
//!
//! It asks without metadata, because such a list goes back six months, and finds its rows by their ids. It concludes
//! nothing from what the list lacks. It comes after every other call: only the end of the session waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scan::{AFTER_CLOSE_S, BEFORE_SEND_S};
use super::{PAGE, PageCall, Span};
use crate::ids::AttemptId;
use crate::ledger::{Provisional, Settlement};
use crate::money::Money;
use crate::provider::Listed;
use crate::retry::BackOff;

/// Between two scans.
const DAY_S: i64 = 24 * 3_600;
/// Without metadata the list goes back six months; a little less is surely within it.
const REACH_S: i64 = 178 * DAY_S;
/// Until then after the purchase the list may still change its figure: the answer is kept for 30 days, and a day more.
const MAY_CHANGE_S: i64 = 31 * DAY_S;
/// A list by completion files a task at the end of its 72 hours at the latest, and an hour more.
const DONE_WITHIN_S: i64 = 73 * 3_600;
/// Windows that lie so near to each other are read as one.
const NEAR_S: i64 = 3_600;
/// Pages that could not be read, after which the scan is left to a later session.
const MOST_FAILURES: u32 = 5;

/// Between two tries of such a page: nothing waits for it.
const AFTER_FAILED_PAGES: BackOff = BackOff::new(Duration::from_secs(2), Duration::from_secs(16));

/// The scan for costs, and what it has found.
#[derive(Debug, Default)]
pub(in crate::engine) struct Costs {
    /// The session knows the provider's clock since then, or has scanned then.
    since_v: Option<i64>,
    /// Whatever was booked provisionally by now was looked for in this session.
    is_sought: bool,
    wanted: BTreeMap<String, Provisional>,
    settlements: BTreeMap<String, Settlement>,
    /// What the list names for finished tasks, by their ids.
    named: BTreeMap<String, Money>,
    scan: Option<Scan>,
    next_page: Duration,
    failures: u32,
}

#[derive(Debug)]
struct Scan {
    to_read: Vec<Span>,
    /// A single second with more rows than a page is read by offset.
    offset: u32,
    waits: bool,
    /// It reads on to where a list by completion files the tasks.
    is_wide: bool,
}

/// What a scan came to.
#[derive(Debug, Default)]
pub(in crate::engine) struct Sought {
    /// Costs, with the finished figure that the list names, if any.
    pub(in crate::engine) wanted: Vec<(Provisional, Option<Money>)>,
    /// The list names the fee alone for tasks that are known to have come to more.
    pub(in crate::engine) names_fees: bool,
    /// It names more than nothing for something.
    pub(in crate::engine) names_costs: bool,
}

impl Costs {
    /// Whether the ledger is to be asked what is booked provisionally: at the end of a session (`at_end`), and once a
    /// day in a long one.
    pub(in crate::engine) fn is_due(&mut self, provider_now: i64, at_end: bool) -> bool {
        let since_v = *self.since_v.get_or_insert(provider_now);
        self.scan.is_none() && (provider_now - since_v >= DAY_S || (at_end && !self.is_sought))
    }

    /// The ledger is asked.
    pub(in crate::engine) fn asked(&mut self, provider_now: i64) {
        (self.since_v, self.is_sought) = (Some(provider_now), true);
    }

    /// More may be booked provisionally since.
    pub(in crate::engine) fn may_have_more(&mut self) {
        self.is_sought = false;
    }

    /// The ledger has said what there is: a scan begins where the list may name some of it.
    pub(in crate::engine) fn begin(&mut self, wanted: Vec<Provisional>, settlements: Vec<Settlement>, mono: Duration) {
        let spans = wanted.iter().map(|row| (row.posted_v - BEFORE_SEND_S, row.posted_v + AFTER_CLOSE_S)).collect();
        self.wanted = wanted.into_iter().map(|row| (row.provider_id.clone(), row)).collect();
        self.settlements = settlements.into_iter().map(|row| (row.provider_id.clone(), row)).collect();
        self.named.clear();
        (self.next_page, self.failures) = (mono, 0);
        let to_read = near(spans);
        self.scan = (!to_read.is_empty()).then_some(Scan { to_read, offset: 0, waits: false, is_wide: false });
    }

    /// The next page to ask for.
    pub(in crate::engine) fn page(&mut self, provider_now: i64) -> Option<PageCall> {
        let scan = self.scan.as_mut().filter(|scan| !scan.waits)?;
        let (from, to) = *scan.to_read.last()?;
        scan.waits = true;
        // A window must end in the past, also with a second more at its edge.
        Some(PageCall { span: (from.min(provider_now - 3), to.min(provider_now - 2)), offset: scan.offset })
    }

    pub(in crate::engine) fn wants_page(&self, mono: Duration) -> bool {
        mono >= self.next_page && self.scan.as_ref().is_some_and(|scan| !scan.waits)
    }

    /// When a page is to be asked for again.
    pub(in crate::engine) fn next_wake(&self) -> Option<Duration> {
        self.scan.as_ref().filter(|scan| !scan.waits).map(|_| self.next_page)
    }

    /// Nothing is being looked for.
    pub(in crate::engine) fn is_done(&self) -> bool {
        self.scan.is_none()
    }

    /// A page could not be read; after too many, the scan is left to a later session. How long it waits.
    pub(in crate::engine) fn page_failed(&mut self, mono: Duration) -> Option<Duration> {
        self.failures += 1;
        let scan = self.scan.as_mut()?;
        scan.waits = false;
        if self.failures >= MOST_FAILURES {
            self.scan = None;
            return None;
        }
        let wait = AFTER_FAILED_PAGES.after(self.failures);
        self.next_page = mono + wait;
        Some(wait)
    }

    /// The scan is left to a later session.
    pub(in crate::engine) fn leave(&mut self) {
        self.scan = None;
    }

    /// A page was read. What the scan came to, where it is through.
    pub(in crate::engine) fn page_read(&mut self, rows: &[Listed]) -> Option<Sought> {
        let scan = self.scan.as_mut()?;
        scan.waits = false;
        self.failures = 0;
        for row in rows.iter().filter(|row| row.done.is_some()) {
            if self.wanted.contains_key(&row.id) || self.settlements.contains_key(&row.id) {
                self.named.extend(row.cost.map(|cost| (row.id.clone(), cost)));
            }
        }
        let (from, to) = scan.to_read.pop()?;
        match (rows.len() >= PAGE as usize, to - from > 1) {
            // Rows move while tasks finish, so a page that may hide some is cut rather than turned.
            (true, true) => scan.to_read.extend([(from + (to - from) / 2, to), (from, from + (to - from) / 2)]),
            (true, false) => {
                scan.to_read.push((from, to));
                scan.offset += PAGE;
            }
            (false, _) => scan.offset = 0,
        }
        if !scan.to_read.is_empty() {
            return None;
        }
        let missing = self.wanted.iter().filter(|(id, _)| !self.named.contains_key(*id) && !scan.is_wide);
        let wide = near(missing.map(|(_, row)| (row.posted_v, row.posted_v + DONE_WITHIN_S)).collect());
        if !wide.is_empty() {
            (scan.to_read, scan.is_wide) = (wide, true);
            return None;
        }
        self.scan = None;
        Some(self.came_to())
    }

    fn came_to(&mut self) -> Sought {
        let fee_alone = |row: &Settlement, named: &Money| {
            *named != row.first && *named != row.cost && *named == crate::price::unfinished(Some(row.first))
        };
        let settlements = self.settlements.values().filter_map(|row| Some((row, self.named.get(&row.provider_id)?)));
        Sought {
            names_fees: settlements.into_iter().any(|(row, named)| fee_alone(row, named)),
            names_costs: self.named.values().any(|named| !named.is_zero()),
            wanted: std::mem::take(&mut self.wanted)
                .into_values()
                .map(|row| {
                    let named = self.named.get(&row.provider_id).copied();
                    (row, named)
                })
                .collect(),
        }
    }
}

/// The list may name this cost now: it goes back so far, and was not scanned for it within the day.
pub(in crate::engine) fn is_to_be_sought(row: &Provisional, provider_now: i64) -> bool {
    !is_out_of_reach(row, provider_now) && row.scanned_v.is_none_or(|scanned_v| provider_now - scanned_v >= DAY_S)
}

/// The list can no longer name it.
pub(in crate::engine) fn is_out_of_reach(row: &Provisional, provider_now: i64) -> bool {
    row.posted_v < provider_now - REACH_S
}

/// The list will name no other figure for it.
pub(in crate::engine) fn is_for_good(row: &Provisional, named: Option<Money>, provider_now: i64) -> bool {
    named.is_some() && row.posted_v < provider_now - MAY_CHANGE_S
}

/// The windows in which settled tasks are asked of the ledger, beside the costs that are looked for.
pub(in crate::engine) fn windows(wanted: &[Provisional]) -> Vec<Span> {
    near(wanted.iter().map(|row| (row.posted_v - BEFORE_SEND_S, row.posted_v + AFTER_CLOSE_S)).collect())
}

/// Attempts that a scan did not settle.
pub(in crate::engine) fn attempts(rows: &[(Provisional, Option<Money>)]) -> Vec<AttemptId> {
    rows.iter().map(|(row, _)| row.attempt).collect()
}

/// Spans that touch or nearly do become one; the latest first.
fn near(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 + NEAR_S => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged.reverse();
    merged
}
