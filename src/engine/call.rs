//! A call: the request that goes over the wire, and what its reply means for that request.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::vocabulary::{LiveAnswer, Reply, TimedReply};
use crate::clock::{Clock, Now};
use crate::ids::{AttemptId, BatchId};
use crate::ledger::{LedgerError, Order, Seal};
use crate::pace::Bucket;
use crate::product::{Engine, Function, Method, Product, ResultKind};
use crate::provider::codes::Class;
use crate::provider::{self, Failure, Fate, ListProblem, Provider, Refusal, Request, Response, Through, Verdict, wire};
use crate::rule::Rule;

/// How hard an answer is compressed: the level at which it is small enough and costs a fraction of a millisecond.
const ZSTD_LEVEL: i32 = 3;

/// A call to be made.
#[derive(Debug)]
pub struct Call {
    pub(super) request: Request,
    pub(super) what: What,
    pub(super) begun: Now,
}

/// What a call is for.
#[derive(Debug)]
pub(super) enum What {
    Hello,
    /// The first call where the provider has no status page: any reply will do.
    Contact,
    Probe((Engine, Function)),
    Balance,
    Post {
        batch: BatchId,
        product: &'static Product,
        /// Until they are written into the body.
        orders: Vec<Order>,
        tags: Vec<String>,
        /// The form in which a Live task is answered.
        form: ResultKind,
        /// Who stands between here and the provider.
        through: Through,
        /// The provider decodes `user_prompt`.
        user_prompt_decoded: bool,
        /// Set before it leaves.
        seal: Option<Seal>,
    },
    Ready((Engine, Function), i64),
    Page((i64, i64), u32),
    CostPage,
    Fetch(AttemptId),
    Ask(String),
}

/// The way out to the provider: the limit on all calls once more, counted as they leave. The core lets each go at its time,
/// and what a slow disk has held up since then must not leave all at once.
#[derive(Debug)]
pub(super) struct Gate {
    bucket: Mutex<Bucket>,
    clock: Clock,
}

impl Gate {
    pub(super) fn new(per_minute: u32, clock: Clock) -> Self {
        Self { bucket: Mutex::new(Bucket::new(per_minute, clock.now().mono)), clock }
    }

    /// Waits until a call may leave.
    async fn pass(&self) {
        loop {
            let now = self.clock.now().mono;
            let taken = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now);
            let Err(at) = taken else { return };
            tokio::time::sleep(at.saturating_sub(now)).await;
        }
    }
}

/// Makes a call as a task of its own, which hands back one reply.
pub(super) fn spawn<V: Provider>(
    call: Call,
    provider: &Arc<V>,
    gate: &Arc<Gate>,
    hand_back: &mpsc::UnboundedSender<Result<TimedReply, LedgerError>>,
) {
    let (provider, gate, hand_back) = (Arc::clone(provider), Arc::clone(gate), hand_back.clone());
    tokio::spawn(async move {
        let heard = make(call, &*provider, &gate).await;
        tracing::debug!(reply = ?heard.as_ref().map(|heard| &heard.reply), at = ?gate.clock.now().mono, "a reply");
        // Nobody listens any more: the session was cut short, and the ledger holds this as in doubt.
        drop(hand_back.send(heard));
    });
}

async fn make<V: Provider>(mut call: Call, provider: &V, gate: &Gate) -> Result<TimedReply, LedgerError> {
    if let What::Post { seal: Some(seal), .. } = &call.what {
        let seal = seal.clone();
        // It waits for the disk. Where that is cut short the process is ending, and nothing more is sent.
        let set = tokio::task::spawn_blocking(move || seal.set()).await;
        set.map_err(|_| LedgerError::Unexpected("the process is ending".to_owned()))??;
    }
    let request = call.request()?;
    gate.pass().await;
    let outcome = provider.call(request).await;
    if let What::Post { through: through @ Through::Nobody, .. } = &mut call.what
        && provider.is_intercepted()
    {
        *through = Through::Proxy;
    }
    Ok(call.heard(&outcome))
}

