//! Through the AIsa gateway: no task list to look anything up in, no account data, and endpoints that may not exist.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::engine::End;
use bursar::event::EventKind;
use bursar::ledger::{Books, Change, Lookups, Reports};
use bursar::money::Money;
use bursar::product::Function;
use bursar::sandbox::{Call, Fault, Gateway, Rule, Settings, Spread};

use super::world::World;
use super::{job, settings};

/// More than the answers take, and far less than a quarantine and two scans.
const SOON: Duration = Duration::from_mins(10);

/// A provider whose gateway passes on these calls besides what its pages show.
fn passing_on(also: &[Call], faults: Vec<Rule>) -> Settings {
    let quick = Spread { min: Duration::from_secs(5), max: Duration::from_secs(20) };
    let gateway = Gateway { also: also.iter().copied().collect(), ..Gateway::default() };
    Settings { gateway, live_takes: quick, turnaround_responses: quick_hour(), ..settings(faults) }
}

fn quick_hour() -> Spread {
    Spread { min: Duration::from_mins(12), max: Duration::from_mins(20) }
}

/// The scraper, asked Live.
fn live(questions: usize) -> String {
    job(questions).replace("engine = \"chat_gpt\"", "engine = \"chat_gpt\"\nmethod = \"live\"")
}

/// A model, asked by this method.
fn model(method: &str, questions: usize) -> String {
    let places = "locations = [\"United States\"]\nlanguages = [\"English\"]\n";
    let asked = format!("function = \"llm_responses\"\nmodel = \"gpt-4.1-mini\"\nmethod = \"{method}\"\n");
    job(questions).replace(places, &asked)
}

/// Notes the path of every call.
fn paths(world: &mut World) -> Arc<Mutex<Vec<String>>> {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&paths);
    world.meddle = Some(Arc::new(move |request, outcome| {
        noted.lock().unwrap().push(request.path.clone());
        outcome
    }));
    paths
}

fn calls(paths: &Mutex<Vec<String>>, part: &str) -> usize {
    paths.lock().unwrap().iter().filter(|path| path.contains(part)).count()
}

/// A session that ends by itself, and soon.
async fn soon(world: &mut World, job: &str) -> End {
    tokio::time::timeout(SOON, world.live_on(job)).await.expect("a session that has nobody to ask does not wait")
}

