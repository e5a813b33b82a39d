//! Line ends are no part of a question, also for ledgers of version 3, in which they were.
//!
//! Such a ledger is made from a current one: its planned prompts get other line ends, so that they are bought like
//! that, and its content is then copied into the schema of version 3.

use std::path::Path;

use bursar::sandbox::{Call, Fault, Rule, Settings};
use rusqlite::Connection;

use super::settings;
use super::world::{Death, World};

const TASKS: u64 = 4;

/// Each prompt has several lines, and so has what is said to the model.
fn job(line_end: &str) -> String {
    let prompts: Vec<String> = (1..=TASKS).map(|n| format!("\"which of these {n}:\\n- x\\n\\n- y\"")).collect();
    let job = format!(
        "name = \"lines\"\n[budget]\nrun = \"5\"\n[[prompt_set]]\nname = \"all\"\nengine = \"chat_gpt\"\n\
         function = \"llm_responses\"\nmodel_name = \"gpt-4.1-mini\"\nsystem_message = \"be brief\\nbe kind\"\nprompts = [{}]\n",
        prompts.join(", ")
    );
    job.replace("\\n", line_end)
}

/// Plans the job and dates its texts back: `line_end` stands in them where LF did.
async fn planned_with(world: &mut World, line_end: &str) {
    world.live(&job("\\n"), Death { before_call: 1, ..Death::default() }).await;
    let db = Connection::open(world.ledger_path()).unwrap();
    let mut texts = db.prepare("SELECT id, text FROM prompt").unwrap();
    let texts = texts.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
    let texts: Vec<(i64, String)> = texts.collect();
    for (id, text) in texts {
        let text = text.replace('\n', line_end);
        let hash = bursar::task::hash128(text.as_bytes());
        db.execute("UPDATE prompt SET hash = ?2, text = ?3 WHERE id = ?1", (id, hash, text)).unwrap();
    }
    let escaped = line_end.replace('\r', "\\r").replace('\n', "\\n");
    db.execute("UPDATE target SET options = replace(options, '\\n', ?1)", [escaped]).unwrap();
}

/// Tables and columns of version 3 that have another name now.
const NEW_NAMES: &[(&str, &str)] = &[
    ("start", "session"),
    ("tag_proof", "visibility_proof"),
    ("sweep", "scan"),
    ("extra_charge", "unmatched_charge"),
    ("vendor_id", "provider_id"),
    ("vendor_time_v", "provider_time_v"),
    ("doubt", "unknown_because"),
    ("most_nano", "max_nano"),
    ("since_extra", "since_unmatched"),
];

fn new_name(old: &str) -> &str {
    NEW_NAMES.iter().find(|(name, _)| *name == old).map_or(old, |(_, new)| new)
}

