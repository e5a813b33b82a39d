//! Odd answers: kept as they came, paid once, reported.

use std::sync::{Arc, Mutex};

use bursar::event::EventKind;
use bursar::ledger::Reports;
use bursar::provider::{Failure, Response};
use bursar::sandbox::Spread;

use super::cells::models;
use super::rows::Outcome;
use super::world::World;
use super::{job, settings};

/// What the answers of a world are called that are odd, in the order of their purchases.
pub(crate) fn kept(world: &World) -> Vec<String> {
    let mut odd = Vec::new();
    let ledger = world.open();
    for run in ledger.runs(None).unwrap() {
        let mut each = |row: bursar::ledger::ExportRow| {
            odd.extend(row.oddity.map(|oddity| oddity.name().to_owned()));
            std::ops::ControlFlow::Continue(())
        };
        ledger.export(run, false, &mut each).unwrap();
    }
    odd
}

type Bend = fn(Vec<u8>) -> Outcome;

fn said(body: Vec<u8>) -> Response {
    Response { status: 200, date: None, retry_after: None, rest: None, body: body.into() }
}

fn replaced(body: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let (before, after) = text.split_once(from).unwrap();
    [before.as_bytes(), to, after.as_bytes()].concat()
}

fn without_result(body: &[u8], result: &str) -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body["tasks"][0]["result"] = serde_json::from_str(result).unwrap();
    body.to_string().into_bytes()
}

/// Ways in which an answer can be odd, each with its name.
fn bends() -> Vec<(&'static str, Bend)> {
    vec![
        ("not_utf8", |body| Ok(said(replaced(&body, "\"result\":[{", b"\"result\":[{\"x\":\"\xe9\",")))),
        ("not_json", |body| Ok(said(replaced(&body, "\"result\":[{", b"\"result\":[{\"x\":NaN,")))),
        ("not_json", |body| Ok(said(replaced(&body, "\"result\":[{", b"\"result\":[{\"x\":\"a\tb\",")))),
        ("repeated_key", |body| {
            Ok(said(replaced(&body, "\"result_count\":", b"\"result_count\":1,\"result_count\":")))
        }),
        ("empty_result", |body| Ok(said(without_result(&body, "[]")))),
        ("null_result", |body| Ok(said(without_result(&body, "null")))),
        ("odd_result", |body| Ok(said(without_result(&body, "[\"text\"]")))),
        ("cut_short", |body| Ok(said(body[..body.len() - 40].to_vec()))),
        ("cut_short", |body| {
            let response = said(body);
            Err(Failure::Part { why: "its compression ends early".to_owned(), is_bound: false, response })
        }),
        ("too_large", |body| {
            let response = said(body[..body.len() - 40].to_vec());
            Err(Failure::Part { why: "it is too large".to_owned(), is_bound: true, response })
        }),
    ]
}

