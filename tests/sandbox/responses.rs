//! LLM Responses by the Standard method: what is taken, held, returned and shown, and when.

use std::time::Duration;

use bursar::money::Money;
use bursar::product::{Engine, Function, Method, ResultKind};
use bursar::sandbox::{Call, Fault, PriceClass, Rule, Sandbox, Settings, Spread};
use serde_json::{Value, json};

use super::world::{AUTH, OTHER, USER, World, as_reply, settings, start};

const ASK: &str = "/v3/ai_optimization/chat_gpt/llm_responses/task_post";
const ASK_READY: &str = "/v3/ai_optimization/chat_gpt/llm_responses/tasks_ready";
const ASK_GET: &str = "/v3/ai_optimization/chat_gpt/llm_responses/task_get";
/// Fee and advance of one task, in nano-dollars.
const TAKEN: i64 = 10_200_000;

pub(super) fn question(tag: &str) -> Value {
    json!({"user_prompt": "Name three city bikes.", "model_name": "gpt-4.1-mini", "max_output_tokens": 400, "tag": tag})
}

/// A balance of one dollar, so that small sums can be read off it.
fn one_dollar() -> Settings {
    Settings { start_balance: Money::from_nanos(1_000_000_000), ..settings() }
}

fn struck(fault: Fault, call: Call) -> Settings {
    Settings { faults: vec![Rule::nth(fault, call, 1)].into(), ..one_dollar() }
}

impl World {
    fn asked(&mut self, tag: &str) -> String {
        let got = self.post(ASK, &json!([question(tag)]));
        assert_eq!(got.codes(), [20_100], "{}", got.text);
        got.ids().remove(0)
    }

    pub(super) fn balance(&mut self) -> i64 {
        let balance = self.get(USER).results()[0]["money"]["balance"].clone();
        Money::from_json_digits(&balance.to_string()).unwrap().nanos()
    }
}

fn spent(result: &Value) -> i64 {
    Money::from_json_digits(&result["money_spent"].to_string()).unwrap().nanos()
}

#[test]
fn an_advance_settles_to_the_models_charge() {
    let mut world = World::new(one_dollar());
    let posted = world.post(ASK, &json!([question("a")]));
    assert_eq!((posted.codes(), &posted.body["cost"]), (vec![20_100], &json!(0.0102)));
    let row = &posted.rows()[0];
    assert_eq!(
        (&row["cost"], &row["result"], &row["data"]["se_type"]),
        (&json!(0.0102), &Value::Null, &json!("llm_responses"))
    );
    assert_eq!(row["data"].get("device"), None, "only the scraper has a device");
    let path = format!("{ASK_GET}/{}", posted.ids()[0]);
    assert_eq!((world.balance(), world.get(&path).codes()), (1_000_000_000 - TAKEN, vec![40_602]));
    let bill = world.sandbox.bill();
    assert_eq!((bill.total.nanos(), bill.advanced.nanos(), bill.refunded.nanos()), (TAKEN, 10_000_000, 0));

    let done = world.wait(600).get(&path);
    let row = &done.rows()[0];
    assert_eq!((done.codes(), &done.body["cost"], &row["cost"]), (vec![20_000], &json!(0), &json!(0)));
    let result = &done.results()[0];
    let charge = spent(result);
    assert!((1..10_000_000).contains(&charge), "{charge}");
    assert_eq!(
        charge,
        result["input_tokens"].as_i64().unwrap() * 400 + result["output_tokens"].as_i64().unwrap() * 1_600
    );
    assert_eq!(result["model_name"], "gpt-4.1-mini-2025-04-14");
    assert_eq!(result["datetime"], "2026-11-22 15:40:00 +00:00");
    assert_eq!((&result["web_search"], &result["reasoning_tokens"]), (&json!(false), &json!(0)));
    assert_eq!(result["items"][0]["type"], "message");
    assert_eq!(world.balance(), 1_000_000_000 - 200_000 - charge);
    let bill = world.sandbox.bill();
    assert_eq!((bill.total.nanos(), bill.advanced.nanos()), (200_000 + charge, 0));
    assert_eq!((bill.refunded.nanos(), bill.overrun.nanos()), (10_000_000 - charge, 0));
    assert_eq!(bill.charged["a"], bill.total);
}

