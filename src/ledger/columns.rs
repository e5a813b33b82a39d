//! Columns that hold more than a number or a text: words of an enum, and a task's identity.

use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};

use super::provider_id::provider_text;
use crate::job::Target;
use crate::price::NamedIn;
use crate::product::{Function, ResultKind};
use crate::task::{Identity, Question, QuestionKey, TaskState};
use crate::text::LineEnds;
use crate::zone::Zone;

/// A word that stands for one of an enum's variants.
pub(super) fn named<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let word: String = row.get(at)?;
    word.parse().map_err(|_| of_a_newer_one(at, &word))
}

/// The same, or nothing.
pub(super) fn maybe_named<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    if row.get_ref(at)? == ValueRef::Null { Ok(None) } else { named(row, at).map(Some) }
}

/// A time zone by its name.
pub(super) fn zone(row: &Row<'_>, at: usize) -> rusqlite::Result<Zone> {
    let name: String = row.get(at)?;
    name.parse().map_err(|_| {
        let what = format!("no time zone `{name}` is known here: days and months that have money in them begin by it");
        unreadable(at, Type::Text, what)
    })
}

/// A task's state, from its number and the number of its reason beside it.
pub(super) fn task_state(row: &Row<'_>, at: usize) -> rusqlite::Result<TaskState> {
    let (state, reason): (i64, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
    TaskState::from_numbers(state, reason).ok_or_else(|| {
        let reason = reason.map(|reason| format!(" with reason {reason}")).unwrap_or_default();
        unreadable(at, Type::Integer, format!("no state of a task has the number {state}{reason}"))
    })
}

/// The fields of a target's request, each with its value as JSON.
pub(super) fn options(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<(&'static str, String)>> {
    let json: String = row.get(at)?;
    Target::read_options(&json)
        .map_err(|what| unreadable(at, Type::Text, format!("the options `{json}` of a target: {what}")))
}

/// The forms of an answer that are fetched: of those that the run asks for, the ones that the function's answers come in.
pub(super) fn forms(row: &Row<'_>, at: usize, function: Function) -> rusqlite::Result<Vec<ResultKind>> {
    let words: String = row.get(at)?;
    let asked = words.split(',').map(|word| word.parse().map_err(|_| of_a_newer_one(at, word)));
    let asked = asked.collect::<Result<_, _>>()?;
    Ok(match function {
        Function::LlmScraper => asked,
        Function::LlmResponses => vec![ResultKind::Advanced],
    })
}

/// The provider's id of an attempt, where it has one.
pub(super) fn maybe_provider_id(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    let value = row.get_ref(at)?;
    if value == ValueRef::Null {
        return Ok(None);
    }
    let unreadable = || unreadable(at, value.data_type(), "it is no id of the provider's".to_owned());
    provider_text(value).map(Some).ok_or_else(unreadable)
}

/// The provider's id of an attempt that must have one.
pub(super) fn provider_id(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    maybe_provider_id(row, at)?
        .ok_or_else(|| unreadable(at, Type::Null, "the provider's id of a task that was bought is missing".to_owned()))
}

fn of_a_newer_one(at: usize, word: &str) -> rusqlite::Error {
    unreadable(at, Type::Text, format!("`{word}` is a word of a newer bursar"))
}

/// A value that this program cannot have written.
fn unreadable(at: usize, kind: Type, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, kind, what.into())
}

/// What `listed_done` holds of a cost that the provider named there.
pub(super) const fn listed_done(named_in: NamedIn) -> Option<bool> {
    match named_in {
        NamedIn::Answer => None,
        NamedIn::List => Some(false),
        NamedIn::ListWhenDone => Some(true),
    }
}

/// Where the provider named a cost, by what `listed_done` holds.
pub(super) const fn named_in(listed_done: Option<bool>) -> NamedIn {
    match listed_done {
        None => NamedIn::Answer,
        Some(false) => NamedIn::List,
        Some(true) => NamedIn::ListWhenDone,
    }
}

/// The columns that make a task's identity, from `IDENTITY_FROM`.
pub(super) const IDENTITY: &str = "job.name, run.period, target.engine, target.function, prompt.text,
     market.location_code, market.language_code, target.options, task.repeat";
/// How many they are.
pub(super) const IDENTITY_COLUMNS: usize = 9;
/// The rows that they come from, joined to `task`.
pub(super) const IDENTITY_FROM: &str = "JOIN run ON run.id = task.run JOIN job ON job.id = run.job
     JOIN target ON target.id = task.target JOIN prompt ON prompt.id = task.prompt
     JOIN market ON market.id = task.market";

/// A task's identity with its texts.
pub(super) struct OwnedIdentity {
    job: String,
    period: String,
    question: QuestionKey,
    repeat: u32,
}

impl OwnedIdentity {
    pub(super) fn as_identity(&self) -> Identity<'_> {
        Identity { job: &self.job, period: &self.period, question: self.question, repeat: self.repeat }
    }
}

