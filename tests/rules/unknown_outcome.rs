//! What is in doubt: which scan counts for it, and what becomes of its purchase and its task.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::ids::BatchId;
use bursar::ledger::{Books, Change, Lookups};
use bursar::money::Money;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread, Switches};
use chrono::TimeDelta;

use super::rows::{again, changed, relisted, tags};
use super::world::World;
use super::{PRICE, job, later, live_for, named, settings};

#[tokio::test(start_paused = true)]
pub(crate) async fn a_scan_counts_for_doubt_it_began_with() {
    let slow_list = Rule::chance(Fault::AnswerLate { after: Duration::from_secs(20) }, Call::IdList, 1.0);
    let lost = |nth| Rule::nth(Fault::DropBefore, Call::TaskPost, nth);
    let mut world = World::new(settings(vec![lost(2), lost(3), slow_list]));
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(10)).await, None);
    tokio::time::advance(Duration::from_mins(21)).await;
    // The first batch's quarantine is over: a scan begins at once, and while it reads, another batch falls into doubt.
    world.events.clear();
    let end = world.live_on(&job(5)).await;
    assert_eq!(end.in_doubt, 0);
    world.assert_all_answered_once(5);
    let at = |wanted: &dyn Fn(&EventKind) -> bool| {
        let at = world.events.iter().rposition(|event| wanted(&event.kind)).unwrap();
        (at, world.events[at].at)
    };
    let (_, unknown_batches) = at(&|kind| matches!(kind, EventKind::BatchInDoubt { .. }));
    let (concluded, _) = at(&|kind| matches!(kind, EventKind::Concluded { .. }));
    let scans = world.events[..concluded].iter().filter(|event| {
        matches!(event.kind, EventKind::ScanEnded { concluding: true, inconclusive: None, .. })
            && event.at > unknown_batches + chrono::TimeDelta::minutes(30)
    });
    assert_eq!(scans.count(), 2, "two scans of its own, after its own quarantine");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_batch_sold_twice_is_recovered_once() {
    let mut world = World::new(settings(vec![]));
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
    let end = world.live_on(&job(3)).await;
    assert_eq!((end.in_doubt, world.tasks("answered")), (0, 3));
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((bill.tasks, bill.bought_twice().count()), (5, 2));
    assert_eq!(audit.problems, Vec::<String>::new());
    assert_eq!((audit.charged, audit.held), (bill.total, Money::ZERO), "the ledger's total is the provider's bill");
    assert_eq!((audit.extra_charges, audit.extra), (2, Money::from_nanos(2 * PRICE.nanos())));
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::UnmatchedCharge { .. })), 2);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_unpriced_list_does_not_free_doubt() {
    for cost in [serde_json::Value::Null, 0.into()] {
        let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]));
        world.meddle = Some(Arc::new(move |request, outcome| {
            if !request.path.ends_with("/id_list") {
                return outcome;
            }
            relisted(outcome, |rows| rows.iter_mut().for_each(|row| row["cost"] = cost.clone()))
        }));
        assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
        world.assert_all_answered_once(3);
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_list_without_our_tags_concludes_nothing() {
    // The batch is accepted and charged after its connection is gone, and the list does not say whose it is.
    let late = Rule::nth(Fault::AcceptLate { after: Duration::from_mins(6) }, Call::TaskPost, 2);
    let mut world = World::new(settings(vec![late, later(Fault::ListWithoutTags)]));
    let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&job(3))).await.unwrap();
    assert_eq!((end.in_doubt, world.bill().tasks), (2, 3));
    assert_eq!(world.bill().bought_twice().count(), 0);
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::Concluded { .. })), 0);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_dropped_task_leaves_once_surely_unbought() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2)]));
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(10)).await, None);
    let end = world.live_on(&job(2)).await;
    assert_eq!((end.in_doubt, end.cuts, end.given_up), (0, Vec::new(), 0));
    world.assert_all_answered_once(2);
    assert_eq!(world.tasks("failed"), 1, "{:?}", world.audit().tasks);
    // Asked again, it is bought: once.
    world.live_on(&job(3)).await;
    world.assert_all_answered_once(3);
}

