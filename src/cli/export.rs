//! `bursar export`: every task of a run with what it cost and what came back.
//!
//! One row is in memory at a time. A file appears under its name only when it is whole and on the disk.

mod csv_form;
mod json_form;
mod whole_file;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat};

use super::args::{ExportArgs, Format};
use super::out::{self, Out, count, shell};
use super::{Common, Exit, locate, mistake};
use crate::ledger::{ExportRow, Ledger, LedgerError};
use whole_file::WholeFile;

/// What all rows of a run have in common.
struct OfRun {
    job: String,
    period: String,
    complete: bool,
    asked: u64,
    planned: u64,
}

/// A form of export: rows in, bytes out.
trait Form {
    fn row(&mut self, of: &OfRun, row: &ExportRow) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(super) fn export(args: &ExportArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (ledger, _, job) = locate::to_read(Some(&args.job), common)?;
    let job = job.unwrap_or_default();
    let Some(run) = ledger.find_run(&job, args.period.as_deref())? else {
        let mut periods = Vec::new();
        for run in ledger.runs(Some(&job))? {
            periods.push(ledger.run_name(run)?.1);
        }
        return mistake(match (&args.period, periods.as_slice()) {
            (_, []) => format!("job `{job}` has no run yet"),
            (Some(asked), [only]) => format!("job `{job}` has no run of {asked}; there is one of {only}"),
            (asked, several) => {
                let asked = asked.as_deref().unwrap_or("any period");
                format!("job `{job}` has no run of {asked}; there are runs of {}", several.join(", "))
            }
        });
    };
    let of = of_run(&ledger, run)?;
    let format = args.format.unwrap_or_else(|| format_of(args.output.as_deref()));
    let written = match &args.output {
        Some(path) => {
            let mut file = WholeFile::begin(path)?;
            let rows = write(&ledger, run, &of, format, args.csv_raw, &mut file);
            let rows = rows.and_then(|rows| file.finish().map(|()| rows).map_err(Stopped::Io));
            rows.map_err(|error| anyhow::Error::new(error).context(format!("`{}` was not written", path.display())))?
        }
        None => match write(&ledger, run, &of, format, args.csv_raw, &mut BufWriter::new(io::stdout().lock())) {
            // The reader has gone away: it has had enough.
            Err(Stopped::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Complete),
            Err(Stopped::Io(error)) => return Err(out::of_stdout(&error).into()),
            rows => rows?,
        },
    };
    let whole = if of.complete {
        "the run is complete".to_owned()
    } else {
        format!("the run is not complete: {} of {} not bought so far", of.planned, count(of.asked, "task"))
    };
    let into = args.output.as_ref().map(|path| format!(" to {}", shell(&path.display().to_string())));
    out.note(&format!("{} of {} ({}){}; {whole}", count(written, "row"), of.job, of.period, into.unwrap_or_default()));
    Ok(Exit::Complete)
}

fn of_run(ledger: &Ledger, run: crate::ids::RunId) -> anyhow::Result<OfRun> {
    let (job, period) = ledger.run_name(run)?;
    let [planned, sending, submitted, answered, failed] = ledger.tally(run)?;
    let asked = planned + sending + submitted + answered + failed;
    Ok(OfRun { job, period, complete: planned + sending + submitted == 0, asked, planned })
}

/// By the file's name.
fn format_of(output: Option<&Path>) -> Format {
    match output.and_then(Path::extension) {
        Some(extension) if extension.eq_ignore_ascii_case("csv") => Format::Csv,
        _ => Format::Jsonl,
    }
}

fn write(
    ledger: &Ledger,
    run: crate::ids::RunId,
    of: &OfRun,
    format: Format,
    raw: bool,
    to: &mut dyn Write,
) -> Result<u64, Stopped> {
    let mut form: Box<dyn Form + '_> = match format {
        Format::Csv => Box::new(csv_form::CsvForm::new(to, raw)?),
        Format::Jsonl => Box::new(json_form::JsonForm { to }),
    };
    let mut rows = 0;
    ledger.export::<Stopped>(run, format == Format::Jsonl, |row| {
        // A task that was never bought and is no longer asked is no task of this run any more.
        if row.history.is_empty() && !row.asked {
            return Ok(());
        }
        rows += 1;
        Ok(form.row(of, &row)?)
    })?;
    form.end()?;
    Ok(rows)
}

/// The reason of a failure; nothing for any other state.
fn reason(row: &ExportRow) -> Option<&'static str> {
    match row.state {
        crate::task::TaskState::Failed(reason) => Some(reason.name()),
        crate::task::TaskState::Planned
        | crate::task::TaskState::Sending
        | crate::task::TaskState::Submitted
        | crate::task::TaskState::Answered => None,
    }
}

/// Unix seconds as RFC 3339.
fn moment(seconds: Option<i64>) -> Option<String> {
    let at = DateTime::from_timestamp(seconds?, 0)?;
    Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// From purchase to answer.
fn turnaround_s(row: &ExportRow) -> Option<i64> {
    Some((row.answered_v? - row.bought_v?).max(0))
}
