//! What an argument that names no job may have meant: a job file nearby, a folder of some, or a job of nearly that name.
//!
//! Each hint ends with the whole command as it would work, so that it can be typed or copied.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::out::{place, shell};
use crate::near::nearest;
use crate::problem::io_reason;

/// So many job files of a folder are named.
const MOST_NAMED: usize = 5;
/// Beside a job file, where `run --sandbox` keeps its ledgers.
pub(super) const SANDBOX_FOLDER: &str = ".bursar-sandbox";

/// Why a path that is named as a job file cannot be read, and what may be meant.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    if path.is_dir() {
        return of_folder(path);
    }
    let said = format!("cannot read {}: {}", place(path), io_reason(error));
    let meant = (error.kind() == io::ErrorKind::NotFound).then(|| meant_by_path(path)).flatten();
    meant.map_or(said.clone(), |meant| format!("{said}; did you mean {}?", typed(path, &meant)))
}

/// What is here under the name of a job that the ledger does not know; nothing where nothing is like it.
pub(super) fn of_name(name: &Path) -> Option<String> {
    if name.is_dir() {
        return Some(of_folder(name));
    }
    if name.is_file() {
        return Some(format!("the file {} is no job file: a job file ends in .toml", place(name)));
    }
    let text = name.to_string_lossy();
    let files = near_files();
    let stems = || files.iter().filter_map(|file| Some((file.file_stem()?.to_str()?, file)));
    let exact = stems().find(|(stem, _)| *stem == text).map(|(_, file)| file);
    if let Some(file) = exact {
        return Some(format!("there is a job file of this name: {}", typed(name, file)));
    }
    let near = nearest(&text, stems().map(|(stem, _)| stem))?;
    let (_, file) = stems().find(|(stem, _)| *stem == near)?;
    Some(format!("did you mean {}?", typed(name, file)))
}

/// A folder stands where a job is needed.
fn of_folder(folder: &Path) -> String {
    let shown = place(folder);
    let files = job_files(folder);
    let Some(first) = files.first() else {
        return format!(
            "{shown} is a folder, and there is no job file in it: name a job file, which ends in .toml and has [[prompt_set]]"
        );
    };
    let named: Vec<String> = files.iter().take(MOST_NAMED).map(|file| format!("`{}`", file.display())).collect();
    let more = if files.len() > MOST_NAMED { " and others" } else { "" };
    format!(
        "{shown} is a folder, and a job file is needed; in it are {}{more}: {}",
        named.join(", "),
        typed(folder, first)
    )
}

/// The file that a path without its ending means, or the job file beside it that is called nearly so.
fn meant_by_path(path: &Path) -> Option<PathBuf> {
    let mut whole = path.as_os_str().to_owned();
    whole.push(".toml");
    let whole = PathBuf::from(whole);
    if whole.is_file() {
        return Some(whole);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = job_files(folder);
    let stem = path.file_stem()?.to_str()?;
    let near = nearest(stem, beside.iter().filter_map(|file| file.file_stem()?.to_str()))?;
    Some(folder.join(format!("{near}.toml")))
}

/// Job files in the current folder, and in the folders in it.
fn near_files() -> Vec<PathBuf> {
    let here = Path::new("");
    let mut files = job_files(here);
    for folder in folders(here) {
        files.extend(job_files(&folder));
    }
    files
}

/// The folders in a folder that are not hidden, in order.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let is_shown = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    entries(folder).into_iter().filter(is_shown).filter(|path| path.is_dir()).collect()
}

/// The job files of a folder, in order: TOML with prompt sets.
fn job_files(folder: &Path) -> Vec<PathBuf> {
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    let has_prompts = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("prompt_set"));
    entries(folder).into_iter().filter(is_toml).filter(has_prompts).collect()
}

/// What is in a folder, in order; nothing where it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let there = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(found) = fs::read_dir(there) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = found.filter_map(|entry| Some(folder.join(entry.ok()?.file_name()))).collect();
    entries.sort();
    entries
}

/// What `run --sandbox` has kept here, of this job or of any; nothing where it has not.
pub(super) fn of_sandbox(job: Option<&Path>) -> Option<String> {
    let first = sandbox_ledgers().into_iter().find(|ledger| job.is_none_or(|job| is_of(ledger, job)))?;
    let words = env::args_os().skip(1).map(|word| shell(&word.to_string_lossy())).collect::<Vec<_>>().join(" ");
    Some(format!("`run --sandbox` has kept `{}`: `bursar {words} --sandbox`", first.display()))
}

/// Whether a ledger of the sandbox is that of a job of this name.
pub(super) fn is_of(ledger: &Path, job: &Path) -> bool {
    ledger.parent().and_then(Path::file_name).is_some_and(|name| name == job.as_os_str())
}

/// The ledgers that `run --sandbox` has kept beside job files in the current folder, and in the folders in it.
pub(super) fn sandbox_ledgers() -> Vec<PathBuf> {
    let here = Path::new("");
    let beside = std::iter::once(here.to_owned()).chain(folders(here));
    let jobs = beside.flat_map(|folder| entries(&folder.join(SANDBOX_FOLDER)));
    jobs.map(|job| job.join("bursar.db")).filter(|ledger| ledger.is_file()).collect()
}

/// The command as it was typed, with another argument in the place of this one.
pub(super) fn typed(wrong: &Path, right: &Path) -> String {
    let words = env::args_os().skip(1).map(|word| {
        let word = if word == wrong.as_os_str() { right.as_os_str().to_owned() } else { word };
        shell(&word.to_string_lossy())
    });
    let words: Vec<String> = words.collect();
    format!("`bursar {}`", words.join(" "))
}
