//! The engine: one future that owns the core and the ledger, does what the core decides, and hands back what happened.
//!
//! Commits are made here, inline, before the request they belong to leaves. Requests, their parsing and compression are
//! tasks of their own that hand back one reply each; replies are taken by the handful, one commit for each handful. It
//! prints nothing.

mod collect;
mod core;
mod dispatch;
mod prepare;
mod reconcile;
mod replies;
mod vendor_clock;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use self::core::{Core, Effect, End, Heard, Input, Memory, Reply, SeenRow, Source, Terms};
pub use dispatch::{KnownPrice, Pulled, RoomFor, RunTerms};
pub use prepare::{PrepareError, Prepared, bring_account, own_room, prepare};
pub use work::{Desk, EngineError};

use crate::clock::Clock;
use crate::event::{Event, Watch};
use crate::ledger::Ledger;
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
    mut desk: Desk,
    vendor: Arc<V>,
    ledger: &mut Ledger,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    watch: &mut (dyn Watch + Send),
) -> Result<End, EngineError> {
    let memory = desk.memory(ledger)?;
    let mut core = Core::new(desk.terms.clone(), memory, clock.now());
    let (hand_back, mut replies) = mpsc::unbounded_channel::<Heard>();
    let mut inputs = VecDeque::from([Input::Begin]);
    let mut heard = StopWord::None;
    let mut wake;
    loop {
        wake = None;
        while let Some(input) = inputs.pop_front() {
            for effect in core.step(clock.now(), input) {
                match effect {
                    Effect::Tell(kind) => watch.see(&Event { at: clock.now().wall, kind }),
                    Effect::Wake(at) => wake = Some(at),
                    // What a commit led to may still need doing; the core says so again when nothing does.
                    Effect::Finish(end) if inputs.is_empty() => return Ok(end),
                    Effect::Finish(_) => {}
                    effect @ (Effect::Pull { .. }
                    | Effect::Reserve(_)
                    | Effect::Post(_)
                    | Effect::Record(_)
                    | Effect::Hello
                    | Effect::Balance
                    | Effect::BalanceRead(_)
                    | Effect::Ready(..)
                    | Effect::Page(..)
                    | Effect::Fetch(_)
                    | Effect::Overdue(_)
                    | Effect::Recognise(..)
                    | Effect::Witnesses(_)
                    | Effect::Widen(..)
                    | Effect::Adopt(_)
                    | Effect::Unresolved(_)) => {
                        match desk.perform(effect, ledger, clock.now(), core.hold_window(clock.now()))? {
                            work::Done::Input(input) => inputs.push_back(*input),
                            work::Done::Call(call) => work::spawn(*call, &vendor, clock, &hand_back),
                            work::Done::Nothing => {}
                        }
                    }
                }
            }
        }
        let now = clock.now().mono;
        let nap = wake.unwrap_or(now + Duration::from_secs(1)).saturating_sub(now);
        tokio::select! {
            biased;
            word = told(stop.clone(), heard) => {
                heard = word;
                inputs.push_back(Input::Stop);
                if word == StopWord::Now {
                    return Ok(core.cut_short());
                }
            }
            Some(first) = replies.recv() => {
                let mut handful = vec![first];
                while handful.len() < HANDFUL && let Ok(next) = replies.try_recv() {
                    handful.push(next);
                }
                inputs.push_back(Input::Heard(handful));
            }
            () = tokio::time::sleep(nap) => inputs.push_back(Input::Tick),
        }
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
