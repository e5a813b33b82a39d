//! The worst behaviour of a provider, a clock or a disk that violates no assumption. Each of these once led to a
//! purchase made twice, a cap exceeded, an answer lost, or a session without an end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::clock::Clock;
use bursar::sandbox::{Call, Fault, Rule, Settings, Spread, Switches};
use serde_json::{Value, json};

use super::rows::{changed, relisted, tags};
use super::world::{Death, World};
use super::{PRICE, job, live_for, named, settings};

fn mins(n: u64) -> Duration {
    Duration::from_mins(n)
}

fn window(body: &[u8]) -> (i64, i64) {
    let body: Value = serde_json::from_slice(body).unwrap();
    (at(&body[0]["datetime_from"]), at(&body[0]["datetime_to"]))
}

fn at(text: &Value) -> i64 {
    chrono::DateTime::parse_from_str(text.as_str().unwrap(), "%Y-%m-%d %H:%M:%S %:z").unwrap().timestamp()
}

fn foreign(n: usize, posted: &Value) -> Value {
    json!({ "id": format!("foreign-{n}"), "url": "https://x/v3/ai_optimization/chat_gpt/llm_scraper/task_post",
        "datetime_posted": posted, "datetime_done": posted, "status": "ok", "cost": 0.0012, "metadata": { "tag": format!("other-{n}") } })
}

/// html is gone after seven days, advanced after thirty.
#[tokio::test(start_paused = true)]
async fn an_expired_page_keeps_the_other_answer_form() {
    let mut world = World::new(settings(vec![]));
    let job = format!("results = [\"advanced\", \"html\"]\n{}", job(3));
    live_for(&mut world, &job, mins(10)).await;
    tokio::time::advance(Duration::from_hours(24 * 8)).await;
    world.live_on(&job).await;
    assert_eq!(world.tasks("answered"), 3);
}

/// A copy of a ledger that took its own clock, which is ahead, for the provider's.
#[tokio::test(start_paused = true)]
async fn a_restored_ledger_with_a_fast_clock_repeats_nothing() {
    let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds: -600 })]));
    world.meddle = Some(Arc::new(|request, outcome| {
        let mut outcome = outcome?;
        if request.path.contains("task_get") {
            outcome.date = None;
        }
        Ok(outcome)
    }));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.meddle = None;
    world.live_on(&job(3)).await;
    world.restore(&copy);
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 3);
}

/// The first reply of a session after a crash has no date, and this machine's clock is slow.
#[tokio::test(start_paused = true)]
async fn a_reply_without_a_date_dates_no_close() {
    let lag = Rule { from: mins(39), ..Rule::always(Fault::ListLag { after: mins(10) }) };
    let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds: 29 * 60 }), lag]));
    world.live_on(&job(1)).await;
    let dead = world.live(&job(3), Death { after_call: 3, ..Death::default() }).await;
    assert_eq!((dead.end, world.bill().tasks), (None, 3));
    let first = Mutex::new(true);
    world.meddle = Some(Arc::new(move |_, outcome| {
        let mut outcome = outcome?;
        if std::mem::take(&mut *first.lock().unwrap()) {
            outcome.date = None;
        }
        Ok(outcome)
    }));
    world.live_on(&job(4)).await;
    assert_eq!(world.bill().tasks, 4);
}

/// `sent_v` is after the moment at which the provider saw the batch.
#[tokio::test(start_paused = true)]
async fn no_batch_is_dated_after_the_provider_saw_it() {
    let mut world = World::new(settings(vec![]));
    world.clock = Clock::starting_at("2026-11-22T12:00:00.5Z".parse().unwrap());
    world.account.limits.calls_per_minute = 170;
    world.collect = false;
    let big = job(1_500).replace("run = \"1\"", "run = \"2\"");
    world.live_on(&big).await;
    let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let wrong: i64 = db.query_row("SELECT count(*) FROM batch WHERE sent_v > posted_v", [], |row| row.get(0)).unwrap();
    assert_eq!(wrong, 0);
}

