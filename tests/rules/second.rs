//! A second ledger by mistake: it is new to a job for which another one has bought, and does not buy again.

use bursar::ledger::{Kind, Ledger, Login, Whose, bought_elsewhere};
use bursar::product::Route;

use super::world::World;
use super::{job, settings};

fn whose(login: &str) -> Whose<'_> {
    Whose { name: "main", route: Route::Sandbox, base_url: "http://127.0.0.1:1", login: Login(login) }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_second_ledger_never_repeats_the_firsts_purchases() {
    let mut world = World::new(settings(vec![]));
    let state = world.folder.path().join("state");
    let claim =
        |ledger: &Ledger, login, jobs: &[&str], anew| ledger.claim(&state, &whose(login), jobs, anew, 1_795_000_000);
    claim(&world.open(), "sandbox", &["rules"], false).unwrap();
    let other = world.folder.path().join("other.db");
    let begun = |path: &std::path::Path| {
        let mut ledger = Ledger::open(path, Kind::Sandbox, 0).unwrap();
        ledger.begin(&state, 0).unwrap();
        ledger
    };
    // It is in a session, and may be about to buy.
    let mut first = world.open();
    first.begin(&state, 0).unwrap();
    claim(&begun(&other), "sandbox", &["rules"], false).expect_err("the first one is at work");
    drop(first);
    world.live_on(&job(2)).await;
    let second = begun(&other);
    let refused =
        claim(&second, "sandbox", &["rules", "daily"], false).expect_err("a second ledger buys again").to_string();
    let (path, first) = (other.display(), std::fs::canonicalize(world.ledger_path()).unwrap());
    let expected = format!(
        "ledger `{path}`: it is a new ledger for what account main has bought before with another one: job `rules` by ledger \
         `{}` (since 2026-11-18). What that one bought would be paid for again, and nothing is bought. Name that ledger with \
         --ledger, mount its disk, or put it back (a copy will do: what the copy lacks is read from the provider's list). To begin \
         anew all the same, and to pay again for what is asked again, say --new-ledger",
        first.display()
    );
    assert_eq!(refused, expected);
    // Another job, another login, and the first ledger itself are no slip.
    claim(&second, "sandbox", &["daily"], false).unwrap();
    claim(&second, "another", &["rules"], false).unwrap();
    claim(&world.open(), "sandbox", &["rules"], false).unwrap();
    assert_eq!(bought_elsewhere(&state, &whose("sandbox"), Some(second.id())).unwrap().len(), 1);
    // A person's word holds from then on.
    claim(&second, "sandbox", &["rules"], true).unwrap();
    claim(&second, "sandbox", &["rules"], false).unwrap();
    let kept = std::fs::read_to_string(state.join("accounts.json")).unwrap();
    assert!(!kept.contains("sandbox") && !kept.contains("another"), "no login is kept: {kept}");
}

#[test]
fn concurrent_claims_of_ledgers_lose_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    // What a death left behind.
    std::fs::write(state.join("accounts.json.new"), "{ half").unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (folder, state) = (folder.path(), &state);
            scope.spawn(move || {
                let ledger = Ledger::open(&folder.join(format!("{n}.db")), Kind::Sandbox, 0).unwrap();
                for m in 0..5 {
                    ledger.claim(state, &whose("sandbox"), &[&format!("job-{n}-{m}")], false, 0).unwrap();
                }
            });
        }
    });
    assert_eq!(bought_elsewhere(&state, &whose("sandbox"), None).unwrap().len(), 40);
    std::fs::write(state.join("accounts.json"), "{ half").unwrap();
    let error = bought_elsewhere(&state, &whose("sandbox"), None).unwrap_err().to_string();
    assert!(error.contains("which ledgers have bought") && error.contains("nothing is bought"), "{error}");
}

#[test]
fn a_ledger_file_shows_that_it_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("bursar.db"), folder.path().join("copy.db"));
    let mut ledger = Ledger::open(&path, Kind::Real, 0).unwrap();
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(Ledger::open(&copy, Kind::Real, 0).unwrap().id(), ledger.id(), "it is whole at its birth");
    ledger.begin(&folder.path().join("state"), 0).unwrap();
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", copy.display()));
    }
    std::fs::copy(&path, &copy).unwrap();
    let mut copied = Ledger::open(&copy, Kind::Real, 0).unwrap();
    let trust = copied.begin(&folder.path().join("elsewhere"), 0).unwrap().trust;
    assert!(matches!(trust, bursar::ledger::Trust::Restored(_)), "{trust:?}");
}
