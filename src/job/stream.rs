//! Prompt files as a stream of prompts, one in memory at a time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::impostor;
use crate::problem::Wrong;
use crate::text::one_line_end;

/// As much of a line as a message can show.
const SHOWN_CHARS: usize = 200;

/// Opens files: the disk, or what a test holds in memory.
pub trait Files {
    /// Opens a file to be read from its session.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>>;

    /// The names of the files beside one that cannot be opened, as far as they are known.
    fn beside(&self, _path: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// Names of a folder that are compared with one that was not found.
const MOST_NAMES: usize = 5_000;

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        Ok(Box::new(BufReader::new(File::open(path)?)))
    }

    fn beside(&self, path: &Path) -> Vec<String> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST_NAMES);
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, Vec<u8>> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }

    fn beside(&self, path: &Path) -> Vec<String> {
        let beside = self.keys().filter(|other| other.parent() == path.parent());
        beside.filter_map(|other| Some(other.file_name()?.to_str()?.to_owned())).collect()
    }
}

/// What a file holds, one after the other.
pub(super) enum Item<'i> {
    /// A prompt, and the line it begins on (for the job file's own: which it is, from 1).
    Prompt { line: usize, text: Cow<'i, str> },
    /// A cell without a prompt.
    EmptyCell,
    /// Something that is no prompt, as it can be shown.
    Bad { line: usize, shown: String, what: Wrong },
}

/// Why a file gives no prompts at all.
pub(super) enum Unusable {
    /// It cannot be opened, or not be read to its end.
    Io(io::Error),
    /// What this key of the job file says does not fit it.
    Said(&'static str, Wrong),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(super) type Each<'e> = &'e mut dyn FnMut(Item<'_>) -> ControlFlow<()>;

/// The text the engine is to read, but for its line ends: without the white space around it, and without the mark that
/// some editors put at the start of a file.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

pub(super) fn prompt(line: usize, text: &str) -> Item<'_> {
    if text.contains('\0') {
        return Item::Bad { line, shown: start(text), what: Wrong::Nul };
    }
    Item::Prompt { line, text: one_line_end(text) }
}

pub(super) fn start(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// The start of a line, with what is no UTF-8 marked.
pub(super) fn shown(bytes: &[u8]) -> String {
    start(trimmed(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_CHARS)])))
}

/// What the bytes of a line or of a cell are; blank ones are an empty cell.
pub(super) fn item<'i>(line: usize, bytes: &'i [u8], undecodable: &Wrong) -> Item<'i> {
    let Ok(text) = str::from_utf8(bytes).map(trimmed) else {
        return Item::Bad { line, shown: shown(bytes), what: undecodable.clone() };
    };
    if impostor::is_blank(text) {
        return Item::EmptyCell;
    }
    match impostor::by_line(text) {
        Some(what) => Item::Bad { line, shown: start(text), what: Wrong::File(what) },
        None => prompt(line, text),
    }
}
