//! Prompts that look alike and are bought as two, in words and as data.

use serde_json::{Value, json};

use super::out::count;
use crate::job::NearTwins;

/// What a person is told of prompts that look alike.
pub(super) fn line(twins: &NearTwins) -> String {
    let [second, first] = &twins.first;
    let looks = if twins.prompts == 1 { "looks" } else { "look" };
    format!(
        "{} {looks} like another one and is bought as a question of its own, because it differs in white space, in invisible \
         characters or in how accents are composed; the first is {}:{}, which looks like {}:{}",
        count(twins.prompts, "prompt"),
        second.file.display(),
        second.line,
        first.file.display(),
        first.line
    )
}

pub(super) fn facts(twins: &NearTwins) -> Value {
    let places: Vec<Value> =
        twins.first.iter().map(|place| json!({ "file": place.file.to_string_lossy(), "line": place.line })).collect();
    json!({ "prompts": twins.prompts, "first": places[0], "like": places[1] })
}