impl Call {
    /// What goes over the wire. A purchase is written here, away from the ledger's thread, and counted outside the ledger.
    ///
    /// # Errors
    /// It may not leave: it could not be counted.
    pub fn request(&mut self) -> Result<Request, LedgerError> {
        if let What::Post { product, orders, tags, user_prompt_decoded, seal, .. } = &mut self.what
            && self.request.body.is_none()
        {
            seal.as_ref().map_or(Ok(()), Seal::set)?;
            *tags = orders.iter().map(|order| order.tag().to_string()).collect();
            let wired = orders.iter().zip(&*tags).map(|(order, tag)| wire::Order {
                tag,
                prompt: &order.prompt,
                location_code: order.asked.location_code,
                language_code: &order.asked.language_code,
                priority: order.priority,
                options: &order.asked.options,
            });
            self.request.body = Some(wire::task_post_body(product, *user_prompt_decoded, &wired.collect::<Vec<_>>()));
            orders.clear();
        }
        Ok(self.request.clone())
    }

    /// What a reply means, by what was asked.
    pub fn heard(self, outcome: &Result<Response, Failure>) -> TimedReply {
        let date_v = provider::reply_of(outcome).map(|response| response.date.map(|date| date.timestamp()));
        let rest = provider::reply_of(outcome).and_then(|response| response.rest);
        let reply = match self.what {
            What::Hello => Reply::Hello(hello(outcome)),
            What::Contact => Reply::Hello(provider::judge_contact(outcome)),
            What::Probe(endpoint) => Reply::Probed(endpoint, provider::judge_probe(outcome)),
            What::Balance => Reply::Balance(provider::judge_account(outcome)),
            What::Post { batch, tags, product, form, through, .. } => {
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                let mut verdict = match through {
                    Through::Nobody => provider::judge(outcome, &tags),
                    Through::Proxy => provider::judge_behind_a_proxy(outcome, &tags),
                    Through::Gateway => provider::judge_passed_on(outcome, &tags),
                };
                let mut answer = None;
                if product.method == Method::Live {
                    answer = live_answer(outcome, form);
                    if answer.is_none() && Rule::OddAnswersAreKept.is_kept() {
                        answer = odd_live_answer(outcome, &tags, form, &mut verdict);
                    }
                }
                Reply::Posted(batch, verdict, answer)
            }
            What::Ready(endpoint, begun_v) => Reply::Ready(endpoint, begun_v, provider::judge_ready(outcome)),
            What::Page(span, offset) => Reply::Page(span, offset, provider::judge_list(outcome)),
            What::CostPage => Reply::CostPage(provider::judge_list(outcome)),
            What::Ask(provider_id) => {
                let fetched = provider::judge_fetch(outcome, &provider_id);
                Reply::Asked(provider_id, fetched)
            }
            What::Fetch(attempt) => {
                let id = self.request.path.rsplit('/').next().unwrap_or_default();
                let mut fetched = provider::judge_fetch(outcome, id);
                if let provider::Fetched::Answer { facts } = &fetched
                    && let Some(other) = facts.id.as_ref().filter(|id| !self.request.path.ends_with(id.as_str()))
                {
                    let why = format!("the reply is the answer of another task: {other}");
                    fetched = provider::Fetched::Unreachable { why };
                }
                let mut body = Vec::new();
                if let (provider::Fetched::Answer { .. } | provider::Fetched::Odd(_), Some(response)) =
                    (&fetched, provider::reply_of(outcome))
                {
                    match zstd::encode_all(&response.body[..], ZSTD_LEVEL) {
                        Ok(compressed) => body = compressed,
                        Err(error) => {
                            let why = format!("the answer cannot be compressed: {error}");
                            fetched = provider::Fetched::Unreachable { why };
                        }
                    }
                }
                Reply::Fetched(attempt, fetched, body)
            }
        };
        TimedReply { reply, begun: self.begun, date_v, rest }
    }
}

