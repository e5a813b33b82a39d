//! What a model's task comes to, where the vendor's words about it are few, late, or two.

use std::sync::Arc;
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule};
use serde_json::Value;

use super::cells::{attempts, models, quick, usd};
use super::rows::changed;
use super::world::World;

/// A vendor that names no cost in its answers to these calls.
fn silent_about_costs(world: &mut World, path: &'static str) {
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.contains(path) {
            return outcome;
        }
        changed(outcome, |body| {
            for row in body["tasks"].as_array_mut().into_iter().flatten() {
                row["cost"] = Value::Null;
            }
        })
    }));
}

#[tokio::test(start_paused = true)]
async fn an_assumed_cost_that_a_list_corrects_is_still_settled_by_its_answer() {
    let mut world = World::new(quick(vec![]));
    silent_about_costs(&mut world, "task_post");
    // Four times what is taken is held, and assumed.
    let job =
        models("standard", 3, "1").replace("max_output_tokens", "max_cost_per_task = \"0.04\"\nmax_output_tokens");
    world.live_on(&job).await;
    world.assert_all_answered_once(3);
    assert_eq!(world.saw(|event| matches!(event, EventKind::CostCorrected { .. })), 3);
    for (_, held, posted, settled) in attempts(&world) {
        assert_eq!((held, posted), (40_000_000, Some(10_200_000)), "by the list");
        assert!(settled.unwrap() < 10_000_000, "by the answer: {settled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_keeps_all_that_was_taken_also_where_the_fee_alone_is_named() {
    for at_post in [false, true] {
        let fails = Fault::PaidFailure { code: 40_101, at_post };
        let mut settings = quick(vec![Rule::nth(fails, Call::TaskPost, 1)]);
        settings.switches.post_shows_advance = false;
        let mut world = World::new(settings);
        world.live_on(&models("standard", 1, "1")).await;
        world.assert_books_agree();
        assert_eq!((world.tasks("failed"), world.audit().held), (1, Money::ZERO), "{at_post}");
        assert_eq!(world.bill().total, usd("0.0102"), "{at_post}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_first_seen_after_days_may_be_an_early_one_and_costs_what_was_taken() {
    let fails = Fault::PaidFailure { code: 40_103, at_post: false };
    let mut world = World::new(quick(vec![Rule::nth(fails, Call::TaskPost, 1)]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    assert_eq!(world.tasks("submitted"), 1);
    tokio::time::advance(Duration::from_hours(80)).await;
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.bill().total), (1, usd("0.0102")));
}

#[tokio::test(start_paused = true)]
async fn a_raised_fee_is_in_what_a_task_settles_to_whether_it_is_named_alone_or_with_the_advance() {
    for alone in [false, true] {
        let raised = Fault::PriceChange { usd: usd("0.0007"), engine: None, priority: None };
        let mut settings = quick(vec![Rule::nth(raised, Call::TaskPost, 1)]);
        settings.switches.post_shows_advance = !alone;
        let mut world = World::new(settings);
        let allowed = format!("max_price_drift = \"10%\"\n{}", models("standard", 3, "1"));
        assert_eq!(world.live_on(&allowed).await.refused, None, "{alone}");
        world.assert_all_answered_once(3);

        let raised = Fault::PriceChange { usd: usd("0.0007"), engine: None, priority: None };
        let mut settings = quick(vec![Rule::nth(raised, Call::TaskPost, 1)]);
        settings.switches.post_shows_advance = !alone;
        let mut world = World::new(settings);
        let end = world.live_on(&models("standard", 3, "1")).await;
        assert!(end.refused.is_some(), "a job that allows no higher price stops: {alone}");
        assert_eq!(world.bill().tasks, 1, "{alone}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_reply_with_neither_a_cost_nor_an_answer_is_in_doubt_until_the_list_tells() {
    let mut world = World::new(quick(vec![]));
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.contains("/live") {
            return outcome;
        }
        changed(outcome, |body| {
            body["tasks"][0]["cost"] = Value::Null;
            body["tasks"][0]["result"] = Value::Null;
        })
    }));
    world.live_on(&models("live", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!(world.saw(|event| matches!(event, EventKind::BatchInDoubt { .. })), 1);
    assert_eq!((world.tasks("failed"), world.bill().tasks), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_audit_finds_a_hold_that_no_attempt_explains_whatever_was_bought() {
    for method in ["standard", "live"] {
        let mut world = World::new(quick(vec![]));
        world.live_on(&models(method, 1, "1")).await;
        world.assert_books_agree();
        let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
        db.execute("UPDATE batch SET held_nano = 5", []).unwrap();
        drop(db);
        assert!(!world.audit().problems.is_empty(), "{method}");
    }
}
