//! A deterministic simulation of whole campaigns: the real core and the real ledger code, with a simulated provider,
//! on a virtual clock.
//!
//! A seed decides everything: what is asked, the caps, the trouble, every death. The checkers see only the ledger and
//! the provider's bill. `BURSAR_SIM_SEED=7` runs one seed and prints it, `BURSAR_SIM_MANY=5000` that many, and
//! `BURSAR_SIM_FROM=100000` sets the first one. `BURSAR_CRASH_ALL=1` runs every crash point, `BURSAR_CRASH_ONE_IN=83`
//! one in so many. `BURSAR_SIM_DIGEST=FILE` writes a hash of each campaign's journal to a file; a change that must not
//! alter behaviour leaves that file as it was.
#![expect(unreachable_pub, clippy::unwrap_used, reason = "a simulation, where a failure is a panic")]
#![expect(clippy::print_stdout, reason = "a simulation tells what it did")]

mod answers;
mod asked;
mod beside;
mod books;
mod campaign;
mod checks;
mod clock;
mod crash_points;
mod dearer;
mod disk;
mod findings;
mod handshake;
mod journal;
mod later;
mod session;
mod odd;
mod refusals;
mod settled;
mod tally;
mod walls;
mod weather;
mod wire;
mod world;

use std::time::Duration;

use bursar::sandbox::{Call, Fault, Faults, Rule};
use journal::Struck;

/// Seeds that are run where nothing else is said: few enough for a build without optimisation.
const SEEDS: u64 = 24;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn equal_seeds_write_equal_journals() {
    for seed in [3, 14, 159] {
        let (first, second) = (campaign::run(seed, false), campaign::run(seed, false));
        let differs = first.journal.lines().zip(second.journal.lines()).find(|(first, second)| first != second);
        assert_eq!(differs, None, "seed {seed}");
        assert!(first.journal == second.journal && first.journal.lines().count() > 50, "seed {seed}");
    }
}

#[test]
fn the_checkers_catch_a_quarantine_too_short() {
    let impatient = |weather: &mut weather::Weather| {
        let timing = &mut weather.account.timing;
        (timing.quarantine, timing.lag_max) = (Duration::from_mins(1), Duration::from_mins(1));
        weather.settings.listing_lag_max = Duration::ZERO;
        weather.settings.switches = bursar::sandbox::Switches::default();
        weather.jobs.iter_mut().for_each(|job| (job.period, job.run_cap) = ("once", job.cost()));
        let late = Fault::AcceptLate { after: Duration::from_hours(2) };
        weather.settings.faults = Faults::from(vec![Rule::chance(late, Call::TaskPost, 0.5)]);
    };
    let mut failures = (0..14).filter_map(|seed| campaign::run_with(seed, false, impatient).failure);
    assert!(failures.any(|failure| failure.contains("sold") || failure.contains("bought more often")));
}

/// Runs campaigns on all processors, and hands on what came of each. Its journal stays behind: they would be gigabytes.
fn everywhere(seeds: std::ops::Range<u64>) -> impl Iterator<Item = campaign::Outcome> {
    let (hand_over, outcomes) = std::sync::mpsc::channel();
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(seeds.start));
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let (hand_over, next) = (hand_over.clone(), std::sync::Arc::clone(&next));
        std::thread::spawn(move || {
            loop {
                let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if seed >= seeds.end {
                    return;
                }
                let mut outcome = campaign::run(seed, false);
                outcome.digest = blake3::hash(outcome.journal.as_bytes()).to_hex().to_string();
                let told = hand_over.send(campaign::Outcome { journal: String::new(), ..outcome });
                told.expect("the test waits for every campaign");
            }
        });
    }
    outcomes.into_iter()
}

