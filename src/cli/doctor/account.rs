//! What the provider says about an account, in one free call: its money, limits and prices compared with ours.

use chrono::{DateTime, Utc};

use super::finding::Finding;
use crate::catalogue::List;
use crate::cli::out::grouped;
use crate::cli::{Exit, secrets};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::engine::FURTHEST_OFF_S;
use crate::job::Target;
use crate::money::Money;
use crate::price::{PriceList, price_key};
use crate::product::{Engine, PRODUCTS};
use crate::provider::http::Http;
use crate::provider::wire::{USER_DATA_PATH, catalogue_path};
use crate::provider::{Failure, ListProblem, Provider as _, Request, Response, UserData, judge_account, judge_contact};

/// The provider's `Date` is whole seconds and some time on its way.
const SKEW_S: i64 = 5;

/// Asks once, and looks at all that the answer says.
pub(super) async fn scan(account: &AccountConfig, clock: Clock, sandbox: bool) -> anyhow::Result<Vec<Finding>> {
    let credentials = match secrets::for_session(account, sandbox) {
        Ok(credentials) => credentials,
        Err(error) => {
            let says = error.to_string();
            return Ok(vec![Finding::fail(
                "credentials",
                Exit::Usage,
                says,
                "without them only `plan` and the sandbox work: `bursar doctor --sandbox` and `bursar run JOB --sandbox`",
            )]);
        }
    };
    let mut findings: Vec<Finding> = credentials.odd().iter().map(|odd| odd_secret(odd)).collect();
    let http = match credentials.way_to(&account.base_url) {
        Ok(http) => http,
        Err(error) => {
            findings.push(Finding::fail("connection", Exit::Usage, error.to_string(), "nothing can be bought"));
            return Ok(findings);
        }
    };
    if !account.route.shows_lists() {
        findings.extend(gateway(&http, account, clock).await);
        return Ok(findings);
    }
    let timeout = account.timing.request_timeout;
    let request = Request { path: USER_DATA_PATH.to_owned(), body: None, spends: false, timeout };
    let asked = clock.now().wall;
    let outcome = http.call(request).await;
    let heard = clock.now().wall;
    findings.extend(connection(account, &outcome));
    if is_unconnected(&outcome) {
        return Ok(findings);
    }
    match judge_account(&outcome) {
        Ok(told) => {
            findings.push(Finding::ok(
                "credentials",
                if sandbox {
                    "the simulated provider needs none".to_owned()
                } else {
                    format!("{} accepts {}", account.base_url, secrets::place(account))
                },
            ));
            findings.push(balance(&told, account));
            findings.push(day_limit(&told, account));
            findings.push(duplicates());
            findings.extend(limits(&told, account));
            findings.extend(prices(&told, account));
        }
        Err(problem) => findings.push(refused(&problem, account)),
    }
    findings.extend(outcome.ok().map(|response| match response.date {
        Some(date) => skew(date, asked, heard),
        None => Finding::fail(
            "clock",
            Exit::Refused,
            "the provider's answers bear no `Date`: nothing is bought, since it is not known in which day it would count",
            "if a proxy removes the header, let it pass",
        ),
    }));
    Ok(findings)
}

fn odd_secret(odd: &str) -> Finding {
    Finding::warn("credentials", odd, "set it again without them, if they are not part of it")
}

fn is_unconnected(outcome: &Result<Response, Failure>) -> bool {
    matches!(outcome, Err(Failure::NeverLeft(_)))
}

/// The way to the provider: through which proxy, and which one is not used.
fn connection(account: &AccountConfig, outcome: &Result<Response, Failure>) -> Option<Finding> {
    const ABOUT: &str = "connection";
    let host = &account.base_url;
    let unused = secrets::unused_proxy(account);
    match (secrets::proxy_in_words(account), outcome) {
        (proxy, Err(Failure::NeverLeft(why))) => Some(Finding::fail(
            ABOUT,
            Exit::Unexpected,
            format!("cannot connect to {host}: {why}"),
            match (unused, proxy) {
                (Some(variable), _) => secrets::proxy_not_used(variable, &account.name),
                (None, Some(proxy)) => format!("it was tried through the proxy {proxy}"),
                (None, None) => "check the network and `base_url`".to_owned(),
            },
        )),
        (Some(proxy), _) => {
            let through = Finding::ok(ABOUT, format!("through the proxy {proxy}"));
            Some(match secrets::excepted_from_proxies(account) {
                Some(variable) => {
                    let says = format!("{variable} names this host and is not used: `proxy` in bursar.toml holds");
                    through.knowing(says)
                }
                None => through,
            })
        }
        (None, _) => {
            let variable = unused?;
            Some(Finding::ok(ABOUT, "direct").knowing(secrets::proxy_not_used(variable, &account.name)))
        }
    }
}

