//! A plan as data, for `--json`.

use serde_json::{Map, Value, json};

use super::{Calls, Known};
use crate::cli::forecast::Forecast;
use crate::cli::locate::Located;
use crate::cli::{Exit, out, prompts, summary};
use crate::plan::{self, Headroom, Plan, Share};

pub(super) fn facts(
    located: &Located,
    period: &str,
    plan: &Plan,
    headrooms: &[Headroom],
    (known, calls, is_refused): (Option<&Known>, Calls, bool),
) -> Value {
    let mut facts = Map::new();
    facts.insert("schema".into(), "bursar.plan/1".into());
    facts.insert("job".into(), located.job.name.clone().into());
    facts.insert("period".into(), period.into());
    facts.insert("account".into(), located.job.account.clone().into());
    facts.insert("total".into(), share(None, &plan.total));
    let parts = |parts: &[(String, Share)]| -> Value { parts.iter().map(|(name, of)| share(Some(name), of)).collect() };
    facts.insert("sets".into(), parts(&plan.by_set));
    facts.insert("markets".into(), parts(&plan.by_market));
    facts.insert("targets".into(), parts(&plan.by_target));
    facts.insert("priorities".into(), parts(&plan.by_priority));
    facts.insert("prompts".into(), prompts::facts(&located.job));
    facts.insert("duplicates".into(), plan.duplicates.into());
    facts.insert("batches".into(), calls.purchases.into());
    facts.insert("calls".into(), (calls.purchases + plan.work.fetches()).into());
    facts.insert("finish_s".into(), calls.ends.as_secs().into());
    facts.insert("caps".into(), headrooms.iter().map(summary::of_headroom).collect());
    let prices: Vec<Value> = plan
        .prices
        .iter()
        .map(|(key, price)| {
            let mut row = Map::new();
            row.insert("key".into(), key.clone().into());
            out::money(&mut row, "price", price.amount);
            out::money(&mut row, "worst_case", price.worst_case);
            row.insert("source".into(), price.source.into());
            row.insert("as_of".into(), price.as_of.map(|date| date.to_string()).into());
            Value::Object(row)
        })
        .collect();
    facts.insert("prices".into(), prices.into());
    facts.insert("cut".into(), plan.cut.as_ref().map(cut).into());
    facts.insert("refused_whole".into(), is_refused.into());
    let run_exit = match (&plan.cut, is_refused) {
        (_, true) => Exit::Usage,
        (Some(_), false) => Exit::BudgetReached,
        (None, false) => Exit::Complete,
    };
    facts.insert("run_exit".into(), run_exit.code().into());
    facts.insert(
        "known".into(),
        known.map_or(Value::Null, |known| {
            let report = &known.report;
            json!({ "asked": report.asked, "planned": report.planned, "in_doubt": report.in_doubt,
                    "submitted": report.waiting, "answered": report.answered, "failed": report.failed })
        }),
    );
    Value::Object(facts)
}

fn cut(cut: &plan::Cut) -> Value {
    let mut row = Map::new();
    row.insert("cap".into(), summary::of_headroom(&cut.cap));
    out::money(&mut row, "whole", cut.whole);
    out::money(&mut row, "enough", cut.enough);
    out::money(&mut row, "more", cut.enough.less(cut.cap.limit));
    Value::Object(row)
}

fn share(name: Option<&str>, share: &Share) -> Value {
    let mut row = Map::new();
    if let Some(name) = name {
        row.insert("name".into(), name.into());
    }
    row.insert("tasks".into(), share.tasks.into());
    out::money(&mut row, "cost", share.cost);
    row.insert("allocated".into(), share.allocated.into());
    out::money(&mut row, "allocated", share.allocated_cost);
    row.insert("left_out".into(), share.left_out().into());
    row.insert("bought".into(), share.bought.into());
    row.insert("in_doubt".into(), share.in_doubt.into());
    row.insert("refused".into(), share.refused.into());
    Value::Object(row)
}

pub(super) fn forecast(forecast: &Forecast) -> Value {
    let mut row = Map::new();
    row.insert("cap".into(), summary::of_headroom(&forecast.headroom));
    row.insert("every".into(), forecast.each.1.into());
    out::money(&mut row, "each", forecast.each.0);
    row.insert("until".into(), forecast.until.to_string().into());
    out::money(&mut row, "enough", forecast.enough);
    Value::Object(row)
}
