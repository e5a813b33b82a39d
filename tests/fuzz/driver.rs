//! Runs a target on mutated inputs, keeps those that reach something new, and stores the one that fails.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::mutate::mutated;

/// Executions of a target where no time is given.
const EXECUTIONS: u64 = 1_500;
/// Of an input of at most 64 KiB: a thousand times what is usual, also on a machine that is busy.
const SLOW: Duration = Duration::from_secs(10);
/// Beyond what the process had before.
const MUCH_MEMORY_KIB: u64 = 512 * 1024;

/// Where an input led, in a word, so that the first to lead there is kept.
pub(crate) struct Told(String);

impl Told {
    pub(crate) fn new(end: &str, length: usize) -> Self {
        Self(format!("{end} {}", length.max(1).ilog2()))
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `ends` are some that the corpus leads to: a target that refuses everything proves nothing.
pub(crate) fn run(target: &str, words: &[&str], ends: &[&str], check: impl Fn(&[u8]) -> Told) {
    if let Some(file) = std::env::var_os("BURSAR_FUZZ_INPUT") {
        check(&std::fs::read(file).unwrap());
        return;
    }
    let mut pool = corpus(target);
    let kept = pool.len();
    let mut seen = BTreeSet::new();
    let mut rng = fastrand::Rng::with_seed(variable("BURSAR_FUZZ_SEED").unwrap_or(1));
    let time = variable("BURSAR_FUZZ_SECONDS").map(Duration::from_secs);
    let memory = peak_memory_kib();
    let began = stopwatch();
    let mut executions = 0;
    while time.map_or(executions < EXECUTIONS, |time| began.elapsed() < time) {
        let input = match pool.get(usize::try_from(executions).unwrap_or(usize::MAX)) {
            Some(whole) if executions < kept as u64 => whole.clone(),
            _ => mutated(&pool, words, &mut rng),
        };
        let from = stopwatch();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&input)));
        let took = from.elapsed();
        executions += 1;
        match outcome {
            Ok(_) if took > SLOW => put_aside(target, &input, &format!("took {took:?}")),
            Ok(Told(end)) => {
                if seen.insert(end) && executions > kept as u64 {
                    pool.push(input);
                }
            }
            Err(_) => put_aside(target, &input, "panicked, as told above"),
        }
    }
    let took = began.elapsed();
    let rate = u128::from(executions) * 1_000 / took.as_millis().max(1);
    let more = peak_memory_kib().saturating_sub(memory);
    println!(
        "fuzz | {target} | {executions} executions | {:.1} s | {rate} a second | {} ends | {} MiB more",
        took.as_secs_f32(),
        seen.len(),
        more / 1024
    );
    for end in ends {
        assert!(seen.iter().any(|seen| seen.starts_with(end)), "nothing led to \"{end}\"");
    }
    assert!(more < MUCH_MEMORY_KIB, "{target} came to need {more} KiB more");
}

/// The committed inputs, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn put_aside(target: &str, input: &[u8], what: &str) -> ! {
    let name = blake3::hash(input).to_hex();
    let file = std::env::temp_dir().join(format!("bursar-fuzz-{target}-{}", &name[..16]));
    std::fs::write(&file, input).unwrap();
    panic!(
        "{target} {what}; once more: BURSAR_FUZZ_INPUT={} cargo test --test fuzz {target} -- --nocapture",
        file.display()
    );
}

/// The most memory that this process had, where the system tells.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "how long an input takes is by the clock on the wall")]
fn stopwatch() -> Instant {
    Instant::now()
}
