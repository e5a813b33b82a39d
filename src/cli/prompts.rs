//! What `plan` shows of the prompts themselves: how their file was read, and the first and the last as they will be
//! sent.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::out::{count, grouped, printable};
use crate::job::{Job, Kind, PromptSet, Recognised};

/// Characters of a prompt that a line for people has.
const SHOWN: usize = 100;
/// Columns of a header that are shown.
const COLUMNS: usize = 12;

/// For people: a few lines for each set.
pub(super) fn text(job: &Job) -> String {
    let mut text = String::new();
    for set in &job.sets {
        let prompts = count(set.prompts.len() as u64, "distinct prompt");
        let _ = match &set.recognised {
            None => writeln!(text, "prompts of {}: {prompts}, in the job file", set.name),
            Some(file) => {
                writeln!(text, "prompts of {}: {prompts}, {}", set.name, printable(&file.file.to_string_lossy()))
            }
        };
        if let Some(file) = &set.recognised {
            let _ = writeln!(text, "  read as {}", how(file));
            if !file.header.is_empty() {
                let _ = writeln!(text, "  {}", header(file));
            }
        }
        let samples = &set.samples;
        for (at, prompt) in samples.first.iter().enumerate() {
            let _ = writeln!(text, "  {} {}", if at == 0 { "first:" } else { "      " }, cut(prompt));
        }
        if let Some(last) = &samples.last {
            let _ = writeln!(text, "  last:  {}", cut(last));
        }
        if samples.of_several_lines > 0 {
            let _ = writeln!(text, "  of several lines: {}", count(samples.of_several_lines, "prompt"));
        }
        if set.empty_rows > 0 {
            let _ = writeln!(text, "  skipped: {} without a prompt", count(set.empty_rows, "row"));
        }
    }
    text
}

fn how(file: &Recognised) -> String {
    let mut parts = vec![match (file.kind, file.delimiter) {
        (Kind::Text, _) => "one prompt a line".to_owned(),
        (Kind::Table, None) => "a table of one column".to_owned(),
        (Kind::JsonLines, _) => "JSON Lines".to_owned(),
        (Kind::Sheet, _) => format!("sheet `{}` of a workbook", cut(file.sheet.as_deref().unwrap_or_default())),
        (Kind::Table, Some(delimiter)) => format!("a table separated by {}", Recognised::shown(delimiter)),
    }];
    if let Some(encoding) = file.encoding {
        let mark = if file.marked { " with a byte order mark" } else { "" };
        parts.push(format!("{encoding}{mark}"));
    }
    if file.skipped_lines > 0 {
        let what = if file.header.is_empty() { "skipped" } else { "before the header skipped" };
        parts.push(format!("{} {what}", count(file.skipped_lines as u64, "line")));
    }
    parts.join(", ")
}

fn header(file: &Recognised) -> String {
    let names: Vec<String> = file.header.iter().take(COLUMNS).map(|name| format!("`{}`", cut(name))).collect();
    let more = match file.header.len().saturating_sub(COLUMNS) {
        0 => String::new(),
        more => format!(" and {} more", grouped(more as u64)),
    };
    let column = file.column.as_deref().map_or_else(String::new, |name| format!("; prompts in `{}`", cut(name)));
    format!("header {}{more}{column}", names.join(", "))
}

/// On one line, and not too much of it.
fn cut(text: &str) -> String {
    let mut shown = printable(&text.chars().take(SHOWN).collect::<String>());
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// As data: one row for each set, with the prompts in full.
pub(super) fn facts(job: &Job) -> Value {
    job.sets.iter().map(of_set).collect()
}

fn of_set(set: &PromptSet) -> Value {
    let mut row = Map::new();
    row.insert("set".into(), set.name.clone().into());
    row.insert("prompts".into(), set.prompts.len().into());
    row.insert("duplicates".into(), set.duplicates.into());
    row.insert("empty_rows".into(), set.empty_rows.into());
    row.insert("of_several_lines".into(), set.samples.of_several_lines.into());
    row.insert("first".into(), set.samples.first.clone().into());
    row.insert("last".into(), set.samples.last.as_ref().or(set.samples.first.last()).cloned().into());
    let file = set.recognised.as_ref().map(|file| {
        json!({
            "path": file.file.to_string_lossy(),
            "kind": file.kind.name(),
            "encoding": file.encoding,
            "byte_order_mark": file.marked,
            "delimiter": file.delimiter.map(|delimiter| char::from(delimiter).to_string()),
            "skipped_lines": file.skipped_lines,
            "sheet": file.sheet,
            "header": file.header,
            "column": file.column,
        })
    });
    row.insert("file".into(), file.into());
    Value::Object(row)
}
