//! Provisional costs: the provider's list corrects them, once a day, or they stay and are reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Rule, Settings};

use super::cells::{attempts, models, quick, usd};
use super::rows::relisted;
use super::world::World;

/// A provider whose list names what models' tasks came to, once they are settled.
fn settling(rules: Vec<Rule>) -> Settings {
    let mut settings = quick(rules);
    settings.switches.list_settled_cost = true;
    settings
}

/// A task that its model never finishes: after 72 hours the provider gives its advance back.
fn never_done(nth: u64) -> Rule {
    Rule::nth(Fault::NeverDone, Call::TaskPost, nth)
}

/// What was told of costs that the list has named, and of those that stay.
fn told(world: &World) -> Vec<(bool, u64, Money)> {
    let of = |kind: &EventKind| {
        if let EventKind::CostsCorrected { tasks, cost, .. } = kind {
            return Some((true, *tasks, *cost));
        }
        if let EventKind::CostsStay { tasks, booked } = kind { Some((false, *tasks, *booked)) } else { None }
    };
    world.events.iter().filter_map(|event| of(&event.kind)).collect()
}

/// Calls for the list without metadata are counted.
fn counting(world: &mut World) -> Arc<AtomicU32> {
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let body = request.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
        if body.is_some_and(|body| body.contains("\"include_metadata\":false")) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }));
    calls
}

