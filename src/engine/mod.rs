//! The engine: one future that owns the core and the ledger, does what the core decides, and hands back what happened.
//!
//! Commits are made here, inline, before the request they belong to leaves. Requests, their parsing and compression are
//! tasks of their own that hand back one reply each; replies are taken by the handful, one commit for each handful. It
//! prints nothing.

// A start: what it is to buy, and the turns it takes.
mod prepare;
mod turn;

// The core decides, in these words and by this clock, and touches nothing.
mod vocabulary;
mod core;
mod vendor_clock;

// A dollar: set aside for a task, committed and sent, charged, or in doubt until that is settled; its answer fetched.
mod dispatch;
mod desk;
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
pub use desk::{Desk, EngineError};
pub use dispatch::{KnownPrice, Pulled, RoomFor, RunTerms};
pub use prepare::{
    PrepareError, Prepared, affordable, bring_account, by_deadline, own_ceilings, own_room, own_rooms, prepare,
    retry_failed,
};
pub use turn::{AtWork, Moment, Outside, ProviderClock, Turn};
pub use vendor_clock::FURTHEST_OFF_S;
pub use vocabulary::{Effect, End, Heard, Input, LiveAnswer, Memory, Reply, SeenRow, Source, Terms};
pub use waits::{Missing, Until, Waits, waits};

use crate::clock::{Clock, Now};
use crate::event::{Event, Watch};
use crate::ledger::{Ledger, LedgerError};
use crate::vendor::Vendor;

/// Replies that are taken into one commit.
const HANDFUL: usize = 256;

/// How urgently a start is to end.
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

/// Works for one account until nothing more can happen in this start, or until it is told to stop.
///
/// # Errors
/// The ledger cannot be written: nothing more is sent, and what is in flight is in doubt at the next start.
pub async fn run<V: Vendor>(
    desk: Desk,
    vendor: Arc<V>,
    ledger: &mut Ledger,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<End, EngineError> {
    let gate = Arc::new(call::Gate::new(desk.terms.limits.calls_per_minute, clock));
    let mut at_work = AtWork::new(desk, ledger, clock.now())?;
    drive(&mut at_work, gate, vendor, ledger, clock, stop, watch).await
}

/// Calls until the provider has answered, and says what its clock shows. Runs are opened after it: only both clocks
/// together say for which period a job is bought. The ledger is neither read nor written.
///
/// # Errors
/// None of its own: those of [`run`].
pub async fn greet<V: Vendor>(
    terms: Terms,
    vendor: Arc<V>,
    ledger: &mut Ledger,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<(ProviderClock, End), EngineError> {
    let gate = Arc::new(call::Gate::new(terms.limits.calls_per_minute, clock));
    let mut at_work = AtWork::greeting(terms, clock.now());
    let end = drive(&mut at_work, gate, vendor, ledger, clock, stop, watch).await?;
    Ok((at_work.heard_clock(), end))
}

/// Turn after turn, with tokio's time and real calls.
async fn drive<V: Vendor>(
    at_work: &mut AtWork,
    gate: Arc<call::Gate>,
    vendor: Arc<V>,
    ledger: &mut Ledger,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<End, EngineError> {
    let (hand_back, mut replies) = mpsc::unbounded_channel::<Result<Heard, LedgerError>>();
    let mut outside = World { vendor, clock, gate, hand_back, watch };
    let mut input = Input::Begin;
    let mut heard = StopWord::None;
    loop {
        let wake = match at_work.turn(input, ledger, &mut outside)? {
            Turn::Wait(wake) => wake,
            Turn::Ended(end) => return Ok(*end),
            Turn::Killed => return Ok(at_work.cut_short()),
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
                Input::Heard(handful)
            }
            () = tokio::time::sleep(nap) => Input::Tick,
        };
    }
}

/// The world of a real start.
struct World<'a, V> {
    vendor: Arc<V>,
    clock: Clock,
    gate: Arc<call::Gate>,
    hand_back: mpsc::UnboundedSender<Result<Heard, LedgerError>>,
    watch: &'a mut (dyn Watch + Send),
}

impl<V: Vendor> Outside for World<'_, V> {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn tell(&mut self, event: &Event) {
        self.watch.see(event);
    }

    fn call(&mut self, call: Call) {
        call::spawn(call, &self.vendor, &self.gate, &self.hand_back);
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
