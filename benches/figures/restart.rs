//! A session on a ledger in which most of a large run is answered: how soon it sends its first request.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bursar::clock::Clock;
use bursar::engine::{self, Executor, StopWord};
use bursar::job::Job;
use bursar::ledger::Reports;
use bursar::price::price_key;
use bursar::provider::{Failure, Provider, Request, Response};
use bursar::sandbox::{InProcess, Sandbox, Settings};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::part::{measured, report_memory, report_time};
use crate::table::{Rounds, heading};
use crate::world::{Unseen, World, folder, unlimited};
use crate::{MARKETS, Scale};

pub(crate) fn measure(scale: Scale) -> Result<()> {
    let folder = folder()?;
    let world = World::at(folder.path());
    let (tasks, answered) = (scale.prompts * MARKETS, scale.prompts * MARKETS / 10 * 9);
    build(&world, scale.prompts, answered)?;
    let path = folder.path().to_str().context("a folder without a name")?;
    let mut rounds = Rounds::default();
    for _ in 0..scale.rounds {
        rounds.add_all("start", &measured(&["restart", path, &scale.prompts.to_string()])?);
        rounds.add_all("count", &measured(&["count", path])?);
    }
    rounds.add("ledger", std::fs::metadata(world.ledger_path())?.len());
    heading(&format!("Restart: {tasks} tasks, {answered} of them answered; times since the process began"));
    rounds.time("job file and prompts checked", "start job");
    rounds.time("ledger open, start counted", "start open");
    rounds.time("run prepared: its plan is unchanged", "start prepared");
    rounds.time("first request at the provider", "start first call");
    rounds.time("first purchase at the provider", "start first purchase");
    rounds.time("control: the file opened, SELECT count(*) FROM task", "count time");
    rounds.ratio("first request over the control", "start first call", "count time");
    rounds.size("memory at its highest", "start memory");
    rounds.size("size of the ledger", "ledger");
    Ok(())
}

/// Plans the job and writes down, past the engine, that its first tasks were bought and answered yesterday.
fn build(world: &World, prompts: usize, answered: usize) -> Result<()> {
    world.write_prompts(prompts)?;
    let job = world.job()?;
    let mut ledger = world.open()?;
    let (account, prepared) = world.prepare(&mut ledger, &job)?;
    drop(ledger);
    let yesterday = world.clock.now().wall.timestamp() - 86_400;
    let mut db = Connection::open(world.ledger_path())?;
    db.execute_batch("PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY")?;
    let write = db.transaction()?;
    let facts = rusqlite::named_params! {
        ":run": prepared.run.0, ":account": account.0, ":at": yesterday, ":answered": answered, ":price": price(world, &job)?.1,
    };
    for sql in ANSWERED {
        let mut statement = write.prepare(sql).context(*sql)?;
        let used = facts.iter().filter(|(name, _)| sql.contains(name)).copied().collect::<Vec<_>>();
        statement.execute(&used[..]).context(*sql)?;
    }
    write.execute(
        "INSERT INTO price_seen (account, price_key, nano_usd, seen_v) VALUES (?1, ?2, ?3, ?4)",
        (account.0, price(world, &job)?.0, price(world, &job)?.1, yesterday),
    )?;
    write.commit()?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    // What was written past the engine is what the engine would have written.
    let audit = world.open()?.audit()?;
    ensure!(audit.problems.is_empty(), "the books do not agree: {:?}", &audit.problems[..audit.problems.len().min(5)]);
    Ok(())
}

/// The price of the job's tasks: its key and its figure.
fn price(world: &World, job: &Job) -> Result<(String, i64)> {
    let target = &job.sets[0].targets[0];
    Ok((
        price_key(target),
        world.prices.expected(target, bursar::job::Asked::default()).context("no price")?.amount.nanos(),
    ))
}

