//! What an export contains, for which runs, in which format, and what it refuses to write.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::world::World;

/// Lines of JSON.
fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A daily job that ran two days ago and today; their periods.
pub(super) fn two_days(world: &World) -> [String; 2] {
    let path = world.folder.path().join("job.toml");
    let job = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("period = \"day\"\ntimezone = \"UTC\"\n{job}")).unwrap();
    assert_eq!(world.bursar(&["run", "job.toml", "--quiet"]).code, 0);
    let ledger = rusqlite::Connection::open(world.folder.path().join("bursar.db")).unwrap();
    let sql =
        "UPDATE run SET period = date(period, '-2 days'), begins_at = begins_at - 172800, ends_at = ends_at - 172800";
    ledger.execute(sql, []).unwrap();
    drop(ledger);
    world.bursar(&["run", "job.toml", "--quiet"]);
    let status: Value = serde_json::from_str(&world.bursar(&["status", "--json"]).stdout).unwrap();
    [0, 1].map(|run| status["runs"][run]["period"].as_str().unwrap().to_owned())
}

#[test]
fn an_export_of_periods_names_each_rows_period() {
    let world = World::new();
    let [first, last] = two_days(&world);
    let periods = |args: &[&str]| -> Vec<String> {
        let ended = world.bursar(&[&["export", "job"], args].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        rows(&ended.stdout).iter().map(|row| row["period"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(periods(&[]), [&*last]);
    assert_eq!(periods(&["--period", &first]), [&*first]);
    assert_eq!(periods(&["--period", &last, "--period", &first]), [&*first, &last]);
    assert_eq!(periods(&["--since", &first]), [&*first, &last]);
    assert_eq!(periods(&["--since", &last]), [&*last]);
    let both = world.bursar(&["export", "job", "--since", &first, "--output", "both.csv"]);
    let says =
        format!("2 rows (play money) of job (2 periods, {first} to {last}) to both.csv; all runs are complete\n");
    assert_eq!((both.code, both.stderr), (0, says));
    let none = world.bursar(&["export", "job", "--since", "2199-01-01"]);
    let says = format!("error: job `job` has no run since 2199-01-01; its latest is of {last}\n");
    assert_eq!((none.code, none.stderr), (2, says));
    let none = world.bursar(&["export", "job", "--period", &first, "--period", "2020-01-01"]);
    let says = format!("error: job `job` has no run of 2020-01-01; there are runs of {first}, {last}\n");
    assert_eq!((none.code, none.stderr), (2, says));
}

#[test]
fn every_row_has_every_key_and_costs_that_sum() {
    let world =
        World::with(&["--speed", "100000"], "[[fault]]\nkind = 'paid_failure'\ncall = 'task_post'\nnth = [1]\n");
    world.job("0.0036", 5);
    world.bursar(&["run", "job.toml", "--quiet"]);
    let all = world.bursar(&["export", "job"]);
    let all_rows = rows(&all.stdout);
    let states: BTreeSet<&str> = all_rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, BTreeSet::from(["answered", "failed", "planned"]));
    assert_eq!(
        all.stderr,
        "5 rows (play money) of job (once); the run is not complete: of 5 tasks 2 not bought, 1 failed\n"
    );
    let keys = |row: &Value| -> Vec<String> { row.as_object().unwrap().keys().cloned().collect() };
    for row in &all_rows {
        assert_eq!(keys(row), keys(&all_rows[0]));
        assert!(row["cost_usd"].is_string() && row["cost_nano_usd"].is_u64(), "{row}");
        assert_eq!(row["reason"].is_null(), row["state"] != "failed", "{row}");
    }
    let nanos: u64 = all_rows.iter().map(|row| row["cost_nano_usd"].as_u64().unwrap()).sum();
    assert_eq!(nanos, 3_600_000);
    let answered = world.bursar(&["export", "job", "--answered"]).stdout;
    assert!(answered.contains(",\"cost_usd\":\"0.0012\",\"cost_nano_usd\":1200000,"), "{answered}");
    assert_eq!(rows(&answered).iter().filter(|row| row["state"] == "answered").count(), 2);
    assert_eq!(rows(&answered).len(), 2);
}

#[test]
fn a_name_that_cannot_be_written_is_refused() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml", "--quiet"]).code, 0);
    let ledger = fs::read(world.folder.path().join("bursar.db")).unwrap();
    for (args, says) in [
        (
            &["--output", "out.parquet"][..],
            "cannot write `out.parquet`: an export is JSON Lines (.jsonl, .ndjson) or CSV (.csv), and no .parquet; name the \
             file like one of them, or say which it is with --format jsonl or --format csv",
        ),
        (
            &["--output", "a b/c/out.csv"],
            "cannot write `a b/c/out.csv`: there is no folder `a b/c`; make it first: mkdir -p 'a b/c'",
        ),
        (&["--output", "bursar.db", "--format", "csv"], "`bursar.db` is the ledger: name another file for the export"),
        (&["--bom"], "--bom is for CSV: JSON Lines begin without a byte order mark"),
    ] {
        let ended = world.bursar(&[&["export", "job"], args].concat());
        assert_eq!((ended.code, ended.stderr), (2, format!("error: {says}\n")));
    }
    assert_eq!(fs::read(world.folder.path().join("bursar.db")).unwrap(), ledger);
    assert!(!world.folder.path().join("out.parquet").exists());
    assert_eq!(world.bursar(&["export", "job", "--output", "out.txt", "--format", "csv"]).code, 0);
    assert!(fs::read_to_string(world.folder.path().join("out.txt")).unwrap().starts_with("job,period,set,"));
}

#[test]
fn csv_for_excel_begins_with_a_byte_order_mark() {
    let world = World::new();
    assert_eq!(world.bursar(&["run", "job.toml", "--quiet"]).code, 0);
    let plain = world.bursar(&["export", "job", "--format", "csv"]).stdout;
    let marked = world.bursar(&["export", "job", "--format", "csv", "--bom"]).stdout;
    assert_eq!(marked, format!("\u{feff}{plain}"));
    assert_eq!(world.bursar(&["export", "job", "--bom", "--output", "out.csv"]).code, 0);
    assert_eq!(fs::read_to_string(world.folder.path().join("out.csv")).unwrap(), marked);
}

#[test]
fn every_format_has_the_answer_and_its_citations_flat() {
    let world = World::new();
    world.job("0.0012", 2);
    world.bursar(&["run", "job.toml", "--quiet"]);
    let csv = world.bursar(&["export", "job", "--format", "csv", "--csv-raw"]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell =
        |row: usize, name: &str| records[row][header.iter().position(|column| column == name).unwrap()].to_owned();
    let json = rows(&world.bursar(&["export", "job"]).stdout);
    let answer = &json[0]["answer"];
    let sources = answer["sources"].as_array().unwrap();
    let of_sources = |key: &str| sources.iter().map(|source| source[key].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(cell(0, "answer_markdown"), answer["markdown"]);
    assert_eq!(cell(0, "citation_count"), sources.len().to_string());
    assert_eq!(cell(0, "cited_domains"), of_sources("domain").join(" "));
    assert_eq!(cell(0, "cited_urls"), of_sources("url").join(" "));
    assert_eq!(json[0]["answer_markdown"], answer["markdown"]);
    assert_eq!(json[0]["citation_count"], sources.len());
    assert_eq!(json[0]["cited_domains"], serde_json::json!(of_sources("domain")));
    let last = json[0]["citations"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["rank"], &last["url"]), (&sources.len().into(), &sources.last().unwrap()["url"]));
    // This engine names no brands, and the second question was not bought: absent is never 0.
    assert_eq!((cell(0, "brands"), &json[0]["brands"]), (String::new(), &Value::Null));
    for column in ["answer_markdown", "citation_count", "cited_domains", "cited_urls", "brands"] {
        assert_eq!(cell(1, column), "");
    }
    for key in ["answer_markdown", "citation_count", "cited_domains", "citations", "brands"] {
        assert_eq!(json[1][key], Value::Null);
    }
}
