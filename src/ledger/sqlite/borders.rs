//! Where the days and months of a job begin and end, in its totals.
//!
//! A total keeps the borders that it was created with. If the rules of a zone change while money is counted, the next
//! day begins where the last one ends: no moment counts in two totals, and none in neither.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::LedgerError;
use super::columns::only;
use crate::period;
use crate::plan::Scope;
use crate::zone::Zone;

/// Unix seconds as a moment; what no calendar holds is its beginning.
pub(super) fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// The days or months that a span touches, as seconds; `kept` says which borders count of the one that holds a moment.
pub(super) fn periods(
    zone: Zone,
    (from_v, to_v): (i64, i64),
    of: fn(Zone, DateTime<Utc>) -> period::Period,
    kept: impl Fn(i64, (i64, i64)) -> Result<(i64, i64), LedgerError>,
) -> Result<Vec<(i64, i64)>, LedgerError> {
    let mut all = Vec::with_capacity(2);
    let mut at = from_v;
    loop {
        let period = of(zone, moment(at));
        let (from, to) = kept(at, (period.from.timestamp(), period.to.timestamp()))?;
        all.push((from, to));
        if to > to_v || to <= at {
            return Ok(all);
        }
        at = to;
    }
}

/// The borders that count of the day or month that holds a moment, where `by_zone` is what the zone says today. A total
/// that holds the moment keeps its own. Behind the last one, a total of the same date is made longer, so that a date has
/// one ceiling; another date begins where it ends.
pub(super) fn kept_period(
    db: &Connection,
    (scope, owner): (Scope, i64),
    at: i64,
    by_zone: (i64, i64),
) -> Result<(i64, i64), LedgerError> {
    let before: Option<(i64, i64)> = db
        .prepare_cached(
            "SELECT from_v, to_v FROM cap WHERE scope = :scope AND owner = :owner AND from_v <= :at
                    ORDER BY from_v DESC LIMIT 1",
        )?
        .query_row(named_params! { ":scope": scope.name(), ":owner": owner, ":at": at }, |row| {
            Ok((row.get("from_v")?, row.get("to_v")?))
        })
        .optional()?;
    if let Some(kept) = before.filter(|(_, to)| at < *to) {
        return Ok(kept);
    }
    let behind: Option<i64> = db
        .prepare_cached(
            "SELECT from_v FROM cap WHERE scope = :scope AND owner = :owner AND from_v > :at ORDER BY from_v LIMIT 1",
        )?
        .query_row(named_params! { ":scope": scope.name(), ":owner": owner, ":at": at }, only)
        .optional()?;
    let (from, to) = (by_zone.0, behind.map_or(by_zone.1, |behind| by_zone.1.min(behind)));
    Ok(match before.filter(|(_, kept_to)| *kept_to > from) {
        // Of two rules for one date the middles are hours apart, and those of two dates a day.
        Some((kept_from, kept_to)) if i64::midpoint(kept_from, kept_to) >= from => (kept_from, to),
        Some((_, kept_to)) => (kept_to, to),
        None => (from, to),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with these days of a job, in hours.
    fn days(days: &[(i64, i64)]) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../../schema.sql")).unwrap();
        for (from, to) in days {
            let sql = "INSERT INTO cap (scope, owner, from_v, to_v) VALUES ('job_day', 1, ?1, ?2)";
            db.execute(sql, (from * 3_600, to * 3_600)).unwrap();
        }
        db
    }

    fn kept(db: &Connection, at: i64, by_zone: (i64, i64)) -> (i64, i64) {
        let hours = |(from, to): (i64, i64)| (from * 3_600, to * 3_600);
        let kept = kept_period(db, (Scope::JobDay, 1), at * 3_600, hours(by_zone)).unwrap();
        (kept.0 / 3_600, kept.1 / 3_600)
    }

    #[test]
    fn an_unused_day_follows_its_zone() {
        assert_eq!(kept(&days(&[]), 9, (7, 31)), (7, 31));
        assert_eq!(kept(&days(&[(7, 31)]), 31, (31, 55)), (31, 55));
        assert_eq!(kept(&days(&[(7, 31)]), 90, (79, 103)), (79, 103));
    }

    #[test]
    fn a_day_moved_earlier_waits_for_the_last() {
        let old = days(&[(8, 32)]);
        assert_eq!(kept(&old, 9, (7, 31)), (8, 32), "it has money in it");
        assert_eq!(kept(&old, 31, (31, 55)), (8, 32), "no moment counts in two days");
        assert_eq!(kept(&old, 32, (31, 55)), (32, 55));
    }

    #[test]
    fn a_day_moved_later_lengthens_the_last() {
        let old = days(&[(7, 31)]);
        assert_eq!(kept(&old, 31, (8, 32)), (7, 32), "the extra hour is no day with a budget of its own");
        assert_eq!(kept(&old, 32, (32, 56)), (32, 56));
        let both = days(&[(7, 31), (31, 55)]);
        assert_eq!(kept(&both, 31, (8, 32)), (31, 55));
        assert_eq!(kept(&both, 55, (32, 56)), (31, 56));
    }

    #[test]
    fn a_day_ends_at_the_next_used_day() {
        assert_eq!(kept(&days(&[(32, 56)]), 10, (9, 33)), (9, 32));
    }
}
