//! Converts the texts of a ledger from before version 4 to LF.
//!
//! Before version 4 the line ends of a text were part of the question, and a file saved with other line ends was
//! bought again. A purchase keeps the tag under which the provider knows it. If a run holds two forms of one
//! question, the one that was bought is the task from now on; if both were bought, both stay.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::LedgerError;
use super::columns::{IDENTITY, IDENTITY_FROM, identity, only};
use crate::tag::{LedgerId, Tag};
use crate::task::{Reason, TaskState, hash128};
use crate::text::{LineEnds, one_line_end};

/// Rows of `prompt` and `target` whose texts hold a CR; in the JSON of options it is an escape.
const WITH_CR: [(&str, &str); 2] = [
    ("prompt", "SELECT id FROM prompt WHERE instr(text, char(13)) > 0"),
    ("target", "SELECT id FROM target WHERE instr(options, '\\r') > 0"),
];

/// Brings all texts to LF. Part of the upgrade's commit.
pub(super) fn to_lf(db: &Connection, ledger: &LedgerId) -> Result<(), LedgerError> {
    keep_tags(db, ledger)?;
    db.execute_batch("CREATE TEMP TABLE same_text (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")?;
    prompts(db)?;
    merge(db, "prompt")?;
    targets(db)?;
    merge(db, "target")?;
    db.execute_batch("DROP TABLE temp.same_text")?;
    Ok(())
}

/// Stores the tags that the rows do not compute to any more, and has the runs planned anew.
fn keep_tags(db: &Connection, ledger: &LedgerId) -> Result<(), LedgerError> {
    let [(_, prompts), (_, targets)] = WITH_CR;
    let working_set = format!("task.prompt IN ({prompts}) OR task.target IN ({targets})");
    db.execute(&format!("UPDATE run SET plan_hash = NULL WHERE id IN (SELECT run FROM task WHERE {working_set})"), [])?;
    let sql = format!(
        "SELECT {IDENTITY}, attempt.id AS attempt, attempt.number FROM attempt
                JOIN task ON task.id = attempt.task {IDENTITY_FROM}
         WHERE attempt.tag IS NULL AND ({working_set})"
    );
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut keep = db.prepare("UPDATE attempt SET tag = :tag WHERE id = :attempt")?;
    let mut tags = Vec::new();
    while let Some(row) = rows.next()? {
        let (attempt, number): (i64, u32) = (row.get("attempt")?, row.get("number")?);
        tags.push((attempt, Tag::of(ledger, attempt, &identity(row)?.as_identity(), number).to_string()));
    }
    for (attempt, tag) in tags {
        keep.execute(named_params! { ":attempt": attempt, ":tag": tag })?;
    }
    Ok(())
}

fn with_cr(db: &Connection, sql: &str) -> Result<Vec<i64>, LedgerError> {
    let mut statement = db.prepare(sql)?;
    let ids = statement.query_map([], only)?.collect::<Result<Vec<_>, _>>()?;
    Ok(ids)
}

fn prompts(db: &Connection) -> Result<(), LedgerError> {
    for id in with_cr(db, WITH_CR[0].1)? {
        let text: String = db
            .prepare_cached("SELECT text FROM prompt WHERE id = :prompt")?
            .query_row(named_params! { ":prompt": id }, only)?;
        let text = one_line_end(&text);
        let hash = hash128(text.as_bytes());
        let there: Option<i64> = db
            .prepare_cached("SELECT id FROM prompt WHERE hash = :hash")?
            .query_row(named_params! { ":hash": hash }, only)
            .optional()?;
        match there {
            Some(there) => same(db, id, there)?,
            None => {
                db.prepare_cached("UPDATE prompt SET hash = :hash, text = :text WHERE id = :prompt")?
                    .execute(named_params! { ":prompt": id, ":hash": hash, ":text": text })?;
            }
        }
    }
    Ok(())
}

fn targets(db: &Connection) -> Result<(), LedgerError> {
    for id in with_cr(db, WITH_CR[1].1)? {
        let options: String =
            db.query_row("SELECT options FROM target WHERE id = :target", named_params! { ":target": id }, only)?;
        let options = LineEnds::Lf.of_json(&options);
        let sql = "SELECT other.id FROM target JOIN target AS other USING (engine, function, model)
                   WHERE target.id = :target AND other.id <> :target AND other.options = :options";
        let there: Option<i64> =
            db.query_row(sql, named_params! { ":target": id, ":options": &options }, only).optional()?;
        match there {
            Some(there) => {
                // What its answers came to counts for the target that it is.
                db.execute(
                    "INSERT INTO target_cost (account, target, method, tasks, total_nano, max_nano)
                     SELECT account, :there, method, tasks, total_nano, max_nano FROM target_cost
                            WHERE target = :target
                     ON CONFLICT (account, target, method) DO UPDATE SET tasks = tasks + excluded.tasks,
                         total_nano = total_nano + excluded.total_nano, max_nano = max(max_nano, excluded.max_nano)",
                    named_params! { ":target": id, ":there": there },
                )?;
                db.execute("DELETE FROM target_cost WHERE target = :target", named_params! { ":target": id })?;
                same(db, id, there)?;
            }
            None => {
                db.execute(
                    "UPDATE target SET options = :options WHERE id = :target",
                    named_params! { ":target": id, ":options": options },
                )?;
            }
        }
    }
    Ok(())
}