#[test]
fn campaigns_in_bad_weather_end_well() {
    if let Some(seed) = number("BURSAR_SIM_SEED") {
        let outcome = campaign::run(seed, true);
        println!("seed {seed}: {} lives, {:?}, {:?}", outcome.sessions, outcome.simulated, outcome.failure);
        assert_eq!(outcome.failure, None, "seed {seed}");
        return;
    }
    let (from, many) = (number("BURSAR_SIM_FROM").unwrap_or(0), number("BURSAR_SIM_MANY").unwrap_or(SEEDS));
    let (mut struck, mut simulated, mut sessions, mut tasks) = (Struck::default(), Duration::ZERO, 0, 0);
    let (mut doubled, mut failed, mut ended) = ((0, 0), Vec::new(), 0);
    let mut digests = std::collections::BTreeMap::new();
    for outcome in everywhere(from..from + many) {
        ended += 1;
        digests.insert(outcome.seed, outcome.digest);
        struck.merge(&outcome.struck);
        simulated += outcome.simulated;
        sessions += outcome.sessions;
        tasks += outcome.tasks;
        doubled = (doubled.0 + outcome.doubled.0, doubled.1 + outcome.doubled.1);
        if let Some(failure) = outcome.failure {
            println!("FAILED seed {}: {failure}\nto repeat it: just sim {}", outcome.seed, outcome.seed);
            failed.push(outcome.seed);
        }
    }
    if let Some(file) = std::env::var_os("BURSAR_SIM_DIGEST") {
        let lines: Vec<String> = digests.iter().map(|(seed, digest)| format!("{seed} {digest}")).collect();
        std::fs::write(file, lines.join("\n")).unwrap();
    }
    let days = simulated.as_secs() / 86_400;
    println!("{many} campaigns from seed {from}: {sessions} lives, {tasks} tasks, {days} virtual days");
    println!("bought twice by a provider that is not what it must be: {}, seen by no list: {}", doubled.0, doubled.1);
    println!("{} kinds of trouble struck:\n{}", struck.kinds(), struck.table());
    assert_eq!(failed, Vec::<u64>::new(), "to repeat one: just sim SEED");
    assert_eq!(ended, many, "a campaign panicked, as was told above");
}

/// Seeds of campaigns of pages alone that have failed once.
const ONCE_FAILED_OF_PAGES: &[u64] = &[
    80, 81, 90, 258, 300, 321, 331, 433, 2546, 3242, 4222, 4784, 7384, 1034, 1082, 1096, 1207, 1267, 1393, 1394, 1504,
    5000, 5074, 5088, 5126,
];

/// The same with what is bought beside the pages.
const ONCE_FAILED: &[u64] = &[
    50, 247, 607, 975, 1793, 2061, 2779, 4255, 10107, 12184, 13211, 15886, 17756, 28280, 28517, 48520, 49336, 62893,
    63572, 64529, 75260, 86762, 92351, 96034, 101_647, 118_092, 130_397, 153_305, 160_266, 160_279, 161_847, 162_097,
    166_561, 170_234, 170_599, 200_074, 200_076, 200_613, 202_815, 205_238, 208_269, 209_474, 210_751,
];

/// What has failed stays in the tests: all of it in the gate, and some of it in a build without optimisation.
#[test]
fn campaigns_that_once_ended_badly_end_well() {
    let one_in = if number("BURSAR_SIM_MANY").is_some() { 1 } else { 9 };
    let of_pages = ONCE_FAILED_OF_PAGES.iter().map(|seed| (*seed, true));
    let kept: Vec<(u64, bool)> =
        of_pages.chain(ONCE_FAILED.iter().map(|seed| (*seed, false))).step_by(one_in).collect();
    let failed: Vec<String> = on_all_processors(&kept, |(seed, pages_only)| {
        let outcome = if *pages_only { campaign::run_with(*seed, false, |_| {}) } else { campaign::run(*seed, false) };
        let only = if *pages_only { ", pages only" } else { "" };
        Some(format!("seed {seed}{only}: {}", outcome.failure?))
    })
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(failed, Vec::<String>::new(), "to repeat one: just sim SEED");
}

