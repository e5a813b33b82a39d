//! A table of a TOML file, whose values are taken out one by one: each is what it should be, or a problem at its place.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Page, is_name, secret};
use crate::money::Money;
use crate::near::nearest;
use crate::problem::{Wrong, called};
use crate::product::UnknownWord;

/// The longest duration that makes sense anywhere, and that can be added to any time.
const YEAR: Duration = Duration::from_hours(366 * 24);

/// A table of the file.
#[derive(Clone)]
pub(crate) struct Section<'p, 't> {
    pub(crate) page: &'p Page<'t>,
    /// What it is called in messages: `a prompt set`, `[budget]`.
    pub(crate) name: &'static str,
    /// Its header, or itself where it is inline.
    pub(crate) span: Range<usize>,
    table: &'p DeTable<'t>,
    /// Keys of the file that are no known ones, each with the one that it is read as.
    read_as: RefCell<Vec<(String, &'static str)>>,
}

impl<'p, 't> Section<'p, 't> {
    pub(crate) fn root(page: &'p Page<'t>, table: &'p Spanned<DeTable<'t>>, name: &'static str) -> Self {
        Self { page, name, span: 0..0, table: table.get_ref(), read_as: RefCell::default() }
    }

    /// The value of an item of a list, as a table.
    pub(crate) fn item(&self, item: &'p Spanned<DeValue<'t>>, name: &'static str) -> Option<Self> {
        let Some(table) = item.get_ref().as_table() else {
            let written = self.page.text_of(item.span()).to_owned();
            self.page.wrong(item.span(), Wrong::NoTable { name, found: kind(item.get_ref()), written });
            return None;
        };
        Some(Self { page: self.page, name, span: item.span(), table, read_as: RefCell::default() })
    }

    /// Every key with its value, in the alphabet's order.
    pub(crate) fn entries(
        &self,
    ) -> impl Iterator<Item = (&'p str, Range<usize>, &'p Spanned<DeValue<'t>>)> + use<'p, 't> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// The key as it stands in the file, where it is misspelt there.
    fn written<'k>(&self, key: &'k str) -> Cow<'k, str> {
        let read_as = self.read_as.borrow();
        let misspelt = read_as.iter().find(|(_, known)| *known == key && !self.table.contains_key(key));
        misspelt.map_or(Cow::Borrowed(key), |(written, _)| Cow::Owned(written.clone()))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(&*self.written(key))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'p Spanned<DeValue<'t>>> {
        self.table.get(&*self.written(key))
    }

    /// Where the key stands.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(&*self.written(key)).map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// Every key that is none of the known ones is a problem; `explain` may know a better one for it. What is likely to be
    /// meant by it is read as that, so that what is wrong with its value is found at the same time.
    pub(crate) fn only(&self, known: &'static [&'static str], explain: impl Fn(&str) -> Option<Wrong>) {
        self.only_called(known, &[], explain);
    }

    /// The same, with what others call some of the keys.
    pub(crate) fn only_called(
        &self,
        known: &'static [&'static str],
        called: &[(&str, &'static str)],
        explain: impl Fn(&str) -> Option<Wrong>,
    ) {
        for (key, span, _) in self.entries().filter(|(key, ..)| !known.contains(key)) {
            if let Some(wrong) = secret(key) {
                self.page.wrong(span, wrong);
                continue;
            }
            let plain = key.to_lowercase().replace('-', "_");
            let named = called.iter().find(|(other, _)| *other == plain).map(|(_, name)| *name);
            let same = || known.iter().copied().find(|name| *name == plain);
            let near = named.or_else(same).or_else(|| nearest(key, known.iter().copied()));
            if let Some(near) = near {
                self.read_as.borrow_mut().push((key.to_owned(), near));
            }
            let unknown = || Wrong::UnknownKey {
                key: key.to_owned(),
                table: self.name,
                known,
                hint: near.map(|near| format!("did you mean `{near}`?")),
            };
            self.page.wrong(span, explain(key).unwrap_or_else(unknown));
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
            let written = self.page.text_of(value.span()).to_owned();
            self.page.wrong(value.span(), Wrong::WrongType { key: key.to_owned(), wants, found, written });
        }
        read
    }

    pub(crate) fn text(&self, key: &str) -> Option<Spanned<&'p str>> {
        let value = self.get(key)?;
        self.typed(key, value, "text in quotes", DeValue::as_str).map(|text| Spanned::new(value.span(), text))
    }

    /// A path, which a backslash may have made into something else.
    pub(crate) fn path(&self, key: &str) -> Option<Spanned<&'p str>> {
        let text = self.text(key)?;
        if !text.get_ref().contains(char::is_control) {
            return Some(text);
        }
        let written = self.page.text_of(text.span()).trim_matches('"');
        self.page.wrong(text.span(), Wrong::ControlInPath { instead: format!("'{written}'") });
        None
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
        self.unknown_word(key, text, error.known);
        None
    }

    /// A word that is none of these.
    pub(crate) fn unknown_word(&self, key: &str, text: &Spanned<&str>, known: &'static [&'static str]) {
        let word = *text.get_ref();
        let near = called(key, word, known).or_else(|| nearest(word, known.iter().copied()));
        let wrong = Wrong::UnknownWord { key: key.to_owned(), word: word.to_owned(), known, near };
        self.page.wrong(text.span(), wrong);
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
        let value = self.get(key)?;
        let text = self.typed(key, value, "a duration in quotes", DeValue::as_str)?;
        let text = Spanned::new(value.span(), text);
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
        Some(Self { page: self.page, name, span: value.span(), table, read_as: RefCell::default() })
    }

    /// The tables of a list.
    pub(crate) fn tables(&self, key: &'static str, name: &'static str) -> Option<Vec<Self>> {
        let value = self.get(key)?;
        if value.get_ref().is_table() {
            self.page.wrong(value.span(), Wrong::SingleTable { key });
            return Some(self.item(value, name).into_iter().collect());
        }
        Some(self.list(key)?.iter().filter_map(|item| self.item(item, name)).collect())
    }
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
