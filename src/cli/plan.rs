//! `bursar plan`: what a job asks for and what it costs, before anyone pays. Needs no credentials.

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::args::PlanArgs;
use super::ending::{self, Ending};
use super::forecast::Forecast;
use super::locate::Located;
use super::out::{self, Out, count, grouped, lines};
use super::{
    Common, Exit, deadline_choice, misnomers, mistake, near_duplicates, prompts, sandboxed, suspects, table, warnings,
};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::engine::{self, own_headroom};
use crate::job::{Target, WhenShort};
use crate::ledger::{Ledger, Lookups, Reports, TargetCost, Tried};
use crate::money::Money;
use crate::period::{self, Period, PeriodKind};
use crate::plan::{self, DeadlineChoice, Headroom, Plan, Scope, Share, Stand, Step, Tempo, TimeLeft};
use crate::price::{Price, PriceList};
use crate::report::Report;
use crate::sandbox::embedded;

/// What the ledger already knows of the run.
struct Known {
    report: Report,
    tried: Tried,
}

/// The calls of a plan.
#[derive(Clone, Copy)]
struct Calls {
    /// Purchases, those that try a price included.
    purchases: u64,
    /// When all is expected to be there.
    ends: Duration,
}

/// What finished tasks of each model came to so far, by price key.
type Learnt = BTreeMap<String, TargetCost>;

pub(super) fn plan(args: &PlanArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let mut located = sandboxed::job_to_buy(&args.job, args.budget, common, args.sandbox)?;
    if let Some(budget) = args.budget {
        if budget.is_zero() {
            return mistake("--budget must be more than nothing");
        }
        located.job.budget.run = budget;
    }
    let account = located.account()?.clone();
    // Outside a runtime: the system's clock needs none.
    let clock = Clock::system();
    let prices = PriceList::with(&account.prices).on(clock.now().wall.date_naive());
    let period = current(&located, clock)?;
    let known = known(&located, &period.id, &prices, clock)?;
    let learnt = learnt(&located)?;
    let deadline_choice = by_deadline(&mut located, &period.id, &account, &prices, clock)?;
    let headrooms = headrooms(&located, &period.id, &account, clock)?;
    let job = &located.job;
    let stands = |step: &Step| known.as_ref().map_or(Stand::ToBuy, |known| known.tried.of(job, step));
    let strict = job.budget.when_short == WhenShort::Refuse;
    // What no run could ever buy is a mistake; what this one cannot buy any more is a fact.
    let refused = match &known {
        Some(_) => None,
        None => plan::plan(job, &prices, &[own_headroom(job)])?.cut.filter(|_| strict),
    };
    let is_refused = refused.is_some();
    // Refused whole, it buys nothing, whatever its caps leave.
    let nothing = refused.as_ref().map(|cut| vec![Headroom { left: Money::ZERO, ..cut.cap.clone() }]);
    let binding = nothing.as_deref().unwrap_or(&headrooms);
    let mut plan = plan::plan_rest(job, &prices, binding, &stands)?;
    plan.cut = refused.or(plan.cut);
    let speed = if args.sandbox { embedded::SPEED } else { 1 };
    let tempo = Tempo { limits: &account.limits, timing: &account.timing, speed };
    let charged = charged(&located)?;
    let calls = Calls { purchases: plan.work.purchases(&charged), ends: plan.work.expected(&tempo, &charged) };
    let forecasts = Forecast::of(&located.job, &period, &plan, &headrooms);
    for warning in warnings::of(&located.job).into_iter().chain(forecasts.iter().map(Forecast::says)) {
        out.must(&format!("warning: {warning}"));
    }
    let today = clock.now().wall.date_naive();
    // A job of once has no end of its own.
    let period_ends = if located.job.period == PeriodKind::Once { today } else { period.to.date_naive() };
    let endings = ending::of_job(&located.job, today, period_ends);
    if out.json {
        let mut facts = facts::facts(&located, &period.id, &plan, &headrooms, (known.as_ref(), calls, is_refused));
        facts["expected"] = expected(&plan, &learnt).map(|of| of.0.decimal()).into();
        facts["near_duplicates"] = located.job.near_duplicates.as_ref().map(near_duplicates::facts).into();
        facts["unlisted_languages"] = misnomers::facts(&located.job);
        facts["suspects"] = suspects::facts(&located.job);
        facts["forecast"] = forecasts.iter().map(facts::forecast).collect();
        facts["deadline_choice"] = deadline_choice::facts(&deadline_choice);
        facts["retiring_models"] = endings.iter().map(Ending::facts).collect();
        out::document(&facts)?;
    } else {
        let mut text = text(&located, &period.id, &plan, &headrooms, (known.as_ref(), &learnt, calls, is_refused));
        for line in deadline_choice::lines(&deadline_choice) {
            let _ = writeln!(text, "{line}");
        }
        for ending in &endings {
            let _ = writeln!(text, "warning: {}; {}", ending.says(today), Ending::ADVICE);
        }
        out::data(&text)?;
    }
    Ok(Exit::Complete)
}

