//! The power is cut after every single operation of the disk: what the ledger acknowledged is there, complete, and
//! nothing is half written. A kill of the process cannot show that, because what it wrote survives in the operating
//! system's memory.
//!
//! `BURSAR_POWER_CUTS` sets the number of images; `all` is a hundred thousand.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

mod power_cut {
    pub(crate) mod disk;
    pub(crate) mod faults;
    pub(crate) mod images;
    pub(crate) mod platter;
    pub(crate) mod story;
    pub(crate) mod vfs;
}

use bursar::clock::Clock;
use power_cut::disk::Failure;
use power_cut::faults::{Outcome, tell};
use power_cut::images::{Tally, cut_everywhere};
use power_cut::story::{Ending, Story};

/// The tasks of the long story.
const TASKS: usize = 48;
/// Images that go with a failure at every operation; `all`.
const ALL: u64 = 100_000;

/// How many images somebody asks for; nothing is a slice of them.
fn wanted() -> Option<u64> {
    let wanted = std::env::var("BURSAR_POWER_CUTS").ok()?;
    Some(if wanted == "all" { ALL } else { wanted.parse().expect("BURSAR_POWER_CUTS is a number or `all`") })
}

/// A run over three sessions and more: one that leaves its log behind, one that closes, and the rest.
fn story(synchronous: Option<&'static str>) -> Story {
    let mut story = Story::of(TASKS);
    story.synchronous = synchronous;
    assert!(!story.live(4, Ending::Dropped).unwrap());
    assert!(!story.live(4, Ending::Closed).unwrap());
    let mut starts = 2;
    while !story.live(usize::MAX, Ending::Tidy).unwrap() {
        starts += 1;
        assert!(starts < 9, "the story does not end");
    }
    story
}

/// What all the images came to, and a line about it.
fn cut(story: &Story, wanted: u64) -> (Tally, String) {
    let clock = Clock::system();
    let began = clock.now().mono;
    let tally = cut_everywhere(story, wanted);
    let took_ms = u64::try_from(clock.now().mono.saturating_sub(began).as_millis()).unwrap().max(1);
    let told = format!(
        "{} acknowledgements, {} operations, {} images ({} looked at whole), {} images/s: {} lack an acknowledged commit \
         (the most: {}), {} are broken",
        story.acks.len(),
        tally.ops,
        tally.images,
        tally.scanned_whole,
        tally.images * 1_000 / took_ms,
        tally.lost,
        tally.max_lost,
        tally.broken.len()
    );
    (tally, told)
}

#[test]
fn an_acknowledged_commit_survives_any_power_cut() {
    let (tally, told) = cut(&story(None), wanted().unwrap_or(0));
    println!("{told}");
    assert_eq!((tally.lost, tally.broken), (0, Vec::new()));
}

#[test]
fn without_commit_syncs_a_power_cut_is_noticed() {
    let (tally, told) = cut(&story(Some("NORMAL")), wanted().unwrap_or(0) / 10);
    println!("synchronous = NORMAL: {told}");
    assert!(tally.lost > 100, "{tally:?}");
    assert!(tally.knew > 0, "{tally:?}");
    assert_eq!(tally.broken, Vec::<String>::new(), "what is lost is lost by whole commits");
}

#[test]
fn a_failing_disk_is_reported_and_work_resumes() {
    for failure in [Failure::Write, Failure::Sync, Failure::Full] {
        let every = match wanted() {
            _ if failure == Failure::Sync => 1,
            Some(ALL..) => 1,
            Some(_) => 4,
            None => 16,
        };
        let (mut told, mut unheard, mut unsaid) = (0, 0, 0);
        for after in (0..).step_by(every) {
            match tell(failure, after) {
                Outcome::NotReached => break,
                Outcome::Unheard => unheard += 1,
                Outcome::Told { unsaid: here } => (told, unsaid) = (told + 1, unsaid + here),
            }
        }
        println!(
            "{failure:?}: told of at {told} operations, and {unheard} times unheard, at a checkpoint; {unsaid} batches were \
             written although the ledger could not say so, and were not sent"
        );
        assert!(told > 10);
    }
}
