//! From an id and a tag in one of the provider's lists to an attempt of ours.

use rusqlite::{OptionalExtension, named_params};

use super::Recognised;
use super::columns::{IDENTITY, IDENTITY_FROM, identity, maybe_provider_id, only};
use super::provider_id::provider_key;
use super::{Ledger, LedgerError};
use crate::attempt::AttemptState;
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::money::Money;
use crate::rule::Rule;
use crate::tag::Tag;
use crate::task::TaskState;

/// What is known of the attempt that a row's tag names.
struct Facts {
    batch: BatchId,
    state: AttemptState,
    held: Money,
    booked: Option<Money>,
    /// The provider has not named that cost.
    assumed: bool,
    /// Its task is planned, and it is that task's latest attempt.
    replanned: bool,
    id: Option<String>,
}

impl Ledger {
    /// Recognises a row by its tag, or by its id where it has none of ours. The first that has none makes an index of
    /// the ids, which takes a second for a million attempts.
    pub(super) fn recognise(
        &mut self,
        account: AccountId,
        provider_id: &str,
        tag: Option<&str>,
    ) -> Result<Recognised, LedgerError> {
        let tag = tag.and_then(|tag| tag.parse::<Tag>().ok()).filter(|tag| tag.ledger == self.id);
        let borne = match &tag {
            Some(tag) => self.bears(AttemptId(tag.attempt), tag)?,
            None => false,
        };
        match tag {
            Some(tag) if borne => {
                let known = self.by_tag(AttemptId(tag.attempt), provider_id)?;
                let is_beside = matches!(known, Recognised::Late { .. } | Recognised::Duplicate { .. });
                Ok(if is_beside && self.is_settled_extra(account, provider_id)? {
                    Recognised::UnmatchedCharge
                } else {
                    known
                })
            }
            other => Ok(match (self.by_id(provider_id, other.as_ref())?, other) {
                (Some(known), _) => known,
                (None, Some(_)) if self.is_settled_extra(account, provider_id)? => Recognised::UnmatchedCharge,
                (None, Some(tag)) => match self.recovered_under(&tag)? {
                    Some(attempt) if Rule::DuplicatesOfRecoveredAreUnmatched.is_kept() => {
                        Recognised::Duplicate { attempt }
                    }
                    Some(_) | None => Recognised::Lost,
                },
                (None, None) => Recognised::Foreign,
            }),
        }
    }

    /// It is booked as an unmatched charge; while the ledger is being restored, it may still find its task.
    fn is_settled_extra(&self, account: AccountId, provider_id: &str) -> Result<bool, LedgerError> {
        let sql = "SELECT restored_from_v IS NULL
                          AND EXISTS (SELECT 1 FROM unmatched WHERE account = :account
                              AND provider_id = :provider_id)
                   FROM account WHERE id = :account";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(named_params! { ":account": account, ":provider_id": provider_id }, only)?)
    }

    /// By its id: an attempt that a restored ledger took over bears the tag of its row in another history.
    fn by_id(&mut self, provider_id: &str, tag: Option<&Tag>) -> Result<Option<Recognised>, LedgerError> {
        if !self.ids_are_indexed {
            let sql =
                "CREATE INDEX IF NOT EXISTS attempt_by_provider_id ON attempt (provider_id) WHERE provider_id IS NOT NULL;
                       CREATE INDEX IF NOT EXISTS attempt_by_tag ON attempt (tag) WHERE tag IS NOT NULL";
            self.db.execute_batch(sql)?;
            self.ids_are_indexed = true;
        }
        let found: Option<(AttemptId, BatchId, AttemptState, Option<Money>, bool)> = self
            .db
            .prepare_cached(
                "SELECT id, batch, state, coalesce(settled_nano, posted_nano) AS booked, posted_nano IS NULL AS assumed
                        FROM attempt
                 WHERE provider_id = :provider_id",
            )?
            .query_row(named_params! { ":provider_id": provider_key(provider_id) }, |row| {
                Ok((row.get("id")?, row.get("batch")?, row.get("state")?, row.get("booked")?, row.get("assumed")?))
            })
            .optional()?;
        let Some((attempt, batch, state, booked, assumed)) = found else { return Ok(None) };
        let tagged = match tag {
            Some(tag) => self.bears(attempt, tag)?,
            None => false,
        };
        let uncollected = state == AttemptState::Submitted;
        Ok(Some(Recognised::Known { attempt, batch, uncollected, tagged, booked, assumed }))
    }

