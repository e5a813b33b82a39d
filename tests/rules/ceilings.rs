//! Caps: the day in which money counts, and whose purchases count together.

use std::ops::ControlFlow;
use std::time::Duration;

use bursar::clock::Clock;
use bursar::engine::{self, StopWord};
use bursar::ids::RunId;
use bursar::ledger::{Books, Draft, DraftTask, ExportRow, Lookups, Reports};
use bursar::money::Money;
use bursar::product::{Engine, Function, Method};
use bursar::sandbox::{Call, Fault, Rule};
use tokio::sync::watch;

use super::world::{Death, World};
use super::{PRICE, job, live_for, named, settings};

fn tasks(count: i64) -> Money {
    Money::from_nanos(count * PRICE.nanos())
}

/// What the account's cap of the day leaves at a moment.
fn left(world: &World, at: &str) -> Money {
    let at = chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp();
    let (_, shared) = world.open().headrooms(RunId(1), at, at).unwrap();
    shared.iter().find(|headroom| headroom.name.contains("UTC day")).unwrap().left
}

/// A world at ten to midnight, where the account may spend so much in a day.
fn near_midnight(cap: Money, rules: Vec<Rule>) -> World {
    let mut world = World::new(settings(rules));
    world.clock = Clock::starting_at("2026-11-22T23:50:00Z".parse().unwrap());
    world.account.caps.day = Some(cap);
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_hold_at_midnight_counts_in_both_days() {
    let lost = Rule::nth(Fault::DropAfter, Call::TaskPost, 2);
    let outage = Rule { until: Some(Duration::from_mins(25)), ..Rule::always(Fault::ListOutage) };
    let mut world = near_midnight(tasks(10), vec![lost, outage]);
    assert_eq!(live_for(&mut world, &job(5), Duration::from_mins(20)).await, None);
    // The first task is charged; four are in doubt, and may turn out to be charged on either day.
    assert_eq!(world.audit().held, tasks(4));
    assert_eq!(left(&world, "2026-11-22T23:55:00Z"), tasks(10 - 1 - 4));
    assert_eq!(left(&world, "2026-11-23T00:10:00Z"), tasks(10 - 4));
    world.live_on(&job(5)).await;
    world.assert_all_answered_once(5);
    assert_eq!(left(&world, "2026-11-22T23:55:00Z"), tasks(10 - 5));
    assert_eq!(left(&world, "2026-11-23T00:10:00Z"), tasks(10));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_days_cap_is_spent_once_a_day() {
    let mut world = near_midnight(tasks(3), vec![]);
    let end = live_for(&mut world, &job(8), Duration::from_mins(8)).await;
    assert_eq!((end, world.bill().tasks), (None, 3));
    tokio::time::advance(Duration::from_mins(7)).await;
    world.live_on(&job(8)).await;
    assert_eq!(world.bill().tasks, 6);
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
pub(crate) async fn two_jobs_never_exceed_their_accounts_cap() {
    for cap in [1, 5, 7] {
        let mut world = World::new(settings(vec![]));
        world.account.caps.day = Some(tasks(cap));
        let (_word, stop) = watch::channel(StopWord::None);
        let jobs = [named("first", 4), named("second", 4)];
        let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
        let end = world.live_all(&jobs, Death::default(), stop).await.end.unwrap();
        assert_eq!(world.bill().total, tasks(cap));
        world.assert_books_agree();
        let cuts: Vec<&str> = end.cuts.iter().map(|(_, headroom)| headroom.name.as_str()).collect();
        assert!(
            !cuts.is_empty() && cuts.iter().all(|cut| *cut == "account's cap of the UTC day 2026-11-22"),
            "{cuts:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_balance_is_kept_while_the_config_asks() {
    let mut world = World::new(settings(vec![]));
    // The account holds $1,000: two tasks leave what is to be kept.
    world.account.caps.keep_balance = Some("999.9976".parse().unwrap());
    let end = world.live_on(&job(5)).await;
    let cuts: Vec<&str> = end.cuts.iter().map(|(_, headroom)| headroom.name.as_str()).collect();
    assert_eq!((cuts, world.bill().tasks), (vec!["account's balance to keep"], 2));
    world.account.caps.keep_balance = None;
    let end = world.live_on(&job(5)).await;
    assert_eq!(end.cuts, Vec::new());
    world.assert_all_answered_once(5);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_stale_balance_is_kept_over_three_killed_sessions() {
    let stale = Rule::always(Fault::StaleBalance { after: Duration::from_mins(2) });
    let mut world = World::new(settings(vec![stale]));
    // Of the $1,000 of the account, $999.88 are to be kept: room for a hundred tasks.
    world.account.caps.keep_balance = Some("999.88".parse().unwrap());
    let job = job(600).replace("run = \"1\"", "run = \"2\"");
    for calls in [5, 6, 7] {
        world.live(&job, Death { after_call: calls, ..Death::default() }).await;
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    let end = live_for(&mut world, &job, Duration::from_hours(6)).await.expect("the session ends");
    assert_eq!(end.cuts.len(), 1);
    assert!(world.bill().total <= tasks(100), "{} of {} were bought past it", world.bill().total, tasks(100));
    world.assert_books_agree();
    // Ten minutes after the last purchase the figure has all of them: nothing is taken off it twice.
    tokio::time::advance(Duration::from_mins(11)).await;
    live_for(&mut world, &job, Duration::from_hours(6)).await.expect("the session ends");
    assert_eq!(world.bill().total, tasks(100));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_counts_in_the_providers_billing_day() {
    let ahead = Rule::always(Fault::ClockSkew { seconds: 900 });
    let mut world = near_midnight(tasks(10), vec![ahead]);
    world.live_on(&job(3)).await;
    world.assert_all_answered_once(3);
    assert_eq!(left(&world, "2026-11-22T23:55:00Z"), tasks(10), "this machine's day");
    assert_eq!(left(&world, "2026-11-23T00:10:00Z"), tasks(10 - 3), "the provider's day");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_reservation_above_a_cap_is_always_refused() {
    let world = World::new(settings(vec![]));
    let mut ledger = world.open();
    ledger.begin(&world.folder.path().join("state"), 0).unwrap();
    let account = engine::bring_account(&mut ledger, &world.account, "sandbox").unwrap();
    let short = job(5).replace("run = \"1\"", "run = \"0.0036\"");
    let run = world.prepare(&mut ledger, account, &short).unwrap().terms.run;
    let (engine, function) = (Engine::ChatGpt, Function::LlmScraper);
    let planned = ledger.next_to_buy(run, 0, 5).unwrap();
    let drafts = planned.chunks(2).map(|two| Draft {
        run,
        engine,
        function,
        method: Method::Standard,
        tasks: two
            .iter()
            .map(|planned| DraftTask { task: planned.task, hold: PRICE, previous: None, number: 1 })
            .collect(),
        sent_v: 0,
        hold_to_v: 0,
    });
    let outcomes = ledger.reserve(&drafts.collect::<Vec<_>>()).unwrap();
    let held: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(held, [true, false, true], "two tasks, two more, and the last: there is money for three");
    assert_eq!(ledger.audit().unwrap().held, tasks(3));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn nothing_behind_the_first_unaffordable_task_is_bought() {
    let set = |priority: &str| {
        format!(
            "[[prompt_set]]\nname = \"{priority}\"\nengine = \"chat_gpt\"\npriority = \"{priority}\"\n\
             locations = [\"United States\"]\nlanguages = [\"English\"]\nrepeats = 5\n\
             prompts = [\"which, at {priority}?\"]\n"
        )
    };
    // In turn by the money given to each: one at $0.0024, two at $0.0012, and then one at $0.0024 does not fit.
    let job = format!("name = \"rules\"\n[budget]\nrun = \"0.006\"\n{}{}", set("high"), set("normal"));
    let mut world = World::new(settings(vec![]));
    let end = world.live_on(&job).await;
    assert_eq!((end.cuts.len(), world.bill().tasks, world.bill().total), (1, 3, tasks(4)));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_question_of_two_sets_names_both_in_the_export() {
    let world = World::new(settings(Vec::new()));
    let second = "[[prompt_set]]\nname = \"second\"\nengine = \"chat_gpt\"\nlocations = [\"United States\"]\n\
                  languages = [\"English\"]\nprompts = [\"question 2 of rules?\", \"another question?\"]\n";
    let mut ledger = world.open();
    let account = engine::bring_account(&mut ledger, &world.account, "sandbox").unwrap();
    let run = world.prepare(&mut ledger, account, &(job(2) + second)).unwrap().terms.run;
    let mut rows = Vec::new();
    let mut each = |row: ExportRow| {
        rows.push((row.prompt, row.set, row.also_in.join(" ")));
        ControlFlow::Continue(())
    };
    ledger.export(run, false, &mut each).unwrap();
    rows.sort();
    let row = |prompt: &str, set: &str, also_in: &str| (prompt.to_owned(), set.to_owned(), also_in.to_owned());
    assert_eq!(
        rows,
        [
            row("another question?", "second", ""),
            row("question 1 of rules?", "all", ""),
            row("question 2 of rules?", "all", "second"),
        ]
    );
}
