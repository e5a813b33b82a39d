//! What a person called bought: charged, never bought again, and found with its cost and its answer; and a decision
//! taken back.

use std::time::Duration;

use bursar::event::EventKind;
use bursar::ids::BatchId;
use bursar::ledger::{Books, Change, Ledger, Lookups, NoticeKind, Reports};
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule, Settings};

use super::cells::{models, quick};
use super::world::{Death, World};
use super::{PRICE, job, live_for, settings};

const DAY: Duration = Duration::from_hours(24);

/// A person decides on all that is in doubt.
fn decide(world: &World, bought: bool) {
    let mut ledger = world.open();
    let changes = unknown_batches(&ledger).into_iter().map(|(attempt, sent_v)| {
        if bought {
            Change::ResolvedAsBought { attempt, posted_v: sent_v }
        } else {
            Change::ResolvedAsNotBought { attempt }
        }
    });
    let changes = changes.collect();
    ledger.record(changes).unwrap();
}

fn unknown_batches(ledger: &Ledger) -> Vec<(bursar::ids::AttemptId, i64)> {
    let (account, _) = ledger.account("main").unwrap().unwrap();
    let batches = ledger.unknown_batches(account).unwrap();
    let each = batches.iter().flat_map(|batch| {
        let attempts = ledger.unresolved(batch.batch).unwrap();
        attempts.into_iter().map(|attempt| (attempt, batch.sent_v))
    });
    each.collect()
}

fn take_back(world: &World) -> usize {
    let mut ledger = world.open();
    let words = ledger.words(BatchId(2)).unwrap();
    ledger.record(words.iter().map(|(attempt, ..)| Change::TakenBack { attempt: *attempt }).collect()).unwrap();
    words.len()
}

/// Three tasks, the two of the second purchase in doubt, and the list out of order.
async fn lost(fault: Fault, list_back: Duration) -> World {
    let outage = Rule { until: Some(list_back), ..Rule::chance(Fault::ListOutage, Call::IdList, 1.0) };
    let unready =
        Rule { until: Some(list_back), ..Rule::chance(Fault::ReadyOmits { share: 1.0 }, Call::TasksReady, 1.0) };
    let mut world = World::new(Settings { ..settings(vec![Rule::nth(fault, Call::TaskPost, 2), outage, unready]) });
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(10)).await, None);
    assert_eq!((world.audit().in_doubt, world.audit().held), (2, Money::from_nanos(2 * PRICE.nanos())));
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_called_bought_is_found_and_fetched() {
    let mut world = lost(Fault::DropAfter, Duration::from_hours(3)).await;
    decide(&world, true);
    world.assert_books_agree();
    assert_eq!((world.tasks("submitted"), world.audit().held, world.audit().in_doubt), (3, Money::ZERO, 0));
    // The list is not back yet: the session ends, says that they are late, and buys nothing.
    let end = tokio::time::timeout(Duration::from_hours(2), world.live_on(&job(3))).await.expect("it does not wait");
    assert_eq!((end.in_doubt, end.late, end.waiting, world.bill().tasks), (0, 2, 2, 3));
    tokio::time::advance(Duration::from_hours(3)).await;
    let end = world.live_on(&job(3)).await;
    assert_eq!((end.late, end.waiting), (0, 0));
    world.assert_all_answered_once(3);
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::Recovered { .. })), 2);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn the_real_cost_replaces_what_was_held() {
    let mut world = World::new(quick(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]));
    // Four times what is taken is held.
    let dear =
        |n| models("standard", n, "1").replace("max_output_tokens", "max_cost_per_task = \"0.04\"\nmax_output_tokens");
    let died = world.live(&dear(3), Death { after_call: 4, ..Default::default() }).await;
    assert_eq!(died.end, None);
    decide(&world, true);
    assert!(world.audit().charged > world.bill().total);
    assert_eq!(world.audit().problems, Vec::<String>::new());
    world.live_on(&dear(3)).await;
    world.assert_all_answered_once(3);
    assert!(world.saw(|kind| matches!(kind, EventKind::CostCorrected { .. })) >= 2, "it is told");
}

/// The figure does not show the purchase yet, and nobody but the person knows of it.
#[tokio::test(start_paused = true)]
async fn a_stale_balance_is_kept_over_a_persons_word() {
    let tasks = |n: i64| Money::from_nanos(n * PRICE.nanos());
    let rules = vec![
        Rule::always(Fault::StaleBalance { after: Duration::from_mins(2) }),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 2),
        Rule::chance(Fault::ListOutage, Call::IdList, 1.0),
    ];
    let mut world = World::new(settings(rules));
    // Of the $1,000 of the account, $999.88 are to be kept: room for a hundred tasks.
    world.account.caps.keep_balance = Some("999.88".parse().unwrap());
    let job = job(300);
    live_for(&mut world, &job, Duration::from_secs(20)).await;
    assert_eq!((world.audit().in_doubt, world.bill().total), (99, tasks(100)));
    decide(&world, true);
    live_for(&mut world, &job, Duration::from_mins(1)).await;
    assert_eq!(world.bill().total, tasks(100), "past the balance to keep");
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_called_bought_fails_after_a_month() {
    let mut world = lost(Fault::DropBefore, Duration::from_hours(3)).await;
    decide(&world, true);
    for _ in 0..2 {
        tokio::time::advance(DAY * 5).await;
        assert_eq!(world.live_on(&job(3)).await.late, 2, "still looked for");
    }
    tokio::time::advance(DAY * 22).await;
    let end = world.live_on(&job(3)).await;
    assert_eq!((end.late, end.waiting, end.progress.failed), (0, 0, 2));
    assert_eq!((world.tasks("failed"), world.bill().tasks), (2, 1), "never bought again");
    let audit = world.audit();
    assert_eq!((audit.problems, audit.charged), (vec![], Money::from_nanos(3 * PRICE.nanos())));
    let lost = world.open().untold().unwrap().into_iter().map(|notice| (notice.kind, notice.tasks, notice.paid));
    let lost: Vec<_> = lost.collect();
    assert_eq!(lost, [(NoticeKind::Expired, 2, Money::from_nanos(2 * PRICE.nanos()))], "whichever run is at work");
    assert_eq!(world.live_on(&job(3)).await.progress.failed, 0, "told once");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_decision_taken_back_leaves_doubt_to_scans() {
    for bought in [true, false] {
        let mut world = lost(Fault::DropAfter, Duration::from_mins(20)).await;
        let before = world.audit();
        decide(&world, bought);
        assert_eq!(take_back(&world), 2);
        let after = world.audit();
        assert_eq!((after.charged, after.held, after.in_doubt), (before.charged, before.held, 2), "{bought}");
        assert_eq!(after.problems, Vec::<String>::new(), "{bought}");
        assert_eq!(take_back(&world), 0, "there is nothing left to take back");
        tokio::time::advance(Duration::from_mins(20)).await;
        assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
        world.assert_all_answered_once(3);
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_decision_with_consequences_cannot_be_taken_back() {
    let mut world = lost(Fault::DropBefore, Duration::from_mins(20)).await;
    decide(&world, false);
    world.live_on(&job(3)).await;
    assert_eq!(take_back(&world), 0);
    world.assert_all_answered_once(3);
}
