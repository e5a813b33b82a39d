//! The rows of a list, of whichever kind: kept, shipped, searched, as a table and as JSON.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::catalogue::{Kept, List, Model, near_language, near_place};
use crate::cli::table::{self, Columns};
use crate::ledger::{Books, Ledger, LedgerError, Reports};
use crate::market::{self, Language, Location, Near};
use crate::model::{ShippedModel, shipped_models};
use crate::near::nearest;
use crate::product::Engine;

/// Rows, each with the engines that have it; those of a single engine's list have none yet.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    Locations(Vec<(Location, Vec<Engine>)>),
    Languages(Vec<(Language, Vec<Engine>)>),
    Models(Vec<(Model, Vec<Engine>)>),
}

fn bare<T>(rows: Vec<T>) -> Vec<(T, Vec<Engine>)> {
    rows.into_iter().map(|row| (row, Vec::new())).collect()
}

impl From<Vec<Location>> for Rows {
    fn from(rows: Vec<Location>) -> Self {
        Self::Locations(bare(rows))
    }
}

impl From<Vec<Language>> for Rows {
    fn from(rows: Vec<Language>) -> Self {
        Self::Languages(bare(rows))
    }
}

/// What the shipped list knows of a model.
impl From<&ShippedModel> for Model {
    fn from(shipped: &ShippedModel) -> Self {
        let has_price_of_search = shipped.prices.iter().any(|price| price.search.is_some());
        Self {
            name: shipped.name.to_owned(),
            reasoning: Some(shipped.reasons),
            web_search_supported: has_price_of_search.then_some(true),
            task_post_supported: None,
        }
    }
}

impl From<Vec<Model>> for Rows {
    fn from(rows: Vec<Model>) -> Self {
        Self::Models(bare(rows))
    }
}

impl Rows {
    pub(super) fn none(list: List) -> Self {
        match list {
            List::Locations => Self::Locations(Vec::new()),
            List::Languages => Self::Languages(Vec::new()),
            List::Models => Self::Models(Vec::new()),
        }
    }

    /// The list that comes with bursar; of models, those whose prices are known and that are still served.
    pub(super) fn shipped(list: List, engine: Engine, today: NaiveDate) -> Self {
        match list {
            List::Locations => market::locations().to_vec().into(),
            List::Languages => market::languages().to_vec().into(),
            List::Models => shipped_models(engine, today).map(Model::from).collect::<Vec<_>>().into(),
        }
    }

    /// What a word may mean that no row has in its name.
    pub(super) fn near(&self, word: &str) -> Option<Near> {
        match self {
            Self::Locations(rows) => near_place(word, &rows_of(rows)),
            Self::Languages(rows) => near_language(word, &rows_of(rows)),
            Self::Models(rows) => {
                let name = nearest(word, rows.iter().map(|(row, _)| row.name.as_str()))?.to_owned();
                Some(Near::Name { code: name.clone(), name })
            }
        }
    }

    /// An engine's list in the ledger, with the moment it was read.
    pub(super) fn kept(
        list: List,
        engine: Engine,
        ledger: &Ledger,
    ) -> Result<Option<(chrono::DateTime<chrono::Utc>, Self)>, LedgerError> {
        fn with_time<T>(kept: Kept<T>) -> (chrono::DateTime<chrono::Utc>, Rows)
        where
            Rows: From<Vec<T>>,
        {
            (kept.read_at, kept.rows.into())
        }
        Ok(match list {
            List::Locations => ledger.locations(engine)?.map(with_time),
            List::Languages => ledger.languages(engine)?.map(with_time),
            List::Models => ledger.models(engine)?.map(with_time),
        })
    }

    /// Keeps an engine's list.
    pub(super) fn keep(&self, engine: Engine, ledger: &mut Ledger, now: i64) -> Result<(), LedgerError> {
        match self {
            Self::Locations(rows) => ledger.keep_locations(engine, &rows_of(rows), now),
            Self::Languages(rows) => ledger.keep_languages(engine, &rows_of(rows), now),
            Self::Models(rows) => ledger.keep_models(engine, &rows_of(rows), now),
        }
    }

