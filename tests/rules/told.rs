//! Losses are reported once, whoever they belong to: what a later session learns about an earlier run waits in the
//! ledger until a summary has been written.

use std::sync::Arc;
use std::time::Duration;

use bursar::event::EventKind;
use bursar::ledger::{Books, Ledger, Lookups, NoticeKind, Reports};
use bursar::money::Money;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Rule};

use super::world::World;
use super::{PRICE, job, live_for, settings};

/// The job, asked anew each day.
fn daily(questions: usize) -> String {
    format!("period = \"day\"\ntimezone = \"UTC\"\n{}", job(questions))
}

/// What nobody was told of: whose, what, how many, and what was paid.
fn untold(ledger: &Ledger) -> Vec<(String, NoticeKind, u64, Money)> {
    let notices = ledger.untold().unwrap().into_iter();
    notices.map(|notice| (notice.period.unwrap_or_default(), notice.kind, notice.tasks, notice.paid)).collect()
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_earlier_days_failure_waits_to_be_reported() {
    let fails = Fault::PaidFailure { code: 40_103, at_post: false };
    let mut world = World::new(settings(vec![Rule::nth(fails, Call::TaskPost, 2)]));
    world.collect = false;
    world.live_on(&daily(3)).await;
    assert_eq!(untold(&world.open()), [], "nothing is known of it yet");
    world.collect = true;
    tokio::time::advance(Duration::from_hours(24)).await;
    world.live_on(&daily(3)).await;
    let lost = ("2026-11-22".to_owned(), NoticeKind::PaidFailure, 2, Money::from_nanos(2 * PRICE.nanos()));
    assert_eq!(untold(&world.open()), std::slice::from_ref(&lost));
    // The session died before it told anybody: the next one finds it.
    world.live_on(&daily(3)).await;
    let mut ledger = world.open();
    assert_eq!(untold(&ledger), [lost]);
    let notices = ledger.untold().unwrap();
    ledger.told(&notices, 0).unwrap();
    drop(ledger);
    world.live_on(&daily(3)).await;
    assert_eq!(untold(&world.open()), [], "it is told once");
}

#[tokio::test(start_paused = true)]
async fn answers_discarded_before_they_were_fetched_are_told() {
    let mut world = World::new(settings(vec![]));
    world.collect = false;
    world.live_on(&daily(3)).await;
    world.collect = true;
    tokio::time::advance(Duration::from_hours(24 * 40)).await;
    world.live_on(&daily(3)).await;
    let paid = Money::from_nanos(3 * PRICE.nanos());
    assert_eq!(untold(&world.open()), [("2026-11-22".to_owned(), NoticeKind::Expired, 3, paid)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_cut_short_is_reported_at_closing() {
    let mut world = World::new(settings(vec![]));
    assert_eq!(live_for(&mut world, &daily(3), Duration::ZERO).await, None);
    tokio::time::advance(Duration::from_hours(24)).await;
    world.live_on(&daily(3)).await;
    assert_eq!(untold(&world.open()), [("2026-11-22".to_owned(), NoticeKind::Short, 3, Money::ZERO)]);
}

#[tokio::test(start_paused = true)]
async fn a_shortage_already_reported_is_not_repeated() {
    let mut world = World::new(settings(vec![]));
    let poor = daily(3).replace("run = \"1\"", "run = \"0.0024\"");
    world.live_on(&poor).await;
    let mut ledger = world.open();
    let run = ledger.find_run("rules", None).unwrap().unwrap();
    ledger.told_short(run, 1).unwrap();
    drop(ledger);
    tokio::time::advance(Duration::from_hours(24)).await;
    world.live_on(&poor).await;
    assert_eq!(untold(&world.open()), []);
}

#[tokio::test(start_paused = true)]
async fn an_unwatched_session_ends_when_nothing_comes_of_calls() {
    let mut world = World::new(settings(vec![]));
    world.patience = Some(Duration::from_hours(6));
    let refused = "127.0.0.1: Connection refused";
    world.meddle = Some(Arc::new(move |_, _| Err(Failure::NeverLeft(refused.to_owned()))));
    let end = tokio::time::timeout(Duration::from_hours(7), world.live_on(&job(3))).await.expect("the session ends");
    assert_eq!((end.refused, end.stopped, end.in_doubt), (None, true, 0));
    let (lasted, why) = end.no_answer.expect("nothing came of any call");
    assert!(lasted >= Duration::from_hours(6) && why.contains(refused), "{lasted:?}: {why}");
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::Silent { .. })), 1, "it is told once");
    world.meddle = None;
    world.live_on(&job(3)).await;
    world.assert_all_answered_once(3);
}
