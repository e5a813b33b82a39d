//! A ledger that was restored from a copy, and what it had bought after the copy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};

use super::rows::{again, changed};
use super::world::{Death, World};
use super::{job, live_for, named, settings};

#[tokio::test(start_paused = true)]
pub(crate) async fn a_restored_ledger_recovers_purchases_since_its_copy() {
    let mut world = World::new(settings(vec![]));
    // Nothing but the restoration holds the purchases back.
    world.account.limits.user_data_per_minute = 6_000;
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.live_on(&job(3)).await;
    world.restore(&copy);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_restored_ledger_never_confuses_two_tasks() {
    // After the copy the job file changed, so that the same rows are other purchases.
    let mut world = World::new(settings(vec![]));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    let other = job(4).replace("question 2 of", "another question of");
    world.live_on(&other).await;
    world.restore(&copy);
    assert_eq!(world.live_on(&job(4)).await.in_doubt, 0);
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((world.tasks("answered"), bill.tasks, audit.extra_charges), (4, 5, 1), "{:?}", audit.tasks);
    assert_eq!((audit.charged, audit.problems), (bill.total, vec![]));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_restored_ledger_waits_for_purchases_in_flight() {
    let late = Fault::AcceptLate { after: Duration::from_mins(20) };
    let mut world = World::new(settings(vec![Rule::nth(late, Call::TaskPost, 2)]));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(1)).await, None);
    world.restore(&copy);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

/// Each try of a task is another purchase by its tag, and a copy does not know how many there were.
#[tokio::test(start_paused = true)]
async fn a_restored_ledger_finds_purchases_of_many_attempts() {
    let throttled = (2..=21).map(|nth| Rule::nth(Fault::Throttle40202, Call::TaskPost, nth));
    let mut world = World::new(settings(throttled.collect()));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 3);
    let tried = attempts_of_a_task(&world);
    assert!(tried > 20, "{tried} tries");
    world.restore(&copy);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

/// The most purchases that were tried for one task.
fn attempts_of_a_task(world: &World) -> u32 {
    let ledger = rusqlite::Connection::open(world.ledger_path()).unwrap();
    ledger.query_row("SELECT max(number) FROM attempt", [], |row| row.get(0)).unwrap()
}

/// The copy holds the first purchase of a task, and not that it failed and was followed by a second. A session that collects
/// nothing does not learn it either.
#[tokio::test(start_paused = true)]
async fn a_restored_ledger_waits_for_earlier_answers() {
    let fails = Fault::PaidFailure { code: 40_103, at_post: false };
    let mut world = World::new(settings(vec![Rule::nth(fails, Call::TaskPost, 2)]));
    let job = |questions| format!("retry_paid_failures = 1\n{}", job(questions));
    world.live_on(&job(1)).await;
    world.collect = false;
    world.live_on(&job(2)).await;
    let copy = world.copy();
    world.collect = true;
    world.live_on(&job(2)).await;
    assert_eq!((world.tasks("answered"), world.bill().tasks), (2, 3));
    world.restore(&copy);
    world.collect = false;
    let end = world.live_on(&job(4)).await;
    assert_eq!((end.in_doubt, world.bill().tasks), (1, 3), "two more are asked, and not bought yet");
    world.collect = true;
    world.live_on(&job(4)).await;
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((world.tasks("answered"), bill.tasks, audit.extra_charges), (4, 5, 0), "{:?}", audit.tasks);
    assert_eq!((audit.charged, audit.problems), (bill.total, vec![]));
}

/// A task that failed and was paid for is bought again where the job says so. Both purchases are missing in the copy.
#[tokio::test(start_paused = true)]
async fn a_restored_ledger_recovers_a_tasks_last_purchase() {
    let fails = Fault::PaidFailure { code: 40_103, at_post: false };
    let mut world = World::new(settings(vec![Rule::nth(fails, Call::TaskPost, 2)]));
    let job = |questions| format!("retry_paid_failures = 1\n{}", job(questions));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.live_on(&job(2)).await;
    assert_eq!((world.tasks("answered"), world.bill().tasks), (2, 3));
    world.restore(&copy);
    assert_eq!(world.live_on(&job(2)).await.in_doubt, 0);
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((world.tasks("answered"), bill.tasks, audit.extra_charges), (2, 3, 1), "{:?}", audit.tasks);
    assert_eq!((audit.charged, audit.problems), (bill.total, vec![]));
}

/// The provider's list may show what it refused, at a cost of nothing. Such a row would make every scan worthless.
#[tokio::test(start_paused = true)]
async fn a_listed_refusal_does_not_stop_a_restored_ledger() {
    for (code, is_refusal) in [(40_401, true), (40_501, true), (40_101, false)] {
        let mut settings = settings(vec![Rule::nth(Fault::Task50000 { tasks: 1 }, Call::TaskPost, 2)]);
        settings.switches.list_refused = true;
        let mut world = World::new(settings);
        world.meddle = Some(Arc::new(move |request, outcome| {
            if !request.path.contains("task_get") {
                return outcome;
            }
            changed(outcome, |body| {
                if body["tasks"][0]["status_code"] == 40_401 {
                    body["tasks"][0]["status_code"] = code.into();
                }
            })
        }));
        world.live_on(&job(1)).await;
        let copy = world.copy();
        // The answer to the purchase of two is lost: one of them is refused.
        world.live(&job(3), Death { after_call: 3, ..Death::default() }).await;
        assert_eq!(world.bill().tasks, 2);
        world.restore(&copy);
        let end = world.live_on(&job(3)).await;
        if is_refusal {
            assert_eq!(end.in_doubt, 0, "{code}");
            world.assert_all_answered_once(3);
        } else {
            assert_eq!((end.in_doubt, world.bill().tasks), (1, 2), "a code that is charged at times proves nothing");
        }
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_restored_ledger_scans_since_its_copy() {
    let turnaround = Spread { min: Duration::from_mins(10), max: Duration::from_mins(10) };
    let short = settings(vec![Rule::nth(Fault::Payment40210, Call::TaskPost, 1)]);
    let mut world = World::new(Settings { turnaround_normal: turnaround, ..short });
    let budget = |usd: &str| job(2).replace("run = \"1\"", &format!("run = \"{usd}\""));
    world.live_on(&budget("0.0012")).await;
    assert_eq!(world.bill().tasks, 0);
    // One backup holds the ledger and its counter, so that the two agree.
    let (copy, state) = (world.copy(), world.folder.path().join("state"));
    let counters = std::fs::read_dir(state).unwrap().map(|file| file.unwrap().path());
    let counters: Vec<_> = counters.map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    world.live_on(&budget("0.0012")).await;
    tokio::time::advance(Duration::from_hours(2)).await;
    live_for(&mut world, &budget("0.0024"), Duration::from_mins(1)).await;
    assert_eq!((world.bill().tasks, world.tasks("answered")), (2, 1));
    tokio::time::advance(Duration::from_hours(1)).await;
    world.restore(&copy);
    for (text, path) in counters {
        std::fs::write(path, text).unwrap();
    }
    // What is ready shows the later one alone.
    world.live_on(&named("other", 1)).await;
    world.live_on(&budget("0.0024")).await;
    assert_eq!((world.bill().bought_twice().count(), world.bill().tasks), (0, 3));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_ledger_restored_twice_recovers_both_gaps() {
    let mut world = World::new(settings(vec![]));
    world.live_on(&named("one", 1)).await;
    let first = world.copy();
    tokio::time::advance(Duration::from_hours(1)).await;
    world.live_on(&named("two", 2)).await;
    world.restore(&first);
    // What the other job bought belongs to no task of this copy.
    world.live_on(&named("one", 2)).await;
    assert_eq!((world.audit().extra_charges, world.bill().tasks), (2, 4));
    let second = world.copy();
    tokio::time::advance(Duration::from_hours(1)).await;
    world.live_on(&named("three", 1)).await;
    world.restore(&second);
    tokio::time::advance(Duration::from_hours(1)).await;
    world.live_on(&named("two", 2)).await;
    assert_eq!((world.bill().tasks, world.audit().problems), (5, vec![]), "the provider has sold nothing again");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_copy_in_doubt_recovers_another_historys_purchases() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2)]));
    world.live_on(&named("other", 1)).await;
    let keep = |world: &World, name: &str| {
        let kept = world.folder.path().join(name);
        std::fs::rename(world.copy(), &kept).unwrap();
        kept
    };
    let before = keep(&world, "before.db");
    tokio::time::advance(Duration::from_mins(5)).await;
    live_for(&mut world, &job(3), Duration::from_secs(10)).await;
    let losing = keep(&world, "doubting.db");
    assert_eq!((world.tasks("sending"), world.bill().tasks), (3, 1));
    // Put back to before it asked, it buys them: each for the first time, like the one that is in doubt.
    world.restore(&before);
    world.live_on(&named("between", 1)).await;
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 5);
    world.restore(&losing);
    world.live_on(&job(3)).await;
    assert_eq!((world.bill().tasks, world.tasks("answered")), (5, 4));
    let audit = world.audit();
    assert_eq!((audit.extra_charges, audit.charged, audit.problems), (1, world.bill().total, vec![]));
}

