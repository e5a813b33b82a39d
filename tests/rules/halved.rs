//! Requests that are refused as a whole: the task that is to blame is found and named, the others are bought, and
//! nothing is paid for twice on the way.

use std::time::Duration;

use bursar::config::ProxyConfig;
use bursar::event::EventKind;
use bursar::sandbox::{Call, Fault, Rule};

use super::world::World;
use super::{job, settings};

/// A firewall that refuses what holds this.
fn firewall(marker: &str, status: u16) -> Rule {
    Rule::always(Fault::RefuseBody { marker: marker.to_owned(), status })
}

fn posts(world: &World) -> usize {
    world.saw(|kind| matches!(kind, EventKind::BatchSent { .. }))
}

/// The prompts of failed tasks, as they are told.
fn blamed(world: &World) -> Vec<String> {
    let mut prompts: Vec<String> = world
        .events
        .iter()
        .filter_map(|event| {
            let EventKind::TaskFailed { subject, paid: false, .. } = &event.kind else { return None };
            Some(subject.as_ref()?.prompt.clone())
        })
        .collect();
    prompts.sort_unstable();
    prompts
}

/// What was bought is answered, once each, and the books are the bill.
fn all_but(world: &World, refused: u64, asked: u64) {
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!(audit.problems, Vec::<String>::new());
    assert_eq!((world.tasks("answered"), world.tasks("failed")), (asked - refused, refused));
    assert_eq!((bill.tasks, bill.bought_twice().count()), (asked - refused, 0), "every purchase belongs to a task");
    assert_eq!((audit.charged, audit.held.nanos()), (bill.total, 0));
}

#[tokio::test(start_paused = true)]
async fn a_prompt_blocked_by_a_firewall_is_isolated() {
    for (status, asked, refused) in [(403, 120, 1), (400, 60, 7), (422, 4, 1), (413, 101, 100)] {
        let marker = format!("question {refused} of");
        let mut world = World::new(settings(vec![firewall(&marker, status)]));
        let end = world.live_on(&job(asked)).await;
        assert_eq!(end.refused, None, "HTTP {status}");
        all_but(&world, 1, asked as u64);
        assert_eq!(blamed(&world), [format!("question {refused} of rules?")], "HTTP {status}");
        assert!(posts(&world) <= 22, "HTTP {status}: {} requests", posts(&world));
        // A later session has nothing to do.
        let before = world.bill().tasks;
        world.live_on(&job(asked)).await;
        assert_eq!(world.bill().tasks, before);
    }
}

#[tokio::test(start_paused = true)]
async fn several_bad_prompts_side_by_side_are_all_found() {
    // Every question whose number begins with 2: 11 of 60, ten of them in a row, behind the first that proves the price.
    let mut world = World::new(settings(vec![firewall("question 2", 403)]));
    let end = world.live_on(&job(60)).await;
    assert_eq!(end.refused, None);
    all_but(&world, 11, 60);
}

#[tokio::test(start_paused = true)]
async fn a_closed_way_stops_without_blaming_tasks() {
    let for_an_hour = Rule { until: Some(Duration::from_hours(1)), ..firewall("question", 403) };
    let mut world = World::new(settings(vec![for_an_hour]));
    let end = world.live_on(&job(300)).await;
    let why = "the last 20 requests were refused whole, whatever stood in them, and nothing of them was bought: 403: a \
               firewall or proxy between here and the provider forbids the request (HTTP 403); the next session begins with other \
               tasks; if it ends alike, `bursar doctor` looks at the way";
    assert_eq!(end.refused.as_deref(), Some(why));
    assert_eq!((world.tasks("planned"), world.tasks("failed"), world.bill().tasks), (300, 0, 0));
    // It opens: the same command buys all of it.
    tokio::time::advance(Duration::from_hours(2)).await;
    world.live_on(&job(300)).await;
    world.assert_all_answered_once(300);
}

