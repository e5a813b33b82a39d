//! One session of bursar, from the lock to its end or death, by a synchronous loop in virtual time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bursar::clock::Now;
use bursar::engine::{self, Advance, Call, End, Executor, Input, Moment, Outside, RunTerms, Runner, Terms};
use bursar::event::{Event, EventKind};
use bursar::ids::{AccountId, RunId};
use bursar::ledger::{Books, Ledger, LockError, Lookups, Reports, RunState, Trust};
use bursar::period;
use bursar::price::PriceList;

use super::asked::Asked;
use super::journal::Journal;
use super::world::World;

/// Where a life ends before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Death {
    #[default]
    Never,
    /// At the n-th moment, counted from 1: before and after every effect, and when a reply arrives.
    AtMoment(u64),
}

/// What comes over a process while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The machine sleeps.
    Suspend(Duration),
    /// The wall clock jumps by seconds.
    Jump(i64),
    /// Another process wants the same ledger.
    Second,
    /// It is told to stop, and to end what it has begun.
    Stop,
    /// It is killed.
    Kill,
}

/// A life as it is meant to go.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub jobs: Vec<Asked>,
    pub death: Death,
    /// What comes over it, by the time since its beginning.
    pub troubles: Vec<(Duration, Trouble)>,
    /// The disk has room for so many pages more.
    pub pages_left: Option<u32>,
    /// The disk breaks after so many commits.
    pub commits: Option<u32>,
}

/// How it went.
#[derive(Debug)]
pub enum Fate {
    /// It did not come to work.
    NotBegun(String),
    Died,
    Ended(Box<End>),
}

/// What a life came to.
#[derive(Debug)]
pub struct Lived {
    pub fate: Fate,
    /// Moments at which it could have died.
    pub moments: u64,
    /// The number of this session; 0 where it was not counted.
    pub start: i64,
    /// The runs that it came as far as to write the plans of.
    pub planned: Vec<i64>,
}

/// A life that has turned so often is going round in circles: with something in doubt it turns once a second, and is told to
/// stop after five days.
const MOST_TURNS: u64 = 1_000_000;
/// A session is told to stop after this.
const PATIENCE: Duration = Duration::from_hours(5 * 24);
/// Replies that are taken into one commit.
const HANDFUL: usize = 256;

pub(super) struct Around<'a> {
    pub(super) now: Now,
    pub(super) journal: &'a mut Journal,
    pub(super) calls: Vec<Call>,
    pub(super) moments: &'a mut u64,
    pub(super) death: Death,
    pub(super) at: chrono::DateTime<chrono::Utc>,
}

impl Outside for Around<'_> {
    fn now(&self) -> Now {
        self.now
    }

    fn tell(&mut self, event: &Event) {
        if !matches!(event.kind, EventKind::Progress(_)) {
            self.journal.line(self.at, format_args!("{:?}", event.kind));
        }
    }

    fn call(&mut self, call: Call) {
        self.calls.push(call);
    }

    fn lives(&mut self, _: Moment<'_>) -> bool {
        *self.moments += 1;
        self.death != Death::AtMoment(*self.moments)
    }
}

struct Process {
    ledger: Ledger,
    at_work: Runner,
    runs: Vec<RunId>,
    planned: Vec<i64>,
    start: i64,
}

impl World {
    /// Lives a life. `Err`: what must never happen did.
    pub fn live(&mut self, session: &Session) -> Result<Lived, String> {
        self.sessions += 1;
        self.clock.begin();
        self.disk.breaks_after(session.commits);
        let lock = self.disk.lock().map_err(|error| format!("the lock is not free at the session: {error}"))?;
        let mut moments = 0;
        let lived = self.live_with_lock(session, &mut moments);
        if session.commits.is_some() && self.disk.is_broken() {
            self.struck.note("I/O error at a commit");
        }
        self.disk.breaks_after(None);
        self.wire.hang_up();
        // What it had sent arrives before anything else happens, however long the machine has slept.
        let (journal, struck) = (&mut self.journal, &mut self.struck);
        self.wire.arrive(self.clock.true_time, usize::MAX, journal, struck);
        drop(lock);
        let (fate, start, planned) = lived?;
        let said = match &fate {
            Fate::NotBegun(why) => format!("did not begin: {why}"),
            Fate::Died => "died".to_owned(),
            Fate::Ended(end) => format!("ended: {end:?}"),
        };
        let number = self.sessions;
        self.line(format_args!("life {number} {said}"));
        Ok(Lived { fate, moments, start, planned })
    }