/// One purchase sold twice has one tag: the second sale answers no task, whatever became of the first.
#[tokio::test(start_paused = true)]
pub(crate) async fn what_was_sold_twice_is_recovered_once() {
    // A first try that came to nothing: the rows of the copy are counted otherwise than those in the tags.
    let mut world = World::new(settings(vec![Rule::nth(Fault::Throttle40202, Call::TaskPost, 2)]));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    let (sandbox, clock, posts, expired) = (Arc::clone(&world.sandbox), world.clock, Mutex::new(0), Arc::default());
    let has_expired: Arc<AtomicBool> = Arc::clone(&expired);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if request.spends {
            let mut posts = posts.lock().unwrap();
            *posts += 1;
            if *posts == 2 {
                again(&sandbox, clock, request);
            }
        }
        let is_answer = request.path.contains("/task_get/") && has_expired.load(Ordering::Relaxed);
        if !is_answer {
            return outcome;
        }
        changed(outcome, |body| {
            body["tasks"][0]["status_code"] = 40_403.into();
            body["tasks"][0]["result"] = serde_json::Value::Null;
        })
    }));
    live_for(&mut world, &job(3), Duration::from_mins(10)).await;
    // The answers are there, and are gone, before the list has been read twice.
    tokio::time::advance(Duration::from_hours(2)).await;
    world.restore(&copy);
    expired.store(true, Ordering::Relaxed);
    world.live_on(&job(3)).await;
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((bill.bought_twice().count(), audit.extra_charges, audit.problems), (2, 2, vec![]));
    assert_eq!((audit.charged, world.tasks("failed")), (bill.total, 2));
}
