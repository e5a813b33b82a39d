//! bursar's command line: arguments in, one command, an exit code out.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// Tasks come and go by the hundred thousand, each with a handful of short texts; the system's allocator takes a tenth of
/// the time that buying them does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    bursar::cli::main(&bursar::cli::Cli::parse())
}
