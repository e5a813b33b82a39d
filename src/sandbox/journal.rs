//! The state file: what was sold and collected, one JSON line each, written before the client hears of it.
//!
//! It is only appended to, by one write for each call. No fsync: it survives the death of the process, which is what
//! simulated crashes are about, not that of the machine. A torn last line is cut off when it is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::tasks::{Task, TaskId};
use crate::money::Money;

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
    Task(Sold<'a>),
    Collected {
        id: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Sold<'a> {
    id: String,
    account: u8,
    engine: String,
    priority: String,
    posted_ms: i64,
    done_ms: i64,
    listed_ms: i64,
    cost_nano_usd: i64,
    location_code: u32,
    language: String,
    fails: u32,
    refused: bool,
    #[serde(borrow)]
    posted: &'a RawValue,
}

/// What a line tells.
pub(super) enum Entry {
    Sold(Task),
    Collected(TaskId),
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
                engine: task.engine.name().to_owned(),
                priority: task.priority.name().to_owned(),
                posted_ms: task.posted_ms,
                done_ms: task.done_ms,
                listed_ms: task.listed_ms,
                cost_nano_usd: task.cost.nanos(),
                location_code: task.location_code,
                language: super::places::language_code(task.language).to_owned(),
                fails: task.fails,
                refused: task.refused,
                posted: &posted,
            };
            serde_json::to_writer(&mut lines, &Line::Task(sold))?;
            lines.push(b'\n');
        }
        self.append(&lines)
    }

    /// Writes down that an answer was collected.
    pub(super) fn collected(&mut self, id: TaskId) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line::Collected { id: id.to_string() })?;
        line.push(b'\n');
        self.append(&line)
    }
}

fn entry(text: &str) -> Option<Entry> {
    match serde_json::from_str(text).ok()? {
        Line::Collected { id } => id.parse().ok().map(Entry::Collected),
        Line::Task(sold) => {
            let posted = sold.posted.get().trim();
            Some(Entry::Sold(Task {
                id: sold.id.parse().ok()?,
                posted_ms: sold.posted_ms,
                done_ms: sold.done_ms,
                listed_ms: sold.listed_ms,
                cost: Money::from_nanos(sold.cost_nano_usd),
                location_code: sold.location_code,
                fails: sold.fails,
                account: sold.account,
                language: super::places::language_coded(&sold.language)?,
                engine: sold.engine.parse().ok()?,
                priority: sold.priority.parse().ok()?,
                refused: sold.refused,
                collected: false,
                posted: posted.strip_prefix('{')?.strip_suffix('}')?.into(),
            }))
        }
    }
}