fn decide(world: &World, bought: bool) {
    let mut ledger = world.open();
    let (account, _) = ledger.account("main").unwrap().unwrap();
    for unknown_batches in ledger.unknown_batches(account).unwrap() {
        let change = |task: &bursar::ledger::UnresolvedTask| {
            let attempt = task.attempt;
            if bought {
                Change::ResolvedAsBought { attempt, posted_v: unknown_batches.sent_v }
            } else {
                Change::NotBought { attempt }
            }
        };
        let changes = ledger.unresolved_tasks(unknown_batches.batch).unwrap().iter().map(change).collect();
        ledger.record(changes).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_live_answers_need_no_account_list() {
    for job in [live(3), model("live", 3)] {
        let mut world = World::through_gateway(passing_on(&[], vec![]));
        let paths = paths(&mut world);
        let end = soon(&mut world, &job).await;
        assert_eq!((end.refused, end.in_doubt), (None, 0));
        world.assert_all_answered_once(3);
        let seen = paths.lock().unwrap().clone();
        assert_eq!(seen[0], "/v3/ai_optimization/chat_gpt/llm_responses/models", "the first contact");
        assert_eq!(calls(&paths, "/live"), 3);
        assert_eq!(seen.len(), 4, "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_fetched_by_id_without_tasks_ready() {
    for (also, listed) in [(&[Call::TaskGet][..], 1), (&[Call::TaskGet, Call::TasksReady], 2)] {
        let mut world = World::through_gateway(passing_on(also, vec![]));
        let paths = paths(&mut world);
        let end = tokio::time::timeout(Duration::from_mins(50), world.live_on(&model("standard", 7))).await.unwrap();
        assert_eq!((end.refused, end.in_doubt, end.late), (None, 0, 0));
        world.assert_all_answered_once(7);
        let none = "llm_responses/task_get/00000000-0000-0000-0000-000000000000";
        assert_eq!((calls(&paths, none), calls(&paths, "/models")), (1, 0), "the first contact");
        assert!(calls(&paths, "tasks_ready").min(2) == listed, "{}", calls(&paths, "tasks_ready"));
        assert!(calls(&paths, "task_get") < 60, "{}: it is asked politely", calls(&paths, "task_get"));
        assert_eq!(calls(&paths, "id_list") + calls(&paths, "user_data") + calls(&paths, "status"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_collection_buys_nothing() {
    let mut world = World::through_gateway(passing_on(&[], vec![]));
    let paths = paths(&mut world);
    let both = model("standard", 3)
        + "\n[[prompt_set]]\nname = \"live\"\nengine = \"gemini\"\nmethod = \"live\"\nlocations = [\"Germany\"]\n\
           languages = [\"de\"]\nprompts = [\"which bike?\"]\n";
    for _ in 0..2 {
        let end = soon(&mut world, &both).await;
        assert_eq!(
            end.refused.unwrap(),
            "3 tasks of llm_responses/chat_gpt are not bought: their answers could not be collected through this route \
             (task_get: There is no such endpoint. (HTTP 404)); ask by method = \"live\", or with an account at the provider \
             itself"
        );
    }
    world.assert_books_agree();
    assert_eq!((world.bill().tasks, world.tasks("planned"), world.tasks("answered")), (1, 3, 1));
    assert_eq!((calls(&paths, "task_post"), world.audit().held), (0, Money::ZERO));
    let told =
        |kind: &EventKind| matches!(kind, EventKind::Odd { what, .. } if what.contains("There is no such endpoint."));
    assert_eq!(world.saw(told), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_is_asked_briefly_and_skipped() {
    for fault in [
        Fault::ErrorBefore { status: 502, html: false },
        Fault::Throttle429 { after: Duration::from_secs(7) },
        Fault::Html200,
    ] {
        let rule = Rule { call: Some(Call::TaskGet), ..Rule::always(fault) };
        let mut world = World::through_gateway(passing_on(&[Call::TaskGet], vec![rule]));
        let paths = paths(&mut world);
        let end = soon(&mut world, &model("standard", 3)).await;
        assert!(end.refused.unwrap().starts_with("3 tasks of llm_responses/chat_gpt are not bought"));
        assert_eq!((calls(&paths, "task_get"), calls(&paths, "task_post"), world.bill().tasks), (5, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateways_lost_reply_stays_in_doubt() {
    for bought in [true, false] {
        for fault in [Fault::DropAfter, Fault::ErrorAfter { status: 502, html: false }] {
            let lost = Rule::nth(fault, Call::Live, 2).at_the_gateway();
            let mut world = World::through_gateway(passing_on(&[], vec![lost]));
            let paths = paths(&mut world);
            for _ in 0..3 {
                let end = soon(&mut world, &live(3)).await;
                assert_eq!((end.refused, end.in_doubt, end.unlisted), (None, 1, true));
                assert_eq!((world.bill().tasks, world.tasks("answered"), world.audit().in_doubt), (3, 2, 1));
                assert_eq!(world.audit().held, Money::from_nanos(4_000_000), "it counts as spent");
                tokio::time::sleep(Duration::from_hours(40)).await;
            }
            assert_eq!(calls(&paths, "id_list"), 0);
            decide(&world, bought);
            let end = soon(&mut world, &live(3)).await;
            assert_eq!((end.refused, end.in_doubt, world.audit().held), (None, 0, Money::ZERO));
            let (tasks, answered, failed) = (world.bill().tasks, world.tasks("answered"), world.tasks("failed"));
            // Who says that it was not bought pays twice where it was.
            assert_eq!((tasks, answered, failed), if bought { (3, 2, 1) } else { (4, 3, 0) });
            if bought {
                world.assert_books_agree();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_ready_settles_gateway_doubt_if_it_exists() {
    let lost = Rule::nth(Fault::DropAfter, Call::TaskPost, 2).at_the_gateway();
    let mut world = World::through_gateway(passing_on(&[Call::TaskGet, Call::TasksReady], vec![lost]));
    let end = world.live_on(&model("standard", 3)).await;
    assert_eq!((end.refused, end.in_doubt), (None, 2), "nobody waits for it");
    for _ in 0..2 {
        assert!(world.bill().tasks <= 4);
        world.live_on(&model("standard", 4)).await;
    }
    world.assert_all_answered_once(4);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_refusal_is_reported_in_its_words() {
    let wrong_key = |mut settings: Settings| {
        "another-key".clone_into(&mut settings.gateway.key);
        settings
    };
    let broke = |settings: Settings| Settings { start_balance: Money::ZERO, ..settings };
    let plain = |mut settings: Settings| {
        settings.gateway.plain_errors = true;
        settings
    };
    let usual = || passing_on(&[Call::TaskGet], vec![]);
    let wrong_call = Rule { call: Some(Call::Live), ..Rule::always(Fault::ErrorBefore { status: 422, html: false }) };
    let refused_alone = "2 tasks are not bought: their requests, in which each stood alone, were refused (The request cannot \
                         be passed on. (HTTP 422)), and no other request was read since that would show that the way to \
                         the provider is open; a later session tries again, and `bursar doctor` looks at the way";
    for (settings, job, said) in [
        (wrong_key(usual()), live(2), "the provider refuses: The key is not known. (HTTP 401)"),
        (plain(wrong_key(usual())), live(2), "the provider refuses: The key is not known. (HTTP 401)"),
        (wrong_key(usual()), model("standard", 2), "the provider refuses: The key is not known. (HTTP 401)"),
        (broke(usual()), live(2), "the provider refuses: The balance does not cover this request. (HTTP 402)"),
        (plain(broke(usual())), live(2), "the provider refuses: The balance does not cover this request. (HTTP 402)"),
        (passing_on(&[], vec![wrong_call]), live(2), refused_alone),
    ] {
        let mut world = World::through_gateway(settings);
        let end = soon(&mut world, &job).await;
        assert_eq!((end.refused.as_deref(), end.in_doubt), (Some(said), 0));
        assert_eq!((world.bill().tasks, world.tasks("planned"), world.audit().held), (0, 2, Money::ZERO), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsold_endpoint_leaves_its_money_to_others() {
    let known = [Call::TaskGet, Call::TasksReady];
    // The money is enough for two tasks, and the first set comes first.
    let rest = "[[prompt_set]]\nname = \"rest\"\nengine = \"gemini\"\nlocations = [\"Germany\"]\nlanguages = [\"de\"]\n\
                prompts = [\"which bike?\", \"which lock?\"]\n";
    let both = job(3).replace("run = \"1\"", "run = \"0.0024\"") + rest;
    let mut world = World::through_gateway(passing_on(&known, vec![]));
    let paths = paths(&mut world);
    for (start, job) in [(1, both.clone()), (2, both.replace("0.0024", "1"))] {
        let end = world.live_on(&job).await;
        assert_eq!(
            end.refused.unwrap(),
            "3 tasks of llm_scraper/chat_gpt are not bought: the call that buys them is not known on this route \
             (task_post: There is no such endpoint. (HTTP 404)); ask by method = \"live\", or with an account at the provider \
             itself"
        );
        assert_eq!((end.in_doubt, end.given_up), (0, 0));
        world.assert_books_agree();
        assert_eq!((world.bill().tasks, world.tasks("planned"), world.tasks("answered")), (2, 3, 2));
        assert_eq!((calls(&paths, "chat_gpt/llm_scraper/task_post"), world.audit().held), (start, Money::ZERO));
    }
    let told =
        |kind: &EventKind| matches!(kind, EventKind::Odd { what, .. } if what.contains("There is no such endpoint."));
    assert_eq!(world.saw(told), 2);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_gone_midway_is_skipped_afterwards() {
    let gone = Rule { from: Duration::from_secs(40), ..Rule::always(Fault::ErrorBefore { status: 404, html: false }) };
    let gone = Rule { call: Some(Call::Live), function: Some(Function::LlmScraper), ..gone };
    let mut world = World::through_gateway(passing_on(&[], vec![gone]));
    let rest = "[[prompt_set]]\nname = \"models\"\nengine = \"chat_gpt\"\nfunction = \"llm_responses\"\nmethod = \"live\"\n\
                model = \"gpt-4.1-mini\"\nprompts = [\"which bike?\", \"which lock?\"]\n";
    let end = soon(&mut world, &(live(40) + rest)).await;
    let (left, answered) = (world.tasks("planned"), world.tasks("answered"));
    assert!(left > 0 && answered > 2 && left + answered == 42, "{left} left, {answered} answered");
    assert_eq!(
        end.refused.unwrap(),
        format!(
            "{left} tasks of llm_scraper/chat_gpt are not bought: the call that buys them is not known on this route \
             (live: There is no such endpoint. (HTTP 404)); ask by method = \"standard\", or with an account at the provider \
             itself"
        )
    );
    world.assert_books_agree();
    assert_eq!((world.audit().held, world.bill().tasks, end.given_up), (Money::ZERO, answered, 0));
    let models = |sale: &bursar::sandbox::Sale| sale.function == Function::LlmResponses;
    assert_eq!(world.sandbox.lock().unwrap().sales().filter(models).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_unknown_to_the_provider_stops_buying() {
    let gone = Rule { call: Some(Call::TaskPost), ..Rule::always(Fault::ErrorBefore { status: 404, html: true }) };
    let mut world = World::new(passing_on(&[], vec![gone]));
    let end = soon(&mut world, &job(3)).await;
    assert!(end.refused.unwrap().starts_with("the provider refuses: "));
    assert_eq!((world.bill().tasks, world.tasks("planned"), world.audit().held), (0, 3, Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn throttled_calls_wait_as_the_gateway_says() {
    let wait = Duration::from_secs(47);
    let throttled = Rule { times: Some(1), ..Rule::always(Fault::Throttle429 { after: wait }) }.at_the_gateway();
    let mut world = World::through_gateway(passing_on(&[], vec![Rule { call: Some(Call::Live), ..throttled }]));
    let end = soon(&mut world, &live(3)).await;
    assert_eq!((end.refused, end.in_doubt), (None, 0));
    world.assert_all_answered_once(3);
    let paused = |kind: &EventKind| matches!(kind, EventKind::Paused { for_ms: 47_000..48_000, .. });
    assert_eq!(world.saw(paused), 1);
}

#[tokio::test(start_paused = true)]
async fn a_spent_minute_waits_for_the_next_one() {
    let at_once = Spread { min: Duration::from_millis(10), max: Duration::from_millis(10) };
    let mut world = World::through_gateway(Settings { live_takes: at_once, ..passing_on(&[], vec![]) });
    (world.account.limits.calls_per_minute, world.account.limits.in_flight) = (6_000, 1);
    let end = soon(&mut world, &live(150)).await;
    assert_eq!((end.refused, end.in_doubt), (None, 0));
    world.assert_all_answered_once(150);
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::Paused { .. })), 0, "it was never refused");
}

#[tokio::test(start_paused = true)]
async fn a_restored_gateway_ledger_waits_for_a_decision() {
    let mut world = World::through_gateway(passing_on(&[], vec![]));
    soon(&mut world, &live(1)).await;
    let copy = world.copy();
    soon(&mut world, &live(2)).await;
    world.restore(&copy);
    for _ in 0..2 {
        let end = soon(&mut world, &live(3)).await;
        let refused = end.refused.unwrap();
        assert!(refused.contains("bursar resolve --restored main"), "{refused}");
        assert_eq!((end.in_doubt, world.bill().tasks, world.tasks("planned")), (1, 2, 2));
        tokio::time::sleep(Duration::from_hours(40)).await;
    }
    let mut ledger = world.open();
    let (account, _) = ledger.account("main").unwrap().unwrap();
    ledger.record(vec![Change::RestoredDone { account }]).unwrap();
    drop(ledger);
    let end = soon(&mut world, &live(3)).await;
    assert_eq!((end.refused, end.in_doubt, world.tasks("answered")), (None, 0, 3));
}
