//! Purchases of this ledger's that it does not hold: it was restored from a copy, and knows them again one by one.

use crate::clock::Now;
use crate::engine::core::Core;
use crate::engine::vocabulary::{Effect, SeenRow};
use crate::event::EventKind;
use crate::ledger::{Change, OpenBatch};
use crate::money::Money;

impl Core {
    /// Purchases of this ledger's that it does not hold: it was restored from a copy, whatever its counters say.
    pub(super) fn restore_if_needed(&mut self, now: Now, rows: &[SeenRow], out: &mut Vec<Effect>) {
        if self.reconcile.restored.is_some() {
            return;
        }
        let posted = rows.iter().filter_map(|seen| seen.row.posted).map(|posted| posted.timestamp()).min();
        let from_v = posted.unwrap_or_else(|| self.clock.not_before(now));
        self.reconcile.restore(from_v, None);
        self.dispatch.start_over();
        out.push(Effect::Commit(vec![Change::Restored { account: self.terms.account, from_v }], Vec::new()));
        out.push(Effect::Tell(EventKind::Restored { since_v: from_v }));
    }

    /// Purchases were taken over into the ledger.
    pub(in crate::engine) fn adopted(&mut self, now: Now, batches: Vec<OpenBatch>, extras: u64, out: &mut Vec<Effect>) {
        if let Some(restored) = &mut self.reconcile.restored {
            restored.adopted += batches.len() as u64;
        }
        for batch in batches.into_iter().filter(|batch| batch.uncollected > 0) {
            self.progress.bought += batch.uncollected;
            self.collect.expect(batch, now.mono, true);
        }
        if extras > 0 {
            let why = format!("{extras} purchases of this ledger's belong to none of its tasks");
            out.push(Effect::Tell(EventKind::ExtraCharge { vendor_id: String::new(), cost: Money::ZERO, why }));
        }
        self.dispatch.start_over();
    }
}
