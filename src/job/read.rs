//! Reads the job file as a whole: its name, who pays, when it runs, what it may spend.

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::keys::{BUDGET_CALLED, BUDGET_KEYS, CALLED, KEYS, explain};
use super::priced::{Priced, Pricing};
use super::prompts::Gathering;
use super::stream::Files;
use super::{Budget, Drift, Job, Target, WhenShort, set};
use crate::catalogue::Served;
use crate::config::{Config, DEFAULT_ACCOUNT};
use crate::market;
use crate::near::nearest;
use crate::page::{Page, Section, is_name};
use crate::period::PeriodKind;
use crate::problem::{Problems, Wrong};
use crate::product::ResultKind;
use crate::zone::{self, Zone};

/// Tries of one task in one session that are worth their time when the provider is down.
const DEFAULT_ATTEMPTS: u32 = 5;

/// Refusals alike in a row that are not their prompts' fault: of prompts of which one in ten is refused, five in a row come
/// once in a hundred thousand; and five requests are soon made.
const DEFAULT_REFUSALS: u32 = 5;

/// Reads a job file and the prompt files it names; places, languages and models by the shipped lists.
///
/// # Errors
/// Every problem of the text and of the prompt files, at its place.
pub fn check(path: &Path, text: &str, config: &Config, files: &dyn Files) -> Result<Job, Problems> {
    check_against(path, text, config, &Served::default(), files)
}

/// Reads a job file and the prompt files it names; places, languages and models by the provider's lists,
/// where they are kept.
///
/// # Errors
/// Every problem of the text and of the prompt files, at its place.
pub fn check_against(
    path: &Path,
    text: &str,
    config: &Config,
    served: &Served,
    files: &dyn Files,
) -> Result<Job, Problems> {
    check_priced(path, text, config, served, files, None)
}

/// The same, and what it costs: where prices are known, a target without one, one that is too dear, and a budget that
/// buys nothing are problems as well.
///
/// # Errors
/// Every problem of the text, of the prompt files and of the prices, at its place.
pub fn check_priced(
    path: &Path,
    text: &str,
    config: &Config,
    served: &Served,
    files: &dyn Files,
    pricing: Option<&dyn Pricing>,
) -> Result<Job, Problems> {
    let page = Page::new(path, text);
    let document = page.parse();
    let root = document.as_ref().map(|document| Section::root(&page, document, "the job file"));
    let job = root.and_then(|root| read(path, &root, config, (served, pricing), files));
    drop(document);
    page.finish(job)
}

fn read(
    path: &Path,
    root: &Section<'_, '_>,
    config: &Config,
    (served, pricing): (&Served, Option<&dyn Pricing>),
    files: &dyn Files,
) -> Option<Job> {
    root.only_called(KEYS, CALLED, |key| if has_table(root, key) { None } else { explain(key, root.name) });
    root.need("budget", "budget = { run = \"12.50\" }");
    let name = read_name(path, root);
    let period = root.word::<PeriodKind>("period");
    let timezone = read_timezone(root, period.as_ref());
    let account = read_account(root, config);
    let budget_section = root.table("budget", "[budget]");
    let budget = budget_section.as_ref().and_then(read_budget);
    let max_price_drift = read_drift(root).unwrap_or_default();
    let retry_paid_failures = root.whole("retry_paid_failures", 0..=100).unwrap_or(0);
    let max_attempts = root.whole("max_attempts", 1..=100).unwrap_or(DEFAULT_ATTEMPTS);
    let stop_after_refusals = root.whole("stop_after_refusals", 1..=1_000).unwrap_or(DEFAULT_REFUSALS);
    let results = read_results(root);
    let decoded = account.as_ref().is_some_and(|name| config.accounts[name].user_prompt_decoded);
    let deadline = root.duration("deadline").map(Spanned::into_inner);
    let mut gathering = Gathering::default();
    let priced = pricing.zip(account.as_ref());
    let priced = priced.map(|(pricing, name)| Priced { pricing, account: &config.accounts[name] });
    let before = root.page.problems();
    let sets = set::read_all(path, root, files, served, (&results, decoded, priced), &mut gathering);
    let stored = |target: &Target| target.product().results.iter().any(|form| results.contains(form));
    // Of sets that could not be read it is not known what they ask.
    let all_read = root.page.problems() == before && !sets.is_empty() && !results.is_empty();
    if all_read && !sets.iter().flat_map(|set| &set.targets).any(stored) {
        root.page.wrong(root.key_span("results"), Wrong::NoSuchForm);
    }
    if let (Some(priced), Some(budget), Some(section)) = (priced, &budget, &budget_section) {
        priced.budget(section, budget, &sets);
    }
    let hasty = sets.iter().any(|set| set.targets.iter().any(|target| target.auto));
    if hasty && !root.has("deadline") {
        root.page.wrong(root.span.clone(), Wrong::DeadlineMissing);
    } else if root.has("deadline") && !hasty && !sets.is_empty() {
        root.page.wrong(root.key_span("deadline"), Wrong::DeadlineForNothing);
    }
    let (prompts, near_duplicates) = gathering.finish(root.page);
    Some(Job {
        name: name?,
        path: path.to_owned(),
        account: account?,
        period: period.map_or(PeriodKind::Once, Spanned::into_inner),
        timezone: timezone?,
        budget: budget?,
        max_price_drift,
        retry_paid_failures,
        max_attempts,
        stop_after_refusals,
        results,
        deadline,
        sets,
        prompts,
        near_duplicates,
    })
}

