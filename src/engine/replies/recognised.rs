//! What follows from a row that the provider listed, by what the ledger knows about it.
//!
//! If it is in doubt, it is bought. If it is known, it is a control row or an answer to fetch. It may have been
//! bought after it was given up, or twice under one tag. Or it is of this ledger and missing from it (`restored`).

use std::collections::BTreeMap;

use super::consequences::{Consequences, Outcome, Purchase};
use crate::clock::Now;
use crate::engine::collect::{Confirm, Endpoint};
use crate::engine::core::Core;
use crate::engine::reconcile::{Evidence, Filed, filed_in, was_sold};
use crate::engine::vocabulary::{Effect, SeenRow, Source};
use crate::event::EventKind;
use crate::ids::{AttemptId, BatchId};
use crate::ledger::{Change, Recognised};
use crate::money::Money;
use crate::product::{Function, Method};
use crate::rule::Rule;
use crate::tag::Tag;

impl Core {
    /// The ledger has said what it knows of rows of the provider's.
    pub(in crate::engine) fn recognised(
        &mut self,
        now: Now,
        source: Source,
        rows: Vec<SeenRow>,
        out: &mut Vec<Effect>,
    ) {
        let provider_now = self.clock.not_before(now);
        let mut then = Consequences::default();
        let mut lost = Vec::new();
        let (mut taken, mut unsold): (BTreeMap<AttemptId, String>, Vec<_>) = (BTreeMap::new(), Vec::new());
        let (count, mut news) = (rows.len(), 0);
        let filed = filed_by(source, &rows);
        for seen in rows {
            self.listed(&seen, source);
            let posted_v = seen.row.posted.map_or(provider_now, |posted| posted.timestamp());
            match seen.known.clone() {
                Recognised::InDoubt { attempt, .. }
                | Recognised::Awaited { attempt, .. }
                | Recognised::Late { attempt, replanned: true }
                    if taken.contains_key(&attempt) =>
                {
                    // The same row again, or a second purchase under the tag that was taken a row before.
                    if taken.get(&attempt) != Some(&seen.row.id) {
                        self.duplicate(&seen, attempt, posted_v, &mut then);
                    }
                }
                Recognised::InDoubt { attempt, batch, held } if self.dispatch.flight(batch).is_none() => {
                    if seen.row.cost.is_some_and(|cost| !cost.is_zero()) {
                        taken.insert(attempt, seen.row.id.clone());
                    }
                    // What is asked about and kept back is no news each time that it is shown.
                    let is_asked_about = matches!(source, Source::List(..)) && self.reconcile.is_seen(batch, attempt);
                    news += usize::from(!is_asked_about && !self.collect.back_offs(attempt, provider_now));
                    if self.row_tells(now, &seen) == Some(false) {
                        unsold.push((attempt, batch));
                        continue;
                    }
                    self.found(now, &seen, (attempt, batch, held), source, posted_v, &mut then);
                }
                Recognised::Awaited { attempt, batch, held } => {
                    let whose = (attempt, batch, held);
                    if self.awaited_came(now, &seen, whose, source, posted_v, &mut then) {
                        taken.insert(attempt, seen.row.id.clone());
                        news += 1;
                    }
                }
                // Its own answer is still on the way; or it is booked.
                Recognised::InDoubt { .. } | Recognised::UnmatchedCharge => {}
                Recognised::Known { attempt, uncollected, tagged, booked, assumed, .. } => {
                    self.names_cost(&seen, booked, source);
                    // A list that says nothing, or zero, is no authority on costs.
                    let listed = seen.row.cost.filter(|cost| !cost.is_zero());
                    if let Some((booked, listed)) = booked.zip(listed)
                        // Of what is settled later, a list goes on to show what was taken at first.
                        && (assumed || booked != listed && !is_settled_later(&seen))
                        && self.cost_told.insert(attempt)
                    {
                        self.cost_listed(&seen, attempt, (booked, listed), assumed, &mut then);
                    }
                    let is_ready = uncollected && matches!(source, Source::Ready(..));
                    if let Some(collect) = seen.collect.clone().filter(|_| is_ready) {
                        news += usize::from(self.collect.want(collect, posted_v, provider_now));
                    }
                    self.shown(&seen, attempt, tagged, source, provider_now, &mut then);
                }
                // No list of what it cost, so the list that says so is looked at.
                Recognised::Late { .. } | Recognised::Duplicate { .. }
                    if !matches!(source, Source::List(..)) && seen.row.cost.is_none() =>
                {
                    if !self.unmatched_told.contains(&seen.row.id) {
                        self.reconcile.suspect(&seen.row.id, posted_v, now.mono);
                        self.tell_unpriced(&seen.row.id, source, &mut then);
                    }
                }
                Recognised::Late { attempt, .. } => {
                    if self.given_up(now, &seen, attempt, posted_v, &mut then) {
                        taken.insert(attempt, seen.row.id.clone());
                    }
                }
                Recognised::Duplicate { attempt } => {
                    if seen.row.cost.is_some_and(|cost| !cost.is_zero()) {
                        self.reconcile.priced(&seen.row.id);
                    }
                    self.duplicate(&seen, attempt, posted_v, &mut then);
                }
                Recognised::Lost => lost.push(seen),
                Recognised::Foreign => {
                    if matches!(source, Source::List(..)) && !seen.row.has_metadata {
                        self.reconcile.make_void("it shows tasks without what they were posted with");
                    }
                    if seen.row.tag.as_ref().is_none_or(|tag| tag.parse::<Tag>().is_err()) {
                        self.reconcile.saw_untagged();
                    }
                }
            }
        }
        // A call that arrived twice may be listed as not sold and as sold.
        for (attempt, batch) in unsold.into_iter().filter(|(attempt, _)| !taken.contains_key(attempt)) {
            self.settle(now, (batch, attempt), Outcome::NotBought, &mut then);
        }
        then.flush(out);
        self.recover(now, source, lost, out);
        self.read(now, source, (count, filed), news, out);
    }

