//! What becomes of a reply: changes for the ledger, all of a handful in one commit, and what follows from them.

use std::time::Duration;

use super::core::{Core, Effect, Heard, How, MOST_FAILURES, Reply, SeenRow, Source, Step};
use super::dispatch::{InFlight, PriceNews};
use crate::clock::Now;
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::{Answer, Change, Doubted, Extra, OpenBatch, Recognised};
use crate::money::Money;
use crate::offer::Priority;
use crate::vendor::codes::Class;
use crate::vendor::{Fate, Fetched, ListProblem, Refusal, Stray, UserData, Verdict};

/// The pause after a complaint about too many calls that names none.
const THROTTLE_PAUSE: Duration = Duration::from_secs(3);
/// The first pause after a failure; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The limit that a call counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Calls,
    Ready,
    List,
    Account,
}

impl Limit {
    fn of_what(self) -> &'static str {
        match self {
            Self::Calls => "",
            Self::Ready => " of tasks_ready",
            Self::List => " of id_list",
            Self::Account => " of user_data",
        }
    }
}

impl Core {
    /// Takes a handful of replies.
    pub(super) fn heard(&mut self, now: Now, replies: Vec<Heard>, out: &mut Vec<Effect>) {
        let mut changes = Vec::new();
        let mut after = Vec::new();
        for heard in replies {
            self.in_flight = self.in_flight.saturating_sub(1);
            let answered = heard.date_v.is_some();
            if let Some(date_v) = heard.date_v {
                self.contact(now, heard.begun, date_v, &mut changes, out);
            }
            match heard.reply {
                Reply::Hello(outcome) => self.greeted(now, outcome, out),
                Reply::Balance(outcome) => self.balance_told(now, outcome, answered, &mut after, out),
                Reply::Posted(batch, verdict) => self.posted(now, batch, verdict, &mut changes, &mut after, out),
                Reply::Ready(endpoint, begun_v, outcome) => match outcome {
                    Ok(list) => {
                        let whole = list.unreadable == 0;
                        let rows = list.rows.into_iter().map(|row| crate::vendor::Listed {
                            id: row.id,
                            tag: row.tag,
                            has_metadata: false,
                            url: None,
                            posted: row.posted,
                            done: row.posted,
                            cost: None,
                        });
                        after.push(Effect::Recognise(Source::Ready(endpoint, begun_v, whole), rows.collect()));
                    }
                    Err(problem) => {
                        self.collect.polled(endpoint, begun_v, None, now.mono);
                        self.list_problem(now, problem, Limit::Ready, answered, out);
                    }
                },
                Reply::Page(span, offset, outcome) => match outcome {
                    Ok(rows) => after.push(Effect::Recognise(Source::List(span, offset), rows)),
                    Err(problem) => {
                        let throttled = matches!(problem, ListProblem::Throttled { .. });
                        let wait = self.reconcile.page_failed(now.mono, !throttled);
                        let why = format!("the vendor's list of tasks cannot be read ({})", problem_text(&problem));
                        out.push(Effect::Tell(EventKind::Paused { for_ms: millis(wait), why }));
                        self.list_problem(now, problem, Limit::List, answered, out);
                    }
                },
                Reply::Fetched(attempt, outcome, body) => {
                    self.fetched(now, attempt, (outcome, body, answered), &mut changes, out);
                }
            }
        }
        if !changes.is_empty() {
            if self.clock.is_known() {
                changes.push(Change::VendorTime { account: self.terms.account, at_v: self.clock.not_before(now) });
            }
            out.push(Effect::Record(changes));
        }
        out.append(&mut after);
    }

    /// The vendor answered something: its clock is known, and connections that were gone before are surely closed.
    fn contact(
        &mut self,
        now: Now,
        begun: Duration,
        date_v: Option<i64>,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let first = !self.clock.is_known();
        self.clock.saw(date_v, now);
        self.failures = 0;
        if first {
            let (account, skew_s) = (self.terms.name.clone(), self.clock.skew_s(now));
            out.push(Effect::Tell(EventKind::Contact { account, skew_s }));
        }
        let (closed, restored) = self.reconcile.contact(begun, self.clock.not_after(now));
        changes.extend(closed.into_iter().map(|(batch, closed_v)| Change::Closed { batch, closed_v }));
        changes.extend(restored.map(|closed_v| Change::RestoredClosed { account: self.terms.account, closed_v }));
    }

