//! The ledger on its own: how it treats a wrong row, who can read it, and how a restart and a copy look.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

use std::collections::BTreeSet;
use std::path::Path;

use bursar::ids::{AccountId, AttemptId};
use bursar::ledger::{ControlRow, Holder, Kind, Late, Ledger, Lock, LockError, Lookups, Reports, Trust, Unfinished};
use bursar::product::Function;
use rusqlite::Connection;

const NOW: i64 = 1_795_000_000;

/// A ledger with one run of one planned task, without its engine.
fn small() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(include_str!("../schema.sql")).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = ON;
         INSERT INTO session (n, nonce, at, version) VALUES (1, 'x', 0, '0');
         INSERT INTO account (id, name, route, base_url, login_hash) VALUES (1, 'main', 'sandbox', 'http://127.0.0.1', x'00');
         INSERT INTO job (id, name, path, account, timezone) VALUES (1, 'job', '/job.toml', 1, 'UTC');
         INSERT INTO run (id, job, period, begins_at, opened_at, cap_nano, state, results) VALUES (1, 1, 'once', 0, 0, 0, 'open', 'advanced');
         INSERT INTO prompt_set (id, run, name, weight) VALUES (1, 1, 'set', 1);
         INSERT INTO prompt (id, hash, text) VALUES (1, zeroblob(16), 'which?');
         INSERT INTO market (id, location_code, language_code) VALUES (1, 2840, 'en');
         INSERT INTO target (id, engine, function) VALUES (1, 'chat_gpt', 'llm_scraper');
         INSERT INTO task (id, run, prompt, market, target, repeat, prompt_set, service, position) VALUES (1, 1, 1, 1, 1, 1, 1, 0, 1);
         INSERT INTO batch (id, run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, session, held_nano, unresolved)
             VALUES (1, 1, 1, 'chat_gpt', 'llm_scraper', 1, 1, 0, 0, 1, 0, 1);
         INSERT INTO attempt (id, task, batch, number, held_nano) VALUES (1, 1, 1, 1, 5);
         INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (1, 'reserve', 5, 0, 0);
         INSERT INTO unmatched_charge (account, provider_id, tag, nano_usd, posted_v, why) VALUES (1, 'x', '', 5, 0, 'x');",
    )
    .unwrap();
    db
}

#[test]
pub(crate) fn an_impossible_row_is_refused_with_its_reason() {
    for (wrong, why) in [
        ("INSERT INTO ledger VALUES (2, 'aaaaaaaaaaaaaaaa', 'real', 0)", "there_is_one_ledger"),
        ("INSERT INTO ledger VALUES (1, 'short', 'real', 0)", "a_ledger_id_is_80_bits"),
        ("UPDATE run SET state = 'paused'", "a_run_is_open_complete_or_closed"),
        (
            "INSERT INTO run (job, period, begins_at, opened_at, cap_nano, state, results) VALUES (1, 'once', 0, 0, 0, 'open', '')",
            "run.job, run.period",
        ),
        ("UPDATE task SET state = 2, attempt = NULL", "money_moves_only_with_an_attempt"),
        ("UPDATE task SET state = 4", "only_failures_have_a_reason"),
        ("UPDATE task SET state = 9", "a_task_is_in_a_known_state"),
        (
            "INSERT INTO task (run, prompt, market, target, repeat, prompt_set, service, position) VALUES (1, 1, 1, 1, 1, 1, 0, 2)",
            "task.run, task.prompt, task.market, task.target, task.repeat",
        ),
        ("UPDATE attempt SET state = 1", "what_was_accepted_has_an_id_and_a_cost"),
        ("UPDATE attempt SET state = 3, posted_nano = 5", "what_was_not_bought_cost_nothing"),
        ("UPDATE batch SET held_nano = -1", "a_hold_is_never_negative"),
        (
            "INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (1, 'gift', 1, 0, 0)",
            "money_moves_in_known_ways",
        ),
        (
            "INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (1, 'charge', -1, 0, 0)",
            "amounts_are_never_negative",
        ),
        ("INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (1, 'charge', 1, 1, 0)", "time_runs_forward"),
        ("INSERT INTO entry (batch, kind, nano_usd, from_v, to_v) VALUES (99, 'charge', 1, 0, 0)", "FOREIGN KEY"),
        ("UPDATE entry SET nano_usd = 1", "an_entry_is_never_changed"),
        ("DELETE FROM entry", "an_entry_is_never_deleted"),
        ("UPDATE unmatched_charge SET nano_usd = 1", "an_unmatched_charge_is_never_changed"),
        ("DELETE FROM unmatched_charge", "an_unmatched_charge_is_never_deleted"),
        (
            "INSERT INTO cap (scope, owner, from_v, to_v, held_nano) VALUES ('run', 1, 0, 1, -1)",
            "held_is_never_negative",
        ),
        ("INSERT INTO cap (scope, owner, from_v, to_v) VALUES ('week', 1, 0, 1)", "caps_have_a_known_scope"),
    ] {
        let error = small().execute(wrong, []).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}\n  said: {error}\n  not: {why}");
    }
}

