//! How `status` shows a ledger of many runs.

use super::exports::two_days;
use super::world::World;

#[test]
fn status_shows_only_the_runs_that_are_meant() {
    let world = World::new();
    let [first, last] = two_days(&world);
    let rows = |args: &[&str]| -> (Vec<String>, String) {
        let ended = world.bursar(&[&["status"], args].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        let runs = ended.stdout.lines().filter(|line| line.starts_with(" job  20"));
        let cells = |line: &str| line.split("  ").skip(1).take(2).map(str::trim).collect::<Vec<_>>().join(" ");
        (runs.map(cells).collect(), ended.stderr)
    };
    let (yesterday, hidden) =
        (rows(&[]).0[2].clone(), "not shown: 1 run; without --last, --since and --failed all are\n".to_owned());
    assert!(yesterday.ends_with(" missing"), "{:?}", rows(&[]));
    let [one, two] = [format!("{first} closed"), format!("{last} complete")];
    assert_eq!(rows(&[]), (vec![one, two.clone(), yesterday.clone()], String::new()));
    assert_eq!(rows(&["--last", "1"]), (vec![two.clone()], hidden.clone()));
    assert_eq!(rows(&["--since", &last]), (vec![two], hidden));
    let none = "not shown: 2 runs; without --last, --since and --failed all are\n".to_owned();
    assert_eq!(rows(&["--failed"]), (vec![yesterday], none));
    assert_eq!(world.bursar(&["status", "--last", "0"]).code, 2);
    assert_eq!(world.bursar(&["status", "--last", "1", "--seen"]).code, 2);
}

#[test]
fn status_names_its_ledger_by_an_absolute_path() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml", "--quiet"]).code, 0);
    let status = world.named(&world.bursar(&["status"]).stdout);
    assert!(status.starts_with("ledger FOLDER/bursar.db (sandbox money)\n"), "{status}");
}
