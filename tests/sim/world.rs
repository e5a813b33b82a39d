//! The world of a campaign: a provider that lives on, a disk, a clock, and the person who starts bursar in it.

use std::fmt::Arguments;

use bursar::config::AccountConfig;
use bursar::ledger::{Audit, Reports};
use bursar::product::Route;
use bursar::sandbox::{Sandbox, Settings};
use chrono::{DateTime, TimeDelta, Utc};

use super::clock::VirtualClock;
use super::disk::Disk;
use super::handshake::Opened;
use super::journal::{Journal, Struck};
use super::wire::{Road, Wire};

pub struct World {
    pub seed: u64,
    pub clock: VirtualClock,
    pub wire: Wire,
    pub disk: Disk,
    pub account: AccountConfig,
    pub journal: Journal,
    pub struck: Struck,
    pub sessions: u64,
    /// Lives hear the provider's clock before they open runs.
    pub shakes_hands: bool,
    /// By how many seconds the provider's clock is ahead of the true time.
    pub skew: i64,
    pub opened: Opened,
}

impl World {
    pub fn new(seed: u64, began: DateTime<Utc>, settings: Settings, account: AccountConfig, road: Road) -> Self {
        Self {
            seed,
            clock: VirtualClock::starting_at(began),
            wire: Wire::new(Sandbox::new(settings), road, seed),
            disk: Disk::new(began.timestamp()),
            account,
            journal: Journal::default(),
            struck: Struck::default(),
            sessions: 0,
            shakes_hands: false,
            skew: 0,
            opened: Opened::new(),
        }
    }

    /// What the provider's clock shows.
    pub fn provider_time(&self) -> DateTime<Utc> {
        self.clock.true_time + TimeDelta::seconds(self.skew)
    }

    pub fn line(&mut self, what: Arguments<'_>) {
        self.journal.line(self.clock.true_time, what);
    }

    /// Nobody works for a while.
    pub fn rest(&mut self, time: std::time::Duration) {
        self.clock.pass(time);
        let (journal, struck) = (&mut self.journal, &mut self.struck);
        self.wire.arrive(self.clock.true_time, usize::MAX, journal, struck);
        self.wire.sandbox.advance(self.clock.true_time);
    }

    /// What the books say, as `bursar audit` does.
    pub fn audit(&self) -> Result<Audit, String> {
        self.disk.auditor.audit().map_err(|error| format!("the ledger cannot be audited: {error}"))
    }

    pub fn audit_clean(&self, when: &str) -> Result<Audit, String> {
        let audit = self.audit()?;
        if audit.problems.is_empty() { Ok(audit) } else { Err(format!("audit, {when}: {:#?}", audit.problems)) }
    }
}

/// The account of a campaign before anything about it is drawn.
pub fn plain_account() -> AccountConfig {
    let mut account = AccountConfig::new("main", Route::Sandbox);
    "http://127.0.0.1".clone_into(&mut account.base_url);
    account
}
