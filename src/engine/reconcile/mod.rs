//! Unknown outcomes: what was sent without a reply, and what the provider's own list says about it.
//!
//! What the list shows with its tag is bought. That something is *not* bought is concluded only by evidence
//! (`evidence`): two complete scans of the list (`scan`, read page by page by `pages`), and an empty `tasks_ready`
//! after them. One scan serves everything in doubt.

mod scan;
mod pages;
mod unpriced;
mod sold;
mod evidence;
mod carried;
mod watch;
mod by_list;
pub(super) mod costs;
mod awaited;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use awaited::Words;
pub(super) use pages::{Filed, PAGE, PageCall, filed_in};
pub(super) use sold::{Beside, Evidence, was_sold};
use unpriced::Unpriced;
pub(super) use watch::Watch;

use super::collect::Endpoint;
use super::provider_clock::seconds;
use crate::config::Timing;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::UnknownBatch;
use crate::product::{Function, LIST_REACH_S, Method};
use crate::rule::Rule;

/// Looks for the cost of a purchase that only `tasks_ready` has shown.
const MOST_LOOKS_FOR_A_COST: u32 = 3;

/// What a scan through the list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find what is there.
    Find,
    /// To learn what is not there.
    Conclude,
    /// To find what was given up.
    Watch,
}

/// A span of the provider's time: from, to.
pub(super) type Span = (i64, i64);

/// A scan that is under way.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) purpose: Purpose,
    /// The provider's time was not before this when it began.
    pub(super) begun_v: i64,
    /// All that is to be read.
    pub(super) covers: Vec<Span>,
    to_read: Vec<Span>,
    /// A single second with more rows than a page: read by offset, twice.
    by_offset: Option<(Span, u32, u32)>,
    /// Attempts of ours that it has shown, with their tags.
    pub(super) shown: BTreeSet<AttemptId>,
    pub(super) rows: u64,
    pub(super) found: u64,
    inconclusive: Option<String>,
    /// Endpoints at which it has shown a finished task of ours.
    finished: BTreeSet<Endpoint>,
    /// It has shown a row without a tag of any ledger's.
    untagged: bool,
    waiting_for_page: bool,
    /// What it is to conclude: nothing follows from it for anything else.
    concludes: BTreeSet<BatchId>,
    concludes_restored: bool,
}

#[derive(Clone, Debug)]
pub(super) struct UnknownOutcome {
    pub(super) facts: UnknownBatch,
    /// Since when this process knows that the connection is gone.
    since: Duration,
    /// Complete looks after the quarantine: when they began.
    clean: Vec<i64>,
    /// This session made one of them.
    has_own: bool,
    /// Those of them that showed a finished task of ours at its endpoint.
    finished: Vec<i64>,
    /// Attempts that `tasks_ready` has shown, without a cost: they are bought, and the list will say for how much.
    seen: BTreeSet<AttemptId>,
    /// Attempts that are settled by now, each by the first word on it.
    settled: BTreeSet<AttemptId>,
}

/// A ledger that was restored from a copy: what it bought since is unknown.
#[derive(Clone, Debug)]
pub(super) struct Restored {
    pub(super) from_v: i64,
    pub(super) closed_v: Option<i64>,
    clean: Vec<i64>,
    has_own: bool,
    pub(super) recovered: u64,
    /// The provider's list no longer shows all that was bought since: no scan ends it, and a person decides.
    pub(super) is_beyond_reach: bool,
}