    fn live_with_lock(&mut self, session: &Session, moments: &mut u64) -> Result<(Fate, i64, Vec<i64>), String> {
        let mut process = match self.begin(session) {
            Ok(process) => process,
            Err(error) => {
                self.note_full(&error.to_string());
                return Ok((Fate::NotBegun(error.to_string()), 0, Vec::new()));
            }
        };
        let start = process.start;
        let planned = process.planned.clone();
        let mut troubles = session.troubles.clone();
        troubles.push((PATIENCE, Trouble::Stop));
        troubles.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut input = Input::Begin;
        for _ in 0..MOST_TURNS {
            let now = self.clock.now();
            let at = self.clock.true_time;
            let mut around =
                Around { now, journal: &mut self.journal, calls: Vec::new(), moments, death: session.death, at };
            let turn = process.at_work.advance(input, &mut process.ledger, &mut around);
            for call in around.calls {
                self.wire.send(at, call, &mut self.journal, &mut self.struck);
            }
            let wake = match turn {
                Ok(Advance::Wait(wake)) => wake,
                Ok(Advance::Ended(end)) => {
                    let ended = process.runs.iter().try_for_each(|run| process.ledger.complete(*run).map(|_| ()));
                    return Ok((ended.map_or(Fate::Died, |()| Fate::Ended(end)), start, planned));
                }
                Ok(Advance::Killed) => {
                    self.struck.note("crash at an effect");
                    return Ok((Fate::Died, start, planned));
                }
                Err(error) => {
                    if !self.disk_is_in_trouble(session) {
                        return Err(format!("the ledger failed on a healthy disk: {error}"));
                    }
                    self.note_full(&error.to_string());
                    self.line(format_args!("the ledger failed: {error}"));
                    return Ok((Fate::Died, start, planned));
                }
            };
            match self.wait(wake, &mut troubles, session.death, moments)? {
                Some(next) => input = next,
                None => return Ok((Fate::Died, start, planned)),
            }
            if self.clock.now().mono > PATIENCE * 2 {
                return Err("a session that was told to stop does not end".to_owned());
            }
        }
        Err(format!("a session has taken {MOST_TURNS} turns and has not ended"))
    }

    /// Time passes until something happens to the process; `None`: it dies.
    pub(super) fn wait(
        &mut self,
        wake: Option<Duration>,
        troubles: &mut Vec<(Duration, Trouble)>,
        death: Death,
        moments: &mut u64,
    ) -> Result<Option<Input>, String> {
        loop {
            let mono = self.clock.now().mono;
            let nap = wake.unwrap_or(mono + Duration::from_secs(1)).saturating_sub(mono);
            let arrival = self.wire.next().map(|at| (at - self.clock.true_time).to_std().unwrap_or_default());
            let trouble = troubles.last().map(|(at, _)| at.saturating_sub(mono));
            let pass = [Some(nap), arrival, trouble].into_iter().flatten().min().unwrap_or(nap);
            self.clock.pass(pass);
            if trouble == Some(pass)
                && let Some((_, trouble)) = troubles.pop()
            {
                match self.befalls(trouble)? {
                    Befallen::Nothing => continue,
                    Befallen::Stopped => return Ok(Some(Input::Stop)),
                    Befallen::Killed => return Ok(None),
                }
            }
            if arrival == Some(pass) {
                let (journal, struck) = (&mut self.journal, &mut self.struck);
                let heard = self.wire.arrive(self.clock.true_time, HANDFUL, journal, struck);
                if heard.is_empty() {
                    continue;
                }
                *moments += 1;
                if death == Death::AtMoment(*moments) {
                    self.struck.note("crash at a reply");
                    return Ok(None);
                }
                return Ok(Some(Input::Replies(heard)));
            }
            return Ok(Some(Input::Tick));
        }
    }

