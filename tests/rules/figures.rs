//! The cost of a task if the provider names it, does not name it, or names zero.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::product::Engine;
use bursar::sandbox::{Call, Fault, Rule, Sandbox};
use serde_json::Value;

use super::rows::{changed, relisted};
use super::world::{Death, World};
use super::{PRICE, job, named, settings};

/// A world whose provider answers purchases with this for each cost.
fn costing(cost: Option<Value>) -> World {
    let mut world = World::new(settings(vec![]));
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.spends {
            return outcome;
        }
        changed(outcome, |body| {
            for row in body["tasks"].as_array_mut().unwrap() {
                let row = row.as_object_mut().unwrap();
                row.remove("cost");
                row.extend(cost.clone().map(|cost| ("cost".to_owned(), cost)));
            }
        })
    }));
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_without_cost_is_booked_as_held() {
    for cost in [None, Some(Value::Null), Some("free".into())] {
        let mut world = costing(cost);
        world.live_on(&job(3)).await;
        world.assert_all_answered_once(3);
        let mut told: Vec<String> = Vec::new();
        for event in &world.events {
            if let EventKind::Odd { what, .. } = &event.kind {
                told.push(what.clone());
            }
        }
        // Until the list has named it the price stays unproven, so each task goes alone.
        assert_eq!(world.saw(|kind| matches!(kind, EventKind::PriceConfirmed { .. })), 1);
        let words = |batch| {
            format!(
                "the provider took batch {batch} and named no cost for 1 of its tasks: what was held, $0.0012, is booked \
                 until its list names one; compare it with the provider's bill"
            )
        };
        assert_eq!(told, [words(1), words(2), words(3)]);
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_cost_of_zero_is_an_unexpected_price() {
    let mut world = costing(Some(0.into()));
    let end = world.live_on(&job(3)).await;
    assert_eq!((end.refused, world.tasks("answered")), (None, 3));
    let audit = world.audit();
    assert_eq!((audit.charged, audit.held, audit.problems), (Money::ZERO, Money::ZERO, Vec::new()));
    let differs = |kind: &EventKind| {
        let EventKind::PriceDiffers { expected, charged, stopped, .. } = kind else { return false };
        assert_eq!((*expected, *charged, *stopped), (PRICE, Money::ZERO, false));
        true
    };
    assert_eq!(world.saw(differs), 1);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_differing_listed_cost_is_reported_once() {
    let mut world = World::new(settings(vec![]));
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        relisted(outcome, |rows| rows.iter_mut().for_each(|row| row["cost"] = 0.5.into()))
    }));
    world.live_on(&job(1)).await;
    world.assert_all_answered_once(1);
    let differs = |kind: &EventKind| {
        let EventKind::CostDiffers { booked, listed, .. } = kind else { return false };
        assert_eq!((*booked, *listed), (PRICE, Money::from_nanos(500_000_000)));
        true
    };
    assert_eq!(world.saw(differs), 1);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn the_list_corrects_a_provisional_cost() {
    for (nth, usd) in [(1, PRICE.nanos() / 2), (1, PRICE.nanos()), (2, 2 * PRICE.nanos())] {
        let mut world = costing(None);
        let usd = Money::from_nanos(usd);
        let rule = Fault::PriceChange { usd, engine: None, priority: None };
        world.sandbox = Arc::new(Mutex::new(Sandbox::new(settings(vec![Rule::nth(rule, Call::TaskPost, nth)]))));
        world.live_on(&format!("max_price_drift = \"100%\"\n{}", job(3))).await;
        world.assert_all_answered_once(3);
        assert_eq!(world.saw(|kind| matches!(kind, EventKind::CostCorrected { .. })), 3, "{usd}");
        assert_eq!(world.saw(|kind| matches!(kind, EventKind::CostDiffers { .. })), 0, "{usd}");
    }
}

#[test]
pub(crate) fn a_providers_figure_is_exact_to_every_digit() {
    for (text, nanos) in [
        ("0.0012", 1_200_000),
        ("12345678.123456789", 12_345_678_123_456_789),
        ("9007199.254740993", 9_007_199_254_740_993),
        ("9223372036.854775807", i64::MAX),
    ] {
        assert_eq!(Money::from_json_digits(text), Ok(Money::from_nanos(nanos)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_paid_failure_is_final_by_default() {
    for (retries, purchases) in [(0, 3), (1, 5)] {
        let failure = Fault::PaidFailure { code: 40_101, at_post: true };
        let mut world = World::new(settings(vec![Rule::nth(failure, Call::TaskPost, 2)]));
        let job = format!("retry_paid_failures = {retries}\n{}", job(3));
        world.live_on(&job).await;
        world.live_on(&job).await;
        assert_eq!((retries, world.bill().tasks), (retries, purchases));
        world.assert_books_agree();
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_purchase_does_not_restore_an_old_price() {
    let dearer = Fault::PriceChange { usd: Money::from_nanos(2_000_000), engine: None, priority: None };
    let rules = vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2), Rule::nth(dearer, Call::TaskPost, 3)];
    let mut world = World::new(settings(rules));
    world.account.limits.in_flight = 1;
    // One alone, a hundred whose answer is lost, a hundred that are dearer; the rest waits for a person.
    let end = world.live_on(&job(250)).await;
    assert!(end.refused.is_some());
    assert_eq!((world.bill().tasks, world.tasks("planned")), (201, 49));
    world.assert_books_agree();
    assert!(world.live_on(&job(250)).await.refused.is_some(), "the next session knows it as well");
    assert_eq!(world.bill().tasks, 201);
}

#[tokio::test(start_paused = true)]
async fn a_price_found_idle_is_known_next_session() {
    let dearer = Fault::PriceChange { usd: Money::from_nanos(2_000_000), engine: Some(Engine::Gemini), priority: None };
    let mut world = World::new(settings(vec![Rule::nth(dearer, Call::TaskPost, 1)]));
    let gemini = job(3).replace("chat_gpt", "gemini");
    world.live(&gemini, Death { after_call: 3, ..Death::default() }).await;
    assert_eq!((world.bill().tasks, world.tasks("sending")), (1, 1), "its answer was lost with the process");
    tokio::time::advance(Duration::from_mins(5)).await;
    // Another job's start finds it in the list, and buys nothing at that price itself.
    assert_eq!(world.live_on(&named("other", 1)).await.refused, None);
    assert_eq!(world.bill().tasks, 2);
    let end = world.live_on(&gemini).await;
    assert_eq!(
        end.refused.unwrap(),
        "2 tasks are not bought: the provider charges $0.002 for one of llm_scraper/gemini/standard/normal/-, and $0.0012 \
         was expected; write its price under [[accounts.main.prices]], or allow more with max_price_drift"
    );
    assert_eq!(world.bill().tasks, 2, "no further task has tried it");
    world.assert_books_agree();
}
