//! Prompts that were probably not meant as they stand, in words and as data.

use serde_json::{Value, json};

use super::out::{count, printable};
use crate::job::{Job, Oddness, PromptSet, Suspects};

/// What a person is told of them, one a line.
pub(super) fn lines(job: &Job) -> impl Iterator<Item = String> {
    job.sets.iter().flat_map(|set| set.suspects.iter().map(move |suspects| line(set, suspects)))
}

fn line(set: &PromptSet, suspects: &Suspects) -> String {
    let prompts = count(suspects.prompts, "prompt");
    let (what, advice) = match suspects.oddness {
        Oddness::Placeholder => ("with a placeholder that nothing fills in", "write each in full"),
        Oddness::Mojibake => ("whose letters were decoded wrongly", "save the file anew from its source, as UTF-8"),
        Oddness::Comment => ("like a comment", "remove them: a .txt file has no comments"),
        Oddness::ListItem => ("with a number or a dash of a list before it", "remove it"),
        Oddness::Quoted => ("in quotes", "remove them, or name the file .csv"),
        Oddness::Header => ("like the header of a table", "name the file .csv, or remove the line"),
    };
    let shown = printable(&suspects.shown);
    format!(
        "prompt set `{}` has {prompts} {what}, the first `{shown}` ({}); they are asked as they stand: {advice}",
        set.name,
        place(set, suspects)
    )
}

fn place(set: &PromptSet, suspects: &Suspects) -> String {
    match &set.recognised {
        Some(file) => format!("{}:{}", printable(&file.file.to_string_lossy()), suspects.line),
        None => format!("no. {} of `prompts`", suspects.line),
    }
}

pub(super) fn facts(job: &Job) -> Value {
    let of = |set: &PromptSet, suspects: &Suspects| {
        json!({ "set": set.name, "oddness": suspects.oddness.name(), "prompts": suspects.prompts,
                "first": { "file": set.recognised.as_ref().map(|file| file.file.to_string_lossy().into_owned()),
                           "line": suspects.line, "shown": suspects.shown } })
    };
    job.sets.iter().flat_map(|set| set.suspects.iter().map(move |suspects| of(set, suspects))).collect()
}
