//! What the simulation has found, each as a short story of its own.

use std::time::Duration;

use bursar::engine::End;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Faults, Rule, Settings};
use chrono::TimeDelta;

use super::asked::Asked;
use super::books::Books;
use super::session::{Fate, Session, Trouble};
use super::wire::Road;
use super::world::{World, plain_account};

fn world(rules: Vec<Rule>) -> World {
    let settings = Settings { seed: 9, faults: Faults::from(rules), ..Settings::default() };
    World::new(9, "2026-11-22T12:00:00Z".parse().unwrap(), settings, plain_account(), Road::default())
}

fn asked(repeats: usize) -> Asked {
    Asked::plain("found", repeats)
}

fn live(world: &mut World, repeats: usize) -> Box<End> {
    let lived = world.live(&Session { jobs: vec![asked(repeats)], ..Session::default() }).unwrap();
    match lived.fate {
        Fate::Ended(end) => end,
        other @ (Fate::Died | Fate::NotBegun(_)) => panic!("{other:?}"),
    }
}

fn answered_once(world: &World, tasks: u64) {
    let audit = world.audit_clean("at the end").unwrap();
    let answered = audit.tasks.iter().find(|count| count.state == "answered").map_or(0, |count| count.tasks);
    let bill = world.wire.sandbox.bill();
    assert_eq!((answered, bill.tasks, audit.charged), (tasks, tasks, bill.total));
}

/// A scan was widened back to the latest batch before it, and waited for it to be shown, though paid failures are no
/// control rows: every scan was inconclusive.
#[test]
fn a_scan_does_not_reach_back_to_failures() {
    let failure = Fault::PaidFailure { code: 40_102, at_post: true };
    let mut world = world(vec![Rule::nth(failure, Call::TaskPost, 3), Rule::nth(Fault::DropBefore, Call::TaskPost, 4)]);
    live(&mut world, 2);
    world.rest(Duration::from_hours(5));
    live(&mut world, 3);
    world.rest(Duration::from_hours(5));
    let end = live(&mut world, 4);
    assert_eq!((end.in_doubt, end.waiting), (0, 0));
    let bill = world.wire.sandbox.bill();
    assert_eq!((bill.tasks, world.audit_clean("at the end").unwrap().charged), (8, bill.total));
}

/// The provider's list goes back a month; a scan that asked for more was refused for ever.
#[test]
fn doubt_after_a_very_old_purchase_is_settled() {
    let mut world = world(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 3)]);
    world.account.limits.in_flight = 1;
    live(&mut world, 2);
    world.rest(Duration::from_hours(24 * 40));
    let end = live(&mut world, 62);
    assert_eq!((end.in_doubt, end.waiting), (0, 0));
    answered_once(&world, 124);
}

/// A scan that was to conclude had to show a purchase from before the doubt; the first purchases of a ledger have none
/// before them, and stayed in doubt for ever, whatever was bought and shown later.
#[test]
fn later_purchases_settle_the_first_ones() {
    let drops = Rule { nth: vec![1, 2, 3, 4, 5], ..Rule::nth(Fault::DropBefore, Call::TaskPost, 1) };
    let mut world = world(vec![drops]);
    let end = live(&mut world, 4);
    assert_eq!(end.in_doubt, 5);
    world.rest(Duration::from_hours(30));
    live(&mut world, 4);
    world.rest(Duration::from_hours(1));
    let end = live(&mut world, 4);
    assert_eq!((end.in_doubt, end.waiting), (0, 0));
    answered_once(&world, 8);
}

/// What a machine bought that woke in another day was held in the day it fell asleep in, so a day's cap was exceeded.
#[test]
fn a_purchase_after_sleep_counts_that_day() {
    use super::session::Trouble;
    let mut world = world(Vec::new());
    world.account.limits.in_flight = 1;
    world.wire.road.slow = Duration::from_millis(100);
    let job = Asked { day_cap: Some(Money::from_nanos(12_000_000)), ..asked(50) };
    let troubles = (1..6).map(|at| (Duration::from_millis(at * 110), Trouble::Suspend(Duration::from_hours(11))));
    let session = Session { jobs: vec![job], troubles: troubles.collect(), ..Session::default() };
    world.live(&session).unwrap();
    let mut days = std::collections::BTreeMap::<_, i64>::new();
    for sale in world.wire.sandbox.sales() {
        *days.entry(sale.posted.date_naive()).or_default() += sale.cost.nanos();
    }
    assert!(days.values().all(|spent| *spent <= 12_000_000), "{days:?}");
    world.audit_clean("after the sleep").unwrap();
}

/// Begins a session that is over before it buys: the ledger has its account and its plan, and nothing else.
fn only_plan(world: &mut World) {
    let troubles = vec![(Duration::ZERO, super::session::Trouble::Kill)];
    world.live(&Session { jobs: vec![asked(2)], troubles, ..Session::default() }).unwrap();
}

#[test]
fn a_ledger_without_counter_or_purchase_finally_buys() {
    let mut world = world(Vec::new());
    only_plan(&mut world);
    world.disk.lose_state_dir();
    for _ in 0..5 {
        live(&mut world, 2);
        world.rest(Duration::from_hours(26));
    }
    answered_once(&world, 4);
}

