//! Problems: what is wrong with a file that a person wrote, where, and what to do about it.
//!
//! A reader collects all problems instead of stopping at the first. Words and help come from [`Wrong`], the picture
//! from `render`. Nothing here reads a file or prints.

mod alike;
mod amount;
mod file;
mod kind;
mod near;
mod of_asked;
mod of_config;
mod path;
mod price;
mod printable;
mod render;
mod slip;
mod word;
mod wrong;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(crate) use amount::likely_amounts;
pub use file::WrongFile;
pub(crate) use path::io_reason;
pub use price::WrongPrice;
pub(crate) use printable::printable;
pub use slip::Slip;
#[cfg(test)]
pub(crate) use word::all_called;
pub(crate) use word::called;
pub use wrong::Wrong;

/// Where something stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in Unicode scalar values, from 1.
    pub column: usize,
    /// What exactly.
    pub what: Spot,
}

/// The characters that a place means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// These bytes of the TOML file itself.
    Bytes(Range<usize>),
    /// The whole line of another file, which starts like this.
    Line(String),
}

/// One thing wrong. There is none without a place and a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// What.
    pub what: Wrong,
    /// What to do about it.
    pub help: String,
}

/// All that is wrong with a file and those it names, sorted by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    path: PathBuf,
    text: String,
    list: Vec<Problem>,
    /// The file that lists them all, where not all are shown; or why there is none.
    listed: Option<Result<PathBuf, String>>,
}

impl Problem {
    /// What is wrong at a place, with the help that goes with it.
    pub fn new(at: Place, what: Wrong) -> Self {
        let help = what.help();
        Self { at, what, help }
    }
}

impl Problems {
    /// The problems of a TOML file and of the files that it names; none of them twice.
    pub(crate) fn new(path: &Path, text: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by(|a, b| a.at.order(path).cmp(&b.at.order(path)));
        list.dedup();
        Self { path: path.to_owned(), text: text.to_owned(), list, listed: None }
    }

    /// The file that they are in, or that names the others.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where all of them are listed, as far as somebody did that.
    pub fn listed(&self) -> Option<&Result<PathBuf, String>> {
        self.listed.as_ref()
    }

    /// Notes where all of them are listed, or why that could not be done.
    #[must_use]
    pub fn with_list(mut self, listed: Result<PathBuf, String>) -> Self {
        self.listed = Some(listed);
        self
    }

    /// The same, where the help on a file that cannot be read says where it was looked for.
    #[must_use]
    pub(crate) fn looked_for(mut self, place: impl Fn(&Path) -> Option<String>) -> Self {
        for problem in &mut self.list {
            if let Wrong::Unreadable { file, .. } = &problem.what
                && let Some(place) = place(Path::new(file))
            {
                problem.help = format!("{}; it was looked for at `{}`", problem.help, printable(&place));
            }
        }
        self
    }

    /// Each of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True for none; readers hand out no such list.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Where the place of one of them ends: its line, and the first column behind it; none where the whole line is meant.
    pub fn end(&self, at: &Place) -> (usize, Option<usize>) {
        let Spot::Bytes(span) = &at.what else { return (at.line, None) };
        let meant = self.text.get(span.clone()).filter(|_| at.file == self.path).unwrap_or_default();
        match meant.rsplit_once('\n') {
            Some((before, last)) => (at.line + before.matches('\n').count() + 1, Some(last.chars().count() + 1)),
            None => (at.line, Some(at.column + meant.chars().count())),
        }
    }

    /// As a person reads them: each with its line shown and what is meant underlined. Without a trace of the control
    /// characters that the files may hold.
    pub fn render(&self, color: bool) -> String {
        render::render(&self.path, &self.text, &self.list, color)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Without colour.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

impl Place {
    /// The TOML file itself comes before those it names.
    fn order(&self, main: &Path) -> (bool, &Path, usize, usize) {
        (self.file != main, &self.file, self.line, self.column)
    }
}

/// `jobs/brands.toml:8:24`, or `prompts/crm.csv:12` where a whole line is meant.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", printable(&self.file.to_string_lossy()), self.line)?;
        match self.what {
            Spot::Bytes(_) => write!(f, ":{}", self.column),
            Spot::Line(_) => Ok(()),
        }
    }
}
