//! `bursar reconcile`: a session that buys and collects nothing. It only asks the provider about what is in doubt,
//! what was given up, and provisional costs.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::account_status::AccountStatus;
use super::args::SandboxedArgs;
use super::learnt::{Learnt, Settled, Unmatched};
use super::out::{self, Out, count};
use super::progress::{Baseline, Teller};
use super::run::{Wait, take};
use super::terms::terms;
use super::{Common, Exit, embedded, locate, sandboxed, secrets, state_dir, stop, summary};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::engine::{self, End, Executor, StopWord, Terms};
use crate::ids::AccountId;
use crate::ledger::{GivenUp, Kind, Ledger, LedgerError, Lookups, Reports, Trust, UnknownBatch};
use crate::money::Money;
use crate::price::PriceList;
use crate::product::LIST_REACH_S;
use crate::sandbox::Faults;

/// An account of the ledger with something in doubt, or on the watch list, by the config.
struct InDoubt {
    account: AccountConfig,
    credentials: secrets::Credentials,
}

pub(super) fn reconcile(args: &SandboxedArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let config = sandboxed::config(common, args.sandbox)?;
    let seen = locate::to_open(&config.ledger, None)?;
    let at = Clock::system().now().wall.timestamp();
    let (mut accounts, unknown) = in_doubt(&seen, &config, at, args.sandbox)?;
    let kind = seen.kind();
    drop(seen);
    let mut exit = Exit::Complete;
    for name in unknown {
        out.must(&format!(
            "account {name} has something in doubt or on the watch list, and {} does not have it: it cannot be asked",
            locate::shown(&config)
        ));
        exit = exit.and(Exit::InDoubt);
    }
    if accounts.is_empty() {
        if exit == Exit::Complete {
            out.note("nothing is in doubt");
        }
        if out.json {
            out::document(&json!({ "schema": "bursar.reconcile/1", "accounts": [], "exit": exit.code() }))?;
        }
        return Ok(exit);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let clock = Clock::system();
        let stop = stop::listen(Out { bars: false, ..out }, None);
        let timing = accounts.first().map(|account| account.account.timing.clone()).unwrap_or_default();
        let patience = (!out.is_watched()).then_some(timing.patience);
        let wait = Wait { no_follow: false, silence: timing.silence, patience };
        let Some(lock) = take(&config.ledger, "reconciling", wait, out, stop.clone()).await? else {
            return Ok(Exit::Interrupted);
        };
        let at = clock.now().wall.timestamp();
        let mut ledger = Ledger::open(&config.ledger, kind, at)?;
        if let Trust::Restored(why) = ledger.begin(&state_dir::folder(&config)?, at)?.trust {
            out.must(&format!("this ledger was restored, copied or rebuilt: {why}; the provider's list is read whole"));
        }
        let served = CancellationToken::new();
        for asked in accounts.iter_mut().filter(|_| args.sandbox) {
            let folder = state_dir::folder(&config)?;
            asked.account.base_url =
                embedded::serve_for(Some(&folder), Faults::default(), clock, served.child_token()).await?;
        }
        let (mut facts, mut settled, mut unmatched) = (Vec::new(), Settled::default(), Unmatched::new());
        let session = Session { clock, stop, out };
        for account in accounts {
            let asked = session.ask(&mut ledger, &account).await?;
            facts.push(Value::Object(asked.facts));
            settled = settled.and(asked.settled);
            unmatched.insert(account.account.name.clone(), asked.unmatched);
            exit = exit.and(asked.exit);
        }
        let learnt = Learnt::of(&ledger, Vec::new(), settled, unmatched)?;
        for sentence in learnt.sentences() {
            if learnt.exit() == Exit::Complete { out.note(&sentence) } else { out.must(&sentence) }
        }
        exit = exit.and(learnt.exit());
        if out.json {
            out::document(&json!({ "schema": "bursar.reconcile/1", "accounts": facts, "learnt": learnt.facts(),
                                   "settled": learnt.settled_facts(), "exit": exit.code() }))?;
        }
        learnt.was_told(&mut ledger, clock.now().wall.timestamp())?;
        served.cancel();
        ledger.tidy();
        drop(lock);
        Ok(exit)
    })
}

