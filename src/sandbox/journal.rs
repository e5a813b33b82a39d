//! The state file: sales and collections, one JSON line each, written before the reply is sent.
//!
//! Each call appends to it by one write. There is no fsync: the file survives a crash of the process, which is what
//! simulated crashes are about, not one of the machine. A torn last line is cut off when the file is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::meter::{Meter, Usage};
use super::models::Model;
use super::price_classes::PriceClass;
use super::task_id::TaskId;
use super::tasks::Task;
use crate::money::Money;
use crate::product::{Function, Method, ResultKind};

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be opened, read or cut.
    #[error("cannot use the sandbox's state in `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line before the last is not one of ours.
    #[error("`{}` is no state of a sandbox: line {line}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    #[serde(borrow)]
    Task(Box<Sold<'a>>),
    Collected {
        id: String,
    },
    Settled {
        id: String,
        cost_nano_usd: i64,
    },
    PaidIn {
        account: u8,
        nano_usd: i64,
    },
}

#[derive(Serialize, Deserialize)]
struct Sold<'a> {
    id: String,
    account: u8,
    engine: String,
    /// The scraper's Standard method where these three are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    priority: String,
    posted_ms: i64,
    done_ms: i64,
    listed_ms: i64,
    cost_nano_usd: i64,
    location_code: u32,
    language: String,
    fails: u32,
    refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meter: Option<Metered>,
    #[serde(borrow)]
    posted: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Metered {
    model: String,
    input_tokens: u32,
    output_tokens: u32,
    reasoning_tokens: u32,
    searched: bool,
    spent_nano_usd: i64,
    advance_nano_usd: i64,
    shown_nano_usd: i64,
    settles_ms: Option<i64>,
    settles_nano_usd: i64,
}

/// What a line tells.
pub(super) enum Entry {
    Sold(Task),
    Collected(TaskId),
    Settled(TaskId, Money),
    PaidIn(u8, Money),
}

/// An open state file.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    length: u64,
}

impl Journal {
    /// Opens or begins a state file, hands every entry over, and cuts off a torn end.
    pub(super) fn open(path: &Path, mut see: impl FnMut(Entry)) -> Result<Self, StateError> {
        let failed = |source| StateError::Io { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(failed)?;
        let (mut reader, mut text) = (BufReader::new(&file), String::new());
        let (mut length, mut number) = (0, 0);
        loop {
            text.clear();
            let read = reader.read_line(&mut text);
            // A line cut inside a character is torn too.
            let read = match read {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => break,
                read => read.map_err(failed)?,
            };
            if read == 0 || !text.ends_with('\n') {
                break;
            }
            number += 1;
            let entry = entry(&text).ok_or_else(|| StateError::Foreign { path: path.to_owned(), line: number })?;
            see(entry);
            length += read as u64;
        }
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length)).map(drop)).map_err(failed)?;
        Ok(Self { file, length })
    }

    /// Writes lines by one call; what cannot be written whole is cut off again.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines).inspect_err(|_| {
            // Nothing more can be done where this fails too: the torn end is cut off when the file is opened again.
            let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
        })?;
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Writes down what a POST sold.
    pub(super) fn sold(&mut self, tasks: &[Task]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(tasks.len() * 512);
        for task in tasks {
            let posted = RawValue::from_string(format!("{{{}}}", task.posted))?;
            let sold = Sold {
                id: task.id.to_string(),
                account: task.account,
                engine: task.price_class.engine.name().to_owned(),
                function: said(task.price_class.function.name(), Function::LlmScraper.name()),
                method: said(task.price_class.method.name(), Method::Standard.name()),
                kind: said(task.price_class.kind.name(), ResultKind::Advanced.name()),
                priority: task.priority.name().to_owned(),
                posted_ms: task.posted_ms,
                done_ms: task.done_ms,
                listed_ms: task.listed_ms,
                cost_nano_usd: task.cost.nanos(),
                location_code: task.location_code,
                language: task.language_code().to_owned(),
                fails: task.fails,
                refused: task.refused,
                meter: task.meter.as_deref().map(metered),
                posted: &posted,
            };
            serde_json::to_writer(&mut lines, &Line::Task(Box::new(sold)))?;
            lines.push(b'\n');
        }
        self.append(&lines)
    }

    /// Writes down what tasks cost in the end.
    pub(super) fn settled(&mut self, tasks: &[(TaskId, Money)]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(tasks.len() * 96);
        for (id, cost) in tasks {
            serde_json::to_writer(&mut lines, &Line::Settled { id: id.to_string(), cost_nano_usd: cost.nanos() })?;
            lines.push(b'\n');
        }
        self.append(&lines)
    }

    /// Writes down that an account was topped up.
    pub(super) fn paid_in(&mut self, account: u8, sum: Money) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line::PaidIn { account, nano_usd: sum.nanos() })?;
        line.push(b'\n');
        self.append(&line)
    }

    /// Writes down that an answer was collected.
    pub(super) fn collected(&mut self, id: TaskId) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line::Collected { id: id.to_string() })?;
        line.push(b'\n');
        self.append(&line)
    }
}

