//! One executor, two books: each step goes to the ledger and to the model, and both are asked the same questions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bursar::clock::Now;
use bursar::config::{AccountConfig, Config};
use bursar::engine;
use bursar::ids::{AccountId, AttemptId, BatchId, RunId, TaskId};
use bursar::job;
use bursar::ledger::{Answer, Books as _, Change, Draft, DraftTask, Kind, Ledger, Lookups, Reports, UnmatchedCharge};
use bursar::money::Money;
use bursar::period;
use bursar::price::{NamedIn, PriceList};
use bursar::product::{Engine, Function, Method, ResultKind, Route};
use bursar::task::{Reason, TaskState};

use super::model::{At, Books, Cap, Task};

/// 2026-11-22 12:00 UTC. Everything happens within four days, so the month is one ceiling.
const NOON: i64 = 1_795_348_800;
const HOUR: i64 = 3_600;
const TASKS: usize = 8;
/// Kathmandu, which does not change its clocks.
const EAST: i64 = 5 * HOUR + 45 * 60;
/// Dollars of a cap, in cents: run, day and month of the job, day and month of the account.
const CAPS: [i64; 5] = [300, 120, 260, 110, 280];
const CENT: i64 = 10_000_000;

/// A step. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// T1, of tasks with their holds in cents, so many hours after noon, to be charged within so many.
    Reserve { tasks: Vec<(usize, i64)>, sent_h: i64, hold_h: i64 },
    /// T2 or T3: changes of one commit.
    Commit(Vec<Step>),
    /// T2, of the whole batch of an attempt, each at so many hundredths of its hold or of the last.
    Accept { attempt: usize, percents: Vec<u64>, posted_h: i64, id: u8 },
    /// One change of an attempt. It costs so many hundredths of its hold.
    Change { kind: u8, attempt: usize, percent: u64, posted_h: i64, again: bool, id: u8 },
}

/// A ledger with a run of eight planned tasks, and the model of it.
pub(crate) struct Executor {
    ledger: Ledger,
    account: AccountId,
    run: RunId,
    tasks: Vec<TaskId>,
    batch_of: Vec<BatchId>,
    books: Books,
    /// The provider charges no more than the hold, in the time that it is held for, and nothing else.
    honest: bool,
    _folder: tempfile::TempDir,
}

