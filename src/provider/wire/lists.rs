//! The content of a row's result: lists of tasks, the facts of an answer, the account.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::rows::Row;
use super::values::{cost, elements, field, id, number, object, text};
use crate::money::Money;
use crate::product::{Engine, Function, Method, Priority};

/// A task that is finished and not collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyRow {
    /// The provider's id of the task.
    pub id: String,
    /// The tag it was sent with.
    pub tag: Option<String>,
    /// When it was bought, by the provider's clock.
    pub posted: Option<DateTime<Utc>>,
}

/// What is finished and not collected, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadyList {
    /// The tasks.
    pub rows: Vec<ReadyRow>,
    /// Rows that could not be read, or that the provider counted and did not send: absence means nothing while there
    /// are any.
    pub unreadable: usize,
}

/// A task in the provider's list of all that was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The provider's id of the task.
    pub id: String,
    /// The tag it was sent with.
    pub tag: Option<String>,
    /// The row says what the task was posted with. A list without that says nothing about tags.
    pub has_metadata: bool,
    /// Where it was posted; engine and function stand at its end.
    pub url: Option<String>,
    /// When it was bought, by the provider's clock.
    pub posted: Option<DateTime<Utc>>,
    /// When it was finished; `None` while it is not.
    pub done: Option<DateTime<Utc>>,
    /// What it was charged.
    pub cost: Option<Money>,
}

impl Listed {
    /// The function that it was bought by, where its row says where it was posted.
    pub fn function(&self) -> Option<Function> {
        let url = self.url.as_deref()?;
        Function::ALL.iter().copied().find(|function| url.contains(&format!("/{function}/")))
    }

    /// Whose answers it asked for.
    pub fn engine(&self) -> Option<Engine> {
        let url = self.url.as_deref()?;
        Engine::ALL.iter().copied().find(|engine| url.contains(&format!("/{engine}/")))
    }

    /// It was answered on the connection that bought it.
    pub fn is_live(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.contains("/live"))
    }
}

/// A list that may not be relied on, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's list cannot be relied on: {0}")]
pub struct UnreadableList(pub String);

/// What an answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The id of the task that it answers.
    pub id: Option<String>,
    /// When it was given, by the provider's clock.
    pub done: Option<DateTime<Utc>>,
    /// The model that gave it.
    pub model: Option<String>,
    /// What that model charged: an answer of LLM Responses says so.
    pub model_charge: Option<Money>,
}

/// What the account says about itself, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserData {
    /// What is left to spend; may be negative.
    pub balance: Option<Money>,
    /// The provider's own ceiling for a day (UTC): the tightest that scraper tasks count in.
    pub day_limit: Option<Money>,
    /// The calls that it allows in a minute.
    pub limits: CallLimits,
    /// What its price list names for one task of a kind; of LLM Responses, the provider's fee.
    pub prices: Vec<(PriceClass, Money)>,
}

/// What a price is for.
pub type PriceClass = (Function, Method, Priority);

/// The calls that the provider allows an account in a minute, where it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallLimits {
    /// Of all kinds together.
    pub calls: Option<u32>,
    /// Of `tasks_ready`.
    pub tasks_ready: Option<u32>,
    /// Of `id_list`.
    pub id_list: Option<u32>,
}

impl UserData {
    /// What the provider's price list names for one task, where it names it. A model's charge is in no list of the provider's.
    pub fn price(&self, price_class: PriceClass) -> Option<Money> {
        self.prices.iter().find(|(known, _)| *known == price_class).map(|(_, price)| *price)
    }
}

/// The tasks in a row of `tasks_ready`, in its present and its older shape.
pub fn ready_rows(row: &Row<'_>) -> ReadyList {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        tag: Option<&'a RawValue>,
        #[serde(borrow, default)]
        date_posted: Option<&'a RawValue>,
    }

    let Some(result) = row.result else {
        // No list, and no word that it is empty, might be anything.
        let unreadable = row.result_count.map_or(1, |_| promised(row));
        return ReadyList { rows: Vec::new(), unreadable };
    };
    let Some(elements) = elements(result) else {
        return ReadyList { rows: Vec::new(), unreadable: promised(row).max(1) };
    };
    let rows: Vec<ReadyRow> = elements
        .iter()
        .filter_map(|&element| {
            let raw: Raw<'_> = object(element)?;
            Some(ReadyRow {
                id: id(raw.id)?.into_owned(),
                tag: text(raw.tag).map(Into::into),
                posted: time(raw.date_posted),
            })
        })
        .collect();
    let unreadable = elements.len().max(promised(row)) - rows.len();
    ReadyList { rows, unreadable }
}

/// The tasks in a row of the provider's list of all purchases: all of them, or none at all.
///
/// A scan concludes from what is absent, so nothing may be overlooked: neither a row that cannot be read, nor one
/// that was counted and not sent, nor a date that would make a finished task look unfinished.
pub fn listed_rows(row: &Row<'_>) -> Result<Vec<Listed>, UnreadableList> {
    let problem = |what: String| Err(UnreadableList(what));
    let Some(result) = row.result else {
        return match row.result_count {
            Some(0) => Ok(Vec::new()),
            Some(_) | None => problem("it has no rows, and does not say that there are none".to_owned()),
        };
    };
    let Some(elements) = elements(result) else {
        return problem("its result is not a list".to_owned());
    };
    if promised(row) > elements.len() {
        return problem(format!("it counts {} rows and holds {}", promised(row), elements.len()));
    }
    elements
        .into_iter()
        .enumerate()
        .map(|(nth, element)| {
            listed(element).ok_or_else(|| UnreadableList(format!("its row {} cannot be read", nth + 1)))
        })
        .collect()
}

