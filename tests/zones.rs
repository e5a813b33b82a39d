//! Days and months of every time zone, against a table that another library made from the IANA data
//! (`scripts/zone-borders.py`); and what becomes of a run and its caps if that data changes.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

use bursar::ledger::{AccountFacts, Books, JobFacts, Kind, Ledger, Login, Reports, RunFacts};
use bursar::money::Money;
use bursar::period::{Period, PeriodKind, day_of, month_of};
use bursar::product::{ResultKind, Route};
use bursar::zone::{self, Zone};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rusqlite::Connection;

const TABLE: &str = include_str!("fixtures/zone-borders.txt");

/// What a zone's clocks are ahead by, from each moment on (seconds).
struct Offsets(Vec<(i64, i64)>);

impl Offsets {
    fn read(text: &str) -> Self {
        let each = text.split_whitespace().map(|word| match word.split_once(':') {
            None => (i64::MIN / 2, word.parse().unwrap()),
            Some((at, offset)) => (at.parse().unwrap(), offset.parse().unwrap()),
        });
        Self(each.collect())
    }

    /// The first moment at which clocks show this date, in UTC seconds.
    fn first_of(&self, date: NaiveDate) -> i64 {
        let midnight = date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
        let ends = self.0.iter().skip(1).map(|(at, _)| *at).chain([i64::MAX]);
        let shown = self.0.iter().zip(ends).filter_map(|((from, offset), end)| {
            let first = (midnight - offset).max(*from);
            // A segment that begins within the date shows it from its beginning on; one day later is another date.
            (first < end && first + offset < midnight + 86_400).then_some(first)
        });
        shown.min().unwrap()
    }
}

fn zones() -> impl Iterator<Item = (&'static str, Offsets)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let (offsets, names) = line.split_once(" | ").unwrap();
        names.split(' ').filter(|name| *name != "Factory").map(move |name| (name, Offsets::read(offsets)))
    })
}

fn dates() -> impl Iterator<Item = NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().iter_days().take(2 * 365)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

#[test]
fn the_zone_table_matches_the_built_in_release() {
    let release = TABLE.split_whitespace().nth(2).unwrap().trim_end_matches(',');
    assert_eq!(release, zone::sources().built_in, "make the table anew: scripts/zone-borders.py");
    let known: Vec<&str> = zone::names().collect();
    let mut listed: Vec<&str> = zones().map(|(name, _)| name).collect();
    listed.sort_unstable();
    assert_eq!(known.iter().filter(|name| !listed.contains(name)).count(), 0);
    assert_eq!(listed.iter().filter(|name| !known.contains(name)).count(), 0);
}

#[test]
fn every_zones_borders_match_the_table() {
    let second = TimeDelta::seconds(1);
    let mut borders = 0;
    for (name, offsets) in zones() {
        let zone = Zone::built_in(name).unwrap();
        for date in dates() {
            let (from, to) = (at(offsets.first_of(date)), at(offsets.first_of(date + Days::new(1))));
            let day = day_of(zone, from);
            assert_eq!((day.id.as_str(), day.from, day.to), (&*date.to_string(), from, to), "{name}");
            assert_eq!(day_of(zone, from - second).to, from, "{name} {date}");
            if date.format("%d").to_string() == "01" {
                let month = month_of(zone, from);
                assert_eq!((month.id, month.from), (date.format("%Y-%m").to_string(), from), "{name}");
                assert_eq!(month_of(zone, from - second).to, from, "{name} {date}");
            }
            borders += 1;
        }
    }
    assert!(borders > 400_000, "{borders}");
}

#[test]
fn a_vancouver_day_of_2026_begins_at_seven() {
    let vancouver = Zone::built_in("America/Vancouver").unwrap();
    // A quarter past midnight: the clocks are not put back any more.
    let quarter_past: DateTime<Utc> = "2026-11-02T07:15:00Z".parse().unwrap();
    assert_eq!(day_of(vancouver, quarter_past).id, "2026-11-02");
    let december: DateTime<Utc> = "2026-12-01T07:30:00Z".parse().unwrap();
    assert_eq!(month_of(vancouver, december).id, "2026-12");
}

#[test]
fn a_run_keeps_the_borders_of_its_opening() {
    let zone = Zone::built_in("America/Vancouver").unwrap();
    let mut ledger =
        Ledger::from_connection(Connection::open_in_memory().unwrap(), "zones.db".as_ref(), Kind::Sandbox, 0).unwrap();
    let account = ledger
        .bring_account(&AccountFacts {
            name: "main",
            route: Route::Sandbox,
            base_url: "http://127.0.0.1",
            login: Login("sandbox"),
            day_cap: None,
            month_cap: None,
        })
        .unwrap();
    let facts = JobFacts {
        name: "daily",
        path: "/daily.toml",
        account,
        timezone: zone,
        day_cap: None,
        month_cap: None,
        moved: false,
    };
    let job = ledger.bring_job(&facts).unwrap();
    let moment = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    // As the rules of 2025 had it: the clocks are put back on the first of November.
    let period = Period {
        id: "2026-11-01".to_owned(),
        from: moment("2026-11-01T07:00:00Z"),
        to: moment("2026-11-02T08:00:00Z"),
    };
    let cap = Money::from_nanos(1);
    let results = &[ResultKind::Advanced];
    ledger.bring_run(&RunFacts { job, period: &period, cap, results, deadline_s: None }, 0).unwrap();
    let id = |job: &str, at: &str| ledger.period_at(job, PeriodKind::Day, zone, moment(at)).unwrap().id;
    assert_eq!(id("daily", "2026-11-02T07:59:59Z"), "2026-11-01", "the period is not split");
    assert_eq!(id("daily", "2026-11-02T08:00:00Z"), "2026-11-02");
    assert_eq!(id("another", "2026-11-02T07:15:00Z"), "2026-11-02", "a new job goes by the new rules");
    assert_eq!(ledger.period_at("daily", PeriodKind::Month, zone, period.to).unwrap().id, "2026-11");
}
