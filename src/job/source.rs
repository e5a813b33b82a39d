//! Where a set's prompts come from: the job file itself, a text file or a column of a CSV file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::set::Layers;
use crate::problem::Wrong;

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
    /// A file with one prompt a line.
    Text(PathBuf),
    /// A column of a CSV file, which may be left unnamed where it is the only one.
    Csv { path: PathBuf, column: Option<String> },
}

impl Origin {
    /// The file, where it is another than the job file.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::Text(path) | Self::Csv { path, .. } => Some(path),
        }
    }
}

/// An origin, and where the job file says what about it.
pub(super) struct Found {
    pub(super) origin: Origin,
    /// The value of `file` or `prompts`.
    pub(super) span: Range<usize>,
    /// The value of `column`.
    pub(super) column_span: Range<usize>,
    /// Each item of `prompts`.
    pub(super) item_spans: Vec<Range<usize>>,
}

/// What the set says, as far as that can be known without opening the file.
pub(super) fn find(job_path: &Path, layers: &Layers<'_, '_>) -> Option<Found> {
    let (set, page) = (&layers.set, layers.set.page);
    match (set.has("file"), set.has("prompts")) {
        (true, true) => page.wrong(set.key_span("prompts"), Wrong::FileAndPrompts),
        (false, false) => page.wrong(set.span.clone(), Wrong::NoPrompts),
        (true, false) => return find_file(job_path, layers),
        (false, true) => {
            if set.has("column") {
                page.wrong(set.key_span("column"), Wrong::ColumnNotCsv);
            }
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
    whole.then_some(Found { origin: Origin::Inline(texts), column_span: span.clone(), span, item_spans })
}

fn find_file(job_path: &Path, layers: &Layers<'_, '_>) -> Option<Found> {
    let (set, page) = (&layers.set, layers.set.page);
    let text = set.text("file")?;
    let path = job_path.parent().unwrap_or(Path::new("")).join(text.get_ref());
    let found = |origin, column_span| Some(Found { origin, span: text.span(), column_span, item_spans: Vec::new() });
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("txt") => {
            if set.has("column") {
                page.wrong(set.key_span("column"), Wrong::ColumnNotCsv);
            }
            found(Origin::Text(path), text.span())
        }
        Some("csv") => {
            let column = layers.with("column").map(|section| section.text("column"));
            let (column, column_span) = match column {
                None => (None, text.span()),
                Some(column) => column.map(|column| (Some((*column.get_ref()).to_owned()), column.span()))?,
            };
            found(Origin::Csv { path, column }, column_span)
        }
        Some(extension @ ("tsv" | "jsonl")) => {
            let works = "use a .txt file with one prompt a line, or a .csv file";
            page.wrong(text.span(), Wrong::NotBuilt { what: format!("reading .{extension} files"), works });
            None
        }
        _ => {
            page.wrong(text.span(), Wrong::UnknownFileKind { file: (*text.get_ref()).to_owned() });
            None
        }
    }
}