#[test]
fn a_finished_task_is_ready_until_collected() {
    let mut world = World::new(Settings { others: vec![("other".to_owned(), "secret".to_owned())], ..one_dollar() });
    let id = world.asked("a");
    world.wait(610);
    assert_eq!(
        world.get(ASK_READY).results(),
        [json!({
            "id": id, "se": "chat_gpt", "se_type": "llm_responses", "date_posted": "2026-11-22 15:30:00 +00:00",
            "tag": "a", "endpoint": format!("{ASK_GET}/{id}"),
        })]
    );
    let path = format!("{ASK_GET}/{id}");
    assert_eq!(world.get(&ASK_READY.replace("llm_responses", "llm_scraper")).results().len(), 0);
    assert_eq!(world.get(&path.replace("chat_gpt", "claude")).codes(), [40_002]);
    assert_eq!(world.get(&path.replace("llm_responses/task_get", "llm_scraper/task_get/html")).codes(), [40_003]);
    assert_eq!(as_reply(world.served(OTHER, &path, None)).codes(), [40_001]);
    let answer = world.get(&path).results();
    assert_eq!((answer.len(), world.get(ASK_READY).results().len()), (1, 0));
    assert_eq!(world.get(&path).results(), answer, "it is the same when asked again");
    assert_eq!(world.wait(30 * 86_400).get(&path).codes(), [40_403]);
}

