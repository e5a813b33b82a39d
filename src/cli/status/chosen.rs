//! Which runs and gaps `status` shows: a ledger keeps every period for ever.

use std::collections::BTreeMap;

use crate::cli::args::StatusArgs;
use crate::ids::RunId;
use crate::ledger::{Gap, Ledger, LedgerError, Reports};
use crate::period::reaches;

/// The runs that the arguments leave, oldest first, each with its job and period.
pub(super) fn runs(ledger: &Ledger, job: Option<&str>, args: &StatusArgs) -> Result<Vec<(RunId, String)>, LedgerError> {
    let mut by_job: BTreeMap<String, Vec<(RunId, String)>> = BTreeMap::new();
    for run in ledger.runs(job)? {
        let (job, period) = ledger.run_name(run)?;
        if args.since.is_none_or(|since| reaches(&period, since)) {
            by_job.entry(job).or_default().push((run, period));
        }
    }
    let mut all = Vec::new();
    for (_, mut runs) in by_job {
        let last = args.last.map_or(runs.len(), |last| usize::try_from(last).unwrap_or(usize::MAX));
        all.append(&mut runs.split_off(runs.len().saturating_sub(last)));
    }
    all.sort_by_key(|(run, _)| run.0);
    Ok(all)
}

/// The gaps that lie between these runs of a job and now.
pub(super) fn gaps(
    gaps: Vec<Gap>,
    ledger: &Ledger,
    runs: &[(RunId, String)],
    args: &StatusArgs,
) -> Result<Vec<Gap>, LedgerError> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for (run, period) in runs.iter().filter(|_| args.last.is_some()) {
        first.entry(ledger.run_name(*run)?.0).or_insert(period);
    }
    let is_meant = |gap: &Gap| {
        args.since.is_none_or(|since| reaches(&gap.last, since))
            && first.get(&gap.job).is_none_or(|first| *gap.last >= **first)
    };
    Ok(gaps.into_iter().filter(is_meant).collect())
}
