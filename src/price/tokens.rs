//! The maximum that a model may charge: how many tokens a task may use, and how often it may search.

use crate::job::Target;
use crate::model::ShippedModel;
use crate::money::Money;
use crate::product::Engine;

/// Tokens that the model is shown around what is asked, for each message.
const AROUND_A_MESSAGE: u64 = 50;
/// What a task searches the web at the most, and what it then reads. The provider names no bound; what real tasks were
/// seen to use is below a third of either.
const MOST_SEARCHES: u64 = 3;
const MOST_READ_BY_SEARCHES: u64 = 40_000;
/// `max_output_tokens` is no hard bound where a model searches or reasons: so many times that may be written.
const WRITTEN_BEYOND: u64 = 2;
/// `max_output_tokens` where the job does not say it.
const USUAL_OUTPUT: u64 = 2_048;

/// The most tokens that a task may use, and how often it may search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    read: u64,
    written: u64,
    searches: u64,
}

impl Tokens {
    /// How many the task may read.
    pub(super) const fn read(self) -> u64 {
        self.read
    }

    /// What they cost at the most: at these prices of a million, and of a thousand searches.
    pub(super) fn charge(self, input: Money, output: Money, search: Option<Money>) -> Money {
        let part = |count: u64, price: Money, of: i128| {
            let whole = i128::from(count) * i128::from(price.nanos());
            Money::from_nanos(i64::try_from((whole + of - 1) / of).unwrap_or(i64::MAX))
        };
        let million = 1_000_000;
        part(self.read, input, million).saturating_add(part(self.written, output, million)).saturating_add(part(
            self.searches,
            search.unwrap_or_default(),
            1_000,
        ))
    }
}

/// A text of so many bytes has no more tokens than that.
pub(super) fn max_tokens(target: &Target, prompt_bytes: usize, searches: bool, reasons: bool) -> Tokens {
    let value = |key: &str| target.options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
    let chain: Vec<serde_json::Value> =
        value("message_chain").and_then(|chain| serde_json::from_str(chain).ok()).unwrap_or_default();
    let said = chain.iter().filter_map(|turn| turn["message"].as_str()).map(str::len).sum::<usize>();
    let bytes = (prompt_bytes + said + value("system_message").map_or(0, str::len)) as u64;
    let written = value("max_output_tokens").and_then(|tokens| tokens.parse().ok()).unwrap_or(USUAL_OUTPUT);
    Tokens {
        read: bytes + AROUND_A_MESSAGE * (2 + chain.len() as u64) + if searches { MOST_READ_BY_SEARCHES } else { 0 },
        written: written * if searches || reasons { WRITTEN_BEYOND } else { 1 },
        searches: if searches { MOST_SEARCHES } else { 0 },
    }
}

/// Perplexity always searches; the others where they are told that they may.
pub(super) fn may_search(target: &Target) -> bool {
    target.engine == Engine::Perplexity || is_on(target, "web_search")
}

/// Claude and most of Gemini's models reason where they are told to, the others by what they are. Of a model that the
/// list does not know, it is taken that it may.
pub(super) fn may_reason(target: &Target, shipped: Option<&ShippedModel>) -> bool {
    is_on(target, "use_reasoning") || target.engine != Engine::Claude && shipped.is_none_or(|model| model.reasons)
}

fn is_on(target: &Target, name: &str) -> bool {
    target.options.iter().any(|(key, value)| *key == name && value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_costs_are_rounded_up_to_nano_dollars() {
        let usd = |text: &str| text.parse::<Money>().unwrap();
        let tokens = Tokens { read: 512, written: 96, searches: 1 };
        // The provider's own example: 512 tokens read, 96 written and a search are $0.0103584.
        assert_eq!(tokens.charge(usd("0.40"), usd("1.60"), Some(usd("10"))), usd("0.0103584"));
        let tokens = Tokens { read: 1, written: 0, searches: 0 };
        assert_eq!(tokens.charge(usd("0.0001"), usd("1"), None), Money::from_nanos(1));
        let tokens = Tokens { read: u64::MAX, written: u64::MAX, searches: u64::MAX };
        assert_eq!(tokens.charge(Money::MAX, Money::MAX, Some(Money::MAX)), Money::MAX);
    }
}