/// The answer that came with a purchase; none where it cannot be kept, and then it is lost.
fn live_answer(outcome: &Result<Response, Failure>, form: ResultKind) -> Option<LiveAnswer> {
    let facts = provider::live_answer(outcome)?;
    let body = zstd::encode_all(&outcome.as_ref().ok()?.body[..], ZSTD_LEVEL).ok()?;
    Some(LiveAnswer { facts, body, form, oddity: None })
}

/// The same of a reply that does not read as it should. Of one task that names itself, it also tells that it was sold; what
/// else such a reply may say stays in doubt.
fn odd_live_answer(
    outcome: &Result<Response, Failure>,
    tags: &[&str],
    form: ResultKind,
    verdict: &mut Verdict,
) -> Option<LiveAnswer> {
    let [tag] = tags else { return None };
    let (fate, odd) = provider::odd_live(outcome, tag)?;
    let body = zstd::encode_all(&provider::reply_of(outcome)?.body[..], ZSTD_LEVEL).ok()?;
    let in_doubt = match verdict {
        Verdict::InDoubt { .. } => true,
        Verdict::Rows { each, .. } => matches!(each[..], [Fate::InDoubt { .. }]),
        Verdict::NotBought { .. } => return None,
    };
    if in_doubt {
        *verdict = Verdict::Rows { each: vec![fate], unmatched: Vec::new() };
    }
    Some(LiveAnswer { facts: odd.facts, body, form, oddity: Some(odd.oddity) })
}

/// The first call only has to show that the provider is there and lets us in, and what its clock says.
fn hello(outcome: &Result<Response, Failure>) -> Result<(), Refusal> {
    match provider::judge_account(outcome) {
        Err(ListProblem::Refused(refusal)) if refusal.class == Class::Halt => Err(refusal),
        Err(ListProblem::Unreachable { why }) if outcome.is_err() => {
            Err(Refusal { class: Class::Unreachable, code: None, http: None, message: why, retry_after: None })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::product::PRODUCTS;

    #[tokio::test(start_paused = true)]
    async fn delayed_calls_leave_at_the_limits_pace() {
        let limit = 120;
        let clock = Clock::starting_at(chrono::DateTime::UNIX_EPOCH);
        let gate = Arc::new(Gate::new(limit, clock));
        // They were let go one by one, over minutes in which the disk did not answer.
        tokio::time::advance(Duration::from_mins(3)).await;
        let calls = (0..3 * limit).map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                gate.pass().await;
                gate.clock.now().mono
            })
        });
        let mut left = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            left.push(call.await.unwrap());
        }
        left.sort_unstable();
        let in_a_minute = |first: &Duration| {
            left.iter().filter(|at| **at >= *first && **at < *first + Duration::from_mins(1)).count()
        };
        let most = left.iter().map(in_a_minute).max().unwrap();
        assert!((119..=120).contains(&most), "{most} calls left in one minute");
    }

    #[test]
    fn an_uncounted_purchase_is_not_sent() {
        let seal = Some(Seal::that_cannot_be_set());
        let what = What::Post {
            batch: BatchId(1),
            product: &PRODUCTS[0],
            orders: Vec::new(),
            tags: Vec::new(),
            form: ResultKind::Advanced,
            through: Through::Nobody,
            user_prompt_decoded: false,
            seal,
        };
        let request = Request { path: String::new(), body: None, spends: true, timeout: Duration::ZERO };
        let mut call = Call { request, what, begun: Now { wall: chrono::DateTime::UNIX_EPOCH, mono: Duration::ZERO } };
        for _ in 0..2 {
            let error = call.request().unwrap_err();
            assert!(error.to_string().contains("set state_dir"), "{error}");
        }
    }
}
