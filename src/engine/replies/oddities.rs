//! How an odd answer is reported, and what several of them in a row mean.

use super::consequences::Consequences;
use crate::engine::collect::Fetch;
use crate::engine::core::Core;
use crate::engine::dispatch::{MOST_ODD, OddNews};
use crate::event::EventKind;
use crate::oddity::Oddity;
use crate::product::{Engine, Function, ResultKind};
use crate::provider::Fetched;
use crate::rule::Rule;

impl Core {
    /// An answer in odd form is an answer once that is the provider's last word, and nothing before.
    pub(super) fn last_word(
        &mut self,
        fetch: &Fetch,
        outcome: Fetched,
        provider_now: i64,
    ) -> (Fetched, Option<Oddity>) {
        let Fetched::Odd(odd) = outcome else { return (outcome, None) };
        let whose = (fetch.what.attempt, fetch.what.batch);
        if Rule::OddAnswersAreKept.is_kept() && self.collect.is_last_word(whose, &odd, provider_now) {
            return (Fetched::Answer { facts: odd.facts }, Some(odd.oddity));
        }
        let why = format!("the answer of task {} {}", fetch.what.provider_id, odd.oddity.words());
        (Fetched::Unreachable { why }, None)
    }

    /// An answer is kept. What is odd about it is told once for each oddity, and again where it stops a price class.
    pub(super) fn answer_came(
        &mut self,
        (engine, function, provider_id): (Engine, Function, &str),
        price: &str,
        (kind, oddity): (ResultKind, Option<Oddity>),
        then: &mut Consequences,
    ) {
        if let Some(oddity) = oddity.filter(|oddity| self.oddities_told.insert(*oddity)) {
            let what = format!(
                "the answer of task {provider_id} {} ({oddity}): it is paid for and kept as it came; `bursar export` shows \
                 it, and `bursar status` counts what is like it",
                oddity.words()
            );
            then.tell(EventKind::Odd { engine, function, what });
        }
        match self.dispatch.answered_as(price, kind, oddity) {
            Some(OddNews::Stopped(oddity)) => {
                then.tell(EventKind::OddAnswersStop { price: price.to_owned(), oddity, answers: MOST_ODD });
            }
            Some(OddNews::Cleared) => {
                let what = format!("an answer of {price} is as it should be again: buying continues");
                then.tell(EventKind::Odd { engine, function, what });
            }
            None => {}
        }
    }
}
