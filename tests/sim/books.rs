//! The ledger as the checkers see it: read by plain SQL, with no code of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use rusqlite::types::Value;

#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: i64,
    pub task: i64,
    pub batch: i64,
    pub run: i64,
    pub start: i64,
    pub state: i64,
    pub held: i64,
    /// What it is bought from: what has one price.
    pub price_class: PriceClass,
    pub sent_v: i64,
    pub hold_to_v: i64,
    pub posted: Option<i64>,
    pub settled: Option<i64>,
    /// A restored ledger took it over: it was reserved by another.
    pub recovered: bool,
    /// Its batch was.
    pub was_in_doubt: bool,
    /// Its cost was booked for want of the provider's word, which the list may still give.
    pub is_provisional: bool,
}

/// Engine, function, method, and whether it is bought at high priority.
pub type PriceClass = (String, String, String, bool);

/// How money moved: as the ledger's entries say, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Reserved,
    Charged,
    Overrun,
    Back,
}

/// One entry of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub id: i64,
    pub batch: i64,
    pub moved: Moved,
    pub nanos: i64,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub job: String,
    pub state: String,
    pub period: String,
}

/// One standing total: scope, owner, beginning; ceiling, charged and held.
pub type Caps = BTreeMap<(String, i64, i64), (Option<i64>, i64)>;

#[derive(Clone, Debug, Default)]
pub struct Books {
    /// By the provider's id.
    pub bought: BTreeMap<String, Attempt>,
    /// By row.
    pub attempts: BTreeMap<i64, Attempt>,
    /// The provider's ids of unmatched charges, with what was taken.
    pub extra: BTreeMap<String, i64>,
    pub runs: BTreeMap<i64, Run>,
    /// Tasks that are asked, by run.
    pub asked: BTreeMap<i64, u64>,
    /// Tasks by run, state and reason.
    pub tasks: BTreeMap<(i64, i64, Option<i64>), u64>,
    pub caps: Caps,
    /// In the order of their making.
    pub entries: Vec<Entry>,
    /// It waits until the provider's list was read whole.
    pub restored: bool,
    /// Costs that were booked for want of the provider's word.
    pub provisional: u64,
    /// Attempts with a whole answer.
    pub answered: BTreeSet<i64>,
}

/// A provider's id as the provider writes it.
fn provider_id(value: Value) -> Option<String> {
    match value {
        Value::Blob(bytes) => {
            let hex = data_encoding::HEXLOWER.encode(&bytes);
            Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
        }
        Value::Text(text) => Some(text),
        Value::Null | Value::Integer(_) | Value::Real(_) => None,
    }
}

impl Books {
    pub fn read(db: &Connection) -> rusqlite::Result<Self> {
        let mut books = Self::default();
        let mut statement = db.prepare_cached(
            "SELECT attempt.id, attempt.task, batch.run, batch.session, attempt.state, batch.sent_v, batch.hold_to_v,
                    attempt.posted_nano, attempt.settled_nano, attempt.provider_id, attempt.batch, attempt.held_nano,
                    batch.engine, batch.function, batch.method, task.service = 1,
                    coalesce(batch.unknown_because = 'found in the provider''s list after a restoration', 0), batch.unknown_because IS NOT NULL,
                    EXISTS (SELECT 1 FROM provisional_cost WHERE provisional_cost.attempt = attempt.id)
             FROM attempt JOIN batch ON batch.id = attempt.batch JOIN task ON task.id = attempt.task",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let attempt = Attempt {
                id: row.get(0)?,
                task: row.get(1)?,
                run: row.get(2)?,
                start: row.get(3)?,
                state: row.get(4)?,
                sent_v: row.get(5)?,
                hold_to_v: row.get(6)?,
                posted: row.get(7)?,
                settled: row.get(8)?,
                batch: row.get(10)?,
                held: row.get(11)?,
                price_class: (row.get(12)?, row.get(13)?, row.get(14)?, row.get(15)?),
                recovered: row.get(16)?,
                was_in_doubt: row.get(17)?,
                is_provisional: row.get(18)?,
            };
            if let Some(id) = provider_id(row.get(9)?) {
                books.bought.insert(id, attempt.clone());
            }
            books.attempts.insert(attempt.id, attempt);
        }
        let each = |sql: &str, take: &mut dyn FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>| {
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                take(row)?;
            }
            Ok::<_, rusqlite::Error>(())
        };
        each("SELECT provider_id, nano_usd FROM unmatched", &mut |row| {
            books.extra.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        each("SELECT run.id, job.name, run.state, run.period FROM run JOIN job ON job.id = run.job", &mut |row| {
            books.runs.insert(row.get(0)?, Run { job: row.get(1)?, state: row.get(2)?, period: row.get(3)? });
            Ok(())
        })?;
        each("SELECT run, count(*) FROM task WHERE asked = 1 GROUP BY run", &mut |row| {
            books.asked.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        each("SELECT run, state, reason, count(*) FROM task GROUP BY run, state, reason", &mut |row| {
            books.tasks.insert((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?);
            Ok(())
        })?;
        each("SELECT scope, owner, from_v, limit_nano, charged_nano + held_nano FROM cap", &mut |row| {
            books.caps.insert((row.get(0)?, row.get(1)?, row.get(2)?), (row.get(3)?, row.get(4)?));
            Ok(())
        })?;
        each("SELECT id, batch, kind, nano_usd FROM entry ORDER BY id", &mut |row| {
            let moved = match &row.get::<_, String>(2)?[..] {
                "reserve" => Moved::Reserved,
                "charge" => Moved::Charged,
                "overrun" => Moved::Overrun,
                _ => Moved::Back,
            };
            books.entries.push(Entry { id: row.get(0)?, batch: row.get(1)?, moved, nanos: row.get(3)? });
            Ok(())
        })?;
        each("SELECT restored_from_v IS NOT NULL FROM account", &mut |row| {
            books.restored |= row.get::<_, bool>(0)?;
            Ok(())
        })?;
        each("SELECT count(*) FROM provisional_cost", &mut |row| {
            books.provisional = row.get(0)?;
            Ok(())
        })?;
        each("SELECT attempt FROM answer WHERE kind = 'advanced'", &mut |row| {
            books.answered.insert(row.get(0)?);
            Ok(())
        })?;
        Ok(books)
    }

    pub fn tasks_in(&self, run: i64, state: i64) -> u64 {
        self.tasks.iter().filter(|((of, is, _), _)| (*of, *is) == (run, state)).map(|(_, tasks)| tasks).sum()
    }
}
