//! What holds if the provider's prices rise: a cap is exceeded by no more than what was in flight, and after a charge
//! everything of its kind is held at that price, or not bought.

use std::collections::BTreeMap;

use bursar::sandbox::Sale;

use super::books::{Attempt, Moved, PriceClass};
use super::checks::{Checked, Look, fail};

/// What a task of the scraper costs by the list.
fn listed((_, _, method, high): &PriceClass) -> i64 {
    match (&method[..], high) {
        ("live", _) => 4_000_000,
        (_, true) => 2_400_000,
        (_, false) => 1_200_000,
    }
}

impl Look<'_> {
    /// What these purchases, all under one cap, may have cost beyond it. The last of them was reserved where all that
    /// was charged by then, and all that was held, left room for it; from then on a total rises only by what a purchase
    /// that was still held for costs beyond its hold.
    pub(super) fn may_be_over_by(&self, sales: &[&Sale]) -> i64 {
        if !self.allowed.price_rises && !self.allowed.broken {
            return 0;
        }
        let of: Vec<(&Sale, Option<&Attempt>)> =
            sales.iter().map(|sale| (*sale, self.run_of(sale).map(|(attempt, _)| attempt))).collect();
        let batches = self.reserved_and_overrun();
        let reserved = of.iter().filter_map(|(_, attempt)| Some(batches.get(&attempt.as_ref()?.batch)?.0)).max();
        let mut beyond: BTreeMap<i64, i64> = BTreeMap::new();
        for (sale, attempt) in of {
            let (batch, held) = attempt.map_or((0, 0), |attempt| (attempt.batch, attempt.held));
            // What was bought by a ledger that is gone was held there.
            let held = self.allowed.held.get(&sale.id).copied().unwrap_or(held);
            // Nothing is held for what was given up, nor for what arrived more often than it was sent.
            let is_duplicate = sale.tag.as_ref().is_some_and(|tag| self.duplicates.contains_key(tag));
            let is_in_doubt = attempt.is_some_and(|attempt| attempt.state == 0) && !is_duplicate;
            let is_held = self.books.bought.contains_key(&sale.id) || is_in_doubt;
            let held = if is_held || !self.allowed.broken { held } else { 0 };
            *beyond.entry(batch).or_default() += (self.taken(sale) - held).max(0);
        }
        let known = |batch: &i64| {
            let (_, overruns) = batches.get(batch)?;
            let before = overruns.iter().filter(|(entry, _)| Some(*entry) < reserved);
            Some(before.map(|(_, nanos)| nanos).sum::<i64>())
        };
        if self.allowed.broken {
            // What turns up after it was given up is booked beyond its hold, all of it.
            for (batch, nanos) in &mut beyond {
                let booked =
                    batches.get(batch).map_or(0, |(_, overruns)| overruns.iter().map(|(_, nanos)| nanos).sum());
                *nanos = booked.max(*nanos);
            }
        }
        // The entries of a ledger that is gone are gone with it.
        let counted = |batch: &i64| if self.allowed.was_restored() { 0 } else { known(batch).unwrap_or(0) };
        beyond.iter().map(|(batch, nanos)| (nanos - counted(batch)).max(0)).sum()
    }

    /// By batch: the entry that reserved it, and those that booked what it cost beyond that.
    fn reserved_and_overrun(&self) -> BTreeMap<i64, (i64, Vec<(i64, i64)>)> {
        let mut batches: BTreeMap<i64, (i64, Vec<(i64, i64)>)> = BTreeMap::new();
        for entry in &self.books.entries {
            match entry.moved {
                Moved::Reserved => batches.entry(entry.batch).or_default().0 = entry.id,
                Moved::Overrun => batches.entry(entry.batch).or_default().1.push((entry.id, entry.nanos)),
                Moved::Charged | Moved::Back => {}
            }
        }
        batches
    }

    /// What was booked beyond its hold since an entry.
    pub(super) fn overrun_since(&self, entry: i64) -> i64 {
        let since = self.books.entries.iter().filter(|since| since.id > entry && since.moved == Moved::Overrun);
        since.map(|since| since.nanos).sum()
    }

    /// Once a charge of the scraper's is in the ledger, nothing of its kind is reserved for less; nor at all by a job that
    /// does not allow such a price. What a model charges is no price.
    pub(super) fn what_was_charged_is_believed(&self) -> Checked {
        let mut attempts: BTreeMap<i64, Vec<&Attempt>> = BTreeMap::new();
        for attempt in self.books.attempts.values() {
            if attempt.price_class.1 != "llm_scraper" || self.allowed.hasty.contains(&self.books.runs[&attempt.run].job)
            {
                continue;
            }
            attempts.entry(attempt.batch).or_default().push(attempt);
        }
        let mut known = BTreeMap::new();
        for entry in &self.books.entries {
            for attempt in attempts.get(&entry.batch).into_iter().flatten() {
                let price_class = &attempt.price_class;
                match entry.moved {
                    // A paid failure is no word on a price, and what a restored ledger took over was reserved elsewhere.
                    Moved::Charged | Moved::Overrun if attempt.state != 5 && attempt.held > 0 && !attempt.recovered => {
                        let cost = attempt.posted.or(attempt.settled).unwrap_or(0);
                        let most = known.entry(price_class).or_insert(cost);
                        *most = cost.max(*most);
                    }
                    Moved::Reserved if attempt.held > 0 && !attempt.recovered => {
                        let Some(charged) = known.get(price_class) else { continue };
                        if attempt.held < *charged {
                            return fail("reserved for less than was charged before", &(entry, attempt, charged));
                        }
                        let job = &self.books.runs[&attempt.run].job;
                        let drift = i64::from(self.allowed.drift.get(job).copied().unwrap_or(0));
                        if *charged > listed(price_class) / 100 * (100 + drift) {
                            return fail("bought at a price that its job does not allow", &(entry, attempt, charged));
                        }
                    }
                    Moved::Reserved | Moved::Charged | Moved::Overrun | Moved::Back => {}
                }
            }
        }
        Ok(())
    }
}
