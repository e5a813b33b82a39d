//! The lists of what an engine serves: read from the provider once, kept with their age, and used to check jobs.

use std::fs;

use bursar::ledger::{Kind, Ledger, Reports};
use bursar::product::Engine;
use serde_json::Value;

use super::world::{Ended, World};

/// The provider's list in the ledger was read so long ago.
fn aged(world: &World, days: i64) {
    let db = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    db.execute("UPDATE catalogue SET read_at = read_at - ?1 * 86400", [days]).unwrap();
}

fn without_credentials(world: &World, args: &[&str]) -> Ended {
    Ended::of(world.command(args).env_remove("DATAFORSEO_PASSWORD").output().unwrap())
}

#[test]
fn a_list_is_kept_and_shown_without_credentials() {
    let world = World::new();
    let first = world.bursar(&["locations", "germ"]);
    assert_eq!(
        (first.code, first.stdout.as_str(), first.stderr.as_str()),
        (
            0,
            " code  name     country  type     engines\n 2276  Germany  DE       Country  chat_gpt, gemini\n",
            "chat_gpt: the provider's locations, read just now\ngemini: the provider's locations, read just now\n"
        )
    );
    aged(&world, 2);
    let second = without_credentials(&world, &["locations", "2276", "--engine", "gemini", "--json"]);
    assert_eq!((second.code, second.stderr.as_str()), (0, "gemini: the provider's locations, read 2 days ago\n"));
    let facts: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!((&facts["schema"], &facts["lists"][0]["source"]), (&"bursar.locations/1".into(), &"provider".into()));
    assert_eq!(facts["locations"].as_array().unwrap().len(), 1);
    assert_eq!(facts["locations"][0]["code"], 2276);
}

#[test]
fn an_old_list_is_refreshed_if_credentials_allow_it() {
    let world = World::new();
    assert_eq!(world.bursar(&["languages"]).code, 0);
    aged(&world, 30);
    let kept = without_credentials(&world, &["languages", "de", "--engine", "gemini"]);
    assert_eq!(kept.code, 0);
    assert_eq!(kept.stdout, " code  name    engines\n de    German  gemini\n");
    assert!(kept.stderr.contains("gemini: the provider's languages, read 30 days ago"), "{kept:?}");
    let again = world.bursar(&["languages", "de", "--engine", "gemini"]);
    assert_eq!(again.stderr, "gemini: the provider's languages, read just now\n");
    let insisted = without_credentials(&world, &["languages", "--refresh"]);
    assert_eq!(insisted.code, 2, "{insisted:?}");
    let wrong =
        Ended::of(world.command(&["languages", "--refresh"]).env("DATAFORSEO_PASSWORD", "no").output().unwrap());
    assert_eq!(wrong.code, 6, "{wrong:?}");
}

#[test]
fn a_search_without_a_match_ends_with_its_own_code() {
    let world = World::new();
    let none = world.bursar(&["locations", "Germny", "--engine", "gemini"]);
    let says = "gemini: the provider's locations, read just now\n\
                none of these locations has `Germny` in its name or as its code; did you mean `Germany` (2276)?\n";
    assert_eq!((none.code, &*none.stdout, &*none.stderr), (2, "", says));
    let city = world.bursar(&["locations", "york", "--engine", "gemini", "--quiet"]);
    let says = "none of these locations has `york` in its name or as its code; it is a place within `United Kingdom`\n";
    assert_eq!((city.code, &*city.stderr), (2, says));
    let unlike = world.bursar(&["models", "zzz", "--engine", "claude", "--quiet", "--json"]);
    let facts: Value = serde_json::from_str(&unlike.stdout).unwrap();
    assert_eq!((unlike.code, facts["models"].as_array().unwrap().len()), (2, 0));
    assert_eq!(unlike.stderr, "none of these models has `zzz` in its name or as its code\n");
}