    /// A second purchase under one tag, where its cost is named: it answers no task.
    fn duplicate(&mut self, seen: &SeenRow, attempt: AttemptId, posted_v: i64, then: &mut Consequences) {
        if let Some(cost) = seen.row.cost.filter(|cost| !cost.is_zero()) {
            self.extra(&seen.row, Some(attempt), cost, posted_v, "a second purchase under one tag", then);
        }
    }

    /// Whether a row tells by itself that it was sold.
    fn row_tells(&self, now: Now, seen: &SeenRow) -> Option<bool> {
        was_sold(Evidence::Row(&seen.row), self.beside(now, seen.row.posted.map(|posted| posted.timestamp())))
    }

    /// Purchases of this ledger's that it does not hold: it was restored, and takes them over.
    fn recover(&mut self, now: Now, source: Source, lost: Vec<SeenRow>, out: &mut Vec<Effect>) {
        if lost.is_empty() {
            return;
        }
        let provider_now = self.clock.not_before(now);
        let (mut paid, mut unpriced) = (Vec::new(), Vec::new());
        for seen in lost {
            match self.row_tells(now, &seen) {
                Some(true) => paid.push(seen),
                Some(false) => {}
                None => unpriced.push(seen),
            }
        }
        let posted = |seen: &SeenRow| seen.row.posted.map_or(provider_now, |posted| posted.timestamp());
        let mut sold_v: Vec<_> = paid.iter().map(posted).collect();
        for seen in unpriced {
            // What is ready was sold. The list may show a task that was refused, at a cost of nothing.
            let listed = matches!(source, Source::List(..));
            // A Live task has no id to ask.
            let can_ask = listed && seen.row.cost.is_some() && !seen.row.is_live();
            let endpoint = endpoint_of(&seen).filter(|_| can_ask);
            let was_sold = self.reconcile.id_says(&seen.row.id, endpoint, posted(&seen));
            if was_sold != Some(false) && listed {
                self.reconcile.make_void("it shows purchases of this ledger's without their cost");
            }
            sold_v.extend((was_sold == Some(true)).then(|| posted(&seen)));
        }
        if let Some(first_v) = sold_v.into_iter().min() {
            self.restore_if_needed(first_v, out);
        }
        if !paid.is_empty() {
            out.push(Effect::Recover(paid));
        }
    }