/// A world in which `tasks_ready` shows a batch whose answer was lost, for two hours, and the list only ever shows the task
/// before it.
fn list_that_hides() -> World {
    let turnaround = Spread { min: Duration::from_mins(10), max: Duration::from_mins(10) };
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]);
    let mut world = World::new(Settings { turnaround_normal: turnaround, ..dropped });
    let (first, clock, began) = (Mutex::new(None), world.clock, world.clock.now().wall);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if request.spends {
            first.lock().unwrap().get_or_insert(tags(request).remove(0));
        }
        if request.path.ends_with("/tasks_ready") && clock.now().wall > began + TimeDelta::hours(2) {
            return changed(outcome, |body| body["tasks"][0]["result"] = serde_json::Value::Null);
        }
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        relisted(outcome, |rows| {
            rows.retain(|row| row["metadata"]["tag"].as_str() == first.lock().unwrap().as_deref());
        })
    }));
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_hidden_finished_task_is_never_repeated() {
    let mut world = list_that_hides();
    let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&job(3))).await.unwrap();
    assert_eq!((end.in_doubt, world.bill().tasks), (2, 3));
    assert_eq!(world.bill().bought_twice().count(), 0);
}

/// `tasks_ready` says neither what is ready nor that nothing is, while the list hides what is finished.
#[tokio::test(start_paused = true)]
pub(crate) async fn an_unreadable_tasks_ready_is_not_full() {
    let mut world = list_that_hides();
    let hides = world.meddle.take().unwrap();
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.ends_with("/tasks_ready") {
            return hides(request, outcome);
        }
        changed(outcome, |body| {
            body["tasks"][0]["result"] = serde_json::Value::Null;
            body["tasks"][0]["result_count"] = serde_json::Value::Null;
        })
    }));
    let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&job(3))).await.unwrap();
    assert_eq!((end.in_doubt, world.bill().tasks, world.bill().bought_twice().count()), (2, 3, 0));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_task_once_ready_is_never_repeated() {
    let mut world = list_that_hides();
    for _ in 0..3 {
        let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&job(3))).await.unwrap();
        assert_eq!((end.in_doubt, world.bill().tasks), (2, 3));
        tokio::time::advance(Duration::from_hours(48)).await;
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_free_live_row_needs_a_priced_list() {
    for names in [false, true] {
        let lost = Rule::nth(Fault::DropAfter, Call::Live, 2);
        let mut world = World::new(settings(vec![lost]));
        let lost = Mutex::new(None);
        world.meddle = Some(Arc::new(move |request, outcome| {
            if request.spends && outcome.is_err() {
                *lost.lock().unwrap() = Some(tags(request).remove(0));
            }
            if !request.path.ends_with("/id_list") {
                return outcome;
            }
            relisted(outcome, |rows| {
                let is_lost =
                    |row: &serde_json::Value| row["metadata"]["tag"].as_str() == lost.lock().unwrap().as_deref();
                rows.iter_mut().filter(|row| !names || is_lost(row)).for_each(|row| row["cost"] = 0.into());
            })
        }));
        let live = job(3).replace("engine = \"chat_gpt\"", "engine = \"chat_gpt\"\nmethod = \"live\"");
        let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&live)).await.unwrap();
        // Where its word counts it is taken; that it was sold all the same is this test's doing.
        assert_eq!((names, end.in_doubt, world.bill().tasks), (names, u64::from(!names), if names { 4 } else { 3 }));
        assert_eq!(world.audit().problems, Vec::<String>::new());
    }
}

/// A person said that a lost batch had not been bought, and was wrong. What the provider finished under its tags shows in
/// `tasks_ready` without a cost.
#[tokio::test(start_paused = true)]
pub(crate) async fn a_late_ready_task_is_looked_up_and_booked() {
    let mut world = World::new(settings(vec![]));
    // The next session buys before it looks at what is ready.
    world.account.limits.user_data_per_minute = 6_000;
    let dead = world.live(&job(3), super::world::Death { after_call: 4, ..Default::default() }).await;
    assert_eq!((dead.end, world.bill().tasks), (None, 3));
    let mut ledger = world.open();
    let lost = ledger.unresolved(BatchId(2)).unwrap();
    ledger.record(lost.into_iter().map(|attempt| Change::NotBought { attempt }).collect()).unwrap();
    drop(ledger);
    tokio::time::advance(Duration::from_hours(1)).await;
    world.live_on(&job(3)).await;
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((audit.problems, audit.charged), (vec![], bill.total), "{:?}", audit.tasks);
    assert_eq!((world.tasks("answered"), bill.tasks), (3, 5), "the person's word was taken, and its price is shown");
    assert_eq!(audit.extra_charges, 2);
}

