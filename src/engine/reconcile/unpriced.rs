//! Rows of this ledger that it lacks, listed at a cost of zero: sold and not yet finished or priced, or refused and
//! listed all the same. A call by id decides.

use super::Reconcile;
use crate::engine::collect::Endpoint;

/// Such a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpriced {
    /// When it was posted.
    posted_v: i64,
    known: Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Its id is to be asked about here.
    Wanted(Endpoint),
    Asked,
    Sold,
    /// It was refused when it was handed in.
    NotSold,
}

impl Reconcile {
    /// A list has shown such a row: whether it was sold, once that is known.
    pub(in crate::engine) fn id_says(
        &mut self,
        provider_id: &str,
        endpoint: Option<Endpoint>,
        posted_v: i64,
    ) -> Option<bool> {
        // Without an endpoint there is nothing to ask.
        let known = endpoint.map_or(Known::Sold, Known::Wanted);
        match self.unpriced.entry(provider_id.to_owned()).or_insert(Unpriced { posted_v, known }).known {
            Known::Wanted(_) | Known::Asked => None,
            Known::Sold => Some(true),
            Known::NotSold => Some(false),
        }
    }

    /// The next id to ask about.
    pub(in crate::engine) fn next_to_ask(&mut self) -> Option<(Endpoint, String)> {
        self.unpriced.iter_mut().find_map(|(provider_id, row)| {
            let Known::Wanted(endpoint) = row.known else { return None };
            row.known = Known::Asked;
            Some((endpoint, provider_id.clone()))
        })
    }

    /// Some id is to be asked about.
    pub(in crate::engine) fn has_to_ask(&self) -> bool {
        self.unpriced.values().any(|row| matches!(row.known, Known::Wanted(_)))
    }

    /// What such rows are is still to be heard.
    pub(in crate::engine) fn waits_for_ids(&self) -> bool {
        self.unpriced.values().any(|row| matches!(row.known, Known::Wanted(_) | Known::Asked))
    }

    /// When a row that was asked about was posted.
    pub(in crate::engine) fn asked_v(&self, provider_id: &str) -> Option<i64> {
        self.unpriced.get(provider_id).filter(|row| row.known == Known::Asked).map(|row| row.posted_v)
    }

    /// An id has told; `None`: nothing, and it is asked again when a list shows it again.
    pub(in crate::engine) fn id_told(&mut self, provider_id: &str, sold: Option<bool>) {
        match (sold, self.unpriced.get_mut(provider_id)) {
            (Some(true), Some(row)) => row.known = Known::Sold,
            (Some(false), Some(row)) => row.known = Known::NotSold,
            (None, _) => drop(self.unpriced.remove(provider_id)),
            (Some(_), None) => {}
        }
    }
}
