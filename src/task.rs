//! A task: one question in one run; its key, made from its content; its states; the one table of transitions.
//!
//! Each state says who moves a task on, and what a crash leaves behind. `ledger::sqlite::journal` moves the money.

use std::fmt;

pub use crate::hash::hash128;
use crate::product::{Engine, Function, named};

/// Content key of a question: 128 bits of BLAKE3 over its canonical JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionKey(pub [u8; 16]);

impl QuestionKey {
    /// As 32 hexadecimal digits.
    pub fn hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

impl fmt::Debug for QuestionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// Everything that can change an answer, and nothing else: no route, method, priority, set or weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// The engine.
    pub engine: Engine,
    /// The function.
    pub function: Function,
    /// The text that the engine is to read, before any wire escaping.
    pub prompt: &'a str,
    /// The provider's code of the place.
    pub location_code: u32,
    /// The provider's code of the language.
    pub language_code: &'a str,
    /// A JSON object: names sorted, the provider's defaults left out.
    pub options: &'a str,
}

impl Question<'_> {
    /// The key: the hash of `[1, engine, function, prompt, place, language, options]`.
    #[expect(clippy::missing_panics_doc, reason = "writing text to memory cannot fail")]
    pub fn key(&self) -> QuestionKey {
        let text = |text: &str| serde_json::to_string(text).expect("text can always be written to memory");
        let canonical = format!(
            "[1,\"{}\",\"{}\",{},{},{},{}]",
            self.engine,
            self.function,
            text(self.prompt),
            self.location_code,
            text(self.language_code),
            self.options
        );
        QuestionKey(hash128(canonical.as_bytes()))
    }
}

/// What identifies a task in any ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The job's name.
    pub job: &'a str,
    /// The period's id.
    pub period: &'a str,
    /// The question.
    pub question: QuestionKey,
    /// The repeat, from 1.
    pub repeat: u32,
}

named! {
    /// Why a task failed.
    Reason {
        /// The provider refused it finally; it cost nothing.
        Refused = "refused",
        /// It was paid for, and there is no answer.
        PaidFailure = "paid_failure",
        /// It was paid for, and the provider discarded the answer before it was fetched.
        Expired = "expired",
        /// The job file no longer asks it, and it was never bought.
        DroppedByJob = "dropped_by_job",
        /// It was in doubt, a person decided that it was bought, and no answer came for as long as the provider keeps
        /// one.
        ResolvedAsBought = "resolved_as_bought",
        /// It was answered on a connection that was lost.
        LostLive = "lost_live",
    }
}

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// To be bought. Dispatch moves it on; a crash leaves it here.
    Planned,
    /// Reserved, and perhaps sent. The outcome of its batch moves it on. After a crash it is in doubt: reconcile looks
    /// for its tag in the provider's list, and never just sends it again.
    Sending,
    /// Bought; its id is known, or looked for because a person said that it was bought. Collect moves it on; after a
    /// crash its answer is fetched by its id.
    Submitted,
    /// The answer is in the ledger. This state is final.
    Answered,
    /// It will have no answer. Only the job file (asked again) or a paid retry moves it back.
    Failed(Reason),
}

/// The transitions of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Its money is reserved, and its batch is about to be sent.
    Reserve,
    /// It surely was not bought, and may be tried again.
    NotBought,
    /// A person's decision about it is taken back: its outcome is unknown.
    UnknownOutcome,
    /// The provider accepted it, and its id is known.
    Accept,
    /// The provider refused it finally, or took money without an answer.
    Fail(Reason),
    /// All requested forms of its answer are stored.
    Answer,
    /// The job file no longer asks it.
    Drop,
    /// It may be bought again: it is asked again after it was dropped, its paid failure may be tried again, or a
    /// restored ledger learns that it was bought.
    Reopen,
}

/// A transition that no task may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {state:?} cannot {transition:?}: this is a bug in bursar, and nothing was written")]
pub struct IllegalTransition {
    /// The state of the task.
    pub state: TaskState,
    /// The transition that was refused.
    pub transition: Transition,
}

