//! Periods: the hour, day, week or month that a run belongs to, or `once`.
//!
//! A period is known by its id and is a span of time, from its first instant to the first of the next. Days are those
//! of a time zone, so they last 23 or 25 hours twice a year; hours are always UTC. The time is handed in.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc, Weekday};

use crate::product::named;
use crate::zone::Zone;

mod agreed;
pub use agreed::{Agreement, Apart, agreed, shown};

named! {
    /// How often a job is asked again.
    PeriodKind {
        /// Every hour, by UTC.
        Hour = "hour",
        /// Every day of the job's time zone.
        Day = "day",
        /// Every ISO week, from Monday.
        Week = "week",
        /// Every month.
        Month = "month",
        /// Only once.
        Once = "once",
    }
}

/// One hour, day, week or month, or all time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// `2026-11-22T15Z`, `2026-11-22`, `2026-W47`, `2026-11` or `once`.
    pub id: String,
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
}

/// Text that is not a period of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The text is not written like an id of this kind.
    #[error("`{id}` is no {kind}: write it like `{}`", kind.example())]
    Malformed {
        /// The text as written.
        id: String,
        /// The kind that was expected.
        kind: PeriodKind,
    },
    /// A day that the time zone left out when it moved across the date line.
    #[error("there was no `{id}` in {timezone}")]
    Skipped {
        /// The text as written.
        id: String,
        /// The time zone.
        timezone: Zone,
    },
}

impl PeriodKind {
    /// An example of an id of this kind.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Hour => "2026-11-22T15Z",
            Self::Day => "2026-11-22",
            Self::Week => "2026-W47",
            Self::Month => "2026-11",
            Self::Once => "once",
        }
    }
}

impl Period {
    /// True while it lasts.
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }
}

/// The period of a kind that contains `now`.
pub fn current(kind: PeriodKind, tz: Zone, now: DateTime<Utc>) -> Period {
    match kind {
        PeriodKind::Hour => hour_of(now),
        PeriodKind::Day => day_of(tz, now),
        PeriodKind::Week => around(now, local_date(tz, now), |date| week(tz, date), Days::new(7)),
        PeriodKind::Month => month_of(tz, now),
        PeriodKind::Once => once(),
    }
}

/// The day of the time zone that contains `at`.
pub fn day_of(tz: Zone, at: DateTime<Utc>) -> Period {
    around(at, local_date(tz, at), |date| day(tz, date), Days::new(1))
}

/// The month of the time zone that contains `at`.
pub fn month_of(tz: Zone, at: DateTime<Utc>) -> Period {
    around(at, local_date(tz, at), |date| month(tz, date), Days::new(1))
}

/// Reads an id, written exactly as [`current`] writes it.
///
/// # Errors
/// The id is not written so, or the time zone has no such day.
pub fn parse(kind: PeriodKind, tz: Zone, id: &str) -> Result<Period, PeriodError> {
    let period = match kind {
        PeriodKind::Hour => parse_hour(id),
        PeriodKind::Day => parse_date(id).map(|date| day(tz, date)),
        PeriodKind::Week => parse_week(id).map(|date| week(tz, date)),
        PeriodKind::Month => parse_date(&format!("{id}-01")).map(|date| month(tz, date)),
        PeriodKind::Once => Some(once()),
    };
    // What is written back differently was not written as ids are (`2026-1-1`, `+2026-01-01`).
    let period =
        period.filter(|period| period.id == id).ok_or_else(|| PeriodError::Malformed { id: id.to_owned(), kind })?;
    if period.from < period.to { Ok(period) } else { Err(PeriodError::Skipped { id: id.to_owned(), timezone: tz }) }
}

/// The last calendar day of a period, from its id alone; none for `once`, which covers all time.
pub fn last_day(id: &str) -> Option<NaiveDate> {
    let hour = || parse_hour(id).map(|hour| hour.from.date_naive());
    let week = || parse_week(id).map(|monday| monday + Days::new(6));
    let month = || parse_date(&format!("{id}-01")).map(|first| first + Months::new(1) - Days::new(1));
    parse_date(id).or_else(hour).or_else(week).or_else(month)
}

/// True if a period, by its id, has a day on or after this date.
pub fn reaches(id: &str, since: NaiveDate) -> bool {
    last_day(id).is_none_or(|last| last >= since)
}

fn parse_hour(id: &str) -> Option<Period> {
    let (date, hour) = id.strip_suffix('Z')?.split_once('T')?;
    let hour = parse_date(date)?.and_hms_opt(hour.parse().ok()?, 0, 0)?;
    Some(hour_of(hour.and_utc()))
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| (1900..=9998).contains(&date.year()))
}