/// One answer that cannot be read keeps a session for ever.
#[tokio::test(start_paused = true)]
async fn an_unreadable_answer_does_not_keep_sessions_open() {
    for kind in ["50000", "too large"] {
        let mut world = World::new(settings(vec![]));
        let poisoned = Arc::new(Mutex::new(None::<String>));
        world.meddle = Some(Arc::new(move |request, outcome| {
            if !request.path.contains("task_get") {
                return outcome;
            }
            let mut poisoned = poisoned.lock().unwrap();
            if *poisoned.get_or_insert(request.path.clone()) != request.path {
                return outcome;
            }
            if kind == "50000" {
                return changed(outcome, |body| {
                    body["tasks"][0]["status_code"] = 50_000.into();
                    body["tasks"][0]["result"] = Value::Null;
                });
            }
            Err(bursar::provider::Failure::NoAnswer("the reply is larger than 67108864 bytes".to_owned()))
        }));
        let end = live_for(&mut world, &job(3), Duration::from_hours(24 * 5)).await;
        assert!(end.is_some(), "{kind}: five days, and the session goes on");
    }
}

/// The list files a finished task under the time at which it was finished.
#[tokio::test(start_paused = true)]
async fn a_row_filed_by_completion_is_found_later() {
    let outage = Rule { from: mins(39), until: Some(mins(180)), ..Rule::always(Fault::ListOutage) };
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2), outage]));
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        let (from, to) = window(request.body.as_deref().unwrap());
        relisted(outcome, |rows| {
            rows.retain(|row| row["datetime_done"].is_null() || (from..=to).contains(&at(&row["datetime_done"])));
        })
    }));
    world.live_on(&job(1)).await;
    assert_eq!(live_for(&mut world, &job(3), mins(10)).await, None);
    assert_eq!(world.bill().tasks, 3);
    // The machine comes back after a long weekend: tasks_ready has forgotten what nobody fetched.
    tokio::time::advance(Duration::from_hours(24 * 4)).await;
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 3);
}

/// The same within hours: the lost tasks fail, and `tasks_ready` does not show failures.
#[tokio::test(start_paused = true)]
async fn a_failure_filed_by_completion_is_found_soon() {
    let outage = Rule { from: mins(39), until: Some(mins(100)), ..Rule::always(Fault::ListOutage) };
    let fails = Rule::nth(Fault::PaidFailure { code: 40_103, at_post: false }, Call::TaskPost, 2);
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2), fails, outage]));
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        let (from, to) = window(request.body.as_deref().unwrap());
        relisted(outcome, |rows| {
            rows.retain(|row| row["datetime_done"].is_null() || (from..=to).contains(&at(&row["datetime_done"])));
        })
    }));
    world.live_on(&job(1)).await;
    world.live_on(&job(3)).await;
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 3);
}

/// A list that shows only what is finished, and does not say when it was.
#[tokio::test(start_paused = true)]
async fn a_finished_row_without_time_proves_nothing() {
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 3)]);
    let mut world = World::new(Settings {
        switches: Switches { list_unfinished: false, ..Switches::default() },
        turnaround_normal: Spread { min: mins(180), max: mins(180) },
        turnaround_high: Spread { min: mins(1), max: mins(1) },
        ..dropped
    });
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        relisted(outcome, |rows| rows.iter_mut().for_each(|row| row["datetime_done"] = Value::Null))
    }));
    world.live_on(&job(1)).await;
    tokio::time::advance(Duration::from_hours(24)).await;
    let set = job(1).split_once("[[prompt_set]]").unwrap().1.replace("\"all\"", "\"soon\"").replace("question", "what");
    let both = format!("{}[[prompt_set]]{set}priority = \"high\"\n", job(3));
    world.live_on(&both).await;
    assert_eq!(world.bill().tasks, 4);
}

/// A list whose window holds neither of its edges: every second is inside of a page that was not full.
#[tokio::test(start_paused = true)]
async fn every_second_is_inside_some_page_of_scans() {
    let dropped = settings(vec![Rule::nth(Fault::DropAfter, Call::TaskPost, 2)]);
    let mut world = World::new(Settings { turnaround_normal: Spread { min: mins(180), max: mins(180) }, ..dropped });
    let lost = Arc::new(Mutex::new((0, 0_i64, Vec::new())));
    let (clock, seen) = (world.clock, Arc::clone(&lost));
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut lost = seen.lock().unwrap();
        if request.spends {
            lost.0 += 1;
            if lost.0 == 2 {
                lost.1 = clock.now().wall.timestamp();
            }
        }
        if !request.path.ends_with("/id_list") {
            return outcome;
        }
        let (from, to) = window(request.body.as_deref().unwrap());
        // Around the lost purchase others bought so much that no page of more than a few seconds holds it.
        if to - from <= 3 || !(from..=to).contains(&lost.1) {
            lost.2.push((from, to));
            return outcome;
        }
        let posted =
            chrono::DateTime::from_timestamp(lost.1, 0).unwrap().format("%Y-%m-%d %H:%M:%S +00:00").to_string();
        relisted(outcome, |rows| *rows = (0..1_000).map(|n| foreign(n, &Value::from(posted.clone()))).collect())
    }));
    world.live_on(&job(1)).await;
    live_for(&mut world, &job(3), mins(20)).await;
    let (_, second, pages) = &*lost.lock().unwrap();
    for second in second - 5..=second + 5 {
        assert!(pages.iter().any(|(from, to)| (from + 1..*to).contains(&second)), "{second}");
    }
}

