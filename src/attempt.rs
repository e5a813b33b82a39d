//! An attempt: one purchase of one task, its states and the one table of its transitions, beside those of a [`task`].
//!
//! An attempt exists from the moment its money is reserved. Who moves it on, and what a crash leaves behind, is said at
//! each state. A task follows its latest attempt; an earlier one can only still move money.
//!
//! [`task`]: crate::task

/// Where an attempt stands. The numbers are the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum AttemptState {
    /// Reserved, and perhaps sent. The reply to its batch moves it on; after a crash its outcome is not known, and
    /// reconcile looks it up by its tag.
    Sending = 0,
    /// Bought; its answer is to come. Collect moves it on; after a crash it is asked for by its id.
    Submitted = 1,
    /// Its answer is stored. Nothing moves it on.
    Answered = 2,
    /// It surely was not bought. The provider's list may show it all the same, and a person may take the word back.
    NotBought = 3,
    /// The provider refused it, at no cost. Nothing moves it on.
    Refused = 4,
    /// The provider took money for it, and there is no answer. Nothing moves it on.
    PaidFailure = 5,
    /// The provider discarded its answer before it was fetched. Nothing moves it on.
    Expired = 6,
    /// A person decided that it was bought: its id, its cost and its answer are to come. A list, a callback or its id
    /// moves it on; after a crash it is waited for as before.
    ResolvedAsBought = 7,
}

/// What happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The provider took it, and its id is known: from the reply, or from its list.
    Accept,
    /// Its answer is stored.
    Answer,
    /// It surely was not bought.
    NotBought,
    /// The provider refused it.
    Refuse,
    /// The provider took money and gives no answer, or what a person called bought never came.
    FailPaid,
    /// The provider discarded its answer.
    Expire,
    /// A person says that it was bought.
    ResolveAsBought,
    /// What was said of it is taken back: its outcome is not known.
    UnknownOutcome,
}

/// A step that no attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {state:?} cannot {step:?}: this is a bug in bursar, and nothing was written")]
pub struct IllegalStep {
    /// Where the attempt stands.
    pub state: AttemptState,
    /// What was to happen to it.
    pub step: Step,
}

impl AttemptState {
    /// All of them, by their numbers.
    pub const ALL: [Self; 8] = [
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
    ///
    /// # Errors
    /// The step is not in it.
    pub fn next(self, step: Step) -> Result<Self, IllegalStep> {
        use AttemptState::{Answered, Expired, NotBought, PaidFailure, Refused, ResolvedAsBought, Sending, Submitted};
        match (self, step) {
            // Not bought: given up, and found after all.
            (Sending | NotBought, Step::Accept) => Ok(Submitted),
            (Submitted, Step::Answer) => Ok(Answered),
            (Sending, Step::NotBought) => Ok(NotBought),
            (Sending, Step::Refuse) => Ok(Refused),
            (Sending | Submitted | NotBought | ResolvedAsBought, Step::FailPaid) => Ok(PaidFailure),
            (Submitted, Step::Expire) => Ok(Expired),
            (Sending, Step::ResolveAsBought) => Ok(ResolvedAsBought),
            (NotBought | ResolvedAsBought, Step::UnknownOutcome) => Ok(Sending),
            (state, step) => Err(IllegalStep { state, step }),
        }
    }

    /// The number that stands for it in the ledger.
    pub(crate) const fn number(self) -> i64 {
        self as i64
    }

    /// The state behind the ledger's number.
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state and every step, with what comes of it; `-`: no attempt may take it.
    const LIFE: &str = "
        .                 Accept     Answer    NotBought  Refuse   FailPaid     Expire   ResolveAsBought   UnknownOutcome
        Sending           Submitted  -         NotBought  Refused  PaidFailure  -        ResolvedAsBought  -
        Submitted         -          Answered  -          -        PaidFailure  Expired  -                 -
        Answered          -          -         -          -        -            -        -                 -
        NotBought         Submitted  -         -          -        PaidFailure  -        -                 Sending
        Refused           -          -         -          -        -            -        -                 -
        PaidFailure       -          -         -          -        -            -        -                 -
        Expired           -          -         -          -        -            -        -                 -
        ResolvedAsBought  -          -         -          -        PaidFailure  -        -                 Sending";

    const STEPS: [Step; 8] = [
        Step::Accept,
        Step::Answer,
        Step::NotBought,
        Step::Refuse,
        Step::FailPaid,
        Step::Expire,
        Step::ResolveAsBought,
        Step::UnknownOutcome,
    ];

    #[test]
    fn every_step_of_every_attempt_leads_where_the_table_says() {
        let mut told = vec![format!(". {}", STEPS.map(|step| format!("{step:?}")).join(" "))];
        for state in AttemptState::ALL {
            let next = |step| state.next(step).map_or("-".to_owned(), |next| format!("{next:?}"));
            told.push(format!("{state:?} {}", STEPS.map(next).join(" ")));
        }
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(told, LIFE.trim().lines().map(words).collect::<Vec<_>>());
    }

    #[test]
    fn every_state_of_an_attempt_survives_the_ledger() {
        for state in AttemptState::ALL {
            assert_eq!(AttemptState::from_number(state.number()), Some(state));
        }
        assert_eq!(AttemptState::from_number(8), None);
    }
}