/// Puts a ledger of version 3 with the same content in the place of the ledger.
fn make_version_3(path: &Path) {
    let old = path.with_extension("three");
    let db = Connection::open(path).unwrap();
    Connection::open(&old).unwrap().execute_batch(include_str!("../fixtures/schema-3.sql")).unwrap();
    db.execute("ATTACH ?1 AS old", [old.to_str().unwrap()]).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let tables =
        "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(t.name, 'old')) FROM old.sqlite_schema AS t
                  WHERE type = 'table'";
    let mut tables = db.prepare(tables).unwrap();
    let named = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
    let named: Vec<(String, String)> = named.collect();
    drop(tables);
    for (table, columns) in named {
        let now = new_name(&table);
        let (now_called, then_called): (Vec<&str>, Vec<&str>) =
            columns.split(',').map(|column| (new_name(column), column)).unzip();
        let (now_called, then_called) = (now_called.join(", "), then_called.join(", "));
        db.execute(
            &format!("INSERT OR IGNORE INTO old.{table} ({then_called}) SELECT {now_called} FROM main.{now}"),
            [],
        )
        .unwrap();
    }
    db.execute_batch("DETACH old; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    std::fs::rename(old, path).unwrap();
}

/// All is answered, each question for one purchase, and the upgraded ledger speaks of no other form.
async fn is_finished_for_one_purchase_each(world: &mut World, what: &str) {
    make_version_3(&world.ledger_path());
    for line_end in ["\\n", "\\r\\n", "\\r"] {
        world.live_on(&job(line_end)).await;
        assert_eq!((world.tasks("answered"), world.bill().tasks), (TASKS, TASKS), "{what}, then {line_end}");
    }
    let (audit, bill) = (world.audit(), world.bill());
    assert_eq!((audit.charged, audit.problems, audit.extra_charges), (bill.total, vec![], 0), "{what}");
    let db = Connection::open(world.ledger_path()).unwrap();
    let sql = "SELECT count(*), sum(instr(text, char(13)) > 0) FROM prompt";
    let texts: (u64, u64) = db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(texts, (TASKS, 0), "{what}");
}

fn quick() -> Settings {
    settings(vec![])
}

#[tokio::test(start_paused = true)]
pub(crate) async fn another_line_end_in_a_file_buys_nothing_again() {
    let mut world = World::new(quick());
    for line_end in ["\\r\\n", "\\n", "\\r"] {
        world.live_on(&job(line_end)).await;
        world.assert_all_answered_once(TASKS);
    }
}

#[tokio::test(start_paused = true)]
async fn version_3_prompts_match_under_any_line_end() {
    for line_end in ["\r\n", "\r"] {
        let mut world = World::new(quick());
        planned_with(&mut world, line_end).await;
        world.live_on(&job("\\n")).await;
        assert_eq!(world.tasks("answered"), TASKS);
        is_finished_for_one_purchase_each(&mut world, "bought whole").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crashed_version_3_ledger_keeps_its_purchases() {
    let mut states = std::collections::BTreeSet::new();
    for call in 1..=6 {
        let mut world = World::new(quick());
        planned_with(&mut world, "\r\n").await;
        world.live(&job("\\n"), Death { before_call: 0, after_call: call }).await;
        states.extend(["planned", "sending", "submitted"].into_iter().filter(|state| world.tasks(state) > 0));
        is_finished_for_one_purchase_each(&mut world, &format!("died after call {call}")).await;
    }
    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["planned", "sending", "submitted"]);
}

/// The purchase was sent before the upgrade, and is accepted after it.
#[tokio::test(start_paused = true)]
async fn version_3_doubt_is_found_by_its_old_tag() {
    let late = Fault::AcceptLate { after: std::time::Duration::from_mins(10) };
    let mut world = World::new(settings(vec![Rule::nth(late, Call::TaskPost, 2)]));
    planned_with(&mut world, "\r\n").await;
    let _ = super::live_for(&mut world, &job("\\n"), std::time::Duration::from_mins(4)).await;
    assert!(world.audit().in_doubt > 0);
    is_finished_for_one_purchase_each(&mut world, "accepted late").await;
}

/// What it bought after the copy is known by tags of the old texts alone.
#[tokio::test(start_paused = true)]
async fn a_restored_version_3_ledger_finds_old_texts() {
    for line_end in ["\r\n", "\r"] {
        let mut world = World::new(quick());
        planned_with(&mut world, line_end).await;
        let copy = world.copy();
        world.live_on(&job("\\n")).await;
        world.restore(&copy);
        is_finished_for_one_purchase_each(&mut world, "restored").await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_bought_forms_of_one_question_both_stay() {
    let mut world = World::new(quick());
    planned_with(&mut world, "\r\n").await;
    world.live_on(&job("\\n")).await;
    // The file was saved with LF, and version 3 took that for other questions.
    let forget = |world: &World| {
        Connection::open(world.ledger_path()).unwrap().execute("UPDATE run SET plan_hash = NULL", []).unwrap()
    };
    forget(&world);
    world.live(&job("\\n"), Death { before_call: 1, ..Death::default() }).await;
    assert_eq!((world.tasks("planned"), world.tasks("answered")), (TASKS, TASKS));
    let copy = world.copy();
    world.live_on(&job("\\n")).await;
    assert_eq!(world.bill().tasks, 2 * TASKS);
    make_version_3(&world.ledger_path());
    for line_end in ["\\r\\n", "\\n"] {
        world.live_on(&job(line_end)).await;
    }
    assert_eq!((world.tasks("answered"), world.bill().tasks), (2 * TASKS, 2 * TASKS));
    assert_eq!((world.audit().charged, world.audit().problems), (world.bill().total, vec![]));
    // And where the second form was planned and not bought, the first one is the answer to it.
    world.sandbox = World::new(quick()).sandbox;
    world.restore(&copy);
    make_version_3(&world.ledger_path());
    let _ = super::live_for(&mut world, &job("\\n"), std::time::Duration::from_mins(30)).await;
    assert_eq!((world.tasks("planned"), world.tasks("answered"), world.bill().tasks), (0, TASKS, 0));
}
