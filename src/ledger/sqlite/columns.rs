//! Columns that hold more than a number or a text: words of an enum, and a task's identity.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef};
use rusqlite::{Row, ToSql};

use super::provider_id::provider_text;
use crate::attempt::AttemptState;
use crate::ids::{AccountId, AttemptId, BatchId, JobId, MarketId, RunId, SetId, TargetId, TaskId};
use crate::job::Target;
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Function, ResultKind};
use crate::task::{Identity, Question, QuestionKey, TaskState};
use crate::text::LineEnds;
use crate::zone::Zone;

/// A number of the ledger's, or an amount, as the type that it stands for.
macro_rules! whole_numbers {
    ($($type:ty: $new:path, $number:expr;)*) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let number: fn(&$type) -> i64 = $number;
                Ok(number(self).into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map($new)
            }
        }
    )*};
}

whole_numbers! {
    AccountId: AccountId, |id| id.0;
    AttemptId: AttemptId, |id| id.0;
    BatchId: BatchId, |id| id.0;
    JobId: JobId, |id| id.0;
    MarketId: MarketId, |id| id.0;
    RunId: RunId, |id| id.0;
    SetId: SetId, |id| id.0;
    TargetId: TargetId, |id| id.0;
    TaskId: TaskId, |id| id.0;
    Money: Money::from_nanos, |money| money.nanos();
}

impl ToSql for AttemptState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for AttemptState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let unknown = || FromSqlError::Other(format!("{number} is no state of an attempt").into());
        Self::from_number(number).ok_or_else(unknown)
    }
}

/// The value of a query that asks for one.
pub(super) fn only<T: FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}

/// A word that stands for one of an enum's variants.
pub(super) fn named<T: std::str::FromStr>(row: &Row<'_>, at: &str) -> rusqlite::Result<T> {
    let word: String = row.get(at)?;
    word.parse().map_err(|_| of_a_newer_one(&word))
}

/// The same, or nothing.
pub(super) fn maybe_named<T: std::str::FromStr>(row: &Row<'_>, at: &str) -> rusqlite::Result<Option<T>> {
    if row.get_ref(at)? == ValueRef::Null { Ok(None) } else { named(row, at).map(Some) }
}

/// A time zone by its name.
pub(super) fn zone(row: &Row<'_>, at: &str) -> rusqlite::Result<Zone> {
    let name: String = row.get(at)?;
    name.parse().map_err(|_| {
        let what = format!("no time zone `{name}` is known here: days and months that have money in them begin by it");
        unreadable(Type::Text, what)
    })
}

/// A task's state, from its number and the number of its reason.
pub(super) fn task_state(state: i64, reason: Option<i64>) -> rusqlite::Result<TaskState> {
    TaskState::from_numbers(state, reason).ok_or_else(|| {
        let reason = reason.map(|reason| format!(" with reason {reason}")).unwrap_or_default();
        unreadable(Type::Integer, format!("no state of a task has the number {state}{reason}"))
    })
}

/// The fields of a target's request, each with its value as JSON.
pub(super) fn options(row: &Row<'_>, at: &str) -> rusqlite::Result<Vec<(&'static str, String)>> {
    let json: String = row.get(at)?;
    Target::read_options(&json)
        .map_err(|what| unreadable(Type::Text, format!("the options `{json}` of a target: {what}")))
}

/// The forms of an answer that are fetched: of those that the run asks for, the ones that the function's answers come in.
pub(super) fn forms(row: &Row<'_>, at: &str, function: Function) -> rusqlite::Result<Vec<ResultKind>> {
    let words: String = row.get(at)?;
    let asked = words.split(',').map(|word| word.parse().map_err(|_| of_a_newer_one(word)));
    let asked = asked.collect::<Result<_, _>>()?;
    Ok(match function {
        Function::LlmScraper => asked,
        Function::LlmResponses => vec![ResultKind::Advanced],
    })
}

/// The provider's id of an attempt, where it has one.
pub(super) fn maybe_provider_id(row: &Row<'_>, at: &str) -> rusqlite::Result<Option<String>> {
    let value = row.get_ref(at)?;
    if value == ValueRef::Null {
        return Ok(None);
    }
    let unreadable = || unreadable(value.data_type(), "it is not an id of the provider".to_owned());
    provider_text(value).map(Some).ok_or_else(unreadable)
}