    /// Those with this in their names, or with this code.
    pub(super) fn matching(mut self, search: Option<&str>) -> Self {
        let Some(search) = search else { return self };
        let in_name = |name: &str| name.to_lowercase().contains(&search.to_lowercase());
        match &mut self {
            Self::Locations(rows) => rows.retain(|(row, _)| {
                in_name(&row.name)
                    || row.code.to_string() == search
                    || row.iso.as_ref().is_some_and(|iso| iso.eq_ignore_ascii_case(search))
            }),
            Self::Languages(rows) => {
                rows.retain(|(row, _)| in_name(&row.name) || row.code.eq_ignore_ascii_case(search));
            }
            Self::Models(rows) => rows.retain(|(row, _)| in_name(&row.name)),
        }
        self
    }

    /// Adds an engine's rows to those of others.
    pub(super) fn add(&mut self, engine: Engine, other: Self) {
        match (self, other) {
            (Self::Locations(all), Self::Locations(rows)) => unite(all, engine, rows),
            (Self::Languages(all), Self::Languages(rows)) => unite(all, engine, rows),
            (Self::Models(all), Self::Models(rows)) => unite(all, engine, rows),
            (Self::Locations(_) | Self::Languages(_) | Self::Models(_), _) => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Locations(rows) => rows.is_empty(),
            Self::Languages(rows) => rows.is_empty(),
            Self::Models(rows) => rows.is_empty(),
        }
    }

    pub(super) fn table(&self) -> Columns {
        match self {
            Self::Locations(rows) => {
                let mut table = table::table(&["code", "name", "country", "type", "engines"], &[0]);
                for (row, engines) in rows {
                    let (iso, kind) = (row.iso.clone().unwrap_or_default(), row.kind.clone().unwrap_or_default());
                    table.add_row([row.code.to_string(), row.name.clone(), iso, kind, names(engines).join(", ")]);
                }
                table
            }
            Self::Languages(rows) => {
                let mut table = table::table(&["code", "name", "engines"], &[]);
                for (row, engines) in rows {
                    table.add_row([row.code.clone(), row.name.clone(), names(engines).join(", ")]);
                }
                table
            }
            Self::Models(rows) => {
                let mut table = table::table(&["engine", "model", "standard", "web search", "reasoning"], &[]);
                for (row, engines) in rows {
                    let flags = [row.task_post_supported, row.web_search_supported, row.reasoning].map(word);
                    let [standard, search, reasoning] = flags.map(str::to_owned);
                    table.add_row([names(engines).join(", "), row.name.clone(), standard, search, reasoning]);
                }
                table
            }
        }
    }

    pub(super) fn facts(&self) -> Vec<Value> {
        match self {
            Self::Locations(rows) => rows
                .iter()
                .map(|(row, engines)| {
                    json!({ "code": row.code, "name": row.name, "country": row.iso, "type": row.kind,
                            "parent": row.parent, "engines": names(engines) })
                })
                .collect(),
            Self::Languages(rows) => rows
                .iter()
                .map(|(row, engines)| json!({ "code": row.code, "name": row.name, "engines": names(engines) }))
                .collect(),
            Self::Models(rows) => rows
                .iter()
                .map(|(row, engines)| {
                    json!({ "name": row.name, "engines": names(engines), "reasoning": row.reasoning,
                            "web_search_supported": row.web_search_supported,
                            "task_post_supported": row.task_post_supported })
                })
                .collect(),
        }
    }
}

fn rows_of<T: Clone>(rows: &[(T, Vec<Engine>)]) -> Vec<T> {
    rows.iter().map(|(row, _)| row.clone()).collect()
}

fn unite<T: PartialEq>(all: &mut Vec<(T, Vec<Engine>)>, engine: Engine, rows: Vec<(T, Vec<Engine>)>) {
    for (row, _) in rows {
        match all.iter_mut().find(|(known, _)| *known == row) {
            Some((_, engines)) => engines.push(engine),
            None => all.push((row, vec![engine])),
        }
    }
}

fn names(engines: &[Engine]) -> Vec<&'static str> {
    engines.iter().map(|engine| engine.name()).collect()
}

fn word(flag: Option<bool>) -> &'static str {
    match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    }
}
