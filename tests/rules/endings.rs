//! How a session ends, and when it does not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::engine;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule, Settings};
use serde_json::Value;

use super::rows::{again, changed};
use super::world::World;
use super::{PRICE, job, later, live_for, settings};

/// More virtual time than any session may take.
const FOR_EVER: Duration = Duration::from_hours(48);

#[tokio::test(start_paused = true)]
pub(crate) async fn an_unreadable_balance_to_keep_buys_nothing() {
    let asked = |fault| Rule { call: Some(Call::UserData), ..Rule::always(fault) };
    for (fault, why) in [
        (asked(Fault::ErrorBefore { status: 500, html: true }), "HTTP 500: server error"),
        (asked(Fault::Throttle40202), "too many calls"),
        (asked(Fault::Html200), "the reply is not an envelope: it does not begin with a brace"),
    ] {
        let mut world = World::new(settings(vec![fault]));
        world.account.caps.keep_balance = Some(PRICE);
        let end = tokio::time::timeout(FOR_EVER, world.live_on(&job(3))).await.unwrap();
        assert_eq!(
            end.refused.unwrap(),
            format!(
                "the account's balance is to be kept (keep_balance) and cannot be read: 21 questions for it came to \
                 nothing, the last: {why}. Nothing was bought in this session; run the same command again later, or take \
                 keep_balance out of the caps of [accounts.main]"
            )
        );
        assert_eq!((world.bill().tasks, world.tasks("planned"), world.audit().held), (0, 3, Money::ZERO));
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn one_good_balance_reply_among_bad_suffices() {
    let mut world = World::new(settings(vec![]));
    world.account.caps.keep_balance = Some(PRICE);
    let asked = Mutex::new(0);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.ends_with("/user_data") {
            return outcome;
        }
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        if *asked > 20 {
            return outcome;
        }
        changed(outcome, |body| body["tasks"][0]["result"][0]["money"]["balance"] = Value::Null)
    }));
    let end = tokio::time::timeout(FOR_EVER, world.live_on(&job(3))).await.unwrap();
    assert_eq!(end.refused, None);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn fruitless_scans_leave_doubt_to_a_later_session() {
    for blind in [
        later(Fault::ListOutage),
        later(Fault::ListOmits { share: 1.0 }),
        Rule { call: Some(Call::TasksReady), ..later(Fault::ErrorBefore { status: 500, html: false }) },
    ] {
        let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2), blind.clone()]));
        let end = tokio::time::timeout(FOR_EVER, world.live_on(&job(3))).await;
        let end = end.unwrap_or_else(|_| panic!("{blind:?}: the session does not end"));
        assert_eq!((end.in_doubt, end.refused), (2, None), "{blind:?}");
        let audit = world.audit();
        assert_eq!((audit.in_doubt, audit.held), (2, Money::from_nanos(2 * PRICE.nanos())), "{blind:?}");
        assert_eq!(world.bill().tasks, 1, "{blind:?}: nothing of it was bought again");
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_session_books_every_reply_before_ending() {
    // The provider's answer to the last purchase names two ids for its one task, and nothing else is left to do.
    let mut world = World::new(settings(vec![]));
    world.collect = false;
    let (sandbox, clock) = (Arc::clone(&world.sandbox), world.clock);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.spends {
            return outcome;
        }
        let duplicate: Value = serde_json::from_slice(&again(&sandbox, clock, request).body).unwrap();
        changed(outcome, |body| body["tasks"].as_array_mut().unwrap().push(duplicate["tasks"][0].clone()))
    }));
    let end = world.live_on(&job(1)).await;
    assert_eq!((end.in_doubt, end.waiting), (0, 1));
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((bill.tasks, bill.total), (2, Money::from_nanos(2 * PRICE.nanos())));
    assert_eq!((audit.charged, audit.extra_charges), (bill.total, 1), "the ledger's total is the provider's bill");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_job_stays_in_its_time_zone() {
    let zoned = |zone: &str| format!("period = \"day\"\ntimezone = \"{zone}\"\n{}", job(3));
    let mut world = World::new(Settings::default());
    world.live_on(&zoned("Europe/Berlin")).await;
    world.assert_all_answered_once(3);
    let mut ledger = world.open();
    let account = engine::bring_account(&mut ledger, &world.account, "sandbox").unwrap();
    let refused = world.prepare(&mut ledger, account, &zoned("Asia/Tokyo")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "job `rules` was begun in time zone `Europe/Berlin`: in another its days and months, and what was spent in them, \
         would be counted anew; put it back, or rename the job"
    );
    drop(ledger);
    world.assert_all_answered_once(3);
    world.live_on(&zoned("Europe/Berlin")).await;
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_task_refused_repeatedly_waits_for_another_session() {
    let mut world = World::new(settings(vec![Rule::always(Fault::Task50000 { tasks: 100 })]));
    let end = live_for(&mut world, &job(3), Duration::from_mins(10)).await.expect("the session ends");
    assert_eq!((end.given_up, end.in_doubt, world.tasks("planned")), (3, 0, 3));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
pub(crate) async fn answers_missing_from_tasks_ready_are_fetched_by_id() {
    let mut world = World::new(settings(vec![Rule::always(Fault::ReadyOmits { share: 1.0 })]));
    let end = live_for(&mut world, &job(3), Duration::from_hours(6)).await.expect("the session ends");
    assert_eq!((end.waiting, end.late), (0, 0));
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_session_scans_before_it_leaves_doubt() {
    // The list never proves that it shows what is unfinished, so nothing is concluded for a day.
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 1)]);
    let lag = Duration::from_mins(10);
    let mut world = World::new(Settings { listing_lag_max: lag, ..dropped });
    assert_eq!(live_for(&mut world, &job(1), Duration::from_mins(2)).await, None);
    tokio::time::advance(Duration::from_hours(5)).await;
    assert_eq!(world.live_on(&job(1)).await.in_doubt, 0);
    world.assert_all_answered_once(1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_list_leaves_doubt_to_a_later_session() {
    let rules = vec![
        Rule::nth(Fault::DropBefore, Call::TaskPost, 2),
        Rule::chance(Fault::Throttle429 { after: Duration::from_secs(1) }, Call::IdList, 1.0),
    ];
    let mut world = World::new(settings(rules));
    let end = tokio::time::timeout(Duration::from_hours(72), world.live_on(&job(3))).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.tasks("answered")), (2, 1));
}
