//! Every crash point: short scenarios whose process dies at every moment, before and after every effect and when a
//! reply arrives; further sessions then finish.

use std::time::Duration;

use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Faults, Rule, Settings, Spread};

use super::answers::answers_belong;
use super::asked::Asked;
use super::books::Books;
use super::checks::{Allowed, Before, Look};
use super::session::{Death, Fate, Session};
use super::wire::Road;
use super::world::{World, plain_account};

/// A short story, told again and again with another death in it.
#[derive(Clone)]
pub struct Scenario {
    pub name: String,
    settings: Settings,
    asked: Asked,
    /// The first life finds money for a part only.
    short: bool,
    /// A copy is made before the first life and put back after it.
    restored: bool,
    in_flight: u32,
}

fn plain(name: &str) -> Scenario {
    let asked = Asked::plain("short", 2);
    let settings = Settings { seed: 5, ..Settings::default() };
    Scenario { name: name.to_owned(), settings, asked, short: false, restored: false, in_flight: 20 }
}

/// The stories: quiet ones, and one for each fault at the first purchase and at a later one.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = vec![plain("quiet"), plain("two engines"), plain("both forms"), plain("a cap that cuts")];
    all[1].asked.engines = vec!["chat_gpt", "gemini"];
    all[2].asked.html = true;
    all[3].asked.run_cap = Money::from_nanos(3_600_000);
    let mut more =
        vec![plain("one at a time"), plain("the budget is raised"), plain("an older copy"), plain("high priority")];
    more[0].in_flight = 1;
    more[1].short = true;
    more[2].restored = true;
    more[3].asked.priority = "high";
    all.append(&mut more);
    let mut more =
        vec![plain("a day's cap"), plain("paid failures are retried"), plain("never shows what is unfinished")];
    more[0].asked.day_cap = Some(Money::from_nanos(2_400_000));
    more[1].asked.retry_paid_failures = 1;
    more[1].settings.failures_per_mille = 400;
    more[2].settings.switches.list_unfinished = false;
    all.append(&mut more);
    let mut more = vec![plain("models"), plain("models, live"), plain("pages, live"), plain("by a deadline")];
    (more[0].asked.models, more[1].asked.models) = (true, true);
    (more[1].asked.method, more[2].asked.method) = ("live", "live");
    (more[3].asked.deadline, more[3].asked.priority) = (Some("20m"), "auto");
    for fault in [Fault::DropAfter, Fault::LiveTimeout { charged: true }, Fault::LiveTimeout { charged: false }] {
        let mut scenario = more[1].clone();
        scenario.name = format!("{fault:?} at a Live call");
        scenario.settings.faults = Faults::from(vec![Rule::nth(fault, Call::Live, 2)]);
        more.push(scenario);
    }
    for fault in [Fault::DropAfter, Fault::PaidFailure { code: 40_101, at_post: false }] {
        let mut scenario = more[0].clone();
        scenario.name = format!("{fault:?} of models");
        scenario.settings.faults = Faults::from(vec![Rule::nth(fault, Call::TaskPost, 2)]);
        more.push(scenario);
    }
    let mut copied = more[0].clone();
    "an older copy of dear models".clone_into(&mut copied.name);
    (copied.restored, copied.asked.dear) = (true, true);
    copied.settings.turnaround_responses = Spread { min: Duration::from_hours(2), max: Duration::from_hours(9) };
    more.push(copied);
    all.append(&mut more);
    let faults = [
        Fault::RefuseBefore,
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::AcceptLate { after: Duration::from_mins(10) },
        Fault::AnswerLate { after: Duration::from_mins(2) },
        Fault::ErrorBefore { status: 502, html: true },
        Fault::ErrorAfter { status: 500, html: false },
        Fault::Truncate,
        Fault::MissingRows { rows: 1 },
        Fault::Reorder,
        Fault::RepeatRows { rows: 1 },
        Fault::Partial { tasks: 1 },
        Fault::Throttle40202,
        Fault::Throttle429 { after: Duration::from_secs(20) },
        Fault::Payment40210,
        Fault::Task50000 { tasks: 1 },
        Fault::Envelope50000,
        Fault::Html200,
        Fault::PaidFailure { code: 40_101, at_post: true },
        Fault::PaidFailure { code: 40_102, at_post: false },
    ];
    for fault in faults {
        for nth in [1, 2] {
            let mut scenario = plain(&format!("{fault:?} at purchase {nth}"));
            scenario.settings.faults = Faults::from(vec![Rule::nth(fault.clone(), Call::TaskPost, nth)]);
            all.push(scenario);
        }
    }
    all
}

