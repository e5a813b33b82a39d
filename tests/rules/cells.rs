//! Every function, engine and method in one job, and the ways in which their money moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::ledger::Books;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};

use super::settings;
use super::world::{Death, World};

/// One question of every kind that is sold.
const CELLS: &str = r#"
name = "cells"
[budget]
run = "5"
[defaults]
locations = ["United States"]
languages = ["English"]
[[prompt_set]]
name = "pages"
prompts = ["which crm for small firms?"]
targets = [{ engine = "chat_gpt" }, { engine = "gemini", priority = "high" }]
[[prompt_set]]
name = "pages-live"
prompts = ["what is a good city bike?"]
method = "live"
targets = [{ engine = "chat_gpt" }, { engine = "gemini" }]
[[prompt_set]]
name = "models"
prompts = ["Name three city bikes sold in Austria."]
function = "llm_responses"
max_output_tokens = 400
targets = [
  { engine = "chat_gpt", model_name = "gpt-4.1-mini", temperature = 0.3, web_search = true },
  { engine = "claude", model_name = "claude-sonnet-4" },
  { engine = "gemini", model_name = "gemini-2.5-flash" },
]
[[prompt_set]]
name = "models-live"
prompts = ["Name three tents."]
function = "llm_responses"
method = "live"
max_output_tokens = 400
max_cost_per_task = "0.05"
targets = [
  { engine = "chat_gpt", model_name = "gpt-4o" },
  { engine = "claude", model_name = "claude-3-5-haiku" },
  { engine = "gemini", model_name = "gemini-2.5-flash" },
  { engine = "perplexity", model_name = "sonar" },
]
"#;
const ALL: u64 = 11;

/// So many questions for one model.
pub(crate) fn models(method: &str, questions: usize, budget: &str) -> String {
    let prompts: Vec<String> = (1..=questions).map(|n| format!("\"question {n}?\"")).collect();
    format!(
        "name = \"models\"\n[budget]\nrun = \"{budget}\"\n[[prompt_set]]\nname = \"all\"\nengine = \"chat_gpt\"\n\
         function = \"llm_responses\"\nmethod = \"{method}\"\nmodel_name = \"gpt-4.1-mini\"\nmax_output_tokens = 400\n\
         prompts = [{}]\n",
        prompts.join(", ")
    )
}

/// A provider whose models answer within an hour.
pub(crate) fn quick(rules: Vec<Rule>) -> Settings {
    let hour = Spread { min: Duration::from_mins(20), max: Duration::from_hours(1) };
    Settings { turnaround_responses: hour, ..settings(rules) }
}

fn struck(fault: Fault, call: Call) -> World {
    World::new(quick(vec![Rule::nth(fault, call, 2)]))
}

pub(crate) fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

