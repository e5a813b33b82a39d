//! The checkers. They see the ledger and the provider's bill, and nothing of what caused the trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use bursar::ledger::Audit;
use bursar::sandbox::Sale;
use bursar::tag::Tag;
use bursar::zone::Zone;
use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::books::{Attempt, Books};
use super::session::{Fate, Lived};

/// What holds in a campaign, from the one who asked and paid.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub struct Allowed {
    /// The highest ceiling that ever held, in nano-dollars; none: at some time there was none.
    pub run: BTreeMap<String, i64>,
    pub job_day: BTreeMap<String, Option<i64>>,
    pub job_month: BTreeMap<String, Option<i64>>,
    pub account_day: Option<i64>,
    pub account_month: Option<i64>,
    /// The ceiling of each run in the life that is looked at.
    pub run_now: BTreeMap<String, i64>,
    /// Tasks of a run, in the life that is looked at.
    pub asked_now: BTreeMap<String, u64>,
    pub timezone: BTreeMap<String, Zone>,
    /// How often a question may be answered in a run.
    pub repeats: BTreeMap<String, u64>,
    /// How often a paid failure may be bought again.
    pub again: u64,
    /// By how many seconds the provider's clock is ahead of the true time.
    pub skew: i64,
    /// The provider's list can be asked.
    pub lists: bool,
    /// Its list names what a model's task came to, once that is settled.
    pub list_settles: bool,
    /// The provider may have raised its prices: what it takes beyond what was held is no breach.
    pub price_rises: bool,
    /// The provider is not what bursar must be able to rely on: it may sell again what was concluded not to be bought.
    pub broken: bool,
    /// By how many per cent a job lets a price rise.
    pub drift: BTreeMap<String, u32>,
    /// Jobs that go by a deadline: the same task is bought at one price and then at another.
    pub hasty: BTreeSet<String>,
    /// What was held for each purchase when a ledger that knows it was first seen.
    pub held: BTreeMap<String, i64>,
    /// Purchases of which a ledger has known what they come to.
    pub settled: BTreeSet<String>,
    /// Job and period of every run that ever began.
    pub periods: BTreeSet<(String, String)>,
    /// Purchases that some copy booked as unmatched charges, since it did not know their tasks.
    pub once_extra: BTreeSet<String>,
    /// From when to when purchases were made by a ledger that is gone: since the copy that took its place.
    pub forgotten: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Allowed {
    /// An older copy has taken the ledger's place.
    pub(super) fn was_restored(&self) -> bool {
        !self.forgotten.is_empty()
    }

    /// A ledger that is gone made this purchase, and held the money for it.
    fn is_forgotten(&self, sale: &Sale) -> bool {
        self.forgotten.iter().any(|(from, to)| (*from..=*to).contains(&sale.posted))
    }
}

/// The start of a life, with what it found.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub start: i64,
    /// The runs that it came as far as to write the plans of.
    pub planned: Vec<i64>,
    pub caps: super::books::Caps,
    /// The last entry.
    pub entry: i64,
}

/// One look at ledger and bill.
pub struct Look<'a> {
    pub books: &'a Books,
    pub audit: &'a Audit,
    pub sales: &'a [Sale],
    pub allowed: &'a Allowed,
    /// Purchases of a ledger that is gone are not all found yet.
    pub lost: bool,
    /// Tags that arrived more often than they were sent, and how much more often.
    pub duplicates: &'a BTreeMap<String, u64>,
}

pub(super) type Checked = Result<(), String>;

pub(super) fn fail<T>(what: &str, figures: &dyn Debug) -> Result<T, String> {
    Err(format!("{what}: {figures:?}"))
}

