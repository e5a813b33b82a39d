//! From an id and a tag in one of the provider's lists to an attempt of ours.

use rusqlite::OptionalExtension;

use super::attempt_state::AttemptState;
use super::columns::{IDENTITY, IDENTITY_COLUMNS, IDENTITY_FROM, identity, maybe_provider_id};
use super::provider_id::provider_key;
use super::{Ledger, LedgerError};
use crate::ids::{AccountId, AttemptId, BatchId};
use crate::money::Money;
use crate::rule::Rule;
use crate::tag::Tag;
use crate::task::TaskState;

/// What the ledger knows about a row of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// An attempt that is waiting for exactly this.
    InDoubt {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// What is held for it.
        held: Money,
    },
    /// An attempt that a person called bought, and whose id, cost and answer are waited for. Whatever tells of purchases by
    /// their tags (a list, `tasks_ready`, an id that was asked for, a callback) takes it for one that is in doubt and bought.
    Awaited {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// What was held for it, and is charged.
        held: Money,
    },
    /// An attempt that is known to be bought, under this very id.
    Known {
        /// Which.
        attempt: AttemptId,
        /// Its batch.
        batch: BatchId,
        /// Its answer is not all here.
        uncollected: bool,
        /// The row bears the attempt's tag.
        tagged: bool,
        /// What is booked for it.
        booked: Option<Money>,
        /// The provider has not named that cost.
        assumed: bool,
    },
    /// An attempt that was concluded not to be bought, and was. `replanned`: its task waits to be bought, so this is its
    /// purchase; otherwise it is money without a use.
    Zombie {
        /// Which.
        attempt: AttemptId,
        /// Its task is planned, and no other attempt of it is on its way.
        replanned: bool,
    },
    /// A second purchase under the tag of an attempt that has an id.
    Duplicate {
        /// The attempt that has the tag.
        attempt: AttemptId,
    },
    /// A purchase of this ledger's that it does not hold: made after the copy it was restored from.
    Lost,
    /// A purchase of this ledger's that it does not hold, and that is booked as an unmatched charge.
    UnmatchedCharge,
    /// Not ours: another ledger's, another program's, or without a tag.
    Foreign,
}

/// Batch, state, hold and cost of an attempt, whether that was never named, its task's state and latest attempt, the provider's id.
type Facts = (i64, AttemptState, i64, Option<i64>, bool, i64, Option<i64>, Option<String>);

impl Ledger {
    /// Recognises a row by its tag, or by its id where it has none of ours. The first that has none makes an index of
    /// the ids, which takes a second for a million attempts.
    ///
    /// # Errors
    /// The ledger cannot be read, or the index cannot be written.
    pub fn recognise(
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
                let is_beside = matches!(known, Recognised::Zombie { .. } | Recognised::Duplicate { .. });
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
                          AND EXISTS (SELECT 1 FROM unmatched_charge WHERE account = ?1 AND provider_id = ?2)
                   FROM account WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.query_row((account.0, provider_id), |row| row.get(0))?)
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
        let found: Option<(i64, i64, AttemptState, Option<i64>, bool)> = self
            .db
            .prepare_cached(
                "SELECT id, batch, state, coalesce(settled_nano, posted_nano), posted_nano IS NULL FROM attempt
                 WHERE provider_id = ?1",
            )?
            .query_row([provider_key(provider_id)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((attempt, batch, state, booked, assumed)) = found else { return Ok(None) };
        let attempt = AttemptId(attempt);
        let tagged = match tag {
            Some(tag) => self.bears(attempt, tag)?,
            None => false,
        };
        let uncollected = state == AttemptState::Submitted;
        let (batch, booked) = (BatchId(batch), booked.map(Money::from_nanos));
        Ok(Some(Recognised::Known { attempt, batch, uncollected, tagged, booked, assumed }))
    }

    /// The attempt that a restored ledger took over with this very tag: what else bears it was sold twice.
    fn recovered_under(&self, tag: &Tag) -> Result<Option<AttemptId>, LedgerError> {
        let sql = "SELECT id FROM attempt WHERE tag = ?1 ORDER BY id DESC LIMIT 1";
        Ok(self.db.prepare_cached(sql)?.query_row([tag.to_string()], |row| row.get(0).map(AttemptId)).optional()?)
    }

    /// The row bears this attempt's tag.
    fn by_tag(&self, attempt: AttemptId, provider_id: &str) -> Result<Recognised, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT attempt.batch, attempt.state, attempt.held_nano, coalesce(attempt.settled_nano, attempt.posted_nano),
                    attempt.posted_nano IS NULL, task.state, task.attempt, attempt.provider_id
             FROM attempt JOIN task ON task.id = attempt.task WHERE attempt.id = ?1",
        )?;
        let (batch, state, held, booked, assumed, task_state, latest, id): Facts =
            statement.query_row([attempt.0], |row| {
                let id = maybe_provider_id(row, 7)?;
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, id))
            })?;
        let (batch, booked) = (BatchId(batch), booked.map(Money::from_nanos));
        if id.as_deref() == Some(provider_id) {
            let uncollected = state == AttemptState::Submitted;
            return Ok(Recognised::Known { attempt, batch, uncollected, tagged: true, booked, assumed });
        }
        Ok(match state {
            AttemptState::Sending => Recognised::InDoubt { attempt, batch, held: Money::from_nanos(held) },
            // Refused, and listed all the same: its cost decides, as for one given up.
            AttemptState::NotBought | AttemptState::Refused => Recognised::Zombie {
                attempt,
                replanned: state == AttemptState::NotBought
                    && task_state == TaskState::Planned.numbers().0
                    && latest == Some(attempt.0),
            },
            AttemptState::ResolvedAsBought => Recognised::Awaited { attempt, batch, held: Money::from_nanos(held) },
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
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tag_of(&self, attempt: AttemptId) -> Result<Option<String>, LedgerError> {
        let sql = format!(
            "SELECT {IDENTITY}, attempt.number, attempt.tag
             FROM attempt JOIN task ON task.id = attempt.task {IDENTITY_FROM} WHERE attempt.id = ?1"
        );
        Ok(self
            .db
            .prepare_cached(&sql)?
            .query_row([attempt.0], |row| {
                let stored: Option<String> = row.get(IDENTITY_COLUMNS + 1)?;
                let number: u32 = row.get(IDENTITY_COLUMNS)?;
                let identity = identity(row)?;
                Ok(stored.unwrap_or_else(|| Tag::of(&self.id, attempt.0, &identity.as_identity(), number).to_string()))
            })
            .optional()?)
    }
}
