//! The states of an attempt, which is one purchase of one task.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// Where an attempt stands; the numbers are the schema's (`attempt_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum AttemptState {
    /// Reserved, and perhaps sent. In doubt once its batch's connection is gone.
    Sending = 0,
    /// Bought; its answer is to come.
    Submitted = 1,
    /// Its answer is here.
    Answered = 2,
    /// It surely was not bought.
    NotBought = 3,
    /// The provider refused it, at no cost.
    Refused = 4,
    /// The provider took money for it, and there is no answer.
    PaidFailure = 5,
    /// The provider threw its answer away before it was fetched.
    Expired = 6,
    /// A person decided that it was bought: its id, its cost and its answer are to come.
    ResolvedAsBought = 7,
}

impl AttemptState {
    const ALL: [Self; 8] = [
        Self::Sending,
        Self::Submitted,
        Self::Answered,
        Self::NotBought,
        Self::Refused,
        Self::PaidFailure,
        Self::Expired,
        Self::ResolvedAsBought,
    ];

    /// The one table of an attempt's life.
    pub(super) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Sending => !matches!(next, Self::Sending | Self::Answered | Self::Expired),
            Self::Submitted => matches!(next, Self::Answered | Self::PaidFailure | Self::Expired),
            // Given up, and found after all; or a person takes the word back.
            Self::NotBought => matches!(next, Self::Submitted | Self::PaidFailure | Self::Sending),
            // Found, or taken back; or its answer never came.
            Self::ResolvedAsBought => matches!(next, Self::Sending | Self::PaidFailure),
            Self::Answered | Self::Refused | Self::PaidFailure | Self::Expired => false,
        }
    }
}

impl ToSql for AttemptState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((*self as i64).into())
    }
}

impl FromSql for AttemptState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let known = Self::ALL.into_iter().find(|state| *state as i64 == number);
        known.ok_or_else(|| FromSqlError::Other(format!("{number} is no state of an attempt").into()))
    }
}

#[cfg(test)]
mod tests {
    use AttemptState::{Answered, Expired, PaidFailure, Refused};

    use super::*;

    #[test]
    fn attempt_states_match_the_schema_and_stay_final() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../schema.sql")).unwrap();
        let mut statement = db.prepare("SELECT state, name FROM attempt_state ORDER BY state").unwrap();
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, AttemptState>(0)?, row.get::<_, String>(1)?))).unwrap();
        let rows: Vec<(AttemptState, String)> = rows.map(Result::unwrap).collect();
        let words = rows.iter().map(|(state, _)| format!("{state:?}")).collect::<Vec<_>>();
        let spelt = rows.iter().map(|(_, name)| name.replace('_', "")).collect::<Vec<_>>();
        assert_eq!(words.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>(), spelt);
        let over: Vec<_> = AttemptState::ALL
            .into_iter()
            .filter(|state| !AttemptState::ALL.into_iter().any(|next| state.may_become(next)))
            .collect();
        assert_eq!(over, [Answered, Refused, PaidFailure, Expired]);
    }
}
