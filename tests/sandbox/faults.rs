//! What each fault does to a call.

use std::time::Duration;

use bursar::money::Money;
use bursar::product::Priority;
use bursar::sandbox::{Call, Fault, Rule, Served};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::world::{AUTH, GET, POST, READY, USER, World, as_reply, start, tasks, with_faults};

#[test]
fn a_fault_before_the_provider_charges_nothing() {
    for (fault, expected) in [
        (Fault::RefuseBefore, "refused"),
        (Fault::DropBefore, "dropped"),
        (Fault::ErrorBefore { status: 502, html: true }, "502 html"),
        (Fault::ErrorBefore { status: 500, html: false }, "500 50000"),
        (Fault::Html200, "200 html"),
        (Fault::Envelope50000, "200 50000"),
        (Fault::Throttle40202, "200 40202"),
        (Fault::Throttle429 { after: Duration::from_secs(7) }, "429 html"),
        (Fault::Payment40210, "402 40210"),
        (Fault::Task50000 { tasks: 9 }, "200 20000 [50000, 50000]"),
    ] {
        let mut world = World::new(with_faults(vec![Rule::nth(fault.clone(), Call::TaskPost, 1)]));
        assert_eq!(story(world.served(AUTH, POST, Some(&tasks(2).to_string()))), expected, "{fault:?}");
        assert_eq!(world.charged(), 0, "{fault:?}");
        assert_eq!(world.post(POST, &tasks(2)).codes(), [20_100, 20_100], "{fault:?} strikes once");
    }
}

#[test]
fn a_delayed_reply_is_dated_as_its_switch_says() {
    let after = Duration::from_mins(3);
    for (date_on_leaving, aged) in [(false, TimeDelta::zero()), (true, TimeDelta::minutes(3))] {
        let mut settings = with_faults(vec![
            Rule::nth(Fault::AnswerLate { after }, Call::TaskPost, 1),
            Rule::always(Fault::ClockSkew { seconds: 60 }),
        ]);
        settings.switches.date_on_leaving = date_on_leaving;
        let mut world = World::new(settings);
        let made = world.now + TimeDelta::minutes(1);
        assert_eq!(world.post(POST, &tasks(1)).date, made + aged, "{date_on_leaving}");
        let made = world.now + TimeDelta::minutes(1);
        assert_eq!(world.post(POST, &tasks(1)).date, made, "an answer at once leaves when it is made");
    }
}

#[test]
fn every_fault_on_the_way_back_leaves_the_charge() {
    let late = Duration::from_mins(10);
    for (fault, expected) in [
        (Fault::DropAfter, "dropped"),
        (Fault::ErrorAfter { status: 504, html: true }, "504 html"),
        (Fault::ErrorAfter { status: 500, html: false }, "500 50000"),
        (Fault::Truncate, "truncated"),
        (Fault::AnswerLate { after: late }, "200 20000 [20100, 20100, 20100] after 600 s"),
        (Fault::MissingRows { rows: 1 }, "200 20000 [20100, 20100]"),
        (Fault::RepeatRows { rows: 1 }, "200 20000 [20100, 20100, 20100, 20100]"),
        (Fault::Reorder, "200 20000 [20100, 20100, 20100]"),
        (Fault::PaidFailure { code: 40_101, at_post: true }, "200 20000 [40101, 40101, 40101]"),
        (Fault::PaidFailure { code: 40_101, at_post: false }, "200 20000 [20100, 20100, 20100]"),
    ] {
        let mut world = World::new(with_faults(vec![Rule::nth(fault.clone(), Call::TaskPost, 1)]));
        assert_eq!(story(world.served(AUTH, POST, Some(&tasks(3).to_string()))), expected, "{fault:?}");
        assert_eq!(world.charged(), 3_600_000, "{fault:?}");
        assert_eq!(world.wait(300).list_all().result_tags(), ["t0", "t1", "t2"], "{fault:?}");
    }
}

/// What happened on the wire, in a line.
fn story(served: Served) -> String {
    match served {
        Served::Refused => "refused".to_owned(),
        Served::Dropped => "dropped".to_owned(),
        Served::Truncated { response, sent } => {
            assert!(sent < response.body.len());
            "truncated".to_owned()
        }
        Served::Reply { after, .. } => {
            let got = as_reply(served);
            let rows = if got.rows().is_empty() { String::new() } else { format!(" {:?}", got.codes()) };
            let what = if got.text.starts_with('<') { "html".to_owned() } else { got.code().to_string() };
            let late = if after.is_zero() { String::new() } else { format!(" after {} s", after.as_secs()) };
            format!("{} {what}{rows}{late}", got.status)
        }
    }
}

