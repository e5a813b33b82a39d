//! Another program leaves more than a thousand answers uncollected on the account, so that `tasks_ready` shows
//! nothing of ours.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::engine::{self, Executor, Missing, Terms};
use bursar::event::EventKind;
use bursar::ledger::Reports;
use bursar::price::PriceList;
use bursar::product::{Engine, Function};
use bursar::provider::Request;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};
use serde_json::{Value, json};

use super::rows::{again, relisted, tags};
use super::world::World;
use super::{job, live_for, settings};

/// Purchases of another program, and their tasks.
const POSTS: u64 = 11;
const THEIRS: u64 = POSTS * 100;

/// A world in which another program has left its answers uncollected for some minutes; `fault` strikes our n-th purchase.
async fn crowded(fault: Fault, nth: u64, unlike: impl FnOnce(Settings) -> Settings) -> World {
    let rule = Rule::nth(fault, Call::TaskPost, POSTS + nth);
    let world = World::new(unlike(settings(vec![rule])));
    for post in 0..POSTS {
        let task = |n| {
            json!({ "keyword": format!("stranger {post} {n}"), "location_code": 2840, "language_code": "en",
                    "tag": format!("stranger-{post}-{n}") })
        };
        let body = Value::from((0..100).map(task).collect::<Vec<_>>()).to_string();
        let path = "/v3/ai_optimization/chat_gpt/llm_scraper/task_post".to_owned();
        let request = Request { path, body: Some(body.into()), spends: true, timeout: Duration::ZERO };
        again(&world.sandbox, world.clock, &request);
    }
    tokio::time::advance(Duration::from_hours(4)).await;
    assert_eq!(world.bill().tasks, THEIRS);
    world
}

#[tokio::test(start_paused = true)]
async fn a_purchase_behind_a_crowd_is_found_listed() {
    let mut world = crowded(Fault::DropAfter, 2, |settings| settings).await;
    let end = live_for(&mut world, &job(3), Duration::from_hours(3)).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.tasks("answered"), world.bill().tasks), (0, 3, THEIRS + 3));
}

#[tokio::test(start_paused = true)]
async fn an_unbought_task_behind_a_crowd_is_bought() {
    let mut world = crowded(Fault::DropBefore, 2, |settings| settings).await;
    let end = live_for(&mut world, &job(3), Duration::from_hours(3)).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.tasks("answered"), world.bill().tasks), (0, 3, THEIRS + 3));
    let told =
        world.saw(|kind| matches!(kind, EventKind::Odd { what, .. } if what.starts_with("tasks_ready shows as many")));
    assert_eq!((told, world.audit().problems), (1, vec![]), "it is told once");
    assert_eq!(world.bill().bought_twice().count(), 0);
}

/// The evidence that is missing to conclude something of the first batch in doubt.
fn missing(world: &World) -> Vec<Missing> {
    let ledger = world.open();
    let (account, _) = ledger.account("main").unwrap().unwrap();
    let terms = Terms {
        account,
        name: "main".to_owned(),
        limits: world.account.limits.clone(),
        timing: world.account.timing.clone(),
        speed: 1,
        lists: true,
        through: bursar::provider::Through::Nobody,
        user_prompt_decoded: false,
        keep_balance: None,
        watch_now: false,
        collect: true,
        patience: None,
        seed: 1,
        runs: Vec::new(),
    };
    let now = world.clock.now().wall.timestamp();
    let waits = engine::waits(&Executor::new(terms, PriceList::default()), &ledger, now).unwrap();
    waits.missing.into_values().next().unwrap_or_default()
}

/// The list never shows what is finished. What was bought at high priority is, when its quarantine is over; the one task
/// that the list must show is not.
#[tokio::test(start_paused = true)]
pub(crate) async fn a_crowded_list_without_finished_rows_is_inconclusive() {
    let slow = Spread { min: Duration::from_hours(3), max: Duration::from_hours(3) };
    let unlike = |settings| Settings { turnaround_normal: slow, ..settings };
    let mut world = crowded(Fault::DropAfter, 1, unlike).await;
    let lost = Mutex::new(None);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut lost = lost.lock().unwrap();
        if request.spends {
            lost.get_or_insert(tags(request).remove(0));
        }
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        // It lags behind what was just bought, and by then that is finished.
        let is_lost = |row: &Value| row["metadata"]["tag"].as_str() == lost.as_deref();
        relisted(outcome, |rows| rows.retain(|row| row["datetime_done"].is_null() && !is_lost(row)))
    }));
    let set = |priority: &str| {
        format!(
            "[[prompt_set]]\nname = \"{priority}\"\nengine = \"chat_gpt\"\npriority = \"{priority}\"\n\
             locations = [\"United States\"]\nlanguages = [\"English\"]\nprompts = [\"which, at {priority}?\"]\n"
        )
    };
    let job = format!("name = \"rules\"\n[budget]\nrun = \"1\"\n{}{}", set("high"), set("normal"));
    let end = live_for(&mut world, &job, Duration::from_hours(48)).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.bill().tasks), (1, THEIRS + 2));
    let missing = missing(&world);
    let endpoint = (Engine::ChatGpt, Function::LlmScraper);
    assert!(
        missing.iter().any(|missing| matches!(missing, Missing::Ready { endpoint: of, .. } if *of == endpoint)),
        "{missing:?}"
    );
    assert!(missing.iter().any(|missing| matches!(missing, Missing::Scans { latest: Some(_) })), "{missing:?}");
}