    fn greeted(&mut self, now: Now, outcome: Result<(), Refusal>, out: &mut Vec<Effect>) {
        match outcome {
            Ok(()) => self.hello = Step::Done,
            Err(refusal) => {
                self.hello = Step::Wanted;
                self.refused(now, &refusal, true, out);
            }
        }
    }

    /// The balance was asked for, since some of it is to be kept. Nothing is bought before it is known, and it is not
    /// asked for without end.
    fn balance_told(
        &mut self,
        now: Now,
        outcome: Result<UserData, ListProblem>,
        answered: bool,
        after: &mut Vec<Effect>,
        out: &mut Vec<Effect>,
    ) {
        let why = match outcome {
            Ok(UserData { balance: Some(balance), .. }) => {
                self.balance = Step::Done;
                let spendable = self.terms.keep_balance.map(|keep| balance.less(keep));
                after.push(Effect::BalanceRead(spendable));
                return;
            }
            Ok(_) => "it does not say the balance".to_owned(),
            Err(problem) => {
                let why = problem_text(&problem);
                self.list_problem(now, problem, Limit::Account, answered, out);
                why
            }
        };
        self.balance = Step::Wanted;
        self.balance_failures += 1;
        if self.balance_failures > MOST_FAILURES {
            let why = format!(
                "the account's balance is to be kept (keep_balance) and cannot be read: {} questions for it came to \
                 nothing, the last: {why}. Nothing was bought in this start; run the same command again later, or take \
                 keep_balance out of the caps of [accounts.{}]",
                self.balance_failures, self.terms.name
            );
            self.halt(why, out);
        }
    }

    /// A whole call was refused: what that means for the calls to come.
    fn refused(&mut self, now: Now, refusal: &Refusal, free_call: bool, out: &mut Vec<Effect>) {
        let why = match (refusal.code, refusal.http) {
            (Some(code), _) => format!("the vendor refuses: {} (code {code})", refusal.message),
            (None, Some(http)) => format!("the vendor refuses: {} (HTTP {http})", refusal.message),
            (None, None) => refusal.message.clone(),
        };
        match refusal.class {
            Class::Throttled => self.throttled(now, refusal.retry_after, Limit::Calls, out),
            Class::Again | Class::Unreachable | Class::Doubt | Class::Unlisted => {
                self.failed(now, why, refusal.retry_after, out);
            }
            Class::Halt => {
                self.collect.stop();
                self.halt(why, out);
            }
            // A free call that is refused for itself says nothing about purchases.
            Class::Answered
            | Class::Accepted
            | Class::Pending
            | Class::Permanent
            | Class::BadCall
            | Class::NextBatch
            | Class::NotToday
            | Class::Duplicate
            | Class::NoMoney
            | Class::PaidFailure { .. }
            | Class::NotFound
            | Class::Expired
            | Class::WrongPlace => {
                if free_call {
                    self.failed(now, why, refusal.retry_after, out);
                } else {
                    self.halt(why, out);
                }
            }
        }
    }

    pub(super) fn halt(&mut self, why: String, out: &mut Vec<Effect>) {
        if self.dispatch.halted.is_none() {
            out.push(Effect::Tell(EventKind::Halted { why: why.clone() }));
            self.dispatch.halted = Some(why);
        }
    }

    /// Too many calls: the limit that was hit is that of the call, as far as can be known.
    fn throttled(&mut self, now: Now, retry_after: Option<Duration>, limit: Limit, out: &mut Vec<Effect>) {
        let pause = retry_after.unwrap_or(THROTTLE_PAUSE) + Duration::from_millis(self.rng.u64(0..1_000));
        let bucket = match limit {
            Limit::Calls => &mut self.calls,
            Limit::Ready => &mut self.ready,
            Limit::List => &mut self.list,
            Limit::Account => &mut self.account_calls,
        };
        bucket.slow_down(now.mono, pause);
        let why = format!("the vendor says that there are too many calls{}", limit.of_what());
        out.push(Effect::Tell(EventKind::Paused { for_ms: millis(pause), why }));
    }

