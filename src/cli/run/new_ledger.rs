//! Whether a new ledger may be created: not if another one has bought the same.

use std::fs;
use std::path::Path;

use crate::ledger::{
    Buyer, Kind, LedgerError, Whose, bought_elsewhere, is_new, needs_its_folder, predecessor, second_ledger,
};

/// Refuses a new ledger at this path where a session would buy with it what was bought before; of these jobs, or of any.
pub(in crate::cli) fn may_be_made(
    path: &Path,
    state_dir: &Path,
    kind: Kind,
    whose: &Whose<'_>,
    jobs: Option<&[&str]>,
) -> Result<(), LedgerError> {
    needs_its_folder(path)?;
    if kind == Kind::Real {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lives_at = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        predecessor(state_dir, path, &lives_at.join(path.file_name().unwrap_or_default()))?;
    }
    let is_asked = |other: &Buyer| jobs.is_none_or(|jobs| jobs.contains(&other.job.as_str()));
    let others: Vec<Buyer> = bought_elsewhere(state_dir, whose, None)?.into_iter().filter(is_asked).collect();
    // Made meanwhile, by a session that began at the same moment: it is not new then.
    if others.is_empty() || !is_new(path) { Ok(()) } else { Err(second_ledger(path, whose, &others)) }
}
