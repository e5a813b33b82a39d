//! Which call is made next: the most urgent one that its limit allows.
//!
//! The order is: look-ups for unknown outcomes, answers about to be lost, purchases, `tasks_ready`, other answers,
//! and the scan for provisional costs. A session begins with a free call that shows whether the provider can be
//! reached. bursar buys nothing before it has asked the account for its prices, and for a balance that is to be kept.

use std::time::Duration;

use super::{Core, Step};
use crate::clock::Now;
use crate::engine::collect::{Endpoint, Fetch};
use crate::engine::reconcile::PageCall;
use crate::engine::vocabulary::Effect;
use crate::ledger::Draft;
use crate::pace::Bucket;
use crate::rule::Rule;

/// Batches reserved in one commit.
const BATCHES_A_COMMIT: usize = 10;
/// A hold counts in every period its charge may fall into: until the quarantine is over, and an hour.
const HOLD_MARGIN_S: i64 = 3_600;
/// The clock of the machine that dates a charge may be so far behind that of the one that was heard last.
const MACHINES_DISAGREE_S: i64 = 2;

/// A call that could be made next.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Hello,
    Balance,
    Page,
    Ask,
    Fetch { urgent: bool },
    Buy,
    Ready(Endpoint),
    CostPage,
}

impl Core {
    /// The plan may be pulled: but for the account's own word, purchases are possible. A balance that is to be kept is a
    /// ceiling, and known before tasks are given their money.
    pub(super) fn may_pull(&self) -> bool {
        !self.stopping
            && self.hello == Step::Done
            && (self.balance == Step::Done || self.terms.keep_balance.is_none() || !Rule::BalanceIsKnown.is_kept())
            && (self.reconcile.restored.is_none() || !Rule::RestoredScans.is_kept())
            // A row of this ledger's that it does not hold, and that was sold, means that it was restored.
            && !self.reconcile.waits_for_ids()
            && self.dispatch.halted.is_none()
    }

    /// Purchases are possible now.
    fn may_buy(&self) -> bool {
        self.may_pull()
            && (self.to_recognise == 0 || !Rule::ListsTellFirst.is_kept())
            && (self.balance == Step::Done || !Rule::BalanceIsKnown.is_kept())
    }

    /// The account is to be asked: a balance is to be kept, or there is something to buy or to settle whose price it may
    /// name.
    fn asks_account(&self) -> bool {
        let wanted =
            self.terms.keep_balance.is_some() || (self.may_pull() && self.dispatch.has_batch()) || self.fee_asked;
        wanted && self.balance == Step::Wanted && !self.stopping && self.dispatch.halted.is_none()
    }

    /// Makes the calls that the limits allow, the most pressing first; the moments at which more may be allowed.
    pub(super) fn call(&mut self, now: Now, provider_now: i64, out: &mut Vec<Effect>) -> Vec<Duration> {
        let mut wakes = Vec::new();
        let mut drafts = Vec::new();
        if now.mono < self.quiet_until {
            wakes.push(self.quiet_until);
            return wakes;
        }
        while self.in_flight.saturating_sub(self.apart()) < self.terms.limits.in_flight.max(1) {
            let Some(next) = self.next_call(now, provider_now, drafts.len(), &mut wakes) else { break };
            if let Err(at) = self.calls.take(now.mono) {
                wakes.push(at);
                break;
            }
            match next {
                Choice::Hello => {
                    self.hello = Step::Asked;
                    out.push(self.probes.last().map_or(Effect::Hello, |endpoint| Effect::Probe(*endpoint)));
                }
                Choice::Balance => {
                    self.balance = Step::Asked;
                    self.held.account = false;
                    out.push(Effect::Balance);
                }
                Choice::Page => {
                    let Some(PageCall { span, offset }) = self.reconcile.page() else { break };
                    self.held.list = false;
                    out.push(Effect::Page(span, offset));
                }
                Choice::Ask => {
                    let Some((endpoint, provider_id)) = self.reconcile.next_to_ask() else { break };
                    out.push(Effect::Ask(endpoint, provider_id));
                }
                Choice::Fetch { urgent } => {
                    let Some(Fetch { what, .. }) = self.collect.take(urgent) else { break };
                    out.push(Effect::Fetch(what));
                }
                Choice::Buy => {
                    let (sent_v, hold_to_v) = self.hold_window(now);
                    let Some(draft) = self.dispatch.draft(sent_v, hold_to_v) else { break };
                    drafts.push(draft);
                }
                Choice::CostPage => {
                    let Some(PageCall { span, offset }) = self.costs.page(provider_now) else { break };
                    self.held.list = false;
                    out.push(Effect::CostPage(span, offset));
                }
                Choice::Ready(endpoint) => {
                    self.held.ready = false;
                    self.collect.polling(endpoint);
                    out.push(Effect::Ready(endpoint, provider_now));
                }
            }
            self.in_flight += 1;
        }
        if !drafts.is_empty() {
            reserve(out, drafts);
        }
        wakes
    }

