//! The messages of the core: its inputs, its decisions, and how a session ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::collect::Endpoint;
use super::dispatch::{HeadroomFor, KnownPrice, Pulled, RunTerms};
use super::reconcile::Span;
use crate::clock::Now;
use crate::config::{Limits, Timing};
use crate::event::{EventKind, Progress};
use crate::ids::{AccountId, AttemptId, BatchId, RunId};
use crate::ledger::{
    Awaited, CapReached, Change, ControlRow, Draft, GivenUp, OpenBatch, Provisional, Recognised, Reserved, Settlement,
    TakenOver, ToCollect, Unfinished, UnknownBatch,
};
use crate::money::Money;
use crate::oddity::Oddity;
use crate::plan::Headroom;
use crate::price::NamedIn;
use crate::product::{Engine, Function, Method, ResultKind};
use crate::provider::{
    AnswerFacts, Fetched, ListProblem, Listed, Probed, ReadyList, Refusal, Through, UserData, Verdict,
};

/// What the core is told about the account it works for.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing of the account or the session, whatever the others say"
)]
pub struct Terms {
    /// Which account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The provider's limits.
    pub limits: Limits,
    /// Waits and quarantines.
    pub timing: Timing,
    /// The provider's times are divided by it; 1 for a real one.
    pub speed: u32,
    /// The provider's list of all purchases, its word on the account and its status page can be asked for. Where they cannot,
    /// what is in doubt is a person's to decide, and endpoints are tried before anything is bought at them.
    pub lists: bool,
    /// Who stands between here and the provider.
    pub through: Through,
    /// The provider decodes `%hh` and `+` in the prompt of a model, as it does in that of the scraper.
    pub user_prompt_decoded: bool,
    /// A balance to keep: what the account has is asked for before anything is bought.
    pub keep_balance: Option<Money>,
    /// What was given up is looked for in this session, also where it was today already.
    pub watch_now: bool,
    /// Answers are collected.
    pub collect: bool,
    /// How long nothing may come of any call before the session ends as stopped; without it, a score of calls that fail in a
    /// row end it as refused.
    pub patience: Option<Duration>,
    /// For jitter.
    pub seed: u64,
    /// What is to be bought.
    pub runs: Vec<RunTerms>,
}

/// What the ledger holds from earlier sessions.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Batches with an unknown outcome.
    pub unknown_batches: Vec<UnknownBatch>,
    /// What a person called bought, and nobody has found yet.
    pub awaited: Vec<Awaited>,
    /// Batches with answers to come.
    pub open: Vec<OpenBatch>,
    /// Functions whose unfinished tasks the provider's list was seen to show.
    pub proven: BTreeSet<Function>,
    /// Functions of which the ledger's jobs ask something.
    pub functions: BTreeSet<Function>,
    /// The longest that the provider's list was behind.
    pub longest_lag_s: i64,
    /// The ledger was restored: since when its purchases are unknown, and when it first had contact since.
    pub restored: Option<(i64, Option<i64>)>,
    /// When the scans of earlier sessions began that count for what it may lack.
    pub restored_scans: Vec<i64>,
    /// Where something is left to buy, where the provider's lists cannot be asked for.
    pub wanted: BTreeSet<(Engine, Function, Method)>,
    /// The latest that the provider's clock was seen at.
    pub heard_v: Option<i64>,
    /// Endpoints whose `tasks_ready` was full when something was in doubt there, and when that was seen.
    pub crowded: BTreeMap<(Engine, Function), i64>,
    /// What was given up, and when the provider's list was last read for it.
    pub given_up: (Vec<GivenUp>, Option<i64>),
    /// No other session began within the minute before, so that none of its questions for the account counts any more.
    pub cooled_down: bool,
}

/// A row of the provider's, and what the ledger knows about it.
#[derive(Clone, Debug)]
pub struct SeenRow {
    /// As the provider listed it.
    pub row: Listed,
    /// As the ledger knows it.
    pub known: Recognised,
    /// The price of its task.
    pub price: Option<String>,
    /// What is to be fetched for it.
    pub collect: Option<ToCollect>,
}

impl SeenRow {
    /// Where its cost is named, if it is.
    pub fn named_in(&self) -> NamedIn {
        if self.row.done.is_some() { NamedIn::ListWhenDone } else { NamedIn::List }
    }
}

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `tasks_ready` of an endpoint, begun at this time of the provider's; whole, or possibly not.
    Ready(Endpoint, i64, bool),
    /// A page of the provider's list.
    List(Span, u32),
    /// An answer to a purchase that it does not belong to.
    UnmatchedRow,
}