    /// A purchase that was given up, or a second one, shows where no list names its cost.
    fn tell_unpriced(&mut self, provider_id: &str, source: Source, then: &mut Consequences) {
        if let Source::Ready((engine, function), ..) = source
            && !self.terms.lists
            && self.unmatched_told.insert(provider_id.to_owned())
        {
            let what = format!(
                "task {provider_id} was bought under a tag that counts as not bought, or as bought once: what it cost \
                 stands in no list that can be asked for, and is not in the books; compare them with the provider's bill"
            );
            then.tell(EventKind::Odd { engine, function, what });
        }
    }

    /// The list names a cost that is not what the answer to the purchase said. That word stands, and both are told; where
    /// it said nothing, the list's does.
    fn cost_listed(
        &mut self,
        seen: &SeenRow,
        attempt: AttemptId,
        (booked, listed): (Money, Money),
        assumed: bool,
        then: &mut Consequences,
    ) {
        if assumed {
            self.reconcile.priced(&seen.row.id);
            let at_v = seen.row.posted.map_or(0, |posted| posted.timestamp());
            self.price_listed(seen, listed, at_v, then);
            self.progress.charged += listed - booked;
            then.write(Change::Corrected { attempt, cost: listed, named_in: seen.named_in() });
            then.tell(EventKind::CostCorrected { attempt, assumed: booked, listed, subject: None });
        } else {
            then.tell(EventKind::CostDiffers { attempt, booked, listed, subject: None });
        }
    }

    /// What a list says of the price that its row was bought at. A model's task may be listed at what it came to, and a
    /// task may since be planned to be bought in another way: neither is a price.
    fn price_listed(&mut self, seen: &SeenRow, cost: Money, at_v: i64, then: &mut Consequences) {
        let same_way = |price: &&String| price.contains("/live/") == seen.row.is_live();
        let of_page = |price: &&String| price.starts_with(Function::LlmScraper.name());
        if let Some(price) = seen.price.as_ref().filter(of_page).filter(same_way) {
            self.price_charged(price.clone(), cost, at_v, then);
        }
    }

    /// Whether the list is one that names costs is told by what it says of purchases that are known to have cost something.
    fn names_cost(&mut self, seen: &SeenRow, booked: Option<Money>, source: Source) {
        if matches!(source, Source::List(..))
            && booked.is_some_and(|booked| !booked.is_zero())
            && let Some(listed) = seen.row.cost
        {
            let names = !listed.is_zero() && self.list_names_costs != Some(false);
            self.list_names_costs = Some(names);
        }
    }

    /// The list shows an attempt, whatever is to become of it: the scan that reads the list has not hidden it.
    fn listed(&mut self, seen: &SeenRow, source: Source) {
        if let Recognised::InDoubt { attempt, .. } | Recognised::Late { attempt, .. } = seen.known
            && let (Source::List(..), Some(scan)) = (source, self.reconcile.scan())
        {
            scan.shown.insert(attempt);
        }
    }