    /// A call failed in a way that may pass: everything waits a little, longer each time.
    fn failed(&mut self, now: Now, why: String, retry_after: Option<Duration>, out: &mut Vec<Effect>) {
        self.failures += 1;
        if self.failures > MOST_FAILURES {
            self.collect.stop();
            self.halt(format!("{MOST_FAILURES} calls in a row failed, the last: {why}"), out);
        }
        let pause =
            (FIRST_PAUSE * 2_u32.pow(self.failures.min(8) - 1)).min(LONGEST_PAUSE).max(retry_after.unwrap_or_default());
        let pause = pause + Duration::from_millis(self.rng.u64(0..=millis(pause) / 4));
        self.quiet_until = self.quiet_until.max(now.mono + pause);
        out.push(Effect::Tell(EventKind::Paused { for_ms: millis(pause), why }));
    }

    /// A list could not be read. Where the vendor answered at all, other calls need not wait for it.
    fn list_problem(&mut self, now: Now, problem: ListProblem, limit: Limit, answered: bool, out: &mut Vec<Effect>) {
        match problem {
            ListProblem::Throttled { retry_after } => self.throttled(now, retry_after, limit, out),
            ListProblem::Refused(refusal) if refusal.class == Class::Halt => self.refused(now, &refusal, true, out),
            ListProblem::Unreachable { why } if !answered => self.failed(now, why, None, out),
            ListProblem::Refused(_) | ListProblem::Unreachable { .. } | ListProblem::Unreliable { .. } => {}
        }
    }