#[test]
pub(crate) fn the_audit_names_an_id_of_two_attempts() {
    let db = small();
    db.execute_batch(
        "INSERT INTO ledger VALUES (1, 'aaaaaaaaaaaaaaaa', 'sandbox', 0);
         INSERT INTO attempt (id, task, batch, number, held_nano, provider_id) VALUES (2, 1, 1, 2, 5, 'id');
         UPDATE attempt SET provider_id = 'id' WHERE id = 1",
    )
    .unwrap();
    let ledger = Ledger::from_connection(db, Path::new("small"), Kind::Sandbox, 0).unwrap();
    let problems = ledger.audit().unwrap().problems;
    assert!(
        problems.contains(&"attempt 1: one id of the provider's stands for several attempts".to_owned()),
        "{problems:?}"
    );
}

#[cfg(unix)]
#[test]
pub(crate) fn a_ledger_and_its_copies_stay_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bursar.db");
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let mut ledger = Ledger::open(&path, Kind::Sandbox, NOW).unwrap();
    ledger.begin(&folder.path().join("state"), NOW).unwrap();
    assert_eq!((mode("bursar.db"), mode("bursar.db-wal")), (0o600, 0o600));
    drop(ledger);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    Ledger::open(&path, Kind::Sandbox, NOW).unwrap();
    assert_eq!(mode("bursar.db"), 0o600);
}

#[test]
pub(crate) fn play_money_and_real_money_never_share_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bursar.db");
    Ledger::open(&path, Kind::Sandbox, NOW).unwrap();
    let error = Ledger::open(&path, Kind::Real, NOW).unwrap_err().to_string();
    assert!(
        error.ends_with("was begun with sandbox money and cannot be used with real money; name another with --ledger"),
        "{error}"
    );
}

#[test]
pub(crate) fn the_lock_belongs_to_one_process_until_released() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bursar.db");
    let held = Lock::try_take(&path).unwrap();
    let Err(LockError::Held { holder: Holder { pid, .. }, .. }) = Lock::try_take(&path) else { panic!("taken twice") };
    assert_eq!(pid, Some(std::process::id()));
    drop(held);
    Lock::try_take(&path).unwrap();
}

#[test]
pub(crate) fn a_ledger_is_trusted_while_its_counters_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (folder.path().join("bursar.db"), folder.path().join("state"));
    let begin = || Ledger::open(&path, Kind::Sandbox, NOW).unwrap().begin(&state, NOW).unwrap();
    assert_eq!(begin().trust, Trust::Whole);
    assert_eq!(begin().trust, Trust::Whole);
    Ledger::open(&path, Kind::Sandbox, NOW).unwrap().tidy();
    let copy = std::fs::read(&path).unwrap();
    assert_eq!(begin().number, 3);
    // An earlier copy takes its place.
    for rest in ["bursar.db-wal", "bursar.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(rest));
    }
    std::fs::write(&path, copy).unwrap();
    assert!(matches!(begin().trust, Trust::Restored(why) if why.contains("2 starts, and 3 were counted")));
    // From here on it is followed again, under a higher number than either had.
    assert_eq!(begin(), bursar::ledger::Session { number: 5, trust: Trust::Whole });
    // Its counter is lost: it could be any copy.
    std::fs::remove_dir_all(&state).unwrap();
    assert!(matches!(begin().trust, Trust::Restored(why) if why.contains("missing")));
}