/// Chooses how what goes by the deadline is bought, as a session now would.
fn by_deadline(
    located: &mut Located,
    period: &str,
    account: &AccountConfig,
    prices: &PriceList,
    clock: Clock,
) -> anyhow::Result<DeadlineChoice> {
    let now = clock.now().wall.timestamp();
    let limits = &account.limits;
    let (job, deadline_choice) = if located.config.ledger.exists() {
        let ledger = Ledger::open_to_read(&located.config.ledger)?;
        let run = ledger.find_run(&located.job.name, Some(period))?;
        let (job, deadline_choice) = engine::by_deadline(&ledger, &located.job, run, limits, prices, now)?;
        (job.into_owned(), deadline_choice)
    } else {
        let takes = &crate::product::promised_turnaround;
        let left = located.job.deadline.unwrap_or_default();
        plan::choose_by_deadline(&located.job, prices, &TimeLeft { left, limits, takes })
    };
    located.job = job;
    Ok(deadline_choice)
}

/// The caps of the run, with what is spent and held under each.
fn headrooms(located: &Located, period: &str, account: &AccountConfig, clock: Clock) -> anyhow::Result<Vec<Headroom>> {
    let mut ceilings = engine::own_ceilings(&located.job);
    ceilings.extend(account.caps.day.map(|limit| (Scope::AccountDay, limit)));
    ceilings.extend(account.caps.month.map(|limit| (Scope::AccountMonth, limit)));
    if !located.config.ledger.exists() {
        let whole = |(scope, limit): (Scope, Money)| Headroom::new(scope, scope.ceiling(), limit, Money::ZERO);
        return Ok(ceilings.into_iter().map(whole).collect());
    }
    let ledger = Ledger::open_to_read(&located.config.ledger)?;
    let whose = (account.name.as_str(), located.job.name.as_str(), period);
    let (lag, now) = (account.timing.balance_lag, clock.now().wall.timestamp());
    let mut headrooms = ledger.headrooms_to_plan(whose, &ceilings, lag, now)?;
    headrooms.retain(|headroom| headroom.scope != Scope::AccountBalance || account.caps.keep_balance.is_some());
    Ok(headrooms)
}

/// The period that this machine's clock lies in.
fn current(located: &Located, clock: Clock) -> anyhow::Result<Period> {
    let (job, now) = (&located.job, clock.now().wall);
    Ok(if located.config.ledger.exists() {
        Ledger::open_to_read(&located.config.ledger)?.period_at(&job.name, job.period, job.timezone, now)?
    } else {
        period::current(job.period, job.timezone, now)
    })
}

/// The run as the ledger has it, where it has begun.
fn known(located: &Located, period: &str, prices: &PriceList, clock: Clock) -> anyhow::Result<Option<Known>> {
    if !located.config.ledger.exists() {
        return Ok(None);
    }
    let mut ledger = Ledger::open_to_read(&located.config.ledger)?;
    let Some(run) = ledger.find_run(&located.job.name, Some(period))? else { return Ok(None) };
    let report = Report::of(&mut ledger, run, prices, clock.now())?;
    let tried = ledger.tried(run, &located.job)?;
    Ok(Some(Known { report, tried }))
}

fn text(
    located: &Located,
    period: &str,
    plan: &Plan,
    headrooms: &[Headroom],
    (known, learnt, calls, is_refused): (Option<&Known>, &Learnt, Calls, bool),
) -> String {
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
    let other_form = |target: &Target| !target.product().results.iter().any(|form| job.results.contains(form));
    if job.sets.iter().flat_map(|set| &set.targets).any(other_form) {
        say("answers of models come as `advanced`, the one form that they have".to_owned());
    }
    if let Some(Known { report, .. }) = known {
        say(so_far(total, report));
    }
    let _ = write!(text, "\n{}", prompts::text(job));
    for (what, part) in [
        ("prompt set", &plan.by_set),
        ("market", &plan.by_market),
        ("target", &plan.by_target),
        ("priority", &plan.by_priority),
    ] {
        let _ = write!(text, "\n{}", table::shares(what, part));
    }
    let _ = write!(text, "\n{}", table::headrooms(headrooms));
    let _ = write!(text, "\n{}", prices(plan, learnt));
    let _ = writeln!(text, "\n{}", buys(plan, calls, known.map(|known| &known.report)));
    if let Some((sum, answers)) = expected(plan, learnt) {
        let _ = writeln!(
            text,
            "expected: about {sum}, by what {} of these models came to so far; what is held beyond that comes back",
            count(answers, "answer")
        );
    }
    // Of nothing, nothing can fit.
    if plan.total.to_buy() > 0 {
        let _ = writeln!(text, "{}", left_out(plan));
    }
    if is_refused {
        let _ = writeln!(
            text,
            "`bursar run` would buy nothing of it (when_short = \"refuse\") and end with exit code {}",
            Exit::Usage.code()
        );
    }
    text
}

