//! `bursar export`: every task of one or several runs with its cost and its answer.
//!
//! One row is in memory at a time. A file appears under its name only when it is complete and on the disk.

mod csv_form;
mod flat;
mod format;
mod json_form;
mod of_run;
mod whole_file;

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use chrono::{DateTime, SecondsFormat};

use super::args::{ExportArgs, Format};
use super::out::{self, Out, count, shell};
use super::{Common, Exit, mistake, sandboxed};
use crate::ids::RunId;
use crate::ledger::{ExportRow, Kind, Ledger, LedgerError, Reports};
use crate::period::reaches;
use of_run::{OfRun, completeness, named};
use whole_file::WholeFile;

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
    let format = format::of(args)?;
    let (ledger, _, job) = sandboxed::to_read(Some(&args.job), common, args.sandbox)?;
    let job = job.unwrap_or_default();
    let runs = chosen(&ledger, &job, args)?;
    let written = match &args.output {
        Some(path) => {
            format::can_take(path, ledger.path())?;
            let mut file = WholeFile::begin(path)?;
            let rows = write(&ledger, &runs, args, format, &mut file);
            let rows = rows.and_then(|rows| file.finish().map(|()| rows).map_err(Stopped::Io));
            rows.map_err(|error| anyhow::Error::new(error).context(format!("`{}` was not written", path.display())))?
        }
        None => match write(&ledger, &runs, args, format, &mut BufWriter::new(io::stdout().lock())) {
            // The reader has gone away: it has had enough.
            Err(Stopped::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Complete),
            Err(Stopped::Io(error)) => return Err(out::of_stdout(&error).into()),
            rows => rows?,
        },
    };
    let runs: Vec<OfRun> = runs.into_iter().map(|(_, of)| of).collect();
    let rows = count(written, if args.answered { "answered row" } else { "row" });
    let rows = if ledger.kind() == Kind::Sandbox { format!("{rows} (play money)") } else { rows };
    let into = args.output.as_ref().map(|path| format!(" to {}", shell(&path.display().to_string())));
    out.note(&format!("{rows} of {}{}; {}", named(&runs), into.unwrap_or_default(), completeness(&runs)));
    Ok(Exit::Complete)
}

/// The runs that are meant, oldest first: of the periods that are named, since a date, or the latest.
fn chosen(ledger: &Ledger, job: &str, args: &ExportArgs) -> anyhow::Result<Vec<(RunId, OfRun)>> {
    let mut all = Vec::new();
    for run in ledger.runs(Some(job))? {
        all.push((run, ledger.run_name(run)?.1));
    }
    let Some((latest, last)) = all.last() else { return mistake(format!("job `{job}` has no run yet")) };
    if let Some(missing) = args.period.iter().find(|asked| !all.iter().any(|(_, period)| period == *asked)) {
        let there: Vec<&str> = all.iter().map(|(_, period)| &**period).collect();
        let there = match &*there {
            [only] => format!("there is one of {only}"),
            several => format!("there are runs of {}", several.join(", ")),
        };
        return mistake(format!("job `{job}` has no run of {missing}; {there}"));
    }
    let is_meant = |period: &String| match args.since {
        Some(since) => reaches(period, since),
        None => args.period.contains(period),
    };
    let mut meant: Vec<RunId> = all.iter().filter(|(_, period)| is_meant(period)).map(|(run, _)| *run).collect();
    if let (Some(since), true) = (args.since, meant.is_empty()) {
        return mistake(format!("job `{job}` has no run since {since}; its latest is of {last}"));
    }
    if meant.is_empty() {
        meant.push(*latest);
    }
    meant.into_iter().map(|run| Ok((run, OfRun::read(ledger, run)?))).collect()
}

fn write(
    ledger: &Ledger,
    runs: &[(RunId, OfRun)],
    args: &ExportArgs,
    format: Format,
    to: &mut dyn Write,
) -> Result<u64, Stopped> {
    let mut form: Box<dyn Form + '_> = match format {
        Format::Csv => Box::new(csv_form::CsvForm::new(to, args.csv_raw, args.bom)?),
        Format::Jsonl => Box::new(json_form::JsonForm { to }),
    };
    let mut rows = 0;
    for (run, of) in runs {
        let mut stopped = None;
        ledger.export(*run, args.answered, &mut |row| {
            // A task that was never bought and is no longer asked is no task of this run any more.
            if row.history.is_empty() && !row.asked {
                return ControlFlow::Continue(());
            }
            rows += 1;
            stopped = form.row(of, &row).err();
            if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if let Some(error) = stopped {
            return Err(error.into());
        }
    }
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