/// What asking about one account has come to.
struct Asked {
    facts: Map<String, Value>,
    exit: Exit,
    settled: Settled,
    /// Charges that answer no task, newly booked.
    unmatched: u64,
}

struct Session {
    clock: Clock,
    stop: watch::Receiver<StopWord>,
    out: Out,
}

impl Session {
    /// Asks the provider about what is in doubt of one account, or on its watch list; nothing is bought.
    async fn ask(&self, ledger: &mut Ledger, unknown_batches: &InDoubt) -> anyhow::Result<Asked> {
        let (Self { clock, stop, out }, InDoubt { account, credentials }) = (self, unknown_batches);
        let id = engine::bring_account(ledger, account, credentials.whose())?;
        let before = sum(ledger, id)?;
        let watched: u64 =
            on_watch(ledger, id, clock.now().wall.timestamp())?.iter().map(|given_up| given_up.tasks).sum();
        if !account.route.shows_lists() {
            out.must(&nobody_to_ask(account, before, ledger.provider_memory(id)?.restored_from_v.is_some()));
            let facts = of(account, before, before, Exit::InDoubt);
            return Ok(Asked { facts, exit: Exit::InDoubt, settled: Settled::default(), unmatched: 0 });
        }
        out.note(&format!(
            "account {} at {}: {} in doubt, {} held{}; asking the provider, nothing is bought",
            account.name,
            account.base_url,
            count(before.0, "task"),
            before.1,
            if watched > 0 {
                format!("; {} on the watch list, given up as not bought", count(watched, "task"))
            } else {
                String::new()
            } + &costs_wanted(ledger, id)?
        ));
        let http = Arc::new(credentials.way_to(&account.base_url)?);
        let patience = (!out.is_watched()).then_some(account.timing.patience);
        let terms =
            Terms { watch_now: true, collect: false, keep_balance: None, patience, ..terms(id, account, Vec::new()) };
        let executor = Executor::new(terms, PriceList::with(&account.prices));
        // One document is asked for, not a line for each event.
        let mut teller = Teller::new(Out { json: false, bars: false, ..*out }, Baseline::default());
        let end = engine::run(executor, http, ledger, *clock, stop.clone(), &mut teller).await?;
        let settled = teller.finish();
        let after = sum(ledger, id)?;
        let of_account = if let Some(why) = &end.refused {
            out.must(&format!("account {}: {why}", account.name));
            credentials.odd().iter().for_each(|sentence| out.must(sentence));
            Exit::Refused
        } else if after.0 > 0 || end.in_doubt > 0 {
            Exit::InDoubt
        } else if end.stopped || *stop.borrow() > StopWord::None || end.watch_missed {
            Exit::Interrupted
        } else if end.unmatched.0 > 0 {
            Exit::SomeFailed
        } else {
            Exit::Complete
        };
        let unknown_batches = ledger.unknown_batches(id)?;
        let account_status = AccountStatus::of(ledger, account, clock.now())?;
        self.tell(account, (after, watched), &end, &unknown_batches, &account_status);
        let mut of_it = of(account, before, after, of_account);
        let missing = unknown_batches.iter().map(|unknown| {
            json!({ "batch": unknown.batch.0, "tasks": unknown.attempts, "missing": account_status.missing_facts(unknown.batch) })
        });
        of_it.insert("batches".into(), missing.collect());
        of_it.insert("watched".into(), watched.into());
        of_it.insert("watch_missed".into(), end.watch_missed.into());
        of_it.insert("unmatched".into(), summary::unmatched_facts(&end));
        Ok(Asked { facts: of_it, exit: of_account, settled, unmatched: end.unmatched.0 })
    }

