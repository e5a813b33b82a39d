//! The engine: one future that owns the core and the ledger, executes what the core decides, and returns events.
//!
//! Commits are made here, inline, before the request they belong to is sent. Requests, their parsing and compression
//! are tasks of their own that each hand back one reply. Replies are taken by the handful, with one commit for each
//! handful. The engine prints nothing.

// A session: what it is to buy, and the turns it takes.
mod prepare;
mod runner;

// The core decides, in these words and by this clock, and touches nothing.
mod vocabulary;
mod core;
mod provider_clock;

// A dollar: set aside for a task, committed and sent, charged, or in doubt until that is settled; its answer fetched.
mod dispatch;
mod executor;
mod call;
mod replies;
mod reconcile;
mod collect;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use self::core::Core;
pub use call::Call;
pub use dispatch::{HeadroomFor, KnownPrice, Pulled, RunTerms};
pub use executor::{EngineError, Executor};
pub use prepare::{
    PrepareError, Prepared, affordable, bring_account, by_deadline, own_ceilings, own_headroom, own_headrooms, prepare,
    retry_failed,
};
pub use provider_clock::FURTHEST_OFF_S;
pub use runner::{Advance, ClockSeen, Moment, Outside, Runner};
pub use vocabulary::{Effect, End, Input, LiveAnswer, Memory, Reply, SeenRow, Source, Terms, TimedReply};
pub use waits::{Missing, Until, Waits, waits};

use crate::clock::{Clock, Now};
use crate::event::{Event, Watch};
use crate::ledger::{Books, LedgerError};
use crate::provider::Provider;

/// Replies that are taken into one commit.
const HANDFUL: usize = 256;

/// How urgently a session is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopWord {
    /// Go on.
    #[default]
    None,
    /// Begin nothing new, and end when what is in flight has ended.
    Drain,
    /// End at once; what is in flight will be in doubt.
    Now,
}

/// Works for one account until nothing more can happen in this session, or until it is told to stop.
///
/// # Errors
/// The ledger cannot be written: nothing more is sent, and what is in flight is in doubt at the next session.
pub async fn run<V: Provider>(
    executor: Executor,
    provider: Arc<V>,
    ledger: &mut dyn Books,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<End, EngineError> {
    let gate = Arc::new(call::Gate::new(executor.terms.limits.calls_per_minute, clock));
    let mut at_work = Runner::new(executor, ledger, clock.now())?;
    drive(&mut at_work, gate, provider, ledger, clock, stop, watch).await
}

/// Calls until the provider has answered, and says what its clock shows. Runs are opened after it: only both clocks
/// together say for which period a job is bought. The ledger is neither read nor written.
///
/// # Errors
/// None of its own: those of [`run`].
pub async fn handshake<V: Provider>(
    terms: Terms,
    provider: Arc<V>,
    ledger: &mut dyn Books,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<(ClockSeen, End), EngineError> {
    let gate = Arc::new(call::Gate::new(terms.limits.calls_per_minute, clock));
    let mut at_work = Runner::handshake(terms, clock.now());
    let end = drive(&mut at_work, gate, provider, ledger, clock, stop, watch).await?;
    Ok((at_work.heard_clock(), end))
}

/// Advance after turn, with tokio's time and real calls.
async fn drive<V: Provider>(
    at_work: &mut Runner,
    gate: Arc<call::Gate>,
    provider: Arc<V>,
    ledger: &mut dyn Books,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<End, EngineError> {
    let (hand_back, mut replies) = mpsc::unbounded_channel::<Result<TimedReply, LedgerError>>();
    let mut outside = World { provider, clock, gate, hand_back, watch };
    let mut input = Input::Begin;
    let mut heard = StopWord::None;
    loop {
        let wake = match at_work.advance(input, ledger, &mut outside)? {
            Advance::Wait(wake) => wake,
            Advance::Ended(end) => return Ok(*end),
            Advance::Killed => return Ok(at_work.cut_short()),
        };
        let now = clock.now().mono;
        let nap = wake.unwrap_or(now + Duration::from_secs(1)).saturating_sub(now);
        input = tokio::select! {
            biased;
            word = told(stop.clone(), heard) => {
                heard = word;
                if word == StopWord::Now {
                    return Ok(at_work.cut_short());
                }
                Input::Stop
            }
            Some(first) = replies.recv() => {
                let mut handful = vec![first?];
                while handful.len() < HANDFUL && let Ok(next) = replies.try_recv() {
                    handful.push(next?);
                }
                Input::Replies(handful)
            }
            () = tokio::time::sleep(nap) => Input::Tick,
        };
    }
}

/// The world of a real start.
struct World<'a, V> {
    provider: Arc<V>,
    clock: Clock,
    gate: Arc<call::Gate>,
    hand_back: mpsc::UnboundedSender<Result<TimedReply, LedgerError>>,
    watch: &'a mut (dyn Watch + Send),
}

impl<V: Provider> Outside for World<'_, V> {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn tell(&mut self, event: &Event) {
        self.watch.see(event);
    }

    fn call(&mut self, call: Call) {
        call::spawn(call, &self.provider, &self.gate, &self.hand_back);
    }
}

/// Waits for a word more urgent than the one heard.
async fn told(mut stop: watch::Receiver<StopWord>, heard: StopWord) -> StopWord {
    let word = stop.wait_for(|word| *word > heard).await.map(|word| *word);
    match word {
        Ok(word) => word,
        // Nobody is left who could say one.
        Err(_) => std::future::pending().await,
    }
}