fn parse_week(id: &str) -> Option<NaiveDate> {
    let (year, week) = id.split_once("-W")?;
    let year = year.parse().ok().filter(|year| (1900..=9998).contains(year))?;
    NaiveDate::from_isoywd_opt(year, week.parse().ok()?, Weekday::Mon)
}

fn hour_of(at: DateTime<Utc>) -> Period {
    let into = TimeDelta::seconds(i64::from(at.minute() * 60 + at.second()))
        + TimeDelta::nanoseconds(i64::from(at.nanosecond() % 1_000_000_000));
    let from = at - into;
    Period { id: from.format("%Y-%m-%dT%HZ").to_string(), from, to: from + TimeDelta::hours(1) }
}

fn day(tz: Zone, date: NaiveDate) -> Period {
    let next = date + Days::new(1);
    Period { id: date.format("%Y-%m-%d").to_string(), from: start_of(tz, date), to: start_of(tz, next) }
}

fn week(tz: Zone, date: NaiveDate) -> Period {
    let monday = date - Days::new(u64::from(date.weekday().num_days_from_monday()));
    let id = monday.format("%G-W%V").to_string();
    Period { id, from: start_of(tz, monday), to: start_of(tz, monday + Days::new(7)) }
}

fn month(tz: Zone, date: NaiveDate) -> Period {
    let first = date - Days::new(u64::from(date.day0()));
    let id = first.format("%Y-%m").to_string();
    Period { id, from: start_of(tz, first), to: start_of(tz, first + Months::new(1)) }
}

/// All time, as far as four digits of a year reach.
fn once() -> Period {
    let to = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date").and_time(NaiveTime::MIN).and_utc();
    Period { id: PeriodKind::Once.name().to_owned(), from: DateTime::UNIX_EPOCH, to }
}

fn local_date(tz: Zone, at: DateTime<Utc>) -> NaiveDate {
    tz.local(at).date()
}

/// The span that holds `at`: nearly always that of its local date. Where clocks went back across midnight (Newfoundland
/// did, at 00:01), the hour that comes twice belongs to two dates by the clock, and to the later by us.
fn around(at: DateTime<Utc>, date: NaiveDate, span: impl Fn(NaiveDate) -> Period, step: Days) -> Period {
    let period = span(date);
    if at < period.to { period } else { span(date + step) }
}

