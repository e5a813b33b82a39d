//! The clocks of this machine and of the provider, as the real program meets them.

use std::fs;

use serde_json::Value;

use super::world::World;

fn skewed(seconds: i64) -> World {
    World::with(&["--speed", "100000"], &format!("[[fault]]\nkind = \"clock_skew\"\nseconds = {seconds}\n"))
}

/// The world's job, asked anew in each period of a kind.
fn every(world: &World, period: &str) {
    let path = world.folder.path().join("job.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.lines().filter(|line| !line.starts_with("period") && !line.starts_with("timezone"));
    let text = text.collect::<Vec<_>>().join("\n");
    fs::write(&path, format!("period = \"{period}\"\ntimezone = \"UTC\"\n{text}\n")).unwrap();
}

#[test]
fn a_daily_job_waits_while_clocks_disagree() {
    for seconds in [90_000, -90_000] {
        let world = skewed(seconds);
        every(&world, "day");
        let ended = world.bursar(&["run", "job.toml", "--quiet"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (6, ""), "{ended:?}");
        let (first, said) = ended.stderr.trim_end().split_once('\n').unwrap();
        assert!(first.contains("new ledger bursar.db"), "{first}");
        assert!(
            said.starts_with(
                "job `job` is not run; what is paid is collected all the same: this machine's clock says 20"
            ),
            "{said}"
        );
        assert!(said.contains("and the provider's clock says 20"), "{said}");
        assert!(said.ends_with("Set this machine's clock right, then run the same command again"), "{said}");
        assert_eq!((world.bill()["tasks"].as_u64(), said.lines().count()), (Some(0), 1), "{said}");
        let status: Value = serde_json::from_str(&world.bursar(&["status", "--json"]).stdout).unwrap();
        assert_eq!(status["runs"].as_array().map(Vec::len), Some(0), "no run is opened: {status}");
    }
}

#[test]
fn a_job_without_periods_ignores_clocks_days_apart() {
    let world = skewed(90_000);
    assert_eq!(world.bursar(&["run", "job.toml"]).code, 0);
    world.agree(1);
}

#[test]
fn clocks_weeks_apart_end_any_session_with_six() {
    let world = skewed(40 * 86_400);
    for period in ["once", "day"] {
        every(&world, period);
        let ended = world.bursar(&["run", "job.toml"]);
        assert_eq!(ended.code, 6, "{period}: {ended:?}");
        let doctor = world.bursar(&["doctor", "--json"]);
        let says = &super::doctor::found(&doctor, &["clock"])[0];
        assert!(says.ends_with(" s behind the provider's: one of them is wrong, and nothing is bought"), "{says}");
        assert_eq!(doctor.code, 6, "the doctor says what a run would");
        assert!(ended.stderr.contains("they are weeks apart"), "{period}: {ended:?}");
        assert_eq!(world.bill()["tasks"], 0);
        fs::remove_file(world.folder.path().join("bursar.db")).unwrap();
        fs::remove_dir_all(world.folder.path().join("state")).unwrap();
    }
}
