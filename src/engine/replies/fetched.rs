//! The result of fetching an answer by its id: stored, failed, expired, or fetched again later.

use std::time::Duration;

use super::consequences::{Consequences, Outcome, Purchase};
use super::refused::Limit;
use crate::clock::Now;
use crate::engine::collect::{Confirm, Fetch};
use crate::engine::core::{Core, Step};
use crate::engine::provider_clock::seconds;
use crate::engine::reconcile::{Beside, Evidence, was_sold};
use crate::event::EventKind;
use crate::ids::AttemptId;
use crate::ledger::{Answer, Change, Settled};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Function, Method, Priority, promised_turnaround};
use crate::provider::Fetched;
use crate::provider::codes::{Class, look_up};
use crate::rule::Rule;

impl Core {
    /// An answer was asked for.
    pub(super) fn fetched(
        &mut self,
        now: Now,
        attempt: AttemptId,
        (outcome, body, answered): (Fetched, Vec<u8>, bool),
        then: &mut Consequences,
    ) {
        let Some(fetch) = self.collect.came_back(attempt) else { return };
        self.asked_for_proof(attempt, &outcome, now, then);
        let batch = fetch.what.batch;
        let provider_now = self.clock.not_before(now);
        // A reply that is cut or garbled may leave out what became of the task: it is believed once it is the last word.
        let outcome = if let Fetched::Odd(odd) = &outcome
            && fetch.confirm.is_some()
            && !self.collect.is_last_word((attempt, batch), odd, provider_now)
        {
            Fetched::Unreachable {
                why: format!("the answer of task {} {}", fetch.what.provider_id, odd.oddity.words()),
            }
        } else {
            outcome
        };
        if let Some(confirm) = fetch.confirm
            && let evidence = (Evidence::Id { outcome: &outcome, listed_free: confirm.is_free })
            && let Some(accepted) = was_sold(evidence, self.beside(now, Some(confirm.posted_v)))
        {
            let has_failed = matches!(outcome, Fetched::Failed { .. });
            self.confirmed(now, &fetch, confirm, (accepted, has_failed), then);
            return;
        }
        let (outcome, oddity) = self.last_word(&fetch, outcome, provider_now);
        match outcome {
            Fetched::Answer { facts, .. } if self.asks_for_the_fee(&fetch, facts.model_charge) => {
                self.collect.once_more(fetch, now.mono, self.clock.not_before(now));
            }
            Fetched::Answer { facts, .. } => {
                let settled = self.settled_by(&fetch, facts.model_charge, "does not say", then);
                let done_v = facts.done.map(|done| done.timestamp());
                let complete = fetch.what.kinds.len() <= 1;
                let kind = fetch.kind();
                if let Some(posted_v) = self.collect.posted_v(batch) {
                    let took = done_v.unwrap_or_else(|| self.clock.not_before(now)) - posted_v;
                    self.collect.took(Duration::from_secs(took.max(1).unsigned_abs()), now.mono);
                }
                let fetched_at = now.wall.timestamp();
                let answer = Answer { kind, body, fetched_at, done_v, model: facts.model, complete, oddity };
                let of = (fetch.what.engine, fetch.what.function, fetch.what.provider_id.as_str());
                self.answer_came(of, fetch.what.price.as_deref().unwrap_or_default(), (kind, oddity), then);
                then.write(Change::Answered { attempt, answer, settled });
                if complete {
                    self.collect.settled(batch, attempt);
                    self.progress.answered += 1;
                    then.tell(EventKind::Collected { answers: 1 });
                } else {
                    self.collect.next_form(fetch);
                }
            }
            Fetched::Pending => {
                self.unfinished_v.insert(attempt, self.clock.not_before(now));
                self.collect.not_yet(attempt);
            }
            // What is odd was taken for an answer, or for none.
            Fetched::NotFound | Fetched::Odd(_) => self.collect.not_yet(attempt),
            Fetched::WaitingForMoney => {
                self.collect.not_given(attempt, self.clock.not_before(now));
                if !std::mem::replace(&mut self.withheld_told, true) {
                    let (engine, function) = (fetch.what.engine, fetch.what.function);
                    let what =
                        "answers that are paid for are kept back until the account has money again: pay some in, and \
                                they are fetched by themselves"
                            .to_owned();
                    then.tell(EventKind::Odd { engine, function, what });
                }
            }
            Fetched::Failed { code, message } => {
                let can_retry = matches!(look_up(code).class, Class::PaidFailure { again: true });
                let again = if can_retry { self.paid_retries(fetch.what.run) } else { 0 };
                let settled = self.settled_unfinished(&fetch, now);
                then.failed(attempt, code, &message, true);
                then.write(Change::FailedLater { attempt, code, message, again, settled });
                self.collect.settled(batch, attempt);
                self.progress.failed += 1;
            }
            Fetched::Expired => self.expired(fetch, then),
            Fetched::Wrong { code, message } => {
                // It stays bought, and is asked for again later.
                let what =
                    format!("the answer of task {} is not given: {message} (code {code})", fetch.what.provider_id);
                then.tell(EventKind::Odd { engine: fetch.what.engine, function: fetch.what.function, what });
                self.collect.not_given(attempt, self.clock.not_before(now));
            }
            Fetched::Throttled { retry_after } => {
                self.throttled(now, retry_after, Limit::Calls, &mut then.out);
                self.collect.once_more(fetch, now.mono, self.clock.not_before(now));
            }
            Fetched::Halt(refusal) => {
                self.collect.not_yet(attempt);
                self.refused(now, &refusal, true, &mut then.out);
            }
            Fetched::Stumbled { why } | Fetched::Unreachable { why } => {
                self.collect.once_more(fetch, now.mono, self.clock.not_before(now));
                if !answered {
                    self.failed(now, why, None, &mut then.out);
                }
            }
        }
    }

