//! A fault file, and when its rules apply.

use std::time::Duration;

use bursar::money::Money;
use bursar::product::{Engine, Function};
use bursar::sandbox::{Call, Fault, Faults, Rule, Served};

use super::world::{AUTH, GET, READY, World, with_faults};

#[test]
fn a_fault_file_is_read_or_refused_by_line() {
    let faults = Faults::from_toml(
        "[[fault]]\nkind = \"drop_after\"\ncall = \"task_post\"\nnth = [3, 8]\n\n\
         [[fault]]\nkind = \"error_after\"\nengine = \"gemini\"\nstatus = 502\nhtml = true\nshare = 0.02\nfrom = \"10m\"\nuntil = \"1h\"\ntimes = 5\n",
    )
    .unwrap();
    let mut first = Rule::nth(Fault::DropAfter, Call::TaskPost, 3);
    first.nth.push(8);
    let second = Rule {
        engine: Some(Engine::Gemini),
        share: Some(0.02),
        from: Duration::from_mins(10),
        until: Some(Duration::from_hours(1)),
        times: Some(5),
        ..Rule::always(Fault::ErrorAfter { status: 502, html: true })
    };
    assert_eq!(faults.rules, [first, second]);
    let faults = Faults::from_toml(
        "[[fault]]\nkind = \"overrun\"\n\n[[fault]]\nkind = \"live_timeout\"\ncharged = false\n\n\
         [[fault]]\nkind = \"throttle_429\"\ngateway = true\nfunction = \"llm_responses\"\nafter = \"7s\"\n",
    )
    .unwrap();
    let throttled = Rule::always(Fault::Throttle429 { after: Duration::from_secs(7) });
    assert_eq!(
        faults.rules,
        [
            Rule::always(Fault::Overrun { usd: Money::from_nanos(20_000_000) }),
            Rule::always(Fault::LiveTimeout { charged: false }),
            throttled.about(Function::LlmResponses).at_the_gateway(),
        ]
    );
    for (text, problem) in [
        ("[[fault]]\nkind = \"live_lost\"\ncharged = true\n", "line 2: `live_lost` takes no `charged`"),
        (
            "[[fault]]\nkind = \"live_lost\"\nfunction = \"llm\"\n",
            "line 2: `llm` is none of llm_scraper, llm_responses",
        ),
        ("[[fault]]\nkind = \"drop_after\"\nnht = [3]\n", "line 3: unknown field `nht`"),
        ("[[fault]]\nkind = \"drop_after\"\n[[fault]]\n\nkind = \"rain\"\n", "line 5: no fault is called `rain`"),
        ("[[fault]]\nkind = \"truncate\"\nstatus = 500\n", "line 2: `truncate` takes no `status`"),
        ("[[fault]]\nkind = \"clock_skew\"\n", "line 2: `clock_skew` needs `seconds`"),
        ("[[fault]]\nkind = \"drop_after\"\nshare = 2.0\n", "line 2: `2` is no chance from 0 to 1"),
        ("fault = 3\n", "line 1: "),
    ] {
        let error = Faults::from_toml(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}

#[test]
fn every_kind_of_fault_can_be_written() {
    let plain = "refuse_before drop_before drop_after accept_late answer_late error_before error_after truncate missing_rows \
                 reorder repeat_rows partial throttle_40202 throttle_429 payment_40210 task_50000 envelope_50000 html_200 \
                 ready_omits ready_repeats ready_crowded list_lag list_outage list_omits list_hides_unfinished list_without_tags \
                 paid_failure overrun settle_late never_done negative_balance live_lost live_timeout stale_balance odd_answer refuse_large";
    let tables: Vec<String> = plain.split_whitespace().map(|kind| format!("[[fault]]\nkind = \"{kind}\"\n")).collect();
    let mut kinds: Vec<_> = Faults::from_toml(&tables.concat())
        .unwrap()
        .rules
        .iter()
        .map(|rule| std::mem::discriminant(&rule.fault))
        .collect();
    let more = "[[fault]]\nkind = \"clock_skew\"\nseconds = -600\n\
                [[fault]]\nkind = \"price_change\"\nusd = \"0.0013\"\nengine = \"gemini\"\nnth = [2]\n";
    let rules = Faults::from_toml(more).unwrap().rules;
    let price = Fault::PriceChange { usd: Money::from_nanos(1_300_000), engine: Some(Engine::Gemini), priority: None };
    assert_eq!((&rules[0].fault, rules[0].call), (&Fault::ClockSkew { seconds: -600 }, None));
    assert_eq!(rules[1], Rule { engine: Some(Engine::Gemini), ..Rule::nth(price, Call::TaskPost, 2) });
    kinds.extend(rules.iter().map(|rule| std::mem::discriminant(&rule.fault)));
    let count = kinds.len();
    assert_eq!(kinds.into_iter().collect::<std::collections::HashSet<_>>().len(), count, "no two names mean the same");
}

#[test]
fn faults_keep_to_their_time_chance_engine_and_number() {
    let rule = Rule {
        engine: Some(Engine::ChatGpt),
        from: Duration::from_mins(1),
        until: Some(Duration::from_mins(3)),
        ..Rule::always(Fault::DropBefore)
    };
    let seen = |rule: Rule| -> Vec<bool> {
        let mut world = World::new(with_faults(vec![rule]));
        (0..6)
            .map(|_| {
                let dropped = world.served(AUTH, READY, None) == Served::Dropped;
                assert_ne!(world.served(AUTH, &READY.replace("chat_gpt", "gemini"), None), Served::Dropped);
                world.wait(30);
                dropped
            })
            .collect()
    };
    // At 0, 30, 60, 90, 120 and 150 seconds.
    let short = Rule { until: Some(Duration::from_mins(2)), ..rule.clone() };
    assert_eq!(seen(short), [false, false, true, true, false, false]);
    assert_eq!(seen(Rule { times: Some(1), ..rule.clone() }), [false, false, true, false, false, false]);
    assert_eq!(seen(rule), [false, false, true, true, true, true]);
    let mut world = World::new(with_faults(vec![Rule::chance(Fault::DropBefore, Call::TaskGet, 0.25)]));
    let struck = (0..1_000).filter(|_| world.served(AUTH, GET, None) == Served::Dropped).count();
    assert_eq!(struck, 0, "no task_get without an id");
    let path = format!("{GET}/x");
    let struck = (0..1_000).filter(|_| world.served(AUTH, &path, None) == Served::Dropped).count();
    assert!((180..320).contains(&struck), "{struck} of 1000");
}
