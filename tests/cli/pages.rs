//! The pages of this folder and the README, run as they are; and the jobs that come with bursar.

use std::fs;
use std::path::Path;

use bursar::config::Config;
use bursar::engine::own_headroom;
use bursar::job::{Disk, check};
use bursar::plan::plan;
use bursar::price::PriceList;
use tempfile::TempDir;

fn pages() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.timeout(std::time::Duration::from_mins(2));
    cases.env("NO_COLOR", "1").env("XDG_CONFIG_HOME", "/nowhere").env("COLUMNS", "100");
    cases
}

#[test]
fn pages_say_what_they_say() {
    pages().case("tests/cli/*.md");
}

#[test]
fn the_readme_is_true() {
    let folder = TempDir::new().unwrap();
    fs::copy("README.md", folder.path().join("README.md")).unwrap();
    let copy = folder.path().join("README.in/jobs");
    fs::create_dir_all(copy.join("prompts")).unwrap();
    for file in ["demo.toml", "prompts/crm.csv", "prompts/espresso.txt"] {
        fs::copy(Path::new("jobs").join(file), copy.join(file)).unwrap();
    }
    pages().case(folder.path().join("README.md")).run();
}

#[test]
fn every_job_in_the_box_can_be_planned() {
    let mut planned = 0;
    for entry in fs::read_dir("jobs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") || path.ends_with("bursar.toml") {
            continue;
        }
        let config = Config::built_in(Path::new("jobs"));
        let job = check(&path, &fs::read_to_string(&path).unwrap(), &config, &Disk)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let plan = plan(&job, &PriceList::default(), &[own_headroom(&job)]).unwrap();
        assert!(plan.total.allocated > 0, "{}", path.display());
        planned += 1;
    }
    assert!(planned >= 3);
}