    /// The id of an attempt in doubt was asked, and says whether it was accepted, and whether it has failed since.
    fn confirmed(
        &mut self,
        now: Now,
        fetch: &Fetch,
        confirm: Confirm,
        (accepted, has_failed): (bool, bool),
        then: &mut Consequences,
    ) {
        let (attempt, batch) = (fetch.what.attempt, fetch.what.batch);
        self.collect.not_yet(attempt);
        if self.reconcile.awaited(batch, attempt).is_some() {
            // A person has called it bought, and is contradicted by nothing that its id says.
            if accepted {
                let (provider_id, posted_v) = (&fetch.what.provider_id, confirm.posted_v);
                let purchase = Purchase { provider_id, cost: confirm.charge, posted_v, named_in: None };
                self.word_is_kept(now, (attempt, batch, confirm.charge), purchase, then);
                self.reconcile.suspect(provider_id, posted_v, now.mono);
            }
        } else if !self.reconcile.is_open(batch, attempt) {
            // Meanwhile a list has told.
        } else if accepted {
            // It stands in no list with its cost: what was held is assumed. Of what failed, a list that names costs
            // says that it came to nothing.
            let is_told = has_failed && confirm.is_free && self.list_names_costs == Some(true);
            let cost = if is_told { Money::ZERO } else { confirm.charge };
            let (provider_id, posted_v) = (&fetch.what.provider_id, confirm.posted_v);
            let named_in = is_told.then_some(NamedIn::ListWhenDone);
            let purchase = Purchase { provider_id, cost, posted_v, named_in };
            self.settle(now, (batch, attempt), Outcome::Bought(purchase), then);
        } else {
            self.settle(now, (batch, attempt), Outcome::NotBought, then);
        }
    }

    /// The provider no longer keeps this form of an answer. Another may be kept for longer, or be here: that is an answer.
    fn expired(&mut self, fetch: Fetch, then: &mut Consequences) {
        let (attempt, batch) = (fetch.what.attempt, fetch.what.batch);
        if fetch.what.kinds.len() > 1 || fetch.what.is_here {
            then.tell(form_is_gone(&fetch));
        }
        if fetch.what.kinds.len() > 1 {
            self.collect.next_form(fetch);
            return;
        }
        let settled = self.settled_by(&fetch, None, "expired, so that nobody says", then);
        then.write(Change::Expired { attempt, settled });
        self.collect.settled(batch, attempt);
        if fetch.what.is_here {
            self.progress.answered += 1;
            then.tell(EventKind::Collected { answers: 1 });
        } else {
            self.progress.failed += 1;
            then.failed(attempt, 40_403, look_up(40_403).meaning, true);
        }
    }

