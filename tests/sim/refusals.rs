//! Why tasks may be left unbought at the end: a reason that a session gives must be true.

use bursar::engine::End;
use bursar::plan::Headroom;
use bursar::sandbox::Fault;

use super::books::Books;
use super::campaign::Campaign;
use super::checks::{Checked, fail};

/// The dearest that a task of the scraper is by the list: Live, where a deadline is near.
const DEAREST_PAGE: i64 = 4_000_000;

impl Campaign {
    /// Every run with tasks left was cut by a ceiling that has no room for one of them, or is refused by the provider as the
    /// weather has it.
    pub(super) fn what_is_left_is_left_for_a_reason(&self, books: &Books, end: &End) -> Checked {
        for (run, facts) in &books.runs {
            let planned = books.tasks_in(*run, 0);
            let Some(job) = self.weather.jobs.iter().find(|job| job.name == facts.job) else { continue };
            if planned == 0 || facts.state == "closed" || !self.before.planned.contains(run) {
                continue;
            }
            let one = if job.deadline.is_some() { DEAREST_PAGE } else { job.price().nanos() };
            let cut = end.cuts.iter().find(|(of, _)| of.0 == *run).map(|(_, headroom)| headroom);
            match (cut, &end.refused) {
                (Some(headroom), _) if self.has_no_headroom(books, headroom, one) => {}
                (_, Some(refused)) if self.is_refused(refused) => {}
                _ => return fail("tasks are left for no true reason", &(facts, planned, one, cut, &end.refused, end)),
            }
        }
        Ok(())
    }

    /// By the ledger's totals the ceiling leaves less than one task.
    fn has_no_headroom(&self, books: &Books, headroom: &Headroom, one: i64) -> bool {
        let of_it = books.caps.values().filter(|(limit, _)| *limit == Some(headroom.limit.nanos()));
        let mut left = of_it.map(|(_, committed)| headroom.limit.nanos() - committed);
        left.any(|left| left < one || self.weather.price_rises)
    }

    /// What this provider refuses for good.
    fn is_refused(&self, why: &str) -> bool {
        let weather = &self.weather;
        if why.contains("was expected") {
            weather.price_rises
        } else if why.contains("odd in the same way") {
            weather.settings.faults.rules.iter().any(|rule| matches!(rule.fault, Fault::OddAnswer { .. }))
        } else if why.contains("refused whole") || why.contains("in which") {
            let is_wall = |fault: &Fault| matches!(fault, Fault::RefuseBody { .. } | Fault::RefuseLarge { .. });
            weather.settings.faults.rules.iter().any(|rule| is_wall(&rule.fault))
        } else if why.contains("this route") {
            !weather.account.route.shows_lists()
        } else {
            let plain = bursar::sandbox::Settings::default();
            weather.settings.day_limit.is_some() || weather.settings.start_balance != plain.start_balance
        }
    }
}
