//! Prompts in JSON Lines: a text a line, or an object with a text under a key.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::notation::Recognised;
use super::rows::Lines;
use super::stream::{Each, Item, Unusable, item, shown, start, trimmed};
use crate::problem::{Wrong, WrongFile};

/// Reads the prompts, until `each` breaks off.
pub(super) fn read(
    text: impl BufRead,
    column: Option<&str>,
    undecodable: &Wrong,
    recognised: &mut Recognised,
    each: Each<'_>,
) -> Result<(), Unusable> {
    let mut lines = Lines::new(text);
    let mut bytes = Vec::new();
    while lines.next(&mut bytes)? {
        let line = lines.line;
        let bad = |what| Item::Bad { line, shown: shown(&bytes), what };
        let Ok(text) = str::from_utf8(&bytes).map(trimmed) else {
            if each(bad(undecodable.clone())).is_break() {
                break;
            }
            continue;
        };
        if text.is_empty() {
            continue;
        }
        let value = serde_json::from_str::<Value>(text);
        let found = match &value {
            // It is one line of many.
            Err(error) => {
                Err(WrongFile::Json { message: error.to_string().replace(" at line 1 column ", " at column ") })
            }
            Ok(Value::String(text)) => Ok(Some(text.as_str())),
            Ok(Value::Object(object)) => {
                if recognised.header.is_empty() {
                    recognised.header = object.keys().cloned().collect();
                    let only = object.keys().next().filter(|_| object.len() == 1);
                    recognised.column = column.or(only.map(String::as_str)).map(str::to_owned);
                }
                in_object(object, column)
            }
            Ok(other) => Err(WrongFile::JsonNotText { found: kind(other) }),
        };
        let item = match found {
            Ok(None) => Item::EmptyCell,
            Ok(Some(text)) => item(line, text.as_bytes(), undecodable),
            Err(wrong) => {
                let is_of_all = matches!(wrong, WrongFile::JsonKeyUnsaid { .. });
                if each(bad(Wrong::File(wrong))).is_break() || is_of_all {
                    break;
                }
                continue;
            }
        };
        if each(item).is_break() {
            break;
        }
    }
    Ok(())
}

/// The text under a key, or under the only one; none where it is null.
fn in_object<'v>(object: &'v Map<String, Value>, column: Option<&str>) -> Result<Option<&'v str>, WrongFile> {
    let keys = || object.keys().take(50).map(|key| format!("`{}`", start(key))).collect::<Vec<_>>().join(", ");
    let value = match column {
        Some(column) => {
            let missing = || WrongFile::JsonKeyMissing { column: column.to_owned(), keys: keys() };
            object.get(column).or_else(|| inside(object, column)).ok_or_else(missing)?
        }
        None => match object.values().next().filter(|_| object.len() == 1) {
            Some(only) => only,
            None => return Err(WrongFile::JsonKeyUnsaid { keys: keys() }),
        },
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(WrongFile::JsonNotText { found: kind(value) })
        }
    }
}

/// What stands under `a.b`: the key `b` inside `a`.
fn inside<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut keys = path.split('.');
    let first = object.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.as_object()?.get(key))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
