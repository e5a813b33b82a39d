use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::money::Money;
use crate::oddity::Oddity;
use crate::product::{Function, Method, Priority};

#[expect(clippy::needless_pass_by_value, reason = "tables read better without a borrow in each line")]
#[expect(clippy::unnecessary_wraps, reason = "it stands for the outcome of a call")]
fn reply(status: u16, body: impl ToString) -> Result<Response, Failure> {
    let retry_after = Some(Duration::from_secs(7));
    Ok(Response { status, date: None, retry_after, rest: None, body: body.to_string().into() })
}

fn one_row(code: u32, result: &Value) -> Value {
    json!({ "status_code": 20000, "tasks": [{ "id": "i", "status_code": code, "status_message": "…", "result": result }] })
}

fn fetch(code: u32, result: &Value) -> Fetched {
    judge_fetch(&reply(200, one_row(code, result)), "i")
}

fn kind(fetched: &Fetched) -> &'static str {
    match fetched {
        Fetched::Answer { .. } => "answer",
        Fetched::Odd(_) => "odd",
        Fetched::Pending => "pending",
        Fetched::Failed { .. } => "failed",
        Fetched::Expired => "expired",
        Fetched::NotFound => "not found",
        Fetched::Wrong { .. } => "wrong",
        Fetched::Throttled { .. } => "throttled",
        Fetched::WaitingForMoney => "money",
        Fetched::Halt(_) => "halt",
        Fetched::Stumbled { .. } => "stumbled",
        Fetched::Unreachable { .. } => "unreachable",
    }
}

#[test]
fn every_code_of_a_fetch_means_as_documented() {
    // In the task's row, then in the envelope without rows.
    for (codes, in_row, in_envelope) in [
        (&[20_100][..], "pending", "unreachable"),
        (&[40_601, 40_602], "pending", "pending"),
        (&[40_101, 40_102, 40_103], "failed", "unreachable"),
        (&[40_501, 40_404, 40_405, 40_408, 40_504, 40_505, 40_506], "failed", "wrong"),
        // They say nothing of a task that was accepted: it is never given up for them.
        (&[40_006, 40_205, 40_206, 40_999], "wrong", "unreachable"),
        (&[40_403], "expired", "expired"),
        (&[40_401], "not found", "not found"),
        (&[40_000, 40_001, 40_002, 40_003, 40_004, 40_400, 40_402, 40_502, 40_503, 50_100], "wrong", "wrong"),
        (&[40_202, 40_209], "throttled", "throttled"),
        (&[40_200, 40_203, 40_210], "money", "money"),
        (&[40_100, 40_104, 40_201, 40_204, 40_207], "halt", "halt"),
        (&[50_000, 50_001, 50_301, 50_303, 50_304], "stumbled", "unreachable"),
        (&[50_401, 50_402, 50_999, 20_999], "unreachable", "unreachable"),
    ] {
        for code in codes {
            assert_eq!(kind(&fetch(*code, &Value::Null)), in_row, "{code} in the row");
            let bare = json!({ "status_code": code, "tasks": null });
            assert_eq!(kind(&judge_fetch(&reply(200, bare), "i")), in_envelope, "{code} in the envelope");
        }
    }
}

#[test]
fn success_without_result_is_final_for_its_task() {
    for (result, oddity) in [
        (json!(null), Oddity::NullResult),
        (json!([]), Oddity::EmptyResult),
        (json!([null]), Oddity::EmptyResult),
        (json!({}), Oddity::OddResult),
        (json!("x"), Oddity::OddResult),
        (json!([1]), Oddity::OddResult),
    ] {
        let Fetched::Odd(odd) = fetch(20_000, &result) else { panic!("{result}") };
        assert_eq!((odd.oddity, odd.is_final), (oddity, false), "{result}");
        let of_another = judge_fetch(&reply(200, one_row(20_000, &result)), "j");
        assert!(matches!(of_another, Fetched::Pending | Fetched::Unreachable { .. }), "{result}");
    }
    assert_eq!(kind(&fetch(20_000, &json!([{}]))), "answer");
}

