//! Why tasks were not bought: each situation has a sentence of its own, and nothing promises that the same command goes on where
//! it would do nothing.

use std::fs;
use std::io::Read as _;

use super::world::{Ended, World, until};

/// The row of the summary that says why not.
fn not_bought(ended: &Ended) -> String {
    let row = ended.stdout.lines().find_map(|line| line.trim_start().strip_prefix("not bought "));
    row.unwrap_or_else(|| panic!("nothing is said of what was not bought: {ended:?}")).to_owned()
}

#[cfg(unix)]
#[test]
fn a_signal_after_the_budget_is_spent_blames_the_budget() {
    // Answers take a minute at least at this speed.
    let world = World::with(&["--speed", "1"], "");
    world.job("0.0024", 20);
    let mut run = world.command(&["run", "job.toml"]).spawn().unwrap();
    let mut rest = until(&mut run, "2 bought");
    let killed = std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut said = String::new();
    rest.read_to_string(&mut said).unwrap();
    let ended = Ended::of(run.wait_with_output().unwrap());
    assert_eq!(
        not_bought(&ended),
        "18 tasks: budget of this run leaves $0.00 of $0.0024, and the next task costs more"
    );
    world.agree(2);
}

#[test]
fn a_refused_login_does_not_promise_that_the_command_goes_on() {
    let world = World::new();
    world.job("1", 5);
    let ended = Ended::of(world.command(&["run", "job.toml"]).env("DATAFORSEO_PASSWORD", "another").output().unwrap());
    assert_eq!(ended.code, 6, "{ended:?}");
    assert_eq!(
        not_bought(&ended),
        "5 tasks: refused, as said below; they cost $0.006 at most; start again once that is mended"
    );
    assert!(!ended.stdout.contains("same command"), "{ended:?}");
}

#[test]
fn tasks_that_a_raised_price_stops_are_counted_by_price() {
    let world = World::new();
    let job = "[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\n\
               targets = [{ engine = \"chat_gpt\" }, { engine = \"gemini\" }]\nprompts = [\"a?\", \"b?\", \"c?\"]\n";
    fs::write(world.folder.path().join("job.toml"), job).unwrap();
    let path = world.folder.path().join("bursar.toml");
    let price = |engine: &str, price: &str| {
        format!("[[accounts.main.prices]]\nfunction = 'llm_scraper'\nengine = '{engine}'\nprice = '{price}'\n")
    };
    let config = fs::read_to_string(&path).unwrap() + &price("gemini", "0.001") + &price("chat_gpt", "0.0011");
    fs::write(&path, config).unwrap();
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    for (engine, price) in [("gemini", "$0.001"), ("chat_gpt", "$0.0011")] {
        let said = format!(
            "llm_scraper/{engine}/standard/normal/- costs $0.0012 by the provider's own list, and {price} was expected"
        );
        assert!(ended.stderr.contains(&said), "{said}: {ended:?}");
    }
    assert!(!ended.stdout.contains("same command"), "{ended:?}");
    world.agree(0);
}

#[test]
fn the_rest_of_a_day_is_bought_as_long_as_the_day_lasts() {
    let world = World::with(&[], "[[fault]]\nkind = \"throttle_40202\"\ncall = \"task_post\"\n");
    let text = "period = \"day\"\ntimezone = \"UTC\"\n[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"all\"\nengine = \"gemini\"\n\
                locations = [\"US\"]\nlanguages = [\"en\"]\nprompts = [\"a?\", \"b?\"]\n";
    fs::write(world.folder.path().join("job.toml"), text).unwrap();
    let ended = world.bursar(&["run", "job.toml", "--max-wait", "1s"]);
    assert_eq!(ended.code, 7, "{ended:?}");
    let row = not_bought(&ended);
    assert!(row.contains("as long as 20") && row.ends_with(" lasts"), "{row}");
}

#[test]
fn a_month_that_is_spent_is_shown_as_a_budget_reached() {
    let world = World::new();
    let text = "period = \"day\"\ntimezone = \"UTC\"\n[budget]\nrun = \"1\"\nmonth = \"0.0024\"\n[[prompt_set]]\nname = \"all\"\n\
                engine = \"gemini\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\nprompts = [\"a?\", \"b?\", \"c?\"]\n";
    fs::write(world.folder.path().join("job.toml"), text).unwrap();
    let ended = world.bursar(&["run", "job.toml"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let status = world.bursar(&["status"]).stdout;
    assert!(status.contains("budget reached"), "{status}");
    // What is foreseen is said as that, and not as what has happened.
    assert!(!ended.stderr.contains("is reached"), "{}", ended.stderr);
}