#[test]
pub(crate) fn a_new_ledger_where_another_has_bought_buys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (folder.path().join("bursar.db"), folder.path().join("state"));
    let begin = |kind| Ledger::open(&path, kind, NOW).unwrap().begin(&state, NOW).map(|session| session.trust);
    let remove = || {
        for file in ["bursar.db", "bursar.db-wal", "bursar.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(file));
        }
    };
    assert_eq!(begin(Kind::Real).unwrap(), Trust::Whole);
    // One that has bought nothing is nobody's loss.
    remove();
    assert_eq!(begin(Kind::Real).unwrap(), Trust::Whole);
    let counter = state.join(format!("{}.starts", Ledger::open_to_read(&path).unwrap().id().as_str()));
    let text = std::fs::read_to_string(&counter).unwrap();
    std::fs::write(&counter, text.replacen(" 00000000000000000000\n", " 00000000000000000007\n", 1)).unwrap();
    remove();
    for _ in 0..2 {
        let refused = begin(Kind::Real).expect_err("a new ledger buys everything again").to_string();
        let said = format!(
            "ledger `{}`: this ledger is new, and another one stood here that has bought 7 times: what that one bought would be \
             paid for again, and nothing is bought. Put it back, or a copy of it: what the copy lacks is read from the provider's \
             list. Where it was moved, start it once where it is now, or give this one another path. To begin anew all the \
             same, and to pay again for what is asked again, say --new-ledger",
            path.display()
        );
        assert_eq!(refused, said);
    }
    // A person's word holds from then on.
    let mut meant = Ledger::open(&path, Kind::Real, NOW).unwrap();
    meant.begins_anew();
    assert_eq!(meant.begin(&state, NOW).unwrap().trust, Trust::Whole);
    drop(meant);
    assert_eq!(begin(Kind::Real).unwrap(), Trust::Whole);
    // Play money is nobody's.
    let counter = state.join(format!("{}.starts", Ledger::open_to_read(&path).unwrap().id().as_str()));
    std::fs::write(&counter, text.replacen(" 00000000000000000000\n", " 00000000000000000007\n", 1)).unwrap();
    remove();
    assert_eq!(begin(Kind::Sandbox).unwrap(), Trust::Whole);
}

#[test]
fn a_task_filed_before_a_scan_controls_nothing() {
    let db = small();
    db.execute_batch(
        "UPDATE batch SET posted_v = 1000, unresolved = 0, uncollected = 1;
         UPDATE attempt SET state = 1, provider_id = 'id', posted_nano = 5;
         INSERT INTO ledger VALUES (1, 'abcdefghijklmnop', 'sandbox', 0);",
    )
    .unwrap();
    let ledger = Ledger::from_connection(db, Path::new("bursar.db"), Kind::Sandbox, NOW).unwrap();
    let late = |standard_s| Late { standard_s, live_s: 150 };
    let all = Unfinished { shown: [Function::LlmScraper].into(), latest_v: 2000, done_after_s: [500, 0] };
    let control_rows = |from, late_s| ledger.control_rows(AccountId(1), &[(from, 2000)], late(late_s), &all).unwrap();
    assert_eq!(control_rows(950, 0), [(AttemptId(1), 1000)]);
    // Its answer may have taken a minute, and the list shows it when it was asked for.
    assert_eq!(control_rows(950, 60), []);
    assert_eq!(control_rows(938, 60), [(AttemptId(1), 1000)]);
    // Of what is not shown before it is finished, only what was bought long ago, or was finished in what was read.
    let of = |shown: bool, latest_v| {
        let shown = shown.then_some(Function::LlmScraper).into_iter().collect();
        let unfinished = Unfinished { shown, latest_v, done_after_s: [1_500, 0] };
        ledger.control_rows(AccountId(1), &[(900, 2000)], late(0), &unfinished).unwrap().len()
    };
    assert_eq!([of(true, 2001), of(true, 2003), of(false, 2001)], [1, 0, 0]);
    let widened_to = |from, late_s| ledger.control_row_for(AccountId(1), from, 2000, 0, late(late_s)).unwrap();
    let control_row = |late_s: i64| Some(ControlRow { from_v: 1000 - late_s, posted_v: 1000 });
    assert_eq!(
        [950, 1001, 900].map(|from| widened_to(from, 60)),
        [control_row(60); 3],
        "a scan that begins then is widened"
    );
    assert_eq!(ledger.control_row_for(AccountId(1), 950, 2000, 941, late(60)).unwrap(), None, "the list begins later");
}

