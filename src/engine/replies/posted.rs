//! What follows from the reply to a purchase: charges, refusals, tasks that return to the plan, and what stays in
//! doubt.
//!
//! Tasks are matched by their tags, never by their positions in the reply. A row that belongs to none of them goes to
//! `recognised`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bodies::taken_for_refused;
use super::consequences::{Consequences, Purchase};
use crate::clock::Now;
use crate::engine::core::{Core, How};
use crate::engine::dispatch::InFlight;
use crate::engine::reconcile::{Evidence, was_sold};
use crate::engine::vocabulary::{Effect, LiveAnswer, Source};
use crate::event::EventKind;
use crate::ids::BatchId;
use crate::ledger::{Answer, Change, OpenBatch, Settled, UnknownBatch};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Function, Method, Priority};
use crate::provider::codes::Class;
use crate::provider::{Fate, Refusal, UnmatchedRow, Verdict};
use crate::rule::Rule;

impl Core {
    /// A purchase was answered for, or not.
    pub(super) fn posted(
        &mut self,
        now: Now,
        batch: BatchId,
        (verdict, answer): (Verdict, Option<LiveAnswer>),
        then: &mut Consequences,
    ) {
        let Some(flight) = self.dispatch.answered(batch) else { return };
        let verdict = taken_for_refused(verdict);
        match &verdict {
            Verdict::InDoubt { why } => self.purchases_back_off(now, why, then),
            Verdict::NotBought { .. } | Verdict::Rows { .. } => self.unanswered = 0,
        }
        match verdict {
            Verdict::NotBought { why } if why.may_be_of_its_body() => {
                self.dispatch.canary_ended(batch, &flight, false);
                self.body_refused(now, batch, &flight, &why, then);
            }
            Verdict::NotBought { why } => {
                self.dispatch.canary_ended(batch, &flight, false);
                // A gateway that does not know one endpoint knows others.
                let unknown = !self.terms.lists && why.is_of_the_path();
                let how = if unknown {
                    How { counts: false, leave: false, not_before: now.mono }
                } else {
                    self.how_after(now, why.class)
                };
                for at in 0..flight.tasks() {
                    self.how.insert(flight.attempt(at), how);
                    then.write(Change::NotBought { attempt: flight.attempt(at) });
                }
                then.tell(EventKind::BatchNotBought { batch, why: why.message.clone() });
                if unknown {
                    self.unknown_endpoint(flight.endpoint_queue(), &why, &mut then.out);
                } else {
                    self.refused(now, &why, false, &mut then.out);
                }
            }
            Verdict::InDoubt { why } => {
                self.dispatch.canary_ended(batch, &flight, true);
                let all = (flight.tasks(), flight.hold);
                self.unknown(now, batch, &flight, all, &why, then);
            }
            Verdict::Rows { each, unmatched } => {
                self.dispatch.body_read();
                self.answered_rows(now, batch, &flight, (each, unmatched, answer), then);
            }
        }
    }

    /// How tasks are treated that came back for a reason of this kind.
    fn how_after(&mut self, now: Now, class: Class) -> How {
        let later = now.mono + Duration::from_secs(1) + Duration::from_millis(self.rng.u64(0..1_000));
        match class {
            // The pace and the pauses see to these.
            Class::Throttled | Class::Unreachable | Class::NextBatch => {
                How { counts: false, leave: false, not_before: now.mono }
            }
            Class::NotToday | Class::NoMoney | Class::Halt | Class::Duplicate | Class::BadCall => {
                How { counts: false, leave: true, not_before: now.mono }
            }
            Class::Answered
            | Class::Accepted
            | Class::Pending
            | Class::Permanent
            | Class::PaidFailure { .. }
            | Class::NotFound
            | Class::Expired
            | Class::WrongPlace
            | Class::Again
            | Class::UnknownOutcome
            | Class::Unlisted => How { counts: true, leave: false, not_before: later },
        }
    }

    /// So many tasks of a batch are in doubt, with what is held for them.
    fn unknown(
        &mut self,
        now: Now,
        batch: BatchId,
        flight: &InFlight,
        (tasks, held): (usize, Money),
        why: &str,
        then: &mut Consequences,
    ) {
        then.write(Change::UnknownOutcome { batch, why: why.to_owned() });
        if flight.method == Method::Standard {
            self.collect.know((flight.engine, flight.function), now.mono);
        }
        let facts = UnknownBatch {
            batch,
            run: flight.run,
            engine: flight.engine,
            function: flight.function,
            method: flight.method,
            sent_v: flight.sent_v,
            closed_v: None,
            attempts: tasks as u64,
            held,
            scans: Vec::new(),
            shown: BTreeSet::new(),
        };
        self.reconcile.add(facts, now.mono);
        then.tell(EventKind::BatchInDoubt { batch, tasks, held, why: why.to_owned() });
    }

