//! Sessions that end badly: whatever dies and whenever, nothing is paid twice, and nothing paid is lost.
#![expect(unreachable_pub, clippy::unwrap_used, reason = "a world shared by tests, where a failure is a panic")]

#[expect(dead_code, reason = "a world shared by tests, of which each uses a part")]
mod world;

use std::sync::Arc;
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Faults, Rule, Settings};
use world::{Death, World};

const JOB: &str = r#"
name = "recovery"
[budget]
run = "5"
[defaults]
engine = "chat_gpt"
[[prompt_set]]
name = "questions"
prompts = ["which crm?", "which bike?", "which oven?", "which bank?", "which phone?", "which shoes?"]
markets = [{ location = 2840, language = "en" }, { location = 2276, language = "de" }, { location = 2250, language = "fr" }]
repeats = 6
"#;
const TASKS: u64 = 6 * 3 * 6;

#[tokio::test(start_paused = true)]
pub(crate) async fn a_quiet_run_buys_and_collects_everything_once() {
    let mut world = World::new(Settings::default());
    let end = world.live_on(JOB).await;
    assert_eq!((end.refused, end.in_doubt, end.waiting, end.cuts), (None, 0, 0, Vec::new()));
    world.assert_all_answered_once(TASKS);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_found_and_not_repeated() {
    bought_once_whatever_befalls_purchase(1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_later_lost_reply_is_not_repeated_either() {
    bought_once_whatever_befalls_purchase(3, world::sampled(2)).await;
}

async fn bought_once_whatever_befalls_purchase(nth: u64, every: usize) {
    let faults = [
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::ErrorAfter { status: 500, html: false },
        Fault::ErrorBefore { status: 502, html: true },
        Fault::Truncate,
        Fault::MissingRows { rows: 7 },
        Fault::RepeatRows { rows: 9 },
        Fault::Reorder,
        Fault::Partial { tasks: 40 },
        Fault::Html200,
        Fault::Envelope50000,
        Fault::AnswerLate { after: Duration::from_mins(3) },
        Fault::AcceptLate { after: Duration::from_mins(12) },
        Fault::Throttle40202,
        Fault::Throttle429 { after: Duration::from_secs(20) },
        Fault::Task50000 { tasks: 30 },
        Fault::RefuseBefore,
    ];
    for fault in faults.into_iter().step_by(every) {
        let faults = Faults::from(vec![Rule::nth(fault.clone(), Call::TaskPost, nth)]);
        let mut world = World::new(Settings { faults, ..Settings::default() });
        let end = world.live_on(JOB).await;
        world.assert_all_answered_once(TASKS);
        assert_eq!(end.in_doubt, 0, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_session_that_dies_is_finished_by_the_next() {
    let quiet = World::new(Settings::default()).live(JOB, Death::default()).await;
    assert!(quiet.calls > TASKS);
    // Every call up to the first answers, then a sample of the rest.
    let calls = (1..=8).chain((9..=quiet.calls).step_by(75 * world::sampled(4)));
    for call in calls {
        for death in [Death { before_call: call, after_call: 0 }, Death { before_call: 0, after_call: call }] {
            let mut world = World::new(Settings::default());
            let first = world.live(JOB, death).await;
            assert!(first.end.is_none(), "{death:?} is reached");
            let end = world.live_on(JOB).await;
            assert_eq!(end.in_doubt, 0, "{death:?}");
            world.assert_all_answered_once(TASKS);
        }
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_cap_of_a_hundred_tasks_buys_a_hundred() {
    for in_flight in [1, 3, 20] {
        let mut world = World::new(Settings::default());
        world.account.limits.in_flight = in_flight;
        let end = world.live_on(&JOB.replace("run = \"5\"", "run = \"0.12\"")).await;
        assert_eq!(end.cuts.len(), 1);
        assert_eq!((world.bill().tasks, world.bill().total), (100, Money::from_nanos(120_000_000)));
        assert_eq!((world.tasks("answered"), world.tasks("planned")), (100, TASKS - 100));
        world.assert_books_agree();
        // Started again, it buys nothing more.
        world.live_on(&JOB.replace("run = \"5\"", "run = \"0.12\"")).await;
        assert_eq!(world.bill().tasks, 100);
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_unexpected_price_stops_after_one_task() {
    let mut prices = Settings::default().prices;
    for price in prices.values_mut() {
        *price = Money::from_nanos(price.nanos() * 2);
    }
    let mut world = World::new(Settings { prices, ..Settings::default() });
    // The provider's own list would tell before anything is bought, and cannot be read.
    world.meddle = Some(Arc::new(|request, outcome| {
        let is_account = request.path.ends_with("/user_data");
        if is_account { Err(Failure::NoAnswer("lost".to_owned())) } else { outcome }
    }));
    let end = world.live_on(JOB).await;
    assert!(end.refused.is_some_and(|why| why.contains("$0.0024") && why.contains("$0.0012")));
    assert_eq!(world.bill().tasks, 1);
    world.assert_books_agree();
    assert_eq!(world.audit().overrun, Money::from_nanos(1_200_000));
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::PriceDiffers { stopped: true, .. })), 1);
    // Neither does the next session buy at that price.
    world.live_on(JOB).await;
    assert_eq!(world.bill().tasks, 1);
    // Unless the job allows it.
    let end = world.live_on(&JOB.replace("[budget]", "max_price_drift = \"100%\"\n[budget]")).await;
    assert_eq!(end.refused, None);
    world.assert_all_answered_once(TASKS);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_ledger_restored_from_a_copy_recovers_its_purchases() {
    // Before anything was bought, after a few purchases, in the middle of collecting.
    for dies_at in [3, 5, 40, 100] {
        let mut world = World::new(Settings::default());
        world.live(JOB, Death { before_call: dies_at, after_call: 0 }).await;
        let copy = world.copy();
        world.live_on(JOB).await;
        world.assert_all_answered_once(TASKS);
        world.restore(&copy);
        let mut end = world.live_on(JOB).await;
        assert!(world.saw(|kind| matches!(kind, EventKind::Restored { .. })) > 0);
        if end.in_doubt > 0 {
            // Nothing proves that the list shows unfinished tasks, so nothing is concluded for a day.
            assert!(dies_at < 40, "the copy at call {dies_at} has the proof");
            tokio::time::advance(Duration::from_hours(25)).await;
            end = world.live_on(JOB).await;
        }
        assert_eq!(end.in_doubt, 0, "copied at call {dies_at}");
        assert!(world.saw(|kind| matches!(kind, EventKind::RestoredDone { .. })) > 0);
        world.assert_all_answered_once(TASKS);
    }
}

/// Runs until the n-th call and puts the copy that was made at the m-th call of the same session in the ledger's place.
#[tokio::test(start_paused = true)]
pub(crate) async fn a_copy_made_while_buying_is_noticed_as_one() {
    let mut world = World::new(Settings::default());
    world.live(JOB, Death { before_call: 60, after_call: 0 }).await;
    // What a copy at that moment lacks: everything after the first purchase of the session that goes on.
    world.open().tidy();
    let copy = world.folder.path().join("copy.db");
    let source = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let started = {
        // The next session begins, and is copied before it buys.
        let mut ledger = world.open();
        ledger.begin(&world.folder.path().join("state"), world.clock.now().wall.timestamp()).unwrap();
        ledger
    };
    source.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    drop((source, started));
    // The same session, as far as its counter goes, buys on.
    let more = JOB.replace("repeats = 6", "repeats = 8");
    let id = world.open().id().as_str().to_owned();
    let counter = world.folder.path().join("state").join(format!("{id}.starts"));
    let line = std::fs::read_to_string(&counter).unwrap();
    world.live_on(&more).await;
    let last = std::fs::read_to_string(&counter).unwrap();
    let bought = last.split_whitespace().nth(2).unwrap();
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words[2] = bought;
    std::fs::write(&counter, format!("{}\n", words.join(" "))).unwrap();
    world.restore(&copy);
    world.events.clear();
    world.live_on(&more).await;
    assert!(world.saw(|kind| matches!(kind, EventKind::Restored { .. })) > 0);
    world.assert_all_answered_once(TASKS / 6 * 8);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn batches_of_two_commits_at_once_are_all_sent() {
    let mut world = World::new(Settings { calls_per_minute: u32::MAX, ..Settings::default() });
    world.account.limits.calls_per_minute = 60_000_000;
    let job = JOB.replace("repeats = 6", "repeats = 100").replace("run = \"5\"", "run = \"50\"");
    let end = tokio::time::timeout(Duration::from_hours(24), world.live_on(&job)).await.unwrap();
    assert_eq!((end.in_doubt, end.waiting), (0, 0));
    world.assert_all_answered_once(TASKS / 6 * 100);
}
