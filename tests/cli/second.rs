//! A mistyped ledger path: nothing is bought again, and `doctor` says the same as `run`.

use std::fs;

use super::world::World;

fn bought(world: &World) -> u64 {
    world.bill()["tasks"].as_u64().unwrap()
}

#[test]
fn a_mistyped_ledger_is_refused_without_the_flag() {
    let world = World::new();
    assert_eq!(world.bursar(&["doctor"]).code, 0);
    let first = world.bursar(&["run", "job.toml", "--quiet", "--no-progress"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stderr.lines().next().unwrap().contains("new ledger bursar.db"), "{first:?}");
    assert_eq!(bought(&world), 1);
    let slip = world.bursar(&["run", "job.toml", "--ledger", "bursr.db"]);
    assert_eq!((slip.code, bought(&world)), (2, 1), "{slip:?}");
    assert!(slip.stderr.contains("bursar.db") && slip.stderr.contains("--new-ledger"), "{slip:?}");
    assert!(!world.folder.path().join("bursr.db").exists(), "nothing is made");
    let doctor = world.bursar(&["doctor", "--ledger", "bursr.db"]);
    assert_eq!(doctor.code, 2, "{doctor:?}");
    assert!(doctor.stdout.contains("`bursar run` refuses to buy with it"), "{doctor:?}");
    // A ledger that is used for another job is none for this one.
    fs::write(
        world.folder.path().join("second.toml"),
        fs::read_to_string(world.folder.path().join("job.toml")).unwrap(),
    )
    .unwrap();
    assert_eq!(world.bursar(&["run", "second.toml", "--ledger", "bursr.db"]).code, 0);
    assert_eq!((world.bursar(&["run", "job.toml", "--ledger", "bursr.db"]).code, bought(&world)), (2, 2));
    let meant = world.bursar(&["run", "job.toml", "--ledger", "bursr.db", "--new-ledger"]);
    assert_eq!((meant.code, bought(&world)), (0, 3), "{meant:?}");
    assert_eq!(world.bursar(&["run", "job.toml", "--ledger", "bursr.db"]).code, 0);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    assert_eq!(bought(&world), 3);
}

#[test]
fn a_missing_ledger_is_not_replaced_in_silence() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    fs::remove_file(world.folder.path().join("bursar.db")).unwrap();
    let (run, doctor) = (world.bursar(&["run", "job.toml"]), world.bursar(&["doctor"]));
    assert_eq!((run.code, doctor.code, bought(&world)), (2, 2, 1), "{run:?} {doctor:?}");
}

#[test]
fn a_missing_ledger_folder_is_named_not_created() {
    let world = World::new();
    for args in
        [&["run", "job.toml", "--ledger", "disk/here/bursar.db"][..], &["doctor", "--ledger", "disk/here/bursar.db"]]
    {
        let ended = world.bursar(args);
        assert_eq!(ended.code, 2, "{ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("its folder `disk/here` is not there"), "{said}");
    }
    assert!(!world.folder.path().join("disk").exists());
    assert_eq!(bought(&world), 0);
}