/// The purchases of the first tasks of the plan, a hundred to a batch.
const ANSWERED: &[&str] = &[
    "INSERT INTO batch (id, run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, posted_v, session,
                        held_nano, unresolved, uncollected)
     SELECT (position - 1) / 100 + 1, :run, :account, engine, function, position, 100, :at, :at + 5400, :at,
            (SELECT max(n) FROM session), 0, 0, 0
     FROM task JOIN target ON target.id = task.target WHERE position <= :answered AND position % 100 = 1
     ORDER BY position",
    "INSERT INTO attempt (id, task, batch, number, state, provider_id, held_nano, posted_nano, settled_nano)
     SELECT position, id, (position - 1) / 100 + 1, 1, 2, randomblob(16), :price, :price, :price
     FROM task WHERE position <= :answered ORDER BY position",
    "UPDATE task SET state = 3, attempt = position WHERE position <= :answered",
    "INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) SELECT id, 'reserve', attempts * :price, sent_v, hold_to_v FROM batch",
    "INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) SELECT id, 'charge', attempts * :price, :at, :at FROM batch",
    "INSERT INTO answer (attempt, kind, fetched_at, done_v, body) SELECT id, 'advanced', :at, :at, zeroblob(4) FROM attempt",
    "INSERT INTO cap (scope, owner, from_v, to_v, limit_nano, charged_nano)
     SELECT scope, owner, from_v, to_v, limit_nano, :answered * :price
     FROM (SELECT 0 AS from_v, 9223372036854775807 AS to_v, 'run' AS scope, id AS owner, cap_nano AS limit_nano
           FROM run WHERE id = :run
           UNION ALL SELECT 0, 9223372036854775807, 'account', :account, NULL
           UNION ALL SELECT 0, 9223372036854775807, 'account_balance', :account, NULL
           UNION ALL SELECT unixepoch(:at, 'unixepoch', 'start of day'),
                            unixepoch(:at, 'unixepoch', 'start of day', '+1 day'), 'account_day', :account, NULL
           UNION ALL SELECT unixepoch(:at, 'unixepoch', 'start of month'),
                            unixepoch(:at, 'unixepoch', 'start of month', '+1 month'), 'account_month', :account, NULL
           UNION ALL SELECT unixepoch(:at, 'unixepoch', 'start of day'),
                            unixepoch(:at, 'unixepoch', 'start of day', '+1 day'), 'job_day', job, NULL FROM run WHERE id = :run
           UNION ALL SELECT unixepoch(:at, 'unixepoch', 'start of month'),
                            unixepoch(:at, 'unixepoch', 'start of month', '+1 month'), 'job_month', job, NULL
           FROM run WHERE id = :run) AS totals
     WHERE true ON CONFLICT DO UPDATE SET charged_nano = excluded.charged_nano",
    "INSERT INTO visibility_proof (account, function, seen_v) SELECT :account, function, :at FROM target",
];

/// One session, in a process of its own, up to its first purchases.
pub(crate) fn start(folder: &Path, prompts: usize) -> Result<()> {
    let world = World::at(folder);
    let job = world.job()?;
    ensure!(job.prompts.len() == prompts, "another job");
    report_time("job", world.clock.now().mono);
    let mut ledger = world.open()?;
    report_time("open", world.clock.now().mono);
    let (account, prepared) = world.prepare(&mut ledger, &job)?;
    ensure!(prepared.resumed && prepared.edited.is_none(), "the run was planned anew");
    report_time("prepared", world.clock.now().mono);
    let (stopper, stop) = watch::channel(StopWord::None);
    let clock = world.clock;
    // Another seed each time: a provider that forgets between two sessions must not give an id twice.
    let seed = clock.now().wall.timestamp_micros().unsigned_abs();
    let sandbox = Arc::new(Mutex::new(Sandbox::new(Settings { seed, ..unlimited() })));
    let provider = Arc::new(FirstCalls {
        provider: InProcess::new(sandbox, move || clock.now().wall, "sandbox", "sandbox"),
        clock,
        times: Mutex::default(),
        stopper,
    });
    let executor = Executor::new(world.terms(account, &prepared), world.prices.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(engine::run(executor, Arc::clone(&provider), &mut ledger, clock, stop, &mut Unseen))?;
    let times = provider.times.lock().unwrap_or_else(PoisonError::into_inner);
    report_time("first call", times.0.context("no call")?);
    report_time("first purchase", times.1.context("no purchase")?);
    report_memory();
    ledger.tidy();
    Ok(())
}

/// Notes when it is called first, and ends the session at the first purchase.
#[derive(Debug)]
struct FirstCalls {
    provider: InProcess,
    clock: Clock,
    times: Mutex<(Option<Duration>, Option<Duration>)>,
    stopper: watch::Sender<StopWord>,
}

impl Provider for FirstCalls {
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        let now = self.clock.now().mono;
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.0.get_or_insert(now);
        if request.spends {
            times.1.get_or_insert(now);
            self.stopper.send_replace(StopWord::Drain);
        }
        drop(times);
        self.provider.call(request)
    }
}

/// The control: what any program pays that opens the file and looks once at every task.
pub(crate) fn count(folder: &Path) -> Result<()> {
    let world = World::at(folder);
    let db = Connection::open(world.ledger_path())?;
    let tasks: u64 = db.query_row("SELECT count(*) FROM task", [], |row| row.get(0))?;
    report_time("time", world.clock.now().mono);
    ensure!(tasks > 0, "an empty ledger");
    Ok(())
}
