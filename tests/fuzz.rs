//! Any bytes at all: no panic, no time or memory out of proportion, and no purchase, list or tag that the bytes do
//! not contain.
//!
//! Inputs grow from `fuzz/corpus/TARGET` by seeded mutation, so a run can be repeated. Each target runs for a number
//! of executions, or for `BURSAR_FUZZ_SECONDS`; `BURSAR_FUZZ_SEED` sets another seed, and `BURSAR_FUZZ_INPUT` runs
//! one file.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test, where a failure is a panic")]

mod fuzz {
    pub(crate) mod driver;
    pub(crate) mod mutate;
}

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bursar::config::Config;
use bursar::job::{self, Job};
use bursar::money::Money;
use bursar::plan::{Headroom, PlanError, plan};
use bursar::price::PriceList;
use bursar::provider::{
    Failure, Fate, Fetched, Response, Verdict, judge, judge_account, judge_fetch, judge_list, judge_ready,
};
use bursar::tag::Tag;
use fuzz::driver::{Told, run};
use serde_json::Value;

/// The tags of a batch; corpus and dictionary know them.
const TAGS: [&str; 3] = [
    "b1.a4dqobyha4dqobyh.cu.7de22theb2f54o4f4orflnkzba",
    "b1.a4dqobyha4dqobyh.cv.aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "b1.a4dqobyha4dqobyh.cw.77777777777777777777777774",
];

fn check(text: &str, files: &BTreeMap<PathBuf, Vec<u8>>) -> Option<Job> {
    match job::check(Path::new("/jobs/fuzz.toml"), text, &Config::built_in(Path::new("/jobs")), files) {
        Ok(job) => Some(job),
        Err(problems) => {
            assert!(!problems.is_empty(), "refused, and nobody said why");
            let shown = problems.render(false);
            let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            assert!(!shown.contains(controls), "a terminal would obey this: {shown:?}");
            None
        }
    }
}

/// A job that is good is planned, or its plan is refused for money. What it would buy is no more than its budget.
fn planned(job: &Job) -> &'static str {
    let tasks = |set: &job::PromptSet| {
        [set.prompts.len(), set.markets.len(), set.targets.len(), set.repeats as usize].iter().product::<usize>()
    };
    if job.sets.iter().map(tasks).sum::<usize>() > 50_000 {
        return "large";
    }
    let left = job.budget.run;
    let headroom = Headroom::of_run(left);
    match plan(job, &PriceList::with(&[]), &[headroom]) {
        Ok(plan) => {
            assert!(plan.total.allocated_cost <= left, "{} planned within {left}", plan.total.allocated_cost);
            assert!(plan.total.allocated > 0 && plan.total.tasks > 0, "a plan of nothing");
            assert_eq!(plan.cut.is_none(), plan.total.allocated == plan.total.tasks);
            if plan.cut.is_some() { "cut" } else { "whole" }
        }
        Err(PlanError::NoPrice { .. }) => "no price",
        Err(PlanError::TooDear { .. }) => "too dear",
        Err(PlanError::Unpayable { smallest, .. }) => {
            assert!(smallest > left, "{smallest} would do, and there is {left}");
            "unpayable"
        }
    }
}

#[test]
fn job_files() {
    let files = BTreeMap::from([
        (PathBuf::from("/jobs/prompts/crm.csv"), b"id,prompt\n1,which crm?\n2,\"which, now?\"\n".to_vec()),
        (PathBuf::from("/jobs/prompts/espresso.txt"), b"which grinder?\n\nwhich machine?\n".to_vec()),
    ]);
    let words = ["prompt_set", "[budget]", "repeats = 1000", "vars", "{size}", "9e999", "\"\"\""];
    run("job_files", &words, &["refused", "whole", "cut", "unpayable"], |input| {
        let text = String::from_utf8_lossy(input);
        let told = check(&text, &files).map_or("refused", |job| planned(&job));
        Told::new(told, text.len())
    });
}

