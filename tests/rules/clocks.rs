//! The clocks of this machine and of the provider: a run is opened only while both lie in its period, and bursar buys
//! nothing from a provider that does not tell the time.

use std::sync::Arc;
use std::time::Duration;

use bursar::engine::{self, End, StopWord, Terms};
use bursar::ledger::Lookups;
use bursar::period::{self, Agreement};
use bursar::provider::Response;
use bursar::sandbox::{Fault, InProcess, Rule, Settings};
use chrono::TimeDelta;
use tokio::sync::watch;

use super::world::World;
use super::{job, settings};

fn daily(questions: usize) -> String {
    format!("period = \"day\"\ntimezone = \"UTC\"\n{}", job(questions))
}

/// A session of a job with periods, in the order of the program: the greeting, the period, the run.
async fn session(world: &mut World, job_text: &str) -> Result<End, String> {
    let job = world.job(job_text);
    let mut ledger = world.open();
    let account = engine::bring_account(&mut ledger, &world.account, "sandbox").unwrap();
    let terms = Terms {
        account,
        name: world.account.name.clone(),
        limits: world.account.limits.clone(),
        timing: world.account.timing.clone(),
        speed: 1,
        lists: true,
        through: bursar::provider::Through::Nobody,
        user_prompt_decoded: false,
        keep_balance: None,
        watch_now: false,
        collect: true,
        patience: None,
        seed: 1,
        runs: Vec::new(),
    };
    let clock = world.clock;
    let provider = Arc::new(InProcess::new(Arc::clone(&world.sandbox), move || clock.now().wall, "sandbox", "sandbox"));
    let (_word, stop) = watch::channel(StopWord::None);
    let heard = engine::handshake(terms, provider, &mut ledger, clock, stop, &mut world.events).await.unwrap();
    drop(ledger);
    let now = clock.now();
    let provider = heard.0.shows(now).expect("the provider is heard");
    let seen = |at| (at, period::current(job.period, job.timezone, at));
    match period::agreed(seen(now.wall), seen(provider)) {
        Agreement::In(_) => Ok(world.live_on(job_text).await),
        Agreement::Soon(wait) => Err(format!("soon: {}s", wait.as_secs())),
        Agreement::Apart(apart) => Err(apart.to_string()),
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_clock_in_another_day_opens_no_run() {
    for seconds in [90_000, -90_000] {
        let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds })]));
        let refused = session(&mut world, &daily(3)).await;
        assert_eq!(world.bill().tasks, 0, "nothing is sold for a day that the provider's clock is not in");
        let why = refused.unwrap_err();
        assert!(why.contains("(period 2026-11-22)"), "{why}");
        let provider = if seconds > 0 { "2026-11-23 13:00:" } else { "2026-11-21 11:00:" };
        assert!(why.contains(provider), "{why}");
        assert_eq!(world.open().find_run("rules", None).unwrap(), None, "no run of a wrong day is opened");
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_an_hour_apart_buy_the_same_day() {
    let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds: 3_600 })]));
    let end = session(&mut world, &daily(3)).await.unwrap();
    assert_eq!(end.refused, None);
    assert_eq!(world.bill().tasks, 3);
    let hourly = daily(3).replace("\"day\"", "\"hour\"").replace("\"rules\"", "\"hourly\"");
    let why = session(&mut world, &hourly).await.unwrap_err();
    assert!(why.contains("(period 2026-11-22T") && why.contains("so nothing is bought"), "{why}");
    assert_eq!(world.bill().tasks, 3);
}

/// What arrives has lost its date, or another.
fn redated(world: &mut World, change: fn(&mut Response)) {
    world.meddle = Some(Arc::new(move |_, outcome| {
        outcome.map(|mut response| {
            change(&mut response);
            response
        })
    }));
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_a_date_ends_the_session_soon() {
    let mut world = World::new(Settings::default());
    redated(&mut world, |response| response.date = None);
    let began = world.clock.now().mono;
    let end = world.live_on(&job(3)).await;
    assert!(world.clock.now().mono < began + Duration::from_secs(10), "it does not wait without end");
    assert_eq!((end.undated, world.bill().tasks), (true, 0));
    let why = end.refused.unwrap();
    assert!(
        why.starts_with(
            "the provider's answers bear no usable `Date`, and this machine's clock, which says 2026-11-22 12:00:"
        ),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn clocks_weeks_apart_end_the_session_with_times() {
    for days in [15, -40] {
        let mut world = World::new(settings(vec![Rule::always(Fault::ClockSkew { seconds: days * 86_400 })]));
        let end = world.live_on(&job(3)).await;
        assert_eq!((end.undated, world.bill().tasks), (true, 0));
        let why = end.refused.unwrap();
        let provider = if days > 0 { "2026-12-07 12:00:" } else { "2026-10-13 12:00:" };
        assert!(why.contains(provider) && why.contains("this machine's clock says 2026-11-22 12:00:"), "{why}");
        assert!(why.contains("they are weeks apart"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn paid_answers_are_collected_without_any_date() {
    let changes: [fn(&mut Response); 3] = [
        |response| response.date = None,
        |response| response.date = response.date.map(|date| date + TimeDelta::days(40)),
        |response| response.date = response.date.map(|date| date - TimeDelta::days(40)),
    ];
    for change in changes {
        let mut world = World::new(settings(Vec::new()));
        world.collect = false;
        world.live_on(&job(3)).await;
        assert_eq!((world.bill().tasks, world.tasks("answered")), (3, 0));
        tokio::time::advance(Duration::from_hours(1)).await;
        world.collect = true;
        redated(&mut world, change);
        let end = world.live_on(&job(5)).await;
        assert_eq!((end.undated, end.waiting), (true, 0));
        assert_eq!((world.bill().tasks, world.tasks("answered")), (3, 3), "nothing more is bought");
        world.meddle = None;
        world.live_on(&job(5)).await;
        world.assert_all_answered_once(5);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_keeps_no_undated_session_waiting() {
    let mut world = World::new(settings(vec![Rule::nth(Fault::DropBefore, bursar::sandbox::Call::TaskPost, 1)]));
    assert_eq!(super::live_for(&mut world, &job(1), Duration::from_mins(2)).await, None);
    redated(&mut world, |response| response.date = None);
    let end = super::live_for(&mut world, &job(1), Duration::from_mins(30)).await.expect("the session ends");
    assert_eq!((end.undated, end.in_doubt, world.bill().tasks), (true, 1, 0));
}
