//! Executes what the core decided: a commit, a query to the ledger, a call to make.
//!
//! Everything that touches the ledger happens here, inline, and its result is the core's next input. A call is
//! described here and made by a task of its own (`call`).

mod pull;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::call::{Call, What};
use super::provider_clock::seconds;
use super::reconcile::{PAGE, costs};
use super::vocabulary::{Effect, Input, Memory, SeenRow, Terms};
use crate::catalogue::List;
use crate::clock::Now;
use crate::ids::{BatchId, MarketId, SetId, TargetId};
use crate::ledger::{Books, Found, GivenUp, Late, LedgerError, Lookups, LostRow, LostTask, Recognised, ToBuy};
use crate::market::Market;
use crate::money::Money;
use crate::price::{PriceList, price_key};
use crate::product::{Engine, Function, LIST_REACH_S, Method, Priority, Product, ResultKind};
use crate::provider::{NO_TASK, PriceClass, Request, wire};
use crate::rule::Rule;
use crate::tag::Tag;

/// A task is seldom bought more often than this after the copy that a ledger was restored from; where that finds no task,
/// all are tried for as many purchases as there can have been.
const REACH: u32 = 8;

/// Settled tasks beside a cost that is looked for: what the list names for a few shows what it names for all.
const SETTLEMENTS: usize = 20;

/// The engine cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger says no.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A planned task cannot be bought: the plan was made by a bursar that knew it.
    #[error("task target {0} is not something this bursar can buy")]
    UnknownProduct(TargetId),
}

/// An account at work: what the core is told, and what turns its decisions into calls.
#[derive(Debug)]
pub struct Executor {
    /// What the core is told.
    pub terms: Terms,
    prices: PriceList,
    price_classes: BTreeMap<(TargetId, SetId, Method, Priority), KnownPriceClass>,
    known_prices: BTreeSet<String>,
    markets: BTreeMap<MarketId, Arc<Market>>,
    /// Hashes in tags of this ledger's to which no task was found, however often it may have been bought.
    in_vain: BTreeSet<[u8; 16]>,
}

/// Tasks of one target, prompt set and service.
#[derive(Debug)]
struct KnownPriceClass {
    engine: Engine,
    price_class: PriceClass,
    key: String,
    /// What each purchase takes alike, by our list.
    list: Money,
    /// What the provider's own list should name.
    fee: Money,
    /// What is reserved.
    worst_case: Money,
    /// The most that one came to in the end.
    max_seen: Option<Money>,
}

/// What performing an effect led to.
#[derive(Debug)]
pub(super) enum Done {
    /// It is done.
    Nothing,
    /// It is done, and this is what the core is to be told next.
    Input(Box<Input>),
    /// A call is to be made.
    Call(Box<Call>),
}

impl Executor {
    /// An account's executor.
    pub fn new(terms: Terms, prices: PriceList) -> Self {
        Self {
            terms,
            prices,
            price_classes: BTreeMap::new(),
            known_prices: BTreeSet::new(),
            markets: BTreeMap::new(),
            in_vain: BTreeSet::new(),
        }
    }

