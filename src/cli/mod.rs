//! The command line: one file for each command, and what they share.
//!
//! Data goes to stdout, everything else to stderr; every end has its exit code. Nothing here decides about money:
//! commands ask the ledger, the plan and the engine, and put the answers into words.

mod args;
mod audit;
mod catalogue;
mod disk;
mod diagnostics;
mod doctor;
mod embedded;
mod ending;
mod exit;
mod failure;
mod export;
mod deadline_choice;
mod forecast;
mod hints;
mod learnt;
mod listing;
mod locate;
mod out;
mod plan;
mod progress;
mod prompts;
mod reconcile;
mod resolve;
mod run;
mod sandbox;
mod sandboxed;
mod secrets;
mod evidence;
mod account_status;
mod state_dir;
mod status;
mod stop;
mod summary;
mod suspects;
mod table;
mod terms;
mod event_text;
mod misnomers;
mod near_duplicates;
mod unbought;
mod warnings;

use std::path::Path;
use std::process::ExitCode;

pub use args::{Cli, Command, Common};
pub use exit::Exit;

use crate::catalogue::List;
use crate::engine::{EngineError, PrepareError};
use crate::ledger::{LedgerError, RegisterError};
use crate::problem::Problems;
use out::Out;

/// Something that the person who typed the command, or wrote the config, can put right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistake(String);

/// A mistake, as an error.
fn mistake<T>(what: impl Into<String>) -> anyhow::Result<T> {
    Err(Mistake(what.into()).into())
}

/// Does one command.
pub fn main(cli: &Cli) -> ExitCode {
    trace(cli.common.verbose);
    let out = Out { events: matches!(cli.command, Command::Run(_)), ..Out::new(&cli.common) };
    let ended = match &cli.command {
        Command::Run(args) => run::run(args, &cli.common, out),
        Command::Plan(args) => plan::plan(args, &cli.common, out),
        Command::Status(args) => status::status(args, &cli.common, out),
        Command::Export(args) => export::export(args, &cli.common, out),
        Command::Audit(args) => audit::audit(args, &cli.common, out),
        Command::Doctor(args) => doctor::doctor(args, &cli.common, out),
        Command::Locations(args) => catalogue::show(List::Locations, args, &cli.common, out),
        Command::Languages(args) => catalogue::show(List::Languages, args, &cli.common, out),
        Command::Models(args) => catalogue::show(List::Models, args, &cli.common, out),
        Command::Reconcile(args) => reconcile::reconcile(args, &cli.common, out),
        Command::Resolve(args) => resolve::resolve(args, &cli.common, out),
        Command::Sandbox(args) => sandbox::sandbox(args, out),
    };
    let exit = ended.unwrap_or_else(|error| {
        say(&error, out);
        Exit::of(&error)
    });
    ExitCode::from(exit.code())
}

/// Names the ledger in what SQLite said of it.
fn of_ledger(error: anyhow::Error, path: &Path) -> anyhow::Error {
    let error = match error.downcast::<LedgerError>() {
        Ok(error) => return error.at(path).into(),
        Err(error) => error,
    };
    let error = match error.downcast::<EngineError>() {
        Ok(EngineError::Ledger(error)) => return error.at(path).into(),
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    match error.downcast::<PrepareError>() {
        Ok(PrepareError::Ledger(error) | PrepareError::Register(RegisterError::Ledger(error))) => error.at(path).into(),
        Ok(error) => error.into(),
        Err(error) => error,
    }
}

/// An error in words, with its causes where they add something.
fn say(error: &anyhow::Error, out: Out) {
    if out.json {
        // Without stdout there is still stderr.
        drop(diagnostics::tell(error, out));
    }
    if let Some(problems) = error.downcast_ref::<Problems>() {
        // Made printable by the renderer, which draws in colour; the stream takes the colour out where it must.
        let picture = problems.render(true);
        drop(std::io::Write::write_all(&mut anstream::stderr(), picture.as_bytes()));
        let count = out::count(problems.len() as u64, "problem");
        let listed = problems.listed().map_or_else(String::new, listing::words);
        out.must(&format!("{count}; nothing was bought{listed}"));
        return;
    }
    out.must(&format!("error: {}", sentence(error)));
}

/// An error with its causes, as a sentence.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What bursar does inside goes to stderr where `-v` or `BURSAR_LOG` ask for it.
fn trace(verbose: u8) {
    let default = match verbose {
        0 => "off",
        1 => "bursar=info",
        _ => "bursar=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("BURSAR_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let set = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).try_init();
    // A second subscriber in one process can only be a test's.
    drop(set);
}
