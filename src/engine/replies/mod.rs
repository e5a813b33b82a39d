//! What follows from a reply: changes for the ledger, all of a handful in one commit, and their consequences.
//!
//! There is a file for each subject of a reply: the first contact (`handshake`), a purchase (`posted`), a list
//! (`recognised`, `scanned`, `restored`), an answer (`fetched`); what the provider charged (`charged`), and what a
//! refusal means for later calls (`refused`).

mod consequences;
mod bodies;
mod handshake;
mod posted;
pub(super) mod refused;
mod charged;
mod recognised;
mod awaited;
mod scanned;
mod restored;
mod fetched;
mod oddities;
mod costs;

use self::consequences::Consequences;
use self::refused::{Limit, MOST_FAILURES, millis, problem_text};
use super::core::{Core, Step};
use super::provider_clock::seconds;
use super::vocabulary::{Effect, Reply, Source, TimedReply};
use crate::clock::Now;
use crate::event::EventKind;
use crate::ledger::{ANOTHER_MINUTE_S, Change};
use crate::pace::Bucket;
use crate::provider::codes::Class;
use crate::provider::{ListProblem, UserData};
use crate::rule::Rule;

/// The provider answers, and its clock cannot be read.
const NO_DATE: &str = "its answers bear no date, or one that is more than a month from this machine's clock";

impl Core {
    /// Takes a handful of replies.
    pub(super) fn heard(&mut self, now: Now, replies: Vec<TimedReply>, out: &mut Vec<Effect>) {
        let mut then = Consequences::default();
        let was_known = self.clock.is_known();
        for heard in replies {
            self.in_flight = self.in_flight.saturating_sub(1);
            if let Some(rest) = heard.rest {
                self.calls.rest_until(now.mono + rest);
            }
            let answered = heard.date_v.is_some();
            if let Some(date_v) = heard.date_v {
                self.contact(now, heard.begun, date_v, &mut then);
            }
            let undated = matches!(heard.reply, Reply::Hello(Ok(()))) && !self.clock.is_known();
            let trouble = heard.reply.trouble().or_else(|| undated.then(|| NO_DATE.to_owned()));
            self.came_of_it(now, trouble, &mut then.out);
            match heard.reply {
                Reply::Hello(outcome) => self.handshake(now, outcome, &mut then.out),
                Reply::Probed(endpoint, probed) => self.probed(now, endpoint, probed, answered, &mut then.out),
                Reply::Balance(outcome) => {
                    let vouched_v = self.clock.not_before(heard.begun) - seconds(self.terms.timing.balance_lag);
                    self.balance_told(now, outcome, (answered, vouched_v), &mut then);
                }
                Reply::Posted(batch, verdict, answer) => {
                    self.posted(now, batch, (verdict, answer), &mut then);
                }
                Reply::Ready(endpoint, begun_v, outcome) => match outcome {
                    Ok(list) => {
                        let whole = list.unreadable == 0;
                        let rows = list.rows.into_iter().map(|row| crate::provider::Listed {
                            id: row.id,
                            tag: row.tag,
                            has_metadata: false,
                            url: None,
                            posted: row.posted,
                            done: row.posted,
                            cost: None,
                        });
                        then.after.push(Effect::Recognise(Source::Ready(endpoint, begun_v, whole), rows.collect()));
                    }
                    Err(ListProblem::Refused(refusal)) if !self.terms.lists && refusal.class == Class::BadCall => {
                        self.collect.unlisted(endpoint, now.mono);
                    }
                    Err(problem) => {
                        self.collect.polled(endpoint, begun_v, None, now.mono);
                        self.list_problem(now, problem, Limit::Ready, answered, &mut then.out);
                    }
                },
                Reply::Page(span, offset, outcome) => match outcome {
                    Ok(rows) => then.after.push(Effect::Recognise(Source::List(span, offset), rows)),
                    Err(_) if !Rule::FailedPageIsNoPage.is_kept() => {
                        then.after.push(Effect::Recognise(Source::List(span, offset), Vec::new()));
                    }
                    Err(problem) => {
                        let throttled = matches!(problem, ListProblem::Throttled { .. });
                        let wait = self.reconcile.page_failed(now.mono, !throttled);
                        let why = format!("the provider's list of tasks cannot be read ({})", problem_text(&problem));
                        then.tell(EventKind::Paused { for_ms: millis(wait), why });
                        self.list_problem(now, problem, Limit::List, answered, &mut then.out);
                    }
                },
                Reply::CostPage(outcome) => self.cost_page(now, outcome, answered, &mut then),
                Reply::Asked(provider_id, outcome) => self.asked(now, &provider_id, outcome, answered, &mut then.out),
                Reply::Fetched(attempt, outcome, body) => {
                    self.fetched(now, attempt, (outcome, body, answered), &mut then);
                }
            }
        }
        if then.changes.iter().any(|change| !matches!(change, Change::CostSought { .. } | Change::CostFound { .. })) {
            self.costs.may_have_more();
        }
        if self.clock.is_known() && !self.handshake.alone && (!was_known || !then.changes.is_empty()) {
            then.write(Change::ProviderTime { account: self.terms.account, at_v: self.clock.not_before(now) });
        }
        self.to_recognise += then.after.iter().filter(|effect| matches!(effect, Effect::Recognise(..))).count();
        then.flush(out);
    }