/// A copy that is older than the provider's list goes back.
#[tokio::test(start_paused = true)]
async fn a_very_old_copy_waits_for_a_decision() {
    let mut world = World::new(settings(vec![]));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.live_on(&job(3)).await;
    world.assert_all_answered_once(3);
    tokio::time::advance(Duration::from_hours(24 * 29)).await;
    world.restore(&copy);
    world.live_on(&job(3)).await;
    tokio::time::advance(Duration::from_hours(80)).await;
    world.live_on(&job(3)).await;
    assert_eq!(world.bill().tasks, 3);
}

/// Two engines share `tasks_ready`'s limit.
#[tokio::test(start_paused = true)]
async fn engines_share_the_polls_of_tasks_ready() {
    let mut settings = settings(vec![]);
    settings.turnaround_normal = Spread { min: mins(1), max: mins(40) };
    settings.reply_after = Duration::from_millis(std::env::var("LATENCY").map_or(0, |text| text.parse().unwrap()));
    let mut world = World::new(settings);
    let polls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&polls);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if request.path.ends_with("tasks_ready") {
            seen.lock().unwrap().push(request.path.contains("gemini"));
        }
        outcome
    }));
    let both = job(300)
        .replace("run = \"1\"", "run = \"9\"")
        .replace("engine = \"chat_gpt\"", "targets = [{ engine = \"chat_gpt\" }, { engine = \"gemini\" }]");
    live_for(&mut world, &both, mins(35)).await;
    let polls = polls.lock().unwrap();
    let gemini = polls.iter().filter(|gemini| **gemini).count();
    assert!(gemini * 3 > polls.len());
}

/// A provider that is down for purchases.
#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_not_sent_the_plan() {
    let down =
        Rule { from: mins(2), ..Rule::chance(Fault::ErrorBefore { status: 503, html: true }, Call::TaskPost, 1.0) };
    let mut world = World::new(settings(vec![down]));
    world.live_on(&job(1)).await;
    let big = job(5_000).replace("run = \"1\"", "run = \"9\"");
    live_for(&mut world, &big, mins(2)).await;
    assert!(world.audit().in_doubt < 1_000);
}

/// A copy older than the list goes back, of a ledger that went on buying: what the list still shows are control rows.
#[tokio::test(start_paused = true)]
async fn nor_is_it_while_the_list_shows_purchases() {
    let mut world = World::new(settings(vec![]));
    world.live_on(&job(1)).await;
    let copy = world.copy();
    world.live_on(&job(3)).await;
    tokio::time::advance(Duration::from_hours(24 * 29)).await;
    world.live_on(&job(4)).await;
    world.assert_all_answered_once(4);
    world.restore(&copy);
    world.live_on(&job(4)).await;
    assert_eq!(world.bill().tasks, 4);
}

/// The last replies before a purchase whose answer is lost have no date, on a machine that is ten minutes ahead.
#[tokio::test(start_paused = true)]
async fn a_reply_without_date_moves_no_window() {
    // The provider's clock is ten minutes behind this machine's. Before the lost purchase the last reply had no date.
    let lost = settings(vec![
        Rule::always(Fault::ClockSkew { seconds: -600 }),
        Rule::nth(Fault::DropAfter, Call::TaskPost, 2),
    ]);
    let mut world = World::new(Settings { turnaround_normal: Spread { min: mins(180), max: mins(180) }, ..lost });
    world.account.timing.poll_max = mins(1);
    world.live_on(&job(1)).await;
    let calls = Mutex::new(0);
    world.meddle = Some(Arc::new(move |_, outcome| {
        let mut outcome = outcome?;
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls <= 2 {
            outcome.date = None;
        }
        Ok(outcome)
    }));
    let _ = live_for(&mut world, &job(3), mins(1)).await;
    world.meddle = None;
    // Two minutes later something else is bought, and dated as it should be.
    tokio::time::advance(mins(2)).await;
    world.live_on(&job(4)).await;
    assert_eq!(world.bill().tasks, 4);
}

