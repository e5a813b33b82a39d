//! The final cost of models' tasks: the provider takes first and returns later, and does not always say so.

use bursar::product::{Function, Method};
use bursar::sandbox::Sale;

use super::books::Attempt;
use super::checks::{Checked, Look, fail};

impl Look<'_> {
    /// A model's task that is bought and not settled is charged or held for all that it comes to, whoever bought it.
    pub(super) fn what_is_open_is_held_for(&self) -> Checked {
        for sale in self.sales.iter().filter(|_| !self.allowed.price_rises) {
            let Some(attempt) = self.open_attempt(sale) else { continue };
            // Of one that was given up and is found, no more is held than it may come to beyond its charge.
            if attempt.held.max(attempt.posted.unwrap_or(0)) < sale.comes_to.nanos() {
                return fail("it may come to more than is held for it", &(sale, attempt));
            }
        }
        Ok(())
    }

    /// The attempt of a model's task whose answer has not come.
    pub(super) fn open_attempt(&self, sale: &Sale) -> Option<&Attempt> {
        let attempt = self.books.bought.get(&sale.id)?;
        (attempt.state == 1 && attempt.settled.is_none() && attempt.price_class.1 == "llm_responses").then_some(attempt)
    }

    /// What the provider has given back of a model's task whose answer never came, or not whole: no reply says so, so that what
    /// was taken stands in the books.
    pub(super) fn told_by_nobody(&self, sale: &Sale, attempt: &Attempt) -> i64 {
        let is_model = attempt.price_class.1 == "llm_responses";
        let is_open = is_model && matches!(attempt.state, 5 | 6);
        // Nor does anything where no list can be asked: not what was taken beside the model's charge, nor what that was.
        let is_unsaid = is_model && attempt.was_in_doubt;
        let is_assumed = !self.allowed.lists && (is_unsaid || attempt.settled == Some(attempt.held));
        // An answer that was kept cut short lacks it: all that was held stands, until the list names it.
        let is_awaited =
            is_model && attempt.state == 2 && attempt.is_provisional && attempt.settled == Some(attempt.held);
        let back = attempt.settled.unwrap_or(0) - sale.comes_to.nanos();
        if is_open || is_assumed || is_awaited { self.unless_dearer(back) } else { 0 }
    }

    /// At the end the books are above the bill by nothing that the list tells: it names what a task came to, where it names that
    /// at all, and where that is not the figure of the purchase.
    pub(super) fn what_the_list_names_is_booked(&self) -> Checked {
        if !self.allowed.list_settles || self.allowed.broken || self.allowed.price_rises {
            return Ok(());
        }
        for sale in self.sales {
            let Some(attempt) = self.books.bought.get(&sale.id) else { continue };
            let is_told = sale.comes_to != sale.shown && sale.comes_to.nanos() > 0 && sale.cost == sale.comes_to;
            // Found in the list by what it had come to, which is then the figure of its purchase.
            let is_told = is_told && attempt.posted != Some(sale.comes_to.nanos());
            if is_told && self.told_by_nobody(sale, attempt) != 0 {
                return fail("booked above what the list names", &(sale, attempt));
            }
        }
        Ok(())
    }

    /// Where nothing rises, the books never hold less than the bill.
    fn unless_dearer(&self, back: i64) -> i64 {
        if self.allowed.price_rises { back } else { back.max(0) }
    }

    /// A model's task that belongs to no attempt stands at what was taken at first: no answer is fetched for it, and so
    /// nobody says what it came to, less or more.
    pub(super) fn back_of_extra(sale: &Sale, booked: i64) -> i64 {
        let settles_later = (sale.function, sale.method) == (Function::LlmResponses, Method::Standard);
        if settles_later { booked - sale.comes_to.nanos() } else { 0 }
    }

    /// All of that.
    pub(super) fn back(&self) -> i64 {
        let extra = self.sales.iter().filter_map(|sale| Some((sale, *self.books.extra.get(&sale.id)?)));
        let extra: i64 = extra.map(|(sale, booked)| Self::back_of_extra(sale, booked)).sum();
        let booked = self.sales.iter().filter_map(|sale| Some((sale, self.books.bought.get(&sale.id)?)));
        extra + booked.map(|(sale, attempt)| self.told_by_nobody(sale, attempt)).sum::<i64>()
    }

    /// What counts of a purchase under a cap: what the provider has taken by now; and once its answer has said what it comes
    /// to, that, though the provider may give back the rest later.
    pub(super) fn taken(&self, sale: &Sale) -> i64 {
        let is_settled = self.books.bought.get(&sale.id).is_some_and(|attempt| attempt.settled.is_some());
        if is_settled || self.allowed.settled.contains(&sale.id) { sale.comes_to.nanos() } else { sale.cost.nanos() }
    }
}