    /// A purchase was answered for, or not.
    fn posted(
        &mut self,
        now: Now,
        batch: BatchId,
        verdict: Verdict,
        changes: &mut Vec<Change>,
        after: &mut Vec<Effect>,
        out: &mut Vec<Effect>,
    ) {
        let Some(flight) = self.dispatch.answered(batch) else { return };
        match verdict {
            Verdict::NotBought { why } => {
                self.dispatch.canary_ended(batch, &flight, false);
                let how = self.how_after(now, why.class);
                for at in 0..flight.tasks() {
                    self.how.insert(flight.attempt(at), how);
                    changes.push(Change::NotBought { attempt: flight.attempt(at) });
                }
                out.push(Effect::Tell(EventKind::BatchNotBought { batch, why: why.message.clone() }));
                self.refused(now, &why, false, out);
            }
            Verdict::InDoubt { why } => {
                self.dispatch.canary_ended(batch, &flight, true);
                let tasks = flight.tasks();
                self.doubt(now, batch, &flight, tasks, &why, changes, out);
            }
            Verdict::Rows { each, strays } => {
                self.answered_rows(now, batch, &flight, each, strays, changes, after, out);
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
            | Class::Doubt
            | Class::Unlisted => How { counts: true, leave: false, not_before: later },
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a batch, why, and where its consequences go")]
    fn doubt(
        &mut self,
        now: Now,
        batch: BatchId,
        flight: &InFlight,
        tasks: usize,
        why: &str,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let held = flight.hold;
        changes.push(Change::Doubt { batch, why: why.to_owned() });
        self.collect.know((flight.engine, flight.function), now.mono);
        let facts = Doubted {
            batch,
            run: flight.run,
            engine: flight.engine,
            function: flight.function,
            sent_v: flight.sent_v,
            closed_v: None,
            attempts: tasks as u64,
            held,
        };
        self.reconcile.add(facts, now.mono);
        out.push(Effect::Tell(EventKind::BatchInDoubt { batch, tasks, held, why: why.to_owned() }));
    }

    #[expect(clippy::too_many_arguments, reason = "a batch, what became of it, and where its consequences go")]
    fn answered_rows(
        &mut self,
        now: Now,
        batch: BatchId,
        flight: &InFlight,
        each: Vec<Fate>,
        strays: Vec<Stray>,
        changes: &mut Vec<Change>,
        after: &mut Vec<Effect>,
        out: &mut Vec<Effect>,
    ) {
        let posted_v = self.clock.not_before(now);
        let (mut accepted, mut refused, mut lost, mut charged) = (0_usize, 0_usize, 0_usize, Money::ZERO);
        let mut lost_why = String::new();
        let mut all_high = true;
        let mut prices: Vec<(String, Money)> = Vec::new();
        let (mut unnamed, mut assumed) = (0_usize, Money::ZERO);
        changes.push(Change::Posted { batch, posted_v });
        for (at, fate) in each.into_iter().enumerate() {
            let attempt = flight.attempt(at);
            match fate {
                Fate::Accepted { id, cost } => {
                    // Without a figure it is booked at what is held, and says nothing about the price. A figure of
                    // zero is the vendor's word, and a price like another.
                    let price = cost.map(|cost| (self.dispatch.price_of(flight, at), cost));
                    if cost.is_none() {
                        unnamed += 1;
                        assumed += flight.held(at);
                    }
                    let cost = cost.unwrap_or(flight.held(at));
                    accepted += 1;
                    charged += cost;
                    all_high &= flight.task(at).priority == Priority::High;
                    prices.extend(price.filter(|price| !prices.contains(price)));
                    changes.push(Change::Accepted { attempt, vendor_id: id, cost, posted_v });
                }
                Fate::Refused { code, class } => {
                    refused += 1;
                    let for_good =
                        matches!(class, Class::Permanent | Class::Unlisted | Class::PaidFailure { again: false });
                    let how = self.how_after(now, class);
                    self.how.insert(attempt, how);
                    if for_good {
                        self.progress.failed += 1;
                        self.how.remove(&attempt);
                        out.push(Effect::Tell(EventKind::TaskFailed { attempt, code, paid: false }));
                    } else if matches!(
                        class,
                        Class::Throttled | Class::NotToday | Class::NoMoney | Class::Halt | Class::BadCall
                    ) {
                        let message = crate::vendor::codes::look_up(code).meaning.to_owned();
                        let refusal = Refusal { class, code: Some(code), http: None, message, retry_after: None };
                        self.refused(now, &refusal, false, out);
                    }
                    changes.push(Change::Refused { attempt, code, for_good });
                }
                Fate::PaidFailure { code, id, cost, again } => {
                    refused += 1;
                    charged += cost;
                    self.progress.failed += 1;
                    let number = flight.task(at).attempts + 1;
                    let again = again && self.retries_paid(flight.run, number);
                    out.push(Effect::Tell(EventKind::TaskFailed { attempt, code, paid: true }));
                    changes.push(Change::PaidFailure { attempt, code, vendor_id: id, cost, posted_v, again });
                }
                Fate::InDoubt { why } => {
                    lost += 1;
                    lost_why = why;
                }
            }
        }
        if unnamed > 0 {
            let (engine, function) = (flight.engine, flight.function);
            let what = format!(
                "the vendor took batch {batch} and named no cost for {unnamed} of its tasks: what was held, {assumed}, is \
                 booked instead; compare it with the vendor's bill"
            );
            out.push(Effect::Tell(EventKind::Odd { engine, function, what }));
        }
        self.dispatch.canary_ended(batch, flight, accepted == 0 && lost > 0);
        self.progress.bought += accepted as u64;
        self.progress.charged += charged;
        for (key, cost) in prices {
            self.price_charged(key, cost, posted_v, changes, out);
        }
        if accepted > 0 {
            let (engine, function, uncollected) = (flight.engine, flight.function, accepted as u64);
            let open = OpenBatch { batch, engine, function, posted_v, uncollected, all_high };
            self.collect.expect(open, now.mono, false);
        }
        out.push(Effect::Tell(EventKind::BatchAnswered { batch, accepted, refused, in_doubt: lost, charged }));
        if lost > 0 {
            self.doubt(now, batch, flight, lost, &lost_why, changes, out);
        }
        if !strays.is_empty() {
            let rows = strays.into_iter().map(|stray| crate::vendor::Listed {
                id: stray.id,
                tag: stray.tag,
                has_metadata: true,
                url: None,
                posted: chrono::DateTime::from_timestamp(posted_v, 0),
                done: None,
                cost: stray.cost,
            });
            after.push(Effect::Recognise(Source::Stray, rows.collect()));
        }
    }

    fn retries_paid(&self, run: crate::ids::RunId, number: u32) -> bool {
        self.dispatch.terms(run).is_some_and(|terms| number <= terms.retry_paid_failures)
    }

    fn price_charged(&mut self, key: String, cost: Money, at_v: i64, changes: &mut Vec<Change>, out: &mut Vec<Effect>) {
        if let Some(news) = self.dispatch.charged(&key, cost) {
            changes.push(Change::PriceSeen { account: self.terms.account, price_key: key, cost, at_v });
            out.push(Effect::Tell(match news {
                PriceNews::Confirmed { key: price, cost } => EventKind::PriceConfirmed { price, cost },
                PriceNews::Differs { key: price, expected, charged, stopped } => {
                    EventKind::PriceDiffers { price, expected, charged, stopped }
                }
            }));
        }
    }

    /// An answer was asked for.
    fn fetched(
        &mut self,
        now: Now,
        attempt: AttemptId,
        (outcome, body, answered): (Fetched, Vec<u8>, bool),
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let Some(fetch) = self.collect.came_back(attempt) else { return };
        let batch = fetch.what.batch;
        if let Some((charge, posted_v)) = fetch.confirm
            && matches!(outcome, Fetched::Answer { .. } | Fetched::Pending | Fetched::Failed { .. } | Fetched::Expired)
        {
            self.collect.not_yet(attempt);
            // A refused task can be listed too: one with a code that is never charged was never accepted.
            let refused =
                matches!(outcome, Fetched::Failed { code, .. } if crate::vendor::codes::look_up(code).never_charged);
            if refused {
                changes.push(Change::NotBought { attempt });
                self.reconcile.settled(batch, attempt);
                self.dispatch.canary_settled(batch);
            } else {
                self.adopt(now, attempt, batch, &fetch.what.vendor_id, charge, posted_v, changes, out);
            }
            return;
        }
        match outcome {
            Fetched::Answer { facts, .. } => {
                let done_v = facts.done.map(|done| done.timestamp());
                let complete = fetch.what.kinds.len() <= 1;
                let kind = fetch.kind();
                if let Some(posted_v) = self.collect.posted_v(batch) {
                    let took = done_v.unwrap_or_else(|| self.clock.not_before(now)) - posted_v;
                    self.collect.took(Duration::from_secs(took.max(1).unsigned_abs()), now.mono);
                }
                let fetched_at = now.wall.timestamp();
                let answer = Answer { kind, body, fetched_at, done_v, model: facts.model, complete };
                changes.push(Change::Answered { attempt, answer });
                if complete {
                    self.collect.settled(batch, attempt);
                    self.progress.answered += 1;
                    out.push(Effect::Tell(EventKind::Collected { answers: 1 }));
                } else {
                    self.collect.next_form(fetch);
                }
            }
            Fetched::Pending | Fetched::NotFound | Fetched::WaitingForMoney => self.collect.not_yet(attempt),
            Fetched::Failed { code, .. } => {
                let can_retry = matches!(crate::vendor::codes::look_up(code).class, Class::PaidFailure { again: true });
                let again = can_retry && self.retries_paid(fetch.what.run, fetch.what.number);
                changes.push(Change::FailedLater { attempt, code, again });
                self.collect.settled(batch, attempt);
                self.progress.failed += 1;
                out.push(Effect::Tell(EventKind::TaskFailed { attempt, code, paid: true }));
            }
            Fetched::Expired => {
                changes.push(Change::Expired { attempt });
                self.collect.settled(batch, attempt);
                self.progress.failed += 1;
                out.push(Effect::Tell(EventKind::TaskFailed { attempt, code: 40_403, paid: true }));
            }
            Fetched::Wrong { code, message } => {
                // It stays bought and is asked for again at the next start; asking now would hear the same.
                let what = format!("the answer of task {} is not given: {message} (code {code})", fetch.what.vendor_id);
                out.push(Effect::Tell(EventKind::Odd {
                    engine: fetch.what.engine,
                    function: fetch.what.function,
                    what,
                }));
                self.collect.not_yet(attempt);
            }
            Fetched::Throttled { retry_after } => {
                self.throttled(now, retry_after, Limit::Calls, out);
                self.collect.once_more(fetch, now.mono);
            }
            Fetched::Halt(refusal) => {
                self.collect.not_yet(attempt);
                self.refused(now, &refusal, true, out);
            }
            Fetched::Unreachable { why } => {
                self.collect.once_more(fetch, now.mono);
                if !answered {
                    self.failed(now, why, None, out);
                }
            }
        }
    }

    /// An attempt in doubt is bought: it is charged, and its answer is waited for.
    #[expect(clippy::too_many_arguments, reason = "an attempt, its purchase, and where the consequences go")]
    fn adopt(
        &mut self,
        now: Now,
        attempt: AttemptId,
        batch: BatchId,
        vendor_id: &str,
        cost: Money,
        posted_v: i64,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        changes.push(Change::Accepted { attempt, vendor_id: vendor_id.to_owned(), cost, posted_v });
        if let Some(doubt) = self.reconcile.doubt(batch) {
            let (engine, function) = (doubt.facts.engine, doubt.facts.function);
            let open = OpenBatch { batch, engine, function, posted_v, uncollected: 1, all_high: false };
            let _vendor_now = self.clock.not_before(now);
            self.collect.expect(open, now.mono, true);
        }
        self.reconcile.settled(batch, attempt);
        self.dispatch.canary_settled(batch);
        self.progress.bought += 1;
        self.progress.charged += cost;
        out.push(Effect::Tell(EventKind::Adopted { attempt, cost }));
    }

    /// The ledger has said what it knows of rows of the vendor's.
    pub(super) fn recognised(&mut self, now: Now, source: Source, rows: Vec<SeenRow>, out: &mut Vec<Effect>) {
        let vendor_now = self.clock.not_before(now);
        let mut changes = Vec::new();
        let mut lost = Vec::new();
        let mut taken: std::collections::BTreeMap<AttemptId, String> = std::collections::BTreeMap::new();
        let (count, mut news) = (rows.len(), 0);
        for seen in rows {
            let posted_v = seen.row.posted.map_or(vendor_now, |posted| posted.timestamp());
            match seen.known.clone() {
                Recognised::InDoubt { attempt, .. } | Recognised::Zombie { attempt, replanned: true }
                    if taken.contains_key(&attempt) =>
                {
                    // The same row again, or a second purchase under the tag that was taken a row before.
                    let cost = seen.row.cost.unwrap_or(Money::ZERO);
                    if taken.get(&attempt) != Some(&seen.row.id) && !cost.is_zero() {
                        let why = "a second purchase under one tag";
                        self.extra(&seen.row, Some(attempt), cost, posted_v, why, &mut changes, out);
                    }
                }
                Recognised::InDoubt { attempt, batch, held } if self.dispatch.flight(batch).is_none() => {
                    if seen.row.cost.is_some_and(|cost| !cost.is_zero()) {
                        taken.insert(attempt, seen.row.id.clone());
                    }
                    news += 1;
                    self.found(now, &seen, (attempt, batch, held), source, posted_v, &mut changes, out);
                }
                // Its own answer is still on the way.
                Recognised::InDoubt { .. } => {}
                Recognised::Known { attempt, uncollected, tagged, booked, .. } => {
                    // A list that says nothing, or zero, is no authority on costs.
                    let listed = seen.row.cost.filter(|cost| !cost.is_zero());
                    if let Some((booked, listed)) = booked.zip(listed).filter(|(booked, listed)| booked != listed)
                        && self.cost_told.insert(attempt)
                    {
                        out.push(Effect::Tell(EventKind::CostDiffers { attempt, booked, listed }));
                    }
                    if let Some(collect) = seen.collect.filter(|_| uncollected && matches!(source, Source::Ready(..))) {
                        news += 1;
                        self.collect.want(collect, posted_v, vendor_now);
                    }
                    self.shown(&seen.row, attempt, tagged, source, vendor_now, &mut changes, out);
                }
                Recognised::Zombie { attempt, replanned } => {
                    let cost = seen.row.cost.unwrap_or(Money::ZERO);
                    if cost.is_zero() {
                        continue;
                    }
                    if replanned {
                        taken.insert(attempt, seen.row.id.clone());
                        changes.push(Change::Accepted { attempt, vendor_id: seen.row.id.clone(), cost, posted_v });
                        self.dispatch.start_over();
                    } else {
                        self.extra(
                            &seen.row,
                            Some(attempt),
                            cost,
                            posted_v,
                            "it was accepted after it had been given up",
                            &mut changes,
                            out,
                        );
                    }
                }
                Recognised::Twin { attempt } => {
                    let cost = seen.row.cost.unwrap_or(Money::ZERO);
                    if !cost.is_zero() {
                        self.extra(
                            &seen.row,
                            Some(attempt),
                            cost,
                            posted_v,
                            "a second purchase under one tag",
                            &mut changes,
                            out,
                        );
                    }
                }
                Recognised::Lost { .. } => lost.push(seen),
                Recognised::Foreign => {
                    if matches!(source, Source::List(..)) && !seen.row.has_metadata {
                        self.reconcile.make_void("it shows tasks without what they were posted with");
                    }
                }
            }
        }
        if !changes.is_empty() {
            out.push(Effect::Record(changes));
        }
        if !lost.is_empty() {
            self.restore_if_needed(now, &lost, out);
            let (paid, unpriced): (Vec<_>, Vec<_>) =
                lost.into_iter().partition(|seen| seen.row.cost.is_some_and(|cost| !cost.is_zero()));
            if !unpriced.is_empty() && matches!(source, Source::List(..)) {
                self.reconcile.make_void("it shows purchases of this ledger's without their cost");
            }
            if !paid.is_empty() {
                out.push(Effect::Adopt(paid));
            }
        }
        self.read(now, source, count, news, out);
    }

    /// A list is through: what follows for the polling or for the look that it belongs to.
    fn read(&mut self, now: Now, source: Source, count: usize, news: usize, out: &mut Vec<Effect>) {
        match source {
            Source::Ready(endpoint, begun_v, whole) => {
                let rows = if whole { Some((count, news)) } else { Some((usize::MAX, news)) };
                self.collect.polled(endpoint, begun_v, rows, now.mono);
            }
            Source::List(span, offset) => {
                let call = super::reconcile::PageCall { span, offset };
                if let Some(sweep) = self.reconcile.sweep() {
                    sweep.found += news as u64;
                }
                if self.reconcile.page_read(call, count) {
                    let spans = self.reconcile.sweep().map(|sweep| sweep.covers.clone()).unwrap_or_default();
                    out.push(Effect::Witnesses(spans));
                }
            }
            Source::Stray => {}
        }
    }

    /// A row in doubt was found: in a list with its cost it is bought; without one its id is asked for first.
    #[expect(clippy::too_many_arguments, reason = "a row, whose it is, and where the consequences go")]
    fn found(
        &mut self,
        now: Now,
        seen: &SeenRow,
        (attempt, batch, held): (AttemptId, BatchId, Money),
        source: Source,
        posted_v: i64,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        match (source, seen.row.cost.filter(|cost| !cost.is_zero())) {
            (Source::Ready(..), _) => self.reconcile.seen_ready(batch, attempt, now.mono),
            (_, Some(cost)) => {
                if let Some(price) = &seen.price {
                    self.price_charged(price.clone(), cost, posted_v, changes, out);
                }
                self.adopt(now, attempt, batch, &seen.row.id, cost, posted_v, changes, out);
            }
            (_, None) => {
                // Listed, so never concluded not to be bought; for how much, its id may tell.
                self.reconcile.seen_ready(batch, attempt, now.mono);
                if let Some(what) = seen.collect.clone() {
                    self.collect.confirm(what, held, posted_v);
                }
            }
        }
    }

    /// The list shows a task that is known to be bought: that is what a look must show.
    #[expect(clippy::too_many_arguments, reason = "a row, whose it is, and where the consequences go")]
    fn shown(
        &mut self,
        row: &crate::vendor::Listed,
        attempt: AttemptId,
        tagged: bool,
        source: Source,
        vendor_now: i64,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        if !matches!(source, Source::List(..)) {
            return;
        }
        if !tagged {
            self.reconcile.make_void("it shows a task of ours without its tag");
            return;
        }
        if let Some(sweep) = self.reconcile.sweep() {
            sweep.shown.insert(attempt);
        }
        let function = crate::offer::Function::ALL
            .iter()
            .copied()
            .find(|function| row.url.as_deref().is_some_and(|url| url.contains(&format!("/{function}/"))));
        if let Some(function) = function.filter(|_| row.done.is_none())
            && self.reconcile.prove(function)
        {
            changes.push(Change::TagProof { account: self.terms.account, function, at_v: vendor_now });
            out.push(Effect::Tell(EventKind::TagProven { function }));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row, its money, and where the consequences go")]
    fn extra(
        &mut self,
        row: &crate::vendor::Listed,
        attempt: Option<AttemptId>,
        cost: Money,
        posted_v: i64,
        why: &str,
        changes: &mut Vec<Change>,
        out: &mut Vec<Effect>,
    ) {
        let (vendor_id, tag, why) = (row.id.clone(), row.tag.clone().unwrap_or_default(), why.to_owned());
        out.push(Effect::Tell(EventKind::ExtraCharge { vendor_id: vendor_id.clone(), cost, why: why.clone() }));
        let extra = Extra { attempt, vendor_id, tag, cost, posted_v, why };
        changes.push(Change::Extra { account: self.terms.account, extra });
    }

    /// Purchases of this ledger's that it does not hold: it was restored from a copy, whatever its counters say.
    fn restore_if_needed(&mut self, now: Now, rows: &[SeenRow], out: &mut Vec<Effect>) {
        if self.reconcile.restored.is_some() {
            return;
        }
        let posted = rows.iter().filter_map(|seen| seen.row.posted).map(|posted| posted.timestamp()).min();
        let from_v = posted.unwrap_or_else(|| self.clock.not_before(now));
        self.reconcile.restore(from_v, None);
        self.dispatch.start_over();
        out.push(Effect::Record(vec![Change::Restored { account: self.terms.account, from_v }]));
        out.push(Effect::Tell(EventKind::Restored { since_v: from_v }));
    }

    /// Purchases were taken over into the ledger.
    pub(super) fn adopted(&mut self, now: Now, batches: Vec<OpenBatch>, extras: u64, out: &mut Vec<Effect>) {
        let _vendor_now = self.clock.not_before(now);
        if let Some(restored) = &mut self.reconcile.restored {
            restored.adopted += batches.len() as u64;
        }
        for batch in batches {
            self.progress.bought += batch.uncollected;
            self.collect.expect(batch, now.mono, true);
        }
        if extras > 0 {
            let why = format!("{extras} purchases of this ledger's belong to none of its tasks");
            out.push(Effect::Tell(EventKind::ExtraCharge { vendor_id: String::new(), cost: Money::ZERO, why }));
        }
        self.dispatch.start_over();
    }

    /// A look is through, and the ledger has said what it must have shown.
    pub(super) fn sweep_ended(&mut self, now: Now, witnesses: &[(AttemptId, i64)], out: &mut Vec<Effect>) {
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
            });
        }
        if !changes.is_empty() {
            out.push(Effect::Record(changes));
        }
        let (concluding, rows, found, void) = (ended.concluding, ended.rows, ended.found, ended.void);
        out.push(Effect::Tell(EventKind::Swept { concluding, rows, found, void }));
    }

    /// Batches that surely were not bought give their money back, and their tasks are planned again.
    pub(super) fn conclude(&mut self, batches: Vec<(BatchId, Vec<AttemptId>)>, out: &mut Vec<Effect>) {
        let mut changes = Vec::new();
        for (batch, attempts) in batches {
            out.push(Effect::Tell(EventKind::Concluded { batch, tasks: attempts.len() }));
            self.dispatch.canary_settled(batch);
            for attempt in attempts {
                self.reconcile.settled(batch, attempt);
                changes.push(Change::NotBought { attempt });
            }
        }
        out.push(Effect::Record(changes));
    }
}

fn problem_text(problem: &ListProblem) -> String {
    match problem {
        ListProblem::Throttled { .. } => "too many calls".to_owned(),
        ListProblem::Refused(refusal) => refusal.message.clone(),
        ListProblem::Unreachable { why } | ListProblem::Unreliable { why } => why.clone(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
