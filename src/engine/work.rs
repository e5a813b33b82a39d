//! What the core decided, done: a commit, a look into the ledger, a call.
//!
//! Whatever touches the ledger is done here and now, and its result is the core's next input. A call is described here
//! and made by a task of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::dispatch::{KnownPrice, Pulled, RoomFor};
use super::reconcile::PAGE;
use super::vocabulary::{Effect, Heard, Input, Memory, Reply, SeenRow, Terms};
use crate::clock::{Clock, Now};
use crate::ids::{AttemptId, BatchId, RunId, TargetId};
use crate::job::Target;
use crate::ledger::{Ledger, LedgerError, Order, Recognised, TargetFacts, ToBuy};
use crate::offer::{Engine, Function, Method, OFFERS, Offer, Priority};
use crate::price::{PriceList, price_key};
use crate::vendor::{self, Failure, Refusal, Request, Response, Vendor, wire};

/// How hard an answer is compressed: the level at which it is small enough and costs a fraction of a millisecond.
const ZSTD_LEVEL: i32 = 3;

/// The engine cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger says no.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A planned task cannot be bought: the plan was made by a bursar that knew it.
    #[error("task target {0} is not something this bursar can buy")]
    UnknownOffer(TargetId),
}

/// An account at work: what the core is told, and what turns its decisions into calls.
#[derive(Debug)]
pub struct Desk {
    /// What the core is told.
    pub terms: Terms,
    prices: PriceList,
    targets: BTreeMap<TargetId, TargetFacts>,
    known_prices: BTreeSet<String>,
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

/// A call to be made.
#[derive(Debug)]
pub struct Call {
    request: Request,
    what: What,
    begun: Duration,
}

/// What a call is for.
#[derive(Debug)]
enum What {
    Hello,
    Balance,
    Post {
        batch: BatchId,
        offer: &'static Offer,
        /// Until they are written into the body.
        orders: Vec<Order>,
        tags: Vec<String>,
    },
    Ready((Engine, Function), i64),
    Page((i64, i64), u32),
    Fetch(AttemptId),
}

impl Desk {
    /// An account's desk.
    pub fn new(terms: Terms, prices: PriceList) -> Self {
        Self { terms, prices, targets: BTreeMap::new(), known_prices: BTreeSet::new() }
    }

    /// What the ledger holds from earlier starts.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn memory(&self, ledger: &Ledger) -> Result<Memory, LedgerError> {
        let account = self.terms.account;
        let (longest_lag_s, restored_from, restored_closed) = ledger.vendor_memory(account)?;
        let mut proven = BTreeSet::new();
        for function in OFFERS.iter().map(|offer| offer.function) {
            if ledger.tag_proof(account, function)?.is_some() {
                proven.insert(function);
            }
        }
        Ok(Memory {
            doubted: ledger.doubted(account)?,
            open: ledger.open_batches(account)?,
            proven,
            longest_lag_s,
            restored: restored_from.map(|from_v| (from_v, restored_closed)),
        })
    }

