//! Kinds of trouble that only later seeds have, each with a draw of its own, and what must hold in them.

use std::time::Duration;

use bursar::money::Money;
use bursar::sandbox::{Fault, Rule, Sale};

use super::campaign::Campaign;
use super::checks::tag_of;
use super::session::Session;
use super::weather::{Draw, Weather, window};

/// From here on, seeds know the troubles of `later`.
const LATER_SEEDS: u64 = 200_000;

impl Weather {
    /// Troubles that later seeds know as well, by a draw of its own: what an earlier seed meant it still means.
    pub(super) fn later(&mut self, seed: u64) {
        if seed < LATER_SEEDS {
            return;
        }
        self.is_later = true;
        let mut draw = Draw(fastrand::Rng::with_seed(seed ^ 0x57A1_EBA1));
        if draw.by(0.1) {
            let cost: i64 = self.jobs.iter().map(|job| job.cost().nanos()).sum();
            let keep = draw.0.i64(0..=50_000_000);
            self.account.caps.keep_balance = Some(Money::from_nanos(keep));
            self.settings.start_balance = Money::from_nanos(keep + draw.0.i64(cost / 4..=cost * 2));
            let after = draw.span(30, 500);
            self.settings.faults.rules.push(Rule::always(Fault::StaleBalance { after }));
            self.stale_balance = true;
        }
        if draw.by(0.1) {
            let troubled = (self.clears - self.began).num_seconds().unsigned_abs();
            let (from, until) = window(&mut draw, troubled);
            self.settings.faults.rules.push(Rule { from, until: Some(until), ..Rule::always(Fault::ReadyCrowded) });
        }
    }
}

impl Campaign {
    /// What was accepted after it was given up is known to the session of the next day, whatever there is to buy.
    pub(super) fn what_was_given_up_is_found(&mut self) -> Result<(), String> {
        if !self.weather.is_later || !self.allowed.lists || self.allowed.was_restored() {
            return Ok(());
        }
        self.world.rest(Duration::from_hours(26));
        self.live(&Session::default())?;
        let (books, _, sales) = self.scan()?;
        let is_given_up = |sale: &&Sale| {
            let attempt = tag_of(sale).and_then(|tag| books.attempts.get(&tag.attempt));
            // What never left, or was refused, is given up without a doubt: only a copy of it that another made can be sold.
            attempt.is_some_and(|attempt| attempt.state == 3 && attempt.was_in_doubt)
        };
        let is_known = |sale: &Sale| books.bought.contains_key(&sale.id) || books.extra.contains_key(&sale.id);
        match sales.iter().filter(is_given_up).find(|sale| !is_known(sale) && !sale.cost.is_zero()) {
            Some(sale) => Err(format!("accepted after it was given up, and unknown to the books: {sale:?}")),
            None => Ok(()),
        }
    }

    /// What is to be kept stays on the account, however late it shows what was taken.
    pub(super) fn the_balance_is_kept(&self, sales: &[Sale]) -> Result<(), String> {
        let weather = &self.weather;
        let is_exact = weather.stale_balance
            && !weather.broken
            && !weather.price_rises
            && !weather.jobs.iter().any(|job| job.dear || job.models);
        let Some(keep) = weather.account.caps.keep_balance.filter(|_| is_exact) else { return Ok(()) };
        let taken: i64 = sales.iter().map(|sale| sale.cost.nanos()).sum();
        let most = weather.settings.start_balance.less(keep).nanos();
        if taken > most {
            Err(format!("the balance to keep was not kept: {taken} taken, and {most} to spend"))
        } else {
            Ok(())
        }
    }
}