#[test]
fn a_session_without_its_counter_leaves_the_ledger_intact() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (folder.path().join("bursar.db"), folder.path().join("state"));
    let begin = || Ledger::open(&path, Kind::Sandbox, NOW).unwrap().begin(&state, NOW).unwrap();
    begin();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("INSERT INTO session (n, nonce, at, version) VALUES (2, 'two', 0, ''), (3, 'three', 0, '')")
        .unwrap();
    let started = begin();
    assert_eq!((started.number, started.trust), (4, Trust::Whole));
    // One that has bought was counted.
    db.execute_batch(
        "INSERT INTO session (n, nonce, at, version) VALUES (5, 'five', 0, ''), (6, 'six', 0, '');
         INSERT INTO account (id, name, route, base_url, login_hash) VALUES (1, 'main', 'dataforseo', '', x'00');
         INSERT INTO job (id, name, path, account, timezone) VALUES (1, 'job', '/job.toml', 1, 'UTC');
         INSERT INTO run (id, job, period, begins_at, opened_at, cap_nano, state, results) VALUES (1, 1, 'once', 0, 0, 1, 'open', 'advanced');
         INSERT INTO batch (run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, session, held_nano,
                            unresolved, uncollected)
         VALUES (1, 1, 'chat_gpt', 'llm_scraper', 1, 1, 0, 0, 6, 0, 0, 0);",
    )
    .unwrap();
    assert!(matches!(begin().trust, Trust::Restored(why) if why.contains("not those counted")));
}

#[test]
fn a_counter_that_is_no_text_is_no_counter() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (folder.path().join("bursar.db"), folder.path().join("state"));
    let id = {
        let mut ledger = Ledger::open(&path, Kind::Sandbox, NOW).unwrap();
        ledger.begin(&state, NOW).unwrap();
        ledger.id().as_str().to_owned()
    };
    std::fs::write(state.join(format!("{id}.starts")), b"\xff\xfe").unwrap();
    let trust = Ledger::open(&path, Kind::Sandbox, NOW).unwrap().begin(&state, NOW).unwrap().trust;
    assert!(matches!(trust, Trust::Restored(why) if why.contains("missing")));
}

#[test]
fn who_only_reads_leaves_the_log_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bursar.db");
    let log = folder.path().join("bursar.db-wal");
    let mut ledger = Ledger::open(&path, Kind::Sandbox, NOW).unwrap();
    ledger.begin(&folder.path().join("state"), NOW).unwrap();
    // A process that was killed: its log stays, and nothing holds the file.
    let copy = folder.path().join("copy.db");
    let written = std::fs::read(&log).unwrap();
    std::fs::copy(&path, &copy).unwrap();
    std::fs::write(folder.path().join("copy.db-wal"), &written).unwrap();
    Ledger::open_to_read(&copy).unwrap().audit().unwrap();
    assert!(!written.is_empty());
    assert_eq!(std::fs::read(folder.path().join("copy.db-wal")).unwrap(), written);
}