/// A word where it is not the usual one.
fn said(word: &str, usual: &str) -> Option<String> {
    (word != usual).then(|| word.to_owned())
}

fn metered(meter: &Meter) -> Metered {
    let usage = &meter.usage;
    Metered {
        model: usage.model.name.to_owned(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        searched: usage.searched,
        spent_nano_usd: usage.spent.nanos(),
        advance_nano_usd: meter.advance.nanos(),
        shown_nano_usd: meter.shown.nanos(),
        settles_ms: meter.settles.map(|(at, _)| at),
        settles_nano_usd: meter.settles.map_or(0, |(_, cost)| cost.nanos()),
    }
}

/// A word read again, or the usual one.
fn word<T: std::str::FromStr>(said: Option<&str>, usual: T) -> Option<T> {
    said.map_or(Some(usual), |word| word.parse().ok())
}

fn meter(line: &Metered, price_class: PriceClass, posted: Money) -> Option<Box<Meter>> {
    let usage = Usage {
        model: Model::named(price_class.engine, &line.model)?,
        input_tokens: line.input_tokens,
        output_tokens: line.output_tokens,
        reasoning_tokens: line.reasoning_tokens,
        searched: line.searched,
        spent: Money::from_nanos(line.spent_nano_usd),
    };
    let settles = line.settles_ms.map(|at| (at, Money::from_nanos(line.settles_nano_usd)));
    let [advance, shown] = [line.advance_nano_usd, line.shown_nano_usd].map(Money::from_nanos);
    Some(Box::new(Meter { usage, posted, advance, shown, settles, settled: false }))
}

fn entry(text: &str) -> Option<Entry> {
    match serde_json::from_str(text).ok()? {
        Line::Collected { id } => id.parse().ok().map(Entry::Collected),
        Line::Settled { id, cost_nano_usd } => {
            id.parse().ok().map(|id| Entry::Settled(id, Money::from_nanos(cost_nano_usd)))
        }
        Line::PaidIn { account, nano_usd } => Some(Entry::PaidIn(account, Money::from_nanos(nano_usd))),
        Line::Task(sold) => task(&sold).map(Entry::Sold),
    }
}

fn task(sold: &Sold<'_>) -> Option<Task> {
    let price_class = PriceClass {
        engine: sold.engine.parse().ok()?,
        function: word(sold.function.as_deref(), Function::LlmScraper)?,
        method: word(sold.method.as_deref(), Method::Standard)?,
        kind: word(sold.kind.as_deref(), ResultKind::Advanced)?,
    };
    let cost = Money::from_nanos(sold.cost_nano_usd);
    let language = if sold.language.is_empty() { 0 } else { super::places::language_coded(&sold.language)? };
    Some(Task {
        id: sold.id.parse().ok()?,
        posted_ms: sold.posted_ms,
        done_ms: sold.done_ms,
        listed_ms: sold.listed_ms,
        cost,
        location_code: sold.location_code,
        fails: sold.fails,
        account: sold.account,
        language,
        price_class,
        priority: sold.priority.parse().ok()?,
        refused: sold.refused,
        collected: false,
        meter: match &sold.meter {
            Some(line) => Some(meter(line, price_class, cost)?),
            None => None,
        },
        posted: sold.posted.get().trim().strip_prefix('{')?.strip_suffix('}')?.into(),
    })
}