/// Lives that may be needed to finish.
const MOST_LIVES: usize = 12;

impl Scenario {
    fn world(&self) -> World {
        let mut account = plain_account();
        account.limits.in_flight = self.in_flight;
        let road = Road { slow: Duration::from_millis(20), ..Road::default() };
        let began = "2026-11-22T12:00:00Z".parse().unwrap();
        World::new(5, began, self.settings.clone(), account, road)
    }

    fn session(&self, number: usize, death: Death) -> Session {
        let mut asked = self.asked.clone();
        if self.short && number == 0 {
            asked.run_cap = Money::from_nanos(2_400_000);
        }
        Session { jobs: vec![asked], death, ..Session::default() }
    }

    /// Moments of a first life that does not die.
    pub fn moments(&self) -> u64 {
        self.world().live(&self.session(0, Death::Never)).unwrap().moments
    }

    /// Dies at these moments, one life after the other, and then lives on until all is done. The number of moments of the
    /// life after the last death; `Err`: what must never happen.
    pub fn dies_at(&self, deaths: &[u64]) -> Result<u64, String> {
        let mut world = self.world();
        let copy = self.restored.then(|| {
            // One task is bought before the copy: what the provider's list must show to be believed.
            let mut first = self.session(0, Death::Never);
            first.jobs[0].run_cap = self.asked.price();
            world.live(&first).unwrap();
            (world.clock.true_time, world.disk.make_copy())
        });
        let mut forgotten = Vec::new();
        let mut moments = 0;
        let mut lost = false;
        for number in 0..MOST_LIVES + deaths.len() {
            let death = deaths.get(number).map_or(Death::Never, |at| Death::AtMoment(*at));
            let session = self.session(number, death);
            let before = Books::read(&world.disk.reader).map_err(|error| error.to_string())?;
            let entry = before.entries.last().map_or(0, |entry| entry.id);
            let lived = world.live(&session)?;
            if number == deaths.len() {
                moments = lived.moments;
            }
            let books = Books::read(&world.disk.reader).map_err(|error| error.to_string())?;
            lost &= books.restored || lived.start == 0;
            world.wire.sandbox.advance(world.clock.true_time);
            let (audit, sales) = (world.audit()?, world.wire.sandbox.sales().collect::<Vec<_>>());
            let allowed = Allowed { forgotten: forgotten.clone(), ..self.allowed(&session.jobs[0]) };
            let scan = Look {
                books: &books,
                audit: &audit,
                sales: &sales,
                allowed: &allowed,
                lost,
                duplicates: &world.wire.duplicates,
            };
            let before = Before { start: lived.start, planned: lived.planned.clone(), caps: before.caps, entry };
            scan.after_a_session(&before)?;
            scan.the_end_is_honest(&lived)?;
            if let Fate::Ended(end) = &lived.fate
                && number >= deaths.len().max(1)
                && (end.in_doubt, end.waiting, audit.held.nanos()) == (0, 0, 0)
                && (books.tasks_in(1, 0) == 0 || number > MOST_LIVES)
            {
                scan.at_the_end(&before.planned, !end.cuts.is_empty() || end.refused.is_some())?;
                answers_belong(&world.disk.reader)?;
                return Ok(moments);
            }
            if number == 0
                && let Some((made, copy)) = &copy
            {
                world.disk.restore(copy);
                forgotten.push((*made, world.clock.true_time));
                lost = true;
            }
            world.rest(Duration::from_hours(if number < 3 { 1 } else { 26 }));
        }
        let books = Books::read(&world.disk.reader).map_err(|error| error.to_string())?;
        if self.asked.run_cap < self.asked.cost() && books.tasks_in(1, 1) + books.tasks_in(1, 2) == 0 {
            return Ok(moments);
        }
        Err(format!("it has not ended: {:?}", books.tasks))
    }

    fn allowed(&self, asked: &Asked) -> Allowed {
        let name = asked.name.to_owned();
        let mut allowed = Allowed { again: asked.retry_paid_failures.into(), lists: true, ..Allowed::default() };
        allowed.run.insert(name.clone(), self.asked.run_cap.nanos());
        allowed.run_now.insert(name.clone(), asked.run_cap.nanos());
        allowed.job_day.insert(name.clone(), asked.day_cap.map(Money::nanos));
        allowed.asked_now.insert(name.clone(), asked.tasks() as u64);
        allowed.repeats.insert(name.clone(), asked.repeats as u64);
        allowed.periods.insert((name, "once".to_owned()));
        allowed.hasty.extend(asked.deadline.map(|_| asked.name.to_owned()));
        allowed
    }
}
