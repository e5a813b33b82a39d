//! A power cut after every operation of a story, and the state of the ledger after it.
//!
//! A database that is recovered page for page as of a commit holds that commit, all before it, and nothing of the
//! next. What integrity check and audit found for those pages once therefore holds for every image with the same
//! pages. Each such state is checked completely, and every so many images as well.

use std::thread;

use bursar::ledger::{Kind, Ledger, Reports, Trust};
use fastrand::Rng;
use rusqlite::config::DbConfig;

use super::disk::{Disk, Files};
use super::platter::{Keep, Platter};
use super::story::{Ack, NOON, Story, outside};
use super::vfs::{Mounted, pages};

/// Every so many images are looked at whole.
const WHOLE_LOOK_EVERY: u64 = 64;
/// Images by chance of each operation, at least: some writes kept, and some sectors.
const LEAST_BY_CHANCE: u64 = 2;

/// What all the images came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Operations of the disk.
    pub(crate) ops: u64,
    pub(crate) images: u64,
    pub(crate) scanned_whole: u64,
    /// Images that lack a commit which was acknowledged.
    pub(crate) lost: u64,
    /// The most that one of them lacks.
    pub(crate) max_lost: usize,
    /// Of the images looked at whole, those that lack something counted outside, and know it.
    pub(crate) knew: u64,
    /// Images that are damaged, or hold half of a commit.
    pub(crate) broken: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.scanned_whole += other.scanned_whole;
        self.lost += other.lost;
        self.max_lost = self.max_lost.max(other.max_lost);
        self.knew += other.knew;
        self.broken.extend(other.broken);
    }
}

/// All states that a cut may leave, in the order in which they came to be; the story's acknowledgements are among them.
struct History<'s> {
    acks: &'s [Ack],
    /// What was there after a commit that was not the last of its acknowledgement: by the number of that.
    between: Vec<Vec<Vec<u8>>>,
}

/// Cuts the power after every operation of the story, so often that about so many images are seen.
pub(crate) fn cut_everywhere(story: &Story, wanted: u64) -> Tally {
    let log = story.mounted.disk().log.clone();
    let history = History::of(&story.acks, &log);
    let (mut ops, mut open) = (0, 0);
    let mut platter = Platter::new(&log);
    while platter.step() {
        ops += 1;
        open += u64::from(!platter.is_settled());
    }
    // One image where nothing is left to chance; else that of nothing and that of all, and some by chance.
    let by_chance = wanted.saturating_sub(ops + open).div_ceil(open).max(LEAST_BY_CHANCE);
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
    let mut tally = Tally { ops, ..Tally::default() };
    thread::scope(|scope| {
        let work = |worker| {
            let (history, log) = (&history, &log);
            scope.spawn(move || {
                let mut tally = Tally::default();
                let mut platter = Platter::new(log);
                while platter.step() {
                    if platter.done % workers == worker {
                        history.cut(&platter, by_chance, &mut tally);
                    }
                }
                tally
            })
        };
        let running: Vec<_> = (0..workers).map(work).collect();
        for worker in running {
            tally.add(worker.join().unwrap());
        }
    });
    tally
}

impl<'s> History<'s> {
    fn of(acks: &'s [Ack], log: &[super::disk::Op]) -> Self {
        let mut history = Self { acks, between: vec![Vec::new(); acks.len()] };
        let mut tally = Tally::default();
        for ack in acks {
            history.scan_whole(&Files::from([("bursar.db".to_owned(), ack.pages.to_vec())]), ack.ops, 0, &mut tally);
        }
        let mut platter = Platter::new(log);
        while platter.step() {
            let next = history.known_by(platter.done);
            if acks.get(next).is_some_and(|ack| ack.of_several) {
                let files = platter.cut(Keep::All);
                let there = recovered(&files);
                if there.as_ref().is_ok_and(|there| history.place_of(there, next).is_none()) {
                    history.scan_whole(&files, platter.done, 0, &mut tally);
                    history.between[next].extend(there);
                }
            }
        }
        assert_eq!(tally.broken, Vec::<String>::new(), "without a cut");
        history
    }

    /// How many acknowledgements there are after so many operations.
    fn known_by(&self, ops: usize) -> usize {
        self.acks.partition_point(|ack| ack.ops <= ops)
    }

