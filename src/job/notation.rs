//! The notation of a prompt file: what the job file says about it, and what was recognised.

use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use crate::product::named;

named! {
    /// What a prompt file is.
    Kind {
        /// One prompt a line.
        Text = "text",
        /// Rows and columns below a header.
        Table = "table",
        /// A JSON value a line.
        JsonLines = "jsonl",
        /// A sheet of an Excel workbook.
        Sheet = "xlsx",
    }
}

/// What the job file says of a prompt file; what it leaves open is recognised.
#[derive(Clone, Debug)]
pub(super) struct Notation {
    pub(super) kind: Kind,
    pub(super) column: Option<String>,
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) skip_lines: Option<usize>,
    pub(super) sheet: Option<String>,
    /// The file's name says that tabs separate.
    pub(super) tabs: bool,
}

/// How a prompt file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The file, its path joined to the job file's folder.
    pub file: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// What its text is written in.
    pub encoding: Option<&'static str>,
    /// It begins with a byte order mark.
    pub marked: bool,
    /// What separates the cells of its rows.
    pub delimiter: Option<u8>,
    /// Lines before the first prompt or the header.
    pub skipped_lines: usize,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The names of its columns.
    pub header: Vec<String>,
    /// The column of the prompts.
    pub column: Option<String>,
}

impl Recognised {
    pub(super) fn new(file: &Path, kind: Kind) -> Self {
        Self {
            file: file.to_owned(),
            kind,
            encoding: None,
            marked: false,
            delimiter: None,
            skipped_lines: 0,
            sheet: None,
            header: Vec::new(),
            column: None,
        }
    }

    /// A separator as a person reads it.
    pub fn shown(delimiter: u8) -> String {
        match delimiter {
            b'\t' => "tabs".to_owned(),
            delimiter => format!("`{}`", char::from(delimiter)),
        }
    }
}