/// What each attempt was held, posted and settled at, as the ledger shows it.
pub(crate) fn attempts(world: &World) -> Vec<(String, i64, Option<i64>, Option<i64>)> {
    let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let mut statement =
        db.prepare("SELECT state, held_nano, posted_nano, settled_nano FROM attempts ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_job_of_every_product_balances_its_books() {
    let mut world = World::new(quick(vec![]));
    let end = world.live_on(CELLS).await;
    assert_eq!((end.refused, end.in_doubt), (None, 0));
    world.assert_all_answered_once(ALL);
}

#[tokio::test(start_paused = true)]
async fn every_product_survives_a_death_at_any_call() {
    let calls = World::new(quick(vec![])).live(CELLS, Death::default()).await.calls;
    // Every call up to the first answers, then a sample of the rest.
    for call in (1..=16).chain((17..=calls).step_by(41 * super::world::sampled(3))) {
        for death in [Death { before_call: call, after_call: 0 }, Death { before_call: 0, after_call: call }] {
            let mut world = World::new(quick(vec![]));
            world.live(CELLS, death).await;
            let end = world.live_on(CELLS).await;
            world.assert_books_agree();
            let lost = world.tasks("failed");
            assert_eq!((end.in_doubt, world.audit().held), (0, Money::ZERO), "{death:?}");
            // A Live answer that was on its way is lost and paid; what was never sold is bought.
            assert_eq!((world.tasks("answered") + lost, world.bill().tasks), (ALL, ALL), "{death:?}");
            assert!(lost <= 6, "no more than was under way: {lost} lost, {death:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_task_settles_from_worst_case_to_charge() {
    let mut world = World::new(quick(vec![]));
    world.live_on(&models("standard", 3, "1")).await;
    world.assert_all_answered_once(3);
    for (state, held, posted, settled) in attempts(&world) {
        // 100 bytes of prompt and more around it at $0.40, and 400 tokens at $1.60 a million: less than the advance.
        assert_eq!((&*state, held, posted), ("answered", 10_200_000, Some(10_200_000)));
        assert!((200_000..10_200_000).contains(&settled.unwrap()), "{settled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn released_holds_let_a_tight_run_finish() {
    // Twenty tasks hold $0.204 at once, and cost about $0.016 in the end.
    let mut world = World::new(quick(vec![]));
    let end = world.live_on(&models("standard", 20, "0.03")).await;
    assert!(end.cuts.is_empty(), "{:?}", end.cuts);
    world.assert_all_answered_once(20);
    assert!(world.bill().total <= usd("0.03"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_above_its_hold_stops_its_target() {
    let overrun = Fault::Overrun { usd: usd("0.25") };
    let mut world = World::new(quick(vec![Rule::nth(overrun, Call::TaskPost, 1)]));
    let end = world.live_on(&models("standard", 20, "0.03")).await;
    world.assert_books_agree();
    let audit = world.audit();
    assert_eq!((audit.held, audit.in_doubt), (Money::ZERO, 0));
    assert!(audit.overrun >= usd("0.24"), "{:?}", audit.overrun);
    let price = "llm_responses/chat_gpt/standard/normal/gpt-4.1-mini";
    assert_eq!(world.saw(|event| matches!(event, EventKind::CostBeyondHold { price: at, .. } if at == price)), 1);
    let bought = world.bill().tasks;
    assert!(bought < 20, "what was in flight, and no more: {bought}");
    let refused = end.refused.unwrap();
    assert!(refused.contains(&format!("charges $0.2502 for one of {price}")), "{refused}");
    // The next session knows it, until a person allows it.
    let end = world.live_on(&models("standard", 20, "5")).await;
    assert!(end.refused.is_some());
    assert_eq!(world.bill().tasks, bought);
    let allowed =
        models("standard", 20, "9").replace("max_output_tokens", "max_cost_per_task = \"0.26\"\nmax_output_tokens");
    assert_eq!(world.live_on(&allowed).await.refused, None);
    world.assert_books_agree();
    assert_eq!(world.tasks("answered"), 20);
}

#[tokio::test(start_paused = true)]
async fn a_task_never_finished_costs_its_fee() {
    let mut world = World::new(quick(vec![Rule::nth(Fault::NeverDone, Call::TaskPost, 1)]));
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.audit().held), (1, Money::ZERO));
    assert_eq!(world.bill().total, usd("0.0002"), "the advance came back");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_early_costs_what_was_taken() {
    let fails = Fault::PaidFailure { code: 40_101, at_post: false };
    let mut world = World::new(quick(vec![Rule::nth(fails, Call::TaskPost, 1)]));
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.audit().held), (1, Money::ZERO));
    assert_eq!(world.bill().total, usd("0.0102"));
}

#[tokio::test(start_paused = true)]
async fn a_fee_named_alone_still_takes_the_advance() {
    let mut settings = quick(vec![]);
    settings.switches.post_shows_advance = false;
    let mut world = World::new(settings);
    let end = world.live_on(&models("standard", 5, "1")).await;
    assert_eq!(end.refused, None);
    world.assert_all_answered_once(5);
    assert!(attempts(&world).iter().all(|attempt| attempt.2 == Some(200_000)), "by its own word");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_settled_costs_changes_no_books() {
    for shown in [false, true] {
        let mut settings = quick(vec![]);
        settings.switches.list_settled_cost = shown;
        settings.faults = vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)].into();
        let mut world = World::new(settings);
        world.live_on(&models("standard", 5, "1")).await;
        world.assert_all_answered_once(5);
        assert_eq!(world.saw(|event| matches!(event, EventKind::CostDiffers { .. })), 0, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_live_answer_is_paid_and_reported() {
    for fault in [Fault::LiveLost, Fault::DropAfter, Fault::LiveTimeout { charged: true }] {
        let mut world = struck(fault.clone(), Call::Live);
        let end = world.live_on(&models("live", 4, "1")).await;
        assert_eq!(end.in_doubt, 0, "{fault:?}");
        world.assert_books_agree();
        assert_eq!((world.tasks("answered"), world.tasks("failed"), world.bill().tasks), (3, 1, 4), "{fault:?}");
        assert_eq!(world.saw(|event| matches!(event, EventKind::LiveLost { .. })), 1, "{fault:?}");
        world.live_on(&models("live", 4, "1")).await;
        assert_eq!(world.bill().tasks, 4, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsold_live_call_is_bought_again() {
    for fault in [Fault::RefuseBefore, Fault::DropBefore, Fault::LiveTimeout { charged: false }] {
        let mut world = struck(fault.clone(), Call::Live);
        let mut end = world.live_on(&models("live", 4, "1")).await;
        if end.in_doubt > 0 {
            end = world.live_on(&models("live", 4, "1")).await;
        }
        assert_eq!(end.in_doubt, 0, "{fault:?}");
        world.assert_books_agree();
        assert_eq!((world.tasks("answered"), world.bill().tasks), (4, 4), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn live_doubt_is_settled_by_purchases_of_its_minute() {
    let mut world = struck(Fault::DropBefore, Call::Live);
    let end = super::live_for(&mut world, &models("live", 4, "1"), Duration::from_mins(45)).await;
    assert_eq!((end.map(|end| end.in_doubt), world.bill().tasks), (Some(0), 4));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_live_answer_without_result_is_kept() {
    let mut world = World::new(quick(vec![]));
    world.meddle = Some(std::sync::Arc::new(|request, outcome| {
        if !request.path.contains("/live") {
            return outcome;
        }
        super::rows::changed(outcome, |body| body["tasks"][0]["result"] = serde_json::Value::Null)
    }));
    world.live_on(&models("live", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("answered"), world.bill().tasks), (1, 1));
    assert_eq!(super::odd::kept(&world), ["null_result"]);
}

#[tokio::test(start_paused = true)]
async fn concurrent_live_calls_stay_within_their_limit() {
    let mut settings = quick(vec![]);
    settings.live_at_once = 3;
    settings.live_takes = Spread { min: Duration::from_mins(1), max: Duration::from_mins(1) };
    let mut world = World::new(settings);
    world.account.limits.live_in_flight = 3;
    let end = world.live_on(&models("live", 10, "1")).await;
    assert_eq!(end.in_doubt, 0);
    world.assert_all_answered_once(10);
}

#[tokio::test(start_paused = true)]
async fn a_provider_with_fewer_live_calls_loses_none() {
    let mut settings = quick(vec![]);
    settings.live_at_once = 2;
    settings.live_takes = Spread { min: Duration::from_mins(1), max: Duration::from_mins(1) };
    let mut world = World::new(settings);
    let end = world.live_on(&models("live", 10, "1")).await;
    assert_eq!((end.in_doubt, end.given_up), (0, 0));
    world.assert_all_answered_once(10);
}

#[tokio::test(start_paused = true)]
async fn a_restored_ledger_recovers_models_and_live_purchases() {
    let mut world = World::new(quick(vec![]));
    world.live_on(&models("standard", 1, "1")).await;
    let copy = world.copy();
    world.live_on(CELLS).await;
    let bill = world.bill();
    world.restore(&copy);
    world.live_on(CELLS).await;
    let after = world.bill();
    assert_eq!((after.tasks, after.total), (bill.tasks, bill.total), "nothing was bought again");
    world.assert_books_agree();
    // Their answers went with their connections.
    assert_eq!((world.tasks("answered"), world.tasks("failed")), (ALL - 6 + 1, 6));
}

#[tokio::test(start_paused = true)]
async fn a_withheld_answer_is_not_bought_again() {
    let withheld = Rule { from: Duration::from_mins(5), ..Rule::always(Fault::NegativeBalance) };
    let mut world = World::new(quick(vec![Rule { until: Some(Duration::from_hours(6)), ..withheld }]));
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    world.meddle = Some(Arc::new(move |request, outcome| {
        *count.lock().unwrap() += u64::from(request.path.contains("task_get"));
        outcome
    }));
    let end = world.live_on(&models("standard", 3, "1")).await;
    assert_eq!((end.in_doubt, end.waiting), (0, 0));
    world.assert_all_answered_once(3);
    let asked = *asked.lock().unwrap();
    assert!((10..150).contains(&asked), "every ten minutes for six hours, and not whenever a list shows them: {asked}");
    let told = "answers that are paid for are kept back until the account has money again: pay some in, and they are \
                fetched by themselves";
    assert_eq!(world.saw(|event| matches!(event, EventKind::Odd { what, .. } if what == told)), 1);
}

#[tokio::test(start_paused = true)]
async fn a_models_task_found_late_settles_by_its_answer() {
    let drop = Rule::nth(Fault::DropAfter, Call::TaskPost, 2);
    let mut world = World::new(quick(vec![drop, Rule::nth(Fault::ListOutage, Call::IdList, 1)]));
    // A person says too early that it was not bought.
    super::live_for(&mut world, &models("standard", 5, "1"), Duration::from_secs(30)).await;
    let unknown_batches = attempts(&world).iter().filter(|attempt| attempt.0 == "sending").count();
    let mut ledger = world.open();
    let given_up = (2..2 + i64::try_from(unknown_batches).unwrap())
        .map(|attempt| bursar::ledger::Change::NotBought { attempt: bursar::ids::AttemptId(attempt) });
    ledger.record(given_up.collect()).unwrap();
    ledger.tidy();
    std::mem::drop(ledger);
    world.account.limits.in_flight = 1;
    world.live_on(&models("standard", 5, "0.00001").replace("0.00001", "0.0110")).await;
    let audit = world.audit();
    assert_eq!((audit.problems, audit.held, audit.in_doubt), (vec![], Money::ZERO, 0));
    assert_eq!(audit.charged, world.bill().total, "{unknown_batches} in doubt");
}

#[tokio::test(start_paused = true)]
async fn a_listed_model_cost_is_not_a_price() {
    let drop = Rule::nth(Fault::DropAfter, Call::TaskPost, 1);
    let dear = Rule::nth(Fault::Overrun { usd: usd("0.02") }, Call::TaskPost, 1);
    let mut settings = quick(vec![drop, dear]);
    settings.switches.list_settled_cost = true;
    settings.turnaround_responses = Spread { min: Duration::from_secs(1), max: Duration::from_secs(1) };
    let mut world = World::new(settings);
    // Enough is held for one that comes to $0.0202: that is no price above the list's.
    let job =
        models("standard", 5, "1").replace("max_output_tokens", "max_cost_per_task = \"0.05\"\nmax_output_tokens");
    assert_eq!(world.live_on(&job).await.refused, None);
    world.assert_all_answered_once(5);
}
