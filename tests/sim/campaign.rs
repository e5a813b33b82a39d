//! A whole campaign: sessions in bad weather, then sessions in good weather until nothing changes, with checks after
//! each.

use std::time::Duration;

use bursar::ledger::Audit;
use bursar::sandbox::Sale;
use chrono::{DateTime, Utc};

use super::answers::answers_belong;
use super::asked::Asked;
use super::beside::BESIDE;
use super::books::Books;
use super::checks::{Allowed, Before, Look, tag_of};
use super::disk::Copy;
use super::handshake;
use super::journal::Struck;
use super::session::{Death, Fate, Lived, Session, Trouble};
use super::weather::{Draw, Weather, draw_caps};
use super::world::World;

/// What a campaign came to.
pub struct Outcome {
    pub seed: u64,
    /// What must never happen and did.
    pub failure: Option<String>,
    pub journal: String,
    /// A hash of it, where many campaigns are run.
    pub digest: String,
    pub struck: Struck,
    pub sessions: u64,
    pub tasks: u64,
    pub simulated: Duration,
    /// Purchases that were made twice because the provider is not what it must be, and how many of them no list has shown.
    pub doubled: (u64, u64),
}

/// Lives in good weather after which a campaign must have ended.
const MOST_CALM_LIVES: usize = 40;
/// Lives in good weather after which nothing more is asked, and what was bought is collected: a job may ask more in a week
/// than its day's cap lets through.
const LONG_CALM_LIVES: usize = 80;
/// Most lives in bad weather.
const MOST_TROUBLED_LIVES: usize = 7;

pub(super) struct Campaign {
    pub(super) world: World,
    pub(super) weather: Weather,
    draw: Draw,
    /// What is drawn for the job beside the pages, so that the rest of a campaign is the same without it.
    beside: Draw,
    /// Where this machine's clock may lie in another period than the provider's: by how much, drawn for each life.
    clocks: Option<Draw>,
    pub(super) allowed: Allowed,
    pub(super) before: Before,
    /// Copies of the ledger, and when each was made.
    copies: Vec<(DateTime<Utc>, Copy)>,
    lost: bool,
    doubled: (u64, u64),
}

/// Runs the campaign of a seed.
pub fn run(seed: u64, aloud: bool) -> Outcome {
    run_with(seed, aloud, |weather| {
        weather.beside(seed);
        weather.odd_answers(seed);
        weather.walls(seed);
    })
}

/// Runs the campaign of a seed, pages alone, in a weather that somebody has changed.
pub fn run_with(seed: u64, aloud: bool, change: impl Fn(&mut Weather)) -> Outcome {
    let (mut weather, draw) = Weather::of(seed);
    change(&mut weather);
    let (settings, account, road) = (weather.settings.clone(), weather.account.clone(), weather.road.clone());
    let mut world = World::new(seed, weather.began, settings, account, road);
    world.journal.aloud = aloud;
    world.line(format_args!("{:?} {:?}", weather.jobs, weather.habits));
    world.line(format_args!("{:?} {:?}", weather.settings, weather.road));
    let allowed = Allowed {
        skew: weather.skew,
        lists: weather.account.route.shows_lists(),
        list_settles: weather.settings.switches.list_settled_cost && weather.account.route.shows_lists(),
        price_rises: weather.price_rises,
        broken: weather.broken,
        ..Allowed::default()
    };
    world.shakes_hands = seed >= handshake::FIRST_SEED;
    world.skew = weather.skew;
    let mut clocks = Draw(fastrand::Rng::with_seed(seed ^ 0x000C_10C5));
    let wrong_clocks = world.shakes_hands && clocks.by(0.4);
    let mut campaign = Campaign {
        world,
        weather,
        draw,
        beside: Draw(fastrand::Rng::with_seed(seed ^ 0x00BE_51DE)),
        clocks: wrong_clocks.then_some(clocks),
        allowed,
        before: Before::default(),
        copies: Vec::new(),
        lost: false,
        doubled: (0, 0),
    };
    let failure = campaign.troubled().and_then(|()| campaign.calm()).err();
    campaign.note_what_struck();
    let Campaign { world, weather, doubled, .. } = campaign;
    Outcome {
        seed,
        failure,
        struck: world.struck,
        sessions: world.sessions,
        tasks: weather.jobs.iter().map(|job| job.tasks() as u64).sum(),
        simulated: (world.clock.true_time - weather.began).to_std().unwrap_or_default(),
        journal: world.journal.text().to_owned(),
        digest: String::new(),
        doubled,
    }
}