    /// Does one thing that the core decided; `window` is the span that the charge of a purchase made now may fall into.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        ledger: &mut Ledger,
        now: Now,
        window: (i64, i64),
    ) -> Result<Done, EngineError> {
        let account = self.terms.account;
        let input = match effect {
            Effect::Pull { run, after, most } => self.pull(ledger, run, after, most, window)?,
            Effect::Reserve(drafts) => {
                let outcomes = ledger.reserve(&drafts)?;
                Input::Reserved { outcomes, rooms: self.rooms(ledger, window)? }
            }
            Effect::Record(changes) => {
                let booked = ledger.record(changes)?;
                let mut again = Vec::with_capacity(booked.replanned.len());
                for replanned in &booked.replanned {
                    again.push((replanned.run, self.priced(ledger, replanned.task)?.0));
                }
                // Where no money moved, every ceiling stands where it stood.
                let rooms = if booked.money { self.rooms(ledger, window)? } else { Vec::new() };
                Input::Booked { again, rooms }
            }
            Effect::BalanceRead(spendable) => {
                ledger.balance_read(account, spendable)?;
                Input::Booked { again: Vec::new(), rooms: self.rooms(ledger, window)? }
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
            Effect::Witnesses(spans) => Input::Witnesses(ledger.witnesses(account, &spans)?),
            Effect::Widen(from_v, until_v) => Input::Widened(ledger.bought_before(account, from_v.min(until_v))?),
            Effect::Adopt(rows) => {
                let (batches, extras) = self.adopt(ledger, &rows)?;
                Input::Adopted { batches, extras }
            }
            Effect::Unresolved(batches) => {
                let each = batches.into_iter().map(|batch| Ok((batch, ledger.unresolved(batch)?)));
                Input::Unresolved(each.collect::<Result<_, LedgerError>>()?)
            }
            Effect::Post(batch) => return self.post(ledger, batch, now),
            Effect::Hello => return Ok(self.free(wire::STATUS_PATH.to_owned(), None, What::Hello, now)),
            Effect::Balance => return Ok(self.free(wire::USER_DATA_PATH.to_owned(), None, What::Balance, now)),
            Effect::Ready((engine, function), begun_v) => {
                let path = wire::tasks_ready_path(engine, function);
                return Ok(self.free(path, None, What::Ready((engine, function), begun_v), now));
            }
            Effect::Page((from, to), offset) => {
                let moment = |v| chrono::DateTime::from_timestamp(v, 0).unwrap_or_default();
                let body = wire::id_list_body(moment(from), moment(to), PAGE, offset);
                return Ok(self.free(wire::ID_LIST_PATH.to_owned(), Some(body), What::Page((from, to), offset), now));
            }
            Effect::Fetch(what) => {
                let kind = what.kinds.first().copied().unwrap_or(crate::offer::ResultKind::Advanced);
                let path = wire::task_get_path(what.engine, what.function, kind, &what.vendor_id);
                return Ok(self.free(path, None, What::Fetch(what.attempt), now));
            }
            Effect::Tell(_) | Effect::Wake(_) | Effect::Finish(_) => return Ok(Done::Nothing),
        };
        Ok(Done::Input(Box::new(input)))
    }

    fn pull(
        &mut self,
        ledger: &mut Ledger,
        run: RunId,
        after: i64,
        most: usize,
        window: (i64, i64),
    ) -> Result<Input, EngineError> {
        let next = ledger.next_to_buy(run, after, most)?;
        let whole = next.len() < most;
        let mut tasks = Vec::with_capacity(next.len());
        let mut prices = Vec::new();
        for task in next {
            let (pulled, target) = self.priced(ledger, task)?;
            if self.known_prices.insert(pulled.price.clone()) {
                let list = self.prices.expected(&target).ok_or(EngineError::UnknownOffer(task.target))?.amount;
                let seen = ledger.price_seen(self.terms.account, &pulled.price)?;
                prices.push(KnownPrice { key: pulled.price.clone(), list, seen });
            }
            tasks.push(pulled);
        }
        Ok(Input::Pulled { run, after, tasks, prices, whole, rooms: self.rooms(ledger, window)? })
    }

    /// A task with its endpoint and price.
    fn priced(&mut self, ledger: &Ledger, task: ToBuy) -> Result<(Pulled, Target), EngineError> {
        let facts = if let Some(facts) = self.targets.get(&task.target) {
            facts.clone()
        } else {
            let facts = ledger.target(task.target)?;
            self.targets.insert(task.target, facts.clone());
            facts
        };
        let target = as_target(&facts, task.method, task.priority);
        let pulled = Pulled { task, engine: facts.engine, function: facts.function, price: price_key(&target) };
        Ok((pulled, target))
    }

    fn rooms(&self, ledger: &mut Ledger, (from_v, to_v): (i64, i64)) -> Result<Vec<RoomFor>, LedgerError> {
        let tightest = |rooms: Vec<crate::plan::Room>| rooms.into_iter().min_by_key(|room| room.left);
        let each = self.terms.runs.iter().map(|terms| {
            let (own, shared) = ledger.rooms(terms.run, from_v, to_v)?;
            Ok(RoomFor { run: terms.run, own: tightest(own), shared: tightest(shared) })
        });
        each.collect()
    }

    fn recognise(&mut self, ledger: &Ledger, row: wire::Listed) -> Result<SeenRow, EngineError> {
        let known = ledger.recognise(&row.id, row.tag.as_deref())?;
        let (mut price, mut collect) = (None, None);
        match &known {
            Recognised::InDoubt { attempt, .. } => {
                let (task, to_collect) = ledger.in_doubt(*attempt, &row.id)?;
                price = Some(self.priced(ledger, task)?.0.price);
                collect = Some(to_collect);
            }
            Recognised::Known { attempt, uncollected: true, .. } => collect = ledger.to_collect(*attempt)?,
            Recognised::Known { .. }
            | Recognised::Zombie { .. }
            | Recognised::Twin { .. }
            | Recognised::Lost { .. }
            | Recognised::Foreign => {}
        }
        Ok(SeenRow { row, known, price, collect })
    }

    fn adopt(
        &self,
        ledger: &mut Ledger,
        rows: &[SeenRow],
    ) -> Result<(Vec<crate::ledger::OpenBatch>, u64), LedgerError> {
        let lost: Vec<crate::ledger::LostRow> = rows
            .iter()
            .map(|seen| crate::ledger::LostRow {
                vendor_id: seen.row.id.clone(),
                tag: seen.row.tag.clone().unwrap_or_default(),
                cost: seen.row.cost.unwrap_or_default(),
                posted_v: seen.row.posted.map_or(0, |posted| posted.timestamp()),
            })
            .collect();
        ledger.adopt_lost(self.terms.account, &lost)
    }

    fn post(&self, ledger: &mut Ledger, batch: BatchId, now: Now) -> Result<Done, EngineError> {
        let orders = ledger.orders(batch)?;
        let (engine, function) = ledger.endpoint(batch)?;
        let offer = Offer::find(engine, function, Method::Standard).ok_or(EngineError::UnknownOffer(TargetId(0)))?;
        let path = wire::task_post_path(engine, function);
        let request = Request { path, body: None, spends: true, timeout: self.terms.timing.request_timeout };
        let what = What::Post { batch, offer, orders, tags: Vec::new() };
        Ok(Done::Call(Box::new(Call { request, what, begun: now.mono })))
    }

    fn free(&self, path: String, body: Option<Bytes>, what: What, now: Now) -> Done {
        let request = Request { path, body, spends: false, timeout: self.terms.timing.request_timeout };
        Done::Call(Box::new(Call { request, what, begun: now.mono }))
    }
}

