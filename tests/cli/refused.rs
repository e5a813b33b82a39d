//! Refusals of the provider: shown in its own words, with the question and where it is written.

use std::fs;

use serde_json::Value;

use super::world::{Ended, World};

/// A job of one question in these markets.
fn job(world: &World, name: &str, prompts: &str, markets: &str) {
    let text = format!(
        "name = \"{name}\"\n[budget]\nrun = \"1\"\n\n[[prompt_set]]\nname = \"q\"\nengine = \"gemini\"\nprompts = [{prompts}]\n\
         markets = [{markets}]\n"
    );
    fs::write(world.folder.path().join("job.toml"), text).unwrap();
}

const NOWHERE: &str = "{ location = 999999, language = \"en\" }";
const SOMEWHERE: &str = "{ location = \"United States\", language = \"en\" }";

fn run(world: &World, more: &[&str]) -> Ended {
    world.bursar(&[&["run", "job.toml", "--no-progress"], more].concat())
}

#[test]
fn a_refused_market_is_named_in_the_providers_words() {
    let world = World::new();
    job(&world, "words", "\"which bank?\"", &format!("{NOWHERE}, {SOMEWHERE}"));
    let ended = run(&world, &[]);
    assert_eq!(ended.code, 4, "{ended:?}");
    let whose = "\"which bank?\", 999999/en, gemini/llm_scraper (prompt set q, job.toml:5)";
    let news = format!("refused at no cost: Invalid Field: 'location_code' (code 40501): {whose}\n");
    assert!(ended.stderr.contains(&news), "{}", ended.stderr);
    let summary = format!(
        "  failed     1: 1 refused at no cost\n             1 task refused: Invalid Field: 'location_code' (code 40501): {whose}\n"
    );
    assert!(ended.stdout.contains(&summary), "{}", ended.stdout);
    let status = world.bursar(&["status"]).stdout;
    let told = format!("failed: words (once): 1 task refused: Invalid Field: 'location_code' (code 40501): {whose}\n");
    assert!(status.contains(&told), "{status}");
    assert!(!ended.stderr.contains("attempt "), "no row number of the ledger: {}", ended.stderr);
}

#[test]
fn a_refusal_in_json_and_export_has_its_words() {
    let world = World::new();
    job(&world, "words", "\"which bank?\"", &format!("{NOWHERE}, {SOMEWHERE}"));
    let lines = run(&world, &["--json"]).stdout;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = events.iter().find(|event| event["event"] == "task_failed").unwrap();
    let summary = &events.iter().find(|event| event["event"] == "summary").unwrap()["failed_alike"][0];
    for facts in [failed, summary] {
        assert_eq!(facts["message"], "Invalid Field: 'location_code'.", "{facts}");
        assert_eq!((&facts["prompt"], &facts["market"]), (&"which bank?".into(), &"999999/en".into()), "{facts}");
        assert_eq!((&facts["set"], &facts["line"]), (&"q".into(), &5.into()), "{facts}");
    }
    let rows: Vec<Value> =
        world.bursar(&["export", "words"]).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = rows.iter().find(|row| row["state"] == "failed").unwrap();
    assert_eq!((&row["reason"], &row["code"]), (&"refused".into(), &40_501.into()), "{row}");
    assert_eq!((&row["message"], &row["source_line"]), (&"Invalid Field: 'location_code'.".into(), &5.into()), "{row}");
    assert_eq!(row["history"][0]["message"], "Invalid Field: 'location_code'.", "{row}");
    let csv = world.bursar(&["export", "words", "--format", "csv"]).stdout;
    assert!(csv.contains(",40501,Invalid Field: 'location_code'.,5,0,,,,,\n"), "{csv}");
}

