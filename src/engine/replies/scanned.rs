//! What a complete scan has shown, and what follows when scans have proved enough.
//!
//! The rules of evidence are in `reconcile`; here they become changes for the ledger.

use super::consequences::{Consequences, Outcome};
use crate::clock::Now;
use crate::engine::collect::{Endpoint, READY_ROWS};
use crate::engine::core::Core;
use crate::engine::reconcile::{Filed, PageCall};
use crate::engine::vocabulary::{Effect, SeenRow, Source};
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Change;
use crate::product::Function;
use crate::provider::Fetched;
use crate::rule::Rule;

impl Core {
    /// The list shows a task that is known to be bought: that is what a scan must show.
    pub(super) fn shown(
        &mut self,
        seen: &SeenRow,
        attempt: AttemptId,
        tagged: bool,
        source: Source,
        provider_now: i64,
        then: &mut Consequences,
    ) {
        if !matches!(source, Source::List(..)) {
            return;
        }
        if !tagged && Rule::TagsInEachScan.is_kept() {
            self.reconcile.make_void("it shows a task of ours without its tag");
            return;
        }
        if let Some(scan) = self.reconcile.scan() {
            scan.shown.insert(attempt);
        }
        if let Some(engine) = seen.row.engine()
            && let Some(function) = seen.row.function()
            && seen.row.done.is_some()
            && !seen.row.is_live()
        {
            self.reconcile.saw_finished((engine, function));
        }
        let Some(function) = seen.row.function() else { return };
        if !Rule::ProofIsUnfinished.is_kept() {
            self.prove(function, provider_now, then);
        } else if let Some(what) = seen.collect.clone().filter(|_| seen.row.done.is_none())
            && self.reconcile.wants_proof(function)
            && self.collect.ask_now(what)
        {
            // It may be finished all the same: its id tells. What is not finished then was not when the list showed it.
            self.reconcile.may_prove(function, attempt);
        }
    }

    /// An id was asked for after the list had shown it without a time at which it was finished.
    pub(super) fn asked_for_proof(&mut self, attempt: AttemptId, outcome: &Fetched, now: Now, then: &mut Consequences) {
        let Some(function) = self.reconcile.proof_by(attempt) else { return };
        match outcome {
            Fetched::Pending => self.prove(function, self.clock.not_before(now), then),
            Fetched::Throttled { .. } | Fetched::Stumbled { .. } | Fetched::Unreachable { .. } => {
                self.reconcile.may_prove(function, attempt);
            }
            Fetched::Answer { .. }
            | Fetched::Odd(_)
            | Fetched::Failed { .. }
            | Fetched::Expired
            | Fetched::NotFound
            | Fetched::Wrong { .. }
            | Fetched::WaitingForMoney
            | Fetched::Halt(_) => {}
        }
    }

    fn prove(&mut self, function: Function, at_v: i64, then: &mut Consequences) {
        if self.reconcile.prove(function) {
            then.write(Change::VisibilityProof { account: self.terms.account, function, at_v });
            then.tell(EventKind::VisibilityProven { function });
        }
    }

    /// A list is through: what follows for the polling or for the scan that it belongs to.
    pub(super) fn read(
        &mut self,
        now: Now,
        source: Source,
        (count, filed): (usize, Option<Filed>),
        news: usize,
        out: &mut Vec<Effect>,
    ) {
        match source {
            Source::Ready(endpoint, begun_v, whole) => {
                self.collect.polled(endpoint, begun_v, Some((count, news, whole)), now.mono);
                self.note_crowd(endpoint, begun_v, (whole, count), out);
            }
            Source::List(span, offset) => {
                let call = PageCall { span, offset };
                if let Some(scan) = self.reconcile.scan() {
                    scan.found += news as u64;
                }
                let is_through = self.reconcile.page_read(call, count, filed);
                if is_through && self.reconcile.is_watching() {
                    self.watched(out);
                } else if is_through {
                    let (spans, unfinished) = self.reconcile.control_rows_due();
                    out.push(Effect::ControlRows(spans, unfinished));
                }
            }
            Source::UnmatchedRow => {}
        }
    }

    /// `tasks_ready` is full while something is in doubt at its endpoint, or is whole again: kept for `status`, and told.
    fn note_crowd(&mut self, endpoint: Endpoint, at_v: i64, (whole, rows): (bool, usize), out: &mut Vec<Effect>) {
        let (account, (engine, function)) = (self.terms.account, endpoint);
        if whole && rows < READY_ROWS {
            if self.crowded.remove(&endpoint).is_some() {
                let change = Change::Crowded { account, engine, function, at_v: None };
                out.push(Effect::Commit(vec![change], Vec::new()));
            }
            return;
        }
        let is_wanted = whole && self.reconcile.is_in_doubt_at(endpoint);
        if is_wanted && self.crowded_told.insert(endpoint) {
            self.crowded.insert(endpoint, at_v);
            let change = Change::Crowded { account, engine, function, at_v: Some(at_v) };
            out.push(Effect::Commit(vec![change], Vec::new()));
            let what = "tasks_ready shows as many rows as it ever does, so that one of ours may stand behind them: what is in \
                        doubt here waits for two scans that show a finished task of ours, or for the other answers to be \
                        collected by whoever bought them"
                .to_owned();
            out.push(Effect::Tell(EventKind::Odd { engine, function, what }));
        }
    }

    /// The day's scan for what was given up has ended. It concludes nothing.
    fn watched(&mut self, out: &mut Vec<Effect>) {
        let Some((at_v, tasks, rows)) = self.reconcile.watch_ended() else { return };
        out.push(Effect::Commit(vec![Change::Watched { account: self.terms.account, at_v }], Vec::new()));
        out.push(Effect::Tell(EventKind::Watched { tasks, rows }));
    }

    /// A scan is through, and the ledger has said what it must have shown.
    pub(in crate::engine) fn scan_ended(&mut self, now: Now, control_rows: &[(AttemptId, i64)], out: &mut Vec<Effect>) {
        let Some(ended) = self.reconcile.end_scan(control_rows, now.mono) else { return };
        let account = self.terms.account;
        let mut changes = Vec::new();
        if let Some(seconds) = ended.lag_s {
            changes.push(Change::Lag { account, seconds });
        }
        if ended.concluding {
            changes.push(Change::ScanEnded {
                account,
                begun_v: ended.begun_v,
                from_v: ended.spans.first().map_or(0, |span| span.0),
                to_v: ended.spans.last().map_or(0, |span| span.1),
                rows: ended.rows,
                found: ended.found,
                verdict: ended.inconclusive.clone().unwrap_or_else(|| "valid".to_owned()),
                counts_for: ended.counts_for.clone(),
                restored: ended.restored,
            });
        }
        if !changes.is_empty() {
            out.push(Effect::Commit(changes, Vec::new()));
        }
        let (concluding, rows, found, inconclusive) = (ended.concluding, ended.rows, ended.found, ended.inconclusive);
        out.push(Effect::Tell(EventKind::ScanEnded { concluding, rows, found, inconclusive }));
    }

    /// Batches that surely were not bought give their money back, and their tasks are planned again.
    pub(in crate::engine) fn conclude(
        &mut self,
        now: Now,
        batches: Vec<(BatchId, Vec<AttemptId>)>,
        out: &mut Vec<Effect>,
    ) {
        let mut then = Consequences::default();
        for (batch, attempts) in batches {
            then.tell(EventKind::Concluded { batch, tasks: attempts.len() });
            for attempt in attempts {
                self.settle(now, (batch, attempt), Outcome::NotBought, &mut then);
            }
        }
        then.flush(out);
    }
}