#[test]
fn an_answer_names_its_time_and_model() {
    let body = r#"{"status_code": 20000, "tasks": [{"id": "t1", "status_code": 20000, "cost": 12e-4, "result": [
        {"model": "gpt-5", "datetime": "2026-11-22 17:41:09 +02:00", "items": [{"model": "x"}]}]}]}"#;
    assert_eq!(
        judge_fetch(&reply(200, body), "t1"),
        Fetched::Answer {
            facts: AnswerFacts {
                id: Some("t1".into()),
                done: chrono::DateTime::from_timestamp(1_795_362_069, 0),
                model: Some("gpt-5".into()),
                model_charge: None,
            },
        }
    );
}

#[test]
fn a_failed_task_has_the_providers_words() {
    let body = json!({ "status_code": 20000, "tasks": [{ "status_code": 40101, "status_message": "Sorry\n", "cost": 0.0012 }] });
    assert_eq!(judge_fetch(&reply(200, body), "i"), Fetched::Failed { code: 40_101, message: "Sorry".into() });
}

#[test]
fn a_status_speaks_where_the_body_does_not() {
    for (status, expected) in [
        (401, "halt"),
        (402, "money"),
        (403, "halt"),
        (404, "wrong"),
        (429, "throttled"),
        (200, "unreachable"),
        (302, "unreachable"),
        (500, "unreachable"),
        (502, "unreachable"),
        (503, "unreachable"),
    ] {
        for body in ["", "<html>", "{\"tasks\":", "{}"] {
            assert_eq!(kind(&judge_fetch(&reply(status, body), "i")), expected, "{status} {body}");
        }
    }
    assert_eq!(judge_fetch(&reply(429, ""), "i"), Fetched::Throttled { retry_after: Some(Duration::from_secs(7)) });
    assert_eq!(kind(&judge_fetch(&Err(Failure::NeverLeft("x".into())), "i")), "unreachable");
    assert_eq!(kind(&judge_fetch(&Err(Failure::NoAnswer("x".into())), "i")), "unreachable");
}

#[test]
fn an_answer_among_several_rows_is_nobodys() {
    let row = json!({ "status_code": 20000, "result": [{}] });
    for tasks in [json!([row, row]), json!([row, 1]), json!([1]), json!(1)] {
        let body = json!({ "status_code": 20000, "tasks": tasks });
        assert_eq!(kind(&judge_fetch(&reply(200, body), "i")), "unreachable", "{tasks}");
    }
}