    /// What the ledger holds from earlier sessions.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn memory(&self, ledger: &dyn Lookups) -> Result<Memory, LedgerError> {
        let account = self.terms.account;
        let provider = ledger.provider_memory(account)?;
        let mut proven = BTreeSet::new();
        for function in Function::ALL.iter().copied() {
            if ledger.visibility_proof(account, function)?.is_some() {
                proven.insert(function);
            }
        }
        let mut unknown_batches = ledger.unknown_batches(account)?;
        if !Rule::ClosedRunsAreSettled.is_kept() {
            unknown_batches.retain(|batch| self.terms.runs.iter().any(|terms| terms.run == batch.run));
        }
        Ok(Memory {
            unknown_batches,
            awaited: ledger.awaited(account)?,
            open: ledger.open_batches(account)?,
            proven,
            functions: ledger.functions()?,
            longest_lag_s: provider.longest_lag_s,
            restored: provider.restored_from_v.map(|from_v| (from_v, provider.restored_closed_v)),
            restored_scans: ledger.scans_of_restored(account)?,
            wanted: self.wanted(ledger)?,
            heard_v: provider.heard_v,
            crowded: ledger.crowded(account)?,
            given_up: self.given_up(ledger, provider.heard_v)?,
            cooled_down: ledger.is_cooled_down(),
        })
    }

    /// What was given up within the reach of the provider's list, and when that was last read for it.
    fn given_up(&self, ledger: &dyn Lookups, heard_v: Option<i64>) -> Result<(Vec<GivenUp>, Option<i64>), LedgerError> {
        let Some(heard_v) = heard_v.filter(|_| self.terms.lists) else { return Ok((Vec::new(), None)) };
        let account = self.terms.account;
        Ok((ledger.given_up(account, heard_v - LIST_REACH_S)?, ledger.watched_v(account)?))
    }

    /// Where something is left to buy; nothing where the provider's lists can be asked for.
    fn wanted(&self, ledger: &dyn Lookups) -> Result<BTreeSet<(Engine, Function, Method)>, LedgerError> {
        let mut wanted = BTreeSet::new();
        for terms in self.terms.runs.iter().filter(|_| !self.terms.lists) {
            wanted.extend(ledger.wanted(terms.run)?);
        }
        Ok(wanted)
    }

    /// Does one thing that the core decided; `window` is the span that the charge of a purchase made now may fall into.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        ledger: &mut dyn Books,
        now: Now,
        window: (i64, i64),
    ) -> Result<Done, EngineError> {
        let account = self.terms.account;
        let input = match effect {
            Effect::Pull { run, after, most } => self.pull(ledger, run, after, most, window)?,
            Effect::Commit(changes, drafts) => {
                let (booked, outcomes) = ledger.commit(changes, &drafts)?;
                let mut again = Vec::with_capacity(booked.replanned.len());
                for replanned in &booked.replanned {
                    // Of a run that is not bought in this session, no price need be known.
                    if !self.terms.runs.iter().any(|terms| terms.run == replanned.run) {
                        continue;
                    }
                    again.push((replanned.run, self.priced(ledger, replanned.task)?));
                }
                // Where no money moved, every ceiling stands where it stood.
                let moved = booked.money || !drafts.is_empty();
                let headrooms = if moved { self.headrooms(ledger, window)? } else { Vec::new() };
                Input::Committed { outcomes, again, headrooms }
            }
            Effect::BalanceRead(spendable, vouched_v) => {
                ledger.balance_read(account, spendable, vouched_v)?;
                Input::Committed { outcomes: Vec::new(), again: Vec::new(), headrooms: self.headrooms(ledger, window)? }
            }
            Effect::Overdue(batches) => {
                let items =
                    batches.into_iter().map(|batch| ledger.uncollected(batch)).collect::<Result<Vec<_>, _>>()?;
                Input::Overdue { items: items.concat() }
            }
            Effect::Recognise(source, rows) => {
                let rows = rows.into_iter().map(|row| self.recognise(ledger, row)).collect::<Result<_, _>>()?;
                Input::Recognised { source, rows }
            }
            Effect::ControlRows(spans, unfinished) => {
                Input::ControlRows(ledger.control_rows(account, &spans, self.answered_late(), &unfinished)?)
            }
            Effect::Widen(from_v, until_v) => Input::Widened(ledger.control_row_for(
                account,
                from_v,
                until_v,
                until_v - LIST_REACH_S,
                self.answered_late(),
            )?),
            Effect::Recover(rows) => self.recover(ledger, &rows)?,
            Effect::Unresolved(batches) => {
                let each = batches.into_iter().map(|batch| Ok((batch, ledger.unresolved(batch)?)));
                Input::Unresolved(each.collect::<Result<_, LedgerError>>()?)
            }
            Effect::Post(batch) => return self.post(ledger, batch, now),
            Effect::Hello if self.terms.lists => {
                return Ok(self.free(wire::STATUS_PATH.to_owned(), None, What::Hello, now));
            }
            Effect::Hello => {
                let path = wire::catalogue_path(List::Models, Engine::ChatGpt);
                return Ok(self.free(path, None, What::Contact, now));
            }
            Effect::Probe((engine, function)) => {
                let path = wire::task_get_path(engine, function, ResultKind::Advanced, NO_TASK);
                return Ok(self.free(path, None, What::Probe((engine, function)), now));
            }
            Effect::Balance => return Ok(self.free(wire::USER_DATA_PATH.to_owned(), None, What::Balance, now)),
            Effect::Ready((engine, function), begun_v) => {
                let path = wire::tasks_ready_path(engine, function);
                return Ok(self.free(path, None, What::Ready((engine, function), begun_v), now));
            }
            Effect::Page((from, to), offset) => {
                let moment = |v| chrono::DateTime::from_timestamp(v, 0).unwrap_or_default();
                // Whether a window holds its edges is not known: each is asked for with a second more.
                let body = wire::id_list_body(moment(from - 1), moment(to + 1), PAGE, offset, true);
                return Ok(self.free(wire::ID_LIST_PATH.to_owned(), Some(body), What::Page((from, to), offset), now));
            }
            Effect::CostPage((from, to), offset) => {
                let moment = |v| chrono::DateTime::from_timestamp(v, 0).unwrap_or_default();
                let body = wire::id_list_body(moment(from - 1), moment(to + 1), PAGE, offset, false);
                return Ok(self.free(wire::ID_LIST_PATH.to_owned(), Some(body), What::CostPage, now));
            }
            Effect::Provisional(provider_now) => self.provisional(ledger, provider_now)?,
            Effect::Fetch(what) => {
                let kind = what.kinds.first().copied().unwrap_or(ResultKind::Advanced);
                let path = wire::task_get_path(what.engine, what.function, kind, &what.provider_id);
                return Ok(self.free(path, None, What::Fetch(what.attempt), now));
            }
            Effect::Ask((engine, function), provider_id) => {
                let path = wire::task_get_path(engine, function, ResultKind::Advanced, &provider_id);
                return Ok(self.free(path, None, What::Ask(provider_id), now));
            }
            Effect::Tell(_) | Effect::Wake(_) | Effect::Finish(_) => return Ok(Done::Nothing),
        };
        Ok(Done::Input(Box::new(input)))
    }

    /// Costs that were booked provisionally and are to be looked for, with settled tasks that were bought beside them.
    fn provisional(&self, ledger: &dyn Lookups, provider_now: i64) -> Result<Input, LedgerError> {
        let account = self.terms.account;
        let mut rows = ledger.provisional(account)?;
        rows.retain(|row| costs::is_out_of_reach(row, provider_now) || costs::is_to_be_sought(row, provider_now));
        let mut settlements = Vec::new();
        for window in costs::windows(&rows) {
            settlements.extend(ledger.settlements(account, window, SETTLEMENTS)?);
        }
        Ok(Input::Provisional(rows, settlements))
    }

    /// A purchase is dated by its answer, which came so long after it at the most.
    fn answered_late(&self) -> Late {
        let timing = &self.terms.timing;
        Late { standard_s: seconds(timing.request_timeout), live_s: seconds(timing.live_timeout) }
    }

    /// A row of the provider's, with what the ledger knows about it.
    fn recognise(&mut self, ledger: &mut dyn Books, row: wire::Listed) -> Result<SeenRow, EngineError> {
        let known = ledger.recognise(self.terms.account, &row.id, row.tag.as_deref())?;
        let (mut price, mut collect) = (None, None);
        match &known {
            Recognised::InDoubt { attempt, .. }
            | Recognised::Awaited { attempt, .. }
            | Recognised::Late { attempt, replanned: true } => {
                let (task, to_collect) = ledger.in_doubt(*attempt, &row.id)?;
                price = Some(key_of(ledger, &task)?);
                collect = Some(to_collect);
            }
            Recognised::Known { attempt, uncollected, assumed, .. } => {
                if *assumed {
                    let (task, _) = ledger.in_doubt(*attempt, &row.id)?;
                    price = Some(key_of(ledger, &task)?);
                }
                if *uncollected {
                    collect = ledger.to_collect(*attempt)?;
                }
            }
            Recognised::Late { replanned: false, .. }
            | Recognised::Duplicate { .. }
            | Recognised::Lost
            | Recognised::UnmatchedCharge
            | Recognised::Foreign => {}
        }
        Ok(SeenRow { row, known, price, collect })
    }

    /// Takes purchases over that a restored ledger does not hold.
    fn recover(&mut self, ledger: &mut dyn Books, rows: &[SeenRow]) -> Result<Input, EngineError> {
        let tag_of = |seen: &SeenRow| seen.row.tag.as_ref().and_then(|tag| tag.parse::<Tag>().ok());
        let tags: Vec<Tag> = rows.iter().filter_map(tag_of).collect();
        let mut found = ledger.find_lost(&tags, REACH)?;
        let is_found = |found: &[Found], tag: &Tag| found.iter().any(|found| found.tag.hash == tag.hash);
        let missing = tags.into_iter().filter(|tag| !is_found(&found, tag) && !self.in_vain.contains(&tag.hash));
        let missing: Vec<Tag> = missing.collect();
        if !missing.is_empty() {
            found.extend(ledger.find_lost(&missing, ledger.furthest(&missing)?)?);
            self.in_vain.extend(missing.iter().filter(|tag| !is_found(&found, tag)).map(|tag| tag.hash));
        }
        let awaits_answer = found.iter().any(|found| found.awaits_answer);
        let mut lost = Vec::with_capacity(rows.len());
        for seen in rows {
            let tag = tag_of(seen);
            let (cost, is_live) = (seen.row.cost.unwrap_or_default(), seen.row.is_live());
            let its = |found: &&Found| Some(&found.tag) == tag.as_ref() && !found.awaits_answer;
            let task = match found.iter().find(its) {
                Some(&Found { run, task, number, .. }) => {
                    let most = if is_live || !Rule::FoundIsHeldForAll.is_kept() {
                        cost
                    } else {
                        self.most(ledger, task, cost)?
                    };
                    Some(LostTask { run, task, number, most })
                }
                None => None,
            };
            lost.push(LostRow {
                provider_id: seen.row.id.clone(),
                tag: seen.row.tag.clone().unwrap_or_default(),
                cost,
                named_in: seen.named_in(),
                posted_v: seen.row.posted.map_or(0, |posted| posted.timestamp()),
                is_live,
                task,
            });
        }
        let taken = ledger.recover_lost(self.terms.account, &lost)?;
        Ok(Input::Recovered { taken, awaits_answer })
    }

    /// The most that a Standard task may come to for which so much was taken. One that could not be bought today, because
    /// its price is no longer known, is held for no more than that.
    fn most(&mut self, ledger: &dyn Lookups, task: ToBuy, taken: Money) -> Result<Money, EngineError> {
        let worst_case = match self.priced(ledger, ToBuy { method: Method::Standard, ..task }) {
            Ok(priced) if priced.function == Function::LlmResponses => priced.worst_case,
            Ok(_) | Err(EngineError::UnknownProduct(_)) => Money::ZERO,
            Err(error) => return Err(error),
        };
        Ok(worst_case.max(taken))
    }

    /// The call that buys a batch whose money is reserved.
    fn post(&self, ledger: &mut dyn Books, batch: BatchId, now: Now) -> Result<Done, EngineError> {
        let orders = ledger.orders(batch)?;
        let (engine, function, method, form) = ledger.endpoint(batch)?;
        let product = Product::find(engine, function, method).ok_or(EngineError::UnknownProduct(TargetId(0)))?;
        let (path, timeout) = match method {
            Method::Standard => (wire::task_post_path(engine, function), self.terms.timing.request_timeout),
            Method::Live => (wire::live_path(engine, function, form), self.terms.timing.live_timeout),
        };
        let request = Request { path, body: None, spends: true, timeout };
        let what = What::Post {
            batch,
            product,
            orders,
            tags: Vec::new(),
            form,
            through: self.terms.through,
            user_prompt_decoded: self.terms.user_prompt_decoded,
            seal: ledger.seal(),
        };
        Ok(Done::Call(Box::new(Call { request, what, begun: now })))
    }

    /// A call that spends nothing.
    fn free(&self, path: String, body: Option<Bytes>, what: What, now: Now) -> Done {
        let request = Request { path, body, spends: false, timeout: self.terms.timing.request_timeout };
        Done::Call(Box::new(Call { request, what, begun: now }))
    }
}

/// The price at which a task is bought, whether or not that is known any more.
fn key_of(ledger: &dyn Lookups, task: &ToBuy) -> Result<String, LedgerError> {
    Ok(price_key(&ledger.target(task.target)?.bought_by(task.method, task.priority)))
}
