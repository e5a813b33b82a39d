//! The real program under signals, a suspend, a rival and an older copy of its ledger, while it buys. In every case
//! the provider's bill and the ledger agree in the end, and nothing is bought twice.
//!
//! The provider is a process of its own and goes on selling meanwhile. No test waits for a time: each step waits for
//! what the program says. `BURSAR_HAZARDS` sets how often each hazard occurs.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::world::{Ended, World, until};

/// Purchases are answered so late that some are on their way for as long as a test needs.
const LATE_S: u32 = 3;
/// So late that nobody waits for them.
const TOO_LATE_S: u32 = 30;
/// Answers are there within half a second at this speed of the provider's, and within some seconds at that.
const QUICK: u32 = 10_000;
const SLOW: u32 = 500;
/// A canary and five batches, which all go at once.
const QUESTIONS: usize = 450;
const SUM: &str = "0.54";

fn rounds() -> usize {
    std::env::var("BURSAR_HAZARDS").map_or(1, |rounds| rounds.parse().expect("BURSAR_HAZARDS is a number"))
}

/// A run whose events are read as they come. One that is given up is killed, asleep or not.
struct Run {
    /// Until its end is waited for.
    child: Option<Child>,
    events: Lines<BufReader<ChildStdout>>,
}

impl Run {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = world.command(args).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child: Some(child), events }
    }

    /// Waits until it has told of so many events of a kind; the last of them.
    fn until(&mut self, kind: &str, times: usize) -> Value {
        let mut seen = Vec::new();
        for line in self.events.by_ref() {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if event["event"] == kind {
                seen.push(event);
            }
            if seen.len() == times {
                return seen.pop().unwrap();
            }
        }
        let mut said = String::new();
        self.child.as_mut().unwrap().stderr.take().unwrap().read_to_string(&mut said).unwrap();
        panic!("`{kind}` was told {} times, not {times}; and: {said}", seen.len());
    }

    fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success(), "kill {name}");
    }

    /// Its other events, and how it ended.
    fn end(mut self) -> (Vec<Value>, Ended) {
        let events = self.events.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        (events, Ended::of(self.child.take().unwrap().wait_with_output().unwrap()))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn told(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["event"] == kind).count()
}

/// A provider that answers all purchases but the canary so late; its other times are divided by its speed.
fn provider(speed: u32, late_s: u32) -> World {
    let late = format!(
        "[[fault]]\nkind = \"answer_late\"\ncall = \"task_post\"\nafter = \"{late_s}s\"\nnth = [2, 3, 4, 5, 6]\n"
    );
    let world = World::with(&["--speed", &speed.to_string()], if late_s == 0 { "" } else { &late });
    world.job(SUM, QUESTIONS);
    world
}

/// The next session ends well, and all that was ever bought was bought once.
fn ends_well(world: &World) {
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    world.agree(QUESTIONS as u64);
    let audit = world.audit();
    assert_eq!((&audit["in_doubt"], &audit["extra_charges"]), (&0.into(), &0.into()), "{audit}");
}

#[test]
fn a_first_sigterm_awaits_replies_and_buys_nothing() {
    for _ in 0..rounds() {
        let world = provider(1, LATE_S);
        let mut run = Run::start(&world, &["run", "job.toml", "--json", "--no-collect"]);
        run.until("batch_sent", 2);
        run.signal("-TERM");
        run.until("draining", 1);
        let (events, ended) = run.end();
        assert_eq!(ended.code, 7, "{ended:?}");
        assert_eq!(told(&events, "batch_sent"), 0, "nothing was sent after it said that it stops");
        assert!(told(&events, "batch_answered") > 0, "what was on its way was heard to its end");
        let (audit, bill) = (world.audit(), world.bill());
        assert_eq!((&audit["in_doubt"], &audit["held_nano_usd"]), (&0.into(), &0.into()), "{audit}");
        world.agree(bill["tasks"].as_u64().unwrap());
        let next = world.bursar(&["run", "job.toml", "--no-collect"]);
        assert_eq!(next.code, 0, "{next:?}");
        world.agree(QUESTIONS as u64);
    }
}

#[test]
fn a_second_sigterm_ends_at_once_and_leaves_doubt() {
    for _ in 0..rounds() {
        let world = provider(QUICK, TOO_LATE_S);
        let mut run = Run::start(&world, &["run", "job.toml", "--json"]);
        // All of it has reached the provider: whatever is in doubt then is found in the list, and nothing has to be concluded.
        let mut scans = 0..100_000;
        while world.bill()["tasks"] != QUESTIONS {
            assert!(scans.next().is_some(), "the provider has not sold all");
        }
        run.signal("-TERM");
        run.until("draining", 1);
        run.signal("-TERM");
        let (_, ended) = run.end();
        assert_eq!(ended.code, 8, "in doubt: {ended:?}");
        assert_ne!(world.audit()["in_doubt"], 0);
        ends_well(&world);
    }
}