/// Everything that is in doubt, and how far its clearing is.
#[derive(Debug)]
pub(super) struct Reconcile {
    timing: Timing,
    /// The provider's list can be asked for; else nothing is ever looked up, and nothing concluded.
    lists: bool,
    /// By function: how long the provider's list proves nothing where it has not yet proven itself.
    give_up: BTreeMap<Function, Duration>,
    /// What may have been bought and forgotten: what the ledger's jobs ask.
    functions: BTreeSet<Function>,
    unknowns: BTreeMap<BatchId, UnknownOutcome>,
    pub(super) restored: Option<Restored>,
    /// What a person called bought, and is looked for.
    words: Words,
    proven: BTreeSet<Function>,
    longest_lag_s: i64,
    proof_scans: u32,
    /// By function: an attempt that the list has shown without a time at which it was finished, and whose id is asked.
    to_prove: BTreeMap<Function, AttemptId>,
    next_scan: Duration,
    scan: Option<Scan>,
    failures: u32,
    /// Looks in a row that were to conclude something, since anything was settled.
    fruitless: u32,
    /// This session has read the list through.
    has_scanned: bool,
    /// Pages in a row that the provider had no time for.
    turned_away: u32,
    /// By the provider's id: purchases under our tags that are none of our attempts', shown without their cost.
    suspects: BTreeMap<String, Suspect>,
    /// By the provider's id: rows of this ledger's that it does not hold, listed without a cost.
    unpriced: BTreeMap<String, Unpriced>,
    watch: Watch,
}

/// A purchase whose cost the provider's list is asked for.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    posted_v: i64,
    /// Looks that were made for it; at the most, it is done with.
    scans: u32,
}

impl Reconcile {
    pub(super) fn new(
        timing: &Timing,
        give_up: BTreeMap<Function, Duration>,
        proven: BTreeSet<Function>,
        functions: BTreeSet<Function>,
        longest_lag_s: i64,
        lists: bool,
    ) -> Self {
        let sweep_gap = if Rule::ScansApart.is_kept() { timing.sweep_gap } else { Duration::ZERO };
        Self {
            timing: Timing { sweep_gap, ..timing.clone() },
            lists,
            give_up,
            functions,
            unknowns: BTreeMap::new(),
            restored: None,
            words: Words::default(),
            proven,
            longest_lag_s,
            proof_scans: 0,
            to_prove: BTreeMap::new(),
            next_scan: Duration::ZERO,
            scan: None,
            failures: 0,
            fruitless: 0,
            has_scanned: false,
            turned_away: 0,
            suspects: BTreeMap::new(),
            unpriced: BTreeMap::new(),
            watch: Watch::default(),
        }
    }

    /// `tasks_ready` or an unmatched row has shown a purchase under the tag of an attempt that was given up, or that has
    /// another id: a scan is made for its cost.
    pub(super) fn suspect(&mut self, provider_id: &str, posted_v: i64, mono: Duration) {
        if self.lists && !self.suspects.contains_key(provider_id) {
            self.suspects.insert(provider_id.to_owned(), Suspect { posted_v, scans: 0 });
            self.next_scan = self.next_scan.min(mono);
        }
    }

    /// The list has named the cost of a purchase.
    pub(super) fn priced(&mut self, provider_id: &str) {
        if let Some(suspect) = self.suspects.get_mut(provider_id) {
            suspect.scans = MOST_LOOKS_FOR_A_COST;
        }
    }

    fn open_suspects(&self) -> impl Iterator<Item = &Suspect> {
        self.suspects.values().filter(|suspect| suspect.scans < MOST_LOOKS_FOR_A_COST)
    }

    /// A batch is in doubt from now on. The first scan follows at once.
    pub(super) fn add(&mut self, facts: UnknownBatch, mono: Duration) {
        self.next_scan = self.next_scan.min(mono);
        self.watch_gives_way();
        let (seen, settled) = (facts.shown.clone(), BTreeSet::new());
        let (clean, finished) = (carried::of(&facts), Vec::new());
        self.unknowns
            .insert(facts.batch, UnknownOutcome { facts, since: mono, clean, has_own: false, finished, seen, settled });
    }

    /// The ledger was restored; purchases since a moment of the provider's are unknown to it.
    pub(super) fn restore(&mut self, from_v: i64, closed_v: Option<i64>) {
        let clean = Vec::new();
        self.restored =
            Some(Restored { from_v, closed_v, clean, has_own: false, recovered: 0, is_beyond_reach: false });
    }

