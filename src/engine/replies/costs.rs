//! The result of a scan for provisional costs: it corrects the books, and the correction is reported.

use super::consequences::Consequences;
use super::refused::{Limit, millis, problem_text};
use crate::clock::Now;
use crate::engine::core::{Core, Step};
use crate::engine::reconcile::costs::{Sought, attempts, is_for_good, is_out_of_reach};
use crate::engine::vocabulary::Effect;
use crate::event::EventKind;
use crate::ledger::{Change, Provisional, Settlement};
use crate::money::Money;
use crate::price::NamedIn;
use crate::product::{Function, Method, Priority};
use crate::provider::codes::Class;
use crate::provider::{ListProblem, Listed};

impl Core {
    /// The ledger has said which costs were booked provisionally and are to be looked for, and which the list can no
    /// longer name.
    pub(in crate::engine) fn provisional(
        &mut self,
        now: Now,
        wanted: Vec<Provisional>,
        settlements: Vec<Settlement>,
        out: &mut Vec<Effect>,
    ) {
        let provider_now = self.clock.not_before(now);
        let (beyond, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|row| is_out_of_reach(row, provider_now));
        let mut then = Consequences::default();
        cost_stays(&beyond, &mut then);
        then.flush(out);
        // The fee tells a figure of the purchase from what the task came to.
        let asks_fee = wanted.iter().any(|row| is_settled_later(row) && !is_named_at_first(row));
        if asks_fee && !std::mem::replace(&mut self.fee_asked, true) {
            self.balance = Step::Wanted;
        }
        self.costs.begin(wanted, settlements, now.mono);
    }

    /// A page of the scan for costs.
    pub(super) fn cost_page(
        &mut self,
        now: Now,
        outcome: Result<Vec<Listed>, ListProblem>,
        answered: bool,
        then: &mut Consequences,
    ) {
        match outcome {
            Ok(rows) => {
                if let Some(sought) = self.costs.page_read(&rows) {
                    self.costs_sought(now, &sought, then);
                }
            }
            Err(problem) => {
                // Who may not ask for the list is not let in by asking again.
                if matches!(&problem, ListProblem::Refused(refusal) if refusal.class == Class::Halt) {
                    self.costs.leave();
                }
                if let Some(wait) = self.costs.page_failed(now.mono) {
                    let why = format!("the provider's list of tasks cannot be read ({})", problem_text(&problem));
                    then.tell(EventKind::Paused { for_ms: millis(wait), why });
                }
                self.list_problem(now, problem, Limit::List, answered, &mut then.out);
            }
        }
    }

    /// The scan is through: what the list names replaces what was booked.
    fn costs_sought(&mut self, now: Now, sought: &Sought, then: &mut Consequences) {
        let provider_now = self.clock.not_before(now);
        let (mut found, mut left) = (Vec::new(), Vec::new());
        for (row, named) in &sought.wanted {
            match named.and_then(|named| self.final_cost(row, named, sought)) {
                Some(cost) => found.push((row.attempt, row.booked, cost)),
                None => left.push((row.clone(), *named)),
            }
        }
        let (for_good, left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(row, named)| is_for_good(row, *named, provider_now));
        if !left.is_empty() {
            then.write(Change::CostSought { attempts: attempts(&left), at_v: provider_now });
        }
        cost_stays(&for_good.into_iter().map(|(row, _)| row).collect::<Vec<_>>(), then);
        for (attempt, booked, cost) in &found {
            self.progress.charged += *cost - *booked;
            then.write(Change::CostFound { attempt: *attempt, cost: *cost });
        }
        found.retain(|(_, booked, cost)| booked != cost);
        if !found.is_empty() {
            let tasks = found.len() as u64;
            let booked = found.iter().map(|(_, booked, _)| *booked).sum();
            let cost = found.iter().map(|(_, _, cost)| *cost).sum();
            self.corrected = (self.corrected.0 + tasks, self.corrected.1 + booked, self.corrected.2 + cost);
            then.tell(EventKind::CostsCorrected { tasks, booked, cost });
            // A cap may have room again.
            self.dispatch.start_over();
        }
    }

    /// What a finished task came to, by the figure that the list names for it; `None` where that may be what was taken at
    /// first.
    fn final_cost(&self, row: &Provisional, named: Money, sought: &Sought) -> Option<Money> {
        if named.is_zero() {
            // A task that failed may have cost nothing in the end, where the list is seen to name what others cost.
            return (row.has_failed && sought.names_costs && is_settled_later(row)).then_some(named);
        }
        if !is_settled_later(row) {
            return Some(named);
        }
        let shown = self.fees_shown(row.last);
        let is_fee = named == crate::price::unfinished(row.first);
        // What was finished came to more than its fee, whether or not others show that this list names fees alone. What was
        // named of a finished task tells no fee: it may have been what the task had come to.
        if is_fee && (sought.names_fees || !row.has_failed && is_named_at_first(row)) {
            return None;
        }
        let fee_is_known = self.dispatch.account_price((Function::LlmResponses, Method::Standard, Priority::Normal));
        let has_changed = row.first.is_some_and(|first| first != named);
        if !is_named_at_first(row) && !has_changed && fee_is_known.is_none() {
            return None;
        }
        crate::price::came_to(named, row.first, row.named_in, &shown)
    }
}

/// The list names no other figure for these, and will not: what is booked is the most that they can have cost.
fn cost_stays(rows: &[Provisional], then: &mut Consequences) {
    for row in rows {
        then.write(Change::CostStays { attempt: row.attempt });
    }
    if !rows.is_empty() {
        let (tasks, booked) = (rows.len() as u64, rows.iter().map(|row| row.booked).sum());
        then.tell(EventKind::CostsStay { tasks, booked });
    }
}

/// Its cost is another than what was taken at first.
fn is_settled_later(row: &Provisional) -> bool {
    (row.function, row.method) == (Function::LlmResponses, Method::Standard)
}

/// What was taken at first is known.
fn is_named_at_first(row: &Provisional) -> bool {
    row.first.is_some() && row.named_in != NamedIn::ListWhenDone
}