impl Look<'_> {
    /// What holds after every life, whatever became of it.
    pub fn after_a_session(&self, before: &Before) -> Checked {
        if !self.audit.problems.is_empty() {
            return fail("the audit finds problems", &self.audit.problems);
        }
        self.no_tag_is_sold_twice()?;
        if !self.allowed.broken {
            self.nothing_is_paid_twice()?;
        }
        self.what_is_booked_was_sold()?;
        // What such a provider's list hides from a restored ledger that ledger never knows.
        let unknowable = self.allowed.broken && self.allowed.was_restored();
        if !self.lost && !unknowable {
            self.what_was_sold_is_known()?;
        }
        if !unknowable {
            self.no_cap_is_exceeded(before)?;
        }
        self.what_was_charged_is_believed()?;
        self.what_is_open_is_held_for()?;
        // A session that did not come to work may not have written its plan.
        self.tasks_are_conserved(&before.planned)
    }

    /// No purchase is sent twice: what is sold is tagged, and a tag is sold as often as it arrived.
    fn no_tag_is_sold_twice(&self) -> Checked {
        let mut tags: BTreeMap<&str, u64> = BTreeMap::new();
        for sale in self.sales {
            let Some(tag) = sale.tag.as_deref() else { return fail("sold without a tag", sale) };
            if tag.parse::<Tag>().is_err() {
                return fail("sold under a strange tag", sale);
            }
            *tags.entry(tag).or_default() += 1;
        }
        let duplicates = |tag: &str| self.duplicates.get(tag).copied().unwrap_or(0);
        match tags.iter().find(|(tag, times)| **times > 1 + duplicates(tag)) {
            Some(twice) => fail("one tag was sold more than once", &twice),
            None => Ok(()),
        }
    }

    /// Never paid twice: a task once and once more for each paid failure that may be retried, and a question as often as
    /// it was asked.
    fn nothing_is_paid_twice(&self) -> Checked {
        let mut hashes: BTreeMap<[u8; 16], Vec<&Sale>> = BTreeMap::new();
        let mut tasks: BTreeMap<i64, Vec<&Sale>> = BTreeMap::new();
        let mut questions: BTreeMap<(&str, u32, &str, String), Vec<&Sale>> = BTreeMap::new();
        for sale in self.sales {
            if let Some(tag) = tag_of(sale) {
                hashes.entry(tag.hash).or_default().push(sale);
            }
            if let Some(attempt) = self.books.bought.get(&sale.id) {
                tasks.entry(attempt.task).or_default().push(sale);
            }
            let place = (sale.prompt.as_str(), sale.location_code, sale.language_code, sale.engine.to_string());
            questions.entry(place).or_default().extend((sale.fails == 0).then_some(sale));
        }
        if let Some((_, sales)) = hashes.iter().find(|(_, sales)| sales.len() > 1) {
            return fail("one attempt of one task was sold more than once", sales);
        }
        let most = 1 + self.allowed.again;
        for (task, sales) in &tasks {
            let good = sales.iter().filter(|sale| sale.fails == 0).count();
            if good > 1 || sales.len() as u64 > most {
                return fail(&format!("task {task} was paid for {} times", sales.len()), sales);
            }
        }
        for (question, sales) in questions {
            let job = question.0.split(' ').next().unwrap_or_default();
            let runs = self.allowed.periods.iter().filter(|(of, _)| of == job).count() as u64;
            let most = self.allowed.repeats.get(job).copied().unwrap_or(0) * runs;
            if sales.len() as u64 > most {
                return fail(
                    &format!("a question was bought {} times and asked {most}", sales.len()),
                    &(question, sales),
                );
            }
        }
        Ok(())
    }

    /// No entry without a sale: what the ledger has charged is on the bill, under that id and to the nano-dollar. What is
    /// not settled stands at what was taken, or at what the provider said of it.
    fn what_is_booked_was_sold(&self) -> Checked {
        let sales: BTreeMap<&str, &Sale> = self.sales.iter().map(|sale| (sale.id.as_str(), sale)).collect();
        for (id, attempt) in &self.books.bought {
            let sale = sales.get(id.as_str());
            let is_so = |sale: &&Sale| match (attempt.settled, attempt.posted) {
                (Some(settled), _) => sale.comes_to.nanos() == settled - self.told_by_nobody(sale, attempt),
                (None, Some(posted)) => {
                    [sale.cost, sale.comes_to, sale.shown].iter().any(|said| said.nanos() == posted)
                }
                (None, None) => true,
            };
            if attempt.settled.or(attempt.posted).is_some_and(|cost| cost != 0) && !sale.is_some_and(is_so) {
                return fail("booked, and not on the bill like that", &(id, attempt, sale));
            }
        }
        for (id, cost) in &self.books.extra {
            let is_so = |sale: &&Sale| sale.comes_to.nanos() == cost - Self::back_of_extra(sale, *cost);
            if !sales.get(id.as_str()).is_some_and(is_so) {
                return fail("an unmatched charge that is not on the bill like that", &(id, cost));
            }
        }
        Ok(())
    }

    /// No lost charge: every sale has its attempt, which is bought under that id or in doubt; and it was written down
    /// before it was sold.
    fn what_was_sold_is_known(&self) -> Checked {
        for sale in self.sales {
            if self.books.extra.contains_key(&sale.id) {
                continue;
            }
            let row = tag_of(sale).map_or(0, |tag| tag.attempt);
            let known = self.books.bought.get(&sale.id);
            let Some(attempt) = known.or_else(|| self.books.attempts.get(&row)) else {
                return fail("sold, and not in the ledger", sale);
            };
            let may_be_given_up = self.allowed.broken;
            if known.is_none() && attempt.state != 0 && !may_be_given_up {
                return fail("sold, and held for not bought or for bought under another id", &(sale, attempt));
            }
            let posted_v = (sale.posted + TimeDelta::seconds(self.allowed.skew)).timestamp();
            // Another history's attempt of the same task may have the same number, and so the same tag.
            let is_its_own = attempt.id == row && !self.allowed.is_forgotten(sale);
            let is_after_its_hold = is_its_own && posted_v > attempt.hold_to_v && !may_be_given_up;
            if attempt.sent_v > posted_v + 2 || is_after_its_hold {
                return fail("sold at a time that its hold does not cover", &(sale, attempt, posted_v));
            }
        }
        Ok(())
    }

    /// Never over a cap: by the bill, against the highest ceiling that ever held; by the ledger's totals, which may
    /// stand above a ceiling that was lowered but not rise; and by run, no purchase where it does not fit the ceiling of
    /// its own start. Where prices rise, what was in flight then may cost more than was held for it (`dearer`).
    fn no_cap_is_exceeded(&self, before: &Before) -> Checked {
        let mut under: BTreeMap<(String, Option<i64>), Vec<&Sale>> = BTreeMap::new();
        let mut by_run: BTreeMap<i64, (Vec<&Sale>, bool)> = BTreeMap::new();
        for sale in self.sales {
            let mut add = |scope: String, limit: Option<i64>| under.entry((scope, limit)).or_default().push(sale);
            let time = sale.posted + TimeDelta::seconds(self.allowed.skew);
            add(format!("account's day {}", day(time, Zone::UTC)), self.allowed.account_day);
            add(format!("account's month {}", month(time, Zone::UTC)), self.allowed.account_month);
            let Some((attempt, run)) = self.run_of(sale) else { continue };
            let job = self.books.runs[&run].job.clone();
            let tz = self.allowed.timezone.get(&job).copied().unwrap_or(Zone::UTC);
            add(format!("run {run}"), self.allowed.run.get(&job).copied());
            let most = |caps: &BTreeMap<String, Option<i64>>| caps.get(&job).copied().flatten();
            add(format!("day {} of {job}", day(time, tz)), most(&self.allowed.job_day));
            add(format!("month {} of {job}", month(time, tz)), most(&self.allowed.job_month));
            let of_run = by_run.entry(run).or_default();
            of_run.0.push(sale);
            of_run.1 |= attempt.start == before.start;
        }
        let over = |sales: &[&Sale], limit: Option<i64>| {
            let sum: i64 = sales.iter().map(|sale| self.taken(sale)).sum();
            let over = limit.is_some_and(|limit| sum > limit && sum > limit + self.may_be_over_by(sales));
            over.then(|| (sum, limit, self.may_be_over_by(sales)))
        };
        for ((scope, limit), sales) in under {
            if let Some(over) = over(&sales, limit) {
                return fail("the bill is over a cap", &(scope, over));
            }
        }
        for (run, (sales, bought_now)) in by_run {
            let limit = self.allowed.run_now.get(&self.books.runs[&run].job).copied();
            // What a restored ledger takes over counts as its session's.
            if bought_now
                && before.start > 0
                && !self.allowed.was_restored()
                && let Some(over) = over(&sales, limit)
            {
                return fail("a session bought above the ceiling of its run", &(run, over));
            }
        }
        if !self.allowed.was_restored() {
            let beyond = self.overrun_since(before.entry);
            for (scope, (limit, committed)) in &self.books.caps {
                let was = before.caps.get(scope).map_or(0, |(_, committed)| *committed);
                let over = limit.is_some_and(|limit| *committed > limit.max(was) + beyond);
                // What a balance allows is what was read last.
                if over && scope.0 != "account_balance" && self.books.extra.is_empty() {
                    return fail("charged and held are over a ceiling", &(scope, limit, committed, was, beyond));
                }
            }
        }
        Ok(())
    }

    pub(super) fn run_of(&self, sale: &Sale) -> Option<(&Attempt, i64)> {
        // Money that belongs to no attempt counts for the account alone; the row in its tag is of another history. So it does
        // for a copy that knows its task: what it takes over may be past the ceiling that another copy did not count it in.
        if self.books.extra.contains_key(&sale.id) || self.allowed.once_extra.contains(&sale.id) {
            return None;
        }
        let row = tag_of(sale).map_or(0, |tag| tag.attempt);
        let by_row = || self.books.attempts.get(&row).filter(|_| !self.lost);
        let attempt = self.books.bought.get(&sale.id).or_else(by_row)?;
        Some((attempt, attempt.run))
    }

    /// Sales that the ledger has not booked.
    fn unknown(&self) -> Vec<&Sale> {
        let is_booked =
            |sale: &&Sale| self.books.bought.contains_key(&sale.id) || self.books.extra.contains_key(&sale.id);
        self.sales.iter().filter(|sale| !is_booked(sale)).collect()
    }

    /// What holds where a person has to decide: all that the books lack of the bill is in doubt, and held; and every
    /// answer has come.
    pub fn only_doubt_is_left(&self) -> Checked {
        let bill: i64 = self.sales.iter().map(|sale| sale.comes_to.nanos()).sum();
        let unknown = self.unknown();
        // A model's answer that is kept back for want of money has not said what it came to.
        let open: Vec<_> = self.sales.iter().filter_map(|sale| Some((sale, self.open_attempt(sale)?))).collect();
        let missing: i64 = unknown.iter().map(|sale| sale.comes_to.nanos()).sum::<i64>()
            + open.iter().map(|(sale, attempt)| sale.comes_to.nanos() - attempt.posted.unwrap_or(0)).sum::<i64>();
        if self.audit.charged.nanos() - self.back() + missing != bill {
            return fail("the ledger's total is not the bill without what is not known", &(self.audit, bill, unknown));
        }
        let of = |sale: &&&Sale| {
            let attempt = self.books.attempts.get(&tag_of(sale)?.attempt)?;
            (attempt.state == 0 && attempt.held >= sale.cost.nanos() - self.may_be_over_by(&[**sale])).then_some(())
        };
        // Of what a restored ledger does not know it has no row.
        if !self.books.restored
            && let Some(sale) = unknown.iter().find(|sale| of(sale).is_none())
        {
            return fail("not booked, and not in doubt", sale);
        }
        let unknown_batches: Vec<_> = self.books.attempts.values().filter(|attempt| attempt.state == 0).collect();
        let held: i64 = unknown_batches.iter().map(|attempt| attempt.held).sum::<i64>()
            + open.iter().map(|(_, attempt)| attempt.held - attempt.posted.unwrap_or(0)).sum::<i64>();
        if (self.audit.in_doubt, self.audit.held.nanos()) != (unknown_batches.len() as u64, held) {
            return fail("what is held is not what is in doubt", &(self.audit, unknown_batches));
        }
        let submitted: u64 = self.books.runs.keys().map(|run| self.books.tasks_in(*run, 2)).sum();
        if submitted == open.len() as u64 { Ok(()) } else { fail("answers that never came", &submitted) }
    }

    /// Every task that is asked is in the ledger once.
    fn tasks_are_conserved(&self, planned: &[i64]) -> Checked {
        for (run, facts) in self.books.runs.iter().filter(|(run, _)| planned.contains(run)) {
            let asked = self.books.asked.get(run).copied().unwrap_or(0);
            let want = self.allowed.asked_now.get(&facts.job).copied().unwrap_or(0);
            if facts.state != "closed" && want > 0 && asked != want {
                return fail("tasks in the ledger are not those that are asked", &(run, facts, asked, want));
            }
        }
        Ok(())
    }

    /// What a session says at its end is what stands in the ledger.
    pub fn the_end_is_honest(&self, lived: &Lived) -> Checked {
        let Fate::Ended(end) = &lived.fate else { return Ok(()) };
        let submitted: u64 = self.books.runs.keys().map(|run| self.books.tasks_in(*run, 2)).sum();
        if (self.audit.in_doubt > 0) != (end.in_doubt > 0) && !self.books.restored {
            return fail("what the end says of doubts is not so", &(end, self.audit.in_doubt));
        }
        if (submitted > 0) != (end.waiting > 0) {
            return fail("what the end says of answers to come is not so", &(end, submitted));
        }
        Ok(())
    }

    /// What holds when all is over and the weather was good: nothing is open, and the books are the bill. Of a provider that
    /// is not what it must be, the books lack what it has never shown, and nothing else.
    pub fn at_the_end(&self, planned_last: &[i64], may_leave: bool) -> Checked {
        let bill: i64 = self.sales.iter().map(|sale| sale.comes_to.nanos()).sum();
        let audit = self.audit;
        let unknown = self.unknown();
        let unseen: i64 = if self.allowed.broken { unknown.iter().map(|sale| sale.comes_to.nanos()).sum() } else { 0 };
        let back: i64 = self.back();
        self.what_the_list_names_is_booked()?;
        if audit.charged.nanos() - back + unseen != bill {
            return fail("the ledger's total is not the bill", &(audit.charged, back, bill, unknown));
        }
        // A purchase for a task that only the ledger before a restoration knew belongs to none.
        let is_explained = self.allowed.was_restored() || self.allowed.broken;
        let extra = if is_explained { 0 } else { audit.extra_charges };
        if (audit.held.nanos(), audit.in_doubt, extra) != (0, 0, 0) {
            return fail("held, in doubt or extra at the end", &(audit.held, audit.in_doubt, audit.extra_charges));
        }
        for (run, facts) in &self.books.runs {
            let [planned, sending, submitted] = [0, 1, 2].map(|state| self.books.tasks_in(*run, state));
            // A run of another period waits for it.
            let is_its_time = facts.state != "closed" && planned_last.contains(run);
            let left = if is_its_time && !may_leave { planned } else { 0 };
            if left + sending + submitted > 0 {
                return fail("tasks without an end", &(run, facts, planned, sending, submitted));
            }
        }
        Ok(())
    }
}

pub(super) fn tag_of(sale: &Sale) -> Option<Tag> {
    sale.tag.as_deref().and_then(|tag| tag.parse().ok())
}

fn day(time: DateTime<Utc>, tz: Zone) -> String {
    tz.local(time).format("%Y-%m-%d").to_string()
}

fn month(time: DateTime<Utc>, tz: Zone) -> String {
    let time = tz.local(time);
    format!("{}-{:02}", time.year(), time.month())
}