/// More virtual time than any of these starts needs.
const LONG: Duration = Duration::from_hours(6);

#[tokio::test(start_paused = true)]
pub(crate) async fn an_absent_purchase_is_repeated_after_its_quarantine() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2)]));
    let end = live_for(&mut world, &job(3), LONG).await.expect("the session ends");
    assert_eq!(end.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_late_acceptance_is_not_bought_again() {
    let late = Fault::AcceptLate { after: Duration::from_mins(25) };
    let mut world = World::new(settings(vec![Rule::nth(late, Call::TaskPost, 2)]));
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn the_quarantine_begins_when_the_connection_closes() {
    // The purchase leaves when its machine wakes up, and is accepted within the quarantine after that.
    let late = Fault::AcceptLate { after: Duration::from_mins(25) };
    let mut world = World::new(settings(vec![Rule::nth(late, Call::TaskPost, 2)]));
    world.slow = Some((4, Duration::from_mins(40)));
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

/// A list in which what the second purchase bought is missing until then.
fn hidden_until(world: &mut World, then: Duration) {
    let (clock, began) = (world.clock, world.clock.now().wall);
    let posts: Mutex<Vec<Vec<String>>> = Mutex::new(Vec::new());
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut posts = posts.lock().unwrap();
        if request.spends {
            posts.push(tags(request));
        }
        if !request.path.ends_with("/id_list") || clock.now().wall > began + then {
            return outcome;
        }
        let hidden = posts.get(1).cloned().unwrap_or_default();
        relisted(outcome, |rows| {
            rows.retain(|row| {
                row["metadata"]["tag"].as_str().is_none_or(|tag| !hidden.iter().any(|known| known == tag))
            });
        })
    }));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_reappearing_between_scans_is_kept() {
    let turnaround = Spread { min: Duration::from_hours(3), max: Duration::from_hours(3) };
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]);
    let mut world = World::new(Settings { turnaround_normal: turnaround, ..dropped });
    // The first scan that is to conclude begins after half an hour and some seconds, and the second a minute later.
    world.account.limits.user_data_per_minute = 6_000;
    hidden_until(&mut world, Duration::from_secs(30 * 60 + 40));
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    let scans = world.saw(|kind| matches!(kind, EventKind::ScanEnded { concluding: true, .. }));
    assert_eq!(scans, 2, "the first finds nothing, and the second finds it");
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_list_of_finished_tasks_proves_nothing_else() {
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]);
    // The first task is shown once it is finished, while its answer is still waited for. The others are unfinished when
    // their quarantine is over, however late the list has seemed to be.
    let turnaround = Spread { min: Duration::from_hours(3), max: Duration::from_hours(3) };
    let mut world = World::new(Settings {
        switches: Switches { list_unfinished: false, ..Switches::default() },
        turnaround_normal: turnaround,
        ready_lag: Duration::from_mins(20),
        ..dropped
    });
    assert_eq!(live_for(&mut world, &job(1), Duration::from_mins(170)).await, None);
    world.live_on(&job(1)).await;
    live_for(&mut world, &job(3), LONG).await.expect("the session ends");
    tokio::time::advance(Duration::from_hours(25)).await;
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_empty_list_without_control_rows_proves_nothing() {
    // What was bought before is older than the list goes back.
    let month = Duration::from_hours(24 * 40);
    let empty = Fault::ListOmits { share: 1.0 };
    let empty = Rule { from: month, until: Some(month + Duration::from_hours(2)), ..Rule::always(empty) };
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2), empty]));
    world.live_on(&job(1)).await;
    tokio::time::advance(month).await;
    live_for(&mut world, &job(3), LONG).await.expect("the session ends");
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn rows_behind_a_full_page_are_found() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 13)]));
    world.collect = false;
    let job = job(1_150).replace("run = \"1\"", "run = \"2\"");
    let end = live_for(&mut world, &job, Duration::from_mins(10)).await.expect("it is found soon");
    assert_eq!((end.in_doubt, world.bill().tasks), (0, 1_150));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_scan_cuts_pages_where_the_rows_are() {
    let settings = settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 13)]);
    let mut world = World::new(Settings { calls_per_minute: 60, ..settings });
    world.account.limits.calls_per_minute = 60;
    world.collect = false;
    let job = job(6_000).replace("run = \"1\"", "run = \"8\"");
    let end = live_for(&mut world, &job, LONG).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.bill().tasks), (0, 6_000));
    let concluding = |event: &bursar::event::Event| {
        let EventKind::ScanEnded { concluding: true, rows, .. } = event.kind else { return None };
        Some(rows)
    };
    let rows: Vec<u64> = world.events.iter().filter_map(concluding).collect();
    // Halved, they would be read more than four times.
    assert!(rows.len() == 2 && rows.iter().all(|rows| (6_000..18_000).contains(rows)), "{rows:?}");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_unreadable_page_is_not_an_empty_page() {
    // Two purchases are in doubt, more than a day apart, so that a scan reads a page for each. The list is down until the quarantine
    // of both is over, and after that for the page of the second, which was made.
    let mins = Duration::from_mins;
    let down = Rule { from: mins(45), until: Some(mins(29 * 60)), ..Rule::always(Fault::ListOutage) };
    let lost = |nth, fault| Rule::nth(fault, Call::TaskPost, nth);
    let mut world = World::new(settings(vec![lost(2, Fault::DropBefore), lost(3, Fault::DropAfter), down]));
    world.live_on(&job(1)).await;
    let end = live_for(&mut world, &job(2), LONG).await.expect("the session ends");
    assert_eq!(end.in_doubt, 1);
    tokio::time::advance(Duration::from_hours(27)).await;
    let (clock, began) = (world.clock, world.clock.now().wall);
    let second = (began - chrono::TimeDelta::minutes(2)).format("\"datetime_from\":\"%Y-%m-%d %H:").to_string();
    world.meddle = Some(Arc::new(move |request, outcome| {
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default());
        let lost = request.path.ends_with("/id_list") && body.contains(&second);
        if !lost || clock.now().wall > began + chrono::TimeDelta::hours(2) {
            return outcome;
        }
        Err(Failure::NoAnswer("the page is lost".to_owned()))
    }));
    live_for(&mut world, &job(4), LONG).await.expect("the session ends");
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(world.live_on(&job(4)).await.in_doubt, 0);
    world.assert_all_answered_once(4);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn doubt_is_settled_after_its_run_is_closed() {
    let daily = format!("period = \"day\"\ntimezone = \"UTC\"\n{}", job(3));
    let late = Fault::AcceptLate { after: Duration::from_mins(10) };
    let mut world = World::new(settings(vec![Rule::nth(late, Call::TaskPost, 2)]));
    assert_eq!(live_for(&mut world, &daily, Duration::from_mins(5)).await, None);
    tokio::time::advance(Duration::from_hours(24)).await;
    live_for(&mut world, &daily, LONG).await.expect("the session ends");
    world.assert_all_answered_once(6);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_scan_is_not_spoiled_by_its_findings() {
    let turnaround = Spread { min: Duration::from_hours(3), max: Duration::from_hours(3) };
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]);
    let mut world = World::new(Settings { turnaround_normal: turnaround, ..dropped });
    hidden_until(&mut world, Duration::from_mins(20));
    // Nobody looks before the first scan that is to conclude.
    live_for(&mut world, &job(3), Duration::from_mins(5)).await;
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    let inconclusive = world.saw(|kind| matches!(kind, EventKind::ScanEnded { inconclusive: Some(_), .. }));
    assert_eq!(inconclusive, 0, "{:#?}", world.events);
    world.assert_all_answered_once(3);
}

