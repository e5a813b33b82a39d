//! Columns that hold more than a number or a text: words of an enum, and a task's identity.

use rusqlite::Row;

use crate::price::NamedIn;
use crate::task::{Identity, Question, QuestionKey};
use crate::text::LineEnds;

/// A word that stands for one of an enum's variants.
pub(super) fn named<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let word: String = row.get(at)?;
    word.parse().map_err(|_| {
        let what = format!("`{word}` is a word of a newer bursar");
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, what.into())
    })
}

/// What `listed_done` holds of a cost that the vendor named there.
pub(super) const fn listed_done(named_in: NamedIn) -> Option<bool> {
    match named_in {
        NamedIn::Answer => None,
        NamedIn::List => Some(false),
        NamedIn::ListWhenDone => Some(true),
    }
}

/// Where the vendor named a cost, by what `listed_done` holds.
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