/// Eight minutes before the provider's midnight, on a machine that is ten minutes ahead, two replies have no date.
#[tokio::test(start_paused = true)]
async fn a_reply_without_date_exceeds_no_day_cap() {
    let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds: -600 })]));
    // 23:10 by the provider.
    world.clock = Clock::starting_at("2026-11-22T23:20:00Z".parse().unwrap());
    world.account.caps.day = Some(bursar::money::Money::from_nanos(PRICE.nanos()));
    world.live_on(&job(1)).await;
    tokio::time::advance(Duration::from_secs(100)).await;
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut outcome = outcome?;
        if request.path.contains("appendix") {
            outcome.date = None;
        }
        Ok(outcome)
    }));
    let _ = live_for(&mut world, &job(2), mins(1)).await;
    let db = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let days: Vec<(String, i64, i64)> = db
        .prepare("SELECT date(from_v, 'unixepoch'), limit_nano, charged_nano FROM cap WHERE scope = 'account_day'")
        .unwrap()
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(days.iter().all(|(_, limit, charged)| charged <= limit));
}

/// One ledger by two names.
#[test]
fn a_ledger_has_one_lock_under_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, link) = (folder.path().join("bursar.db"), folder.path().join("other.db"));
    std::fs::write(&ledger, "").unwrap();
    std::os::unix::fs::symlink(&ledger, &link).unwrap();
    let _held = bursar::ledger::Lock::try_take(&ledger).unwrap();
    assert!(bursar::ledger::Lock::try_take(&link).is_err());
}

/// A scan before the quarantine that has grown since counts.
#[tokio::test(start_paused = true)]
async fn a_scan_before_a_longer_quarantine_does_not_count() {
    // Purchases arrive 25 minutes late once; the list is eight minutes behind from the hour on, and its pages are slow.
    let lag = Rule { from: mins(195), ..Rule::always(Fault::ListLag { after: mins(8) }) };
    let late = Rule::nth(Fault::AcceptLate { after: mins(29) }, Call::TaskPost, 2);
    let slow = Rule {
        from: mins(213),
        ..Rule::chance(Fault::AnswerLate { after: Duration::from_secs(30) }, Call::IdList, 1.0)
    };
    let mut world = World::new(Settings {
        turnaround_normal: Spread { min: mins(180), max: mins(180) },
        ..settings(vec![late, lag, slow])
    });
    world.live_on(&job(1)).await;
    // The list leaves the late rows out once: in the one scan that begins after the quarantine as it is by then.
    let (clock, began) = (world.clock, world.clock.now().wall);
    let posts: Mutex<Vec<Vec<String>>> = Mutex::new(Vec::new());
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut posts = posts.lock().unwrap();
        if request.spends {
            posts.push(tags(request));
        }
        let into = (clock.now().wall - began).num_seconds();
        if !request.path.ends_with("/id_list") || !(42 * 60..43 * 60 + 30).contains(&into) {
            return outcome;
        }
        let hidden = posts.first().cloned().unwrap_or_default();
        relisted(outcome, |rows| rows.retain(|row| !hidden.iter().any(|tag| row["metadata"]["tag"] == tag.as_str())))
    }));
    assert_eq!(live_for(&mut world, &job(3), Duration::from_secs(27 * 60 + 20)).await, None);
    world.live_on(&job(4)).await;
    assert_eq!(world.bill().tasks, 4);
}

/// One machine of the provider's is ten minutes ahead, and answers just before a Live call whose answer is lost.
#[tokio::test(start_paused = true)]
pub(crate) async fn one_date_ahead_does_not_move_scan_windows() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropAfter, Call::Live, 1)]));
    world.meddle = Some(Arc::new(move |request, outcome| {
        outcome.map(|mut response| {
            let ahead = if request.path.ends_with("/user_data") { mins(10) } else { Duration::ZERO };
            response.date = response.date.map(|date| date + ahead);
            response
        })
    }));
    let live = |name| named(name, 1).replace("engine = \"chat_gpt\"", "engine = \"chat_gpt\"\nmethod = \"live\"");
    live_for(&mut world, &live("lost"), Duration::from_secs(1)).await;
    assert_eq!((world.tasks("sending"), world.bill().tasks), (1, 1));
    world.meddle = None;
    // By then its window lies in the past, and behind it.
    tokio::time::advance(mins(20)).await;
    live_for(&mut world, &live("other"), mins(1)).await;
    assert_eq!(world.bill().tasks, 2);
    tokio::time::advance(mins(60)).await;
    world.live_on(&live("lost")).await;
    assert_eq!(world.bill().tasks, 2, "it is not bought again");
    world.assert_books_agree();
}
