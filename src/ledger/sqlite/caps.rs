//! Caps: which totals a run's money counts in, and the headroom they leave.
//!
//! A hold counts in every period its charge may fall into; a charge counts in the period of the provider's time of
//! the purchase. Periods of a job are those of its time zone; those of an account are UTC, like the provider's own
//! limit. A day or month that has a total keeps its borders. If the rules of a zone change meanwhile, the next one
//! begins where it ends, so that no moment counts in two totals and none in neither.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::borders::{kept_period, moment, periods};
use super::columns::{named, zone};
use super::{Ledger, LedgerError};
use crate::ids::RunId;
use crate::money::Money;
use crate::period;
use crate::plan::{Headroom, Scope};
use crate::rule::Rule;
use crate::zone::Zone;

/// What the caps of a run hang on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    pub(super) run: i64,
    pub(super) job: i64,
    pub(super) account: i64,
    pub(super) timezone: Zone,
    run_cap: i64,
    job_day: Option<i64>,
    job_month: Option<i64>,
    account_day: Option<i64>,
    account_month: Option<i64>,
}

/// One standing total: a scope in a period.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeRow {
    pub(super) scope: Scope,
    pub(super) owner: i64,
    pub(super) from_v: i64,
    pub(super) to_v: i64,
    limit: Option<i64>,
}

/// A session goes by the earliest that the provider's clock may show, which lies some seconds behind this machine's.
const CLOCKS_DIFFER_S: i64 = 3;

const FOR_EVER: (i64, i64) = (0, i64::MAX);

impl Owners {
    pub(super) fn read(db: &Connection, run: RunId) -> Result<Self, LedgerError> {
        let sql = "SELECT run.job, job.account, job.timezone, run.cap_nano, job.day_cap_nano AS job_day,
                          job.month_cap_nano AS job_month, account.day_cap_nano AS account_day,
                          account.month_cap_nano AS account_month
                   FROM run JOIN job ON job.id = run.job JOIN account ON account.id = job.account WHERE run.id = :run";
        Ok(db.prepare_cached(sql)?.query_row(named_params! { ":run": run }, |row| {
            Ok(Self {
                run: run.0,
                job: row.get("job")?,
                account: row.get("account")?,
                timezone: zone(row, "timezone")?,
                run_cap: row.get("cap_nano")?,
                job_day: row.get("job_day")?,
                job_month: row.get("job_month")?,
                account_day: row.get("account_day")?,
                account_month: row.get("account_month")?,
            })
        })?)
    }

    /// The account's part alone and without its ceilings, for sums over money that belongs to no run.
    pub(super) fn of_account(account: i64) -> Self {
        Self {
            run: -1,
            job: -1,
            account,
            timezone: Zone::UTC,
            run_cap: 0,
            job_day: None,
            job_month: None,
            account_day: None,
            account_month: None,
        }
    }

    /// The account's part with its ceilings: a day whose first money belongs to no run is capped all the same.
    pub(super) fn read_account(db: &Connection, account: i64) -> Result<Self, LedgerError> {
        let (account_day, account_month) = db.query_row(
            "SELECT day_cap_nano, month_cap_nano FROM account WHERE id = :account",
            named_params! { ":account": account },
            |row| Ok((row.get("day_cap_nano")?, row.get("month_cap_nano")?)),
        )?;
        Ok(Self { account_day, account_month, ..Self::of_account(account) })
    }

    /// The totals that money between two moments counts in.
    pub(super) fn rows(&self, db: &Connection, from_v: i64, to_v: i64) -> Result<Vec<ScopeRow>, LedgerError> {
        let mut rows = Vec::with_capacity(8);
        let mut push = |scope, owner: i64, (from_v, to_v), limit| {
            if owner >= 0 {
                rows.push(ScopeRow { scope, owner, from_v, to_v, limit });
            }
        };
        push(Scope::Run, self.run, FOR_EVER, Some(self.run_cap));
        let kept = |scope, at: i64, by_zone| {
            // The rules of UTC never change.
            if self.timezone == Zone::UTC { Ok(by_zone) } else { kept_period(db, (scope, self.job), at, by_zone) }
        };
        for day in periods(self.timezone, (from_v, to_v), period::day_of, |at, day| kept(Scope::JobDay, at, day))? {
            push(Scope::JobDay, self.job, day, self.job_day);
        }
        for month in
            periods(self.timezone, (from_v, to_v), period::month_of, |at, month| kept(Scope::JobMonth, at, month))?
        {
            push(Scope::JobMonth, self.job, month, self.job_month);
        }
        push(Scope::Account, self.account, FOR_EVER, None);
        for day in periods(Zone::UTC, (from_v, to_v), period::day_of, |_, day| Ok(day))? {
            push(Scope::AccountDay, self.account, day, self.account_day);
        }
        for month in periods(Zone::UTC, (from_v, to_v), period::month_of, |_, month| Ok(month))? {
            push(Scope::AccountMonth, self.account, month, self.account_month);
        }
        push(Scope::AccountBalance, self.account, FOR_EVER, None);
        Ok(rows)
    }
}

