//! `bursar resolve BATCH --ids FILE`: the provider's ids of what was bought.
//!
//! Each is asked for, and accepted only if its answer carries a tag of this batch: nothing is guessed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Map, Value};

use crate::cli::out::{Out, count};
use crate::cli::{Exit, locate, mistake, secrets};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::ids::AttemptId;
use crate::ledger::{Books, Change, Evidence, Ledger, Lookups, Recognised};
use crate::money::Money;
use crate::pace::Bucket;
use crate::product::{Function, Method, ResultKind};
use crate::provider::codes::look_up;
use crate::provider::{Fetched, Provider as _, Request, echoed_tag, judge_fetch, wire};

/// Ids in one file.
const MOST_IDS: usize = 1_000;
/// Tries of an id that the provider has no time for, or that cannot be reached.
const MOST_TRIES: u32 = 3;

/// A line of the file.
struct Line {
    /// The tag that it names, where it names one.
    tag: Option<String>,
    id: String,
}

pub(super) fn resolve(
    ledger: &mut Ledger,
    config: &Config,
    evidence: &Evidence,
    file: &Path,
    (reason, at): (&str, i64),
    facts: &mut Map<String, Value>,
    out: Out,
) -> anyhow::Result<Exit> {
    let batch = evidence.batch;
    if evidence.method == Method::Live {
        return mistake(format!(
            "batch {batch} was bought Live: its answer came on its connection, and no id leads to it"
        ));
    }
    let lines = lines(file)?;
    let account = locate::account(config, &evidence.account.1)?;
    let http = secrets::to_ask(account)?.way_to(&account.base_url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let (mut taken, mut refused) = (BTreeMap::<AttemptId, (String, Money)>::new(), Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let pace = Pace { clock: Clock::system(), first: n == 0 };
        let asked = runtime.block_on(ask(&http, account, evidence, &line.id, pace));
        match asked.and_then(|tag| whose(ledger, evidence, line, tag.as_deref())) {
            Ok(None) => out.note(&format!("id {}: its task is known to be bought under it already", line.id)),
            Ok(Some((attempt, held))) => {
                if let Some((other, _)) = taken.get(&attempt) {
                    refused.push((
                        line,
                        format!("its answer carries the tag of id {other}: a second purchase under one tag"),
                    ));
                } else {
                    taken.insert(attempt, (line.id.clone(), held));
                }
            }
            Err(why) => refused.push((line, why)),
        }
    }
    let sum: Money = taken.values().fold(Money::ZERO, |sum, (_, held)| sum.saturating_add(*held));
    let open = evidence.function == Function::LlmResponses;
    let posted_v = evidence.sent_v;
    let mut changes: Vec<Change> = taken
        .iter()
        .map(|(attempt, (provider_id, cost))| {
            let (attempt, provider_id, cost) = (*attempt, provider_id.clone(), *cost);
            Change::Accepted { attempt, provider_id, cost, posted_v, named_in: None, open }
        })
        .collect();
    if !changes.is_empty() {
        let what =
            format!("batch {batch}: {} found by the provider's ids: {reason}", count(taken.len() as u64, "task"));
        changes.push(Change::Noted { run: Some(evidence.run), at, what });
        ledger.record(changes)?;
    }
    out.note(&format!(
        "batch {batch}: {} found by id, booked at what was held ({sum}) until the provider's list names the cost; the next run \
         fetches the answers",
        count(taken.len() as u64, "task")
    ));
    for (line, why) in &refused {
        out.must(&format!("id {}: not taken: {why}", line.id));
    }
    facts.insert("verdict".into(), "found_by_id".into());
    facts.insert("found".into(), taken.len().into());
    facts.insert(
        "refused".into(),
        refused.iter().map(|(line, why)| serde_json::json!({ "id": line.id, "why": why })).collect(),
    );
    Ok(if refused.is_empty() { Exit::Complete } else { Exit::Usage })
}

/// How fast ids are asked for.
#[derive(Clone, Copy)]
struct Pace {
    clock: Clock,
    first: bool,
}

impl Pace {
    /// Waits as long as the provider's limit on calls asks for.
    async fn wait(self, account: &AccountConfig) {
        let mono = self.clock.now().mono;
        let mut bucket = Bucket::new(account.limits.calls_per_minute, mono);
        if let Err(at) = bucket.take(mono) {
            tokio::time::sleep(at.saturating_sub(mono)).await;
        }
        if !self.first {
            let each = Duration::from_secs(61) / account.limits.calls_per_minute.max(1);
            tokio::time::sleep(each).await;
        }
    }
}

/// Asks for an id; the tag that its answer carries, or why it cannot be taken.
async fn ask(
    http: &crate::provider::http::Http,
    account: &AccountConfig,
    evidence: &Evidence,
    id: &str,
    pace: Pace,
) -> Result<Option<String>, String> {
    let path = wire::task_get_path(evidence.engine, evidence.function, ResultKind::Advanced, id);
    let mut tries = 0;
    loop {
        pace.wait(account).await;
        let request =
            Request { path: path.clone(), body: None, spends: false, timeout: account.timing.request_timeout };
        let outcome = http.call(request).await;
        tries += 1;
        let why = match judge_fetch(&outcome, id) {
            Fetched::Failed { code, message } if look_up(code).never_charged => {
                return Err(format!("the provider refused this task, at no cost: {message} (code {code})"));
            }
            Fetched::NotFound => return Err("the provider knows no task of this id here".to_owned()),
            Fetched::Halt(refusal) => return Err(format!("the provider refuses the call: {}", refusal.message)),
            Fetched::Unreachable { why } | Fetched::Stumbled { why } => why,
            Fetched::Throttled { .. } => "the provider asks for fewer calls".to_owned(),
            Fetched::Answer { .. }
            | Fetched::Odd(_)
            | Fetched::Pending
            | Fetched::Failed { .. }
            | Fetched::Expired
            | Fetched::Wrong { .. }
            | Fetched::WaitingForMoney => return Ok(echoed_tag(&outcome, id)),
        };
        if tries >= MOST_TRIES {
            return Err(format!("nothing was learnt of it: {why}; try again later"));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// The attempt of this batch that a tag stands for, and what is held for it; `None` where it is known under this very id.
fn whose(
    ledger: &mut Ledger,
    evidence: &Evidence,
    line: &Line,
    tag: Option<&str>,
) -> Result<Option<(AttemptId, Money)>, String> {
    let batch = evidence.batch;
    let Some(tag) = tag else { return Err("its answer carries no tag, so that nothing says whose it is".to_owned()) };
    if let Some(named) = line.tag.as_deref().filter(|named| *named != tag) {
        return Err(format!("its answer carries the tag `{tag}`, and the file says `{named}`"));
    }
    let known = ledger.recognise(evidence.account.0, &line.id, Some(tag)).map_err(|error| error.to_string())?;
    match known {
        Recognised::InDoubt { attempt, batch: of, held } | Recognised::Awaited { attempt, batch: of, held }
            if of == batch =>
        {
            Ok(Some((attempt, held)))
        }
        Recognised::Known { batch: of, .. } if of == batch => Ok(None),
        Recognised::InDoubt { batch: of, .. }
        | Recognised::Awaited { batch: of, .. }
        | Recognised::Known { batch: of, .. } => {
            Err(format!("its answer carries the tag `{tag}`, which is of batch {of}"))
        }
        Recognised::Duplicate { .. } => {
            Err(format!("its tag `{tag}` is that of a task with another id: a second purchase under one tag"))
        }
        Recognised::Late { .. } => {
            Err(format!("its tag `{tag}` is of a task that counts as not bought: take that back first, with --undo"))
        }
        Recognised::Lost | Recognised::UnmatchedCharge | Recognised::Foreign => {
            Err(format!("its answer carries the tag `{tag}`, which is not of batch {batch}"))
        }
    }
}

/// The ids in a file, each once.
fn lines(file: &Path) -> anyhow::Result<Vec<Line>> {
    let text = locate::read(file)?;
    let mut lines: Vec<Line> = Vec::new();
    for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (tag, id) = match line.split_once(',') {
            Some((tag, id)) => (Some(tag.trim().to_owned()), id.trim()),
            None => (None, line),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 100 || !id.chars().all(plain) {
            return mistake(format!("`{}`, line {}: `{id}` is not the id of a task", file.display(), n + 1));
        }
        if lines.iter().all(|known| known.id != id) {
            lines.push(Line { tag, id: id.to_owned() });
        }
    }
    match lines.len() {
        0 => mistake(format!("`{}` names no id", file.display())),
        n if n > MOST_IDS => mistake(format!("`{}` names {n} ids; a batch has no more than a hundred", file.display())),
        _ => Ok(lines),
    }
}
