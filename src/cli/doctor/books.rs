//! What the ledger knows: whether it is intact, and how far the provider's list is proven to show purchases.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::finding::Finding;
use crate::cli::Exit;
use crate::cli::ending::{self, Ending};
use crate::cli::out::count;
use crate::cli::run::may_be_made;
use crate::cli::secrets;
use crate::config::{AccountConfig, Config};
use crate::ledger::{self, Kind, Ledger, LedgerError, Lookups, Reports, Trust};
use crate::money::Money;
use crate::product::{Function, PRODUCTS};

/// What would happen at the next session.
pub(super) fn scan(ledger: &Ledger, state_dir: &Path) -> Result<Vec<Finding>, LedgerError> {
    Ok(vec![match ledger.trust(state_dir)? {
        Trust::Whole => Finding::ok("starts", "the ledger and its counter in the state folder agree"),
        Trust::Restored(why) => Finding::warn(
            "starts",
            format!("the next run takes this ledger for restored, copied or rebuilt: {why}"),
            "where state_dir points elsewhere than before, point it back; else let it run: it reads the provider's list \
             whole before it buys, which takes the quarantine",
        ),
    }])
}

/// Why `bursar run` refuses to make a ledger, where there is none that was bought with.
pub(super) fn new_ledger(config: &Config, account: &AccountConfig, state_dir: &Path) -> Option<Finding> {
    let path = &config.ledger;
    if !ledger::is_new(path) || ledger::needs_its_folder(path).is_err() {
        return None;
    }
    // Without them there is a finding of its own.
    let credentials = secrets::of(account).ok()?;
    let whose = secrets::whose(account, &credentials);
    let error = may_be_made(path, state_dir, Kind::of(account.route), &whose, None).err()?;
    Some(Finding::fail(
        "new ledger",
        Exit::Usage,
        format!("`bursar run` refuses to buy with it: {error}"),
        "name the ledger that has bought so far, or put it back",
    ))
}

/// What is known of an account's provider.
pub(super) fn of_account(
    ledger: &Ledger,
    account: &AccountConfig,
    now: DateTime<Utc>,
) -> Result<Vec<Finding>, LedgerError> {
    let Some((id, _)) = ledger.account(&account.name)? else {
        return Ok(vec![Finding::ok("books", "this ledger has bought nothing with it yet")]);
    };
    let mut findings = Vec::new();
    let restored = ledger.provider_memory(id)?.restored_from_v;
    if restored.is_some() {
        findings.push(Finding::warn(
            "restored",
            "the ledger was taken for restored, and what it bought meanwhile is not known yet: nothing is bought before",
            if account.route.shows_lists() {
                "let `bursar run` or `bursar reconcile` go on until the provider's list is read whole".to_owned()
            } else {
                format!(
                    "check the gateway's own record, and say `bursar resolve --restored {} --reason TEXT`",
                    account.name
                )
            },
        ));
    }
    let unknown_batches = ledger.unknown_batches(id)?;
    let tasks: u64 = unknown_batches.iter().map(|batch| batch.attempts).sum();
    let held = unknown_batches.iter().fold(Money::ZERO, |sum, batch| sum.saturating_add(batch.held));
    findings.push(match tasks {
        0 => Finding::ok("in doubt", "nothing"),
        _ => Finding::warn(
            "in doubt",
            format!("{}, {held} held for them", count(tasks, "task")),
            if account.route.shows_lists() {
                "`bursar reconcile` asks the provider about them, `bursar status` says why"
            } else {
                "they cannot be looked up: `bursar status` says why, `bursar resolve` decides"
            },
        ),
    });
    let functions: BTreeSet<Function> = PRODUCTS.iter().map(|product| product.function).collect();
    for function in functions.into_iter().filter(|_| account.route.shows_lists()) {
        findings.push(match ledger.visibility_proof(id, function)?.and_then(|at| DateTime::from_timestamp(at, 0)) {
            Some(seen) => {
                let since = seen.format("%Y-%m-%d");
                Finding::ok(
                    "visibility proof",
                    format!("{function}: since {since} the provider's list is known to show unfinished tasks"),
                )
            }
            None => Finding::ok("visibility proof", format!("{function}: not yet")).knowing(
                "until the provider's list has shown an unfinished task, absence from it means nothing for a day or \
                 longer; the first purchases prove it by themselves",
            ),
        });
    }
    findings.push(lists(ledger, now)?);
    let today = now.date_naive();
    for ending in ending::among(ledger.models_asked(id)?.into_iter(), today, today) {
        findings.push(Finding::warn("models", ending.says(today), Ending::ADVICE));
    }
    Ok(findings)
}

/// A ledger of the other kind of money.
pub(super) fn other_money(ledger: &Ledger) -> Finding {
    Finding::fail(
        "books",
        Exit::Usage,
        format!("this ledger was begun with {} money and cannot be used with this account", ledger.kind().name()),
        "name another with --ledger, or in the config",
    )
}

fn lists(ledger: &Ledger, now: DateTime<Utc>) -> Result<Finding, LedgerError> {
    let places = ledger.served()?;
    let read = places.locations.values().map(|kept| kept.read_at).min();
    Ok(match read {
        Some(read_at) => Finding::ok(
            "lists",
            format!("the provider's places were read {} ago", count((now - read_at).num_days().unsigned_abs(), "day")),
        ),
        None => Finding::ok("lists", "none of the provider's is kept, so places in jobs are checked against hints")
            .knowing("`bursar locations` and `bursar languages` read them, for nothing"),
    })
}