/// Under this key stands a table, or a list of them: it is no key of another table.
fn has_table(section: &Section<'_, '_>, key: &str) -> bool {
    let is_table = |value: &DeValue<'_>| value.is_table();
    section.get(key).is_some_and(|value| {
        is_table(value.get_ref())
            || value.get_ref().as_array().and_then(|items| items.first()).is_some_and(|item| is_table(item.get_ref()))
    })
}

fn read_name(path: &Path, root: &Section<'_, '_>) -> Option<String> {
    if root.has("name") {
        return root.name("name").map(Spanned::into_inner);
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if is_name(&stem) {
        return Some(stem);
    }
    root.page.wrong(root.span.clone(), Wrong::NameNeeded { stem });
    None
}

fn read_account(root: &Section<'_, '_>, config: &Config) -> Option<String> {
    let (name, span) = if root.has("account") {
        let text = root.text("account")?;
        ((*text.get_ref()).to_owned(), text.span())
    } else {
        (DEFAULT_ACCOUNT.to_owned(), root.span.clone())
    };
    if config.accounts.contains_key(&name) {
        return Some(name);
    }
    let known: Vec<String> = config.accounts.keys().cloned().collect();
    let near = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
    root.page.wrong(span, Wrong::UnknownAccount { name, known, near });
    None
}

fn read_timezone(root: &Section<'_, '_>, period: Option<&Spanned<PeriodKind>>) -> Option<Zone> {
    let Some(text) = root.text("timezone") else {
        if root.has("timezone") {
            return None;
        }
        if let Some(period) = period.filter(|period| *period.get_ref() != PeriodKind::Once) {
            root.page.wrong(period.span(), Wrong::TimezoneMissing { period: period.get_ref().name() });
            return None;
        }
        return Some(Zone::UTC);
    };
    let found = text.get_ref().parse().ok();
    if found.is_none() {
        let names: Vec<&'static str> = zone::names().collect();
        let by_letters = || nearest(text.get_ref(), names.iter().copied());
        let near = market::everyday_zone(text.get_ref(), &names).or_else(by_letters);
        root.page.wrong(text.span(), Wrong::UnknownTimezone { name: (*text.get_ref()).to_owned(), near });
    }
    found
}

fn read_budget(section: &Section<'_, '_>) -> Option<Budget> {
    section.only_called(BUDGET_KEYS, BUDGET_CALLED, |key| explain(key, section.name));
    section.need("run", "run = \"12.50\"");
    let (run, day, month) = (section.amount("run"), section.amount("day"), section.amount("month"));
    let when_short = section.word("when_short").map_or(WhenShort::Trim, Spanned::into_inner);
    Some(Budget { run: run?, day, month, when_short })
}

/// Percent as text; a bare 0 says the same as `"0%"`.
fn read_drift(root: &Section<'_, '_>) -> Option<Drift> {
    let value = root.get("max_price_drift")?;
    if value.get_ref().as_integer().is_some_and(|number| number.as_str() == "0") {
        return Some(Drift::NONE);
    }
    let text = root.text("max_price_drift")?;
    let drift = text.get_ref().parse().ok();
    if drift.is_none() {
        root.page.wrong(text.span(), Wrong::BadDrift { text: (*text.get_ref()).to_owned() });
    }
    drift
}

/// In the order of collecting: the provider discards the page itself after 7 days, the rest after 30.
fn read_results(root: &Section<'_, '_>) -> Vec<ResultKind> {
    let Some(items) = root.list("results") else { return vec![ResultKind::Advanced] };
    let mut asked = Vec::new();
    for item in items {
        let Some(word) = root.typed("results", item, "text in quotes", |value| value.as_str()) else { continue };
        let Some(kind) = root.parse_word::<ResultKind>("results", &Spanned::new(item.span(), word)) else { continue };
        if asked.contains(&kind) {
            root.page.wrong(item.span(), Wrong::ListedTwice { key: "results", item: format!("`{kind}`") });
        }
        asked.push(kind);
    }
    [ResultKind::Html, ResultKind::Advanced].into_iter().filter(|kind| asked.contains(kind)).collect()
}