    /// How many acknowledgements are in these pages, where they are those of a commit no later than the next one.
    fn place_of(&self, there: &[u8], next: usize) -> Option<usize> {
        (0..=self.acks.len().min(next + 1)).rev().find(|known| {
            let last = known.checked_sub(1).map_or(&[][..], |last| self.acks[last].pages.as_slice());
            last == there || self.between.get(*known).is_some_and(|between| between.iter().any(|pages| pages == there))
        })
    }

    fn cut(&self, platter: &Platter<'_>, by_chance: u64, tally: &mut Tally) {
        if platter.is_settled() {
            return self.see(&platter.cut(Keep::All), platter.done, 0, tally);
        }
        for image in 0..by_chance + 2 {
            let rng = Rng::with_seed((platter.done as u64) << 32 | image);
            let keep = match image {
                0 => Keep::Nothing,
                1 => Keep::All,
                even if even % 2 == 0 => Keep::Some(rng),
                _ => Keep::Torn(rng),
            };
            self.see(&platter.cut(keep), platter.done, image, tally);
        }
    }

    /// Opens an image and holds it against what was acknowledged by then.
    fn see(&self, files: &Files, ops: usize, image: u64, tally: &mut Tally) {
        tally.images += 1;
        let next = self.known_by(ops);
        let place = recovered(files).map(|there| self.place_of(&there, next));
        match place {
            Ok(Some(known)) if known >= next => {}
            Ok(Some(known)) => {
                tally.lost += 1;
                tally.max_lost = tally.max_lost.max(next - known);
            }
            Ok(None) => tally.broken.push(format!("{}: neither commit nor the one before", self.name(ops, image))),
            Err(ref error) => tally.broken.push(format!("{}: {error}", self.name(ops, image))),
        }
        if tally.images.is_multiple_of(WHOLE_LOOK_EVERY) {
            self.scan_whole(files, ops, image, tally);
        }
    }

    /// How to find an image again.
    fn name(&self, ops: usize, image: u64) -> String {
        let next = self.known_by(ops);
        let last = next.checked_sub(1).map_or("nothing", |last| self.acks[last].what);
        format!("operation {ops}, image {image}, after `{last}` ({next})")
    }

    /// SQLite's own scan and the ledger's, and whether the next session would take this ledger for whole.
    fn scan_whole(&self, files: &Files, ops: usize, image: u64, tally: &mut Tally) {
        tally.scanned_whole += 1;
        let scanned = || -> Result<(Trust, Vec<u8>), Box<dyn std::error::Error>> {
            let mounted = Mounted::new(Disk::holding(files.clone()));
            let db = mounted.open()?;
            let integrity: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let there = pages(&db);
            let mut ledger = Ledger::from_connection(db, "bursar.db".as_ref(), Kind::Sandbox, NOON)?;
            let problems = ledger.audit()?.problems;
            if integrity != "ok" || !problems.is_empty() {
                return Err(format!("integrity: {integrity}; audit: {problems:?}").into());
            }
            let outside = outside();
            // The first session of all has its counter before its commit.
            let next = self.known_by(ops);
            let has_begun = self.place_of(&there, next).is_some_and(|known| known > next);
            let first = (self.counter(ops).is_none() && has_begun).then(|| format!("{0:020} {0:020} {0:020}\n", 0));
            if let Some(counter) = self.counter(ops).or(first.as_ref()) {
                std::fs::write(outside.path().join(format!("{}.starts", ledger.id().as_str())), counter)?;
            }
            Ok((ledger.begin(outside.path(), NOON)?.trust, there))
        };
        match scanned() {
            Ok((trust, there)) => {
                let next = self.known_by(ops);
                let known = self.place_of(&there, next).unwrap_or(next);
                let counted_then = known.checked_sub(1).and_then(|last| self.acks[last].counter.as_ref());
                let lacks = known < next && counted_then != self.counter(ops);
                tally.knew += u64::from(lacks && trust != Trust::Whole);
                if lacks == (trust == Trust::Whole) {
                    tally.broken.push(format!("{}: taken for {trust:?}", self.name(ops, image)));
                }
            }
            Err(error) => tally.broken.push(format!("{}: {error}", self.name(ops, image))),
        }
    }

    /// What stood outside the ledger after so many operations.
    fn counter(&self, ops: usize) -> Option<&String> {
        self.known_by(ops).checked_sub(1).and_then(|last| self.acks[last].counter.as_ref())
    }
}

/// The pages that a plain connection finds.
fn recovered(files: &Files) -> rusqlite::Result<Vec<u8>> {
    let mounted = Mounted::new(Disk::holding(files.clone()));
    let db = mounted.open()?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    Ok(pages(&db))
}