#[test]
fn a_charge_above_its_advance_may_overdraw() {
    let mut world = World::new(Settings {
        start_balance: Money::from_nanos(TAKEN),
        ..struck(Fault::Overrun { usd: Money::from_nanos(25_000_000) }, Call::TaskPost)
    });
    let path = format!("{ASK_GET}/{}", world.asked("a"));
    assert_eq!(world.balance(), 0);
    world.wait(600);
    assert_eq!(world.balance(), -15_000_000);
    assert_eq!(world.get(&path).codes(), [40_200], "results are withheld while the balance is negative");
    assert_eq!(world.post(ASK, &json!([question("b")])).code(), 40_210);
    assert_eq!(as_reply(world.served("", "/sandbox/pay_in", Some("much"))).status, 400);
    let paid = as_reply(world.served("", "/sandbox/pay_in", Some("0.015")));
    assert_eq!((paid.status, paid.text.as_str()), (200, r#"{"balance_nano_usd":0}"#));
    assert_eq!(spent(&world.get(&path).results()[0]), 25_000_000);
    let bill = world.sandbox.bill();
    assert_eq!((bill.total.nanos(), bill.overrun.nanos(), bill.refunded.nanos()), (25_200_000, 15_000_000, 0));
}

#[test]
fn a_negative_balance_withholds_results_meanwhile() {
    let rule = Rule {
        from: Duration::from_mins(11),
        until: Some(Duration::from_mins(20)),
        ..Rule::always(Fault::NegativeBalance)
    };
    let mut world = World::new(Settings { withheld_code: 40_601, faults: vec![rule].into(), ..one_dollar() });
    let path = format!("{ASK_GET}/{}", world.asked("a"));
    assert_eq!(world.wait(660).get(&path).codes(), [40_601]);
    assert_eq!((world.balance(), world.post(ASK, &json!([question("b")])).code()), (-1_000_000, 40_210));
    assert_eq!(world.wait(540).get(&path).codes(), [20_000]);
    assert!(world.balance() > 980_000_000);
}

#[test]
fn a_task_unfinished_after_72_hours_returns_its_advance() {
    for (refund, fee, taken) in [(true, true, 200_000), (true, false, 0), (false, true, TAKEN)] {
        let mut set = struck(Fault::NeverDone, Call::TaskPost);
        set.switches.refund_expired = refund;
        set.switches.keep_expired_fee = fee;
        let mut world = World::new(set);
        let path = format!("{ASK_GET}/{}", world.asked("a"));
        assert_eq!(world.wait(72 * 3_600 - 1).get(&path).codes(), [40_601]);
        assert_eq!(world.charged(), TAKEN);
        assert_eq!(world.wait(1).get(&path).codes(), [40_103]);
        assert_eq!((world.charged(), world.balance()), (taken, 1_000_000_000 - taken));
    }
}

#[test]
fn an_answer_longer_than_72_hours_never_comes() {
    let hours = Duration::from_hours(80);
    let mut world = World::new(Settings { turnaround_responses: Spread { min: hours, max: hours }, ..one_dollar() });
    let path = format!("{ASK_GET}/{}", world.asked("a"));
    assert_eq!(world.wait(72 * 3_600).get(&path).codes(), [40_103]);
    assert_eq!(world.charged(), 200_000);
    assert_eq!(world.wait(9 * 3_600).get(&path).codes(), [40_103]);
}

#[test]
fn an_early_failure_keeps_the_advance_by_default() {
    for (refund, taken) in [(false, TAKEN), (true, 200_000)] {
        let mut set = struck(Fault::PaidFailure { code: 40_101, at_post: false }, Call::TaskPost);
        set.switches.refund_failed = refund;
        let mut world = World::new(set);
        let path = format!("{ASK_GET}/{}", world.asked("a"));
        assert_eq!(world.wait(600).get(&path).codes(), [40_101]);
        assert_eq!(world.charged(), taken);
        assert_eq!(world.sandbox.bill().advanced, Money::ZERO);
        let failed = world.post("/v3/ai_optimization/errors", &json!([{"limit": 10}])).results();
        assert_eq!(
            (failed.len(), &failed[0]["error_code"], &failed[0]["function"]),
            (1, &json!(40_101), &json!("task_post"))
        );
    }
}

#[test]
fn a_task_can_settle_later_than_its_answer_comes() {
    let mut world = World::new(struck(Fault::SettleLate { after: Duration::from_mins(30) }, Call::TaskPost));
    let path = format!("{ASK_GET}/{}", world.asked("a"));
    let charge = spent(&world.wait(600).get(&path).results()[0]);
    assert_eq!(world.charged(), TAKEN);
    world.wait(30 * 60).balance();
    assert_eq!(world.charged(), 200_000 + charge);
}

#[test]
fn switches_decide_which_costs_are_shown() {
    for (advance, settled) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut set = one_dollar();
        set.switches.post_shows_advance = advance;
        set.switches.list_settled_cost = settled;
        let mut world = World::new(set);
        let posted = world.post(ASK, &json!([question("a")]));
        let told = if advance { json!(0.0102) } else { json!(0.0002) };
        assert_eq!((&posted.body["cost"], world.charged()), (&told, TAKEN));
        assert_eq!(world.wait(300).list_all().results()[0]["cost"], told, "while it is unfinished");
        let charge = spent(&world.wait(300).get(&format!("{ASK_GET}/{}", posted.ids()[0])).results()[0]);
        let row = &world.list_all().results()[0];
        let listed = Money::from_json_digits(&row["cost"].to_string()).unwrap().nanos();
        let posted = if advance { TAKEN } else { 200_000 };
        assert_eq!(listed, if settled { 200_000 + charge } else { posted });
        assert!(row["url"].as_str().unwrap().ends_with("/chat_gpt/llm_responses/task_post"));
        assert_eq!(row["metadata"], question("a"));
    }
}

#[test]
fn an_advance_counts_toward_balance_and_daily_limit() {
    let mut world = World::new(Settings { day_limit: Some(Money::from_nanos(2 * TAKEN - 1)), ..one_dollar() });
    world.asked("a");
    assert_eq!(world.post(ASK, &json!([question("b")])).code(), 40_203);
    world.wait(600).asked("b");
    let mut world = World::new(Settings { start_balance: Money::from_nanos(2 * TAKEN - 1), ..settings() });
    let got = world.post(ASK, &json!([question("a"), question("b")]));
    assert_eq!((got.status, got.code(), world.charged()), (402, 40_210, 0));
}

#[test]
fn a_seed_repeats_the_use_of_its_tasks() {
    let run = |seed| {
        let mut world = World::new(Settings { seed, ..one_dollar() });
        let body: Value = (0..8).map(|at| question(&format!("t{at}"))).collect();
        let ids = world.post(ASK, &body).ids();
        world.wait(600);
        ids.iter().map(|id| spent(&world.get(&format!("{ASK_GET}/{id}")).results()[0])).collect::<Vec<_>>()
    };
    let first = run(1);
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
    assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() > 4, "{first:?}");
}

