//! Mistakes as data, for editors and CI: `--json` puts on stdout what stderr shows as pictures.
//!
//! It is a document of schema `bursar.problems/1`; for `bursar run`, an event `problems` in its stream. Lines and
//! columns count from 1, columns in Unicode scalar values. `end_column` is the first column after the mistake, and
//! null if the whole line is meant.

use std::io;

use serde_json::{Value, json};

use super::exit::Exit;
use super::{event_text, out};
use crate::clock::Clock;
use crate::problem::{Problem, Problems};

/// Puts an error on stdout.
pub(super) fn tell(error: &anyhow::Error, out: out::Out) -> io::Result<()> {
    let exit = Exit::of(error).code();
    let problems: Value = match error.downcast_ref::<Problems>() {
        Some(problems) => problems.iter().map(|problem| of(problem, problems)).collect(),
        None => json!([without_place(error)]),
    };
    let listed = error.downcast_ref::<Problems>().and_then(|problems| problems.listed()?.as_ref().ok());
    let listed_in = listed.map(|path| path.display().to_string());
    let facts = json!({ "exit": exit, "problems": problems, "listed_in": listed_in });
    if out.events {
        let line = event_text::line("problems", Clock::system().now().wall, facts);
        return out::data(&format!("{line}\n"));
    }
    out::document(&json!({ "schema": "bursar.problems/1", "exit": exit, "problems": problems, "listed_in": listed_in }))
}

/// Says what a person must know of a session; in the stream of a run it is an event `notice` as well.
pub(super) fn notice(what: &str, out: out::Out) -> io::Result<()> {
    out.must(what);
    if !(out.json && out.events) {
        return Ok(());
    }
    let line = event_text::line("notice", Clock::system().now().wall, json!({ "message": what }));
    out::data(&format!("{line}\n"))
}

/// A problem of a file.
pub(super) fn of(problem: &Problem, problems: &Problems) -> Value {
    let (end_line, end_column) = problems.end(&problem.at);
    json!({
        "file": problem.at.file.display().to_string(),
        "line": problem.at.line,
        "column": problem.at.column,
        "end_line": end_line,
        "end_column": end_column,
        "severity": "error",
        "code": problem.what.code(),
        "message": problem.what.to_string(),
        "help": problem.help,
        "length": problem.what.lengths().map(|(length, _)| length),
        "limit": problem.what.lengths().map(|(_, limit)| limit),
    })
}

/// What is wrong with no place in a file.
fn without_place(error: &anyhow::Error) -> Value {
    json!({
        "file": null, "line": null, "column": null, "end_line": null, "end_column": null,
        "severity": "error", "code": "other", "message": super::sentence(error), "help": null,
        "length": null, "limit": null,
    })
}