impl ScopeRow {
    /// Makes the row where it is missing; a total that exists keeps its limit. True where it was missing.
    pub(super) fn ensure(&self, db: &Connection) -> Result<bool, LedgerError> {
        let made = db
            .prepare_cached(
                "INSERT INTO cap (scope, owner, from_v, to_v, limit_nano)
                 VALUES (:scope, :owner, :from_v, :to_v, :limit_nano)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(named_params! {
                ":scope": self.scope.name(), ":owner": self.owner, ":from_v": self.from_v, ":to_v": self.to_v,
                ":limit_nano": self.limit,
            })?;
        Ok(made == 1)
    }

    /// Reserves under this ceiling; `false` where it does not fit.
    pub(super) fn hold(&self, db: &Connection, nanos: i64) -> Result<bool, LedgerError> {
        Ok(self.try_hold(db, nanos)? || self.ensure(db)? && self.try_hold(db, nanos)?)
    }

    /// Reserves under this ceiling; `false` where it does not fit, or is not there.
    fn try_hold(&self, db: &Connection, nanos: i64) -> Result<bool, LedgerError> {
        let changed = db
            .prepare_cached(
                "UPDATE cap SET held_nano = held_nano + :hold, to_v = max(to_v, :to)
                 WHERE scope = :scope AND owner = :owner AND from_v = :from
                   AND (limit_nano IS NULL OR charged_nano + held_nano + :hold <= limit_nano)",
            )?
            .execute(named_params! {
                ":hold": nanos, ":scope": self.scope.name(), ":owner": self.owner, ":from": self.from_v,
                ":to": self.to_v,
            })?;
        if changed == 1 || Rule::CapInTheReservation.is_kept() && Rule::HoldCounts.is_kept() {
            return Ok(changed == 1);
        }
        self.book(db, 0, -nanos)?;
        Ok(true)
    }

    /// Moves the total by what was charged and by what is held no longer; makes the row where it is missing.
    pub(super) fn book(&self, db: &Connection, charged: i64, unheld: i64) -> Result<(), LedgerError> {
        if self.try_book(db, charged, unheld)? || self.ensure(db)? && self.try_book(db, charged, unheld)? {
            return Ok(());
        }
        Err(LedgerError::Unexpected(format!("no standing total {} of {} from {}", self.scope, self.owner, self.from_v)))
    }

    fn try_book(&self, db: &Connection, charged: i64, unheld: i64) -> Result<bool, LedgerError> {
        let moved = db
            .prepare_cached(
                "UPDATE cap SET charged_nano = charged_nano + :charged, held_nano = held_nano - :unheld,
                                to_v = max(to_v, :to)
                 WHERE scope = :scope AND owner = :owner AND from_v = :from",
            )?
            .execute(named_params! {
                ":charged": charged, ":unheld": unheld, ":scope": self.scope.name(), ":owner": self.owner, ":from": self.from_v,
                ":to": self.to_v,
            })?;
        Ok(moved == 1)
    }

    /// What it leaves, where it is a ceiling.
    pub(super) fn headroom(&self, db: &Connection) -> Result<Option<Headroom>, LedgerError> {
        let row: Option<(Option<i64>, i64, i64)> = db
            .prepare_cached(
                "SELECT limit_nano, charged_nano, held_nano FROM cap WHERE scope = :scope AND owner = :owner
                        AND from_v = :from_v",
            )?
            .query_row(
                named_params! { ":scope": self.scope.name(), ":owner": self.owner, ":from_v": self.from_v },
                |row| Ok((row.get("limit_nano")?, row.get("charged_nano")?, row.get("held_nano")?)),
            )
            .optional()?;
        let (limit, charged, held) = row.unwrap_or((self.limit, 0, 0));
        let held = if Rule::HoldCounts.is_kept() { held } else { 0 };
        let used = Money::from_nanos(charged.saturating_add(held));
        Ok(limit.map(|limit| Headroom::new(self.scope, self.name(), Money::from_nanos(limit), used)))
    }

    /// True for a ceiling that other runs count in as well.
    pub(super) fn is_shared(&self) -> bool {
        self.scope.is_of_account()
    }

    pub(super) fn name(&self) -> String {
        name(self.scope, self.from_v)
    }
}

/// A scope in words. The date of a job's day is that of its own time zone, which may begin on the UTC day before.
pub(super) fn name(scope: Scope, from_v: i64) -> String {
    let middle = moment(from_v.saturating_add(13 * 3600));
    let ceiling = scope.ceiling();
    match scope {
        Scope::JobDay | Scope::AccountDay => format!("{ceiling} {}", middle.format("%Y-%m-%d")),
        Scope::JobMonth | Scope::AccountMonth => format!("{ceiling} {}", middle.format("%Y-%m")),
        Scope::Run | Scope::AccountBalance | Scope::Account => ceiling.to_owned(),
    }
}

impl Ledger {
    /// What the caps leave for a hold between two moments of the provider's: the run's and job's own first, then those
    /// that other runs of the account share.
    pub(super) fn headrooms(
        &mut self,
        run: RunId,
        from_v: i64,
        to_v: i64,
    ) -> Result<(Vec<Headroom>, Vec<Headroom>), LedgerError> {
        let owners = self.owners(run)?;
        let mut own = Vec::new();
        let mut shared = Vec::new();
        for row in owners.rows(&self.db, from_v, to_v)? {
            if let Some(headroom) = row.headroom(&self.db)? {
                if row.is_shared() { shared.push(headroom) } else { own.push(headroom) }
            }
        }
        Ok((own, shared))
    }

