//! Scans of two sessions that count together, and those that do not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::provider::Failure;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread};

use super::rows::{relisted, tags};
use super::world::World;
use super::{job, live_for, settings};

/// Long enough for one scan that is to conclude, and too short for two.
const ONE_SCAN: Duration = Duration::from_secs(45);

fn concluding_scans(world: &World) -> usize {
    world.saw(|kind| matches!(kind, EventKind::ScanEnded { concluding: true, inconclusive: None, .. }))
}

/// A world whose second purchase is in doubt by this fault, with the visibility proof, hours after its quarantine.
fn in_doubt(fault: Fault, also: Vec<Rule>) -> World {
    let mut rules = vec![Rule::nth(fault, Call::TaskPost, 2)];
    rules.extend(also);
    let turnaround = Spread { min: Duration::from_hours(20), max: Duration::from_hours(20) };
    let mut world = World::new(Settings { turnaround_normal: turnaround, ..settings(rules) });
    // No session waits for the limit on questions for the account.
    world.account.limits.user_data_per_minute = 6_000;
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn scans_of_two_short_sessions_settle_doubt_together() {
    let mut world = in_doubt(Fault::DropBefore, vec![]);
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(10)).await, None);
    for scans in 1..=2 {
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(live_for(&mut world, &job(3), ONE_SCAN).await, None);
        assert_eq!(concluding_scans(&world), scans, "each session makes one");
    }
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::Concluded { .. })), 1);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

/// Two scans were made while `tasks_ready` could not be read; then the purchase arrives, long after its time.
#[tokio::test(start_paused = true)]
pub(crate) async fn a_session_without_its_own_scan_concludes_nothing() {
    let late = Fault::AcceptLate { after: Duration::from_mins(80) };
    let down = Rule {
        until: Some(Duration::from_mins(75)),
        ..Rule::chance(Fault::ErrorBefore { status: 500, html: false }, Call::TasksReady, 1.0)
    };
    let slow = Fault::AnswerLate { after: Duration::from_secs(20) };
    let slow = Rule { from: Duration::from_mins(75), ..Rule::chance(slow, Call::IdList, 1.0) };
    let mut world = in_doubt(late, vec![down, slow]);
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(70)).await, None);
    assert!(concluding_scans(&world) >= 2, "{:#?}", world.events);
    tokio::time::advance(Duration::from_mins(30)).await;
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

/// The list hides a purchase, shows it once without its cost, and hides it again.
#[tokio::test(start_paused = true)]
pub(crate) async fn scans_before_an_unpriced_row_no_longer_count() {
    let mut world = in_doubt(Fault::DropAfter, vec![]);
    let (clock, posts) = (world.clock, Mutex::new(Vec::<Vec<String>>::new()));
    let began = clock.now().wall;
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut posts = posts.lock().unwrap();
        if request.spends {
            posts.push(tags(request));
        }
        let mins = (clock.now().wall - began).num_minutes();
        // Its id cannot be asked about while the list shows it.
        if request.path.contains("/task_get/") && (100..160).contains(&mins) {
            return Err(Failure::NoAnswer("the connection was closed".to_owned()));
        }
        if !request.path.ends_with("/id_list") || mins >= 188 {
            return outcome;
        }
        let lost = posts.get(1).cloned().unwrap_or_default();
        let is_lost = |row: &serde_json::Value| {
            row["metadata"]["tag"].as_str().is_some_and(|tag| lost.iter().any(|lost| lost == tag))
        };
        relisted(outcome, |rows| {
            if (100..160).contains(&mins) {
                rows.iter_mut().filter(|row| is_lost(row)).for_each(|row| row["cost"] = serde_json::Value::Null);
            } else {
                rows.retain(|row| !is_lost(row));
            }
        })
    }));
    assert_eq!(live_for(&mut world, &job(3), Duration::from_mins(10)).await, None);
    for hours in 1..=3 {
        tokio::time::advance(Duration::from_mins(if hours == 1 { 55 } else { 59 })).await;
        assert_eq!(live_for(&mut world, &job(3), ONE_SCAN).await, None, "session {hours}");
        assert_eq!(world.saw(|kind| matches!(kind, EventKind::Concluded { .. })), 0, "session {hours}");
    }
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}