fn same(db: &Connection, old: i64, new: i64) -> Result<(), LedgerError> {
    db.prepare_cached("INSERT INTO temp.same_text (old, new) VALUES (:old, :new)")?.execute(named_params! {
        ":old": old, ":new": new,
    })?;
    Ok(())
}

/// Brings the tasks of texts that are one to the row that stays. `column` of `task` names the table.
fn merge(db: &Connection, column: &str) -> Result<(), LedgerError> {
    let sql = format!("SELECT task.id, same_text.new FROM task JOIN temp.same_text ON same_text.old = task.{column}");
    let mut statement = db.prepare(&sql)?;
    let tasks = statement
        .query_map([], |row| Ok((row.get("id")?, row.get("new")?)))?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    let alike = match column {
        "prompt" => "other.prompt = :new AND other.target = task.target",
        _ => "other.prompt = task.prompt AND other.target = :new",
    };
    let duplicate = format!(
        "SELECT other.id FROM task JOIN task AS other ON other.run = task.run AND {alike}
             AND other.market = task.market AND other.repeat = task.repeat
         WHERE task.id = :task"
    );
    for (task, new) in tasks {
        let duplicate: Option<i64> =
            db.prepare_cached(&duplicate)?.query_row(named_params! { ":task": task, ":new": new }, only).optional()?;
        match duplicate {
            None => point(db, column, task, new)?,
            Some(duplicate) => choose(db, column, task, duplicate)?,
        }
    }
    db.execute(
        &format!(
            "DELETE FROM {column} WHERE id IN (SELECT old FROM temp.same_text)
                  AND id NOT IN (SELECT {column} FROM task)"
        ),
        [],
    )?;
    db.execute("DELETE FROM temp.same_text", [])?;
    Ok(())
}

fn point(db: &Connection, column: &str, task: i64, to: i64) -> Result<(), LedgerError> {
    db.prepare_cached(&format!("UPDATE task SET {column} = :to WHERE id = :task"))?.execute(named_params! {
        ":task": task, ":to": to,
    })?;
    Ok(())
}

/// Two tasks of one question, `duplicate` under the text that stays: what is further in its life is that task from now on.
fn choose(db: &Connection, column: &str, task: i64, duplicate: i64) -> Result<(), LedgerError> {
    let (_, dropped) = TaskState::Failed(Reason::DroppedByJob).numbers();
    let (_, refused) = TaskState::Failed(Reason::Refused).numbers();
    // Bought or in doubt; answered before what waits for its answer, that before what is in doubt, then paid failures.
    let sql = format!(
        "SELECT CASE state WHEN 3 THEN 5 WHEN 2 THEN 4 WHEN 1 THEN 3 WHEN 0 THEN 0
                           ELSE iif(reason IN ({}, {}), 0, 2) END, attempt IS NOT NULL, asked, position, {column}
         FROM task WHERE id = :task",
        dropped.unwrap_or_default(),
        refused.unwrap_or_default()
    );
    let standing = |task: i64| -> Result<(i64, bool, bool, i64, i64), LedgerError> {
        Ok(db.prepare_cached(&sql)?.query_row(named_params! { ":task": task }, |row| row.try_into())?)
    };
    let (own, others) = (standing(task)?, standing(duplicate)?);
    let moves = own.0 > others.0;
    let ((winner, loser), (won, lost)) =
        if moves { ((task, duplicate), (own, others)) } else { ((duplicate, task), (others, own)) };
    if lost.0 == 0 && !lost.1 {
        // Never tried: nothing points to it.
        db.prepare_cached("DELETE FROM task_also_in WHERE task = :task")?.execute(named_params! { ":task": loser })?;
        db.prepare_cached("DELETE FROM task WHERE id = :task")?.execute(named_params! { ":task": loser })?;
        if moves {
            point(db, column, winner, others.4)?;
        }
    } else {
        if moves {
            // Out of the way, while each takes the other's place.
            const ASIDE: i64 = 1 << 40;
            let aside = "UPDATE task SET repeat = repeat + :aside WHERE id = :task";
            db.prepare_cached(aside)?.execute(named_params! { ":task": loser, ":aside": ASIDE })?;
            point(db, column, winner, others.4)?;
            point(db, column, loser, own.4)?;
            db.prepare_cached(aside)?.execute(named_params! { ":task": loser, ":aside": -ASIDE })?;
        }
        db.prepare_cached(
            "UPDATE task SET asked = 0, reason = iif(state = 0, :dropped, reason), state = iif(state = 0, 4, state)
             WHERE id = :task",
        )?
        .execute(named_params! { ":task": loser, ":dropped": dropped })?;
    }
    if lost.2 && !won.2 {
        db.prepare_cached("UPDATE task SET asked = 1, position = :position WHERE id = :task")?
            .execute(named_params! { ":task": winner, ":position": lost.3 })?;
    }
    Ok(())
}