/// A file with a ledger of version 1 in it: its schema, and rows of one purchase.
fn version_1(folder: &Path, schema: &str) -> std::path::PathBuf {
    let path = folder.join("bursar.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(schema).unwrap();
    let begins = if schema.contains("begins_at") { "begins_at, " } else { "" };
    let at = if begins.is_empty() { "" } else { "0, " };
    db.execute_batch(&format!(
        "INSERT INTO ledger VALUES (1, 'aaaaaaaaaaaaaaaa', 'sandbox', 0);
         INSERT INTO start (n, nonce, at, version) VALUES (1, 'x', 0, '0');
         INSERT INTO account (id, name, route, base_url, login_hash) VALUES (1, 'main', 'sandbox', 'http://127.0.0.1', x'00');
         INSERT INTO job (id, name, path, account, timezone) VALUES (1, 'job', '/job.toml', 1, 'UTC');
         INSERT INTO run (id, job, period, {begins}opened_at, cap_nano, state, results) VALUES (1, 1, 'once', {at}0, 9, 'open', 'advanced');
         INSERT INTO prompt_set (id, run, name, weight) VALUES (1, 1, 'set', 1);
         INSERT INTO prompt (id, hash, text) VALUES (1, zeroblob(16), 'which?');
         INSERT INTO market (id, location_code, language_code) VALUES (1, 2840, 'en');
         INSERT INTO target (id, engine, function) VALUES (1, 'chat_gpt', 'llm_scraper');
         INSERT INTO task (id, run, prompt, market, target, repeat, prompt_set, service, position) VALUES (1, 1, 1, 1, 1, 1, 1, 0, 1);
         INSERT INTO batch (id, run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, start, held_nano, unresolved)
             VALUES (1, 1, 1, 'chat_gpt', 'llm_scraper', 1, 1, 0, 0, 1, 0, 0);
         INSERT INTO attempt (id, task, batch, number, state, vendor_id, held_nano, posted_nano) VALUES (1, 1, 1, 1, 2, 'v', 5, 5);
         UPDATE task SET state = 3, attempt = 1;",
    ))
    .unwrap();
    path
}

/// What a schema holds, whatever the order in which it came to be: columns, constraints, and the other texts as they are.
fn shape(db: &Connection) -> BTreeSet<String> {
    let mut statement = db.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let mut shape = BTreeSet::new();
    for (kind, name, sql) in rows.map(Result::unwrap).collect::<Vec<(String, String, String)>>() {
        if kind != "table" {
            shape.insert(format!("{kind} {name}: {sql}"));
            continue;
        }
        let words: Vec<&str> = sql.split_whitespace().collect();
        let constraints = words.windows(2).filter(|pair| pair[0] == "CONSTRAINT").map(|pair| pair[1]);
        shape.extend(constraints.map(|constraint| format!("{name} holds {constraint}")));
        shape.insert(format!("{name} ends {:?}", words.rsplit(|word| word.ends_with(')')).next()));
        let columns = "SELECT name, type, \"notnull\", coalesce(dflt_value, ''), pk FROM pragma_table_info(?1)";
        let mut columns = db.prepare(columns).unwrap();
        let told = columns.query_map([&name], |row| {
            let (column, of): (String, String) = (row.get(0)?, row.get(1)?);
            let (needed, default, key): (bool, String, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(format!("{name}.{column} {of} {needed} {default} {key}"))
        });
        shape.extend(told.unwrap().map(Result::unwrap));
    }
    shape
}

#[test]
fn a_version_1_ledger_is_upgraded_with_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path(), include_str!("fixtures/schema-1.sql"));
    let not_yet = Ledger::open_to_read(&path).unwrap_err().to_string();
    assert!(not_yet.contains("version 1") && not_yet.contains("the next `bursar run` brings it there"), "{not_yet}");
    drop(Ledger::open(&path, Kind::Sandbox, NOW).unwrap());
    let upgraded = Connection::open(&path).unwrap();
    let new = Connection::open_in_memory().unwrap();
    new.execute_batch(include_str!("../schema.sql")).unwrap();
    assert_eq!(shape(&upgraded), shape(&new));
    let bought: (String, i64, String) = upgraded
        .query_row("SELECT state, posted_nano, (SELECT method FROM batch) FROM attempts", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(bought, ("answered".to_owned(), 5, "standard".to_owned()));
    // It is done once.
    drop(Ledger::open(&path, Kind::Sandbox, NOW).unwrap());
}

#[test]
fn an_unfinished_version_1_ledger_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("fixtures/schema-1.sql");
    let begins: Vec<&str> = text.lines().filter(|line| !line.contains("begins_at")).collect();
    let strict = text.replace("coalesce(posted_nano, settled_nano) IS NOT NULL", "posted_nano IS NOT NULL");
    for (at, schema) in [begins.join("\n"), strict].iter().enumerate() {
        let folder = folder.path().join(at.to_string());
        std::fs::create_dir(&folder).unwrap();
        let path = version_1(&folder, schema);
        let before = shape(&Connection::open(&path).unwrap());
        let refused = Ledger::open(&path, Kind::Sandbox, NOW).unwrap_err().to_string();
        assert!(refused.contains("unfinished bursar") && refused.contains("--ledger"), "{refused}");
        let db = Connection::open(&path).unwrap();
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!((version, shape(&db)), (1, before));
    }
}