#[test]
fn a_market_that_stops_says_so_in_one_line() {
    let world = World::new();
    let prompts: Vec<String> = (0..40).map(|n| format!("\"which bank {n}?\"")).collect();
    job(&world, "many", &prompts.join(", "), NOWHERE);
    let ended = run(&world, &["--quiet"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let line = "5 in a row refused alike: Invalid Field: 'location_code' (code 40501): location 999999 at gemini/llm_scraper; \
                nothing more is bought of it in this session, which leaves 35 tasks; mend the job file\n";
    assert!(ended.stderr.ends_with(line) && ended.stderr.lines().count() <= 2, "{}", ended.stderr);
    let row = "  refused    35 tasks are not bought of location 999999 at gemini/llm_scraper: the provider refuses it: \
               Invalid Field: 'location_code' (code 40501); mend the job file\n";
    assert!(ended.stdout.contains(row), "{}", ended.stdout);
}

#[test]
fn a_prompt_refused_by_a_firewall_is_named() {
    let world = World::with(&["--speed", "100000"], "[[fault]]\nkind = \"refuse_body\"\nmarker = \"DROP TABLE\"\n");
    let sql = "\"what does DROP TABLE users do in SQL?\"";
    job(&world, "waf", &format!("{sql}, \"which bank?\", \"which card?\", \"which broker?\""), SOMEWHERE);
    let ended = run(&world, &[]);
    assert_eq!(ended.code, 4, "{ended:?}");
    let why = "403: a firewall or proxy between here and the provider forbids the request (HTTP 403)";
    let told = format!(
        "             1 task refused: {why}: {sql}, United States/en, gemini/llm_scraper (prompt set q, job.toml:5)\n"
    );
    assert!(ended.stdout.contains(&told), "{}", ended.stdout);
    assert!(ended.stdout.contains("  answered   3\n"), "{}", ended.stdout);
    world.agree(3);
}

#[test]
fn a_request_refused_whole_is_told_later_in_its_words() {
    let world = World::with(&["--speed", "100000"], "[[fault]]\nkind = \"refuse_body\"\nmarker = \"DROP TABLE\"\n");
    job(&world, "waf", "\"what does DROP TABLE users do in SQL?\"", SOMEWHERE);
    assert_eq!(run(&world, &[]).code, 6);
    let words = "403: a firewall or proxy between here and the provider forbids the request";
    let told = format!(
        "not bought: waf (once): 1 task refused with its request: {words} (HTTP 403): \"what does DROP TABLE users do in SQL?\", \
         United States/en, gemini/llm_scraper (prompt set q, job.toml:5)\n"
    );
    let status = world.bursar(&["status"]).stdout;
    assert!(status.contains(&told), "{status}");
    let facts: Value = serde_json::from_str(&world.bursar(&["status", "--json"]).stdout).unwrap();
    assert_eq!(facts["runs"][0]["refused_whole"][0]["message"], words, "{facts}");
    let row: Value = serde_json::from_str(&world.bursar(&["export", "waf"]).stdout).unwrap();
    assert_eq!(
        (&row["state"], &row["code"], &row["message"]),
        (&"planned".into(), &403.into(), &words.into()),
        "{row}"
    );
}

#[test]
fn a_free_refusal_leaves_with_its_market() {
    let world = World::new();
    job(&world, "mend", "\"which bank?\"", &format!("{NOWHERE}, {SOMEWHERE}"));
    assert_eq!(run(&world, &[]).code, 4);
    job(&world, "mend", "\"which bank?\"", &format!("{{ location = \"Japan\", language = \"ja\" }}, {SOMEWHERE}"));
    let second = run(&world, &[]);
    assert_eq!(second.code, 0, "{second:?}");
    let told = "mend (once): the job file has changed: 1 task joined, 1 left unbought, 0 bought and no longer asked\n";
    assert!(second.stderr.contains(told), "{}", second.stderr);
    assert!(!second.stdout.contains("no longer asked"), "{}", second.stdout);
    assert_eq!(run(&world, &[]).code, 0);
    world.agree(2);
}

#[test]
fn retry_failed_repeats_refusals_and_pays_for_failures() {
    let world = World::with(
        &["--speed", "100000"],
        "[[fault]]\nkind = \"refuse_body\"\nmarker = \"bad\"\ntimes = 2\n\
         [[fault]]\nkind = \"paid_failure\"\ncode = 40102\nat_post = true\nnth = [3]\n",
    );
    job(&world, "again", "\"good?\", \"bad?\", \"dear?\"", SOMEWHERE);
    let first = run(&world, &[]);
    assert_eq!(first.code, 4, "{first:?}");
    let before = world.bill()["tasks"].as_u64().unwrap();
    assert_eq!(run(&world, &[]).code, 4, "nothing is tried again by itself");
    assert_eq!(world.bill()["tasks"], before);
    let again = run(&world, &["--retry-failed"]);
    assert!(again.stderr.contains("again (once): tried again: "), "{}", again.stderr);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.contains("  answered   3\n"), "{}", again.stdout);
    world.audit();
}

#[test]
fn a_run_without_its_answers_is_not_complete() {
    let world = World::new();
    let ended = run(&world, &["--no-collect"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("\njob (once): 1 answer to come (exit code 0)\n"), "{}", ended.stdout);
}

#[test]
fn an_account_without_money_says_how_much_is_missing() {
    let world = World::with(&["--speed", "100000"], "[[fault]]\nkind = \"payment_40210\"\n");
    world.job("1", 5);
    let ended = run(&world, &[]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let row =
        "  not bought 5 tasks: refused, as said below; they cost $0.006 at most; start again once that is mended\n";
    assert!(ended.stdout.contains(row), "{}", ended.stdout);
    assert!(!ended.stdout.contains("the same command"), "{}", ended.stdout);
}

#[test]
fn a_month_without_money_says_when_there_is_some() {
    let world = World::new();
    let text = "period = \"day\"\ntimezone = \"UTC\"\n[budget]\nrun = \"1\"\nmonth = \"0.0024\"\n[[prompt_set]]\nname = \"all\"\n\
                engine = \"gemini\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\nprompts = [\"a?\", \"b?\", \"c?\"]\n";
    fs::write(world.folder.path().join("job.toml"), text).unwrap();
    let ended = run(&world, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let row = "they would cost $0.0012 more: [budget] month = \"0.0036\" would be enough for all, or the next month's money\n";
    assert!(ended.stdout.contains(row), "{}", ended.stdout);
}

#[test]
fn a_broken_job_does_not_stop_a_good_one() {
    let world = World::new();
    let broken = "name = \"broken\"\n[budget]\nrun = \"1\"\n[[prompt_set]]\nname = \"q\"\nengine = \"gemini\"\n\
                  locations = [\"US\"]\nlanguages = [\"en\"]\nfile = \"not-there.txt\"\n";
    fs::write(world.folder.path().join("broken.toml"), broken).unwrap();
    for beside in ["broken.toml", "missing.toml", "no-such-job"] {
        let ended = world.bursar(&["run", beside, "job.toml", "--no-progress"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        let told = format!("`{beside}` is not run; `job.toml` is all the same\n");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        assert!(ended.stdout.contains("\njob (once): complete (exit code 0)\n"), "{}", ended.stdout);
    }
    assert!(world.bursar(&["run", "broken.toml", "job.toml"]).stderr.contains("not-there.txt"));
    let data = world.bursar(&["run", "broken.toml", "missing.toml", "job.toml", "--json"]).stdout;
    let events: Vec<Value> = data.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!((named("problems").len(), named("summary").len()), (2, 1), "{data}");
    let notice = "`broken.toml`, `missing.toml` are not run; `job.toml` is all the same";
    assert_eq!(named("notice")[0]["message"], notice);
    world.agree(1);
}

#[test]
fn a_job_too_dear_does_not_stop_another() {
    let world = World::new();
    let dear = fs::read_to_string(world.folder.path().join("job.toml")).unwrap().replace("0.0012", "0.0001");
    fs::write(world.folder.path().join("dear.toml"), dear).unwrap();
    let ended = world.bursar(&["run", "dear.toml", "job.toml", "--no-progress"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`dear.toml` is not run; `job.toml` is all the same\n"), "{}", ended.stderr);
    assert!(ended.stdout.contains("\njob (once): complete (exit code 0)\n"), "{}", ended.stdout);
    world.agree(1);
}

#[test]
fn errors_of_a_run_among_others_are_data_too() {
    let world = World::new();
    let text = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    let keyless = text.replace("[budget]", "account = \"keyless\"\n[budget]");
    fs::write(world.folder.path().join("keyless.toml"), keyless).unwrap();
    let config = world.folder.path().join("bursar.toml");
    let more = "[accounts.keyless]\nroute = 'sandbox'\nbase_url = 'http://127.0.0.1:1'\nlogin_env = 'NO_SUCH_LOGIN'\n";
    fs::write(&config, fs::read_to_string(&config).unwrap() + more).unwrap();
    let ended = world.bursar(&["run", "keyless.toml", "job.toml", "--json"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let events: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let problems = events.iter().find(|event| event["event"] == "problems").unwrap();
    let says = "account `keyless`: set NO_SUCH_LOGIN to the login, or say --sandbox to try with play money; nothing was bought";
    assert_eq!((&problems["exit"], &problems["problems"][0]["message"]), (&2.into(), &says.into()), "{problems:#}");
    world.agree(1);
}

#[test]
fn two_files_of_one_name_are_both_named() {
    let world = World::new();
    let text = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    fs::write(world.folder.path().join("copy.toml"), format!("name = \"job\"\n{text}")).unwrap();
    let ended = world.bursar(&["run", "job.toml", "copy.toml"]);
    let told =
        "error: `job.toml` and `copy.toml` are both job `job`: give one of them another `name`; nothing was bought\n";
    assert_eq!((ended.code, &*ended.stderr), (2, told));
}