fn listed(raw: &RawValue) -> Option<Listed> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        url: Option<&'a RawValue>,
        #[serde(borrow, default)]
        datetime_posted: Option<&'a RawValue>,
        #[serde(borrow, default)]
        datetime_done: Option<&'a RawValue>,
        #[serde(borrow, default)]
        cost: Option<&'a RawValue>,
        #[serde(borrow, default)]
        metadata: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow, default)]
        tag: Option<&'a RawValue>,
    }

    let raw: Raw<'_> = object(raw)?;
    // Empty metadata may come as `[]`; metadata that cannot be read might hold a tag of ours.
    let metadata: Option<Metadata<'_>> = match raw.metadata {
        Some(metadata) if metadata.get().starts_with('{') => Some(object(metadata)?),
        Some(_) | None => None,
    };
    let tag = match metadata.as_ref().and_then(|metadata| metadata.tag) {
        Some(tag) => Some(text(Some(tag))?.into_owned()),
        None => None,
    };
    let done = match raw.datetime_done {
        Some(done) if done.get() != "\"\"" => Some(time(Some(done))?),
        Some(_) | None => None,
    };
    Some(Listed {
        id: id(raw.id)?.into_owned(),
        tag,
        has_metadata: metadata.is_some(),
        url: text(raw.url).map(Into::into),
        posted: time(raw.datetime_posted),
        done,
        cost: cost(raw.cost).known(),
    })
}

/// The text of a row's first result: `None` where there is none yet, and something that is no object where there is
/// no telling.
pub fn first_result<'a>(row: &Row<'a>) -> Option<&'a str> {
    let result = row.result?;
    elements(result).map_or(Some(""), |results| results.first().map(|first| first.get()))
}

/// What the first result of a row says about itself; nothing for a row without one.
pub fn answer_facts(row: &Row<'_>) -> AnswerFacts {
    let Some(first) = row.result.and_then(elements).and_then(|results| results.first().copied()) else {
        return AnswerFacts::default();
    };
    AnswerFacts {
        id: row.id.as_deref().map(str::to_owned),
        done: time(field(first, "datetime")),
        model: text(field(first, "model")).or_else(|| text(field(first, "model_name"))).map(Into::into),
        model_charge: cost(field(first, "money_spent")).known(),
    }
}

/// The account's balance, limit and prices.
pub fn user_data(row: &Row<'_>) -> UserData {
    let Some(account) = row.result.and_then(elements).and_then(|results| results.first().copied()) else {
        return UserData::default();
    };
    let at = |path: &[&str]| path.iter().try_fold(account, |at, name| field(at, name));
    let money = |raw| text(raw).and_then(|digits| Money::from_json_digits(&digits).ok());
    let price = |branch: &[&str], priority| {
        let leaf = at(&[&["price", "ai_optimization"], branch, &[priority]].concat()).and_then(elements)?;
        let [leaf] = leaf[..] else { return None };
        let per_request = text(field(leaf, "cost_type"))? == "per_request";
        per_request.then(|| cost(field(leaf, "cost")).known()).flatten()
    };
    let (standard, live): (&[&str], _) = (&["llm_scraper", "task_post"], &["llm_scraper", "live", "advanced"]);
    let (responses, live_responses): (&[&str], _) = (&["llm_responses", "task_post"], &["llm_responses", "live"]);
    // Which of a Live task's two lists is filled is not documented.
    let either = |branch| price(branch, "priority_normal").or_else(|| price(branch, "priority_high"));
    let (scraper, model) = (Function::LlmScraper, Function::LlmResponses);
    let named = [
        ((scraper, Method::Standard, Priority::Normal), price(standard, "priority_normal")),
        ((scraper, Method::Standard, Priority::High), price(standard, "priority_high")),
        ((scraper, Method::Live, Priority::Normal), either(live)),
        ((model, Method::Standard, Priority::Normal), price(responses, "priority_normal")),
        ((model, Method::Live, Priority::Normal), either(live_responses)),
    ];
    let day = |path: &[&str]| money(at(&[&["money", "limits", "day"], path].concat()));
    let day_limits = [&["total"][..], &["total_ai_optimization"], &["ai_optimization", "llm_scraper", "task_post"]];
    let calls = |path: &[&str]| number(at(&[&["rates", "limits", "minute"], path].concat())).filter(|limit| *limit > 0);
    let of_scraper = |name| calls(&["ai_optimization", "llm_scraper", name]);
    UserData {
        balance: money(at(&["money", "balance"])),
        // A limit of nothing most likely means that there is none.
        day_limit: day_limits.into_iter().filter_map(day).filter(|limit| !limit.is_zero()).min(),
        limits: CallLimits {
            calls: [calls(&["total"]), calls(&["total_ai_optimization"]), of_scraper("task_post")]
                .into_iter()
                .flatten()
                .min(),
            tasks_ready: of_scraper("tasks_ready"),
            id_list: calls(&["ai_optimization", "id_list"]),
        },
        prices: named.into_iter().filter_map(|(price_class, price)| Some((price_class, price?))).collect(),
    }
}

/// How many results the provider says there are.
fn promised(row: &Row<'_>) -> usize {
    row.result_count.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX))
}

/// A time as the provider writes it, in any offset.
fn time(raw: Option<&RawValue>) -> Option<DateTime<Utc>> {
    let text = text(raw)?;
    DateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S %:z").ok().map(|at| at.to_utc())
}