    /// The provider took tasks and named no cost for them: they are booked at what was held.
    fn tell_unnamed_costs(
        &self,
        batch: BatchId,
        flight: &InFlight,
        (unnamed, assumed): (usize, Money),
        then: &mut Consequences,
    ) {
        let (engine, function) = (flight.engine, flight.function);
        let until = if self.terms.lists { " until its list names one" } else { "" };
        let what = format!(
            "the provider took batch {batch} and named no cost for {unnamed} of its tasks: what was held, {assumed}, is \
             booked{until}; compare it with the provider's bill"
        );
        then.tell(EventKind::Odd { engine, function, what });
    }

    fn answered_rows(
        &mut self,
        now: Now,
        batch: BatchId,
        flight: &InFlight,
        (each, unmatched, mut answer): (Vec<Fate>, Vec<UnmatchedRow>, Option<LiveAnswer>),
        then: &mut Consequences,
    ) {
        let providers = self.clock.not_before(now);
        let posted_v = if Rule::DatedByTheProvider.is_kept() { providers } else { now.wall.timestamp() };
        let (mut accepted, mut standard, mut refused) = (0_usize, 0_usize, 0_usize);
        let (mut lost, mut lost_hold) = (0_usize, Money::ZERO);
        let mut charged = Money::ZERO;
        let mut lost_why = String::new();
        let mut all_high = true;
        let mut prices: Vec<(String, Money)> = Vec::new();
        let (mut unnamed, mut assumed) = (0_usize, Money::ZERO);
        then.write(Change::Posted { batch, posted_v });
        for (at, _) in each.iter().enumerate().filter(|(_, fate)| is_taken(fate)) {
            self.dispatch.row_accepted(flight, at);
        }
        for (at, fate) in each.into_iter().enumerate() {
            let attempt = flight.attempt(at);
            match fate {
                Fate::Accepted { cost, .. }
                    if flight.method == Method::Live && self.came(now, answer.as_ref(), cost).is_none() =>
                {
                    lost += 1;
                    lost_hold += flight.held(at);
                    lost_why = String::from("the reply has neither a cost nor an answer");
                }
                Fate::Accepted { id, cost } => {
                    // Without a figure it is booked at what is held, and says nothing about the price. A figure of
                    // zero is the provider's word, and a price like another.
                    let price = cost.map(|cost| (self.dispatch.price_of(flight, at), cost));
                    if cost.is_none() {
                        unnamed += 1;
                        assumed += flight.held(at);
                        // The list may name it.
                        self.reconcile.suspect(&id, posted_v, now.mono);
                    }
                    let (named_in, cost) = (cost.map(|_| NamedIn::Answer), cost.unwrap_or(flight.held(at)));
                    accepted += 1;
                    charged += cost;
                    all_high &= flight.task(at).priority == Priority::High;
                    prices.extend(price.filter(|price| !prices.contains(price)));
                    if flight.method == Method::Live {
                        let purchase = Purchase { provider_id: &id, cost, posted_v, named_in };
                        self.answered_live(now, flight, at, purchase, answer.take(), then);
                        continue;
                    }
                    standard += 1;
                    let open = flight.settles_later();
                    then.write(Change::Accepted { attempt, provider_id: id, cost, posted_v, named_in, open });
                }
                Fate::Refused { code, class, message } => {
                    refused += 1;
                    self.task_refused(now, (flight, at), (code, class, message), then);
                }
                Fate::PaidFailure { code, message, id: provider_id, cost: named, again } => {
                    refused += 1;
                    let cost = flight.taken(named);
                    charged += cost;
                    self.progress.failed += 1;
                    let again = if again { self.paid_retries(flight.run) } else { 0 };
                    then.failed(attempt, code, &message, true);
                    let failure =
                        Change::PaidFailure { attempt, code, message, provider_id, cost, named, posted_v, again };
                    then.write(failure);
                }
                Fate::InDoubt { why } => {
                    lost += 1;
                    lost_hold += flight.held(at);
                    lost_why = why;
                }
            }
        }
        if unnamed > 0 {
            self.tell_unnamed_costs(batch, flight, (unnamed, assumed), then);
        }
        self.dispatch.canary_ended(batch, flight, accepted == 0 && lost > 0);
        self.progress.bought += accepted as u64;
        self.progress.charged += charged;
        for (key, cost) in prices {
            self.price_charged(key, flight.taken(cost), posted_v, then);
        }
        if standard > 0 {
            let (engine, function, uncollected) = (flight.engine, flight.function, standard as u64);
            let open = OpenBatch { batch, engine, function, posted_v, uncollected, all_high };
            self.collect.expect(open, now.mono, false);
        }
        then.tell(EventKind::BatchAnswered { batch, accepted, refused, in_doubt: lost, charged });
        if lost > 0 {
            self.unknown(now, batch, flight, (lost, lost_hold), &lost_why, then);
        }
        if !unmatched.is_empty() {
            let rows = unmatched.into_iter().map(|unmatched| crate::provider::Listed {
                id: unmatched.id,
                tag: unmatched.tag,
                has_metadata: true,
                url: None,
                posted: chrono::DateTime::from_timestamp(posted_v, 0),
                done: None,
                cost: unmatched.cost,
            });
            then.after.push(Effect::Recognise(Source::UnmatchedRow, rows.collect()));
        }
    }

