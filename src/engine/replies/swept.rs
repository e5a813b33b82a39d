//! What a list has shown once it is through, and what follows when looks have proved enough.
//!
//! The rules of evidence are `reconcile`'s; here they become changes for the ledger.

use super::consequences::Consequences;
use crate::clock::Now;
use crate::engine::core::Core;
use crate::engine::reconcile::{Filed, PageCall};
use crate::engine::vocabulary::{Effect, SeenRow, Source};
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::Change;
use crate::offer::Function;
use crate::rule::Rule;
use crate::vendor::Fetched;

impl Core {
    /// The list shows a task that is known to be bought: that is what a look must show.
    pub(super) fn shown(
        &mut self,
        seen: &SeenRow,
        attempt: AttemptId,
        tagged: bool,
        source: Source,
        vendor_now: i64,
        then: &mut Consequences,
    ) {
        if !matches!(source, Source::List(..)) {
            return;
        }
        if !tagged && Rule::TagsInEachSweep.is_kept() {
            self.reconcile.make_void("it shows a task of ours without its tag");
            return;
        }
        if let Some(sweep) = self.reconcile.sweep() {
            sweep.shown.insert(attempt);
        }
        let Some(function) = seen.row.function() else { return };
        if !Rule::ProofIsUnfinished.is_kept() {
            self.prove(function, vendor_now, then);
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
            then.write(Change::TagProof { account: self.terms.account, function, at_v });
            then.tell(EventKind::TagProven { function });
        }
    }

    /// A list is through: what follows for the polling or for the look that it belongs to.
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
                let rows = if whole { Some((count, news)) } else { Some((usize::MAX, news)) };
                self.collect.polled(endpoint, begun_v, rows, now.mono);
            }
            Source::List(span, offset) => {
                let call = PageCall { span, offset };
                if let Some(sweep) = self.reconcile.sweep() {
                    sweep.found += news as u64;
                }
                if self.reconcile.page_read(call, count, filed) {
                    let (spans, unfinished) = self.reconcile.must_show();
                    out.push(Effect::Witnesses(spans, unfinished));
                }
            }
            Source::Stray => {}
        }
    }

    /// A look is through, and the ledger has said what it must have shown.
    pub(in crate::engine) fn sweep_ended(&mut self, now: Now, witnesses: &[(AttemptId, i64)], out: &mut Vec<Effect>) {
        let Some(ended) = self.reconcile.end_sweep(witnesses, now.mono) else { return };
        let account = self.terms.account;
        let mut changes = Vec::new();
        if let Some(seconds) = ended.lag_s {
            changes.push(Change::Lag { account, seconds });
        }
        if ended.concluding {
            changes.push(Change::Swept {
                account,
                begun_v: ended.begun_v,
                from_v: ended.spans.first().map_or(0, |span| span.0),
                to_v: ended.spans.last().map_or(0, |span| span.1),
                rows: ended.rows,
                found: ended.found,
                verdict: ended.void.clone().unwrap_or_else(|| "valid".to_owned()),
                counts_for: ended.counts_for.clone(),
                restored: ended.restored,
            });
        }
        if !changes.is_empty() {
            out.push(Effect::Commit(changes, Vec::new()));
        }
        let (concluding, rows, found, void) = (ended.concluding, ended.rows, ended.found, ended.void);
        out.push(Effect::Tell(EventKind::Swept { concluding, rows, found, void }));
    }

    /// Batches that surely were not bought give their money back, and their tasks are planned again.
    pub(in crate::engine) fn conclude(&mut self, batches: Vec<(BatchId, Vec<AttemptId>)>, out: &mut Vec<Effect>) {
        let mut changes = Vec::new();
        for (batch, attempts) in batches {
            out.push(Effect::Tell(EventKind::Concluded { batch, tasks: attempts.len() }));
            self.dispatch.canary_settled(batch);
            for attempt in attempts {
                self.reconcile.settled(batch, attempt);
                changes.push(Change::NotBought { attempt });
            }
        }
        out.push(Effect::Commit(changes, Vec::new()));
    }
}
