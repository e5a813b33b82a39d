//! A ledger that refuses what seemed to fit: the test tells the core so, again and again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bursar::clock::Clock;
use bursar::config::AccountConfig;
use bursar::engine::{
    Core, Effect, End, HeadroomFor, Input, KnownPrice, Memory, Pulled, Reply, RunTerms, Terms, TimedReply,
};
use bursar::ids::{AccountId, MarketId, RunId, SetId, TargetId, TaskId};
use bursar::ledger::{CapReached, ToBuy};
use bursar::market::Market;
use bursar::plan::Headroom;
use bursar::product::{Engine, Function, Method, Priority, Route};
use bursar::provider::UserData;

use super::PRICE;
use super::world::noon;

fn terms(runs: &[RunId]) -> Terms {
    let account = AccountConfig::new("main", Route::Sandbox);
    let of_run = |run: &RunId| RunTerms {
        run: *run,
        max_attempts: 5,
        drift: "0".parse().unwrap(),
        retry_paid_failures: 0,
        stop_after_refusals: 5,
    };
    Terms {
        account: AccountId(1),
        name: "main".to_owned(),
        limits: account.limits,
        timing: account.timing,
        speed: 1,
        lists: true,
        through: bursar::provider::Through::Nobody,
        user_prompt_decoded: false,
        keep_balance: None,
        watch_now: false,
        collect: true,
        patience: None,
        seed: 1,
        runs: runs.iter().map(of_run).collect(),
    }
}

/// The one task of each run, at a price that was charged before.
fn the_task(run: RunId, after: i64) -> Input {
    let task = ToBuy {
        task: TaskId(run.0),
        position: 1,
        target: TargetId(1),
        set: SetId(1),
        market: MarketId(1),
        method: Method::Standard,
        priority: Priority::Normal,
        previous: None,
        attempts: 0,
        refused_with: None,
    };
    let price = "a price".to_owned();
    let pulled = Pulled {
        task,
        market: Arc::new(Market {
            location_code: 2840,
            location_name: None,
            language_code: "en".to_owned(),
            language_name: None,
        }),
        engine: Engine::ChatGpt,
        function: Function::LlmScraper,
        price: price.clone(),
        worst_case: PRICE,
        max_seen: None,
    };
    let tasks = if after == 0 { vec![pulled] } else { Vec::new() };
    let price_class = (Function::LlmScraper, Method::Standard, Priority::Normal);
    let prices =
        vec![KnownPrice { key: price, price_class, list: PRICE, fee: PRICE, seen: Some((PRICE, 0)), odd: None }];
    Input::Pulled { run, tasks, prices, whole: true, headrooms: Vec::new() }
}

/// Each run seems to have room for its task.
fn seeming(runs: &[RunId]) -> Vec<HeadroomFor> {
    let headroom = Headroom::of_run(PRICE);
    runs.iter().map(|run| HeadroomFor { run: *run, own: Some(headroom.clone()), shared: None }).collect()
}

/// Runs a session in which no draft is ever reserved; nothing where it does not end.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else the core says needs no answer here")]
async fn refused(runs: &[RunId], cap: &Headroom) -> Option<End> {
    let clock = Clock::starting_at(noon());
    let mut core = Core::new(terms(runs), Memory::default(), clock.now());
    let mut inputs = VecDeque::from([Input::Begin]);
    for _ in 0..1_000 {
        let now = clock.now();
        for effect in core.step(now, inputs.pop_front()?) {
            let heard = |reply| {
                Input::Replies(vec![TimedReply {
                    reply,
                    begun: now,
                    date_v: Some(Some(now.wall.timestamp())),
                    rest: None,
                }])
            };
            match effect {
                Effect::Hello => inputs.push_back(heard(Reply::Hello(Ok(())))),
                Effect::Balance => inputs.push_back(heard(Reply::Balance(Ok(UserData::default())))),
                Effect::Pull { run, after, .. } => inputs.push_back(the_task(run, after)),
                Effect::Commit(_, drafts) => {
                    let outcomes = drafts.iter().map(|_| Err(CapReached { cap: cap.clone() })).collect();
                    let headrooms = if drafts.is_empty() { Vec::new() } else { seeming(runs) };
                    inputs.push_back(Input::Committed { outcomes, again: Vec::new(), headrooms });
                }
                Effect::Finish(end) if inputs.is_empty() => return Some(end),
                _ => {}
            }
        }
        if inputs.is_empty() {
            tokio::time::advance(Duration::from_secs(1)).await;
            inputs.push_back(Input::Tick);
        }
    }
    None
}

#[tokio::test(start_paused = true)]
pub(crate) async fn drafts_refused_by_the_ledger_wait_for_later() {
    let cap = Headroom::of_run(PRICE);
    for runs in [&[RunId(1)][..], &[RunId(1), RunId(2)], &[RunId(1), RunId(2), RunId(3)]] {
        let end = refused(runs, &cap).await.unwrap_or_else(|| panic!("{} runs: the session does not end", runs.len()));
        let cuts: Vec<_> = runs.iter().map(|run| (*run, cap.clone())).collect();
        assert_eq!(end.cuts, cuts);
    }
}
