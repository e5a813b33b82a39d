//! The arguments, as types: help and parsing come from them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::money::Money;
use crate::product::Engine;

/// Buys answers of AI engines in batches, within a budget, and never pays twice.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, max_term_width = 100, propagate_version = false)]
pub struct Cli {
    /// What all commands take.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands take.
#[derive(Debug, Args)]
pub struct Common {
    /// The config, instead of the nearest bursar.toml
    #[arg(long, global = true, value_name = "FILE", env = "BURSAR_CONFIG")]
    pub config: Option<PathBuf>,
    /// The ledger, instead of the one the config names
    #[arg(long, global = true, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// JSON on stdout: one document, or for `run` one event a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what somebody must act on
    #[arg(long, global = true)]
    pub quiet: bool,
    /// No bars and no progress lines
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Say more; twice for all there is
    #[arg(short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plan, buy and collect until done; the same command again goes on where it stopped
    Run(RunArgs),
    /// Price a job and show it; buys nothing and needs no credentials
    Plan(PlanArgs),
    /// How runs stand: tasks by state, spent, held, in doubt, caps left
    Status(StatusArgs),
    /// The answers of a run, each with its task, market, cost and times
    Export(ExportArgs),
    /// Recompute every total of the ledger and check all it can show (exit code 9: it does not agree)
    Audit,
    /// The places where an engine can be asked, from the provider's own list
    Locations(ListArgs),
    /// The languages in which an engine can be asked, from the provider's own list
    Languages(ListArgs),
    /// The models of an engine and what each can do, from the provider's own list
    Models(ListArgs),
    /// Ask the provider about what is in doubt, and about what was given up; buys nothing
    Reconcile,
    /// Show the evidence on a batch in doubt, and record your own verdict where no list can tell
    Resolve(ResolveArgs),
    /// Is all well: credentials, balance, limits, prices, clock, ledger, disk; spends only with --probe
    Doctor(DoctorArgs),
    /// The simulated provider on its own, on this machine
    Sandbox(SandboxArgs),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RunArgs {
    /// Job files, or names of jobs in the ledger
    #[arg(required = true, value_name = "JOB")]
    pub jobs: Vec<PathBuf>,
    /// The period: the current one, or one that the ledger has a run of
    #[arg(long, value_name = "ID")]
    pub period: Option<String>,
    /// Against a simulated provider with play money, in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
    /// With --sandbox: what goes wrong at the simulated provider, and when
    #[arg(long, value_name = "FILE", requires = "sandbox")]
    pub faults: Option<PathBuf>,
    /// Buy, and leave the answers for a later session
    #[arg(long)]
    pub no_collect: bool,
    /// End after this long; what is under way ends, and the same command goes on
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub max_wait: Option<Duration>,
    /// Where another process holds the ledger, end at once (exit code 5) instead of waiting for it
    #[arg(long)]
    pub no_follow: bool,
    /// Try again what was refused or has failed; what of it was paid for is paid for again
    #[arg(long)]
    pub retry_failed: bool,
    /// The job file was moved: it is the job of this name in the ledger
    #[arg(long)]
    pub moved: bool,
    /// The ledger is meant to be a new one: it may buy again what another ledger has bought
    #[arg(long)]
    pub new_ledger: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A job file, or the name of a job in the ledger
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// Plan with this sum for the run instead of the job's own
    #[arg(long, value_name = "USD")]
    pub budget: Option<Money>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// A job file, or the name of a job in the ledger; all jobs without it
    #[arg(value_name = "JOB")]
    pub job: Option<PathBuf>,
    /// Only the latest so many runs of each job
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub last: Option<u64>,
    /// Only runs from the period that this date lies in on, such as 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub since: Option<NaiveDate>,
    /// Only runs with tasks that failed or were not bought in time
    #[arg(long)]
    pub failed: bool,
    /// You have seen what is shown: losses and missing periods are not marked any more
    #[arg(long, conflicts_with_all = ["last", "since"])]
    pub seen: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A job file, or the name of a job in the ledger
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// The period, instead of the latest run; may be repeated
    #[arg(long, value_name = "ID")]
    pub period: Vec<String>,
    /// All runs from the period that this date lies in on, such as 2026-11-01
    #[arg(long, value_name = "DATE", conflicts_with = "period")]
    pub since: Option<NaiveDate>,
    /// Only rows with an answer
    #[arg(long)]
    pub answered: bool,
    /// The format; by default that of the output file's name (.csv, .jsonl, .ndjson), else JSON Lines
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file, replaced only when it is whole; stdout without it
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// In CSV, leave cells that a spreadsheet would take for a formula as they are
    #[arg(long)]
    pub csv_raw: bool,
    /// In CSV, begin with a UTF-8 byte order mark, by which Excel knows the encoding
    #[arg(long)]
    pub bom: bool,
}

/// The formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON Lines: one object a task, with its history and the provider's answer.
    Jsonl,
    /// CSV: one row a task, with the answer as Markdown and without the provider's JSON.
    Csv,
}

/// Arguments of `locations`, `languages` and `models`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only rows with this in their name, or with this code
    #[arg(value_name = "SEARCH")]
    pub search: Option<String>,
    /// Only of this engine: `chat_gpt`, `gemini`, `claude` or `perplexity`
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<Engine>,
    /// Ask by this account, instead of `main` or the only one
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Ask the provider now, however new the kept list is; it costs nothing
    #[arg(long)]
    pub refresh: bool,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("verdict").args(["bought", "not_bought", "ids", "undo", "restored"])),
    override_usage = "bursar resolve [OPTIONS] <BATCH> [TASK]...\n       bursar resolve [OPTIONS] --restored <ACCOUNT> --reason <TEXT>",
    after_help = "Without a verdict it shows the evidence and changes nothing. As long as the provider's list can still tell, \
                  waiting is the safe way: each `bursar run` and `bursar reconcile` reads the list again, and settles the \
                  batch by itself."
)]
pub struct ResolveArgs {
    /// The batch, by its number in `status`
    #[arg(value_name = "BATCH", required_unless_present = "restored", conflicts_with = "restored")]
    pub batch: Option<i64>,
    /// Tasks of it, by number; all that are in doubt without any
    #[arg(value_name = "TASK")]
    pub tasks: Vec<i64>,
    /// It was bought: the hold is charged, and the answers are looked for as long as the provider keeps them
    #[arg(long, requires = "reason")]
    pub bought: bool,
    /// It was not bought: the hold is released, and the tasks are planned again
    #[arg(long, requires = "reason")]
    pub not_bought: bool,
    /// A file of the provider's task ids, one a line, or `TAG,ID`: each is asked for, and taken where its answer has a tag
    /// of this batch
    #[arg(long, value_name = "FILE", conflicts_with = "tasks")]
    pub ids: Option<PathBuf>,
    /// Take an earlier --bought or --not-bought back, as long as nothing has come of it
    #[arg(long, requires = "reason")]
    pub undo: bool,
    /// The ledger was restored, and you know what was bought by this account meanwhile: it buys again
    #[arg(long, value_name = "ACCOUNT", requires = "reason")]
    pub restored: Option<String>,
    /// How you know; it is kept with the decision
    #[arg(long, value_name = "TEXT", requires = "verdict")]
    pub reason: Option<String>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Only this account, instead of all in the config
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Buy one task, once for a ledger, and say what it cost and whether list and answer came
    #[arg(long)]
    pub probe: bool,
    /// With --probe: how long to wait for the answer
    #[arg(long, value_name = "DURATION", requires = "probe", default_value = "2m", value_parser = humantime::parse_duration)]
    pub max_wait: Duration,
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// A file to remember sales in, so that it can be stopped and started
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Every draw follows from it
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The provider's times are divided by it
    #[arg(long, value_name = "X", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub speed: u32,
    /// What goes wrong, and when
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Calls it allows in a minute; its other limits grow with it
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub calls_per_minute: u32,
}