fn refused(problem: &ListProblem, account: &AccountConfig) -> Finding {
    match problem {
        ListProblem::Refused(_) => Finding::fail(
            "credentials",
            Exit::Refused,
            problem.to_string(),
            format!(
                "the password is the API's own, from the provider's dashboard; they are taken from {}",
                secrets::place(account)
            ),
        ),
        ListProblem::Throttled { .. } => {
            Finding::warn("credentials", problem.to_string(), "ask again in a minute: nothing was learnt")
        }
        ListProblem::Unreachable { .. } | ListProblem::Unreliable { .. } => Finding::fail(
            "credentials",
            Exit::Unexpected,
            format!("nothing was learnt of {}: {problem}", account.base_url),
            "check the network and `base_url`, or ask again later",
        ),
    }
}

/// What can be learnt of a gateway by a call that costs nothing: it lets the key in, and what its clock says.
async fn gateway(http: &Http, account: &AccountConfig, clock: Clock) -> Vec<Finding> {
    let timeout = account.timing.request_timeout;
    let request = Request { path: catalogue_path(List::Models, Engine::ChatGpt), body: None, spends: false, timeout };
    let asked = clock.now().wall;
    let outcome = http.call(request).await;
    let heard = clock.now().wall;
    let (place, url) = (secrets::place(account), &account.base_url);
    let mut findings: Vec<Finding> = connection(account, &outcome).into_iter().collect();
    if is_unconnected(&outcome) {
        return findings;
    }
    findings.push(match judge_contact(&outcome) {
        Ok(()) => Finding::ok("credentials", format!("{url} answers to the key in {place}")),
        Err(refusal) if refusal.http.is_some() => Finding::fail(
            "credentials",
            Exit::Refused,
            format!("{url} refuses the key in {place}: {}", refusal.message),
            "make a key in the gateway's console, and check that the whole of it is there",
        ),
        Err(refusal) => Finding::fail(
            "credentials",
            Exit::Unexpected,
            format!("nothing was learnt of {url}: {}", refusal.message),
            "check the network and `base_url`, or ask again later",
        ),
    });
    findings.push(
        Finding::ok("gateway", "it reports no balance, no limits and no prices; the first task of each price shows it")
            .knowing("it has no list of what was bought: what is in doubt can be looked up nowhere, and `bursar resolve` decides"),
    );
    findings.extend(outcome.ok().map(|response| match response.date {
        Some(date) => skew(date, asked, heard),
        None => Finding::warn(
            "clock",
            "the gateway's answers bear no `Date`: jobs with a period are not run",
            "if a proxy removes the header, let it pass",
        ),
    }));
    findings
}

fn balance(told: &UserData, account: &AccountConfig) -> Finding {
    let keep = account.caps.keep_balance.unwrap_or_default();
    match told.balance {
        None => Finding::warn("balance", "the provider does not say it", "with `keep_balance` nothing is bought then"),
        Some(balance) if balance <= Money::ZERO => Finding::fail(
            "balance",
            Exit::Refused,
            balance.to_string(),
            "pay money in: nothing is sold to this account, and finished answers may be withheld",
        ),
        Some(balance) if balance <= keep => Finding::fail(
            "balance",
            Exit::Refused,
            format!("{balance}, and keep_balance is {keep}: nothing is bought"),
            "pay money in, or lower keep_balance",
        ),
        Some(balance) => Finding::ok("balance", balance.to_string()),
    }
}

fn day_limit(told: &UserData, account: &AccountConfig) -> Finding {
    const ADVICE: &str = "set one in its dashboard, just above what a day may cost: it holds even if bursar errs or another program buys";
    match (told.day_limit, account.caps.day) {
        (None, _) => Finding::warn("day limit", "the provider shows none of its own for this account", ADVICE),
        (Some(limit), Some(cap)) if limit < cap => Finding::warn(
            "day limit",
            format!("the provider's own is {limit}, below the account's cap of {cap} a day"),
            "buying stops at the lower one until the next UTC day (code 40203)",
        ),
        (Some(limit), _) => Finding::ok("day limit", format!("the provider's own is {limit} for a UTC day")),
    }
}

fn duplicates() -> Finding {
    Finding::ok("duplicates", "the provider's limit on identical tasks shows in no answer").knowing(
        "where it is set in its dashboard, keep it above the highest `repeats` of a job: repeats are identical tasks \
         (code 40205)",
    )
}