#[test]
fn a_hundred_questions_of_three_engines_are_counted() {
    let mut world = World::new(Settings { start_balance: Money::from_nanos(10_000_000_000), ..settings() });
    for (engine, model) in [("chat_gpt", "gpt-4o"), ("claude", "claude-3-5-haiku"), ("gemini", "gemini-2.5-flash")] {
        let body: Value = (0..101)
            .map(|at| json!({"user_prompt": "x", "model_name": model, "tag": format!("{engine}.{at}")}))
            .collect();
        let codes = world.post(&ASK.replace("chat_gpt", engine), &body).codes();
        assert!(codes[..100].iter().all(|code| *code == 20_100) && codes[100] == 40_006, "{engine} {codes:?}");
    }
    let bill = world.sandbox.bill();
    assert_eq!((bill.tasks, bill.bought_twice().count(), bill.total.nanos()), (300, 0, 300 * TAKEN));
    let price_class = PriceClass {
        engine: Engine::Claude,
        function: Function::LlmResponses,
        method: Method::Standard,
        kind: ResultKind::Advanced,
    };
    assert_eq!(bill.by_price_class[&price_class], (100, Money::from_nanos(100 * TAKEN)));
    let sale = world.sandbox.sales().last().unwrap();
    assert_eq!(
        (sale.function, sale.method, sale.location_code, sale.language_code),
        (Function::LlmResponses, Method::Standard, 0, "")
    );
}

#[test]
fn models_are_listed_with_abilities_not_prices() {
    let mut world = World::new(settings());
    for engine in ["chat_gpt", "claude", "gemini", "perplexity"] {
        let rows = world.get(&format!("/v3/ai_optimization/{engine}/llm_responses/models")).results();
        assert!(rows.len() > 1, "{engine}");
        assert_eq!(rows.iter().any(|row| row["task_post_supported"] == json!(true)), engine != "perplexity");
    }
    let mut set = settings();
    set.switches.gemini_takes_standard = false;
    let mut world = World::new(set);
    let rows = world.get("/v3/ai_optimization/gemini/llm_responses/models").results();
    assert_eq!(
        rows[0],
        json!({"model_name": "gemini-2.5-pro", "reasoning": true, "web_search_supported": true, "task_post_supported": false})
    );
    let asked = json!([{"user_prompt": "x", "model_name": "gemini-2.5-pro"}]);
    assert_eq!(world.post(&ASK.replace("chat_gpt", "gemini"), &asked).codes(), [40_501]);
}

#[test]
fn the_account_shows_prices_limits_and_spending() {
    let mut world = World::new(one_dollar());
    world.asked("a");
    world.bought("b");
    let user = &world.get(USER).results()[0];
    let prices = &user["price"]["ai_optimization"];
    assert_eq!(prices["llm_responses"]["task_post"]["priority_normal"][0]["cost"], json!(0.0002));
    assert_eq!(prices["llm_responses"]["live"]["priority_normal"][0]["cost"], json!(0.0006));
    assert_eq!(prices["llm_scraper"]["live"]["html"]["priority_high"][0]["cost"], json!(0.004));
    assert_eq!(user["rates"]["limits"]["minute"]["ai_optimization"]["llm_responses"]["tasks_ready"], json!(20));
    let spent = &user["money"]["statistics"]["day"];
    assert_eq!(spent["ai_optimization"]["llm_responses"]["task_post"], json!(0.0102));
    assert_eq!(spent["ai_optimization"]["llm_scraper"]["task_post"], json!(0.0012));
    assert_eq!(spent["total"], json!(0.0114));
}

#[test]
fn a_restart_remembers_advances_settlements_and_top_ups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let open = || Sandbox::with_state(one_dollar(), &path).unwrap();
    let mut world = World { sandbox: open(), now: start() };
    let first = world.asked("a");
    world.wait(600).asked("b");
    world.sandbox.pay_in(0, Money::from_nanos(500_000_000)).unwrap();
    let answer = world.get(&format!("{ASK_GET}/{first}")).results();
    let (bill, balance) = (world.sandbox.bill(), world.balance());
    assert_eq!(bill.advanced.nanos(), 10_000_000, "one is settled, one is not");

    let mut again = World { sandbox: open(), now: world.now };
    assert_eq!(again.sandbox.bill(), bill);
    assert_eq!((again.balance(), again.get(&format!("{ASK_GET}/{first}")).results()), (balance, answer));
    again.wait(600).balance();
    let settled = again.sandbox.bill();
    assert_eq!(settled.advanced, Money::ZERO);
    assert_eq!(open().bill(), settled);
    assert_eq!(as_reply(again.served(AUTH, USER, None)).status, 200);
}