    /// Calls under way that do not count in the limit on all: Live ones have a limit of their own, but at a gateway, which
    /// counts every call.
    fn apart(&self) -> u32 {
        if self.terms.lists { self.dispatch.live() } else { 0 }
    }

    /// The span of the provider's time that the charge of a purchase made now may fall into.
    pub(in crate::engine) fn hold_window(&self, now: Now) -> (i64, i64) {
        let quarantine_s = i64::try_from(self.terms.timing.quarantine.as_secs()).unwrap_or(0);
        let from_v = self.clock.not_before(now) - MACHINES_DISAGREE_S;
        let to_v = self.clock.not_after(now) + quarantine_s + HOLD_MARGIN_S;
        (from_v, if Rule::HoldInEveryPeriod.is_kept() { to_v } else { from_v })
    }

    /// The most pressing call that its own limit allows.
    fn next_call(&mut self, now: Now, provider_now: i64, drafted: usize, wakes: &mut Vec<Duration>) -> Option<Choice> {
        if self.hello != Step::Done {
            return (self.hello == Step::Wanted).then_some(Choice::Hello);
        }
        if self.asks_account() && token(&mut self.held.account, &mut self.account_calls, now, wakes) {
            return Some(Choice::Balance);
        }
        if !self.stopping
            && self.reconcile.wants_page(now.mono)
            && token(&mut self.held.list, &mut self.list, now, wakes)
        {
            return Some(Choice::Page);
        }
        if !self.stopping && self.reconcile.has_to_ask() {
            return Some(Choice::Ask);
        }
        if self.collect.has_urgent() {
            return Some(Choice::Fetch { urgent: true });
        }
        if self.may_buy() && drafted < BATCHES_A_COMMIT && self.dispatch.has_batch() {
            if now.mono >= self.buying_backs_off_until {
                return Some(Choice::Buy);
            }
            wakes.push(self.buying_backs_off_until);
        }
        if !self.stopping {
            let to_list = self.reconcile.to_list(provider_now, |endpoint| self.collect.listed_v(endpoint));
            if let Some(endpoint) = self.collect.to_poll(now.mono, &to_list)
                && token(&mut self.held.ready, &mut self.ready, now, wakes)
            {
                return Some(Choice::Ready(endpoint));
            }
        }
        if self.collect.has_other() {
            return Some(Choice::Fetch { urgent: false });
        }
        let wanted = !self.stopping && self.costs.wants_page(now.mono);
        (wanted && token(&mut self.held.list, &mut self.list, now, wakes)).then_some(Choice::CostPage)
    }
}

/// Takes a token of a limit, or keeps the one that is held; the moment of the next one where there is none.
fn token(held: &mut bool, bucket: &mut Bucket, now: Now, wakes: &mut Vec<Duration>) -> bool {
    if !*held {
        match bucket.take(now.mono) {
            Ok(()) => *held = true,
            Err(at) => wakes.push(at),
        }
    }
    *held
}

/// The next batches go into the commit of what was just heard, where nothing else comes between: one write to the disk
/// serves both.
fn reserve(out: &mut Vec<Effect>, drafts: Vec<Draft>) {
    match out.iter_mut().rev().find(|effect| !matches!(effect, Effect::Tell(_))) {
        Some(Effect::Commit(_, beside)) if beside.is_empty() => *beside = drafts,
        _ => out.push(Effect::Commit(Vec::new(), drafts)),
    }
}