impl TaskState {
    /// The one table of a task's life.
    ///
    /// # Errors
    /// The transition is not in the table.
    pub fn next(self, transition: Transition) -> Result<Self, IllegalTransition> {
        use TaskState::{Answered, Failed, Planned, Sending, Submitted};
        match (self, transition) {
            (Planned, Transition::Reserve) | (Planned | Submitted, Transition::UnknownOutcome) => Ok(Sending),
            (Sending, Transition::NotBought) | (Failed(_), Transition::Reopen) => Ok(Planned),
            // Planned: given up for not bought, and found in the provider's list after all.
            (Sending | Planned, Transition::Accept) => Ok(Submitted),
            (Sending | Submitted, Transition::Fail(reason)) => Ok(Failed(reason)),
            (Submitted, Transition::Answer) => Ok(Answered),
            // What was refused cost nothing: it leaves with its question.
            (Planned | Failed(Reason::Refused), Transition::Drop) => Ok(Failed(Reason::DroppedByJob)),
            (state, transition) => Err(IllegalTransition { state, transition }),
        }
    }

    /// The numbers of the state and its reason in the ledger.
    pub(crate) const fn numbers(self) -> (i64, Option<i64>) {
        match self {
            Self::Planned => (0, None),
            Self::Sending => (1, None),
            Self::Submitted => (2, None),
            Self::Answered => (3, None),
            Self::Failed(reason) => (4, Some(reason as i64 + 1)),
        }
    }

    /// The state for the ledger's numbers.
    pub(crate) fn from_numbers(state: i64, reason: Option<i64>) -> Option<Self> {
        match (state, reason) {
            (0, None) => Some(Self::Planned),
            (1, None) => Some(Self::Sending),
            (2, None) => Some(Self::Submitted),
            (3, None) => Some(Self::Answered),
            (4, Some(reason)) => Reason::ALL.iter().copied().find(|r| *r as i64 + 1 == reason).map(Self::Failed),
            _ => None,
        }
    }

    /// The written name, without the reason.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Submitted => "submitted",
            Self::Answered => "answered",
            Self::Failed(_) => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question<'_> = Question {
        engine: Engine::ChatGpt,
        function: Function::LlmScraper,
        prompt: "which \"crm\"?",
        location_code: 2840,
        language_code: "en",
        options: r#"{"force_web_search":true}"#,
    };

    #[test]
    fn a_question_key_never_changes_its_hash() {
        let canonical = br#"[1,"chat_gpt","llm_scraper","which \"crm\"?",2840,"en",{"force_web_search":true}]"#;
        assert_eq!(QUESTION.key().0, hash128(canonical));
        assert_eq!(QUESTION.key().hex(), "bf98d4efde9d4849141ea65934e4dd02");
    }

    #[test]
    fn whatever_can_change_the_answer_changes_the_key() {
        let others = [
            Question { engine: Engine::Gemini, ..QUESTION },
            Question { prompt: "which crm?", ..QUESTION },
            Question { location_code: 2276, ..QUESTION },
            Question { language_code: "de", ..QUESTION },
            Question { options: "{}", ..QUESTION },
        ];
        for other in others {
            assert_ne!(other.key(), QUESTION.key(), "{other:?}");
        }
    }

    #[test]
    fn every_state_survives_the_ledger() {
        let states = [TaskState::Planned, TaskState::Sending, TaskState::Submitted, TaskState::Answered];
        let failed = Reason::ALL.iter().map(|reason| TaskState::Failed(*reason));
        for state in states.into_iter().chain(failed) {
            let (number, reason) = state.numbers();
            assert_eq!(TaskState::from_numbers(number, reason), Some(state));
        }
        assert_eq!(TaskState::from_numbers(4, None), None);
    }

    #[test]
    fn no_state_sends_twice_without_not_bought() {
        assert!(TaskState::Sending.next(Transition::Reserve).is_err());
        assert!(TaskState::Submitted.next(Transition::Reserve).is_err());
        assert!(TaskState::Submitted.next(Transition::NotBought).is_err());
        assert!(TaskState::Answered.next(Transition::Reserve).is_err());
    }
}
