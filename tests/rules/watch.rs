//! What was given up stays on the watch list: bursar looks for it once a day, as long as the provider's list goes
//! back.

use std::sync::Arc;
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule};

use super::rows::relisted;
use super::world::World;
use super::{PRICE, job, live_for, settings};

const DAY: Duration = Duration::from_hours(24);

/// A world whose second purchase came to that; it was given up, its tasks were bought again, and the run is complete.
async fn given_up(fault: Fault, also: Vec<Rule>) -> World {
    let rules = std::iter::once(Rule::nth(fault, Call::TaskPost, 2)).chain(also);
    let mut world = World::new(settings(rules.collect()));
    let end = live_for(&mut world, &job(3), Duration::from_hours(3)).await.expect("the session ends");
    assert_eq!((end.in_doubt, world.tasks("answered"), end.unmatched), (0, 3, (0, Money::ZERO)));
    world.events.clear();
    world
}

fn scans(world: &World) -> usize {
    world.saw(|kind| matches!(kind, EventKind::Watched { .. }))
}

#[tokio::test(start_paused = true)]
pub(crate) async fn the_watch_finds_a_late_acceptance_next_day() {
    let mut world = given_up(Fault::AcceptLate { after: Duration::from_mins(40) }, vec![]).await;
    let bill = world.bill();
    assert_eq!((bill.tasks, world.audit().extra_charges), (5, 0), "the books do not know it yet");
    tokio::time::advance(DAY).await;
    let end = live_for(&mut world, &job(3), Duration::from_mins(10)).await.expect("the session ends");
    let two = Money::from_nanos(2 * PRICE.nanos());
    assert_eq!((scans(&world), end.unmatched), (1, (2, two)), "it is booked and told");
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::UnmatchedCharge { .. })), 2);
    let audit = world.audit();
    assert_eq!((audit.problems, audit.charged, audit.extra), (vec![], world.bill().total, two));
    // What is booked is told once, though each day's scan shows it again.
    tokio::time::advance(DAY).await;
    let end = live_for(&mut world, &job(3), Duration::from_mins(10)).await.expect("the session ends");
    assert_eq!((scans(&world), end.unmatched, world.audit().charged), (2, (0, Money::ZERO), world.bill().total));
}

#[tokio::test(start_paused = true)]
async fn the_watch_scans_daily_for_a_month() {
    let mut world = given_up(Fault::DropBefore, vec![]).await;
    let mut days = Vec::new();
    for _ in 0..30 {
        for _ in 0..2 {
            live_for(&mut world, &job(3), Duration::from_mins(10)).await.expect("the session ends");
        }
        days.push(scans(&world));
        world.events.clear();
        tokio::time::advance(DAY).await;
    }
    let watched = days.iter().take_while(|scans| **scans == 1).count();
    assert_eq!((watched, days.iter().sum::<usize>()), (28, 28), "{days:?}");
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_list_leaves_the_watch_for_later() {
    let outage = |from, until| Rule { from, until: Some(until), ..Rule::always(Fault::ListOutage) };
    let down = outage(Duration::from_hours(4), Duration::from_hours(5));
    let mut world = given_up(Fault::AcceptLate { after: Duration::from_mins(40) }, vec![down]).await;
    let since = world.clock.now().wall - super::world::noon();
    tokio::time::advance(Duration::from_mins(250).saturating_sub(since.to_std().unwrap())).await;
    let end = live_for(&mut world, &job(3), Duration::from_mins(5)).await.expect("it ends soon all the same");
    assert_eq!((end.watch_missed, scans(&world), world.audit().extra_charges), (true, 0, 0));
    tokio::time::advance(Duration::from_hours(1)).await;
    let end = live_for(&mut world, &job(3), Duration::from_mins(5)).await.expect("the session ends");
    assert_eq!((end.watch_missed, scans(&world), world.audit().extra_charges), (false, 1, 2));
}

/// What a restored ledger may lack goes before the watch, and takes more than a day where the list shows nothing unfinished.
#[tokio::test(start_paused = true)]
async fn a_watch_that_has_to_wait_keeps_no_session() {
    let mut world = given_up(Fault::DropBefore, vec![]).await;
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        relisted(outcome, |rows| rows.retain(|row| !row["datetime_done"].is_null()))
    }));
    let ledger = rusqlite::Connection::open(world.ledger_path()).unwrap();
    ledger.execute("DELETE FROM visibility_proof", []).unwrap();
    drop(ledger);
    let copy = world.copy();
    tokio::time::advance(DAY).await;
    live_for(&mut world, &job(4), Duration::from_hours(3)).await.expect("the session ends");
    world.restore(&copy);
    tokio::time::advance(DAY).await;
    let end = live_for(&mut world, &job(4), Duration::from_hours(3)).await.expect("this one as well");
    assert_eq!((end.in_doubt, end.watch_missed, scans(&world)), (1, true, 1));
}

#[tokio::test(start_paused = true)]
async fn buying_does_not_wait_for_the_watch() {
    // The next day each page takes a minute, and a purchase is lost meanwhile.
    let slow = Fault::AnswerLate { after: Duration::from_secs(50) };
    let next_day = |rule| Rule { from: Duration::from_hours(20), ..rule };
    let also =
        vec![next_day(Rule::chance(slow, Call::IdList, 1.0)), next_day(Rule::nth(Fault::DropAfter, Call::TaskPost, 1))];
    let mut world = given_up(Fault::AcceptLate { after: Duration::from_mins(40) }, also).await;
    tokio::time::advance(DAY).await;
    let end = live_for(&mut world, &job(8), Duration::from_hours(3)).await.expect("the session ends");
    assert_eq!((end.in_doubt, end.unmatched.0, world.tasks("answered")), (0, 2, 8));
    let at = |wanted: &dyn Fn(&EventKind) -> bool| world.events.iter().position(|event| wanted(&event.kind)).unwrap();
    let bought = at(&|kind| matches!(kind, EventKind::BatchSent { .. }));
    assert!(bought < at(&|kind| matches!(kind, EventKind::Watched { .. })), "{:#?}", world.events);
    assert_eq!(world.audit().charged, world.bill().total);
}
