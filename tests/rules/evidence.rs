//! A task that the list shows without a cost: its own id decides, and the list's costs if it names any.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::money::Money;
use bursar::provider::Response;
use bursar::sandbox::{Call, Fault, Rule};
use serde_json::{Value, json};

use super::rows::{changed, relisted, tags};
use super::world::World;
use super::{PRICE, job, settings};

/// A world in which the second batch never arrives, and the provider's list shows its tasks at no cost all the same. Asked
/// by their ids, they have failed with a code.
fn listed_as_failed(code: u32) -> World {
    listed_as(&Arc::new(AtomicU32::new(code)), true)
}

/// The same, with a code that can change, and a list that may not name costs at all.
fn listed_as(code: &Arc<AtomicU32>, names_costs: bool) -> World {
    let code = Arc::clone(code);
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, Call::TaskPost, 2)]));
    let posts: Mutex<Vec<Vec<String>>> = Mutex::new(Vec::new());
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut posts = posts.lock().unwrap();
        if request.spends {
            posts.push(tags(request));
        }
        if request.path.ends_with("/id_list") {
            return relisted(outcome, |rows| {
                if !names_costs {
                    for row in rows.iter_mut() {
                        row["cost"] = 0.into();
                    }
                }
                rows.extend(posts.get(1).into_iter().flatten().map(|tag| failed(tag)));
            });
        }
        if request.path.contains("/refused-") {
            return changed(outcome, |body| {
                body["status_code"] = 20_000.into();
                body["tasks"] = json!([{ "id": "refused", "status_code": code.load(Ordering::Relaxed), "status_message": "no", "cost": 0 }]);
            });
        }
        outcome
    }));
    world
}

fn failed(tag: &str) -> Value {
    json!({
        "id": format!("refused-{}", tag.replace('.', "-")), "datetime_posted": "2026-11-22 12:00:01 +00:00",
        "datetime_done": "2026-11-22 12:00:01 +00:00", "status": "no", "cost": 0, "metadata": { "tag": tag },
    })
}

/// The first replies to the question for it end before they say what became of it.
#[tokio::test(start_paused = true)]
async fn a_cut_reply_leaves_a_listed_refusal_unbought() {
    let mut world = listed_as_failed(40_501);
    let refuses = world.meddle.take().unwrap();
    let asked = AtomicU32::new(0);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let outcome = refuses(request, outcome);
        if !request.path.contains("/refused-") || asked.fetch_add(1, Ordering::Relaxed) > 3 {
            return outcome;
        }
        let id = request.path.rsplit('/').next().unwrap_or_default();
        let body = format!("{{\"status_code\":20000,\"tasks\":[{{\"id\":\"{id}\",").into_bytes();
        outcome.map(|response| Response { body: body.into(), ..response })
    }));
    let end = world.live_on(&job(3)).await;
    assert_eq!((end.in_doubt, world.audit().charged, world.tasks("answered")), (0, world.bill().total, 3));
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_listed_free_refusal_is_bought_again() {
    let mut world = listed_as_failed(40_506);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_free_row_with_unknown_id_is_bought_again() {
    let mut world = listed_as_failed(40_401);
    let end = super::live_for(&mut world, &job(3), Duration::from_mins(29)).await;
    assert_eq!((end, world.bill().tasks), (None, 1), "its id may not be known yet");
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_free_row_that_errors_is_bought_again() {
    let mut world = listed_as_failed(50_000);
    let end = super::live_for(&mut world, &job(3), Duration::from_mins(29)).await;
    assert_eq!((end, world.bill().tasks), (None, 1), "it may be the question that it stumbles over");
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_costing_list_shows_a_refusal_was_free() {
    let mut world = listed_as_failed(40_501);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    world.assert_all_answered_once(3);
}

#[tokio::test(start_paused = true)]
async fn a_free_failure_is_booked_free_and_final() {
    let mut world = listed_as_failed(40_103);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    let audit = world.audit();
    assert_eq!((world.tasks("answered"), world.tasks("failed"), world.bill().tasks), (1, 2, 1), "{:?}", audit.tasks);
    assert_eq!((audit.charged, audit.held), (PRICE, Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_unpriced_list_makes_a_listed_refusal_paid() {
    let mut world = listed_as(&Arc::new(AtomicU32::new(40_501)), false);
    assert_eq!(world.live_on(&job(3)).await.in_doubt, 0);
    let audit = world.audit();
    assert_eq!((world.bill().tasks, world.tasks("answered")), (1, 1), "{:?}", audit.tasks);
    assert_eq!(audit.problems, Vec::<String>::new());
    assert_eq!((audit.charged, audit.held), (Money::from_nanos(3 * PRICE.nanos()), Money::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_listed_task_with_unknown_codes_stays_in_doubt() {
    for unknown in [40_999, 40_205, 40_206, 40_006] {
        let code = Arc::new(AtomicU32::new(unknown));
        let mut world = listed_as(&code, true);
        let end = tokio::time::timeout(Duration::from_hours(48), world.live_on(&job(3))).await.unwrap();
        let audit = world.audit();
        assert_eq!((end.in_doubt, world.bill().tasks), (2, 1), "{unknown}: {:?}", audit.tasks);
        assert_eq!((audit.charged, audit.held), (PRICE, Money::from_nanos(2 * PRICE.nanos())), "{unknown}");
        code.store(40_506, Ordering::Relaxed);
        assert_eq!(world.live_on(&job(3)).await.in_doubt, 0, "{unknown}");
        world.assert_all_answered_once(3);
    }
}