/// Reads the first columns, which are [`IDENTITY`].
pub(super) fn identity(row: &Row<'_>) -> rusqlite::Result<OwnedIdentity> {
    let (prompt, options): (String, String) = (row.get(4)?, row.get(7)?);
    of_texts(row, &prompt, &options)
}

/// The same task as ledgers before version 4 may have known it: with the line ends that its files had then. Empty where
/// its texts have one line each.
pub(super) fn former_identities(row: &Row<'_>) -> rusqlite::Result<Vec<OwnedIdentity>> {
    let (prompt, options): (String, String) = (row.get(4)?, row.get(7)?);
    let ends = [LineEnds::Lf, LineEnds::CrLf, LineEnds::Cr];
    // Prompts and options may stand in two files.
    let (prompts, all_options) = (ends.map(|ends| ends.of(&prompt)), ends.map(|ends| ends.of_json(&options)));
    let mut texts: Vec<(&str, &str)> =
        prompts.iter().flat_map(|prompt| all_options.iter().map(|options| (&**prompt, &**options))).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.retain(|texts| *texts != (&prompt, &options));
    texts.into_iter().map(|(prompt, options)| of_texts(row, prompt, options)).collect()
}

fn of_texts(row: &Row<'_>, prompt: &str, options: &str) -> rusqlite::Result<OwnedIdentity> {
    let language_code: String = row.get(6)?;
    let question = Question {
        engine: named(row, 2)?,
        function: named(row, 3)?,
        prompt,
        location_code: row.get(5)?,
        language_code: &language_code,
        options,
    };
    Ok(OwnedIdentity { job: row.get(0)?, period: row.get(1)?, question: question.key(), repeat: row.get(8)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a column's reader says to the cells of `SELECT cells`.
    fn says<T: std::fmt::Debug>(cells: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> String {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.query_row(&format!("SELECT {cells}"), [], |row| read(row))
            .map_err(crate::ledger::LedgerError::from)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn no_cell_that_cannot_be_read_gets_a_default() {
        let said = [
            says("'Mars/Olympus'", |row| zone(row, 0)),
            says("4, NULL", |row| task_state(row, 0)),
            says("4, 99", |row| task_state(row, 0)),
            says("'[1]'", |row| options(row, 0)),
            says(r#"'{"from_tomorrow":true}'"#, |row| options(row, 0)),
            says("'advanced,markdown'", |row| forms(row, 0, Function::LlmScraper)),
            says("'markdown'", |row| maybe_named::<ResultKind>(row, 0)),
            says("x'0102'", |row| maybe_provider_id(row, 0)),
            says("NULL", |row| provider_id(row, 0)),
        ]
        .join("\n");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn what_a_ledger_holds_is_read_as_written() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let cells =
            r#"SELECT 'Europe/Berlin', 4, 2, '{"force_web_search":true,"model_name":"m"}', 'advanced,html', NULL"#;
        db.query_row(cells, [], |row| {
            assert_eq!(zone(row, 0)?, "Europe/Berlin".parse().unwrap());
            assert_eq!(task_state(row, 1)?.numbers(), (4, Some(2)));
            assert_eq!(options(row, 3)?, [("force_web_search", "true".to_owned())]);
            assert_eq!(forms(row, 4, Function::LlmScraper)?, [ResultKind::Advanced, ResultKind::Html]);
            assert_eq!(maybe_provider_id(row, 5)?, None);
            Ok(())
        })
        .unwrap();
    }
}