impl Executor {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Now { wall: chrono::DateTime::from_timestamp(NOON, 0).unwrap(), mono: Duration::ZERO };
        let mut ledger = Ledger::open(&folder.path().join("bursar.db"), Kind::Sandbox, NOON).unwrap();
        ledger.begin(&folder.path().join("state"), NOON).unwrap();
        let mut account = AccountConfig::new("main", Route::Sandbox);
        "http://127.0.0.1".clone_into(&mut account.base_url);
        account.caps.day = Some(Money::from_nanos(CAPS[3] * CENT));
        account.caps.month = Some(Money::from_nanos(CAPS[4] * CENT));
        let mut config = Config::built_in(Path::new("/jobs"));
        config.accounts.insert(account.name.clone(), account.clone());
        let prompts: Vec<String> = (0..TASKS).map(|number| format!("\"which {number}?\"")).collect();
        let dollars = |cents: i64| Money::from_nanos(cents * CENT).decimal();
        let text = format!(
            "account = \"main\"\ntimezone = \"Asia/Kathmandu\"\nperiod = \"month\"\n\
             [budget]\nrun = \"{}\"\nday = \"{}\"\nmonth = \"{}\"\n[[prompt_set]]\nname = \"set\"\nprompts = [{}]\n\
             engine = \"chat_gpt\"\nlocations = [2840]\nlanguages = [\"en\"]\n",
            dollars(CAPS[0]),
            dollars(CAPS[1]),
            dollars(CAPS[2]),
            prompts.join(", ")
        );
        let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let job = job::check(Path::new("/jobs/books.toml"), &text, &config, &files)
            .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let id = engine::bring_account(&mut ledger, &account, "login").unwrap();
        let period = period::current(job.period, job.timezone, now.wall);
        let prices = PriceList::with(&account.prices);
        let prepared =
            engine::prepare(&mut ledger, &job, id, &account.limits, &prices, &period, false, &files, now).unwrap();
        let run = prepared.terms.run;
        let tasks: Vec<TaskId> = ledger.next_to_buy(run, 0, 100).unwrap().iter().map(|task| task.task).collect();
        assert_eq!(tasks.len(), TASKS);
        let cap = |limit: i64, day, extras| Cap { limit: limit * CENT, day, extras };
        let books = Books {
            tasks: vec![Task { state: TaskState::Planned, attempts: Vec::new() }; TASKS],
            caps: vec![
                cap(CAPS[0], None, false),
                cap(CAPS[1], Some(EAST), false),
                cap(CAPS[2], None, false),
                cap(CAPS[3], Some(0), true),
                cap(CAPS[4], None, true),
            ],
            ..Books::default()
        };
        Self { ledger, account: id, run, tasks, batch_of: Vec::new(), books, honest: false, _folder: folder }
    }

    pub(crate) fn honest() -> Self {
        Self { honest: true, ..Self::new() }
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Reserve { tasks, sent_h, hold_h } => self.reserve(tasks, NOON + sent_h * HOUR, *hold_h * HOUR),
            Step::Commit(steps) => self.commit(steps),
            Step::Accept { attempt, percents, posted_h, id } => {
                let (posted_h, id) = (*posted_h, *id);
                let batch = self.batch_of.get(attempt % self.batch_of.len().max(1)).copied();
                let of_batch = (0..self.batch_of.len()).filter(|at| Some(self.batch_of[*at]) == batch);
                let steps: Vec<Step> = of_batch
                    .zip(percents.iter().chain(std::iter::repeat(&100)))
                    .map(|(attempt, percent)| Step::Change {
                        kind: 0,
                        attempt,
                        percent: *percent,
                        posted_h,
                        again: false,
                        id,
                    })
                    .collect();
                self.commit(&steps);
            }
            Step::Change { .. } => self.commit(std::slice::from_ref(step)),
        }
    }

    fn reserve(&mut self, wanted: &[(usize, i64)], sent: i64, span: i64) {
        let planned: Vec<usize> =
            (0..TASKS).filter(|task| self.books.tasks[*task].state == TaskState::Planned).collect();
        let mut holds: BTreeMap<usize, i64> = BTreeMap::new();
        for (task, cents) in wanted.iter().filter(|_| !planned.is_empty()) {
            holds.insert(planned[task % planned.len()], cents * CENT);
        }
        let holds: Vec<(usize, i64)> = holds.into_iter().collect();
        if holds.is_empty() {
            return;
        }
        let drafted = holds.iter().map(|(task, hold)| {
            let attempts = &self.books.tasks[*task].attempts;
            DraftTask {
                task: self.tasks[*task],
                hold: Money::from_nanos(*hold),
                previous: attempts.last().map(|last| attempt_id(*last)),
                number: u32::try_from(attempts.len() + 1).unwrap(),
            }
        });
        let (engine, function) = (Engine::ChatGpt, Function::LlmScraper);
        let draft = Draft {
            run: self.run,
            engine,
            function,
            method: Method::Standard,
            tasks: drafted.collect(),
            sent_v: sent,
            hold_to_v: sent + span,
        };
        let outcome = self.ledger.reserve(std::slice::from_ref(&draft)).unwrap().remove(0);
        let whole: i64 = holds.iter().map(|(_, hold)| hold).sum();
        assert_eq!(outcome.is_ok(), self.books.fits(whole, sent, sent + span), "{draft:?} came to {outcome:?}");
        let Ok(reserved) = outcome else { return };
        assert_eq!((reserved.first_attempt, reserved.hold.nanos()), (attempt_id(self.books.attempts.len()), whole));
        self.batch_of.extend(holds.iter().map(|_| reserved.batch));
        self.books.reserve(&holds, sent, sent + span);
    }

    fn commit(&mut self, steps: &[Step]) {
        let mut changes = Vec::new();
        let before = self.states();
        let mut replanned = BTreeSet::new();
        for step in steps {
            let planned_before = self.states();
            changes.extend(self.change(step));
            let now = self.states();
            replanned.extend((0..TASKS).filter(|t| planned_before[*t] != now[*t] && now[*t] == TaskState::Planned));
        }
        let booked = self.ledger.record(changes.clone()).unwrap_or_else(|error| panic!("{error}: {changes:?}"));
        let said: BTreeSet<usize> = booked
            .replanned
            .iter()
            .map(|again| self.tasks.iter().position(|t| *t == again.task.task).unwrap())
            .collect();
        assert_eq!(said, replanned, "planned again by {changes:?}, from {before:?}");
    }

    fn states(&self) -> Vec<TaskState> {
        self.books.tasks.iter().map(|task| task.state).collect()
    }

    /// The change as the ledger is told it; the model has taken it already.
    fn change(&mut self, step: &Step) -> Option<Change> {
        let Step::Change { kind, attempt, percent, posted_h, again, id } = step else { return None };
        let count = self.books.attempts.len();
        if count == 0 {
            return None;
        }
        let (number, again) = (attempt % count, *again);
        let attempt = attempt_id(number);
        let (held, sent, hold_to) = {
            let known = &self.books.attempts[number];
            (known.held, known.sent, known.hold_to)
        };
        let cost = held / 100 * i64::try_from(*percent).unwrap();
        let posted_v = if self.honest { (sent + posted_h * HOUR).min(hold_to) } else { sent + (posted_h - 3) * HOUR };
        let money = Money::from_nanos(cost);
        // Most are such as the provider's, which are kept as 16 bytes.
        let provider_id =
            if *id == 0 { format!("{number}-{id}") } else { format!("{number:08x}-0000-0000-0000-{id:012x}") };
        let batch = self.batch_of[number];
        let books = &mut self.books;
        Some(match kind {
            0..=2 => {
                // One that was given up is taken back only where its task waits for nothing else: the engine's rule.
                let task = &books.tasks[books.attempts[number].task];
                let given_up = books.attempts[number].at == At::NotBought;
                if given_up && (self.honest || !books.is_latest(number) || task.state != TaskState::Planned) {
                    return None;
                }
                if books.go(number, &[At::Sending, At::NotBought, At::Awaited], At::Submitted, TaskState::Submitted) {
                    books.attempts[number].charged = Some((cost, posted_v));
                    books.attempts[number].provider_id = Some(provider_id.clone());
                }
                Change::Accepted {
                    attempt,
                    provider_id,
                    cost: money,
                    posted_v,
                    named_in: Some(NamedIn::Answer),
                    open: false,
                }
            }
            3 => {
                books.go(number, &[At::Sending], At::Over, Books::failed(Reason::Refused, again));
                Change::Refused { attempt, code: 40_501, message: "no".to_owned(), for_good: !again }
            }
            4 => {
                books.go(number, &[At::Sending], At::NotBought, TaskState::Planned);
                Change::NotBought { attempt }
            }
            5 => {
                if books.go(number, &[At::Sending], At::Over, Books::failed(Reason::PaidFailure, again)) {
                    books.attempts[number].charged = Some((cost, posted_v));
                }
                let provider_id = (id % 2 == 0).then_some(provider_id);
                let (message, named, again) = (String::new(), money, retries(again));
                Change::PaidFailure { attempt, code: 40_101, message, provider_id, cost: money, named, posted_v, again }
            }
            6 => {
                books.go(number, &[At::Submitted], At::Over, Books::failed(Reason::PaidFailure, again));
                let (message, again) = (String::new(), retries(again));
                Change::FailedLater { attempt, code: 40_103, message, again, settled: None }
            }
            7 => {
                // Another form of the answer that is here is an answer.
                if books.attempts[number].form_is_here {
                    books.go(number, &[At::Submitted], At::Answered, TaskState::Answered);
                } else {
                    books.go(number, &[At::Submitted], At::Over, TaskState::Failed(Reason::Expired));
                }
                Change::Expired { attempt, settled: None }
            }
            8 => {
                books.attempts[number].form_is_here |= books.attempts[number].at == At::Submitted;
                if again {
                    books.go(number, &[At::Submitted], At::Answered, TaskState::Answered);
                }
                let kind = if *id == 0 { ResultKind::Html } else { ResultKind::Advanced };
                let (body, fetched_at, done_v, model) = (vec![40, 181, 47, 253], NOON, None, None);
                Change::Answered {
                    attempt,
                    answer: Answer { kind, body, fetched_at, done_v, model, complete: again, oddity: None },
                    settled: None,
                }
            }
            9 => {
                if books.go(number, &[At::Sending], At::Awaited, TaskState::Submitted) {
                    books.attempts[number].charged = Some((held, posted_v));
                }
                Change::ResolvedAsBought { attempt, posted_v }
            }
            10 if !self.honest => {
                let provider_id = format!("extra {provider_id}");
                books.extras.entry(provider_id.clone()).or_insert((cost, posted_v));
                let (tag, why) = ("b1.x".to_owned(), "found twice".to_owned());
                let extra =
                    UnmatchedCharge { attempt: again.then_some(attempt), provider_id, tag, cost: money, posted_v, why };
                Change::UnmatchedCharge { account: self.account, extra }
            }
            11 => Change::UnknownOutcome { batch, why: "no whole answer".to_owned() },
            _ => Change::Closed { batch, closed_v: posted_v },
        })
    }

    /// What both books say is the same.
    #[track_caller]
    pub(crate) fn assert_agreed(&self) {
        let audit = self.ledger.audit().unwrap();
        let (charged, held) = (self.books.charged(), self.books.held());
        assert_eq!((audit.charged.nanos(), audit.held.nanos()), (charged, held), "charged and held");
        assert_eq!((audit.in_doubt, audit.extra_charges), (self.books.in_doubt(), self.books.extras.len() as u64));
        for count in &audit.tasks {
            assert_eq!(count.tasks, self.books.in_state(&count.state), "tasks that are {}", count.state);
        }
        for (number, attempt) in self.books.attempts.iter().enumerate().filter(|(_, known)| known.at == At::Submitted) {
            let fetched = self.ledger.to_collect(attempt_id(number)).unwrap().map(|fetched| fetched.provider_id);
            assert_eq!(fetched, attempt.provider_id, "the provider's id of attempt {number}");
        }
        let to_buy = self.ledger.next_to_buy(self.run, 0, 100).unwrap();
        let planned: Vec<(TaskId, usize)> = to_buy.iter().map(|task| (task.task, task.attempts as usize)).collect();
        let expected = self.books.tasks.iter().zip(&self.tasks).filter(|(task, _)| task.state == TaskState::Planned);
        let expected: Vec<(TaskId, usize)> = expected.map(|(task, id)| (*id, task.attempts.len())).collect();
        assert_eq!(planned, expected, "what is to be bought, and how often it was tried");
    }

    #[track_caller]
    pub(crate) fn assert_audit_is_clean(&self) {
        assert_eq!(self.ledger.audit().unwrap().problems, Vec::<String>::new());
    }

    #[track_caller]
    pub(crate) fn assert_no_cap_is_passed(&self) {
        assert_eq!(self.books.passed(NOON, NOON + 200 * HOUR), Vec::new(), "used, and the limit");
    }
}

fn attempt_id(number: usize) -> AttemptId {
    AttemptId(i64::try_from(number).unwrap() + 1)
}

/// So many paid failures that a task is bought anew, or none.
fn retries(again: bool) -> u32 {
    if again { u32::MAX } else { 0 }
}