#[test]
fn a_batch_can_be_accepted_late() {
    let fault = Fault::AcceptLate { after: Duration::from_secs(90) };
    let mut world = World::new(with_faults(vec![Rule::nth(fault, Call::TaskPost, 1)]));
    assert_eq!(world.served(AUTH, POST, Some(&tasks(2).to_string())), Served::Dropped);
    assert_eq!((world.charged(), world.sandbox.next_event()), (0, Some(start() + TimeDelta::seconds(90))));
    world.wait(89).get(USER);
    assert_eq!(world.charged(), 0);
    world.wait(1).get(USER);
    assert_eq!((world.charged(), world.sandbox.next_event()), (2_400_000, None));
    world.wait(500);
    assert_eq!(world.list_all().results()[0]["datetime_posted"], "2026-11-22 15:31:30 +00:00");
}

#[test]
fn a_batch_can_be_accepted_in_part() {
    let mut world = World::new(with_faults(vec![Rule::nth(Fault::Partial { tasks: 2 }, Call::TaskPost, 1)]));
    assert_eq!(world.served(AUTH, POST, Some(&tasks(5).to_string())), Served::Dropped);
    assert_eq!(world.charged(), 2_400_000);
    assert_eq!(world.wait(300).list_all().result_tags(), ["t0", "t1"]);
}

#[test]
fn lists_can_omit_repeat_hide_and_fail() {
    let mut world = World::new(with_faults(vec![
        Rule::nth(Fault::ReadyOmits { share: 0.5 }, Call::TasksReady, 1),
        Rule::nth(Fault::ReadyRepeats, Call::TasksReady, 2),
        Rule::nth(Fault::ListOutage, Call::IdList, 1),
        Rule::nth(Fault::ListHidesUnfinished, Call::IdList, 2),
        Rule::nth(Fault::ListWithoutTags, Call::IdList, 3),
        Rule::nth(Fault::ListOmits { share: 0.5 }, Call::IdList, 4),
        Rule::nth(Fault::ListLag { after: Duration::from_mins(10) }, Call::IdList, 5),
    ]));
    world.post(POST, &tasks(100));
    world.wait(300);
    assert_eq!(world.list_all().status, 500);
    assert_eq!(world.list_all().results().len(), 0);
    assert_eq!(world.list_all().results()[0]["metadata"]["tag"], Value::Null);
    let some = world.list_all().results().len();
    assert!((20..80).contains(&some), "{some} of 100 listed");
    assert_eq!(world.list_all().results().len(), 0);
    assert_eq!(world.list_all().results().len(), 100);
    world.wait(400);
    let some = world.get(READY).results().len();
    assert!((20..80).contains(&some), "{some} of 100 ready");
    assert_eq!(world.get(READY).results().len(), 200);
    assert_eq!(world.get(READY).results().len(), 100);
}

#[test]
fn a_price_change_lasts_and_skew_is_everywhere() {
    let price =
        Fault::PriceChange { usd: Money::from_nanos(1_300_000), engine: None, priority: Some(Priority::Normal) };
    let mut world = World::new(with_faults(vec![Rule::nth(price, Call::TaskPost, 2)]));
    let costs: Vec<Value> = (0..3).map(|_| world.post(POST, &tasks(1)).body["cost"].clone()).collect();
    assert_eq!(costs, [json!(0.0012), json!(0.0013), json!(0.0013)]);
    let prices = &world.get(USER).results()[0]["price"]["ai_optimization"]["llm_scraper"]["task_post"];
    assert_eq!(prices["priority_normal"][0]["cost"], json!(0.0013));
    assert_eq!(prices["priority_high"][0]["cost"], json!(0.0024));

    let mut world = World::new(with_faults(vec![Rule::always(Fault::ClockSkew { seconds: 600 })]));
    let got = world.post(POST, &tasks(1));
    assert_eq!(got.date, start() + TimeDelta::seconds(600));
    assert!(got.ids()[0].starts_with("11221540-"));
    world.wait(300);
    let got = world.list("2026-11-22 15:40:00 +00:00", "2026-11-22 15:41:00 +00:00");
    assert_eq!(got.results()[0]["datetime_posted"], "2026-11-22 15:40:00 +00:00");
}

#[test]
fn an_odd_answer_is_odd_at_every_fetch() {
    let fault = Fault::OddAnswer { how: bursar::sandbox::Bend::NotUtf8, share: 0.5 };
    let mut world = World::new(with_faults(vec![Rule::always(fault)]));
    let ids = world.post(POST, &tasks(20)).ids();
    world.wait(3_600);
    let mut odd = 0;
    for id in ids {
        let path = format!("{GET}/{id}");
        let mut bytes = || {
            let served = world.served(AUTH, &path, None);
            let Served::Reply { response, .. } = served else { panic!("{served:?}") };
            response.body
        };
        let (first, second) = (bytes(), bytes());
        let is_odd = |body: &[u8]| std::str::from_utf8(body).is_err();
        assert_eq!(is_odd(&first), is_odd(&second));
        odd += usize::from(is_odd(&first));
    }
    assert!((3..18).contains(&odd), "{odd} of 20");
}