/// A reply, or the lack of one.
#[derive(Clone, Debug)]
pub struct TimedReply {
    /// To what, and what it means.
    pub reply: Reply,
    /// When the call was begun.
    pub begun: Now,
    /// The provider answered at all; its clock, where it showed it.
    pub date_v: Option<Option<i64>>,
    /// No call is left by now, and there are more only after this: a hint.
    pub rest: Option<Duration>,
}

/// The answer to a Live task.
#[derive(Clone, Debug)]
pub struct LiveAnswer {
    /// What it says about itself.
    pub facts: AnswerFacts,
    /// Its compressed body.
    pub body: Vec<u8>,
    /// In which form.
    pub form: ResultKind,
    /// What is odd about it.
    pub oddity: Option<Oddity>,
}

/// A reply by what was asked.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To the first call of a session.
    Hello(Result<(), Refusal>),
    /// To the question whether answers of an endpoint can be asked for.
    Probed(Endpoint, Probed),
    /// To the question for the balance.
    Balance(Result<UserData, ListProblem>),
    /// To a purchase; with the answer that came with it, where it was Live.
    Posted(BatchId, Verdict, Option<LiveAnswer>),
    /// To `tasks_ready`, begun at this time of the provider's.
    Ready(Endpoint, i64, Result<ReadyList, ListProblem>),
    /// To a page of the provider's list.
    Page(Span, u32, Result<Vec<Listed>, ListProblem>),
    /// To a page of the list without metadata, for costs that were booked provisionally.
    CostPage(Result<Vec<Listed>, ListProblem>),
    /// To the question what became of a task that the ledger does not hold.
    Asked(String, Fetched),
    /// To the question for an answer, with its compressed body.
    Fetched(AttemptId, Fetched, Vec<u8>),
}

impl Reply {
    /// Why nothing came of the call, where that is so.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Self::Hello(Ok(()))
            | Self::Probed(_, Probed::Open | Probed::Shut(_))
            | Self::Balance(Ok(_))
            | Self::Posted(_, Verdict::Rows { .. }, _)
            | Self::Ready(_, _, Ok(_))
            | Self::Page(_, _, Ok(_))
            | Self::CostPage(Ok(_)) => None,
            Self::Hello(Err(refusal))
            | Self::Probed(_, Probed::Refused(refusal))
            | Self::Posted(_, Verdict::NotBought { why: refusal }, _) => Some(refusal.message.clone()),
            Self::Posted(_, Verdict::InDoubt { why }, _) => Some(why.clone()),
            Self::Balance(Err(problem))
            | Self::Ready(_, _, Err(problem))
            | Self::Page(_, _, Err(problem))
            | Self::CostPage(Err(problem)) => Some(problem.to_string()),
            Self::Asked(_, fetched) | Self::Fetched(_, fetched, _) => match fetched {
                Fetched::Throttled { .. } => Some("too many calls".to_owned()),
                Fetched::Halt(refusal) => Some(refusal.message.clone()),
                Fetched::Stumbled { why } | Fetched::Unreachable { why } => Some(why.clone()),
                Fetched::WaitingForMoney => {
                    Some("answers that are paid for are kept back until the account has money again".to_owned())
                }
                Fetched::Answer { .. }
                | Fetched::Odd(_)
                | Fetched::Pending
                | Fetched::Failed { .. }
                | Fetched::Expired
                | Fetched::NotFound
                | Fetched::Wrong { .. } => None,
            },
        }
    }
}