#[test]
fn a_version_3_ledger_gets_the_new_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("three.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("fixtures/schema-3.sql")).unwrap();
    old.execute("INSERT INTO ledger VALUES (1, 'aaaaaaaaaaaaaaaa', 'sandbox', 0)", []).unwrap();
    drop(old);
    drop(Ledger::open(&path, Kind::Sandbox, NOW).unwrap());
    let upgraded = Connection::open(&path).unwrap();
    let new = Connection::open_in_memory().unwrap();
    new.execute_batch(include_str!("../schema.sql")).unwrap();
    assert_eq!(shape(&upgraded), shape(&new));
}

/// What a person called bought under version 3 stood as failed; its answer may still be had.
#[test]
fn a_version_3_decision_bought_is_awaited_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("three.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("fixtures/schema-3.sql")).unwrap();
    old.execute_batch(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO ledger VALUES (1, 'aaaaaaaaaaaaaaaa', 'sandbox', 0);
         INSERT INTO batch (id, run, account, engine, function, first_attempt, attempts, sent_v, hold_to_v, start, held_nano, unresolved, method)
         SELECT value, 1, 1, 'gemini', 'llm_scraper', value, 1, unixepoch() - 86400 * iif(value = 2, 40, 1), unixepoch(), 1, 0, 0,
                iif(value = 3, 'live', 'standard') FROM json_each('[1, 2, 3]');
         INSERT INTO attempt (id, task, batch, number, state, held_nano, posted_nano, settled_nano)
         SELECT id, id, id, 1, 7, 5, 5, 5 FROM batch;
         INSERT INTO task (id, run, prompt, market, target, repeat, prompt_set, service, position, state, reason, attempt)
         SELECT id, 1, id, 1, 1, 1, 1, 0, id, 4, 5, id FROM batch;",
    )
    .unwrap();
    drop(old);
    drop(Ledger::open(&path, Kind::Sandbox, NOW).unwrap());
    let db = Connection::open(&path).unwrap();
    let mut statement = db
        .prepare("SELECT attempt.state, task.state, task.reason, word.bought FROM task
                  JOIN attempt ON attempt.id = task.attempt LEFT JOIN word ON word.attempt = attempt.id ORDER BY task.id")
        .unwrap();
    let rows: Vec<(i64, i64, Option<i64>, Option<i64>)> =
        statement.query_map([], |row| row.try_into()).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [(7, 2, None, Some(1)), (5, 4, Some(5), None), (5, 4, Some(5), None)]);
}