#[test]
fn a_suspended_holder_is_not_overtaken_and_resumes() {
    for _ in 0..rounds() {
        let world = provider(QUICK, LATE_S);
        let mut holder = Run::start(&world, &["run", "job.toml", "--json"]);
        holder.until("batch_sent", 2);
        holder.signal("-STOP");
        let refused = world.bursar(&["run", "job.toml", "--no-follow"]);
        assert_eq!(refused.code, 5, "{refused:?}");
        let held = format!("held by another process (pid {}, running job, since ", holder.id());
        assert!(refused.stderr.contains(&held), "{refused:?}");
        let mut follower = world.command(&["run", "job.toml"]).spawn().unwrap();
        let mut rest = until(&mut follower, &held);
        holder.signal("-CONT");
        let (_, ended) = holder.end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let mut said = String::new();
        rest.read_to_string(&mut said).unwrap();
        assert!(said.contains("the ledger is free"), "{said}");
        assert_eq!(follower.wait().unwrap().code(), Some(0), "{said}");
        ends_well(&world);
    }
}

#[test]
fn of_two_simultaneous_sessions_only_one_buys() {
    for _ in 0..rounds() {
        let world = provider(QUICK, 0);
        let both = [(); 2].map(|()| world.command(&["run", "job.toml"]).spawn().unwrap());
        for each in both {
            let ended = Ended::of(each.wait_with_output().unwrap());
            assert_eq!(ended.code, 0, "{ended:?}");
        }
        world.agree(QUESTIONS as u64);

        let world = provider(QUICK, 0);
        let both = [(); 2].map(|()| world.command(&["run", "job.toml", "--no-follow"]).spawn().unwrap());
        let codes = both.map(|each| Ended::of(each.wait_with_output().unwrap()).code);
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
        ends_well(&world);
    }
}

/// A first session buys a hundred, and sees in the list that absence from it means something.
fn begins(world: &World) {
    world.job("0.12", QUESTIONS);
    let mut first = Run::start(world, &["run", "job.toml", "--json"]);
    first.until("visibility_proven", 1);
    let (_, ended) = first.end();
    assert_eq!(ended.code, 3, "{ended:?}");
}

/// Puts an older copy in the ledger's place, without the log of the newer one.
fn put_back(copy: &Path, ledger: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = ledger.as_os_str().to_owned();
        name.push(ending);
        let _ = fs::remove_file(name);
    }
    fs::copy(copy, ledger).unwrap();
}

/// It says what it found, buys nothing twice, and in the end everything that was asked has been bought.
fn finds_itself_restored(world: &World, because: &str) {
    let before = world.bill()["tasks"].as_u64().unwrap();
    world.job(SUM, QUESTIONS);
    let mut run = Run::start(world, &["run", "job.toml", "--json"]);
    let begun = run.until("restored_done", 1);
    let recovered = begun["recovered"].as_u64().unwrap();
    assert!(recovered > 0, "what the copy lacks is taken over from the provider's list: {begun}");
    assert_eq!(world.bill()["tasks"], before, "nothing is bought before the list was read");
    let (_, ended) = run.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("this ledger was restored, copied or rebuilt"), "{ended:?}");
    assert!(ended.stderr.contains(because), "{ended:?}");
    ends_well(world);
}

#[test]
fn a_copy_from_between_sessions_recovers_its_purchases() {
    for _ in 0..rounds() {
        let world = provider(SLOW, 0);
        let (ledger, copy) = (world.folder.path().join("bursar.db"), world.folder.path().join("copy.db"));
        begins(&world);
        fs::copy(&ledger, &copy).unwrap();
        world.job("0.36", QUESTIONS);
        assert_eq!(world.bursar(&["run", "job.toml", "--no-collect"]).code, 3);
        world.agree(300);
        put_back(&copy, &ledger);
        finds_itself_restored(&world, "its last purchase is number 100, and 300 were counted");
    }
}

#[test]
fn a_copy_made_while_buying_recovers_its_purchases() {
    for _ in 0..rounds() {
        let world = provider(SLOW, LATE_S);
        let (ledger, copy) = (world.folder.path().join("bursar.db"), world.folder.path().join("copy.db"));
        let config = world.folder.path().join("bursar.toml");
        let one_at_a_time = fs::read_to_string(&config).unwrap().replace("limits = { ", "limits = { in_flight = 1, ");
        fs::write(&config, one_at_a_time).unwrap();
        begins(&world);
        world.job("0.36", QUESTIONS);
        let mut run = Run::start(&world, &["run", "job.toml", "--json", "--no-collect"]);
        run.until("batch_sent", 1);
        // Whatever it does next, it does after the copy.
        run.signal("-STOP");
        let reader = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        reader.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        drop(reader);
        run.signal("-CONT");
        let (_, ended) = run.end();
        assert_eq!(ended.code, 3, "{ended:?}");
        world.agree(300);
        put_back(&copy, &ledger);
        finds_itself_restored(&world, "its last purchase is number 200, and 300 were counted");
    }
}
