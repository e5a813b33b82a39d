//! `bursar doctor`: is everything ready, before money depends on it?
//!
//! It checks what is on this machine (config, ledger, files, disk) and what the ledger knows about each account, and
//! makes one free call to the provider for each. It buys nothing and writes nothing; only `--probe` buys one task,
//! with one account.

mod account;
mod books;
mod finding;
mod here;
mod probe;
mod rehearsal;

use anyhow::Context as _;
use serde_json::{Value, json};

use self::finding::{Finding, Level};
use self::probe::Probe;
use super::args::DoctorArgs;
use super::out::{self, Out, count};
use super::{Common, Exit, locate, sandboxed, state_dir};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::ledger::Kind;

pub(super) fn doctor(args: &DoctorArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (mut config, has_ledger) =
        if args.sandbox { sandboxed::config_or_none(common)? } else { (locate::config(None, common)?, true) };
    let clock = Clock::system();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let rehearsal =
        if args.sandbox { Some(runtime.block_on(rehearsal::begin(&mut config, has_ledger, clock))?) } else { None };
    let accounts: Vec<&AccountConfig> = match &args.account {
        Some(name) => vec![locate::account(&config, name)?],
        None => config.accounts.values().collect(),
    };
    let probed = if args.probe { Some(locate::account_or_only(&config, args.account.as_deref())?) } else { None };
    let state_dir = state_dir::folder(&config)?;
    let mut findings = here::scan(&config, &state_dir);
    let ledger = if has_ledger { here::ledger(&config, &mut findings) } else { None };
    findings.extend((!has_ledger).then(rehearsal::no_ledger));
    findings.extend(rehearsal.as_ref().and_then(|rehearsal| rehearsal.beside_a_run(has_ledger)));
    if let Some(ledger) = &ledger {
        findings.extend(books::scan(ledger, &state_dir)?);
    }
    for account in accounts {
        let mut of_account = runtime.block_on(account::scan(account, clock, args.sandbox))?;
        of_account.extend(books::new_ledger(&config, account, &state_dir).filter(|_| !args.sandbox));
        if let Some(ledger) = &ledger {
            if ledger.kind() == Kind::of(account.route) {
                of_account.extend(books::of_account(ledger, account, clock.now().wall)?);
            } else {
                of_account.push(books::other_money(ledger));
            }
        }
        findings.extend(of_account.into_iter().map(|finding| finding.of(&account.name)));
    }
    drop(ledger);
    if let Some(account) = probed {
        let (config, state_dir, wait) = (&config, &*state_dir, args.max_wait);
        let probe = Probe { config, account, state_dir, wait, clock, out };
        let made = runtime.block_on(probe.make(&findings));
        findings.extend(made.into_iter().map(|finding| finding.of(&account.name)));
    }
    let exit = findings.iter().fold(Exit::Complete, |exit, finding| exit.and(finding.exit()));
    if out.json {
        let facts: Vec<Value> = findings.iter().map(Finding::facts).collect();
        out::document(&json!({ "schema": "bursar.doctor/1", "findings": facts, "exit": exit.code() }))?;
    } else {
        out::data(&finding::text(&findings, out.quiet))?;
        out.note(&summary(&findings));
    }
    Ok(exit)
}

fn summary(findings: &[Finding]) -> String {
    let of = |level| findings.iter().filter(|finding| finding.level() == level).count() as u64;
    match (of(Level::Fail), of(Level::Warn)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("everything is ready; {}", count(warnings, "warning")),
        (failures, 0) => format!("{}: fix this before the next run", count(failures, "failure")),
        (failures, warnings) => {
            format!("{} and {}: fix this before the next run", count(failures, "failure"), count(warnings, "warning"))
        }
    }
}