    /// A call that was begun at `begun` was answered, and the provider's time is not after `closed_v`: connections that
    /// were gone before it began are surely closed by then.
    pub(super) fn contact(&mut self, begun: Duration, closed_v: i64) -> (Vec<(BatchId, i64)>, Option<i64>) {
        let mut closed = Vec::new();
        for (batch, unknown) in &mut self.unknowns {
            let undated = unknown.facts.closed_v.is_none() || !Rule::CloseIsDatedOnce.is_kept();
            if undated && unknown.since <= begun {
                // It was not closed before it was sent, whatever a clock says.
                let closed_v = closed_v.max(unknown.facts.sent_v);
                unknown.facts.closed_v = Some(closed_v);
                closed.push((*batch, closed_v));
            }
        }
        let mut restored_closed = None;
        if let Some(restored) = self.restored.as_mut().filter(|restored| restored.closed_v.is_none()) {
            restored.closed_v = Some(closed_v);
            restored_closed = Some(closed_v);
        }
        (closed, restored_closed)
    }

    /// The scan that is under way.
    pub(super) fn scan(&mut self) -> Option<&mut Scan> {
        self.scan.as_mut()
    }

    /// `tasks_ready` has shown an attempt that is in doubt: it is bought, and is never concluded otherwise. `true` for the
    /// first time.
    pub(super) fn seen_ready(&mut self, batch: BatchId, attempt: AttemptId, mono: Duration) -> bool {
        let is_new = self.unknowns.get_mut(&batch).is_some_and(|unknown| unknown.seen.insert(attempt));
        if is_new {
            self.next_scan = self.next_scan.min(mono);
        }
        is_new
    }

    /// A list has shown an attempt that is in doubt, without a cost.
    pub(super) fn is_seen(&self, batch: BatchId, attempt: AttemptId) -> bool {
        self.unknowns.get(&batch).is_some_and(|unknown| unknown.seen.contains(&attempt))
    }

    /// The outcome of an attempt is still not known; what is said of it a second time settles nothing.
    pub(super) fn is_open(&self, batch: BatchId, attempt: AttemptId) -> bool {
        let is_settled = |unknown: &UnknownOutcome| unknown.settled.contains(&attempt) && Rule::SettledOnce.is_kept();
        self.unknowns.get(&batch).is_some_and(|unknown| !is_settled(unknown))
    }

    /// An attempt in doubt is settled.
    pub(super) fn settled(&mut self, batch: BatchId, attempt: AttemptId) {
        if let Some(unknown) = self.unknowns.get_mut(&batch)
            && (unknown.settled.insert(attempt) || !Rule::SettledOnce.is_kept())
        {
            unknown.facts.attempts = unknown.facts.attempts.saturating_sub(1);
            unknown.seen.remove(&attempt);
            self.fruitless = 0;
            if unknown.facts.attempts == 0 {
                self.unknowns.remove(&batch);
            }
        }
    }

    pub(super) fn unknown(&self, batch: BatchId) -> Option<&UnknownOutcome> {
        self.unknowns.get(&batch)
    }

    /// Something bought by Standard at an endpoint is in doubt.
    pub(super) fn is_in_doubt_at(&self, endpoint: Endpoint) -> bool {
        let is_at = |unknown: &UnknownOutcome| (unknown.facts.engine, unknown.facts.function) == endpoint;
        self.unknowns.values().any(|unknown| is_at(unknown) && unknown.facts.method == Method::Standard)
    }

    /// Attempts in doubt.
    pub(super) fn attempts(&self) -> u64 {
        self.unknowns.values().map(|unknown| unknown.facts.attempts).sum()
    }

    pub(super) fn is_clear(&self) -> bool {
        let found = self.open_suspects().next().is_none() && !self.waits_for_ids() && !self.scans_for_awaited();
        self.unknowns.is_empty() && self.restored.is_none() && found && !self.is_to_watch()
    }
}

/// The provider's list still shows what was bought then.
pub(super) fn in_reach(sent_v: i64, provider_now: i64) -> bool {
    sent_v >= provider_now - LIST_REACH_S
}