/// Stories that are told with two deaths; how many of the moments of a first death are tried, one in so many, and of a
/// second one after each, beginning at another one each time. A model's answers take hours, and its story thousands of
/// moments: of those fewer.
const TWO_DEATHS: [(&str, usize, usize); 6] = [
    ("quiet", 1, 1),
    ("DropAfter at purchase 2", 1, 1),
    ("Partial { tasks: 1 } at purchase 1", 1, 1),
    ("an older copy", 1, 3),
    ("both forms", 1, 3),
    ("an older copy of dear models", 13, 89),
];

/// Does something to each of many on all processors; what came of them, in no order.
fn on_all_processors<T: Sync, R: Send>(of: &[T], what: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(one) = of.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            done.push(what(one));
        }
        done
    };
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a world panicked, as was told above")).collect()
    })
}

/// Every so many-th moment of each scenario by its number, not all beginning at the first.
fn moments(scenarios: &[&crash_points::Scenario], step: impl Fn(usize) -> usize) -> Vec<(usize, u64)> {
    let counted = on_all_processors(&(0..scenarios.len()).collect::<Vec<_>>(), |at| (*at, scenarios[*at].moments()));
    let every = |(at, moments): (usize, u64)| {
        let step = step(at);
        (1..=moments).skip(at * 17 % step).step_by(step).map(move |moment| (at, moment))
    };
    counted.into_iter().flat_map(every).collect()
}

/// Of how many moments one is a death, where not all are: few in a build without optimisation. A prime, so that no rhythm
/// of a story hides from it.
fn one_moment_in() -> usize {
    number("BURSAR_CRASH_ONE_IN").map_or(211, |one_in| usize::try_from(one_in).unwrap())
}

#[test]
fn a_session_that_dies_anywhere_is_finished_next() {
    let all = number("BURSAR_CRASH_ALL").is_some();
    let scenarios = crash_points::scenarios();
    let points = moments(&scenarios.iter().collect::<Vec<_>>(), |_| if all { 1 } else { one_moment_in() });
    let failed: Vec<String> = on_all_processors(&points, |(at, moment)| {
        let scenario = &scenarios[*at];
        let failure = scenario.dies_at(&[*moment]).err()?;
        Some(format!("{}, death at moment {moment}: {failure}", scenario.name))
    })
    .into_iter()
    .flatten()
    .collect();
    println!("one death: {} scenarios, {} points, {} worlds", scenarios.len(), points.len(), points.len());
    assert_eq!(failed, Vec::<String>::new(), "to repeat it: just crash-points");
}

#[test]
fn two_deaths_in_a_row_are_finished_next() {
    let all = number("BURSAR_CRASH_ALL").is_some();
    let scenarios = crash_points::scenarios();
    let named = |name| scenarios.iter().find(|scenario| scenario.name == name).expect("a scenario has another name");
    let scenarios = TWO_DEATHS.map(|(name, ..)| named(name));
    let points = moments(&scenarios, |at| if all { TWO_DEATHS[at].1 } else { one_moment_in() });
    let came_of = on_all_processors(&points, |(at, first)| {
        let (scenario, second_step) = (scenarios[*at], if all { TWO_DEATHS[*at].2 } else { one_moment_in() });
        let (mut worlds, mut failed) = (0, Vec::new());
        // What fails by its first death alone is told by the test of single deaths.
        let moments = scenario.dies_at(&[*first]).unwrap_or(0);
        for second in (1..=moments).skip(usize::try_from(*first).unwrap() % second_step).step_by(second_step) {
            worlds += 1;
            if let Err(failure) = scenario.dies_at(&[*first, second]) {
                failed.push(format!("{}, deaths at {first} and {second}: {failure}", scenario.name));
            }
        }
        (worlds, failed)
    });
    let worlds: u64 = came_of.iter().map(|(worlds, _)| worlds).sum();
    let failed: Vec<String> = came_of.into_iter().flat_map(|(_, failed)| failed).collect();
    println!("two deaths: {} scenarios, {} first points, {worlds} worlds", TWO_DEATHS.len(), points.len());
    assert_eq!(failed, Vec::<String>::new(), "to repeat it: just crash-points");
}