/// What the run has tried, which the plan leaves alone.
fn so_far(total: &Share, report: &Report) -> String {
    let mut parts = vec![format!("{} bought for {}", count(total.bought, "task"), report.status.total.charged)];
    if total.in_doubt > 0 {
        parts.push(format!("{} in doubt", grouped(total.in_doubt)));
    }
    if total.refused > 0 {
        parts.push(format!("{} refused by the provider", grouped(total.refused)));
    }
    if !report.status.total.held.is_zero() {
        parts.push(format!("{} held", report.status.total.held));
    }
    format!("so far: {}; what is to buy is what is left", parts.join(", "))
}

/// What a run would buy, and how long that takes.
fn buys(plan: &Plan, calls: Calls, report: Option<&Report>) -> String {
    if plan.total.to_buy() == 0 {
        let (waiting, in_doubt) = report.map_or((0, 0), |report| (report.waiting, report.in_doubt));
        let mut text = "nothing is left to buy".to_owned();
        if waiting > 0 {
            let _ = write!(text, "; `bursar run` still collects {}", count(waiting, "answer"));
        }
        if in_doubt > 0 {
            let _ = write!(text, "; `bursar run` looks up {} in doubt", count(in_doubt, "task"));
        }
        return text;
    }
    if plan.total.allocated == 0 {
        return "nothing can be bought".to_owned();
    }
    format!(
        "{} buys {} in {}: {}, done in {} at most",
        plan.total.allocated_cost,
        count(plan.total.allocated, "task"),
        count(calls.purchases, "batch"),
        count(calls.purchases + plan.work.fetches(), "call"),
        humantime::format_duration(Duration::from_secs(calls.ends.as_secs().max(1)))
    )
}

/// What does not fit, and by how much.
fn left_out(plan: &Plan) -> String {
    match &plan.cut {
        Some(cut) => format!(
            "left out: {}; {} leaves {} of {}, and {} would be enough for all, which is {} more",
            count(plan.total.left_out(), "task"),
            cut.cap.name,
            cut.cap.left,
            cut.cap.limit,
            cut.enough,
            cut.enough.less(cut.cap.limit)
        ),
        None => "everything fits".to_owned(),
    }
}

/// What the allocated tasks are expected to cost, by what tasks of the same models came to, and how many those were; none
/// where nothing was learnt.
fn expected(plan: &Plan, learnt: &Learnt) -> Option<(Money, u64)> {
    let of_models = plan.allocated_at.keys().filter_map(|key| learnt.get(key)).map(|seen| seen.tasks).sum::<u64>();
    let each = plan.allocated_at.iter().map(|(key, tasks)| {
        let worst_case = plan.prices.get(key).map_or(Money::ZERO, |price| price.worst_case);
        learnt.get(key).map_or(worst_case, TargetCost::expected).saturating_mul(*tasks)
    });
    let sum = each.fold(Money::ZERO, Money::saturating_add);
    (of_models > 0).then_some((sum, of_models))
}

/// The prices that the account was charged before, which need no trial.
fn charged(located: &Located) -> anyhow::Result<BTreeSet<String>> {
    if !located.config.ledger.exists() {
        return Ok(BTreeSet::new());
    }
    Ok(Ledger::open_to_read(&located.config.ledger)?.prices_charged(&located.job.account)?)
}

fn learnt(located: &Located) -> anyhow::Result<Learnt> {
    if !located.config.ledger.exists() {
        return Ok(Learnt::new());
    }
    Ok(Ledger::open_to_read(&located.config.ledger)?.model_costs(&located.job.account)?)
}

fn prices(plan: &Plan, learnt: &Learnt) -> String {
    let date = |price: &Price| price.as_of.map_or_else(String::new, |date| date.to_string());
    if plan.prices.values().all(|price| price.fee == price.worst_case) {
        let mut table = table::table(&["price of one task of", "USD", "source", "read on"], &[1]);
        for (key, price) in &plan.prices {
            table.add_row([key.clone(), price.amount.decimal(), price.source.to_owned(), date(price)]);
        }
        return table::text(&table);
    }
    // What a model charges is known afterwards: taken at first, at the most, and what it came to so far.
    let mut table =
        table::table(&["price of one task of", "taken, USD", "at most", "so far", "source", "read on"], &[1, 2, 3]);
    for (key, price) in &plan.prices {
        let so_far = learnt.get(key).map_or_else(String::new, |seen| seen.expected().decimal());
        let (taken, most) = (price.amount.decimal(), price.worst_case.decimal());
        table.add_row([key.clone(), taken, most, so_far, price.source.to_owned(), date(price)]);
    }
    table::text(&table)
}