/// A world in which the answer of the first task that is asked for comes bent, each time.
fn bent(bend: Bend, live: bool) -> World {
    let mut settings = settings(vec![]);
    settings.live_takes = Spread { min: std::time::Duration::ZERO, max: std::time::Duration::ZERO };
    let mut world = World::new(settings);
    let chosen = Arc::new(Mutex::new(None::<String>));
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.contains(if live { "/live" } else { "task_get" }) {
            return outcome;
        }
        let mut chosen = chosen.lock().unwrap();
        let key = request.path.clone() + &String::from_utf8_lossy(request.body.as_deref().unwrap_or_default());
        let response = outcome?;
        if !String::from_utf8_lossy(&response.body).contains("\"result\":[{") {
            return Ok(response);
        }
        if *chosen.get_or_insert(key.clone()) != key {
            return Ok(response);
        }
        bend(response.body.to_vec())
    }));
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_odd_answer_is_kept_and_completes_runs() {
    for (name, bend) in bends() {
        for job in [job(3), models("standard", 3, "1")] {
            let mut world = bent(bend, false);
            let end = world.live_on(&job).await;
            assert_eq!((end.late, end.waiting, world.tasks("answered")), (0, 0, 3), "{name}");
            assert_eq!(kept(&world), [name]);
            let told = |event: &EventKind| matches!(event, EventKind::Odd { what, .. } if what.contains(name));
            assert_eq!(world.saw(told), 1, "{name}");
            assert_eq!(world.audit().problems, Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_live_answer_is_kept_and_not_lost() {
    for (name, bend) in bends() {
        for job in [models("live", 3, "1"), job(3).replace("locations =", "method = \"live\"\nlocations =")] {
            let mut world = bent(bend, true);
            let end = world.live_on(&job).await;
            assert_eq!((end.in_doubt, world.tasks("answered"), world.bill().tasks), (0, 3, 3), "{name}");
            assert_eq!(kept(&world), [name]);
            world.assert_books_agree();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_cut_twice_is_no_odd_answer() {
    let mut world = World::new(settings(vec![]));
    let cuts = Arc::new(Mutex::new(0));
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut cuts = cuts.lock().unwrap();
        if !request.path.contains("task_get") || *cuts == 2 {
            return outcome;
        }
        let mut response = outcome?;
        if String::from_utf8_lossy(&response.body).contains("\"result\":[{") {
            *cuts += 1;
            response.body.truncate(response.body.len() / 2);
            return Err(Failure::Part { why: "cut".to_owned(), is_bound: false, response });
        }
        Ok(response)
    }));
    world.live_on(&job(1)).await;
    world.assert_all_answered_once(1);
    assert_eq!(kept(&world), Vec::<String>::new());
}

/// For five minutes the provider's store gives no results, though it calls every task finished.
#[tokio::test(start_paused = true)]
async fn a_result_empty_for_minutes_loses_no_answer() {
    for result in ["null", "[]"] {
        let mut world = World::new(settings(vec![]));
        let (clock, broken) = (world.clock, Mutex::new(None));
        world.meddle = Some(Arc::new(move |request, outcome| {
            let response = outcome?;
            let is_answer = String::from_utf8_lossy(&response.body).contains("\"result\":[{");
            if !request.path.contains("task_get") || !is_answer {
                return Ok(response);
            }
            let since = *broken.lock().unwrap().get_or_insert(clock.now().mono);
            if clock.now().mono.saturating_sub(since) > std::time::Duration::from_mins(5) {
                return Ok(response);
            }
            Ok(said(without_result(&response.body, result)))
        }));
        world.live_on(&job(3)).await;
        world.assert_all_answered_once(3);
        assert_eq!(kept(&world), Vec::<String>::new(), "{result}");
    }
}

/// Every Live answer comes with a byte that is no UTF-8, as long as the switch says so.
fn all_odd(rotten: &Arc<Mutex<bool>>) -> World {
    let mut settings = settings(vec![]);
    settings.live_takes = Spread { min: std::time::Duration::ZERO, max: std::time::Duration::ZERO };
    let mut world = World::new(settings);
    world.account.limits.live_in_flight = 1;
    let rotten = Arc::clone(rotten);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.contains("/live") || !*rotten.lock().unwrap() {
            return outcome;
        }
        Ok(said(replaced(&outcome?.body, "\"result\":[{", b"\"result\":[{\"x\":\"\xe9\",")))
    }));
    world
}

#[tokio::test(start_paused = true)]
pub(crate) async fn the_same_oddity_five_times_stops_its_price_class() {
    let rotten = Arc::new(Mutex::new(true));
    let mut world = all_odd(&rotten);
    let live = job(20).replace("locations =", "method = \"live\"\nlocations =");
    let end = world.live_on(&live).await;
    assert_eq!((world.bill().tasks, world.tasks("answered"), world.tasks("planned")), (5, 5, 15));
    assert_eq!(
        end.refused.as_deref(),
        Some(
            "15 tasks are not bought of llm_scraper/chat_gpt/live/normal/-: the last 5 answers of this price class were odd \
             in the same way (not_utf8); look at them with `bursar export`; the next session buys one task, and the rest if \
             its answer is as it should be"
        )
    );
    assert_eq!(world.saw(|event| matches!(event, EventKind::OddAnswersStop { answers: 5, .. })), 1);
    // The next session buys one to see, and no more.
    let end = world.live_on(&live).await;
    assert_eq!((world.bill().tasks, world.tasks("planned")), (6, 14));
    assert!(end.refused.is_some_and(|why| why.contains("and so was the one that this session bought to see")));
    // The provider has mended it.
    *rotten.lock().unwrap() = false;
    let end = world.live_on(&live).await;
    assert_eq!((end.refused, world.tasks("answered"), world.bill().tasks), (None, 20, 20));
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn odd_answers_with_others_between_stop_nothing() {
    let count = Arc::new(Mutex::new(0));
    let rotten = Arc::new(Mutex::new(true));
    let mut world = all_odd(&rotten);
    let meddle = world.meddle.take().unwrap();
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut count = count.lock().unwrap();
        *count += u32::from(request.path.contains("/live"));
        if count.is_multiple_of(5) { outcome } else { meddle(request, outcome) }
    }));
    let live = job(20).replace("locations =", "method = \"live\"\nlocations =");
    let end = world.live_on(&live).await;
    assert_eq!((end.refused, world.tasks("answered"), kept(&world).len()), (None, 20, 16));
}
