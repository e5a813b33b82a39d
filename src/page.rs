//! A TOML file that is being read: its tables, whose values are taken out one by one, and everything found wrong with
//! them.
//!
//! Taking a wrong value records the problem and returns nothing, so that reading goes on. This module knows no key of
//! a job file or a config.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::money::Money;
use crate::problem::{Place, Problem, Problems, Spot, Wrong, nearest};
use crate::product::UnknownWord;

/// Syntax errors that are worth showing: one slip causes several.
const MOST_SYNTAX_ERRORS: usize = 10;

/// The longest duration that makes sense anywhere, and that can be added to any time.
const YEAR: Duration = Duration::from_hours(366 * 24);

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

    /// The tables of the text; none where it is no TOML, which is then the one thing to mend first.
    pub(crate) fn parse(&self) -> Option<Spanned<DeTable<'t>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors.iter().take(MOST_SYNTAX_ERRORS) {
            let message = error.message().to_owned();
            self.wrong(error.span().unwrap_or(0..0), Wrong::Syntax { message });
        }
        self.hide_secrets(table.get_ref());
        errors.is_empty().then_some(table)
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Place {
        // A parser's span may lie beyond the end or inside a character.
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        let line = self.line_starts.partition_point(|line_start| *line_start <= start);
        let column = self.text[self.line_starts[line - 1]..start].chars().count() + 1;
        Place { file: self.path.to_owned(), line, column, what: Spot::Bytes(start..end) }
    }

    /// The text as it stands there.
    pub(crate) fn text_of(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    pub(crate) fn wrong(&self, span: Range<usize>, what: Wrong) {
        self.add(Problem::new(self.place(span), what));
    }

    /// How many are written down so far.
    pub(crate) fn problems(&self) -> usize {
        self.found.borrow().len()
    }

    pub(crate) fn add(&self, problem: Problem) {
        self.found.borrow_mut().push(problem);
    }

    /// These bytes may be a secret: no picture shows them.
    pub(crate) fn hide(&self, span: Range<usize>) {
        self.hidden.borrow_mut().push(span);
    }

    /// A secret that stands in a file is also shown by the problem beside it, so it is hidden wherever it stands.
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

    /// What was made of the text if nothing is wrong with it. Whoever makes nothing has said why.
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

/// A table of the file.
#[derive(Clone)]
pub(crate) struct Section<'p, 't> {
    pub(crate) page: &'p Page<'t>,
    /// What it is called in messages: `a prompt set`, `[budget]`.
    pub(crate) name: &'static str,
    /// Its header, or itself where it is inline.
    pub(crate) span: Range<usize>,
    table: &'p DeTable<'t>,
}

impl<'p, 't> Section<'p, 't> {
    pub(crate) fn root(page: &'p Page<'t>, table: &'p Spanned<DeTable<'t>>, name: &'static str) -> Self {
        Self { page, name, span: 0..0, table: table.get_ref() }
    }

    /// The value of an item of a list, as a table.
    pub(crate) fn item(&self, item: &'p Spanned<DeValue<'t>>, name: &'static str) -> Option<Self> {
        let Some(table) = item.get_ref().as_table() else {
            self.page.wrong(item.span(), Wrong::NoTable { name, found: kind(item.get_ref()) });
            return None;
        };
        Some(Self { page: self.page, name, span: item.span(), table })
    }

    /// Every key with its value, in the alphabet's order.
    pub(crate) fn entries(
        &self,
    ) -> impl Iterator<Item = (&'p str, Range<usize>, &'p Spanned<DeValue<'t>>)> + use<'p, 't> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'p Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// Where the key stands.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// Every key that is none of the known ones is a problem; `explain` may know a better one for it.
    pub(crate) fn only(&self, known: &'static [&'static str], explain: impl Fn(&str) -> Option<Wrong>) {
        for (key, span, _) in self.entries().filter(|(key, ..)| !known.contains(key)) {
            let unknown = || Wrong::UnknownKey {
                key: key.to_owned(),
                table: self.name,
                known,
                hint: nearest(key, known.iter().copied()).map(|near| format!("did you mean `{near}`?")),
            };
            self.page.wrong(span, secret(key).or_else(|| explain(key)).unwrap_or_else(unknown));
        }
    }

    /// A problem if the key is not there.
    pub(crate) fn need(&self, key: &'static str, example: &'static str) {
        if !self.has(key) {
            self.page.wrong(self.span.clone(), Wrong::Missing { key, table: self.name, example });
        }
    }

    /// The value as what `read` makes of it; a problem if that is nothing.
    pub(crate) fn typed<T>(
        &self,
        key: &str,
        value: &'p Spanned<DeValue<'t>>,
        wants: &'static str,
        read: impl FnOnce(&'p DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let read = read(value.get_ref());
        if read.is_none() {
            let found = kind(value.get_ref());
            self.page.wrong(value.span(), Wrong::WrongType { key: key.to_owned(), wants, found });
        }
        read
    }

    pub(crate) fn text(&self, key: &str) -> Option<Spanned<&'p str>> {
        let value = self.get(key)?;
        self.typed(key, value, "text in quotes", DeValue::as_str).map(|text| Spanned::new(value.span(), text))
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        self.typed(key, self.get(key)?, "true or false", DeValue::as_bool)
    }

    pub(crate) fn whole(&self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key)?;
        let integer = self.typed(key, value, "a whole number", DeValue::as_integer)?;
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            let (min, max) = (*range.start(), *range.end());
            let wrong = Wrong::OutOfRange { key: key.to_owned(), min, max, found: integer.to_string() };
            self.page.wrong(value.span(), wrong);
        }
        number
    }

    /// One of the words of an enum.
    pub(crate) fn word<T: FromStr<Err = UnknownWord>>(&self, key: &str) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        self.parse_word(key, &text).map(|word| Spanned::new(text.span(), word))
    }

    pub(crate) fn parse_word<T: FromStr<Err = UnknownWord>>(&self, key: &str, text: &Spanned<&str>) -> Option<T> {
        let error = match text.get_ref().parse() {
            Ok(word) => return Some(word),
            Err(error) => error,
        };
        let near = nearest(&error.word, error.known.iter().copied());
        let wrong = Wrong::UnknownWord { key: key.to_owned(), word: error.word, known: error.known, near };
        self.page.wrong(text.span(), wrong);
        None
    }

    pub(crate) fn amount(&self, key: &str) -> Option<Money> {
        let value = self.get(key)?;
        let unquoted = match value.get_ref() {
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                None
            }
        };
        if let Some(found) = unquoted {
            self.page.wrong(value.span(), Wrong::AmountUnquoted { key: key.to_owned(), found });
            return None;
        }
        let text = self.typed(key, value, "an amount of dollars in quotes", DeValue::as_str)?;
        text.parse()
            .map_err(|error| self.page.wrong(value.span(), Wrong::BadAmount { key: key.to_owned(), error }))
            .ok()
    }

    /// A duration of more than nothing and no more than a year.
    pub(crate) fn duration(&self, key: &str) -> Option<Spanned<Duration>> {
        let text = self.text(key)?;
        let duration =
            humantime::parse_duration(text.get_ref()).ok().filter(|found| !found.is_zero() && *found <= YEAR);
        if duration.is_none() {
            let wrong = Wrong::BadDuration { key: key.to_owned(), text: (*text.get_ref()).to_owned() };
            self.page.wrong(text.span(), wrong);
        }
        duration.map(|duration| Spanned::new(text.span(), duration))
    }

    /// A name as jobs, sets and accounts have it.
    pub(crate) fn name(&self, key: &str) -> Option<Spanned<String>> {
        let text = self.text(key)?;
        let name = (*text.get_ref()).to_owned();
        if is_name(&name) {
            return Some(Spanned::new(text.span(), name));
        }
        self.page.wrong(text.span(), Wrong::BadName { name });
        None
    }

    /// The items of a list.
    pub(crate) fn list(&self, key: &'static str) -> Option<&'p [Spanned<DeValue<'t>>]> {
        let value = self.get(key)?;
        let items = self.typed(key, value, "a list in brackets", DeValue::as_array)?;
        if items.is_empty() {
            self.page.wrong(value.span(), Wrong::Empty { key });
        }
        Some(items)
    }

    pub(crate) fn table(&self, key: &'static str, name: &'static str) -> Option<Self> {
        let value = self.get(key)?;
        let table = self.typed(key, value, "a table", DeValue::as_table)?;
        Some(Self { page: self.page, name, span: value.span(), table })
    }

    /// The tables of a list.
    pub(crate) fn tables(&self, key: &'static str, name: &'static str) -> Option<Vec<Self>> {
        let value = self.get(key)?;
        if value.get_ref().is_table() {
            self.page.wrong(value.span(), Wrong::SingleTable { key });
            return None;
        }
        Some(self.list(key)?.iter().filter_map(|item| self.item(item, name)).collect())
    }
}

/// The text with stars for what is hidden, byte for byte, so that places stay.
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

/// What to do instead of writing a secret under this key: what stands in a file will be copied, backed up and shown.
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

/// True for what jobs, sets and accounts can be called.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
