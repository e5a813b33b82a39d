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
    /// The config file, instead of the nearest bursar.toml
    #[arg(long, global = true, value_name = "FILE", env = "BURSAR_CONFIG")]
    pub config: Option<PathBuf>,
    /// The ledger file, instead of the one in the config
    #[arg(long, global = true, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Print JSON on stdout: one document; `run` prints one event a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only what needs action
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Show no progress bars and no progress lines
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Print more; repeat for everything
    #[arg(short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plan, buy and collect until done; run it again to continue where it stopped
    Run(RunArgs),
    /// Price a job and show its plan; buys nothing and needs no credentials
    Plan(PlanArgs),
    /// Show runs: tasks by state, spent, held, in doubt, caps left
    Status(StatusArgs),
    /// Export the answers of a run, each with its task, market, cost and times
    Export(ExportArgs),
    /// Recompute every total of the ledger and check its invariants (exit code 9: they do not agree)
    Audit(SandboxedArgs),
    /// List the places where an engine can be asked, from the provider's own list
    Locations(ListArgs),
    /// List the languages in which an engine can be asked, from the provider's own list
    Languages(ListArgs),
    /// List the models of an engine and what each can do, from the provider's own list
    Models(ListArgs),
    /// Ask the provider about what is in doubt and what was given up; buys nothing
    Reconcile(SandboxedArgs),
    /// Show the evidence on a batch in doubt, or record your decision
    Resolve(ResolveArgs),
    /// Check credentials, balance, limits, prices, clock, ledger and disk; spends only with --probe
    Doctor(DoctorArgs),
    /// Run the simulated provider on this machine
    Sandbox(SandboxArgs),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RunArgs {
    /// Job files, or names of jobs in the ledger
    #[arg(required = true, value_name = "JOB")]
    pub jobs: Vec<PathBuf>,
    /// The period, instead of the current one: one of which the ledger has a run
    #[arg(long, value_name = "ID")]
    pub period: Option<String>,
    /// Use a simulated provider with play money; its files are in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
    /// With --sandbox: a file with the faults of the simulated provider
    #[arg(long, value_name = "FILE", requires = "sandbox")]
    pub faults: Option<PathBuf>,
    /// Buy, and leave collecting the answers to a later session
    #[arg(long)]
    pub no_collect: bool,
    /// End after this time, once calls in flight are answered; run it again to continue
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub max_wait: Option<Duration>,
    /// If another process holds the ledger, end at once (exit code 5) instead of waiting
    #[arg(long)]
    pub no_follow: bool,
    /// Try again what was refused or failed; failures that were paid for are paid for again
    #[arg(long)]
    pub retry_failed: bool,
    /// The job file was moved: it is still the job of this name in the ledger
    #[arg(long)]
    pub moved: bool,
    /// Allow a new ledger, which may buy again what another ledger has bought
    #[arg(long)]
    pub new_ledger: bool,
}

