//! Periods of a job that have no run: no session ran then, and their answers can no longer be had.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use rusqlite::named_params;

use super::Gap;
use super::columns::{only, zone};
use super::{Ledger, LedgerError};
use crate::period::{self, PeriodKind};
use crate::zone::Zone;

/// More periods than this are not looked through: eleven years of hours.
const MOST_PERIODS: usize = 100_000;

impl Ledger {
    /// The periods without a run between the first run of a job and the period of `now`, but for those that a person has
    /// seen; of one job where it is named. They are of the kind that the job's latest run has.
    pub(super) fn gaps(&self, job: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Gap>, LedgerError> {
        let mut statement = self.db.prepare(
            "SELECT job.id, job.name, job.timezone,
                    coalesce((SELECT until FROM gaps_seen WHERE gaps_seen.job = job.id), 0) AS seen_until
             FROM job WHERE :job IS NULL OR job.name = :job ORDER BY job.name",
        )?;
        let jobs = statement.query_map(named_params! { ":job": job }, |row| {
            Ok((
                row.get::<_, i64>("id")?,
                row.get::<_, String>("name")?,
                zone(row, "timezone")?,
                row.get::<_, i64>("seen_until")?,
            ))
        })?;
        let mut gaps = Vec::new();
        for (id, name, timezone, seen_until) in jobs.collect::<Result<Vec<_>, _>>()? {
            let mut statement = self.db.prepare("SELECT period FROM run WHERE job = :job ORDER BY begins_at, id")?;
            let rows = statement.query_map(named_params! { ":job": id }, only::<String>)?;
            let runs: Vec<String> = rows.collect::<Result<_, _>>()?;
            gaps.extend(between(&name, timezone, &runs, (seen_until, now)));
        }
        Ok(gaps)
    }
}

/// The gaps of a job, its runs in the order of their periods.
fn between(job: &str, timezone: Zone, runs: &[String], (seen_until, now): (i64, DateTime<Utc>)) -> Vec<Gap> {
    let Some(kind) = runs.last().and_then(|last| kind_of(last)) else { return Vec::new() };
    let begun: BTreeSet<&str> = runs.iter().map(String::as_str).collect();
    let Some(first) = runs.iter().find_map(|id| period::parse(kind, timezone, id).ok()) else { return Vec::new() };
    let (mut gaps, mut at): (Vec<Gap>, _) = (Vec::new(), first);
    let mut follows_a_gap = false;
    for _ in 0..MOST_PERIODS {
        if at.to > now {
            break;
        }
        let is_missing = !begun.contains(at.id.as_str()) && at.to.timestamp() > seen_until;
        let until = at.to.timestamp();
        match gaps.last_mut().filter(|_| follows_a_gap && is_missing) {
            Some(gap) => {
                gap.last.clone_from(&at.id);
                gap.periods += 1;
                gap.until = until;
            }
            None if is_missing => {
                let (first, last) = (at.id.clone(), at.id.clone());
                gaps.push(Gap { job: job.to_owned(), first, last, periods: 1, until });
            }
            None => {}
        }
        follows_a_gap = is_missing;
        at = period::current(kind, timezone, at.to);
    }
    gaps
}

/// What kind of period an id names; none for `once`, which has no next.
fn kind_of(id: &str) -> Option<PeriodKind> {
    let kinds = [PeriodKind::Hour, PeriodKind::Day, PeriodKind::Week, PeriodKind::Month];
    kinds.into_iter().find(|kind| period::parse(*kind, Zone::UTC, id).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(timezone: Zone, runs: &[&str], seen_until: &str, now: &str) -> Vec<String> {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let runs: Vec<String> = runs.iter().map(|&run| run.to_owned()).collect();
        let gaps = between("job", timezone, &runs, (at(seen_until).timestamp(), at(now)));
        gaps.iter().map(|gap| format!("{} to {}: {}", gap.first, gap.last, gap.periods)).collect()
    }

    #[test]
    fn days_without_runs_are_missing_until_seen() {
        let runs = ["2026-11-01", "2026-11-02", "2026-11-06"];
        let (never, now) = ("1970-01-01T00:00:00Z", "2026-11-08T06:15:00Z");
        let missing = ["2026-11-03 to 2026-11-05: 3", "2026-11-07 to 2026-11-07: 1"];
        assert_eq!(gaps(Zone::UTC, &runs, never, now), missing);
        assert_eq!(gaps(Zone::UTC, &runs, "2026-11-06T00:00:00Z", now), missing[1..]);
        // In Vancouver, the seventh is not over yet.
        assert_eq!(gaps("America/Vancouver".parse().unwrap(), &runs, never, now), missing[..1]);
    }

    #[test]
    fn hours_weeks_and_months_are_missed_like_days() {
        let never = "1970-01-01T00:00:00Z";
        assert_eq!(
            gaps(Zone::UTC, &["2026-11-01T23Z"], never, "2026-11-02T02:59:00Z"),
            ["2026-11-02T00Z to 2026-11-02T01Z: 2"]
        );
        assert_eq!(
            gaps(Zone::UTC, &["2026-W52", "2027-W01"], never, "2027-01-06T00:00:00Z"),
            ["2026-W53 to 2026-W53: 1"]
        );
        assert_eq!(gaps(Zone::UTC, &["2026-09"], never, "2026-11-30T00:00:00Z"), ["2026-10 to 2026-10: 1"]);
        assert_eq!(gaps(Zone::UTC, &["once"], never, "2026-11-30T00:00:00Z"), Vec::<String>::new());
        assert_eq!(gaps(Zone::UTC, &[], never, "2026-11-30T00:00:00Z"), Vec::<String>::new());
    }
}
