//! bursar's command line: arguments in, one command, an exit code out.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    bursar::cli::main(&bursar::cli::Cli::parse())
}
