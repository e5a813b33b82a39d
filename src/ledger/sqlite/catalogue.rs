//! The provider's own lists of places, languages and models, stored with the moment they were read.
//!
//! A list is replaced as a whole. Nothing here moves money or tasks, so it may be written while another process buys.

use chrono::DateTime;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, named_params};

use super::columns::only;
use super::{Ledger, LedgerError};
use crate::catalogue::{Kept, List, Model, Served, find_model};
use crate::market::{Language, Location};
use crate::product::Engine;

impl Ledger {
    /// Keeps the places that an engine serves, in place of those kept before.
    pub(super) fn keep_locations(&mut self, engine: Engine, rows: &[Location], now: i64) -> Result<(), LedgerError> {
        self.keep(List::Locations, engine, now, |write, list| {
            let mut insert = write.prepare_cached(
                "INSERT INTO served_location (catalogue, code, name, iso, kind, parent)
                 VALUES (:catalogue, :code, :name, :iso, :kind, :parent)
                 ON CONFLICT DO NOTHING",
            )?;
            for row in rows {
                insert.execute(named_params! {
                    ":catalogue": list, ":code": row.code, ":name": &row.name, ":iso": &row.iso, ":kind": &row.kind,
                    ":parent": row.parent,
                })?;
            }
            Ok(())
        })
    }

    /// Keeps the languages that an engine can be asked in, in place of those kept before.
    pub(super) fn keep_languages(&mut self, engine: Engine, rows: &[Language], now: i64) -> Result<(), LedgerError> {
        self.keep(List::Languages, engine, now, |write, list| {
            let mut insert = write.prepare_cached(
                "INSERT INTO served_language (catalogue, code, name) VALUES (:catalogue, :code, :name)
                 ON CONFLICT DO NOTHING",
            )?;
            for row in rows {
                insert.execute(named_params! { ":catalogue": list, ":code": &row.code, ":name": &row.name })?;
            }
            Ok(())
        })
    }

    /// Keeps the models of an engine, in place of those kept before.
    pub(super) fn keep_models(&mut self, engine: Engine, rows: &[Model], now: i64) -> Result<(), LedgerError> {
        self.keep(List::Models, engine, now, |write, list| {
            let mut insert = write.prepare_cached(
                "INSERT INTO served_model (catalogue, name, reasoning, web_search_supported, task_post_supported)
                 VALUES (:catalogue, :name, :reasoning, :web_search_supported, :task_post_supported)
                     ON CONFLICT DO NOTHING",
            )?;
            for row in rows {
                insert.execute(named_params! {
                    ":catalogue": list, ":name": &row.name, ":reasoning": row.reasoning,
                    ":web_search_supported": row.web_search_supported,
                    ":task_post_supported": row.task_post_supported,
                })?;
            }
            Ok(())
        })
    }

    fn keep(
        &mut self,
        list: List,
        engine: Engine,
        now: i64,
        rows: impl FnOnce(&Transaction<'_>, i64) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id: i64 = write.query_row(
            "INSERT INTO catalogue (list, engine, read_at) VALUES (:list, :engine, :read_at)
             ON CONFLICT DO UPDATE SET read_at = excluded.read_at RETURNING id",
            named_params! { ":list": list.name(), ":engine": engine.name(), ":read_at": now },
            only,
        )?;
        let table = match list {
            List::Locations => "served_location",
            List::Languages => "served_language",
            List::Models => "served_model",
        };
        write.execute(
            &format!("DELETE FROM {table} WHERE catalogue = :catalogue"),
            named_params! { ":catalogue": id },
        )?;
        rows(&write, id)?;
        write.commit()?;
        Ok(())
    }

    /// The places that an engine serves, countries first; none where no list is kept.
    pub(super) fn locations(&self, engine: Engine) -> Result<Option<Kept<Location>>, LedgerError> {
        self.kept(
            List::Locations,
            engine,
            "SELECT code, name, iso, kind, parent FROM served_location WHERE catalogue = :catalogue
             ORDER BY kind IS NOT 'Country', code",
            |row| {
                Ok(Location {
                    code: row.get("code")?,
                    name: row.get("name")?,
                    iso: row.get("iso")?,
                    kind: row.get("kind")?,
                    parent: row.get("parent")?,
                })
            },
        )
    }

    /// The languages that an engine can be asked in; none where no list is kept.
    pub(super) fn languages(&self, engine: Engine) -> Result<Option<Kept<Language>>, LedgerError> {
        let sql = "SELECT code, name FROM served_language WHERE catalogue = :catalogue ORDER BY name";
        self.kept(List::Languages, engine, sql, |row| Ok(Language { code: row.get("code")?, name: row.get("name")? }))
    }

    /// The models of an engine; none where no list is kept.
    pub(super) fn models(&self, engine: Engine) -> Result<Option<Kept<Model>>, LedgerError> {
        self.kept(
            List::Models,
            engine,
            "SELECT name, reasoning, web_search_supported, task_post_supported FROM served_model WHERE catalogue = :catalogue
             ORDER BY name",
            |row| {
                Ok(Model {
                    name: row.get("name")?,
                    reasoning: row.get("reasoning")?,
                    web_search_supported: row.get("web_search_supported")?,
                    task_post_supported: row.get("task_post_supported")?,
                })
            },
        )
    }

    /// What is known of a model by its name, or by the base name of its newest dated version; none where no list is
    /// kept, or where it has no such model.
    pub(super) fn model(&self, engine: Engine, name: &str) -> Result<Option<Model>, LedgerError> {
        Ok(self.models(engine)?.and_then(|kept| find_model(&kept.rows, name).cloned()))
    }

    /// All that is kept.
    pub(super) fn served(&self) -> Result<Served, LedgerError> {
        let mut served = Served::default();
        for engine in Engine::ALL {
            served.locations.extend(self.locations(*engine)?.map(|kept| (*engine, kept)));
            served.languages.extend(self.languages(*engine)?.map(|kept| (*engine, kept)));
            served.models.extend(self.models(*engine)?.map(|kept| (*engine, kept)));
        }
        Ok(served)
    }

    fn kept<T>(
        &self,
        list: List,
        engine: Engine,
        sql: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<Kept<T>>, LedgerError> {
        let found: Option<(i64, i64)> = self
            .db
            .query_row(
                "SELECT id, read_at FROM catalogue WHERE list = :list AND engine = :engine",
                named_params! { ":list": list.name(), ":engine": engine.name() },
                |row| Ok((row.get("id")?, row.get("read_at")?)),
            )
            .optional()?;
        let Some((id, read_at)) = found else { return Ok(None) };
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(named_params! { ":catalogue": id }, read)?.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Kept { read_at: DateTime::from_timestamp(read_at, 0).unwrap_or_default(), rows }))
    }
}