impl Campaign {
    fn troubled(&mut self) -> Result<(), String> {
        let sessions = self.draw.0.usize(1..=MOST_TROUBLED_LIVES);
        for _ in 0..sessions {
            let session = self.draw_session();
            let wrong_by = self.clocks.as_mut().map_or(0, handshake::wrong_by);
            self.world.clock.jump(wrong_by);
            self.live(&session)?;
            self.world.clock.jump(-wrong_by);
            if self.world.clock.true_time > self.weather.clears {
                break;
            }
            self.between();
        }
        // The sandbox counts from its first call.
        let left = (self.weather.clears - self.world.clock.true_time).to_std().unwrap_or_default();
        self.world.rest(left + Duration::from_hours(1));
        self.world.clock.set_right();
        Ok(())
    }

    fn calm(&mut self) -> Result<(), String> {
        let jobs = self.weather.jobs.clone();
        let (mut planned_before, mut sold_before, mut costs_sought) = (None, 0, false);
        // What the provider's own limit of the day lets through only day by day takes as many days as it takes.
        let (mut number, mut idle) = (0, 0);
        while idle < MOST_CALM_LIVES && number < 2 * LONG_CALM_LIVES {
            let jobs = if number > LONG_CALM_LIVES { Vec::new() } else { jobs.clone() };
            let lived = self.live(&Session { jobs, ..Session::default() })?;
            let end = match lived.fate {
                Fate::Ended(end) => end,
                Fate::NotBegun(why) => return Err(format!("a session in good weather did not begin: {why}")),
                Fate::Died => return Err("a session in good weather died".to_owned()),
            };
            let (books, audit, sales) = self.scan()?;
            let current = &self.before.planned;
            let open = books.runs.iter().filter(|(id, run)| run.state != "closed" && current.contains(id));
            let planned: u64 = open.map(|(run, _)| books.tasks_in(*run, 0)).sum();
            let settled = (end.in_doubt, end.waiting, audit.in_doubt, audit.held.nanos()) == (0, 0, 0, 0);
            let stuck = planned_before == Some(planned) && number > 2;
            if settled && books.provisional > 0 && self.allowed.list_settles && !costs_sought {
                // The list may have settled since it was read; it is read again a day later.
                costs_sought = true;
            } else if settled && (planned == 0 || stuck) {
                self.what_is_left_is_left_for_a_reason(&books, &end)?;
                self.looking(&books, &audit, &sales).at_the_end(&self.before.planned, true)?;
                if self.weather.broken {
                    self.count_doubled(&books, &sales);
                    self.what_was_given_up_is_found()?;
                }
                return answers_belong(&self.world.disk.reader);
            }
            if number > 4 && stays_in_doubt(&books) {
                self.world.struck.note("restored without a known purchase: nothing is bought until a person decides");
                if sold_before != sales.len() {
                    return Err("a restored ledger that can know nothing has bought".to_owned());
                }
                self.looking(&books, &audit, &sales).only_doubt_is_left()?;
                return answers_belong(&self.world.disk.reader);
            }
            if number > 4 && audit.in_doubt > 0 && !self.world.account.route.shows_lists() {
                self.world.struck.note("in doubt for good behind the gateway: a person decides");
                self.looking(&books, &audit, &sales).only_doubt_is_left()?;
                return answers_belong(&self.world.disk.reader);
            }
            idle += usize::from(sold_before == sales.len());
            (planned_before, sold_before) = (Some(planned), sales.len());
            self.world.rest(Duration::from_secs(match number {
                _ if costs_sought => 26 * 3_600,
                0 => 600,
                1 => 7_200,
                // A day and a bit, so that the hour of the day changes as well.
                _ => 26 * 3_600,
            }));
            number += 1;
        }
        Err(format!(
            "after {number} starts in good weather, {idle} of which bought nothing, the campaign has not ended"
        ))
    }