/// Arguments of commands that only need to know which ledger.
#[derive(Debug, Args)]
pub struct SandboxedArgs {
    /// Use the ledger of `run --sandbox`, in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A job file, or the name of a job in the ledger
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// Plan a `run --sandbox`: with its ledger, in .bursar-sandbox/ beside the job file, and at its speed
    #[arg(long)]
    pub sandbox: bool,
    /// The budget of the run, instead of the one in the job file
    #[arg(long, value_name = "USD")]
    pub budget: Option<Money>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// A job file, or the name of a job in the ledger; without it, all jobs
    #[arg(value_name = "JOB")]
    pub job: Option<PathBuf>,
    /// Use the ledger of `run --sandbox`, in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
    /// Only the latest N runs of each job
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub last: Option<u64>,
    /// Only runs from the period of this date on, such as 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub since: Option<NaiveDate>,
    /// Only runs with tasks that failed or were not bought in time
    #[arg(long)]
    pub failed: bool,
    /// Mark what is shown as seen: losses and missing periods are no longer highlighted
    #[arg(long, conflicts_with_all = ["last", "since"])]
    pub seen: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct ExportArgs {
    /// A job file, or the name of a job in the ledger
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// Use the ledger of `run --sandbox`, in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
    /// The period, instead of the latest run; can be repeated
    #[arg(long, value_name = "ID")]
    pub period: Vec<String>,
    /// All runs from the period of this date on, such as 2026-11-01
    #[arg(long, value_name = "DATE", conflicts_with = "period")]
    pub since: Option<NaiveDate>,
    /// Only rows with an answer
    #[arg(long)]
    pub answered: bool,
    /// The format; by default from the name of the output file (.csv, .jsonl, .ndjson), else JSON Lines
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file, replaced only once the export is complete; without it, stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// In CSV, do not escape cells that a spreadsheet would take for a formula
    #[arg(long)]
    pub csv_raw: bool,
    /// In CSV, begin with a UTF-8 byte order mark, from which Excel knows the encoding
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
#[command(after_help = "Exit code 2: no row matches SEARCH.")]
pub struct ListArgs {
    /// Only rows whose name contains this, or with this code
    #[arg(value_name = "SEARCH")]
    pub search: Option<String>,
    /// Only for this engine: `chat_gpt`, `gemini`, `claude` or `perplexity`
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<Engine>,
    /// Use this account, instead of `main` or the only one
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Ask the provider now, even if the kept list is recent; free of charge
    #[arg(long)]
    pub refresh: bool,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("verdict").args(["bought", "not_bought", "ids", "undo", "restored"])),
    override_usage = "bursar resolve [OPTIONS] <BATCH> [TASK]...\n       bursar resolve [OPTIONS] --restored <ACCOUNT> --reason <TEXT>",
    after_help = "Without a decision it shows the evidence and changes nothing. As long as the provider's list can still settle \
                  the batch, the safe way is to wait: each `bursar run` and `bursar reconcile` scans the list again, and settles \
                  the batch by itself."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct ResolveArgs {
    /// The number of the batch, as in `status`
    #[arg(value_name = "BATCH", required_unless_present = "restored", conflicts_with = "restored")]
    pub batch: Option<i64>,
    /// Numbers of its tasks; without any, all that are in doubt
    #[arg(value_name = "TASK")]
    pub tasks: Vec<i64>,
    /// It was bought: charge the hold, and look for the answers as long as the provider keeps them
    #[arg(long, requires = "reason")]
    pub bought: bool,
    /// It was not bought: release the hold, and plan the tasks again
    #[arg(long, requires = "reason")]
    pub not_bought: bool,
    /// A file with the provider's task ids, one a line, or `TAG,ID`: bursar fetches each, and accepts it if its answer
    /// has a tag of this batch
    #[arg(long, value_name = "FILE", conflicts_with = "tasks")]
    pub ids: Option<PathBuf>,
    /// Take back an earlier --bought or --not-bought, if nothing has followed from it
    #[arg(long, requires = "reason")]
    pub undo: bool,
    /// The ledger was restored, and you know what this account bought since: let it buy again
    #[arg(long, value_name = "ACCOUNT", requires = "reason")]
    pub restored: Option<String>,
    /// How you know; recorded with the decision
    #[arg(long, value_name = "TEXT", requires = "verdict")]
    pub reason: Option<String>,
    /// Use the ledger of `run --sandbox`, in .bursar-sandbox/ beside the job file
    #[arg(long)]
    pub sandbox: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Check the simulated provider and the ledger of `run --sandbox`; needs no credentials
    #[arg(long, conflicts_with = "probe")]
    pub sandbox: bool,
    /// Check only this account, instead of all in the config
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Buy one task, once for each ledger, and check its cost, the list and the answer
    #[arg(long)]
    pub probe: bool,
    /// With --probe: how long to wait for the answer
    #[arg(long, value_name = "DURATION", requires = "probe", default_value = "2m", value_parser = humantime::parse_duration)]
    pub max_wait: Duration,
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// The address to listen on; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// A file that keeps the sales across restarts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The random seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Divide the provider's times by this
    #[arg(long, value_name = "X", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub speed: u32,
    /// A file with the faults to simulate
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Calls allowed in a minute; the other limits scale with it
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub calls_per_minute: u32,
}
