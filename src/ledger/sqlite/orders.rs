//! Orders: the tasks of a batch as they go over the wire, each with its tag.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::{Connection, named_params};

use super::columns::{forms, named};
use super::tasks::service_from;
use super::{Asked, Order, RunName};
use super::{Ledger, LedgerError};
use crate::ids::BatchId;
use crate::product::{Engine, Function, Method, ResultKind};
use crate::tag::LedgerId;

impl Ledger {
    /// The tasks of a batch as they go over the wire, in the order of their attempts.
    pub(super) fn orders(&mut self, batch: BatchId) -> Result<Vec<Order>, LedgerError> {
        let Self { db, id, names, asked, .. } = self;
        let (run, first, attempts): (i64, i64, i64) = db
            .prepare_cached("SELECT run, first_attempt, attempts FROM batch WHERE id = :batch")?
            .query_row(named_params! { ":batch": batch }, |row| {
                Ok((row.get("run")?, row.get("first_attempt")?, row.get("attempts")?))
            })?;
        let name = match names.entry(run) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(run_name(db, id, run)?))),
        };
        let mut statement = db.prepare_cached(
            "SELECT attempt.id, attempt.number, task.market, task.target, task.repeat, task.service, prompt.text
             FROM attempt JOIN task ON task.id = attempt.task JOIN prompt ON prompt.id = task.prompt
             WHERE attempt.id BETWEEN :first AND :last ORDER BY attempt.id",
        )?;
        let mut rows = statement.query(named_params! { ":first": first, ":last": first + attempts - 1 })?;
        let mut orders = Vec::with_capacity(usize::try_from(attempts).unwrap_or(0));
        while let Some(row) = rows.next()? {
            // Read by their order: every task that is sent is such a row.
            let (attempt, number, market, target, repeat, service, prompt) = row.try_into()?;
            let asked = match asked.entry((market, target)) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(asked_of(db, market, target)?))),
            };
            let priority = service_from(service)?.1;
            orders.push(Order { attempt, number, run: Arc::clone(&name), asked, prompt, repeat, priority });
        }
        Ok(orders)
    }

    /// Where a batch is bought, and the first of the forms that its run asks for.
    pub(super) fn endpoint(&self, batch: BatchId) -> Result<(Engine, Function, Method, ResultKind), LedgerError> {
        let sql = "SELECT batch.engine, batch.function, batch.method, run.results
                   FROM batch JOIN run ON run.id = batch.run WHERE batch.id = :batch";
        Ok(self.db.prepare_cached(sql)?.query_row(named_params! { ":batch": batch }, |row| {
            let function = named(row, "function")?;
            let form = forms(row, "results", function)?.first().copied();
            Ok((named(row, "engine")?, function, named(row, "method")?, form.unwrap_or(ResultKind::Advanced)))
        })?)
    }
}

fn run_name(db: &Connection, ledger: &LedgerId, run: i64) -> Result<RunName, LedgerError> {
    let sql = "SELECT job.name, run.period FROM run JOIN job ON job.id = run.job WHERE run.id = :run";
    Ok(db.prepare_cached(sql)?.query_row(named_params! { ":run": run }, |row| {
        Ok(RunName { ledger: ledger.clone(), job: row.get("name")?, period: row.get("period")? })
    })?)
}

fn asked_of(db: &Connection, market: i64, target: i64) -> Result<Asked, LedgerError> {
    let sql = "SELECT target.engine, target.function, market.location_code, market.language_code, target.options
               FROM market, target WHERE market.id = :market AND target.id = :target";
    Ok(db.prepare_cached(sql)?.query_row(named_params! { ":market": market, ":target": target }, |row| {
        Ok(Asked {
            engine: named(row, "engine")?,
            function: named(row, "function")?,
            location_code: row.get("location_code")?,
            language_code: row.get("language_code")?,
            options: row.get("options")?,
        })
    })?)
}