/// The first instant of a date: its midnight, the earlier of two, or the end of the gap that midnight fell into.
fn start_of(tz: Zone, date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    if let Some(start) = tz.first(midnight) {
        return start;
    }
    // Clocks were put forward over midnight: look for the first second that they show this date. No zone is more than
    // 26 hours from UTC.
    let (mut before, mut after) = (-26 * 3600_i64, 26 * 3600_i64);
    while after - before > 1 {
        let middle = i64::midpoint(before, after);
        let at = midnight.and_utc() + TimeDelta::seconds(middle);
        if tz.local(at) < midnight { before = middle } else { after = middle }
    }
    midnight.and_utc() + TimeDelta::seconds(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn hours(period: &Period) -> i64 {
        (period.to - period.from).num_hours()
    }

    #[test]
    fn each_kind_has_its_id() {
        let now = at("2026-11-22T15:30:11.5Z");
        for kind in PeriodKind::ALL {
            assert_eq!(current(*kind, zone("Europe/Berlin"), now).id, kind.example());
        }
        assert_eq!(current(PeriodKind::Hour, zone("Asia/Kolkata"), now).from, at("2026-11-22T15:00:00Z"));
        assert_eq!(current(PeriodKind::Week, Zone::UTC, at("2027-01-01T12:00:00Z")).id, "2026-W53");
        assert_eq!(current(PeriodKind::Week, Zone::UTC, at("2024-12-31T12:00:00Z")).id, "2025-W01");
    }

    #[test]
    fn a_day_lasts_23_or_25_hours_at_changes() {
        let berlin = zone("Europe/Berlin");
        let spring = parse(PeriodKind::Day, berlin, "2026-03-29").unwrap();
        assert_eq!((spring.from, hours(&spring)), (at("2026-03-28T23:00:00Z"), 23));
        let autumn = parse(PeriodKind::Day, berlin, "2026-10-25").unwrap();
        assert_eq!((autumn.from, hours(&autumn)), (at("2026-10-24T22:00:00Z"), 25));
        assert_eq!(day_of(berlin, at("2026-11-21T22:59:59Z")).id, "2026-11-21");
        assert_eq!(day_of(berlin, at("2026-11-21T23:00:00Z")).id, "2026-11-22");
        assert_eq!(month_of(berlin, at("2026-10-31T23:30:00Z")).id, "2026-11");
        assert_eq!(hours(&parse(PeriodKind::Month, berlin, "2026-10").unwrap()), 31 * 24 + 1);
        assert_eq!(hours(&parse(PeriodKind::Week, berlin, "2026-W13").unwrap()), 7 * 24 - 1);
    }

    #[test]
    fn missing_and_repeated_midnights_begin_a_day() {
        // Cairo puts its clocks forward at 00:00, so the day begins at 01:00.
        let cairo = parse(PeriodKind::Day, zone("Africa/Cairo"), "2024-04-26").unwrap();
        assert_eq!((cairo.from, hours(&cairo)), (at("2024-04-25T22:00:00Z"), 23));
        // Newfoundland put them back at 00:01, so that 23:01 to 00:01 came twice.
        let newfoundland = zone("America/St_Johns");
        let sunday = parse(PeriodKind::Day, newfoundland, "2009-11-01").unwrap();
        assert_eq!((sunday.from, hours(&sunday)), (at("2009-11-01T02:30:00Z"), 25));
        assert_eq!(day_of(newfoundland, at("2009-11-01T02:45:00Z")), sunday);
        // Samoa left out a Friday.
        let apia = zone("Pacific/Apia");
        assert!(matches!(parse(PeriodKind::Day, apia, "2011-12-30"), Err(PeriodError::Skipped { .. })));
        assert_eq!(parse(PeriodKind::Day, apia, "2011-12-29").unwrap().to, at("2011-12-30T10:00:00Z"));
        assert_eq!(day_of(apia, at("2011-12-30T10:00:00Z")).id, "2011-12-31");
    }

    #[test]
    fn a_periods_last_day_follows_from_its_id() {
        for (id, last) in [
            ("2026-11-22T15Z", "2026-11-22"),
            ("2026-11-22", "2026-11-22"),
            ("2026-W53", "2027-01-03"),
            ("2026-02", "2026-02-28"),
            ("2026-12", "2026-12-31"),
        ] {
            assert_eq!(last_day(id), parse_date(last), "{id}");
        }
        assert_eq!(last_day("once"), None);
        let since = parse_date("2026-11-16").unwrap();
        assert!(reaches("2026-11", since) && reaches("2026-W47", since) && reaches("once", since));
        assert!(!reaches("2026-W46", since) && !reaches("2026-11-15", since));
    }

    #[test]
    fn ids_are_read_only_as_they_are_written() {
        for (kind, id) in [
            (PeriodKind::Day, "2026-1-1"),
            (PeriodKind::Day, "+2026-01-01"),
            (PeriodKind::Day, "2026-02-29"),
            (PeriodKind::Day, "0026-02-28"),
            (PeriodKind::Day, "2026-01-01 "),
            (PeriodKind::Hour, "2026-01-01T24Z"),
            (PeriodKind::Hour, "2026-01-01T1Z"),
            (PeriodKind::Hour, "2026-01-01T01"),
            (PeriodKind::Week, "2026-W54"),
            (PeriodKind::Week, "2026-W1"),
            (PeriodKind::Week, "2025-W53"),
            (PeriodKind::Month, "2026-13"),
            (PeriodKind::Month, "2026-1"),
            (PeriodKind::Once, "Once"),
            (PeriodKind::Once, ""),
        ] {
            assert!(matches!(parse(kind, Zone::UTC, id), Err(PeriodError::Malformed { .. })), "{kind} {id}");
        }
    }

    proptest! {
        #[test]
        fn the_current_period_is_found_by_its_id(
            seconds in -2_000_000_000_i64..8_000_000_000,
            nanos in 0..1_000_000_000_u32,
            zone in 0..597_usize,
            kind in 0..PeriodKind::ALL.len(),
        ) {
            let name = crate::zone::names().nth(zone).unwrap();
            let (tz, kind) = (name.parse::<Zone>().unwrap(), PeriodKind::ALL[kind]);
            let now = DateTime::from_timestamp(seconds, nanos).unwrap();
            let period = current(kind, tz, now);
            prop_assert!(period.contains(now) || kind == PeriodKind::Once, "{:?} {}", period, now);
            prop_assert_eq!(parse(kind, tz, &period.id), Ok(period.clone()));
            if kind != PeriodKind::Once {
                prop_assert_eq!(current(kind, tz, period.from), period.clone());
                let next = current(kind, tz, period.to);
                prop_assert_eq!(next.from, period.to, "periods follow each other without a hole");
                prop_assert!(next.id > period.id);
            }
        }
    }
}