#[test]
fn an_account_unknown_to_a_copy_repeats_nothing() {
    let mut world = world(Vec::new());
    let copy = world.disk.make_copy();
    live(&mut world, 2);
    world.disk.restore(&copy);
    world.rest(Duration::from_hours(1));
    live(&mut world, 2);
    let end = world.clock.true_time + TimeDelta::hours(1);
    world.wire.sandbox.advance(end);
    assert_eq!(world.wire.sandbox.bill().bought_twice().count(), 0);
}

/// What another job had bought after the copy was booked as unmatched charges, the ledger was taken for whole again, and that
/// job's next session bought everything anew.
#[test]
fn a_job_unknown_to_a_copy_recovers_purchases() {
    let mut world = world(Vec::new());
    live(&mut world, 2);
    let copy = world.disk.make_copy();
    let other = Session { jobs: vec![Asked { name: "other", ..asked(3) }], ..Session::default() };
    world.live(&other).unwrap();
    world.disk.restore(&copy);
    world.rest(Duration::from_hours(1));
    live(&mut world, 2);
    world.rest(Duration::from_hours(1));
    world.live(&other).unwrap();
    assert_eq!(world.wire.sandbox.bill().bought_twice().count(), 0);
    answered_once(&world, 10);
    assert_eq!(world.audit_clean("at the end").unwrap().extra_charges, 0);
}

/// The session waited for the close of a lost purchase, which only an answer of the provider's can show.
#[test]
fn a_session_whose_provider_vanishes_ends() {
    // The first call is the greeting, and the second the purchase.
    let gone = Rule { call: None, nth: (3..10_000).collect(), ..Rule::always(Fault::DropBefore) };
    let mut world = world(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 1), gone]);
    let end = live(&mut world, 2);
    assert!(end.in_doubt > 0 && end.refused.is_some() && !end.stopped, "{end:?}");
}

/// A scan that began before the list does was refused, for ever; and what the list no longer shows may have been bought.
#[test]
fn a_ledger_restored_months_late_waits_for_a_decision() {
    let mut world = world(Vec::new());
    live(&mut world, 1);
    let sold = world.wire.sandbox.sales().count();
    world.rest(Duration::from_hours(40 * 24));
    world.disk.lose_state_dir();
    for _ in 0..3 {
        let end = live(&mut world, 2);
        assert!(end.refused.as_ref().is_some_and(|why| why.contains("`bursar resolve --restored main")), "{end:?}");
        world.rest(Duration::from_hours(26));
    }
    assert_eq!(world.wire.sandbox.sales().count(), sold);
}

/// The machine slept between the greeting and its answer: the provider's clock was taken for what it had been before, and
/// the purchase that followed was held for an hour that was long over.
#[test]
fn a_hold_covers_a_purchase_across_sleep() {
    let mut world = world(Vec::new());
    let asleep = (Duration::from_millis(1), Trouble::Suspend(Duration::from_hours(30)));
    let lived = world.live(&Session { jobs: vec![asked(1)], troubles: vec![asleep], ..Session::default() }).unwrap();
    assert!(matches!(lived.fate, Fate::Ended(_)), "{:?}", lived.fate);
    let books = Books::read(&world.disk.reader).unwrap();
    for sale in world.wire.sandbox.sales() {
        let attempt = &books.bought[&sale.id];
        let sold_v = sale.posted.timestamp();
        assert!((attempt.sent_v..=attempt.hold_to_v).contains(&sold_v), "{sold_v}: {attempt:?}");
    }
    answered_once(&world, 2);
}

/// A clock that ran ahead began the run of the day after. Set right, the run of the day closed it, and on that day nothing
/// was bought; the run of the day stayed open for ever.
#[test]
fn a_run_opened_too_early_waits_for_its_day() {
    let mut world = world(Vec::new());
    let daily = |repeats| Asked { period: "day", ..asked(repeats) };
    let day = |world: &mut World, repeats| {
        let lived = world.live(&Session { jobs: vec![daily(repeats)], ..Session::default() }).unwrap();
        assert!(matches!(lived.fate, Fate::Ended(_)), "{:?}", lived.fate);
        let books = Books::read(&world.disk.reader).unwrap();
        books.runs.values().map(|run| (run.period.clone(), run.state.clone())).collect::<Vec<_>>()
    };
    let runs = |of: &[(&str, &str)]| of.iter().map(|(p, s)| ((*p).to_owned(), (*s).to_owned())).collect::<Vec<_>>();
    world.clock.jump(24 * 3_600);
    assert_eq!(day(&mut world, 1), runs(&[("2026-11-23", "complete")]));
    world.clock.set_right();
    assert_eq!(day(&mut world, 1), runs(&[("2026-11-23", "complete"), ("2026-11-22", "complete")]));
    world.rest(Duration::from_hours(24));
    assert_eq!(day(&mut world, 2), runs(&[("2026-11-23", "complete"), ("2026-11-22", "closed")]));
    answered_once(&world, 6);
}