#[tokio::test(start_paused = true)]
pub(crate) async fn expired_model_answers_cost_what_the_list_finally_names() {
    let mut world = World::new(settling(vec![Rule::always(Fault::Overrun { usd: usd("0.03") })]));
    let job =
        models("standard", 3, "1").replace("max_output_tokens", "max_cost_per_task = \"0.05\"\nmax_output_tokens");
    super::live_for(&mut world, &job, Duration::from_mins(1)).await;
    assert_eq!(world.tasks("submitted"), 3);
    tokio::time::advance(Duration::from_hours(24 * 40)).await;
    let end = world.live_on(&job).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.bill().total), (3, usd("0.0906")));
    assert_eq!(end.corrected, (3, usd("0.15"), usd("0.0906")));
    assert_eq!(told(&world), [(true, 3, usd("0.0906"))]);
    let caps = rusqlite::Connection::open(world.ledger_path()).unwrap();
    let sql = "SELECT count(DISTINCT charged_nano), min(charged_nano) FROM cap WHERE scope <> 'account_balance'
               AND charged_nano > 0";
    let counted: (i64, i64) = caps.query_row(sql, [], |row| row.try_into()).unwrap();
    assert_eq!(counted, (1, 90_600_000), "in every cap that the purchase counted in");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_buys_nothing_still_learns_costs() {
    let no_money =
        Rule { call: Some(Call::TaskPost), from: Duration::from_mins(5), ..Rule::always(Fault::Payment40210) };
    let mut world = World::new(settling(vec![no_money, Rule::always(Fault::Overrun { usd: usd("0.03") })]));
    let job = |questions| {
        let job = models("standard", questions, "1");
        job.replace("max_output_tokens", "max_cost_per_task = \"0.05\"\nmax_output_tokens")
    };
    super::live_for(&mut world, &job(3), Duration::from_mins(1)).await;
    assert_eq!(world.tasks("submitted"), 3);
    tokio::time::advance(Duration::from_hours(24 * 40)).await;
    let end = world.live_on(&job(4)).await;
    let why = "the provider refuses: The balance does not cover this request. (code 40210)";
    assert_eq!((end.refused.as_deref(), end.corrected), (Some(why), (3, usd("0.15"), usd("0.0906"))));
    assert_eq!(told(&world), [(true, 3, usd("0.0906"))]);
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_the_list_ends_at_once() {
    let mut world = World::new(settling(vec![never_done(1)]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    tokio::time::advance(Duration::from_hours(80)).await;
    let pages = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&pages);
    world.meddle = Some(Arc::new(move |request, outcome| {
        if !request.path.contains("id_list") {
            return outcome;
        }
        count.fetch_add(1, Ordering::Relaxed);
        let mut response = outcome?;
        response.body = bytes::Bytes::from_static(
            br#"{"status_code": 40100, "status_message": "You are not authorized to access this resource.", "tasks": null}"#,
        );
        Ok(response)
    }));
    let end = world.live_on(&models("standard", 1, "1")).await;
    let why = "the provider refuses: You are not authorized to access this resource. (code 40100)";
    assert_eq!((end.refused.as_deref(), told(&world)), (Some(why), vec![]));
    assert_eq!(pages.load(Ordering::Relaxed), 1);
    world.meddle = None;
    world.live_on(&models("standard", 1, "1")).await;
    assert_eq!(told(&world), [(true, 1, usd("0.0002"))]);
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_purchase_costs_its_listed_figure() {
    let fails = Rule::nth(Fault::PaidFailure { code: 40_103, at_post: true }, Call::TaskPost, 1);
    let mut settings = settling(vec![fails]);
    (settings.switches.refund_failed, settings.switches.post_shows_advance) = (true, true);
    let mut world = World::new(settings);
    let end = world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.bill().total), (1, usd("0.0002")));
    assert_eq!(end.corrected, (1, usd("0.0102"), usd("0.0002")));
}

#[tokio::test(start_paused = true)]
async fn the_list_refunds_an_advance_returned_unseen() {
    let mut world = World::new(settling(vec![never_done(1)]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    tokio::time::advance(Duration::from_hours(80)).await;
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!((world.tasks("failed"), world.bill().total), (1, usd("0.0002")));
    assert_eq!(told(&world), [(true, 1, usd("0.0002"))]);
}

#[tokio::test(start_paused = true)]
async fn a_provisional_cost_is_looked_for_once_a_day() {
    let settles_late = Rule::nth(Fault::SettleLate { after: Duration::from_hours(30) }, Call::TaskPost, 1);
    let mut world = World::new(settling(vec![never_done(1), settles_late]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    let calls = counting(&mut world);
    tokio::time::advance(Duration::from_hours(80)).await;
    let mut scans = Vec::new();
    for _ in 0..3 {
        world.live_on(&models("standard", 1, "1")).await;
        world.live_on(&models("standard", 1, "1")).await;
        scans.push((calls.load(Ordering::Relaxed), world.audit().charged));
        tokio::time::advance(Duration::from_hours(25)).await;
    }
    assert_eq!(scans, [(1, usd("0.0102")), (2, usd("0.0002")), (2, usd("0.0002"))]);
    world.assert_books_agree();
}

#[tokio::test(start_paused = true)]
async fn a_cost_never_listed_stays_and_is_reported() {
    // This list goes on showing what was taken at first.
    let mut world = World::new(quick(vec![never_done(1)]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    let calls = counting(&mut world);
    for days in [4, 10, 20, 2] {
        tokio::time::advance(Duration::from_hours(24 * days)).await;
        world.live_on(&models("standard", 1, "1")).await;
    }
    assert_eq!(told(&world), [(false, 1, usd("0.0102"))]);
    assert_eq!(calls.load(Ordering::Relaxed), 3, "what stays is looked for no more");
    assert_eq!((world.audit().charged, world.audit().problems), (usd("0.0102"), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_fees_alone_corrects_no_cost() {
    let mut world = World::new(settling(vec![never_done(2)]));
    super::live_for(&mut world, &models("standard", 3, "1"), Duration::from_mins(5)).await;
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.contains("id_list") {
            return outcome;
        }
        relisted(outcome, |rows| rows.iter_mut().for_each(|row| row["cost"] = 0.0002.into()))
    }));
    tokio::time::advance(Duration::from_hours(80)).await;
    world.live_on(&models("standard", 3, "1")).await;
    assert_eq!((world.tasks("answered"), world.tasks("failed")), (1, 2));
    assert_eq!(told(&world), []);
    let failed = attempts(&world).into_iter().filter(|(state, ..)| state == "paid_failure");
    assert_eq!(failed.map(|(_, _, _, settled)| settled).collect::<Vec<_>>(), [Some(10_200_000); 2]);
}

/// All of them were finished and expired unseen, so that no settled task shows what the list's figures mean.
#[tokio::test(start_paused = true)]
async fn a_finished_answer_never_costs_the_fee_alone() {
    let mut world = World::new(settling(vec![]));
    super::live_for(&mut world, &models("standard", 3, "1"), Duration::from_mins(1)).await;
    assert_eq!(world.tasks("submitted"), 3);
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.contains("id_list") {
            return outcome;
        }
        relisted(outcome, |rows| rows.iter_mut().for_each(|row| row["cost"] = 0.0002.into()))
    }));
    tokio::time::advance(Duration::from_hours(24 * 40)).await;
    world.live_on(&models("standard", 3, "1")).await;
    assert_eq!(world.tasks("failed"), 3);
    let audit = world.audit();
    assert!(audit.charged >= world.bill().total, "{} of {}", audit.charged, world.bill().total);
    assert!(told(&world).iter().all(|(is_corrected, ..)| !is_corrected), "{:?}", told(&world));
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_list_leaves_costs_for_later() {
    let mut world = World::new(settling(vec![never_done(1)]));
    super::live_for(&mut world, &models("standard", 1, "1"), Duration::from_mins(1)).await;
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.contains("id_list") {
            return outcome;
        }
        let mut response = outcome?;
        response.body = bytes::Bytes::from_static(b"{");
        Ok(response)
    }));
    tokio::time::advance(Duration::from_hours(80)).await;
    world.live_on(&models("standard", 1, "1")).await;
    assert_eq!((told(&world), world.audit().charged), (vec![], usd("0.0102")));
    world.meddle = None;
    world.live_on(&models("standard", 1, "1")).await;
    world.assert_books_agree();
    assert_eq!(told(&world), [(true, 1, usd("0.0002"))]);
}