    /// Lives a life and checks what it left.
    pub(super) fn live(&mut self, session: &Session) -> Result<Lived, String> {
        self.allow(session);
        let number = self.world.sessions + 1;
        self.world.line(format_args!("life {number}: {session:?}"));
        let before = Books::read(&self.world.disk.reader).map_err(|error| error.to_string())?;
        let entry = before.entries.last().map_or(0, |entry| entry.id);
        let lived = self.world.live(session)?;
        self.before = Before { start: lived.start, planned: lived.planned.clone(), caps: before.caps, entry };
        let (books, audit, sales) = self.scan()?;
        let lost = self.lost;
        self.allowed.once_extra.extend(books.extra.keys().cloned());
        for sale in &sales {
            // What a restored ledger took over, another had held something for, which may have died before it knew more.
            let in_doubt = || books.attempts.get(&tag_of(sale)?.attempt).filter(|attempt| attempt.state == 0 && !lost);
            let attempt = books.bought.get(&sale.id).or_else(in_doubt);
            if let Some(attempt) = attempt.filter(|attempt| attempt.held > 0 && !attempt.recovered) {
                self.allowed.held.entry(sale.id.clone()).or_insert(attempt.held);
            }
            if books.bought.get(&sale.id).is_some_and(|attempt| attempt.settled.is_some()) {
                self.allowed.settled.insert(sale.id.clone());
            }
        }
        if self.lost && lived.start > 0 && !books.restored {
            self.lost = false;
        }
        for run in books.runs.values() {
            self.allowed.periods.insert((run.job.clone(), run.period.clone()));
        }
        let scan = self.looking(&books, &audit, &sales);
        scan.after_a_session(&self.before)?;
        scan.the_end_is_honest(&lived)?;
        if self.world.shakes_hands {
            let kinds = self.weather.jobs.iter().map(|job| {
                let kind = bursar::period::PeriodKind::ALL.iter().find(|kind| kind.name() == job.period);
                (job.name.to_owned(), (*kind.unwrap(), job.timezone.parse().unwrap()))
            });
            handshake::nothing_is_bought_for_another_period(&books, &self.world.opened, &kinds.collect())?;
        }
        self.the_balance_is_kept(&sales)?;
        self.rates()?;
        let tasks: Vec<_> = audit.tasks.iter().map(|count| (&count.state[..], count.tasks)).collect();
        let (charged, held, in_doubt) = (audit.charged, audit.held, audit.in_doubt);
        self.world.line(format_args!("{tasks:?} charged {charged} held {held} in doubt {in_doubt}"));
        Ok(lived)
    }

    pub(super) fn scan(&mut self) -> Result<(Books, Audit, Vec<Sale>), String> {
        let now = self.world.clock.true_time;
        self.world.wire.sandbox.advance(now);
        let audit = self.world.audit()?;
        let books = Books::read(&self.world.disk.reader).map_err(|error| error.to_string())?;
        Ok((books, audit, self.world.wire.sandbox.sales().collect()))
    }

    fn looking<'a>(&'a self, books: &'a Books, audit: &'a Audit, sales: &'a [Sale]) -> Look<'a> {
        Look { books, audit, sales, allowed: &self.allowed, lost: self.lost, duplicates: &self.world.wire.duplicates }
    }

    /// Politeness: in no 60 seconds more calls than the provider allows.
    fn rates(&self) -> Result<(), String> {
        let limits = &self.weather.account.limits;
        let sandbox = &self.world.wire.sandbox;
        for (call, most) in [
            (None, limits.calls_per_minute),
            (Some(bursar::sandbox::Call::TasksReady), limits.tasks_ready_per_minute),
            (Some(bursar::sandbox::Call::IdList), limits.id_list_per_minute),
            (Some(bursar::sandbox::Call::UserData), limits.user_data_per_minute),
        ] {
            let peak = sandbox.peak_per_minute(call);
            // What arrives more often than it was sent was not called more often.
            if peak > most as usize && (call.is_some() || self.world.wire.duplicates.is_empty()) {
                return Err(format!("{peak} calls ({call:?}) in 60 s, and {most} are allowed"));
            }
        }
        Ok(())
    }

    /// Purchases that no honest provider would have made: the alarm must have counted those that a list has shown.
    fn count_doubled(&mut self, books: &Books, sales: &[Sale]) {
        let extra = sales.iter().filter(|sale| !books.bought.contains_key(&sale.id));
        let (shown, unseen): (Vec<_>, Vec<_>) = extra.partition(|sale| books.extra.contains_key(&sale.id));
        self.doubled = ((shown.len() + unseen.len()) as u64, unseen.len() as u64);
    }