fn as_target(facts: &TargetFacts, method: Method, priority: Priority) -> Target {
    Target {
        engine: facts.engine,
        function: facts.function,
        method,
        priority,
        model: facts.model.clone(),
        options: Vec::new(),
    }
}

/// Makes a call as a task of its own, which hands back one reply.
pub(super) fn spawn<V: Vendor>(
    mut call: Call,
    vendor: &Arc<V>,
    clock: Clock,
    hand_back: &mpsc::UnboundedSender<Heard>,
) {
    let (vendor, hand_back) = (Arc::clone(vendor), hand_back.clone());
    tokio::spawn(async move {
        let outcome = vendor.call(call.request()).await;
        let heard = call.heard(&outcome);
        tracing::debug!(?heard.reply, at = ?clock.now().mono, "a reply");
        // Nobody listens any more: the start was cut short, and the ledger holds this as in doubt.
        drop(hand_back.send(heard));
    });
}

impl Call {
    /// What goes over the wire. A purchase is written here, away from the ledger's thread.
    pub fn request(&mut self) -> Request {
        if let What::Post { offer, orders, tags, .. } = &mut self.what
            && self.request.body.is_none()
        {
            *tags = orders.iter().map(|order| order.tag().to_string()).collect();
            let wired = orders.iter().zip(&*tags).map(|(order, tag)| wire::Order {
                tag,
                prompt: &order.prompt,
                location_code: order.asked.location_code,
                language_code: &order.asked.language_code,
                priority: order.priority,
                options: &order.asked.options,
            });
            self.request.body = Some(wire::task_post_body(offer, &wired.collect::<Vec<_>>()));
            orders.clear();
        }
        self.request.clone()
    }

    /// What a reply means, by what was asked.
    pub fn heard(self, outcome: &Result<Response, Failure>) -> Heard {
        let date_v = outcome.as_ref().ok().map(|response| response.date.map(|date| date.timestamp()));
        let reply = match self.what {
            What::Hello => Reply::Hello(hello(outcome)),
            What::Balance => Reply::Balance(vendor::judge_account(outcome)),
            What::Post { batch, tags, .. } => {
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                Reply::Posted(batch, vendor::judge(outcome, &tags))
            }
            What::Ready(endpoint, begun_v) => Reply::Ready(endpoint, begun_v, vendor::judge_ready(outcome)),
            What::Page(span, offset) => Reply::Page(span, offset, vendor::judge_list(outcome)),
            What::Fetch(attempt) => {
                let fetched = vendor::judge_fetch(outcome);
                let body = match (&fetched, outcome) {
                    (vendor::Fetched::Answer { .. }, Ok(response)) => {
                        zstd::encode_all(&response.body[..], ZSTD_LEVEL).unwrap_or_default()
                    }
                    _ => Vec::new(),
                };
                Reply::Fetched(attempt, fetched, body)
            }
        };
        Heard { reply, begun: self.begun, date_v }
    }
}

/// The first call only has to show that the vendor is there and lets us in, and what its clock says.
fn hello(outcome: &Result<Response, Failure>) -> Result<(), Refusal> {
    match vendor::judge_account(outcome) {
        Err(vendor::ListProblem::Refused(refusal)) if refusal.class == vendor::codes::Class::Halt => Err(refusal),
        Err(vendor::ListProblem::Unreachable { why }) if outcome.is_err() => Err(Refusal {
            class: vendor::codes::Class::Unreachable,
            code: None,
            http: None,
            message: why,
            retry_after: None,
        }),
        _ => Ok(()),
    }
}
