//! A disk that fails during the story: once, or because it is full, at a chosen operation.

use bursar::ledger::{Audit, Kind, Ledger, Reports};
use bursar::money::Money;

use super::disk::{Disk, Failure, Files};
use super::platter::{Keep, Platter};
use super::story::{Ending, NOON, Story};
use super::vfs::Mounted;

/// Tasks of a story that is told again for every operation.
const TASKS: usize = 7;
/// Starts that are more than enough.
const MOST_STARTS: usize = 12;

/// What a failure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The story was over before.
    NotReached,
    /// Nobody heard of it: it struck a checkpoint, which can be done again.
    Unheard,
    /// The ledger said so.
    Told {
        /// Reservations that it said had failed, and that are there all the same.
        unsaid: u64,
    },
}

/// Tells the story on a disk that fails; then, with the disk whole again, to its end: what the process finds, and what is
/// found where the power failed as well.
pub(crate) fn tell(failure: Failure, after: u64) -> Outcome {
    let mut outcome = Outcome::NotReached;
    for power_fails_too in [false, true] {
        let mut story = Story::of(TASKS);
        story.mounted.disk().fail_after(failure, after);
        let told = lives(&mut story);
        if !story.mounted.disk().failed {
            return Outcome::NotReached;
        }
        let place = format!("{failure:?} after {after}, power fails too: {power_fails_too}");
        if let Err(error) = &told {
            let text = error.to_string();
            let said = if failure == Failure::Full { "database or disk is full" } else { "disk I/O error" };
            assert!(text.contains(said) || text.contains("unable to open"), "{place}: {text}");
        }
        let left = after_the_failure(&story, power_fails_too);
        let found = audit(left.clone());
        let known = story
            .acks
            .last()
            .map_or_else(Audit::default, |ack| audit([("bursar.db".to_owned(), ack.pages.to_vec())].into()));
        assert_eq!(found.problems, Vec::<String>::new(), "{place}");
        assert!(found.batches >= known.batches, "{place}: a reservation was acknowledged and is lost");
        let unsaid = found.batches - known.batches;
        // A commit that was written whole, and could not be synced, may be there all the same.
        if failure != Failure::Sync {
            assert_eq!((unsaid, found.held, found.charged), (0, known.held, known.charged), "{place}");
        }
        outcome = match (outcome, told) {
            (Outcome::NotReached, Ok(())) => Outcome::Unheard,
            (Outcome::NotReached, Err(_)) => Outcome::Told { unsaid },
            (outcome, _) => outcome,
        };
        story.acks.clear();
        story.goes_on_with(Disk::holding(left));
        lives(&mut story).unwrap_or_else(|error| panic!("{place}: the disk is whole again, and yet: {error}"));
        let end = audit(after_the_failure(&story, false));
        assert_eq!((end.problems, end.charged, end.held), (Vec::new(), story.bill(), Money::ZERO), "{place}");
        let answered = end.tasks.iter().find(|count| count.state == "answered").map(|count| count.tasks);
        assert_eq!((answered, end.in_doubt), (Some(TASKS as u64), 0), "{place}");
    }
    outcome
}

/// Starts until nothing is left to do.
fn lives(story: &mut Story) -> Result<(), Box<dyn std::error::Error>> {
    for start in 0..MOST_STARTS {
        let (rounds, ending) = if start == 0 { (3, Ending::Dropped) } else { (usize::MAX, Ending::Tidy) };
        if story.live(rounds, ending)? {
            return Ok(());
        }
    }
    panic!("{MOST_STARTS} starts do not come to an end");
}

/// What the process would find there, or what is left of it without power.
fn after_the_failure(story: &Story, power_fails_too: bool) -> Files {
    if power_fails_too {
        let log = story.mounted.disk().log.clone();
        let mut platter = Platter::new(&log);
        while platter.step() {}
        return platter.cut(Keep::Nothing);
    }
    story.mounted.disk().holds()
}

fn audit(files: Files) -> Audit {
    let mounted = Mounted::new(Disk::holding(files));
    let ledger = Ledger::from_connection(mounted.open().unwrap(), "bursar.db".as_ref(), Kind::Sandbox, NOON).unwrap();
    ledger.audit().unwrap()
}
