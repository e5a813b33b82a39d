//! Was it sold? What the provider has shown of a purchase whose outcome is not known, judged in one place.
//!
//! Pure: what is known beside the evidence is handed in. `None` means that this evidence does not tell.

use crate::money::Money;
use crate::provider::codes::{Class, Code, look_up};
use crate::provider::{Fetched, Listed};
use crate::rule::Rule;

/// What the provider has shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Evidence<'a> {
    /// What its id was answered; `listed_free`: a list has shown it at a cost of zero, and not merely without one.
    Id { outcome: &'a Fetched, listed_free: bool },
    /// A row of a list.
    Row(&'a Listed),
    /// The reply to a Live call, which brings the answer itself.
    LiveReply { cost: Option<Money>, has_answer: bool },
}

/// What is known beside it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Beside {
    /// The list was seen to name what purchases cost; `Some(false)`: it was seen to show paid ones at a cost of zero.
    pub(in crate::engine) list_names_costs: Option<bool>,
    /// The quarantine of this purchase is over.
    pub(in crate::engine) is_over: bool,
}

/// Whether it was sold, as far as the evidence tells.
///
/// A list may show a refused task as well: with a code that is never charged, or at a cost of zero if the list is seen to name
/// what others cost. Once the quarantine is over, an id that there is still not, or over which the provider still stumbles,
/// was not sold.
pub(in crate::engine) fn was_sold(evidence: Evidence<'_>, beside: Beside) -> Option<bool> {
    let Beside { list_names_costs: names, is_over } = beside;
    match evidence {
        Evidence::Id { outcome, listed_free } => match outcome {
            Fetched::Answer { .. } | Fetched::Odd(_) | Fetched::Pending | Fetched::Expired => Some(true),
            Fetched::Failed { code, .. } => match (look_up(*code), names) {
                (Code { never_charged: true, .. }, _) => Some(false),
                // As long as nothing shows what the list's word is worth.
                (_, None) if listed_free && !is_over => None,
                (Code { class: Class::Permanent, .. }, names) if listed_free => Some(names == Some(false)),
                // What has failed was accepted first.
                _ => Some(true),
            },
            Fetched::NotFound if listed_free => is_over.then_some(false),
            Fetched::Stumbled { .. } if listed_free && names != Some(false) => is_over.then_some(false),
            Fetched::NotFound
            | Fetched::Stumbled { .. }
            | Fetched::Wrong { .. }
            | Fetched::Throttled { .. }
            | Fetched::WaitingForMoney
            | Fetched::Halt(_)
            | Fetched::Unreachable { .. } => None,
        },
        Evidence::Row(row) => match row.cost {
            Some(cost) if !cost.is_zero() => Some(true),
            // A Live call is over with its connection, so that a list that names costs has named all there will be.
            Some(_) if row.is_live() && row.done.is_some() => {
                (names == Some(true) && is_over || !Rule::FreeIsProven.is_kept()).then_some(false)
            }
            Some(_) | None => None,
        },
        Evidence::LiveReply { cost, has_answer } => {
            (has_answer || cost.is_some_and(|cost| !cost.is_zero())).then_some(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of one piece of evidence in the six situations: nothing known of the list, costs named, zero for what was
    /// paid; each before and after the quarantine. `y`: sold, `n`: not sold, `?`: this does not tell.
    fn told(evidence: Evidence<'_>) -> String {
        let situations = [None, Some(true), Some(false)].into_iter().flat_map(|names| [(names, false), (names, true)]);
        situations
            .map(|(list_names_costs, is_over)| match was_sold(evidence, Beside { list_names_costs, is_over }) {
                Some(true) => 'y',
                Some(false) => 'n',
                None => '?',
            })
            .collect()
    }

    #[test]
    fn each_kind_of_evidence_tells_what_it_proves() {
        let failed = |code| Fetched::Failed { code, message: String::new() };
        let stumbled = Fetched::Stumbled { why: String::new() };
        let unreachable = Fetched::Unreachable { why: String::new() };
        for (outcome, free, priced) in [
            (&Fetched::Pending, "yyyyyy", "yyyyyy"),
            (&Fetched::Expired, "yyyyyy", "yyyyyy"),
            (&failed(40_503), "nnnnnn", "nnnnnn"),
            (&failed(40_501), "?nnnyy", "yyyyyy"),
            (&failed(40_101), "?yyyyy", "yyyyyy"),
            (&Fetched::NotFound, "?n?n?n", "??????"),
            (&stumbled, "?n?n??", "??????"),
            (&unreachable, "??????", "??????"),
            (&Fetched::WaitingForMoney, "??????", "??????"),
        ] {
            assert_eq!(told(Evidence::Id { outcome, listed_free: true }), free, "{outcome:?}, listed as free");
            assert_eq!(
                told(Evidence::Id { outcome, listed_free: false }),
                priced,
                "{outcome:?}, listed without a cost"
            );
        }
        let row = |url: &str, done: bool, cost| Listed {
            id: "1".to_owned(),
            tag: None,
            has_metadata: true,
            url: Some(url.to_owned()),
            posted: None,
            done: done.then_some(chrono::DateTime::UNIX_EPOCH),
            cost,
        };
        let (paid, free) = (Some(Money::from_nanos(1)), Some(Money::ZERO));
        let live = "/v3/ai_optimization/gemini/llm_scraper/live/advanced";
        let standard = "/v3/ai_optimization/gemini/llm_scraper/task_post";
        assert!(row(live, true, None).is_live() && !row(standard, true, None).is_live());
        for (row, expected) in [
            (row(live, true, paid), "yyyyyy"),
            (row(standard, false, paid), "yyyyyy"),
            (row(live, true, free), "???n??"),
            (row(live, false, free), "??????"),
            (row(standard, true, free), "??????"),
            (row(live, true, None), "??????"),
        ] {
            assert_eq!(told(Evidence::Row(&row)), expected, "{row:?}");
        }
        for (cost, has_answer, expected) in [
            (paid, false, "yyyyyy"),
            (free, true, "yyyyyy"),
            (None, true, "yyyyyy"),
            (free, false, "??????"),
            (None, false, "??????"),
        ] {
            assert_eq!(told(Evidence::LiveReply { cost, has_answer }), expected, "{cost:?}, {has_answer}");
        }
    }
}
