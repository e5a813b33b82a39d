//! What is no mistake and probably not meant: `plan` and `run` warn of it before it is bought.

use std::fs;

use serde_json::{Value, json};

use super::world::World;

fn world() -> World {
    let world = World::new();
    let job = "period = \"day\"\ntimezone = \"UTC\"\n[budget]\nrun = \"1\"\nday = \"5\"\nmonth = \"0.003\"\n\
               [[prompt_set]]\nname = \"crm\"\nfile = \"p.txt\"\nengine = \"gemini\"\nlocations = [276]\nlanguages = [\"jp\"]\n";
    fs::write(world.folder.path().join("job.toml"), job).unwrap();
    fs::write(world.folder.path().join("p.txt"), "# ours\nbest {product}?\nKÃ¼che?\n").unwrap();
    world
}

const WARNINGS: [&str; 6] = [
    "no listed place has the code 276; did you mean `Germany` (2276)? It is sent as written, and the provider is likely to \
     refuse it, at no cost",
    "no listed language has the code `jp`; did you mean `Japanese` (`ja`)? It is sent as written, and the provider is likely \
     to refuse it, at no cost",
    "prompt set `crm` has 1 prompt like a comment, the first `# ours` (p.txt:1); they are asked as they stand: remove them: a \
     .txt file has no comments",
    "prompt set `crm` has 1 prompt with a placeholder that nothing fills in, the first `{product}` (p.txt:2); they are asked \
     as they stand: write each in full",
    "prompt set `crm` has 1 prompt whose letters were decoded wrongly, the first `KÃ¼che?` (p.txt:3); they are asked as they \
     stand: save the file anew from its source, as UTF-8",
    "the budget of a day ($5.00) is above that of its month ($0.003), which alone counts",
];

#[test]
fn a_plan_warns_of_what_was_probably_not_meant() {
    let world = world();
    let ended = world.bursar(&["plan", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let said: Vec<&str> = ended.stderr.lines().filter_map(|line| line.strip_prefix("warning: ")).collect();
    assert_eq!(said[..WARNINGS.len()], WARNINGS, "{}", ended.stderr);
    let forecast = said.get(WARNINGS.len()).copied().unwrap_or_default();
    assert!(
        forecast.starts_with("at $0.0036 a day the job's budget of the month ($0.003) lasts until 20"),
        "{forecast}"
    );
    let facts: Value = serde_json::from_str(&world.bursar(&["plan", "job.toml", "--json"]).stdout).unwrap();
    let placeholder = json!({ "set": "crm", "oddness": "placeholder", "prompts": 1,
                              "first": { "file": "p.txt", "line": 2, "shown": "{product}" } });
    assert!(facts["suspects"].as_array().unwrap().contains(&placeholder), "{:#}", facts["suspects"]);
    assert_eq!(facts["forecast"][0]["each_usd"], "0.0036", "{:#}", facts["forecast"]);
}

#[test]
fn a_session_warns_before_it_buys() {
    let ended = world().bursar(&["run", "job.toml", "--no-collect"]);
    for warning in WARNINGS {
        assert!(ended.stderr.contains(warning), "{warning}: {}", ended.stderr);
    }
}