    /// Says what came of it.
    fn tell(
        &self,
        account: &AccountConfig,
        (after, watched): ((u64, Money), u64),
        end: &End,
        unknown_batches: &[UnknownBatch],
        account_status: &AccountStatus,
    ) {
        let out = &self.out;
        out.note(&format!(
            "account {}: {} still in doubt, {} held{}",
            account.name,
            count(after.0, "task"),
            after.1,
            if after.0 > 0 { "; ask again later, or decide with `bursar resolve`" } else { "" }
        ));
        for unknown in unknown_batches.iter().filter(|_| !out.json) {
            let until = account_status.of_unknown(unknown.batch).into_iter();
            for evidence in until.chain(account_status.missing(unknown.batch)) {
                out.note(&format!("batch {}: {evidence}", unknown.batch));
            }
        }
        if let Some(sentence) = summary::unmatched(end) {
            out.must(&format!("account {}: {sentence}", account.name));
        } else if end.watch_missed {
            out.must(&format!(
                "account {}: the provider's list could not be read for what was given up: run `bursar reconcile` again",
                account.name
            ));
        } else if watched > 0 {
            out.note(&format!(
                "account {}: nothing of what was given up was accepted since, as far as the provider's list shows",
                account.name
            ));
        }
    }
}

/// What of an account is on the watch list.
fn on_watch(ledger: &Ledger, id: AccountId, at: i64) -> Result<Vec<GivenUp>, LedgerError> {
    ledger.given_up(id, at - LIST_REACH_S)
}

/// Accounts with something in doubt or on the watch list: those that the config has, with their credentials, and those that it has not.
fn in_doubt(ledger: &Ledger, config: &Config, at: i64, sandbox: bool) -> anyhow::Result<(Vec<InDoubt>, Vec<String>)> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for name in ledger.account_names()? {
        let Some((id, route)) = ledger.account(&name)? else { continue };
        let restored = ledger.provider_memory(id)?.restored_from_v.is_some();
        let is_watched = route.shows_lists() && !on_watch(ledger, id, at)?.is_empty();
        let is_clear =
            ledger.unknown_batches(id)?.is_empty() && !restored && !is_watched && ledger.awaited(id)?.is_empty();
        if is_clear && ledger.provisional(id)?.is_empty() {
            continue;
        }
        match config.accounts.get(&name).filter(|account| Kind::of(account.route) == ledger.kind()) {
            Some(account) => {
                let credentials = secrets::for_session(account, sandbox)?;
                known.push(InDoubt { account: account.clone(), credentials });
            }
            None if is_clear => {}
            None => unknown.push(name),
        }
    }
    Ok((known, unknown))
}

/// How many costs of an account were booked provisionally.
fn costs_wanted(ledger: &Ledger, id: AccountId) -> Result<String, LedgerError> {
    let costs = ledger.provisional(id)?.len() as u64;
    Ok(if costs > 0 { format!("; {} booked provisionally", count(costs, "cost")) } else { String::new() })
}

/// What a person is to do where no list can be asked for.
fn nobody_to_ask(account: &AccountConfig, (tasks, held): (u64, Money), restored: bool) -> String {
    let name = &account.name;
    let unknown_batches = format!(
        "; {} in doubt, {held} held: check the gateway's own record, and decide with `bursar resolve`",
        count(tasks, "task")
    );
    let copied = format!(
        "; the ledger was restored: nothing is bought for it before `bursar resolve --restored {name} --reason TEXT`"
    );
    format!(
        "account {name}: route `{}` has no list of purchases, so nothing can be looked up{}{}",
        account.route,
        if tasks > 0 { &unknown_batches } else { "" },
        if restored { &copied } else { "" }
    )
}

/// Tasks in doubt, and what is held for them.
fn sum(ledger: &Ledger, account: AccountId) -> anyhow::Result<(u64, Money)> {
    let unknown_batches = ledger.unknown_batches(account)?;
    let held = unknown_batches.iter().fold(Money::ZERO, |sum, batch| sum.saturating_add(batch.held));
    Ok((unknown_batches.iter().map(|batch| batch.attempts).sum(), held))
}

fn of(account: &AccountConfig, before: (u64, Money), after: (u64, Money), exit: Exit) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("account".into(), account.name.clone().into());
    facts.insert("was_in_doubt".into(), before.0.into());
    out::money(&mut facts, "was_held", before.1);
    facts.insert("in_doubt".into(), after.0.into());
    out::money(&mut facts, "held", after.1);
    facts.insert("exit".into(), exit.code().into());
    facts
}
