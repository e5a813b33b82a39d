//! How long a month's budget lasts, for a job that is asked anew every day or week.

use chrono::{Datelike, Duration, Months, NaiveDate};

use crate::job::Job;
use crate::money::Money;
use crate::period::{Period, PeriodKind};
use crate::plan::{Headroom, Plan, Scope};

/// A budget of the month that does not pay for all of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    /// What a whole run costs, and how often there is one, in words.
    pub(super) each: (Money, &'static str),
    /// The budget.
    pub(super) headroom: Headroom,
    /// The first day whose run is not bought whole.
    pub(super) until: NaiveDate,
    /// What would do until the month ends, with what other runs have spent in it.
    pub(super) enough: Money,
}

impl Forecast {
    /// The budgets of the month that end before it does, if each of the coming runs costs what this one does.
    pub(super) fn of(job: &Job, period: &Period, plan: &Plan, headrooms: &[Headroom]) -> Vec<Self> {
        let (step, every) = match job.period {
            PeriodKind::Day => (1, "day"),
            PeriodKind::Week => (7, "week"),
            PeriodKind::Hour | PeriodKind::Month | PeriodKind::Once => return Vec::new(),
        };
        // A day of the job's zone may begin on the UTC day before.
        let first = (period.from + Duration::hours(13)).date_naive();
        let Some(next_month) = first.with_day(1).and_then(|day| day.checked_add_months(Months::new(1))) else {
            return Vec::new();
        };
        let each = plan.total.cost.min(job.budget.run);
        let own =
            headrooms.iter().find(|headroom| headroom.scope == Scope::Run).map_or(Money::MAX, |headroom| headroom.left);
        let this = plan.cut.as_ref().map_or(plan.total.allocated_cost, |cut| cut.whole).min(own);
        let later = u64::try_from((next_month - first).num_days() - 1).unwrap_or(0) / step;
        let of_month = |headroom: &&Headroom| matches!(headroom.scope, Scope::JobMonth | Scope::AccountMonth);
        let forecast = |headroom: &Headroom| {
            let needs = this.saturating_add(each.saturating_mul(later));
            let whole = if this > headroom.left {
                None
            } else {
                headroom.left.less(this).nanos().checked_div(each.nanos()).map(i64::unsigned_abs)
            };
            let runs = whole.map_or(0, |whole| whole + 1);
            let until = first.checked_add_signed(Duration::days(i64::try_from(runs * step).ok()?))?;
            let enough = headroom.used.saturating_add(needs);
            (needs > headroom.left).then(|| Self { each: (each, every), headroom: headroom.clone(), until, enough })
        };
        headrooms.iter().filter(of_month).filter_map(forecast).collect()
    }

    /// In words.
    pub(super) fn says(&self) -> String {
        let ((each, every), headroom) = (&self.each, &self.headroom);
        format!(
            "at {each} a {every} the {} ({}) lasts until {}; {} would do for all of the month",
            headroom.name, headroom.limit, self.until, self.enough
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::config::Config;
    use crate::engine::own_headrooms;
    use crate::plan::plan;
    use crate::price::PriceList;

    fn said(period: &str, month: &str, begins: &str) -> Vec<String> {
        let prompts: Vec<String> = (0..300).map(|n| format!("\"q {n}\"")).collect();
        let text = format!(
            "period = \"{period}\"\ntimezone = \"Europe/Berlin\"\n[budget]\nrun = \"10\"\nmonth = \"{month}\"\n\
             [[prompt_set]]\nname = \"a\"\nrepeats = 10\nengine = \"gemini\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\n\
             prompts = [{}]\n",
            prompts.join(", ")
        );
        let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let config = Config::built_in(Path::new("jobs"));
        let job = crate::job::check(Path::new("jobs/j.toml"), &text, &config, &files).unwrap();
        let headrooms = own_headrooms(&job);
        let plan = plan(&job, &PriceList::default(), &headrooms).unwrap();
        let from = begins.parse().unwrap();
        Forecast::of(&job, &Period { id: String::new(), from, to: from }, &plan, &headrooms)
            .iter()
            .map(Forecast::says)
            .collect()
    }

    #[test]
    fn a_month_that_ends_before_its_runs_is_foretold() {
        let first = "2026-11-30T23:00:00Z";
        let days = "at $3.60 a day the job's budget of the month ($20.00) lasts until 2026-12-06; $111.60 would do for all \
                    of the month";
        assert_eq!(said("day", "20", first), [days]);
        assert!(said("day", "111.60", first).is_empty());
        let weeks = "at $3.60 a week the job's budget of the month ($10.00) lasts until 2026-12-21; $14.40 would do for all \
                     of the month";
        assert_eq!(said("week", "10", "2026-12-06T23:00:00Z"), [weeks]);
        assert!(said("once", "20", first).is_empty());
    }
}