    fn befalls(&mut self, trouble: Trouble) -> Result<Befallen, String> {
        self.line(format_args!("{trouble:?}"));
        match trouble {
            Trouble::Suspend(time) => {
                self.struck.note("suspend");
                self.clock.suspend(time);
                self.wire.slept(self.clock.true_time);
            }
            Trouble::Jump(seconds) => {
                self.struck.note("local clock jumps");
                self.clock.jump(seconds);
            }
            Trouble::Second => {
                self.struck.note("a second process");
                if !matches!(self.disk.lock(), Err(LockError::Held { .. })) {
                    return Err("a second process has the lock as well".to_owned());
                }
                self.audit_clean("seen by a second process")?;
            }
            Trouble::Stop => return Ok(Befallen::Stopped),
            Trouble::Kill => {
                self.struck.note("killed while it waits");
                return Ok(Befallen::Killed);
            }
        }
        Ok(Befallen::Nothing)
    }

    /// Begins as a real start does.
    fn begin(&mut self, session: &Session) -> Result<Process, Box<dyn std::error::Error>> {
        let now = self.clock.now();
        let mut ledger = self.disk.open(now.wall.timestamp(), session.pages_left)?;
        let start = ledger.begin(&self.disk.state_dir(), now.wall.timestamp())?;
        if let Trust::Restored(why) = &start.trust {
            self.line(format_args!("restored: {}", why.split('`').next().unwrap_or_default()));
        }
        let account = engine::bring_account(&mut ledger, &self.account, "sandbox")?;
        let prices = PriceList::with(&self.account.prices);
        let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let (mut bought, mut runs, mut planned) = (Vec::new(), Vec::new(), Vec::new());
        let terms = self.terms(account, Vec::new());
        let heard = if self.shakes_hands { Some(self.handshake(&mut ledger, terms)?) } else { None };
        for asked in &session.jobs {
            let job = asked.job(&self.account);
            let period = match heard {
                Some(heard) => self.agreed(&job, heard),
                None => Some(period::current(job.period, job.timezone, now.wall)),
            };
            let Some(period) = period else { continue };
            let now = self.clock.now();
            let opened_at = self.provider_time();
            self.opened.entry(start.number).or_default().push(opened_at);
            if let Some(run) = ledger.find_run(&job.name, Some(&period.id))?
                && ledger.run_status(run)?.state == RunState::Closed
            {
                runs.push(run);
                continue;
            }
            let limits = &self.account.limits;
            let prepared = engine::prepare(&mut ledger, &job, account, limits, &prices, &period, false, &files, now)?;
            runs.push(prepared.run);
            planned.push(prepared.run.0);
            bought.push(prepared.terms);
        }
        let terms = self.terms(account, bought);
        let at_work = Runner::new(Executor::new(terms, prices), &ledger, self.clock.now())?;
        Ok(Process { ledger, at_work, runs, planned, start: start.number })
    }

    fn terms(&self, account: AccountId, runs: Vec<RunTerms>) -> Terms {
        Terms {
            account,
            name: self.account.name.clone(),
            limits: self.account.limits.clone(),
            timing: self.account.timing.clone(),
            speed: 1,
            lists: self.account.route.shows_lists(),
            through: bursar::provider::Through::of(self.account.route, self.account.proxy.is_some()),
            user_prompt_decoded: self.account.user_prompt_decoded,
            keep_balance: self.account.caps.keep_balance,
            watch_now: false,
            collect: true,
            patience: None,
            seed: self.seed ^ self.sessions,
            runs,
        }
    }

    fn disk_is_in_trouble(&self, session: &Session) -> bool {
        session.pages_left.is_some() || self.disk.is_broken()
    }

    fn note_full(&mut self, error: &str) {
        if error.contains("full") {
            self.struck.note("disk full");
        }
    }
}

enum Befallen {
    Nothing,
    Stopped,
    Killed,
}