/// A person said of one task of a lost batch that it had not been bought, and was wrong. The look for the other shows it
/// while it waits to be bought again.
#[tokio::test(start_paused = true)]
pub(crate) async fn nothing_is_bought_before_a_read_list_settles() {
    let mut world = World::new(settings(vec![]));
    // The list and the account are asked at one time and answer at one time: purchases may begin then.
    let limits = &mut world.account.limits;
    (limits.user_data_per_minute, limits.id_list_per_minute) = (600_000, 600_000);
    limits.calls_per_minute = 600_000;
    let dead = world.live(&job(3), super::world::Death { after_call: 4, ..Default::default() }).await;
    assert_eq!((dead.end, world.bill().tasks), (None, 3));
    tokio::time::advance(Duration::from_mins(10)).await;
    let mut ledger = world.open();
    let lost = ledger.unresolved(BatchId(2)).unwrap();
    ledger.record(vec![Change::NotBought { attempt: lost[0] }]).unwrap();
    drop(ledger);
    world.live_on(&job(3)).await;
    world.assert_all_answered_once(3);
}

/// The first scan names no costs, so that the ids are asked. Until one of these questions is answered, a second scan has
/// told, and another task of the batch is still in doubt.
#[tokio::test(start_paused = true)]
pub(crate) async fn a_late_answer_by_id_settles_nothing_twice() {
    let late = Fault::AnswerLate { after: Duration::from_secs(50) };
    let mut world =
        World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2), Rule::nth(late, Call::TaskGet, 2)]));
    world.account.timing.sweep_every = Duration::from_secs(20);
    let (clock, began) = (world.clock, world.clock.now().wall);
    let (last, last_id) = (Mutex::new(String::new()), Mutex::new(String::new()));
    let first_scan = Mutex::new(None);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let hides = clock.now().wall < began + chrono::TimeDelta::minutes(20);
        if request.spends {
            last.lock().unwrap().clone_from(tags(request).last().unwrap());
        }
        let mut last_id = last_id.lock().unwrap();
        if hides && !last_id.is_empty() && request.path.ends_with(last_id.as_str()) {
            return Err(Failure::NoAnswer("the connection was closed".to_owned()));
        }
        if !hides || !request.path.ends_with("/id_list") {
            return outcome;
        }
        relisted(outcome, |rows| {
            let mut first_scan = first_scan.lock().unwrap();
            let is_first = rows.len() > 1 && *first_scan.get_or_insert(clock.now().wall) == clock.now().wall;
            for row in rows {
                let is_last = row["metadata"]["tag"].as_str() == Some(last.lock().unwrap().as_str());
                if is_last {
                    row["id"].as_str().unwrap().clone_into(&mut last_id);
                }
                if is_last || is_first {
                    row["cost"] = serde_json::Value::Null;
                }
            }
        })
    }));
    let end = world.live_on(&job(4)).await;
    world.assert_all_answered_once(4);
    assert_eq!((end.progress.charged, end.in_doubt, end.late), (world.bill().total, 0, 0));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_list_by_completion_may_omit_later_rows() {
    let mut settings = settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2)]);
    settings.switches = Switches { list_by_completion: true, list_unfinished: false, ..Switches::default() };
    let mut world = World::new(settings);
    live_for(&mut world, &job(3), Duration::from_mins(2)).await;
    assert_eq!((world.tasks("sending"), world.bill().tasks), (2, 1));
    // A quarantine of a day, and a day in which what is finished may be filed: then the window ends, whatever is bought.
    tokio::time::advance(Duration::from_hours(48) - Duration::from_mins(10)).await;
    let (clock, began) = (world.clock, world.clock.now().wall);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let is_dark = request.path.ends_with("/id_list") && clock.now().wall < began + TimeDelta::hours(1);
        if is_dark { Err(Failure::NoAnswer("the connection was closed".to_owned())) } else { outcome }
    }));
    live_for(&mut world, &named("other", 2), Duration::from_mins(5)).await;
    assert_eq!(world.bill().tasks, 3);
    tokio::time::advance(Duration::from_hours(6)).await;
    let end = tokio::time::timeout(Duration::from_hours(24), world.live_on(&job(3))).await.unwrap();
    assert_eq!(end.in_doubt, 0, "they were not bought, and are");
    assert_eq!((world.bill().tasks, world.bill().bought_twice().count()), (5, 0));
}
