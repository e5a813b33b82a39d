//! Prompts that look alike and are bought as two, in words and as data.

use serde_json::{Value, json};

use super::out::count;
use crate::job::NearDuplicates;

/// What a person is told of prompts that look alike.
pub(super) fn line(duplicates: &NearDuplicates) -> String {
    let [second, first] = &duplicates.first;
    let scans = if duplicates.prompts == 1 { "looks" } else { "look" };
    format!(
        "{} {scans} like another one and is bought as a question of its own, because it differs in white space, in invisible \
         characters or in how accents are composed; the first is {}:{}, which looks like {}:{}",
        count(duplicates.prompts, "prompt"),
        second.file.display(),
        second.line,
        first.file.display(),
        first.line
    )
}

pub(super) fn facts(duplicates: &NearDuplicates) -> Value {
    let places: Vec<Value> = duplicates
        .first
        .iter()
        .map(|place| json!({ "file": place.file.to_string_lossy(), "line": place.line }))
        .collect();
    json!({ "prompts": duplicates.prompts, "first": places[0], "like": places[1] })
}