#[test]
fn prompt_files() {
    let job = |file: &str| {
        format!(
            "[budget]\nrun = \"1000\"\n[[prompt_set]]\nname = \"fuzz\"\nfile = \"{file}\"\nengine = \"chat_gpt\"\n\
             locations = [2840]\nlanguages = [\"en\"]\n{}",
            if file.ends_with("csv") { "column = \"prompt\"\n" } else { "" }
        )
    };
    let words = ["prompt", "\"", ",", "\r\n", "\u{feff}", "\0", "%2B", "+"];
    run("prompt_files", &words, &["refused refused", "whole refused", "whole whole"], |input| {
        let mut told = ["refused"; 2];
        for (told, file) in told.iter_mut().zip(["prompts.txt", "prompts.csv"]) {
            let files = BTreeMap::from([(Path::new("/jobs").join(file), input.to_vec())]);
            let Some(job) = check(&job(file), &files) else { continue };
            // What was checked is what is read again, text for text.
            let mut texts = 0;
            let read: Result<(), job::PromptsError<String>> = job.each_prompt(&files, |_, text| {
                texts += 1;
                let fits = !text.is_empty() && text.trim() == text && !text.contains('\0');
                if fits { Ok(()) } else { Err(format!("{text:?} is no prompt")) }
            });
            assert!(read.is_ok(), "{:?}", read.err());
            assert_eq!(texts, job.prompts.len());
            *told = planned(&job);
        }
        Told::new(&told.join(" "), input.len())
    });
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for the outcome of a call")]
fn reply(status: u16, body: &[u8]) -> Result<Response, Failure> {
    Ok(Response { status, date: None, retry_after: None, rest: None, body: body.to_vec().into() })
}

/// The body again, read by another reader: its task rows, or nothing where it is no JSON to that one.
fn rows(body: &[u8]) -> Option<Vec<Value>> {
    let envelope: Value = serde_json::from_slice(body).ok()?;
    Some(envelope.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// An id is text. A number is taken for one as well, digit for digit, which this reader cannot see.
fn is_id(read: &Value, id: &str) -> bool {
    read == id || read.is_number()
}

/// Holds what was made of a body against the body: nothing is bought without a row with its tag, an id and a code of
/// success; nothing is refused that cost something; and a batch with rows is never refused whole.
fn hold_to(verdict: &Verdict, body: &[u8]) -> String {
    let read = rows(body);
    let row_of = |tag: &str, what: &dyn Fn(&Value) -> bool| {
        read.as_ref().is_none_or(|rows| rows.iter().any(|row| row["data"]["tag"] == tag && what(row)))
    };
    let each = match verdict {
        Verdict::InDoubt { .. } => return "in doubt".to_owned(),
        Verdict::NotBought { why } => {
            assert!(read.as_ref().is_none_or(Vec::is_empty), "refused whole, and it has rows");
            return format!("not bought {:?}", why.class);
        }
        Verdict::Rows { each, unmatched } => {
            assert!(
                unmatched.iter().all(|unmatched| !unmatched.id.is_empty()),
                "an unmatched row without an id is booked under nothing"
            );
            each
        }
    };
    assert_eq!(each.len(), TAGS.len(), "one fate for each tag");
    let mut told = String::new();
    let mut ids = std::collections::BTreeSet::new();
    for (fate, tag) in each.iter().zip(TAGS) {
        told.push_str(match fate {
            Fate::Accepted { id, .. } => {
                // All rows with one id are one purchase: one has the tag, and one, perhaps another, the code.
                let known =
                    |row: &Value| [200, 20_000, 20_100, 40_601, 40_602].iter().any(|code| row["status_code"] == *code);
                let bought = |row: &Value| known(row) && is_id(&row["id"], id);
                let tagged = row_of(tag, &|row| is_id(&row["id"], id));
                let success = read.as_ref().is_none_or(|rows| rows.iter().any(bought));
                assert!(!id.is_empty() && tagged && success, "{tag} was bought as `{id}`, and no row says so");
                assert!(ids.insert(id.clone()), "`{id}` is the purchase of two tasks");
                "A"
            }
            Fate::Refused { .. } => {
                // Half a nano-dollar and less is nothing: a cost is rounded before it is judged.
                let nothing = |cost: &Value| cost.is_null() || cost.as_f64().is_some_and(|cost| cost.abs() <= 5e-10);
                let free = |row: &Value| nothing(&row["cost"]);
                assert!(row_of(tag, &free), "{tag} was refused, and every row of it cost something");
                "R"
            }
            Fate::PaidFailure { cost, .. } => {
                assert!(*cost != Money::ZERO, "paid, and for nothing");
                "P"
            }
            Fate::InDoubt { .. } => "?",
        });
    }
    told
}

#[test]
fn provider_responses() {
    let words = ["\"tag\"", TAGS[0], TAGS[1], "\"id\"", "\"cost\":1e-400", "20100", "40501", "\"tasks\"", "null", "[{"];
    run("provider_responses", &words, &["AAA", "ARP", "A??", "not bought", "in doubt", "A?? answer"], |input| {
        let status = [200, 200, 200, 500, 402, 404][input.len() % 6];
        let outcome = reply(status, input);
        let verdict = hold_to(&judge(&outcome, &TAGS), input);
        let fetched = match judge_fetch(&outcome, "i") {
            Fetched::Answer { .. } => {
                let answered = |row: &Value| row["status_code"] == 20_000 || row["status_code"] == 200;
                let result = |row: &Value| answered(row) && row["result"][0].is_object();
                assert!(rows(input).is_none_or(|rows| rows.iter().any(result)), "an answer that is not there");
                "answer"
            }
            Fetched::Odd(odd) => {
                let is_named =
                    String::from_utf8_lossy(input).replace([' ', '\t', '\n', '\r', '\0'], "").contains("\"i");
                assert!(is_named || String::from_utf8_lossy(input).contains("\\u"), "an answer of nobody: {odd:?}");
                "odd"
            }
            Fetched::Failed { .. } => "failed",
            Fetched::Expired => "expired",
            Fetched::Pending => "pending",
            Fetched::NotFound => "not found",
            Fetched::Wrong { .. } => "wrong",
            Fetched::Throttled { .. } => "throttled",
            Fetched::WaitingForMoney => "money",
            Fetched::Halt(_) => "halt",
            Fetched::Stumbled { .. } => "stumbled",
            Fetched::Unreachable { .. } => "unreachable",
        };
        let ready = judge_ready(&outcome).map_or("no", |list| if list.unreadable == 0 { "whole" } else { "in part" });
        let account = if judge_account(&outcome).is_ok() { "read" } else { "not" };
        Told::new(&format!("{verdict} {fetched} {ready} {account}"), input.len())
    });
}

#[test]
fn id_list_pages() {
    let words = ["\"metadata\"", TAGS[0], "\"datetime_done\":null", "\"result_count\":3", "\"id\"", "\"cost\":", "{}"];
    run("id_list_pages", &words, &["no list", "0 tagged", "3 tagged"], |input| {
        let Ok(listed) = judge_list(&reply(200, input)) else { return Told::new("no list", input.len()) };
        // A scan concludes from what is absent: a list is whole, row for row, or it is no list.
        if let Some(rows) = rows(input) {
            let [row] = &rows[..] else { panic!("a list of {} parts", rows.len()) };
            let shown = row["result"].as_array().cloned().unwrap_or_default();
            assert_eq!(listed.len(), shown.len(), "a row was overlooked");
            assert!(row["result_count"].as_u64().unwrap_or(0) <= listed.len() as u64, "it lacks rows that it counts");
            for (listed, shown) in listed.iter().zip(&shown) {
                assert!(is_id(&shown["id"], &listed.id), "{} became {}", shown["id"], listed.id);
                let tag = &shown["metadata"]["tag"];
                assert!(tag.is_null() == listed.tag.is_none(), "{tag} became {:?}", listed.tag);
                let done = &shown["datetime_done"];
                assert!(listed.done.is_some() || done.is_null() || done == "", "{done} reads as unfinished");
            }
        }
        Told::new(&format!("{} tagged", listed.iter().filter(|row| row.tag.is_some()).count().min(4)), input.len())
    });
}

#[test]
fn tags() {
    run("tags", &[TAGS[0], TAGS[1], ".", "b1.", "a", ".a"], &["tag", "not"], |input| {
        let text = String::from_utf8_lossy(input);
        let read = text.parse::<Tag>();
        if let Ok(tag) = &read {
            assert_eq!(tag.to_string(), text, "only the one spelling that we write is ours");
        }
        Told::new(if read.is_ok() { "tag" } else { "not" }, input.len())
    });
}
