//! Accounts: who is admitted, their balances, and what they may spend in a UTC day.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use data_encoding::BASE64;

use super::limits::{AtOnce, Limits};
use super::settings::Settings;
use crate::money::Money;
use crate::product::Function;

/// A stale balance is no older.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

/// One account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) login: String,
    /// The one header that lets in.
    authorization: String,
    gateway: bool,
    pub(super) balance: Money,
    /// Payments of the last hour, with what was left after each; and what was there before them.
    paid: VecDeque<(DateTime<Utc>, Money)>,
    before: Money,
    pub(super) limits: Limits,
    /// Live calls under way.
    pub(super) live: AtOnce,
    day: NaiveDate,
    /// By function; an advance that came back the same day is not in it.
    spent_today: BTreeMap<Function, Money>,
}

impl Account {
    /// The accounts that settings name, the main one first, the gateway's last.
    pub(super) fn all(settings: &Settings) -> Vec<Self> {
        let main = (settings.login.clone(), settings.password.clone());
        let opened = |(login, password): (String, String)| Self {
            authorization: basic(&login, &password),
            gateway: false,
            login,
            balance: settings.start_balance,
            paid: VecDeque::new(),
            before: settings.start_balance,
            limits: Limits::default(),
            live: AtOnce::default(),
            day: NaiveDate::MIN,
            spent_today: BTreeMap::new(),
        };
        let mut all: Vec<Self> = std::iter::once(main).chain(settings.others.clone()).map(opened).collect();
        let gateway = opened(("gateway".to_owned(), String::new()));
        let authorization = format!("Bearer {}", settings.gateway.key);
        all.push(Self { authorization, gateway: true, ..gateway });
        all
    }

    /// Whether a header lets in; the scheme's case does not matter.
    pub(super) fn lets_in(&self, authorization: &str) -> bool {
        let parts = |header: &'_ str| {
            let (scheme, token) = header.split_once(' ')?;
            Some((scheme.to_ascii_lowercase(), token.trim().to_owned()))
        };
        parts(authorization).is_some_and(|given| Some(given) == parts(&self.authorization))
    }

    /// Whether it is the gateway's, which nobody uses directly.
    pub(super) fn is_gateways(&self) -> bool {
        self.gateway
    }

    /// Whether a sum can be paid, or the code that says why not.
    pub(super) fn afford(&mut self, now: DateTime<Utc>, cost: Money, day_limit: Option<Money>) -> Result<(), u32> {
        self.turn_day(now);
        if !cost.is_zero() && cost > self.balance {
            return Err(40_210);
        }
        if !cost.is_zero() && day_limit.is_some_and(|most| self.spent_on(now, None) + cost > most) {
            return Err(40_203);
        }
        Ok(())
    }

    /// Takes money, or gives back where it is negative.
    pub(super) fn pay(&mut self, now: DateTime<Utc>, function: Function, cost: Money) {
        self.turn_day(now);
        self.balance -= cost;
        self.paid.push_back((now, self.balance));
        while let Some((_, left)) = self.paid.pop_front_if(|(at, _)| now - *at > REMEMBERED) {
            self.before = left;
        }
        let spent = self.spent_today.entry(function).or_default();
        *spent = (*spent + cost).max(Money::ZERO);
    }

    /// The balance as it stood so long ago.
    pub(super) fn balance_ago(&self, now: DateTime<Utc>, ago: Duration) -> Money {
        let then = now - TimeDelta::from_std(ago).unwrap_or(REMEMBERED).min(REMEMBERED);
        let left = self.paid.iter().rev().find(|(at, _)| *at <= then).map_or(self.before, |(_, left)| *left);
        // What was paid in is seen at once.
        let now_left = self.paid.back().map_or(self.before, |(_, left)| *left);
        left + (self.balance - now_left)
    }

    /// What was spent in the UTC day of a time, on a function or on all.
    pub(super) fn spent_on(&self, now: DateTime<Utc>, function: Option<Function>) -> Money {
        let of_day = self.spent_today.iter().filter(|_| self.day == now.date_naive());
        of_day.filter(|(of, _)| function.is_none_or(|function| function == **of)).map(|(_, spent)| *spent).sum()
    }

    fn turn_day(&mut self, now: DateTime<Utc>) {
        if self.day != now.date_naive() {
            self.day = now.date_naive();
            self.spent_today.clear();
        }
    }
}

/// The header of Basic authorisation.
pub(super) fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{login}:{password}").as_bytes()))
}