fn limits(told: &UserData, account: &AccountConfig) -> Vec<Finding> {
    let ours = &account.limits;
    let rows = [
        ("calls_per_minute", ours.calls_per_minute, told.limits.calls),
        ("tasks_ready_per_minute", ours.tasks_ready_per_minute, told.limits.tasks_ready),
        ("id_list_per_minute", ours.id_list_per_minute, told.limits.id_list),
    ];
    let above = |(name, ours, theirs): &(&str, u32, Option<u32>)| {
        theirs.filter(|theirs| ours > theirs).map(|theirs| {
            Finding::warn(
                "limits",
                format!("{name} is {ours}, and the provider allows {theirs} a minute"),
                format!("set limits = {{ {name} = {theirs} }}: above it calls are refused and the pace halves"),
            )
        })
    };
    let above: Vec<Finding> = rows.iter().filter_map(above).collect();
    if !above.is_empty() {
        return above;
    }
    let says = match told.limits.calls {
        Some(calls) => {
            let [ours, theirs] = [ours.calls_per_minute, calls].map(|limit| grouped(limit.into()));
            format!("{ours} of the provider's {theirs} calls a minute are used at most")
        }
        None => "the provider names none; ours hold".to_owned(),
    };
    vec![Finding::ok("limits", says)]
}

fn prices(told: &UserData, account: &AccountConfig) -> Vec<Finding> {
    let list = PriceList::with(&account.prices);
    let mut findings = Vec::new();
    let (mut same, mut unnamed) = (0, 0);
    for product in PRODUCTS {
        for priority in product.priorities {
            let (engine, function, method) = (product.engine, product.function, product.method);
            let target =
                Target { engine, function, method, priority: *priority, auto: false, model: None, options: Vec::new() };
            let Some(ours) = list.fee(&target) else { continue };
            let key = price_key(&target);
            match told.price((function, method, *priority)) {
                None => unnamed += 1,
                Some(theirs) if theirs == ours => same += 1,
                Some(theirs) if theirs > ours => findings.push(Finding::fail(
                    "prices",
                    Exit::Refused,
                    format!("{key} costs {theirs} by the provider's list, and {ours} is expected"),
                    format!(
                        "buying at this price stops: write it under [[accounts.{}.prices]], or allow more with \
                         max_price_drift",
                        account.name
                    ),
                )),
                Some(theirs) => findings.push(Finding::warn(
                    "prices",
                    format!("{key} costs {theirs} by the provider's list, and {ours} is expected"),
                    "more is held than is charged, so the caps leave tasks out that would fit: write the price under \
                     [[accounts.NAME.prices]]",
                )),
            }
        }
    }
    if findings.is_empty() {
        findings.push(match (same, unnamed) {
            (0, _) => {
                Finding::ok("prices", "the provider's list names none that is bought; the first task of each shows it")
            }
            (_, 0) => Finding::ok("prices", "the provider's list agrees with ours"),
            (..) => Finding::ok("prices", "the provider's list agrees with ours, as far as it names them"),
        });
    }
    findings
}

fn skew(date: DateTime<Utc>, asked: DateTime<Utc>, heard: DateTime<Utc>) -> Finding {
    // Its clock was read between the two, and rounded down.
    let ahead_s = if date > heard {
        (date - heard).num_seconds()
    } else {
        (date + chrono::TimeDelta::seconds(1) - asked).num_seconds().min(0)
    };
    if ahead_s.abs() <= SKEW_S {
        return Finding::ok("clock", "this machine's and the provider's agree");
    }
    let side = if ahead_s < 0 { "ahead of" } else { "behind" };
    let says = format!("this machine's is {} s {side} the provider's", ahead_s.abs());
    if ahead_s.abs() > FURTHEST_OFF_S {
        let says = format!("{says}: one of them is wrong, and nothing is bought");
        return Finding::fail("clock", Exit::Refused, says, "set this machine's clock right");
    }
    Finding::warn(
        "clock",
        says,
        "a job with a period is run only while both lie in the same one: set this machine's clock right",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_within_its_round_trip() {
        let at = |seconds: i64| DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap();
        for (date, heard, says) in [
            (0, 0, "this machine's and the provider's agree"),
            (-1, 0, "this machine's and the provider's agree"),
            (3, 30, "this machine's and the provider's agree"),
            (70, 10, "this machine's is 60 s behind the provider's"),
            (-61, 10, "this machine's is 60 s ahead of the provider's"),
        ] {
            assert_eq!(skew(at(date), at(0), at(heard)).facts()["says"], says, "{date}");
        }
    }
}