/// The provider's id of an attempt that must have one.
pub(super) fn provider_id(row: &Row<'_>, at: &str) -> rusqlite::Result<String> {
    maybe_provider_id(row, at)?
        .ok_or_else(|| unreadable(Type::Null, "the provider's id of a task that was bought is missing".to_owned()))
}

fn of_a_newer_one(word: &str) -> rusqlite::Error {
    unreadable(Type::Text, format!("`{word}` comes from a newer bursar"))
}

/// A value that this program cannot have written. `what` says which it is: no index of a column is needed.
fn unreadable(kind: Type, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, kind, what.into())
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
pub(super) const IDENTITY: &str = "job.name AS job, run.period, target.engine, target.function, prompt.text AS prompt,
     market.location_code, market.language_code, target.options, task.repeat";
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

/// Reads the columns of [`IDENTITY`].
pub(super) fn identity(row: &Row<'_>) -> rusqlite::Result<OwnedIdentity> {
    let (prompt, options): (String, String) = (row.get("prompt")?, row.get("options")?);
    of_texts(row, &prompt, &options)
}

/// The same task as ledgers before version 4 may have known it: with the line ends that its files had then. Empty where
/// its texts have one line each.
pub(super) fn former_identities(row: &Row<'_>) -> rusqlite::Result<Vec<OwnedIdentity>> {
    let (prompt, options): (String, String) = (row.get("prompt")?, row.get("options")?);
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
    let language_code: String = row.get("language_code")?;
    let question = Question {
        engine: named(row, "engine")?,
        function: named(row, "function")?,
        prompt,
        location_code: row.get("location_code")?,
        language_code: &language_code,
        options,
    };
    let (job, period, repeat) = (row.get("job")?, row.get("period")?, row.get("repeat")?);
    Ok(OwnedIdentity { job, period, question: question.key(), repeat })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a column's reader says to the cells of `SELECT cells`.
    fn says<T: std::fmt::Debug>(cells: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> String {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.query_row(&format!("SELECT {cells} AS cell"), [], |row| read(row))
            .map_err(crate::ledger::LedgerError::from)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn no_cell_that_cannot_be_read_gets_a_default() {
        let said = [
            says("'Mars/Olympus'", |row| zone(row, "cell")),
            says("4", |row| task_state(row.get("cell")?, None)),
            says("4", |row| task_state(row.get("cell")?, Some(99))),
            says("'[1]'", |row| options(row, "cell")),
            says(r#"'{"from_tomorrow":true}'"#, |row| options(row, "cell")),
            says("'advanced,markdown'", |row| forms(row, "cell", Function::LlmScraper)),
            says("'markdown'", |row| maybe_named::<ResultKind>(row, "cell")),
            says("x'0102'", |row| maybe_provider_id(row, "cell")),
            says("NULL", |row| provider_id(row, "cell")),
        ]
        .join("\n");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn what_a_ledger_holds_is_read_as_written() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let cells = r#"SELECT 'Europe/Berlin' AS zone, 4 AS state, 2 AS reason, 'advanced,html' AS forms, NULL AS id,
                      '{"force_web_search":true,"model_name":"m"}' AS options"#;
        db.query_row(cells, [], |row| {
            assert_eq!(zone(row, "zone")?, "Europe/Berlin".parse().unwrap());
            assert_eq!(task_state(row.get("state")?, row.get("reason")?)?.numbers(), (4, Some(2)));
            assert_eq!(options(row, "options")?, [("force_web_search", "true".to_owned())]);
            assert_eq!(forms(row, "forms", Function::LlmScraper)?, [ResultKind::Advanced, ResultKind::Html]);
            assert_eq!(maybe_provider_id(row, "id")?, None);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn attempt_states_are_named_as_the_schema_names_them() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../../schema.sql")).unwrap();
        let mut statement = db.prepare("SELECT state, name FROM attempt_state ORDER BY state").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get("state")?, row.get("name")?))).unwrap();
        let rows: Vec<(AttemptState, String)> = rows.map(Result::unwrap).collect();
        let spelt = |(state, name): &(AttemptState, String)| (*state, name.replace('_', ""));
        let words = AttemptState::ALL.map(|state| (state, format!("{state:?}").to_lowercase()));
        assert_eq!(rows.iter().map(spelt).collect::<Vec<_>>(), words);
    }
}
