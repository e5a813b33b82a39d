//! A TOML file that is being read, and everything found wrong with it; `section` takes the values of its tables out one by
//! one.
//!
//! Taking a wrong value records the problem and returns nothing, so that reading goes on. This module knows no key of
//! a job file or a config.

mod encoding;
mod lex;
mod section;
mod slip;

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Place, Problem, Problems, Spot, Wrong};
use slip::Rest;

pub(crate) use encoding::decode_toml;
pub(crate) use section::Section;

/// The number of syntax errors that are worth showing: one slip causes several.
const MOST_SYNTAX_ERRORS: usize = 10;

/// How the parser's words for text without quotes begin.
const UNQUOTED: &str = "string values must be quoted";

/// A TOML file being read.
pub(crate) struct Page<'t> {
    path: &'t Path,
    text: &'t str,
    line_starts: Vec<usize>,
    found: RefCell<Vec<Problem>>,
    hidden: RefCell<Vec<Range<usize>>>,
}

impl<'t> Page<'t> {
    pub(crate) fn new(path: &'t Path, text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Self { path, text, line_starts, found: RefCell::default(), hidden: RefCell::default() }
    }

    /// The tables of the text; none if it is not TOML, which is then the one thing to mend first.
    pub(crate) fn parse(&self) -> Option<Spanned<DeTable<'t>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let errors_at = errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message()));
        self.syntax(errors_at.collect());
        self.hide_secrets(table.get_ref());
        errors.is_empty().then_some(table)
    }

    /// Records what is not TOML: once for each slip, without its consequences.
    fn syntax(&self, mut errors: Vec<(Range<usize>, &str)>) {
        errors.sort_by_key(|(span, _)| span.start);
        let mut next_line = 1;
        let mut unquoted = (0, 0);
        for (span, message) in errors.into_iter().take(MOST_SYNTAX_ERRORS) {
            let line = self.place(span.clone()).line;
            // Each word of a list lacks quotes of its own.
            let is_next = message.starts_with(UNQUOTED) && unquoted.0 == line && span.start > unquoted.1;
            if line < next_line && !is_next {
                continue;
            }
            if message.starts_with(UNQUOTED) {
                unquoted = (line, span.end);
            }
            let Some(found) = slip::find(self.text, &span, message) else {
                self.wrong(span, Wrong::Syntax { message: message.to_owned() });
                next_line = line + 1;
                continue;
            };
            let is_secret = self.is_secret_line(found.span.start);
            let slip = if is_secret { found.slip.without_text() } else { found.slip };
            self.wrong(found.span, Wrong::Slip(slip));
            next_line = match found.rest {
                Rest::Counts => line + 1,
                Rest::AfterNextLine => line + 2,
                Rest::Follows => return,
            };
        }
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Place {
        // A parser's span may lie beyond the end or inside a character.
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        let line = self.line_starts.partition_point(|line_start| *line_start <= start);
        let column = self.text[self.line_starts[line - 1]..start].chars().count() + 1;
        Place { file: self.path.to_owned(), line, column, what: Spot::Bytes(start..end) }
    }

    /// The text at that place.
    pub(crate) fn text_of(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    pub(crate) fn wrong(&self, span: Range<usize>, what: Wrong) {
        self.add(Problem::new(self.place(span), what));
    }

    /// The number of problems recorded so far.
    pub(crate) fn problems(&self) -> usize {
        self.found.borrow().len()
    }

    pub(crate) fn add(&self, problem: Problem) {
        self.found.borrow_mut().push(problem);
    }

    /// Marks bytes that may be a secret: no picture shows them.
    pub(crate) fn hide(&self, span: Range<usize>) {
        self.hidden.borrow_mut().push(span);
    }

    /// The line of this place, or what is left of one that is no TOML, names something whose value is a secret; it is hidden.
    fn is_secret_line(&self, at: usize) -> bool {
        let line = lex::line_around(self.text, self.text.floor_char_boundary(at.min(self.text.len())));
        let Some(name) = secret_in(&self.text[line.clone()]) else { return false };
        let named = self.text[line.clone()].find(name).unwrap_or_default() + name.len();
        let rest = &self.text[line.start + named..line.end];
        let value = rest.find(['=', ':']).map_or(0, |sign| sign + 1);
        let behind = line.start + named + value;
        self.hide(behind..line.end);
        true
    }

    /// A secret in a file is also shown by the problem beside it, so it is hidden everywhere.
    fn hide_secrets(&self, table: &DeTable<'_>) {
        for (key, value) in table {
            match value.get_ref() {
                DeValue::Table(table) => self.hide_secrets(table),
                DeValue::Array(items) => {
                    items
                        .iter()
                        .filter_map(|item| item.get_ref().as_table())
                        .for_each(|table| self.hide_secrets(table));
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {
                    if secret(key.get_ref()).is_some() {
                        self.hide(value.span());
                    }
                }
            }
        }
    }

    /// The result if nothing is wrong with the text. A caller without a result has recorded why.
    pub(crate) fn finish<T>(self, made: Option<T>) -> Result<T, Problems> {
        let found = self.found.into_inner();
        match made {
            Some(made) if found.is_empty() => Ok(made),
            _ => {
                debug_assert!(!found.is_empty(), "nothing was made and nobody said why");
                let text = masked(self.text, &self.hidden.into_inner());
                Err(Problems::new(self.path, &text, found))
            }
        }
    }
}

/// The text with stars for what is hidden, byte for byte, so that places stay the same.
fn masked(text: &str, hidden: &[Range<usize>]) -> String {
    let mut masked = text.to_owned();
    for span in hidden {
        let start = masked.floor_char_boundary(span.start);
        let end = masked.ceil_char_boundary(span.end.max(start));
        let hiding: String = masked[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        masked.replace_range(start..end, &hiding);
    }
    masked
}

/// The word of a line whose value is a secret.
fn secret_in(line: &str) -> Option<&str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| secret(word).is_some())
}

/// What to do instead of writing a secret under this key: the content of a file gets copied, backed up and shown.
fn secret(key: &str) -> Option<Wrong> {
    let instead = match key {
        "login" | "user" | "username" | "email" => {
            "put it into an environment variable, and that one's name into `login_env` of the account"
        }
        "password" | "key" | "api_key" | "token" | "secret" => {
            "put it into an environment variable named by the account's `password_env`, or a file named by `password_file`"
        }
        _ => return None,
    };
    Some(Wrong::Secret { instead })
}

/// True for valid names of jobs, sets and accounts.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}
