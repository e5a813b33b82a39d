//! The final cost of a model's task, if the provider names it late, ambiguously or twice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::ids::BatchId;
use bursar::ledger::{Books, Change, Lookups};
use bursar::money::Money;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};
use serde_json::Value;

use super::cells::{attempts, models, quick, usd};
use super::rows::{again, changed};
use super::world::{Death, World};

/// A provider that names no cost in its answers to these calls.
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
async fn a_corrected_provisional_cost_still_settles_by_answer() {
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
async fn a_failed_task_costs_everything_that_was_taken() {
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
async fn a_failure_seen_late_costs_what_was_taken() {
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
async fn a_raised_fee_is_part_of_every_settlement() {
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
async fn an_empty_live_reply_is_in_doubt() {
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
async fn the_audit_finds_a_hold_without_attempt() {
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

#[tokio::test(start_paused = true)]
async fn a_live_model_is_bought_in_every_session() {
    let mut world = World::new(quick(vec![]));
    for questions in [2, 4, 6] {
        let end = world.live_on(&models("live", questions, "1")).await;
        assert_eq!(end.refused, None, "{questions}");
        world.assert_all_answered_once(questions as u64);
        let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
        let sql = "SELECT nano_usd FROM price_seen";
        let seen: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(seen, if questions == 2 { 600_000 } else { 843_210 }, "the fee is what each call takes alike");
        // An earlier bursar wrote down all that the call came to.
        db.execute("UPDATE price_seen SET nano_usd = 843210", []).unwrap();
    }
}

/// A model's job whose tasks come to a multiple of the advance, and are held for more than that.
fn dear(questions: usize, budget: &str) -> String {
    let job = models("standard", questions, budget);
    job.replace("max_output_tokens", "max_cost_per_task = \"0.05\"\nmax_output_tokens")
}

/// Each model's task charges three advances.
fn charging_three_advances() -> Rule {
    Rule::always(Fault::Overrun { usd: usd("0.03") })
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_expired_model_answer_costs_its_hold() {
    let mut world = World::new(quick(vec![charging_three_advances()]));
    super::live_for(&mut world, &dear(1, "1"), Duration::from_mins(1)).await;
    assert_eq!(world.tasks("submitted"), 1);
    tokio::time::advance(Duration::from_hours(24 * 40)).await;
    world.live_on(&dear(1, "1")).await;
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((world.tasks("failed"), audit.held, &audit.problems), (1, Money::ZERO, &vec![]));
    assert_eq!((audit.charged, bill.total), (usd("0.05"), usd("0.0302")), "never less than the bill");
    let odd = |event: &EventKind| if let EventKind::Odd { what, .. } = event { Some(what.clone()) } else { None };
    let told: Vec<String> = world.events.iter().filter_map(|event| odd(&event.kind)).collect();
    let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let sql =
        "SELECT substr(id, 1, 8) || '-' || substr(id, 9, 4) || '-' || substr(id, 13, 4) || '-' || substr(id, 17, 4)
               || '-' || substr(id, 21) FROM (SELECT provider_id AS id FROM attempts)";
    let id: String = db.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(
        told,
        [format!(
            "the answer of task {id} expired, so that nobody says what its model charged: the most that it may be, \
             $0.05, is booked; compare it with the provider's bill"
        )]
    );
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_recovered_purchase_is_held_at_worst_case() {
    // The answers come long after the ledger knows its purchases again.
    let hours = Duration::from_hours(5);
    let turnaround_responses = Spread { min: hours, max: hours };
    let mut world = World::new(Settings { turnaround_responses, ..quick(vec![charging_three_advances()]) });
    world.account.limits.user_data_per_minute = 6_000;
    world.live_on(&dear(1, "1")).await;
    let copy = world.copy();
    // Three more are bought, and none of them is answered before the copy is put back.
    super::live_for(&mut world, &dear(4, "1"), Duration::from_secs(30)).await;
    assert_eq!(world.bill().tasks, 4);
    world.restore(&copy);
    // There is room for the four that were bought. By what was taken of them at first, there seems to be more.
    let end = world.live_on(&dear(7, "0.13")).await;
    world.assert_books_agree();
    assert_eq!((end.cuts.len(), world.tasks("answered"), world.bill().total), (1, 4, usd("0.1208")));
    for (_, held, _, settled) in attempts(&world) {
        assert_eq!((held, settled), (50_000_000, Some(30_200_000)));
    }
}

/// A person said of one task of a lost batch that it had not been bought, and was wrong.
#[tokio::test(start_paused = true)]
async fn a_purchase_found_late_is_held_at_worst_case() {
    let mut world = World::new(quick(vec![charging_three_advances()]));
    let limits = &mut world.account.limits;
    (limits.calls_per_minute, limits.user_data_per_minute, limits.id_list_per_minute) = (600_000, 600_000, 600_000);
    world.live(&dear(3, "1"), Death { after_call: 4, ..Death::default() }).await;
    let mut ledger = world.open();
    let lost = ledger.unresolved(BatchId(2)).unwrap();
    ledger.record(vec![Change::NotBought { attempt: lost[0] }]).unwrap();
    drop(ledger);
    tokio::time::advance(Duration::from_mins(10)).await;
    super::live_for(&mut world, &dear(3, "1"), Duration::from_mins(2)).await;
    assert_eq!((world.tasks("submitted"), world.audit().held), (3, usd("0.1194")), "what was not taken at first");
    world.live_on(&dear(3, "1")).await;
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_model_purchase_is_marked_as_estimated() {
    let mut world = World::new(quick(vec![charging_three_advances()]));
    let (sandbox, clock, posts) = (Arc::clone(&world.sandbox), world.clock, Mutex::new(0));
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.spends {
            return outcome;
        }
        let mut posts = posts.lock().unwrap();
        *posts += 1;
        if *posts != 2 {
            return outcome;
        }
        again(&sandbox, clock, request);
        Err(Failure::NoAnswer("the connection was closed".to_owned()))
    }));
    world.live_on(&dear(2, "1")).await;
    let audit = world.audit();
    assert_eq!((world.bill().tasks, audit.extra_charges, audit.extra), (3, 1, usd("0.0102")));
    let told = "a second purchase under one tag; what its model charged in the end is said nowhere: compare it with the \
                provider's bill";
    assert_eq!(world.saw(|event| matches!(event, EventKind::UnmatchedCharge { why, .. } if why == told)), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_found_settled_uses_the_last_fee() {
    let raised = Fault::PriceChange { usd: usd("0.0006"), engine: None, priority: None };
    let rules = vec![Rule::nth(raised, Call::TaskPost, 1), Rule::nth(Fault::DropAfter, Call::TaskPost, 2)];
    let mut settings = quick(rules);
    settings.switches.list_settled_cost = true;
    let mut world = World::new(settings);
    let allowed = format!("max_price_drift = \"10%\"\n{}", models("standard", 3, "1"));
    super::live_for(&mut world, &allowed, Duration::from_secs(30)).await;
    assert_eq!(world.tasks("sending"), 2, "the first has shown the fee");
    tokio::time::advance(Duration::from_hours(48)).await;
    assert_eq!(world.live_on(&allowed).await.refused, None);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_raised_fee_found_once_is_remembered() {
    // Two purchases are lost, and found by what they came to. Read as taken at first, the last would have a nearer fee.
    let raised = Fault::PriceChange { usd: usd("0.0006"), engine: None, priority: None };
    let mut rules = vec![Rule::nth(raised, Call::TaskPost, 2)];
    rules.extend([2, 3].map(|nth| Rule::nth(Fault::DropAfter, Call::TaskPost, nth)));
    rules.push(Rule::nth(Fault::Overrun { usd: usd("0.009762") }, Call::TaskPost, 3));
    let mut settings = quick(rules);
    settings.switches.list_settled_cost = true;
    let mut world = World::new(settings);
    let allowed = format!("max_price_drift = \"10%\"\n{}", models("standard", 102, "2"));
    super::live_for(&mut world, &allowed, Duration::from_secs(30)).await;
    assert_eq!((world.tasks("sending"), world.bill().tasks), (101, 102));
    tokio::time::advance(Duration::from_hours(48)).await;
    assert_eq!(world.live_on(&allowed).await.refused, None);
    world.assert_all_answered_once(102);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_fee_is_asked_from_the_price_list() {
    // The fee alone is named, and reads as what the task came to at another fee.
    let raised = Fault::PriceChange { usd: usd("0.0006"), engine: None, priority: None };
    let faults = [raised, Fault::Overrun { usd: usd("0.00033") }, Fault::DropAfter];
    let mut settings = quick(faults.map(|fault| Rule::nth(fault, Call::TaskPost, 1)).to_vec());
    settings.switches.post_shows_advance = false;
    let mut world = World::new(settings);
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_secs(10)).await;
    assert_eq!(world.tasks("sending"), 1);
    tokio::time::advance(Duration::from_hours(48)).await;
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_all_answered_once(1);
}

#[tokio::test(start_paused = true)]
async fn a_provisional_cost_says_nothing_about_a_model() {
    // The purchase is found by what its task had come to, which reads like a raised fee, and its answer is gone by then.
    let mut settings = quick(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 1)]);
    settings.switches.list_settled_cost = true;
    settings.advanced_for = Duration::from_hours(24);
    let mut world = World::new(settings);
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_secs(10)).await;
    assert_eq!(world.tasks("sending"), 1);
    tokio::time::advance(Duration::from_hours(48)).await;
    world.live_on(&models("standard", 1, "1")).await;
    let end = world.live_on(&models("standard", 3, "1")).await;
    assert_eq!((world.tasks("failed"), world.tasks("answered")), (1, 2), "{end:?}");
    // The list has named what it came to.
    world.assert_books_agree();
    assert_eq!((world.audit().held, end.refused), (Money::ZERO, None));
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_row_names_the_first_charge() {
    // The fee has risen unseen, and with the model's charge the figure reads as what the task came to at another fee.
    let [raised, charge] = [usd("0.0007"), usd("0.0103")];
    let raised = Fault::PriceChange { usd: raised, engine: None, priority: None };
    let faults = [raised, Fault::Overrun { usd: charge }, Fault::DropAfter];
    let mut world = World::new(quick(faults.map(|fault| Rule::nth(fault, Call::TaskPost, 2)).to_vec()));
    let job =
        models("standard", 3, "1").replace("max_output_tokens", "max_cost_per_task = \"0.04\"\nmax_output_tokens");
    let job = format!("max_price_drift = \"10%\"\n{job}");
    super::live_for(&mut world, &job, Duration::from_mins(5)).await;
    assert_eq!((world.tasks("sending"), world.tasks("submitted")), (0, 3), "found, and not finished");
    tokio::time::advance(Duration::from_hours(48)).await;
    assert_eq!(world.live_on(&job).await.refused, None);
    world.assert_all_answered_once(3);
    world.assert_books_agree();
}