    /// What is known beside the evidence on a purchase that was posted then, where that is known.
    pub(super) fn beside(&self, now: Now, posted_v: Option<i64>) -> Beside {
        let quarantine_s = self.reconcile.proven_quarantine_s();
        let is_over = posted_v.is_some_and(|posted_v| self.clock.not_before(now) - posted_v >= quarantine_s);
        Beside { list_names_costs: self.list_names_costs, is_over }
    }

    /// What a task came to by its answer, where that was open. One that does not say (`silent`) what its model charged
    /// costs what was held for it.
    fn settled_by(
        &mut self,
        fetch: &Fetch,
        model_charge: Option<Money>,
        silent: &str,
        then: &mut Consequences,
    ) -> Option<Settled> {
        let what = &fetch.what;
        let open = what.open_cost?;
        let Some(charge) = model_charge else {
            let (engine, function) = (what.engine, what.function);
            let held = if Rule::SilentCostsAll.is_kept() { what.held } else { Money::ZERO };
            let most = held.max(open.booked).max(crate::price::taken(open.named));
            let told = format!(
                "the answer of task {} {silent} what its model charged: the most that it may be, {most}, is booked; compare \
                 it with the provider's bill",
                what.provider_id
            );
            self.progress.charged += most - open.booked;
            then.tell(EventKind::Odd { engine, function, what: told });
            return Some(Settled { cost: most, is_told: false });
        };
        let shown = self.fees_shown(open.last);
        let cost = crate::price::settled(open.named, open.named_in, charge, &shown);
        self.fee_found = Some(cost.less(charge));
        self.progress.charged += cost - open.booked;
        // An earlier bursar held nothing for what a restored ledger took over.
        if let Some(price) = what.price.as_ref().filter(|_| !what.held.is_zero()) {
            self.settled_at((what.target, Method::Standard), price, what.held, cost, then);
        }
        Some(Settled { cost, is_told: true })
    }

    /// Fees of a model's task beside the one of our list: by the last purchase, by the provider's own list, and by the task that
    /// was settled last.
    pub(super) fn fees_shown(&self, last: Option<Money>) -> [Option<Money>; 3] {
        let listed = self.dispatch.account_price((Function::LlmResponses, Method::Standard, Priority::Normal));
        [last.map(crate::price::fee_of), listed, self.fee_found]
    }

    /// True where a list has named what a task was taken at or came to, and no known fee tells which: the provider's own list
    /// of prices is asked for it, once in a session, and the answer is fetched again after that.
    fn asks_for_the_fee(&mut self, fetch: &Fetch, model_charge: Option<Money>) -> bool {
        let Some((open, charge)) = fetch.what.open_cost.zip(model_charge) else { return false };
        let is_certain = crate::price::is_certain(open.named, open.named_in, charge, &self.fees_shown(open.last));
        if is_certain || !self.terms.lists || self.stopping || self.dispatch.halted.is_some() {
            return false;
        }
        if !std::mem::replace(&mut self.fee_asked, true) {
            self.balance = Step::Wanted;
        }
        self.balance != Step::Done
    }

    /// What a failed task cost, where that was open: what was taken; of one that the provider did not finish in its time,
    /// the fee. A failure that is first seen after that time may be an earlier one, for which nothing comes back: only
    /// where the task was seen unfinished in the second half of its time is it called unfinished.
    fn settled_unfinished(&self, fetch: &Fetch, now: Now) -> Option<Settled> {
        let open = fetch.what.open_cost?;
        let posted_v = self.collect.posted_v(fetch.what.batch)?;
        let promised = promised_turnaround(fetch.what.function, Method::Standard, Priority::Normal);
        let promised_s = seconds(promised / self.terms.speed.max(1));
        let is_over = self.clock.not_before(now) - posted_v >= promised_s;
        let seen_v = self.unfinished_v.get(&fetch.what.attempt);
        let cost = if is_over && seen_v.is_some_and(|seen_v| seen_v - posted_v >= promised_s / 2) {
            crate::price::unfinished(open.named)
        } else {
            open.booked.max(crate::price::taken(open.named))
        };
        Some(Settled { cost, is_told: false })
    }
}

/// One form of an answer is lost.
fn form_is_gone(fetch: &Fetch) -> EventKind {
    let what = format!(
        "the provider no longer keeps the answer of task {} as {}; it is kept in another form",
        fetch.what.provider_id,
        fetch.kind()
    );
    EventKind::Odd { engine: fetch.what.engine, function: fetch.what.function, what }
}