    /// Whether a Live reply tells that its task was sold. One with neither a cost nor an answer does not: the provider's list
    /// will.
    fn came(&self, now: Now, answer: Option<&LiveAnswer>, cost: Option<Money>) -> Option<bool> {
        was_sold(Evidence::LiveReply { cost, has_answer: answer.is_some() }, self.beside(now, None))
    }

    /// A task was refused, and cost nothing: it is tried again, later or in another session, or never.
    fn task_refused(
        &mut self,
        now: Now,
        (flight, at): (&InFlight, usize),
        (code, class, message): (u32, Class, String),
        then: &mut Consequences,
    ) {
        let attempt = flight.attempt(at);
        let for_good = matches!(class, Class::Permanent | Class::Unlisted | Class::PaidFailure { again: false });
        let how = self.how_after(now, class);
        self.how.insert(attempt, how);
        if for_good {
            self.progress.failed += 1;
            self.how.remove(&attempt);
            then.failed(attempt, code, &message, false);
            if matches!(class, Class::Permanent | Class::Unlisted) {
                self.refused_alike(flight, at, (code, &message), then);
            }
        } else if matches!(class, Class::Throttled | Class::NotToday | Class::NoMoney | Class::Halt | Class::BadCall) {
            let message = message.clone();
            let refusal = Refusal { class, code: Some(code), http: None, message, retry_after: None };
            self.refused(now, &refusal, false, &mut then.out);
        }
        then.write(Change::Refused { attempt, code, message, for_good });
    }

    /// A Live task was bought, and its answer came with the purchase, or was lost on the way.
    fn answered_live(
        &mut self,
        now: Now,
        flight: &InFlight,
        at: usize,
        purchase: Purchase<'_>,
        answer: Option<LiveAnswer>,
        then: &mut Consequences,
    ) {
        let attempt = flight.attempt(at);
        let Purchase { cost, posted_v, named_in, .. } = purchase;
        let provider_id = purchase.provider_id.to_owned();
        let id = provider_id.clone();
        let Some(LiveAnswer { facts, body, form, oddity }) = answer else {
            then.write(Change::LostLive { attempt, provider_id, cost, posted_v });
            self.progress.failed += 1;
            then.tell(EventKind::LiveLost { attempt, cost, subject: None });
            return;
        };
        then.write(Change::Accepted { attempt, provider_id, cost, posted_v, named_in, open: false });
        let done_v = facts.done.map(|done| done.timestamp());
        let fetched_at = now.wall.timestamp();
        let answer = Answer { kind: form, body, fetched_at, done_v, model: facts.model, complete: true, oddity };
        let price = self.dispatch.price_of(flight, at);
        self.answer_came((flight.engine, flight.function, id.as_str()), &price, (form, oddity), then);
        let is_open = flight.function == Function::LlmResponses && named_in.is_some();
        let settled = is_open.then_some(Settled { cost, is_told: true });
        then.write(Change::Answered { attempt, answer, settled });
        if settled.is_some() {
            self.settled_at(flight.target(at), &self.dispatch.price_of(flight, at), flight.held(at), cost, then);
        }
        self.progress.answered += 1;
        then.tell(EventKind::Collected { answers: 1 });
    }
}

/// Bought, or tried: nothing of it was refused for itself.
fn is_taken(fate: &Fate) -> bool {
    matches!(fate, Fate::Accepted { .. } | Fate::PaidFailure { .. })
}