/// What the core is told.
#[expect(missing_docs, reason = "the fields are named for what they hold")]
#[derive(Clone, Debug)]
pub enum Input {
    /// The session.
    Begin,
    /// Tasks from the plan after a place in it; `whole`: there are no more.
    Pulled { run: RunId, tasks: Vec<Pulled>, prices: Vec<KnownPrice>, whole: bool, headrooms: Vec<HeadroomFor> },
    /// A commit was made: what became of its drafts, and tasks that are planned again by it, with their prices. Without
    /// rooms, no ceiling has moved.
    Committed { outcomes: Vec<Result<Reserved, CapReached>>, again: Vec<(RunId, Pulled)>, headrooms: Vec<HeadroomFor> },
    /// Answers to ask for.
    Overdue { items: Vec<ToCollect> },
    /// Rows were recognised.
    Recognised { source: Source, rows: Vec<SeenRow> },
    /// What a scan must have shown: known to be bought in its spans, and when.
    ControlRows(Vec<(AttemptId, i64)>),
    /// A purchase outside the spans of a scan, to widen them to.
    Widened(Option<ControlRow>),
    /// Purchases were taken over into a restored ledger.
    Recovered {
        /// What.
        taken: TakenOver,
        /// Among these is a later purchase of a task whose earlier answer is still to come.
        awaits_answer: bool,
    },
    /// Costs that were booked provisionally and are to be looked for, with settled tasks beside them.
    Provisional(Vec<Provisional>, Vec<Settlement>),
    /// Unresolved attempts of batches that surely were not bought.
    Unresolved(Vec<(BatchId, Vec<AttemptId>)>),
    /// Replies, by the handful.
    Replies(Vec<TimedReply>),
    /// A timer.
    Tick,
    /// Nothing new is to begin.
    Stop,
}

/// What is to be done.
#[expect(missing_docs, reason = "the fields are named for what they hold")]
#[derive(Clone, Debug)]
pub enum Effect {
    /// Read the next tasks of the plan.
    Pull { run: RunId, after: i64, most: usize },
    /// Send a batch whose money is reserved.
    Post(BatchId),
    /// T2 and T3, and then T1, in one commit.
    Commit(Vec<Change>, Vec<Draft>),
    /// The first call of a session: free, to learn the provider's clock and whether it lets us in.
    Hello,
    /// A first call as well: ask whether answers of this endpoint can be asked for.
    Probe(Endpoint),
    /// Ask for the balance.
    Balance,
    /// The balance was read: what may be spent of it, and the moment before which the figure has every purchase.
    BalanceRead(Option<Money>, i64),
    /// Look at `tasks_ready`.
    Ready(Endpoint, i64),
    /// Ask for a page of the provider's list.
    Page(Span, u32),
    /// Say which costs were booked provisionally and are to be looked for at this moment of the provider's.
    Provisional(i64),
    /// Ask for a page of the provider's list without metadata, which goes back further.
    CostPage(Span, u32),
    /// Ask for an answer.
    Fetch(ToCollect),
    /// Ask what became of a task that the ledger does not hold.
    Ask(Endpoint, String),
    /// Say which answers of these batches are to come.
    Overdue(Vec<BatchId>),
    /// Say what the ledger knows of these rows.
    Recognise(Source, Vec<Listed>),
    /// Say what a scan through these spans must have shown.
    ControlRows(Vec<Span>, Unfinished),
    /// Say when the latest purchase before both of these moments was.
    Widen(i64, i64),
    /// Take over purchases that a restored ledger does not hold.
    Recover(Vec<SeenRow>),
    /// Say which attempts of these batches are unresolved.
    Unresolved(Vec<BatchId>),
    /// Tell whoever watches.
    Tell(EventKind),
    /// Wake the core at this moment, if nothing else does before.
    Wake(Duration),
    /// There is nothing more to do in this session.
    Finish(End),
}

/// How a session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the end, whatever the others are")]
pub struct End {
    /// The provider refuses the account or the calls, or a price is above what the job allows.
    pub refused: Option<String>,
    /// No answer told the time, so nothing was bought.
    pub undated: bool,
    /// Attempts still in doubt.
    pub in_doubt: u64,
    /// What is in doubt stands in no list that can be asked for: a person decides.
    pub unlisted: bool,
    /// A stop was asked for, or nothing came of any call for too long.
    pub stopped: bool,
    /// Nothing comes of any call at the end: for how long, and why.
    pub no_answer: Option<(Duration, String)>,
    /// The ceilings that cut a run's plan.
    pub cuts: Vec<(RunId, Headroom)>,
    /// Tasks left planned after too many tries, or by the provider's own limits.
    pub given_up: u64,
    /// Tasks whose cost the provider's list has named, with what was booked for them and what they cost.
    pub corrected: (u64, Money, Money),
    /// Answers that are late.
    pub late: u64,
    /// Answers that are to come and were not waited for.
    pub waiting: u64,
    /// Charges that answer no task, newly booked in this session, and their sum.
    pub unmatched: (u64, Money),
    /// What was given up was to be looked for, and was not.
    pub watch_missed: bool,
    /// What was done in this session.
    pub progress: Progress,
}