    /// The ceilings of a run that is to be planned, by what is spent and held under each at a moment. Names that the ledger
    /// does not know have spent nothing; ceilings are those of the job file and the config as they are now, but for the
    /// balance to keep, of which only a session learns what may be spent.
    pub(super) fn headrooms_to_plan(
        &self,
        (account, job, period): (&str, &str, &str),
        ceilings: &[(Scope, Money)],
        balance_lag: Duration,
        at: i64,
    ) -> Result<Vec<Headroom>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT scope, from_v, charged_nano + held_nano AS used FROM cap WHERE from_v <= :at AND :at < to_v
             AND (scope IN ('account_day', 'account_month')
                      AND owner = (SELECT id FROM account WHERE name = :name)
                  OR scope IN ('job_day', 'job_month') AND owner = (SELECT id FROM job WHERE name = :job)
                  OR scope = 'run' AND owner = (SELECT run.id FROM run JOIN job ON job.id = run.job
                                                WHERE job.name = :job AND run.period = :period))",
        )?;
        let rows = statement
            .query_map(named_params! { ":name": account, ":job": job, ":period": period, ":at": at }, |row| {
                Ok((named(row, "scope")?, row.get::<_, i64>("from_v")?, row.get("used")?))
            })?;
        let known: Vec<(Scope, i64, Money)> = rows.collect::<Result<_, _>>()?;
        let headroom = |(scope, limit): &(Scope, Money)| match known.iter().find(|(known, ..)| known == scope) {
            Some((_, from_v, used)) => Headroom::new(*scope, name(*scope, *from_v), *limit, *used),
            None => Headroom::new(*scope, scope.ceiling(), *limit, Money::ZERO),
        };
        let mut headrooms: Vec<Headroom> = ceilings.iter().map(headroom).collect();
        let lag = i64::try_from(balance_lag.as_secs()).unwrap_or(i64::MAX);
        headrooms.extend(self.balance_to_plan(account, at.saturating_sub(lag).saturating_sub(CLOCKS_DIFFER_S))?);
        Ok(headrooms)
    }

    pub(super) fn owners(&mut self, run: RunId) -> Result<Owners, LedgerError> {
        if let Some(owners) = self.runs.get(&run) {
            return Ok(*owners);
        }
        let owners = Owners::read(&self.db, run)?;
        self.runs.insert(run, owners);
        Ok(owners)
    }
}