#[test]
fn models_without_credentials_are_those_of_known_prices() {
    let world = World::new();
    let shown = without_credentials(&world, &["models", "sonnet", "--engine", "claude"]);
    assert_eq!(
        shown.stderr,
        "the provider is not asked: account `main`: set DATAFORSEO_PASSWORD to the password\nclaude: the models whose \
         prices come with bursar, which are hints and no proof of what the provider serves; with credentials `bursar models \
         --refresh` reads its own\n"
    );
    assert!(shown.stdout.contains(" claude  claude-sonnet-5 "), "{shown:?}");
    let facts = without_credentials(&world, &["models", "--json"]).stdout;
    let facts: Value = serde_json::from_str(&facts).unwrap();
    assert!(facts["lists"].as_array().unwrap().iter().all(|list| list["source"] == "shipped"), "{facts:#}");
    let retired = |row: &Value| row["name"] == "gpt-4.1-nano";
    assert!(!facts["models"].as_array().unwrap().iter().any(retired), "its provider retired it in October 2026");
}

#[test]
fn an_unstated_property_of_a_model_is_unknown() {
    let world = World::new();
    let shown = world.bursar(&["models", "sonar", "--engine", "perplexity"]);
    assert_eq!(
        shown.stdout,
        " engine      model                standard  web search  reasoning\n \
         perplexity  sonar                no        yes         no\n \
         perplexity  sonar-reasoning-pro  no        yes         yes\n"
    );
    let db = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    db.execute("UPDATE served_model SET task_post_supported = NULL WHERE name = 'sonar'", []).unwrap();
    drop(db);
    let ledger = Ledger::open(&world.folder.path().join("bursar.db"), Kind::Sandbox, 0).unwrap();
    let sonar = ledger.model(Engine::Perplexity, "sonar").unwrap().unwrap();
    assert_eq!((sonar.task_post_supported, sonar.web_search_supported), (None, Some(true)));
    assert_eq!(ledger.model(Engine::Claude, "claude-sonnet-4").unwrap(), None, "its list was not read");
    drop(ledger);
    let shown = world.bursar(&["models", "--engine", "perplexity"]).stdout;
    assert_eq!(shown.lines().nth(1), Some(" perplexity  sonar                not known  yes         no"));
}

#[test]
fn a_job_is_checked_against_its_engines_list() {
    let world = World::new();
    let job = fs::read_to_string(world.folder.path().join("job.toml")).unwrap();
    // Bursar's own list has it, and the simulated provider's has not.
    fs::write(world.folder.path().join("job.toml"), job.replace("\"US\"", "\"Afghanistan\"")).unwrap();
    assert_eq!(world.bursar(&["plan", "job.toml"]).code, 0, "a hint does not refuse what it knows");
    assert_eq!(world.bursar(&["locations", "--engine", "chat_gpt"]).code, 0);
    assert_eq!(world.bursar(&["plan", "job.toml"]).code, 0, "another engine's list says nothing about this one");
    assert_eq!(world.bursar(&["locations", "--engine", "gemini"]).code, 0);
    let refused = world.bursar(&["run", "job.toml"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let today = chrono::DateTime::from_timestamp(
        Ledger::open(&world.folder.path().join("bursar.db"), Kind::Sandbox, 0)
            .unwrap()
            .locations(Engine::Gemini)
            .unwrap()
            .unwrap()
            .read_at
            .timestamp(),
        0,
    )
    .unwrap()
    .date_naive();
    assert_eq!(
        refused.stderr,
        format!(
            "error: the provider's list for `gemini` has no location `Afghanistan`\n --> job.toml:6:14\n  |\n\
             6 | locations = [\"Afghanistan\"]\n  |              ^^^^^^^^^^^^^\n  |\n  \
             = help: `bursar locations TEXT` searches that list; `bursar locations --refresh` reads the list again; it was read on {today}\n1 problem; nothing was bought\n"
        )
    );
    assert_eq!(world.bill()["tasks"], 0);
}
