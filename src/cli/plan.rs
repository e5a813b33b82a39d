//! `bursar plan`: what a job asks for and what it costs, before anyone pays. Needs no credentials.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::args::PlanArgs;
use super::locate::{self, Located};
use super::out::{self, Out, count, lines};
use super::{Common, Exit, mistake, summary, table, told};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::engine::own_room;
use crate::ledger::Ledger;
use crate::period;
use crate::plan::{self, Plan, Room, Share};
use crate::price::PriceList;
use crate::report::Report;

/// What the ledger already knows of the run.
struct Known {
    report: Report,
    rooms: Vec<Room>,
}

pub(super) fn plan(args: &PlanArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let mut located = locate::job(&args.job, common)?;
    if let Some(budget) = args.budget {
        if budget.is_zero() {
            return mistake("--budget must be more than nothing");
        }
        located.job.budget.run = budget;
    }
    let account = located.account()?.clone();
    let prices = PriceList::with(&account.prices);
    // Outside a runtime: the system's clock needs none.
    let clock = Clock::system();
    let period = period::current(located.job.period, located.job.timezone, clock.now().wall);
    let known = known(&located, &period.id, &prices, clock)?;
    let rooms = known.as_ref().map_or_else(|| new_rooms(&located, &account), |known| known.rooms.clone());
    let plan = plan::plan(&located.job, &prices, &rooms, &account.limits)?;
    if out.json {
        out::document(&facts(&located, &period.id, &plan, &rooms, known.as_ref()))?;
    } else {
        out::data(&text(&located, &period.id, &plan, &rooms, known.as_ref()))?;
    }
    Ok(Exit::Complete)
}

/// The caps of a run that has not begun.
fn new_rooms(located: &Located, account: &AccountConfig) -> Vec<Room> {
    let whole = |name: &str, limit| Room { name: name.to_owned(), limit, left: limit };
    let mut rooms = vec![own_room(&located.job)];
    rooms.extend(account.caps.day.map(|limit| whole("account's cap of the UTC day", limit)));
    rooms.extend(account.caps.month.map(|limit| whole("account's cap of the UTC month", limit)));
    rooms
}

/// The run as the ledger has it, and its caps with what the run itself has spent put back: the plan is of all of it.
fn known(located: &Located, period: &str, prices: &PriceList, clock: Clock) -> anyhow::Result<Option<Known>> {
    if !located.config.ledger.exists() {
        return Ok(None);
    }
    let mut ledger = Ledger::open_to_read(&located.config.ledger)?;
    let Some(run) = ledger.find_run(&located.job.name, Some(period))? else { return Ok(None) };
    let report = Report::of(&mut ledger, run, prices, clock.now())?;
    let committed = report.committed();
    let put_back = |room: &Room| {
        // A budget in the job file or on the command line counts as it is there.
        let limit = if room.name == "budget of this run" { located.job.budget.run } else { room.limit };
        let used = room.limit.less(room.left).less(committed);
        Room { name: room.name.clone(), limit, left: limit.less(used) }
    };
    let rooms = report.rooms.iter().map(put_back).collect();
    Ok(Some(Known { report, rooms }))
}

fn text(located: &Located, period: &str, plan: &Plan, rooms: &[Room], known: Option<&Known>) -> String {
    let job = &located.job;
    let total = &plan.total;
    let mut text = String::new();
    let mut say = |line: String| {
        let _ = writeln!(text, "{}", lines(&line));
    };
    say(format!("job {} ({period}), {}, account {}", job.name, located.named.display(), job.account));
    say(format!("{}, {} in all", count(total.tasks, "task"), total.cost));
    if plan.duplicates > 0 {
        say(format!("written twice in a set and asked once: {}", count(plan.duplicates, "prompt")));
    }
    if let Some(Known { report, .. }) = known {
        say(format!(
            "bought before: {} for {} ({} held); not bought again",
            count(report.asked - report.planned, "task"),
            report.status.total.charged,
            report.status.total.held
        ));
    }
    for (what, part) in [
        ("prompt set", &plan.by_set),
        ("market", &plan.by_market),
        ("target", &plan.by_target),
        ("priority", &plan.by_priority),
    ] {
        let _ = write!(text, "\n{}", table::shares(what, part));
    }
    let _ = write!(text, "\n{}", table::rooms(rooms));
    let _ = write!(text, "\n{}", prices(plan));
    let _ = writeln!(
        text,
        "\n{} buys {} in {}: {}, done in {} at the most",
        total.funded_cost,
        count(total.funded, "task"),
        count(plan.batches, "batch"),
        count(plan.calls, "call"),
        humantime::format_duration(std::time::Duration::from_secs(plan.finish.as_secs().max(1)))
    );
    match &plan.cut {
        Some(cut) => {
            let _ = writeln!(
                text,
                "left out: {}; {} leaves {} of {}, and {} would be enough for all",
                count(total.tasks - total.funded, "task"),
                cut.cap.name,
                cut.cap.left,
                cut.cap.limit,
                cut.enough
            );
        }
        None => text.push_str("everything fits\n"),
    }
    text
}

fn prices(plan: &Plan) -> String {
    let mut table = table::table(&["price of one task of", "USD", "source", "read on"], &[1]);
    for (key, price) in &plan.prices {
        let as_of = price.as_of.map_or_else(String::new, |date| date.to_string());
        table.add_row([key.clone(), price.amount.decimal(), price.source.to_owned(), as_of]);
    }
    table::text(&table)
}

fn facts(located: &Located, period: &str, plan: &Plan, rooms: &[Room], known: Option<&Known>) -> Value {
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
    facts.insert("duplicates".into(), plan.duplicates.into());
    facts.insert("batches".into(), plan.batches.into());
    facts.insert("calls".into(), plan.calls.into());
    facts.insert("finish_s".into(), plan.finish.as_secs().into());
    facts.insert("caps".into(), rooms.iter().map(summary::of_room).collect());
    let prices: Vec<Value> = plan
        .prices
        .iter()
        .map(|(key, price)| {
            let mut row = Map::new();
            row.insert("key".into(), key.clone().into());
            told::money(&mut row, "price", price.amount);
            row.insert("source".into(), price.source.into());
            row.insert("as_of".into(), price.as_of.map(|date| date.to_string()).into());
            Value::Object(row)
        })
        .collect();
    facts.insert("prices".into(), prices.into());
    facts.insert("cut".into(), plan.cut.as_ref().map(cut).into());
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
    row.insert("cap".into(), summary::of_room(&cut.cap));
    told::money(&mut row, "whole", cut.whole);
    told::money(&mut row, "enough", cut.enough);
    Value::Object(row)
}

fn share(name: Option<&str>, share: &Share) -> Value {
    let mut row = Map::new();
    if let Some(name) = name {
        row.insert("name".into(), name.into());
    }
    row.insert("tasks".into(), share.tasks.into());
    told::money(&mut row, "cost", share.cost);
    row.insert("funded".into(), share.funded.into());
    told::money(&mut row, "funded", share.funded_cost);
    row.insert("left_out".into(), (share.tasks - share.funded).into());
    Value::Object(row)
}
