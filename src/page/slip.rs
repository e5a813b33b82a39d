//! Slips of TOML: what people write who know other languages better, and how it is written here.
//!
//! The parser says what it expected; a person is told what they did. [`find`] recognises a slip by the parser's message and
//! by the text around its place, and moves the place to where the slip was made.

use std::ops::Range;

use super::lex::{self, line_around};
use crate::problem::{Slip, likely_amounts};

/// A slip, and where it was made.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) slip: Slip,
    pub(super) span: Range<usize>,
    /// What the parser says further on follows from this.
    pub(super) rest: Rest,
}

/// What becomes of later errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Each stands for itself, but for those of the same line.
    Counts,
    /// Those up to the next line follow from this one.
    AfterNextLine,
    /// All follow from this one.
    Follows,
}

/// The slip behind a parser's error, where it is one that is known.
pub(super) fn find(text: &str, span: &Range<usize>, message: &str) -> Option<Found> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let line = line_around(text, start);
    let counts = |slip| Some(Found { slip, span: span.clone(), rest: Rest::Counts });
    let follows = |slip, span| Some(Found { slip, span, rest: Rest::Follows });
    let trimmed = text[line.clone()].trim();
    if let Some(mark) = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().find(|mark| trimmed.starts_with(**mark)) {
        return follows(Slip::MergeMark { mark }, line);
    }
    if ["//", "/*", "--", ";", "%", "'''#"].iter().any(|mark| trimmed.starts_with(mark)) {
        return counts(Slip::Comment);
    }
    if text.trim_start().starts_with('{') && line_around(text, text.len() - text.trim_start().len()) == line {
        return follows(Slip::Json, line);
    }
    let first = message.split(',').next().unwrap_or_default();
    match first {
        "carriage return must be followed by newline" => follows(Slip::CarriageReturn, span.clone()),
        "missing escaped value" | "too few unicode value digits" | "invalid escape sequence" | "invalid value" => {
            backslash(text, start, &line)
        }
        "invalid basic string" | "invalid literal string" => in_text(text, start, &line, span),
        "missing comma between array elements" | "missing comma between key-value pairs" => comma(text, start, span),
        "missing opening quote"
        | "string values must be quoted"
        | "invalid boolean"
        | "invalid float"
        | "unexpected leading zero"
        | "`_` may only go between digits" => unquoted(text, start, span, first),
        "unexpected key or value" => behind_a_value(text, start, &line, span),
        "key with no value" | "invalid unquoted key" | "invalid key-value pair" | "unquoted keys cannot be empty" => {
            key(text, start, &line, span)
        }
        "missing value" | "missing value for key" => counts(Slip::NoValue),
        "extra `=`" | "extra assignment between key-value pairs" => counts(Slip::TwoEquals),
        "extra comma in array" | "extra comma in inline table" => counts(Slip::TwoCommas),
        "duplicate key" => {
            let name = text.get(span.clone()).unwrap_or_default().to_owned();
            let first = lex::first_of(text, &name, line.start);
            counts(Slip::Twice { name, first })
        }
        "unclosed array table" | "unclosed table" => {
            let marks = if trimmed.starts_with("[[") { ("[[", "]]") } else { ("[", "]") };
            counts(Slip::HeaderOpen { opened: marks.0, closed: marks.1 })
        }
        _ if first.contains("array") || first.contains("inline table") => open(text),
        _ => None,
    }
}

/// A list or an inline table that is not closed, at its opening bracket.
fn open(text: &str) -> Option<Found> {
    let (at, bracket) = lex::never_closed(text)?;
    let closing = if bracket == '[' { ']' } else { '}' };
    Some(Found { slip: Slip::Open { bracket, closing }, span: at..at + 1, rest: Rest::Follows })
}

/// A backslash in a text that reads it as the start of an escape.
fn backslash(text: &str, at: usize, line: &Range<usize>) -> Option<Found> {
    let string = lex::string_around(text, line, at)?;
    let inside = text.get(string.start + 1..string.end.saturating_sub(1))?;
    let literal = (!inside.contains('\'') && !inside.contains('"')).then(|| format!("'{inside}'"));
    let doubled = format!("\"{}\"", inside.replace('\\', "\\\\"));
    Some(Found { slip: Slip::Backslash { instead: literal.unwrap_or(doubled) }, span: string, rest: Rest::Counts })
}

/// Something in a text, or its end, is missing or wrong.
fn in_text(text: &str, at: usize, line: &Range<usize>, span: &Range<usize>) -> Option<Found> {
    let control = text[at..].chars().next().filter(|c| c.is_control() && !matches!(c, '\n' | '\r'));
    if let Some(control) = control {
        let slip = Slip::Control { code: u32::from(control) };
        return Some(Found { slip, span: at..at + control.len_utf8(), rest: Rest::Counts });
    }
    let string = lex::string_around(text, line, at)?;
    // `"C:\prompts\"` ends in an escaped quote.
    if text[string.clone()].ends_with("\\\"") {
        return backslash(text, at, line);
    }
    let quote = text[string.start..].chars().next()?;
    let (slip, span) = (Slip::Unclosed { quote }, if string.is_empty() { span.clone() } else { string });
    // In a list the parser goes on with the next line as if it were the rest of the text.
    let in_list = lex::never_closed(&text[..line.start]).is_some() || text[line.start..at].contains(['[', '{']);
    Some(Found { slip, span, rest: if in_list { Rest::AfterNextLine } else { Rest::Counts } })
}

