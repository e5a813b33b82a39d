//! Buying: the engine with its ledger, against a loop that posts the same bodies and records nothing.

use std::future::Future;
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bursar::clock::Clock;
use bursar::engine::{self, Executor, StopWord};
use bursar::provider::http::Http;
use bursar::provider::{Failure, Provider, Request, Response};
use bursar::sandbox::{InProcess, Sandbox, Settings, serve};
use bytes::Bytes;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::part::Elsewhere;
use crate::table::{Rounds, heading, line};
use crate::world::{Unseen, World, folder, unlimited};
use crate::{MARKETS, Scale};

/// The login and the password of the simulated account.
const LOGIN: &str = "sandbox";

/// Paths and bodies of purchases.
type Bodies = Vec<(String, Bytes)>;

/// A provider that answers at once, which none does, and one that takes a little.
const REPLY_AFTER: [Duration; 2] = [Duration::ZERO, Duration::from_millis(25)];

pub(crate) fn measure(scale: Scale) -> Result<()> {
    let tasks = scale.bought * MARKETS;
    let bodies = bodies(scale)?;
    let size: usize = bodies.iter().map(|(_, body)| body.len()).sum();
    for reply_after in REPLY_AFTER {
        let mut rounds = Rounds::default();
        // The first round warms up, and does not count.
        for round in 0..=scale.rounds {
            let figures = [
                ("engine", by_engine(scale, reply_after)?),
                ("loop", by_loop(&bodies, tasks, true, reply_after)?),
                ("loop, one connection a call", by_loop(&bodies, tasks, false, reply_after)?),
            ];
            for (name, time) in figures.into_iter().filter(|_| round > 0) {
                rounds.add_time(name, time);
            }
        }
        let millis = reply_after.as_millis();
        heading(&format!(
            "Buying: {tasks} tasks, {} in flight, provider elsewhere, answers after {millis} ms",
            in_flight()
        ));
        rounds.time("engine::run over provider::http::Http, ledger on disk", "engine");
        rounds.time("control: reqwest posts the same bodies, connections kept", "loop");
        rounds.time("control: the same with one connection a call", "loop, one connection a call");
        rounds.ratio("engine over the loop", "engine", "loop");
        rounds.ratio("engine over the loop with one connection a call", "engine", "loop, one connection a call");
    }
    line("posts, and the bytes of their bodies", &format!("{}, {size}", bodies.len()));
    Ok(())
}

fn in_flight() -> usize {
    bursar::config::Limits::default().in_flight as usize
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Plans the world's job and buys all of it; how long the buying took.
pub(crate) fn buy<V: Provider>(world: &World, provider: Arc<V>) -> Result<Duration> {
    let job = world.job()?;
    let mut ledger = world.open()?;
    let (account, prepared) = world.prepare(&mut ledger, &job)?;
    let executor = Executor::new(world.terms(account, &prepared), world.prices.clone());
    let (_word, stop) = watch::channel(StopWord::None);
    let runtime = runtime()?;
    let begun = world.clock.now().mono;
    let end = runtime.block_on(engine::run(executor, provider, &mut ledger, world.clock, stop, &mut Unseen))?;
    let spent = world.clock.now().mono.saturating_sub(begun);
    ensure!(end.refused.is_none() && end.in_doubt == 0 && end.cuts.is_empty(), "not all was bought: {end:?}");
    ledger.tidy();
    Ok(spent)
}

fn by_engine(scale: Scale, reply_after: Duration) -> Result<Duration> {
    let folder = folder()?;
    let world = World::at(folder.path());
    world.write_prompts(scale.bought)?;
    let provider = Elsewhere::begin(reply_after)?;
    let way = Http::new(&provider.url, &LOGIN.into(), &LOGIN.into())?;
    let spent = buy(&world, Arc::new(way))?;
    check_bill(&provider, scale.bought * MARKETS)?;
    Ok(spent)
}

fn by_loop(bodies: &Bodies, tasks: usize, keep_connections: bool, reply_after: Duration) -> Result<Duration> {
    let provider = Elsewhere::begin(reply_after)?;
    let idle = if keep_connections { usize::MAX } else { 0 };
    let client = Client::builder().no_proxy().pool_max_idle_per_host(idle).build()?;
    let bodies: Arc<Bodies> =
        Arc::new(bodies.iter().map(|(path, b)| (provider.url.clone() + path, b.clone())).collect());
    let clock = Clock::system();
    let begun = clock.now().mono;
    runtime()?.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let post = |client: Client, bodies: Arc<Bodies>, next: Arc<AtomicUsize>| async move {
            while let Some((url, body)) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client.post(url).header("content-type", "application/json").body(body.clone());
                request.basic_auth(LOGIN, Some(LOGIN)).send().await?.error_for_status()?.bytes().await?;
            }
            Ok::<(), reqwest::Error>(())
        };
        let workers: Vec<_> = (0..in_flight())
            .map(|_| tokio::spawn(post(client.clone(), Arc::clone(&bodies), Arc::clone(&next))))
            .collect();
        for worker in workers {
            worker.await??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    let spent = clock.now().mono.saturating_sub(begun);
    check_bill(&provider, tasks)?;
    Ok(spent)
}

/// A round counts only if the provider sold everything, once.
fn check_bill(provider: &Elsewhere, tasks: usize) -> Result<()> {
    let client = Client::builder().no_proxy().build()?;
    let url = format!("{}/sandbox/bill", provider.url);
    let bill = runtime()?.block_on(async { client.get(url).send().await?.text().await })?;
    let bill: serde_json::Value = serde_json::from_str(&bill)?;
    ensure!(bill["tasks"] == tasks && bill["tags_charged_twice"] == 0, "the provider's bill is {bill}");
    Ok(())
}

/// What the engine posts to buy such a job.
fn bodies(scale: Scale) -> Result<Bodies> {
    let folder = folder()?;
    let world = World::at(folder.path());
    world.write_prompts(scale.bought)?;
    let provider = Arc::new(Keeping::new(&world));
    buy(&world, Arc::clone(&provider))?;
    let mut bodies = provider.bodies.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *bodies))
}

/// A provider in this process, and what was bought of it.
#[derive(Debug)]
pub(crate) struct Keeping {
    provider: InProcess,
    bodies: Mutex<Bodies>,
}

impl Keeping {
    pub(crate) fn new(world: &World) -> Self {
        let clock = world.clock;
        let sandbox = Arc::new(Mutex::new(Sandbox::new(unlimited())));
        Self { provider: InProcess::new(sandbox, move || clock.now().wall, LOGIN, LOGIN), bodies: Mutex::default() }
    }
}

impl Provider for Keeping {
    fn call(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        if let Some(body) = request.body.clone().filter(|_| request.spends) {
            self.bodies.lock().unwrap_or_else(PoisonError::into_inner).push((request.path.clone(), body));
        }
        self.provider.call(request)
    }
}

/// The simulated provider of [`Elsewhere`]: says where it listens, and ends when its input does.
pub(crate) fn sandbox(reply_after: Duration) -> Result<()> {
    runtime()?.block_on(async {
        let clock = Clock::system();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let settings = Settings { reply_after, ..unlimited() };
        println!("http://{}", listener.local_addr()?);
        let end = CancellationToken::new();
        let ended = end.clone();
        std::thread::spawn(move || {
            // Whether it was closed or broke: nobody wants this provider any more.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            ended.cancel();
        });
        let provider = Arc::new(Mutex::new(Sandbox::new(settings)));
        serve(listener, provider, move || clock.now().wall, end).await.map_err(|error| anyhow!(error))
    })
}