    /// The attempt that a restored ledger took over with this very tag: what else bears it was sold twice.
    fn recovered_under(&self, tag: &Tag) -> Result<Option<AttemptId>, LedgerError> {
        let sql = "SELECT id FROM attempt WHERE tag = :tag ORDER BY id DESC LIMIT 1";
        Ok(self.db.prepare_cached(sql)?.query_row(named_params! { ":tag": tag.to_string() }, only).optional()?)
    }

    /// The row bears this attempt's tag.
    fn by_tag(&self, attempt: AttemptId, provider_id: &str) -> Result<Recognised, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.batch, attempt.state, attempt.held_nano AS held,
                    coalesce(attempt.settled_nano, attempt.posted_nano) AS booked,
                    attempt.posted_nano IS NULL AS assumed, task.state AS task_state, task.attempt AS latest, attempt.provider_id
             FROM attempt JOIN task ON task.id = attempt.task WHERE attempt.id = :attempt",
        )?;
        let Facts { batch, state, held, booked, assumed, replanned, id } =
            statement.query_row(named_params! { ":attempt": attempt }, |row| {
                let is_planned = row.get::<_, i64>("task_state")? == TaskState::Planned.numbers().0;
                let is_latest = row.get::<_, Option<AttemptId>>("latest")? == Some(attempt);
                Ok(Facts {
                    batch: row.get("batch")?,
                    state: row.get("state")?,
                    held: row.get("held")?,
                    booked: row.get("booked")?,
                    assumed: row.get("assumed")?,
                    replanned: is_planned && is_latest,
                    id: maybe_provider_id(row, "provider_id")?,
                })
            })?;
        if id.as_deref() == Some(provider_id) {
            let uncollected = state == AttemptState::Submitted;
            return Ok(Recognised::Known { attempt, batch, uncollected, tagged: true, booked, assumed });
        }
        Ok(match state {
            AttemptState::Sending => Recognised::InDoubt { attempt, batch, held },
            // Refused, and listed all the same: its cost decides, as for one given up.
            AttemptState::NotBought | AttemptState::Refused => {
                Recognised::Late { attempt, replanned: state == AttemptState::NotBought && replanned }
            }
            AttemptState::ResolvedAsBought => Recognised::Awaited { attempt, batch, held },
            // A failure without an id: paid for already.
            AttemptState::PaidFailure if id.is_none() => {
                Recognised::Known { attempt, batch, uncollected: false, tagged: true, booked, assumed: false }
            }
            AttemptState::Submitted | AttemptState::Answered | AttemptState::Expired | AttemptState::PaidFailure => {
                Recognised::Duplicate { attempt }
            }
        })
    }

    /// True where the attempt in the tag's row computes to the tag.
    fn bears(&self, attempt: AttemptId, tag: &Tag) -> Result<bool, LedgerError> {
        let own = self.tag_of(attempt)?;
        Ok(own.as_deref() == Some(tag.to_string().as_str()))
    }

    /// The tag that the provider knows an attempt by.
    pub(super) fn tag_of(&self, attempt: AttemptId) -> Result<Option<String>, LedgerError> {
        let sql = format!(
            "SELECT {IDENTITY}, attempt.number, attempt.tag
             FROM attempt JOIN task ON task.id = attempt.task {IDENTITY_FROM} WHERE attempt.id = :attempt"
        );
        Ok(self
            .db
            .prepare_cached(&sql)?
            .query_row(named_params! { ":attempt": attempt }, |row| {
                let stored: Option<String> = row.get("tag")?;
                let number: u32 = row.get("number")?;
                let identity = identity(row)?;
                Ok(stored.unwrap_or_else(|| Tag::of(&self.id, attempt.0, &identity.as_identity(), number).to_string()))
            })
            .optional()?)
    }
}