/// Two values without a comma between them, or what looks like that to the parser.
fn comma(text: &str, at: usize, span: &Range<usize>) -> Option<Found> {
    let before = text[..at].chars().next_back();
    let here = text[at..].chars().next()?;
    let next = text[at..].chars().nth(1);
    if let Some(quote @ ('"' | '\'')) = before
        && !here.is_whitespace()
        && !matches!(here, '"' | '\'' | '{' | '[')
    {
        return Some(Found { slip: Slip::QuoteInside { quote }, span: at - 1..at, rest: Rest::Counts });
    }
    if here == '+' && next.is_none_or(|next| !next.is_ascii_digit()) {
        return Some(Found { slip: Slip::Added, span: span.clone(), rest: Rest::Counts });
    }
    // An item of the wrong kind is a mistake of its own.
    let word = lex::word(text, at);
    if (word.contains('=') || here == '[')
        && let Some(found) = open(text)
    {
        return Some(found);
    }
    Some(Found { slip: Slip::NoComma, span: span.clone(), rest: Rest::Counts })
}

/// A value that is no TOML by itself.
fn unquoted(text: &str, at: usize, span: &Range<usize>, message: &str) -> Option<Found> {
    let end = text.ceil_char_boundary(span.end.clamp(at, text.len()));
    let word = text[at..end].trim();
    let word = if word.is_empty() { lex::word(text, at).trim() } else { word };
    if message == "unexpected leading zero" {
        let number = lex::word(text, at).trim().trim_start_matches('0');
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return digits.then(|| Found {
            slip: Slip::LeadingZero { number: number.to_owned() },
            span: span.clone(),
            rest: Rest::Counts,
        });
    }
    let slip = match word.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Slip::Boolean { word: word.to_owned(), value: "true" },
        "false" | "no" | "off" | "n" => Slip::Boolean { word: word.to_owned(), value: "false" },
        "none" | "null" | "nil" | "undefined" => Slip::Null,
        _ if word.starts_with('(') => Slip::Parentheses,
        _ if word.starts_with(lex::is_curly) || word.ends_with(lex::is_curly) => {
            Slip::Curly { straight: format!("\"{}\"", word.trim_matches(lex::is_curly)) }
        }
        _ if word.is_empty() => return None,
        _ => Slip::Unquoted { quoted: quoted(word) },
    };
    Some(Found { slip, span: at..end.max(at + 1), rest: Rest::Counts })
}

/// Something behind a value that does not belong there.
fn behind_a_value(text: &str, at: usize, line: &Range<usize>, span: &Range<usize>) -> Option<Found> {
    let rest = text[at..line.end].trim();
    let value_start = line.start + text[line.clone()].find('=')? + 1;
    let value = text[value_start..line.end].trim();
    if rest == ";" || rest == "," {
        let mark = if rest == ";" { ';' } else { ',' };
        return Some(Found { slip: Slip::Trailing { mark }, span: span.clone(), rest: Rest::Counts });
    }
    if let Some(quote @ ('"' | '\'')) = text[..at].chars().next_back()
        && rest.starts_with(|c: char| c.is_alphanumeric())
    {
        return Some(Found { slip: Slip::QuoteInside { quote }, span: at - 1..at, rest: Rest::Counts });
    }
    let bare = !value.is_empty() && !value.starts_with(['"', '\'', '[', '{']);
    let start = value_start + text[value_start..].len() - text[value_start..].trim_start().len();
    let whole = start..start + value.len();
    bare.then(|| Found { slip: Slip::Unquoted { quoted: quoted(value) }, span: whole, rest: Rest::Counts })
        .or_else(|| Some(Found { slip: Slip::TwoValues, span: span.clone(), rest: Rest::Counts }))
}

/// What should be a key and `=`.
fn key(text: &str, at: usize, line: &Range<usize>, span: &Range<usize>) -> Option<Found> {
    let found = |slip| Some(Found { slip, span: span.clone(), rest: Rest::Counts });
    let whole = text[line.clone()].trim();
    let here = text[at..].chars().next();
    if let Some(blank) = here.filter(|c| !c.is_ascii() && (c.is_whitespace() || lex::is_invisible(*c))) {
        return found(Slip::Blank { code: u32::from(blank) });
    }
    if here.is_some_and(lex::is_curly) {
        return found(Slip::Curly { straight: "\"...\"".to_owned() });
    }
    let name = whole.split([':', '=', ' ', '\t']).next().unwrap_or_default();
    let behind = whole[name.len()..].trim_start();
    if let Some(value) = behind.strip_prefix(':') {
        let value = value.trim().trim_start_matches('=').trim();
        let value = if value.is_empty() { "..." } else { value };
        let quoted = if value.starts_with(['"', '\'', '[', '{']) { value.to_owned() } else { quoted(value) };
        return found(Slip::Colon { instead: format!("{} = {quoted}", name.trim_start_matches(['-', ' '])) });
    }
    if whole.starts_with("- ") {
        return found(Slip::Dash);
    }
    if let Some((words, _)) = whole.split_once('=') {
        let words = words.trim();
        if words.contains(' ') && !words.contains(['"', '\'']) {
            let words: Vec<&str> = words.split_whitespace().collect();
            return found(Slip::KeyOfWords { joined: words.join("_"), in_one: words.concat() });
        }
    }
    if !whole.contains('=') && !behind.is_empty() {
        let value = if behind.starts_with(['"', '\'', '[', '{']) { behind.to_owned() } else { quoted(behind) };
        return found(Slip::NoEquals { instead: format!("{name} = {value}") });
    }
    None
}

/// As a TOML text, without what is no part of it.
fn quoted(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ';']);
    // Money without quotes may be none with them either.
    if let [amount] = likely_amounts(text).as_slice() {
        return format!("\"{amount}\"");
    }
    let shown: String = text.chars().take(60).collect();
    let more = if text.chars().nth(60).is_some() { "..." } else { "" };
    if shown.contains(['"', '\\']) { format!("'{shown}{more}'") } else { format!("\"{shown}{more}\"") }
}
