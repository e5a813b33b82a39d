use super::*;
use crate::product::Engine;

const NOTHING: [(&str, &str); 0] = [];
const ASKED: Asked = Asked { prompt_bytes: 100, ceiling: None };

fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

fn ask<const N: usize>(engine: Engine, method: Method, model: &str, options: [(&'static str, &str); N]) -> Target {
    Target {
        engine,
        function: Function::LlmResponses,
        method,
        priority: Priority::Normal,
        auto: false,
        model: Some(model.to_owned()),
        options: options.map(|(name, value)| (name, value.to_owned())).to_vec(),
    }
}

fn live<const N: usize>(engine: Engine, model: &str, options: [(&'static str, &str); N]) -> Target {
    ask(engine, Method::Live, model, options)
}

fn over(engine: Engine, model: Option<&str>) -> PriceOverride {
    PriceOverride {
        function: Function::LlmResponses,
        engine,
        method: None,
        priority: None,
        model: model.map(str::to_owned),
        price: None,
        input_per_million: None,
        output_per_million: None,
        search_per_thousand: None,
    }
}

fn by_token(engine: Engine, model: Option<&str>, input: &str, output: &str) -> PriceOverride {
    PriceOverride { input_per_million: Some(usd(input)), output_per_million: Some(usd(output)), ..over(engine, model) }
}

fn worst_case(list: &PriceList, target: &Target) -> Option<Money> {
    list.expected(target, ASKED).map(|price| price.worst_case)
}

fn usual(target: &Target) -> Option<Money> {
    worst_case(&PriceList::default(), target)
}

#[test]
fn the_worst_case_adds_fee_tokens_and_searches() {
    let mini = |options| usual(&live(Engine::ChatGpt, "gpt-4.1-mini", options));
    // The fee, 200 tokens read at $0.40 and 2,048 written at $1.60 a million.
    assert_eq!(usual(&live(Engine::ChatGpt, "gpt-4.1-mini", NOTHING)), Some(usd("0.0039568")));
    assert_eq!(mini([("max_output_tokens", "16")]), Some(usd("0.0007056")));
    // Each of a chain's messages is read, with what stands around it.
    let chain = r#"[{"role":"user","message":"12345"}]"#;
    assert_eq!(mini([("message_chain", chain)]), Some(usd("0.0039788")));
    // 40,000 tokens more are read, twice as many written, and three searches at $25 a thousand.
    assert_eq!(mini([("web_search", "true")]), Some(usd("0.0982336")));
}

#[test]
fn what_may_reason_may_write_twice_as_much() {
    let claude = |options| usual(&live(Engine::Claude, "claude-sonnet-4", options));
    assert_eq!(usual(&live(Engine::Claude, "claude-sonnet-4", NOTHING)), Some(usd("0.03192")));
    assert_eq!(claude([("use_reasoning", "true")]), Some(usd("0.06264")));
    assert_eq!(usual(&live(Engine::ChatGpt, "gpt-5-mini", NOTHING)), Some(usd("0.008842")), "by what it is");
    let list = PriceList::with(&[by_token(Engine::ChatGpt, None, "0.25", "2.00")]);
    assert_eq!(
        worst_case(&list, &live(Engine::ChatGpt, "gpt-99", NOTHING)),
        Some(usd("0.008842")),
        "not known, so it may"
    );
}

#[test]
fn a_standard_hold_covers_fee_and_advance() {
    let target = ask(Engine::ChatGpt, Method::Standard, "gpt-4.1-mini", NOTHING);
    let price = PriceList::default().expected(&target, ASKED).unwrap();
    assert_eq!((price.amount, price.worst_case, price.fee), (usd("0.0102"), usd("0.0102"), usd("0.0002")));
    let target = ask(Engine::ChatGpt, Method::Standard, "gpt-4.1-mini", [("web_search", "true")]);
    let price = PriceList::default().expected(&target, ASKED).unwrap();
    assert_eq!((price.amount, price.worst_case), (usd("0.0102"), usd("0.0978336")));
}

#[test]
fn the_later_or_else_dearer_charge_counts() {
    let (cheap, dear) = (usd("0.0012"), usd("0.0013"));
    for (charge, other, later) in [
        ((cheap, 103), (dear, 100), true),
        ((cheap, 102), (dear, 100), false),
        ((dear, 98), (cheap, 100), true),
        ((dear, 97), (cheap, 100), false),
        ((dear, 100), (dear, 100), true),
        ((dear, i64::MAX), (cheap, i64::MIN), true),
        ((dear, i64::MIN), (cheap, i64::MAX), false),
    ] {
        assert_eq!(is_later(charge, other), later, "{charge:?} {other:?}");
    }
}

#[test]
fn a_task_settles_to_fee_and_charge() {
    // All that is taken, the fee alone, what it came to in the end, and no word; then a provider that has raised its fee.
    let known = [Some("0.0102"), Some("0.0002"), Some("0.0012"), None].map(|named| (named, "0.0002"));
    let dearer = [(Some("0.0112"), "0.0012"), (Some("0.0007"), "0.0007")];
    for (named, fee) in known.into_iter().chain(dearer) {
        let (named, fee) = (named.map(usd), usd(fee));
        for named_in in [NamedIn::List, NamedIn::ListWhenDone] {
            assert_eq!(settled(named, named_in, usd("0.001"), &[]), fee + usd("0.001"), "{named:?}");
        }
    }
    // A list of what tasks came to, after the fee was raised and that was shown, and of a task from before that.
    for (named, fee) in
        [(Some("0.0016"), "0.0006"), (Some("0.0012"), "0.0002"), (Some("0.0106"), "0.0006"), (None, "0.0002")]
    {
        for named_in in [NamedIn::List, NamedIn::ListWhenDone] {
            assert_eq!(
                settled(named.map(usd), named_in, usd("0.001"), &[Some(usd("0.0006"))]),
                usd(fee) + usd("0.001"),
                "{named:?}"
            );
        }
    }
    // A fee that was raised unseen: of a finished task a list may name what it came to; of another it does not, and
    // neither does the answer to a purchase.
    for (named_in, cost) in
        [(NamedIn::ListWhenDone, "0.015642"), (NamedIn::List, "0.020684"), (NamedIn::Answer, "0.020684")]
    {
        assert_eq!(settled(Some(usd("0.015642")), named_in, usd("0.015042"), &[]), usd(cost), "{named_in:?}");
    }
    // A list may leave out when a task was finished: where the fee is the known one, it names what the task came to.
    assert_eq!(settled(Some(usd("0.0106")), NamedIn::List, usd("0.0104"), &[]), usd("0.0106"));
    assert_eq!(settled(Some(usd("0.0106")), NamedIn::Answer, usd("0.0104"), &[]), usd("0.011"));
    for (named, fee) in [(Some("0.0112"), "0.0012"), (Some("0.0002"), "0.0002"), (None, "0.0002")] {
        let (named, fee) = (named.map(usd), usd(fee));
        assert_eq!((unfinished(named), taken(named)), (fee, fee + usd("0.01")), "{named:?}");
    }
}

#[test]
fn a_jobs_maximum_replaces_the_worst_case() {
    let below = |method, ceiling: &str, list: &PriceList| {
        let asked = Asked { ceiling: Some(usd(ceiling)), ..ASKED };
        let price = list.expected(&ask(Engine::Gemini, method, "no-such-model", NOTHING), asked).unwrap();
        (price.amount, price.worst_case)
    };
    let list = PriceList::default();
    assert_eq!(below(Method::Live, "0.05", &list), (usd("0.05"), usd("0.05")));
    assert_eq!(below(Method::Standard, "0.05", &list), (usd("0.0102"), usd("0.05")));
    assert_eq!(below(Method::Standard, "0.001", &list), (usd("0.0102"), usd("0.0102")), "the advance is taken anyway");
    let own = PriceOverride { price: Some(usd("0.03")), ..over(Engine::Gemini, None) };
    assert_eq!(
        below(Method::Live, "0.05", &PriceList::with(&[own])),
        (usd("0.05"), usd("0.05")),
        "before the config's"
    );
}

#[test]
fn a_model_without_a_price_is_not_bought() {
    assert_eq!(usual(&live(Engine::ChatGpt, "no-such-model", NOTHING)), None);
    assert_eq!(usual(&live(Engine::Claude, "gpt-4.1-mini", NOTHING)), None, "it is another engine's");
    let nano = live(Engine::ChatGpt, "gpt-4.1-nano", [("web_search", "true")]);
    assert_eq!(usual(&nano), None, "its searches have no price");
    assert!(usual(&live(Engine::ChatGpt, "gpt-4.1-nano", [("web_search", "false")])).is_some());
    let search = PriceOverride { search_per_thousand: Some(usd("10")), ..over(Engine::ChatGpt, Some("gpt-4.1-nano")) };
    assert_eq!(worst_case(&PriceList::with(&[search]), &nano), Some(usd("0.0362584")));
    let sonar = live(Engine::Perplexity, "sonar-of-mine", NOTHING);
    let tokens = by_token(Engine::Perplexity, None, "1", "1");
    assert_eq!(worst_case(&PriceList::with(std::slice::from_ref(&tokens)), &sonar), None, "it always searches");
    let searched = PriceOverride { search_per_thousand: Some(usd("5")), ..tokens };
    assert_eq!(worst_case(&PriceList::with(&[searched]), &sonar), Some(usd("0.059896")));
}

#[test]
fn a_base_name_price_covers_dated_models() {
    let list = |model: &str| PriceList::with(&[by_token(Engine::ChatGpt, Some(model), "0", "1")]);
    let [base, dated] = ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"].map(|model| live(Engine::ChatGpt, model, NOTHING));
    let mine = Some(usd("0.002648"));
    assert_eq!(worst_case(&list("gpt-4.1-mini"), &base), mine);
    assert_eq!(worst_case(&list("gpt-4.1-mini"), &dated), mine);
    assert_eq!(worst_case(&list("gpt-4.1-mini-2025-04-14"), &dated), mine);
    assert_eq!(worst_case(&list("gpt-4.1-mini-2025-04-14"), &base), usual(&base), "a date is that date");
    assert_eq!(worst_case(&list("gpt-4.1"), &base), usual(&base));
    assert_eq!(usual(&base), usual(&dated), "of the shipped list too");
}

#[test]
fn a_configured_price_is_a_model_tasks_maximum() {
    let own = PriceOverride { price: Some(usd("0.05")), ..over(Engine::ChatGpt, None) };
    let tokens = by_token(Engine::ChatGpt, None, "100", "100");
    let list = PriceList::with(&[own, tokens]);
    let price = list.expected(&live(Engine::ChatGpt, "no-such-model", NOTHING), ASKED).unwrap();
    assert_eq!((price.amount, price.worst_case, price.fee), (usd("0.05"), usd("0.05"), usd("0.0006")));
    let standard = ask(Engine::ChatGpt, Method::Standard, "no-such-model", NOTHING);
    let price = list.expected(&standard, ASKED).unwrap();
    assert_eq!((price.amount, price.worst_case), (usd("0.0102"), usd("0.05")));
    assert_eq!(list.fee(&standard), Some(usd("0.0002")), "the provider's list names the fee alone");
}

#[test]
fn each_model_has_a_price_key_of_its_own() {
    let [one, other] = ["gpt-4.1", "gpt-4.1-mini"].map(|model| live(Engine::ChatGpt, model, NOTHING));
    assert_eq!(price_key(&one), "llm_responses/chat_gpt/live/normal/gpt-4.1");
    assert_ne!(price_key(&one), price_key(&other));
}