    /// A purchase that was concluded not to be one. Where its task still waits to be bought, this is its purchase
    /// (`true`); otherwise it is money without a use.
    fn given_up(
        &mut self,
        now: Now,
        seen: &SeenRow,
        attempt: AttemptId,
        posted_v: i64,
        then: &mut Consequences,
    ) -> bool {
        let booked = |cost: &Money| !cost.is_zero() && Rule::LateArrivalsAreBooked.is_kept();
        let Some(cost) = seen.row.cost.filter(booked) else { return false };
        self.reconcile.priced(&seen.row.id);
        // Only a task that waits to be bought comes with what is to be collected for it.
        let Some(what) = &seen.collect else {
            let why = "it was accepted after it had been given up";
            self.extra(&seen.row, Some(attempt), cost, posted_v, why, then);
            return false;
        };
        self.price_listed(seen, cost, posted_v, then);
        let method = if seen.row.is_live() { Method::Live } else { Method::Standard };
        let whose = (what.batch, Some((what.engine, what.function)), method);
        let purchase = Purchase { provider_id: &seen.row.id, cost, posted_v, named_in: Some(seen.named_in()) };
        self.bought(now, attempt, whose, purchase, then);
        self.dispatch.start_over();
        true
    }

    /// A row in doubt was found: in a list with its cost it is bought; without one its id is asked for first.
    fn found(
        &mut self,
        now: Now,
        seen: &SeenRow,
        (attempt, batch, held): (AttemptId, BatchId, Money),
        source: Source,
        posted_v: i64,
        then: &mut Consequences,
    ) {
        if !self.reconcile.is_open(batch, attempt) {
            // Two rows of one handful: a scan tells whether they are two purchases.
            self.reconcile.suspect(&seen.row.id, posted_v, now.mono);
            return;
        }
        let assumed = (!Rule::NoCostIsAskedAbout.is_kept()).then_some(held);
        match (source, seen.row.cost.filter(|cost| !cost.is_zero()).or(assumed)) {
            (Source::Ready(..), _) if self.terms.lists => {
                // The list names the cost. `tasks_ready` forgets some days later what it has shown: this ledger does not.
                if self.reconcile.seen_ready(batch, attempt, now.mono) && Rule::ShownIsRemembered.is_kept() {
                    then.write(Change::Shown { attempt });
                }
            }
            (_, Some(cost)) => {
                self.price_listed(seen, cost, posted_v, then);
                let purchase = Purchase { provider_id: &seen.row.id, cost, posted_v, named_in: Some(seen.named_in()) };
                self.settle(now, (batch, attempt), Outcome::Bought(purchase), then);
            }
            // There is no id to ask: until the list says that it was sold, or surely was not, it stays in doubt.
            (_, None) if seen.row.is_live() => {
                self.listed_without_cost(now, batch, attempt, then);
            }
            (_, None) => {
                // Listed, so never concluded not to be bought; for how much, its id may tell.
                self.listed_without_cost(now, batch, attempt, then);
                if let Some(what) = seen.collect.clone() {
                    let confirm = Confirm { charge: held, posted_v, is_free: seen.row.cost.is_some() };
                    self.collect.confirm(what, confirm, self.clock.not_before(now));
                }
            }
        }
    }
}

impl Core {
    /// A list shows an attempt in doubt, and does not say that it was sold: what earlier scans lacked proves nothing, in no
    /// session.
    fn listed_without_cost(&mut self, now: Now, batch: BatchId, attempt: AttemptId, then: &mut Consequences) {
        if self.reconcile.seen_ready(batch, attempt, now.mono) && Rule::ShownSpoilsScans.is_kept() {
            then.write(Change::ScansInconclusive { batch });
        }
    }
}

/// How the rows of a page of the list are filed, where that can be told.
fn filed_by(source: Source, rows: &[SeenRow]) -> Option<Filed> {
    let Source::List(span, _) = source else { return None };
    let times: Vec<_> = rows
        .iter()
        .map(|seen| [seen.row.posted, seen.row.done].map(|time| time.map(|time| time.timestamp())))
        .collect();
    filed_in(span, &times)
}

/// Where an answer to a row is asked for.
fn endpoint_of(seen: &SeenRow) -> Option<Endpoint> {
    Some((seen.row.engine()?, seen.row.function()?))
}

/// A list may go on showing what was taken at first.
fn is_settled_later(seen: &SeenRow) -> bool {
    seen.row.function() == Some(Function::LlmResponses) && !seen.row.is_live()
}