    /// The provider answered something: its clock is known, and connections that were gone before are surely closed.
    fn contact(&mut self, now: Now, begun: Now, date_v: Option<i64>, then: &mut Consequences) {
        // Without its lists, the provider's clock decides nothing but in which day money counts.
        let is_dated = date_v.is_some();
        let date_v = date_v.or_else(|| (!self.terms.lists).then(|| now.wall.timestamp()));
        let first = !self.clock.is_known();
        if !date_v.is_some_and(|date_v| self.clock.saw(date_v, begun, now)) {
            return;
        }
        if is_dated {
            self.clock.dated();
        }
        self.failures = 0;
        if first {
            // As this machine's clock has it, no session had called within the minute: it may have been set forward since.
            let since_s = self.heard_v.map(|heard_v| self.clock.not_before(now) - heard_v);
            if since_s.is_some_and(|since_s| since_s <= ANOTHER_MINUTE_S) {
                self.account_calls = Bucket::new(self.terms.limits.user_data_per_minute, now.mono);
            }
            let (account, skew_s) = (self.terms.name.clone(), self.clock.skew_s(now));
            then.tell(EventKind::Contact { account, skew_s });
        }
        let (closed, restored) = self.reconcile.contact(begun.mono, self.clock.not_after(now));
        then.changes.extend(closed.into_iter().map(|(batch, closed_v)| Change::Closed { batch, closed_v }));
        then.changes.extend(restored.map(|closed_v| Change::RestoredClosed { account: self.terms.account, closed_v }));
    }

    /// The account was asked: for its prices, and for its balance where some is to be kept. Nothing is bought before a
    /// balance to keep is known, and it is not asked for without end; the prices alone are asked for once, since a single
    /// task of each proves them.
    fn balance_told(
        &mut self,
        now: Now,
        outcome: Result<UserData, ListProblem>,
        (answered, vouched_v): (bool, i64),
        then: &mut Consequences,
    ) {
        if let Ok(account) = &outcome {
            self.dispatch.account_told(account.clone());
            self.tell_listed(&mut then.out);
        }
        if self.terms.keep_balance.is_none() {
            self.balance = Step::Done;
            if let Err(problem) = outcome {
                self.list_problem(now, problem, Limit::Account, answered, &mut then.out);
            }
            return;
        }
        let why = match outcome {
            Ok(UserData { balance: Some(balance), .. }) => {
                self.balance = Step::Done;
                let keep = self.terms.keep_balance.filter(|_| Rule::BalanceIsKept.is_kept());
                let spendable = keep.map(|keep| balance.less(keep));
                then.after.push(Effect::BalanceRead(spendable, vouched_v));
                return;
            }
            Ok(_) => "it does not say the balance".to_owned(),
            Err(problem) => {
                let why = problem_text(&problem);
                self.list_problem(now, problem, Limit::Account, answered, &mut then.out);
                why
            }
        };
        self.balance = Step::Wanted;
        self.balance_failures += 1;
        if self.balance_failures > MOST_FAILURES {
            let why = format!(
                "the account's balance is to be kept (keep_balance) and cannot be read: {} questions for it came to \
                 nothing, the last: {why}. Nothing was bought in this session; run the same command again later, or take \
                 keep_balance out of the caps of [accounts.{}]",
                self.balance_failures, self.terms.name
            );
            self.halt(why, &mut then.out);
        }
    }
}