    fn draw_session(&mut self) -> Session {
        let (habits, draw) = (self.weather.habits, &mut self.draw);
        let (beside, pages): (Vec<_>, Vec<_>) = self.weather.jobs.iter().partition(|job| job.name == BESIDE);
        let mut jobs: Vec<Asked> = match &pages[..] {
            [first, second] => {
                draw.pick(&[vec![first], vec![second], vec![first, second]]).into_iter().copied().cloned().collect()
            }
            pages => pages.iter().copied().cloned().collect(),
        };
        if self.beside.by(0.8) {
            jobs.extend(beside.into_iter().cloned());
        }
        let mut session = Session { jobs, ..Session::default() };
        if habits.crashes && draw.by(0.7) {
            let most = draw.pick(&[10, 40, 200, 1_000]);
            session.death = Death::AtMoment(draw.0.u64(1..=most));
        }
        let at = |draw: &mut Draw| {
            let most = draw.pick(&[3, 60, 900, 7_200]);
            Duration::from_millis(draw.0.u64(1..=most * 1_000))
        };
        let mut troubles = Vec::new();
        if habits.kills && draw.by(0.6) {
            troubles.push((at(draw), Trouble::Kill));
        }
        if habits.stops && draw.by(0.5) {
            troubles.push((at(draw), Trouble::Stop));
        }
        for _ in 0..draw.0.usize(0..=2) {
            if habits.suspends {
                let asleep = draw.pick(&[20, 300, 3_600, 30 * 3_600]);
                troubles.push((at(draw), Trouble::Suspend(draw.span(1, asleep))));
            }
            if habits.jumps {
                let far = draw.pick(&[5, 3_600, 90_000]);
                troubles.push((at(draw), Trouble::Jump(draw.0.i64(-far..=far))));
            }
            if habits.second {
                troubles.push((at(draw), Trouble::Second));
            }
        }
        // A clock that is set back just when its machine sleeps hides the sleep: that is assumed not to happen.
        if troubles.iter().any(|(_, trouble)| matches!(trouble, Trouble::Suspend(_))) {
            for (_, trouble) in &mut troubles {
                if let Trouble::Jump(seconds) = trouble {
                    *seconds = seconds.abs();
                }
            }
        }
        session.troubles = troubles;
        if habits.full && draw.by(0.5) {
            session.pages_left = Some(draw.0.u32(0..=40));
        }
        if habits.io_errors && draw.by(0.6) {
            let most = draw.pick(&[6, 30, 200]);
            session.commits = Some(draw.0.u32(0..=most));
        }
        session
    }

    /// What happens between two lives.
    fn between(&mut self) {
        let (habits, draw) = (self.weather.habits, &mut self.draw);
        if habits.old_copies && draw.by(0.6) {
            self.copies.push((self.world.clock.true_time, self.world.disk.make_copy()));
        }
        let gap = draw.pick(&[0, 5, 600, 3_600]);
        let gap = draw.span(0, gap);
        self.world.rest(gap);
        let draw = &mut self.draw;
        if habits.edits && draw.by(0.5) {
            for job in self.weather.jobs.iter_mut().filter(|job| job.name != BESIDE) {
                job.repeats = draw.0.usize(1..=job.repeats + 1);
                job.prompts = draw.0.usize(2..=job.prompts + 1);
            }
            self.world.struck.note("job file edited");
        }
        if habits.caps_move && draw.by(0.6) {
            for job in &mut self.weather.jobs {
                draw_caps(if job.name == BESIDE { &mut self.beside } else { draw }, job);
            }
            self.world.struck.note("caps raised or lowered");
        }
        if habits.lost_state && draw.by(0.4) {
            self.world.disk.lose_state_dir();
            self.world.struck.note("the counter outside is lost");
        }
        if !self.copies.is_empty() && draw.by(0.4) {
            let (made, copy) = self.copies.swap_remove(draw.0.usize(..self.copies.len()));
            self.world.disk.restore(&copy);
            self.world.struck.note("an older copy put back");
            self.world.line(format_args!("an older copy is put back"));
            self.lost = true;
            self.allowed.forgotten.push((made, self.world.clock.true_time));
        }
    }

    /// Tells the checkers what this life may do.
    fn allow(&mut self, session: &Session) {
        let allowed = &mut self.allowed;
        let caps = &self.weather.account.caps;
        (allowed.account_day, allowed.account_month) =
            (caps.day.map(bursar::money::Money::nanos), caps.month.map(bursar::money::Money::nanos));
        (allowed.run_now, allowed.asked_now) = Default::default();
        for job in &session.jobs {
            let name = job.name.to_owned();
            let run = allowed.run.entry(name.clone()).or_default();
            *run = job.run_cap.nanos().max(*run);
            for (ever, cap) in [(&mut allowed.job_day, job.day_cap), (&mut allowed.job_month, job.month_cap)] {
                let cap = cap.map(bursar::money::Money::nanos);
                let ever = ever.entry(name.clone()).or_insert(cap);
                *ever = ever.zip(cap).map(|(ever, cap)| ever.max(cap));
            }
            let repeats = allowed.repeats.entry(name.clone()).or_default();
            *repeats = (job.repeats as u64).max(*repeats);
            allowed.drift.insert(name.clone(), job.drift);
            allowed.hasty.extend(job.deadline.map(|_| name.clone()));
            allowed.again = allowed.again.max(job.retry_paid_failures.into());
            allowed.timezone.insert(name.clone(), job.timezone.parse().unwrap());
            allowed.run_now.insert(name.clone(), job.run_cap.nanos());
            allowed.asked_now.insert(name, job.tasks() as u64);
        }
    }
}

/// A restored ledger that knows of no purchase cannot tell an empty list from a broken one, and buys nothing.
fn stays_in_doubt(books: &Books) -> bool {
    books.restored && !books.attempts.values().any(|attempt| matches!(attempt.state, 1 | 2 | 6))
}