/// A reply to the question for task `i`, its result changed as a text.
fn bent(from: &str, to: &[u8]) -> Vec<u8> {
    let whole = r#"{"status_code":20000,"tasks":[{"id":"i","status_code":20000,"cost":0,"data":{"tag":"t"},"result":[{"model":"m","money_spent":0.01,"text":"abc"}]}]}"#;
    let (before, after) = whole.split_once(from).unwrap();
    [before.as_bytes(), to, after.as_bytes()].concat()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for the outcome of a call")]
fn of_bytes(status: u16, body: Vec<u8>) -> Result<Response, Failure> {
    Ok(Response { status, date: None, retry_after: None, rest: None, body: body.into() })
}

#[test]
fn each_oddity_of_an_answer_has_a_name() {
    let row = r#"{"id":"j","status_code":20000}"#;
    for (body, oddity, is_final) in [
        (bent("abc", b"caf\xe9"), Oddity::NotUtf8, true),
        (bent("\"abc\"", b"NaN"), Oddity::NotJson, true),
        (bent("abc", b"a\x01c"), Oddity::NotJson, true),
        (bent("]}]}", b"]}]}<!-- cached -->"), Oddity::NotJson, true),
        (bent("\"cost\":0", br#""cost":0,"cost":0"#), Oddity::RepeatedKey, true),
        (bent("\"tasks\"", br#""status_code":20000,"tasks""#), Oddity::RepeatedKey, true),
        (
            bent("\"status_code\":20000,\"cost\"", br#""status_code":40602,"status_code":20000,"cost""#),
            Oddity::RepeatedKey,
            false,
        ),
        (bent("c\"}]}]}", b""), Oddity::CutShort, false),
        (bent("[{\"model\":\"m\",\"money_spent\":0.01,\"text\":\"abc\"}]", b"[]"), Oddity::EmptyResult, false),
        (bent("[{\"model\":\"m\",\"money_spent\":0.01,\"text\":\"abc\"}]", b"\"abc\""), Oddity::OddResult, false),
        (bent("\"status_code\":20000,\"cost\"", b"\"cost\""), Oddity::NoCode, false),
        (bent("]}]}", format!("]}},{row}]}}").as_bytes()), Oddity::OddRows, false),
        (bent("]}]}", b"]},1]}"), Oddity::OddRows, false),
        (br#"<result>{"tasks":[{"id": "i","#.to_vec(), Oddity::NotJson, false),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let fetched = judge_fetch(&of_bytes(200, body.clone()), "i");
        let Fetched::Odd(odd) = fetched else { panic!("{fetched:?} of {shown}") };
        assert_eq!((odd.oddity, odd.is_final, odd.size), (oddity, is_final, body.len()), "{shown}");
        for (status, id) in [(200, "k"), (500, "i"), (502, "i")] {
            let fetched = judge_fetch(&of_bytes(status, body.clone()), id);
            assert!(["pending", "unreachable"].contains(&kind(&fetched)), "{fetched:?} {status} {id} {shown}");
        }
    }
}

#[test]
fn readable_parts_of_an_odd_answer_settle_it() {
    let Fetched::Odd(odd) = judge_fetch(&of_bytes(200, bent("abc", b"\xff\xff")), "i") else { panic!() };
    assert_eq!((odd.facts.model.as_deref(), odd.facts.model_charge), (Some("m"), Some(Money::from_nanos(10_000_000))));
    let twice = bent("\"money_spent\":0.01", b"\"money_spent\":0.01,\"money_spent\":0.02,\"x\":NaN");
    let Fetched::Odd(odd) = judge_fetch(&of_bytes(200, twice), "i") else { panic!() };
    assert_eq!(odd.facts.model_charge, None, "of two charges neither counts");
}

#[test]
fn an_odd_unfinished_reply_is_no_answer() {
    for (code, expected) in [(40_602, "pending"), (40_103, "failed"), (40_403, "expired")] {
        let body = format!("{{\"tasks\":[{{\"id\":\"i\",\"status_code\":{code},\"time\":NaN,\"result\":null}}]}}");
        assert_eq!(kind(&judge_fetch(&of_bytes(200, body.clone().into_bytes()), "i")), expected, "{code}");
        let cut = of_bytes(200, body.as_bytes()[..body.len() - 2].to_vec());
        assert_eq!(kind(&judge_fetch(&cut, "i")), "unreachable", "{code}, cut");
    }
}

#[test]
fn a_partial_reply_is_final_with_complete_json() {
    let part = |body: Vec<u8>, is_bound| {
        let Ok(response) = of_bytes(200, body) else { panic!() };
        judge_fetch(&Err(Failure::Part { why: "cut".into(), is_bound, response }), "i")
    };
    for (body, is_bound, oddity, is_final) in [
        (bent("abc", b"abc"), false, Oddity::CutShort, true),
        (bent("c\"}]}]}", b""), false, Oddity::CutShort, false),
        (bent("c\"}]}]}", b""), true, Oddity::TooLarge, true),
    ] {
        let fetched = part(body, is_bound);
        let Fetched::Odd(odd) = fetched else { panic!("{fetched:?}") };
        assert_eq!((odd.oddity, odd.is_final), (oddity, is_final));
    }
    assert_eq!(kind(&part(b"{\"tasks\":[{".to_vec(), true)), "unreachable");
}

fn listing(result: &Value, count: &Value) -> Result<Vec<Listed>, ListProblem> {
    judge_list(&reply(
        200,
        json!({ "status_code": 20000, "tasks": [{ "id": "own", "status_code": 20000, "result_count": count, "result": result }] }),
    ))
}

#[test]
fn a_page_of_the_list_is_read_whole() {
    let finished = json!({
        "id": "i1", "url": "https://x/v3/ai_optimization/chat_gpt/llm_scraper/task_post", "status": "ok", "cost": 0.0012,
        "datetime_posted": "2026-11-22 15:30:11 +00:00", "datetime_done": "2026-11-22 15:41:09 +00:00",
        "metadata": { "tag": "b1.a", "keyword": "x" }
    });
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0);
    let bare =
        Listed { id: "i2".into(), tag: None, has_metadata: false, url: None, posted: None, done: None, cost: None };
    assert_eq!(
        listing(
            &json!([
                finished,
                { "id": "i2", "metadata": { "tag": 7 }, "datetime_done": null },
                { "id": "i2", "metadata": [], "datetime_done": "" },
                { "id": "i2", "metadata": {}, "cost": "?" },
            ]),
            &json!(4)
        ),
        Ok(vec![
            Listed {
                id: "i1".into(),
                tag: Some("b1.a".into()),
                has_metadata: true,
                url: Some("https://x/v3/ai_optimization/chat_gpt/llm_scraper/task_post".into()),
                posted: at(1_795_361_411),
                done: at(1_795_362_069),
                cost: Some(Money::from_nanos(1_200_000)),
            },
            Listed { tag: Some("7".into()), has_metadata: true, ..bare.clone() },
            bare.clone(),
            Listed { has_metadata: true, ..bare },
        ])
    );
    assert_eq!(listing(&json!(null), &json!(0)), Ok(vec![]));
    assert_eq!(listing(&json!([]), &json!(0)), Ok(vec![]));
    assert_eq!(listing(&json!([]), &json!(null)), Ok(vec![]));
}

#[test]
fn a_page_that_may_lack_something_is_no_page() {
    let good = json!({ "id": "i", "metadata": { "tag": "a" } });
    for (result, count, why) in [
        (json!([good, 1]), json!(2), "its row 2 cannot be read"),
        (json!([null]), json!(1), "its row 1 cannot be read"),
        (json!([{ "metadata": { "tag": "a" } }]), json!(1), "its row 1 cannot be read"),
        (json!([{ "id": "i", "metadata": { "tag": ["a"] } }]), json!(1), "its row 1 cannot be read"),
        (json!([{ "id": "i", "datetime_done": "soon" }]), json!(1), "its row 1 cannot be read"),
        (json!([good]), json!(2), "it counts 2 rows and holds 1"),
        (json!(null), json!(null), "it has no rows, and does not say that there are none"),
        (json!(null), json!(3), "it has no rows, and does not say that there are none"),
        (json!({}), json!(0), "its result is not a list"),
    ] {
        let why = format!("the provider's list cannot be relied on: {why}");
        assert_eq!(listing(&result, &count), Err(ListProblem::Unreliable { why }), "{result} {count}");
    }
    let rows = json!([{ "status_code": 20000, "result_count": 0, "result": [] }]);
    for (status, body) in [
        (200, json!({ "status_code": 20000, "tasks": [] })),
        (200, json!({ "status_code": 20000, "tasks": [rows[0], rows[0]] })),
        (200, json!({ "status_code": 20000, "tasks": [rows[0], 1] })),
        (200, json!({ "status_code": 20000, "tasks": [{ "result_count": 0, "result": [] }] })),
        (200, json!({ "status_code": 40202, "tasks": rows })),
        (200, json!({ "tasks": rows })),
        (500, json!({ "status_code": 20000, "tasks": rows })),
    ] {
        let judged = judge_list(&reply(status, &body));
        assert!(matches!(judged, Err(ListProblem::Unreliable { .. })), "{status} {body}: {judged:?}");
    }
}

#[test]
fn a_refused_list_says_whether_waiting_helps() {
    let kind = |judged: Result<Vec<Listed>, ListProblem>| match judged {
        Ok(_) => "list".to_owned(),
        Err(ListProblem::Throttled { .. }) => "throttled".to_owned(),
        Err(ListProblem::Refused(refusal)) => format!("{:?} {:?}", refusal.class, refusal.code),
        Err(ListProblem::Unreachable { .. }) => "unreachable".to_owned(),
        Err(ListProblem::Unreliable { .. }) => "unreliable".to_owned(),
    };
    for (code, expected) in [
        (40_202, "throttled"),
        (40_100, "Halt Some(40100)"),
        (40_210, "NoMoney Some(40210)"),
        (40_501, "Permanent Some(40501)"),
        (50_000, "unreachable"),
    ] {
        assert_eq!(kind(judge_list(&reply(200, one_row(code, &Value::Null)))), expected);
        assert_eq!(kind(judge_list(&reply(200, json!({ "status_code": code, "tasks": null })))), expected);
    }
    assert_eq!(kind(judge_list(&reply(401, ""))), "Halt None");
    assert_eq!(kind(judge_list(&reply(404, "<html>"))), "BadCall None");
    assert_eq!(kind(judge_list(&reply(502, "<html>"))), "unreachable");
    assert_eq!(kind(judge_list(&reply(200, "{\"status"))), "unreachable");
    assert_eq!(kind(judge_list(&Err(Failure::NoAnswer("x".into())))), "unreachable");
}

#[test]
fn tasks_ready_is_read_in_both_shapes() {
    let ready = |result: Value, count: Value| {
        let row = json!({ "id": "own", "status_code": 20000, "result_count": count, "result": result });
        judge_ready(&reply(200, json!({ "status_code": 20000, "tasks": [row] }))).unwrap()
    };
    let new = json!({ "id": "i1", "function": "llm_scraper", "date_posted": "2026-11-22 15:30:11 +00:00", "tag": "a" });
    let old = json!({ "id": "i2", "se_type": "llm_scraper", "endpoint_regular": null, "tag": null });
    assert_eq!(
        ready(json!([new, old, 3, {}]), json!(4)),
        ReadyList {
            rows: vec![
                super::super::wire::ReadyRow {
                    id: "i1".into(),
                    tag: Some("a".into()),
                    posted: chrono::DateTime::from_timestamp(1_795_361_411, 0),
                },
                super::super::wire::ReadyRow { id: "i2".into(), tag: None, posted: None },
            ],
            unreadable: 2,
        }
    );
    assert_eq!(ready(json!(null), json!(0)), ReadyList::default());
    assert_eq!(ready(json!([]), json!(null)), ReadyList::default());
    assert_eq!(ready(json!(null), json!(5)).unreadable, 5);
    assert_eq!(ready(json!(null), json!(null)).unreadable, 1);
    assert_eq!(ready(json!("?"), json!(0)).unreadable, 1);
}

#[test]
fn an_account_reply_is_read_in_parts() {
    let account = |result: Value| {
        let row = json!({ "status_code": 20000, "result": result });
        judge_account(&reply(200, json!({ "status_code": 20000, "tasks": [row] }))).unwrap()
    };
    let leaf = |cost: f64| json!([{ "cost_type": "per_request", "cost": cost }]);
    let post = json!({ "priority_normal": leaf(0.0012), "priority_high": leaf(0.0024) });
    let scraper = json!({ "llm_scraper": { "task_post": 5.5 } });
    let money = json!({ "balance": -0.5, "limits": { "day": { "total": 20, "ai_optimization": scraper } } });
    let calls = json!({ "llm_scraper": { "task_post": 1500, "tasks_ready": 20 }, "id_list": 0 });
    let rates = json!({ "limits": { "minute": { "total": 2000, "ai_optimization": calls } } });
    let price = json!({ "ai_optimization": { "llm_scraper": { "task_post": post } } });
    assert_eq!(
        account(json!([{ "money": money, "rates": rates, "price": price }])),
        UserData {
            balance: Some(Money::from_nanos(-500_000_000)),
            day_limit: Some(Money::from_nanos(5_500_000_000)),
            limits: super::super::wire::CallLimits { calls: Some(1500), tasks_ready: Some(20), id_list: None },
            prices: vec![
                ((Function::LlmScraper, Method::Standard, Priority::Normal), Money::from_nanos(1_200_000)),
                ((Function::LlmScraper, Method::Standard, Priority::High), Money::from_nanos(2_400_000)),
            ],
        }
    );
    let odd = json!({ "priority_normal": [{ "cost_type": "per_result", "cost": 1 }], "priority_high": [] });
    for result in [
        json!(null),
        json!([]),
        json!([{}]),
        json!([{ "money": { "balance": "much", "limits": { "day": { "total": 0 } } } }]),
        json!([{ "money": [], "price": { "ai_optimization": { "llm_scraper": { "task_post": odd } } } }]),
    ] {
        assert_eq!(account(result.clone()), UserData::default(), "{result}");
    }
}

#[test]
fn a_catalogue_is_read_completely_or_refused() {
    let outcome = |result: Value, count: Value| {
        let row = json!({ "status_code": 20000, "result_count": count, "result": result });
        reply(200, json!({ "status_code": 20000, "tasks": [row] }))
    };
    let germany = json!({ "location_code": 2276, "location_name": "Germany", "location_code_parent": null,
        "country_iso_code": "DE", "location_type": "Country", "new": 1 });
    let berlin = json!({ "location_code": 1_003_854, "location_name": "Berlin", "location_code_parent": 2276 });
    let places = judge_locations(&outcome(json!([germany, berlin]), json!(2))).unwrap();
    let told: Vec<_> = places.iter().map(|row| (row.code, &*row.name, row.iso.as_deref(), row.parent)).collect();
    assert_eq!(told, [(2276, "Germany", Some("DE"), None), (1_003_854, "Berlin", None, Some(2276))]);
    let languages = judge_languages(&outcome(json!([{ "language_name": "English", "language_code": "en" }]), json!(1)));
    assert_eq!(languages.unwrap()[0].code, "en");
    for (result, count, why) in [
        (json!([germany, {}]), json!(2), "its row 2 cannot be read"),
        (json!([germany]), json!(2), "it counts 2 rows and holds 1"),
        (json!([]), json!(0), "it is empty"),
        (json!(null), json!(null), "it is empty"),
    ] {
        let why = format!("the provider's list cannot be relied on: {why}");
        assert_eq!(judge_locations(&outcome(result, count)), Err(ListProblem::Unreliable { why }));
    }
}

#[test]
fn a_models_flag_that_is_absent_is_not_known() {
    let rows = json!([{ "model_name": "a", "reasoning": true, "web_search_supported": false, "task_post_supported": null },
        { "model_name": "b", "reasoning": "yes" }]);
    let row = json!({ "status_code": 20000, "result": rows });
    let models = judge_models(&reply(200, json!({ "status_code": 20000, "tasks": [row] }))).unwrap();
    let flags = |at: usize| [models[at].reasoning, models[at].web_search_supported, models[at].task_post_supported];
    assert_eq!((flags(0), flags(1)), ([Some(true), Some(false), None], [None; 3]));
}

proptest! {
    #[test]
    fn no_body_whatever_makes_a_reader_panic(status in 100..600_u16, body: Vec<u8>) {
        let outcome = Ok(Response { status, date: None, retry_after: None, rest: None, body: body.into() });
        judge_fetch(&outcome, "i");
        let _ = (judge_list(&outcome), judge_ready(&outcome), judge_account(&outcome));
    }

    #[test]
    fn a_garbled_body_never_panics_a_reader(
        edits in proptest::collection::vec((0..10_000_usize, any::<u8>()), 1..4)
    ) {
        let rows: Vec<Value> = (0..3).map(|n| json!({ "id": format!("id{n}"), "metadata": { "tag": format!("t{n}") } })).collect();
        let row = json!({ "status_code": 20000, "result_count": 3, "result": rows });
        let mut body = json!({ "status_code": 20000, "tasks": [row] }).to_string().into_bytes();
        for (at, byte) in edits {
            let at = at % body.len();
            body[at] = byte;
        }
        let outcome = Ok(Response { status: 200, date: None, retry_after: None, rest: None, body: body.into() });
        judge_fetch(&outcome, "i");
        let _ = (judge_ready(&outcome), judge_account(&outcome));
        if let Ok(page) = judge_list(&outcome) {
            prop_assert_eq!(page.len(), 3);
        }
    }
}