#[tokio::test(start_paused = true)]
async fn a_single_refused_task_is_left_and_reported() {
    let mut world = World::new(settings(vec![firewall("question", 403)]));
    let end = world.live_on(&job(1)).await;
    let why = end.refused.unwrap();
    assert!(
        why.starts_with("1 task is not bought: its request, in which it stood alone, was refused (403: a firewall"),
        "{why}"
    );
    assert_eq!((world.tasks("planned"), world.tasks("failed")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_too_large_shrinks_later_ones() {
    let mut world = World::new(settings(vec![Rule::always(Fault::RefuseLarge { tasks: 30 })]));
    let end = world.live_on(&job(801)).await;
    assert_eq!((end.refused, world.tasks("failed")), (None, 0));
    world.assert_all_answered_once(801);
    let refused = world.saw(|kind| matches!(kind, EventKind::BodyRefused { .. }));
    // The first batches leave side by side; what leaves after the answer to them is smaller.
    assert!(refused <= 14, "{refused} requests were too large");
    let largest = world.events.iter().rev().find_map(|event| {
        let EventKind::BatchSent { tasks, .. } = event.kind else { return None };
        Some(tasks)
    });
    assert!(largest.unwrap() <= 25, "the last had {largest:?} tasks");
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_request_in_doubt_is_never_halved() {
    let lost = Fault::ErrorAfter { status: 400, html: false };
    let mut world = World::new(settings(vec![Rule::nth(lost, Call::TaskPost, 2)]));
    world.live_on(&job(9)).await;
    world.assert_all_answered_once(9);
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::BodyRefused { .. })), 0);
}

/// A proxy may refuse what comes back: then the purchase was made, and its halves would be made a second time.
#[tokio::test(start_paused = true)]
async fn behind_a_proxy_no_forbidden_request_is_halved() {
    let filtered = Fault::ErrorAfter { status: 403, html: true };
    let mut world = World::new(settings(vec![Rule::nth(filtered, Call::TaskPost, 2)]));
    world.account.proxy =
        Some(ProxyConfig { url: "http://proxy.example:3128".to_owned(), auth_env: None, auth_file: None });
    // One session after the other finds what was taken, and sends nothing a second time.
    for _ in 0..2 {
        let end = world.live_on(&job(9)).await;
        assert_eq!(end.refused, None);
        assert_eq!((posts(&world), world.saw(|kind| matches!(kind, EventKind::BodyRefused { .. }))), (2, 0));
        world.assert_all_answered_once(9);
    }
}

/// What worked and works no longer is not the fault of one task after the other.
#[tokio::test(start_paused = true)]
async fn a_way_that_closes_blames_few_tasks() {
    let closes = Rule { call: Some(Call::Live), from: Duration::from_secs(1), ..firewall("question", 403) };
    let mut world = World::new(settings(vec![closes]));
    let live = job(400).replace("engine = \"chat_gpt\"\n", "engine = \"chat_gpt\"\nmethod = \"live\"\n");
    let live = live.replace("run = \"1\"", "run = \"5\"");
    let end = world.live_on(&live).await;
    assert!(end.refused.unwrap().starts_with("the last 20 requests were refused whole"));
    assert!(world.tasks("failed") <= 20 && posts(&world) <= 80, "{} failed", world.tasks("failed"));
}

/// Prompts that a firewall refuses, more than make a session give up, and good ones behind them.
#[tokio::test(start_paused = true)]
async fn refused_prompts_at_the_front_hold_nothing_up_for_ever() {
    let mut world = World::new(settings(vec![firewall("DROP", 403)]));
    let mut prompts: Vec<String> = (1..=25).map(|n| format!("\"why DROP {n}?\"")).collect();
    prompts.extend((1..=40).map(|n| format!("\"question {n}?\"")));
    let text = job(1).replace("\"question 1 of rules?\"", &prompts.join(", "));
    let first = world.live_on(&text).await;
    assert!(first.refused.unwrap().starts_with("the last 20 requests were refused whole"));
    assert_eq!(world.bill().tasks, 0);
    world.live_on(&text).await;
    all_but(&world, 25, 65);
}

/// What was refused whole cost nothing, so that it is none of the purchases that a job pays for again.
#[tokio::test(start_paused = true)]
async fn halves_do_not_count_among_the_paid_failures() {
    let failure = Fault::PaidFailure { code: 40_101, at_post: true };
    let once = Rule::nth(failure, Call::TaskPost, 6);
    let mut world = World::new(settings(vec![Rule::always(Fault::RefuseLarge { tasks: 2 }), once]));
    let end = world.live_on(&format!("retry_paid_failures = 1\n{}", job(17))).await;
    assert_eq!((end.refused, world.tasks("failed"), world.tasks("answered")), (None, 0, 17));
    assert!(world.saw(|kind| matches!(kind, EventKind::TaskFailed { paid: true, .. })) > 0);
}
