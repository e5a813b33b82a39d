//! The provider's own price list, read before anything is bought.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::product::Priority;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Rule, Settings};
use serde_json::Value;

use super::rows::changed;
use super::world::World;
use super::{PRICE, job, settings};

/// What the provider takes instead.
const DEARER: Money = Money::from_nanos(1_300_000);

/// A provider at which normal priority is dearer, and whose list says so.
fn dearer() -> Settings {
    let mut settings = settings(vec![]);
    for ((_, at), price) in &mut settings.prices {
        if *at == Priority::Normal {
            *price = DEARER;
        }
    }
    settings
}

fn told(world: &World) -> Vec<(Money, Money, bool)> {
    let mut told = Vec::new();
    for event in &world.events {
        if let EventKind::PriceListed { expected, listed, stopped, .. } = &event.kind {
            told.push((*expected, *listed, *stopped));
        }
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_listed_price_above_ours_stops_before_buying() {
    let mut world = World::new(dearer());
    for _ in 0..2 {
        let end = world.live_on(&job(3)).await;
        assert_eq!(
            end.refused.unwrap(),
            "3 tasks are not bought: the provider's own price list names $0.0013 for one of \
             llm_scraper/chat_gpt/standard/normal/-, and $0.0012 was expected; write its price under \
             [[accounts.main.prices]], or allow more with max_price_drift"
        );
    }
    assert_eq!(told(&world), [(PRICE, DEARER, true); 2]);
    assert_eq!((world.bill().tasks, world.tasks("planned"), world.audit().held), (0, 3, Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_listed_price_within_the_drift_is_held() {
    let mut world = World::new(dearer());
    let end = world.live_on(&format!("max_price_drift = \"10%\"\n{}", job(3))).await;
    assert_eq!(end.refused, None);
    assert_eq!(told(&world), [(PRICE, DEARER, false)]);
    world.assert_all_answered_once(3);
    assert_eq!(world.audit().overrun, Money::ZERO, "what was held was enough");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_price_leaves_the_jobs_other_prices() {
    let mut world = World::new(dearer());
    let set = job(3).split_once("[[prompt_set]]").unwrap().1.replace("\"all\"", "\"soon\"").replace("question", "what");
    let end = world.live_on(&format!("{}[[prompt_set]]{set}priority = \"high\"\n", job(3))).await;
    assert!(end.refused.unwrap().starts_with("3 tasks are not bought: the provider's own price list names $0.0013"));
    assert_eq!((world.bill().tasks, world.tasks("answered"), world.tasks("planned")), (3, 3, 3));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn an_absent_listed_price_is_left_to_canaries() {
    for absent in [true, false] {
        let mut world = World::new(dearer());
        world.meddle = Some(Arc::new(move |request, outcome| {
            if !request.path.ends_with("/user_data") {
                return outcome;
            }
            if !absent {
                return Err(Failure::NoAnswer("lost".to_owned()));
            }
            changed(outcome, |body| body["tasks"][0]["result"][0]["price"] = Value::Null)
        }));
        let end = world.live_on(&job(3)).await;
        assert!(end.refused.unwrap().starts_with("2 tasks are not bought: the provider charges $0.0013 for one of "));
        assert_eq!((told(&world), world.bill().tasks), (Vec::new(), 1), "{absent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_price_question_does_not_stop_buying() {
    let throttle = Rule { call: Some(Call::UserData), ..Rule::always(Fault::Throttle40202) };
    let mut world = World::new(settings(vec![throttle]));
    assert_eq!(world.live_on(&job(3)).await.refused, None);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn the_account_is_asked_once_and_only_before_buying() {
    let mut world = World::new(settings(vec![]));
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    world.meddle = Some(Arc::new(move |request, outcome| {
        *counted.lock().unwrap() += u32::from(request.path.ends_with("/user_data"));
        outcome
    }));
    for starts in 1..=3 {
        world.live_on(&job(3)).await;
        assert_eq!(*asked.lock().unwrap(), 1, "after {starts} starts");
    }
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_session_soon_after_another_waits_to_buy() {
    let mut world = World::new(settings(vec![]));
    let mut bought_after = Vec::new();
    for questions in 1..=2 {
        let begun = tokio::time::Instant::now();
        let bought = Arc::new(Mutex::new(None));
        let first = Arc::clone(&bought);
        world.meddle = Some(Arc::new(move |request, outcome| {
            if request.spends {
                first.lock().unwrap().get_or_insert_with(|| begun.elapsed());
            }
            outcome
        }));
        // A question more than before: there is something to buy.
        let stopped = world.live_on(&job(questions)).await;
        assert_eq!(stopped.refused, None);
        bought_after.push((*bought.lock().unwrap()).unwrap());
        // The answers took their time; as if they had not.
        let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
        let now = world.clock.now().wall.timestamp();
        db.execute("UPDATE session SET at = ?1", [now]).unwrap();
    }
    assert!(bought_after[0] < Duration::from_secs(1), "{bought_after:?}");
    assert!(bought_after[1] > Duration::from_secs(10), "six questions a minute: {bought_after:?}");
}
