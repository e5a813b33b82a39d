//! The source of a set's prompts: the job file itself or another file, and the notation of that file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::decode;
use super::layers::Layers;
use super::notation::{Kind, Notation};
use crate::page::Section;
use crate::problem::{Wrong, WrongFile};

/// Where the prompts of a set come from, and what they were when the job was checked.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) origin: Origin,
    /// How many distinct prompts the job has up to the end of this set.
    pub(super) until: u32,
    /// The hash over the hashes of the set's prompts, those that come again included.
    pub(super) digest: [u8; 16],
}

/// Where prompts come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The job file.
    Inline(Vec<String>),
    /// Another file.
    File { path: PathBuf, notation: Notation },
}

impl Origin {
    /// What the file is, where there is one.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Inline(_) => None,
            Self::File { notation, .. } => Some(notation.kind),
        }
    }

    /// The file, where it is another than the job file.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File { path, .. } => Some(path),
        }
    }
}

/// An origin, and where the job file says what about it.
pub(super) struct Found {
    pub(super) origin: Origin,
    /// The value of `file` or `prompts`.
    pub(super) span: Range<usize>,
    /// The values of the keys that say how the file is written.
    pub(super) said: Vec<(&'static str, Range<usize>)>,
    /// Each item of `prompts`.
    pub(super) item_spans: Vec<Range<usize>>,
}

impl Found {
    /// Where a key stands that says how the file is written, or else the file.
    pub(super) fn said(&self, key: &str) -> Range<usize> {
        let said = self.said.iter().find(|(said, _)| *said == key);
        said.map_or(&self.span, |(_, span)| span).clone()
    }
}

/// Keys that say how a file is written.
const NOTATION_KEYS: [&str; 5] = ["column", "delimiter", "encoding", "skip_lines", "sheet"];
/// Lines that may stand before a header.
const MOST_SKIPPED: u32 = 1_000;

/// What the set says, as far as that can be known without opening the file.
pub(super) fn find(job_path: &Path, layers: &Layers<'_, '_>) -> Option<Found> {
    let (set, page) = (&layers.set, layers.set.page);
    match (set.has("file"), set.has("prompts")) {
        (true, true) => page.wrong(set.key_span("prompts"), Wrong::FileAndPrompts),
        (false, false) => page.wrong(set.span.clone(), Wrong::NoPrompts),
        (true, false) => return find_file(job_path, layers),
        (false, true) => {
            not_for(layers, "prompts of the job file itself", &[], "a `file`");
            return find_inline(layers);
        }
    }
    None
}

fn find_inline(layers: &Layers<'_, '_>) -> Option<Found> {
    let set = &layers.set;
    let items = set.list("prompts")?;
    let mut texts = Vec::new();
    let mut item_spans = Vec::new();
    for item in items {
        if let Some(text) = set.typed("prompts", item, "text in quotes", |value| value.as_str()) {
            texts.push(text.to_owned());
            item_spans.push(item.span());
        }
    }
    let whole = texts.len() == items.len() && !items.is_empty();
    let span = set.key_span("prompts");
    whole.then_some(Found { origin: Origin::Inline(texts), said: Vec::new(), span, item_spans })
}

/// Keys of the set that do not go with prompts of this kind are mistakes; those of `[defaults]` are for other sets.
fn not_for(layers: &Layers<'_, '_>, kind: &'static str, allowed: &[&str], works: &'static str) {
    let set = &layers.set;
    for key in NOTATION_KEYS.into_iter().filter(|key| set.has(key) && !allowed.contains(key)) {
        set.page.wrong(set.key_span(key), Wrong::File(WrongFile::NotForKind { key, kind, works }));
    }
}

fn find_file(job_path: &Path, layers: &Layers<'_, '_>) -> Option<Found> {
    let (set, page) = (&layers.set, layers.set.page);
    let text = set.path("file")?;
    let path = job_path.parent().unwrap_or(Path::new("")).join(text.get_ref());
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    // Excel's "Unicode text" is a table in a file named `.txt`.
    let is_table = set.has("column") || set.has("delimiter");
    let (kind, keys): (_, &[&'static str]) = match extension.as_deref() {
        Some("txt") if !is_table => (Kind::Text, &["encoding", "skip_lines"]),
        Some("txt" | "csv" | "tsv" | "tab") => (Kind::Table, &["column", "delimiter", "encoding", "skip_lines"]),
        Some("jsonl" | "ndjson") => (Kind::JsonLines, &["column", "encoding"]),
        Some("xlsx" | "xlsm") => (Kind::Sheet, &["column", "skip_lines", "sheet"]),
        _ => {
            page.wrong(text.span(), Wrong::UnknownFileKind { file: (*text.get_ref()).to_owned() });
            return None;
        }
    };
    let (of, works) = match kind {
        Kind::Text => ("a text file with a prompt a line", "a table"),
        Kind::Table => ("a table of text", "an .xlsx file"),
        Kind::JsonLines => ("JSON Lines", "a .csv file"),
        Kind::Sheet => ("an Excel workbook", "a .csv file"),
    };
    not_for(layers, of, keys, works);
    let tabs = extension.as_deref() != Some("csv");
    let (notation, said) = read_notation(layers, kind, tabs, keys)?;
    Some(Found { origin: Origin::File { path, notation }, span: text.span(), said, item_spans: Vec::new() })
}

type Spans = Vec<(&'static str, Range<usize>)>;

fn read_notation(layers: &Layers<'_, '_>, kind: Kind, tabs: bool, keys: &[&'static str]) -> Option<(Notation, Spans)> {
    let mut notation =
        Notation { kind, column: None, delimiter: None, encoding: None, skip_lines: None, sheet: None, tabs };
    let mut said = Spans::new();
    for key in keys {
        let Some(section) = layers.with(key) else { continue };
        let span = section.get(key)?.span();
        match *key {
            "column" => notation.column = Some((*section.text(key)?.get_ref()).to_owned()),
            "sheet" => notation.sheet = Some((*section.text(key)?.get_ref()).to_owned()),
            "delimiter" => notation.delimiter = Some(read_delimiter(section)?),
            "encoding" => notation.encoding = Some(read_encoding(section)?),
            _ => notation.skip_lines = section.whole(key, 0..=MOST_SKIPPED).map(|lines| lines as usize).map(Some)?,
        }
        said.push((key, span));
    }
    Some((notation, said))
}

fn read_delimiter(section: &Section<'_, '_>) -> Option<u8> {
    let text = section.text("delimiter")?;
    let found = match (text.get_ref().to_lowercase().as_str(), text.get_ref().as_bytes()) {
        ("tab" | "tabs" | "\\t", _) => Some(b'\t'),
        ("comma", _) => Some(b','),
        ("semicolon", _) => Some(b';'),
        (_, [one]) if *one == b'\t' || one.is_ascii_punctuation() && *one != b'"' || *one == b' ' => Some(*one),
        _ => None,
    };
    if found.is_none() {
        let text_said = (*text.get_ref()).to_owned();
        section.page.wrong(text.span(), Wrong::File(WrongFile::BadDelimiter { text: text_said }));
    }
    found
}

fn read_encoding(section: &Section<'_, '_>) -> Option<&'static Encoding> {
    let text = section.text("encoding")?;
    let found = decode::by_name(text.get_ref());
    if found.is_none() {
        let text_said = (*text.get_ref()).to_owned();
        section.page.wrong(text.span(), Wrong::File(WrongFile::BadEncoding { text: text_said }));
    }
    found
}
