//! The file that lists every mistake of a job, where there are too many to show.
//!
//! It lies in the state folder, where bursar's own files are and no file of a person's is overwritten; one for each job
//! file, and the next time that there is something to list it is written anew.

use std::fs;
use std::path::{Path, PathBuf};

use super::out::{count, from_anywhere};
use super::state_dir;
use crate::config::Config;
use crate::hash::hash128;
use crate::problem::Problems;

/// Lists the problems, where some of them are not shown.
pub(super) fn list(problems: Problems, config: &Config) -> Problems {
    if problems.hidden() == 0 {
        return problems;
    }
    let listed = write(&problems, config);
    problems.with_list(listed)
}

fn write(problems: &Problems, config: &Config) -> Result<PathBuf, String> {
    let folder = state_dir::folder(config).map_err(|error| error.to_string())?.join("mistakes");
    let path = PathBuf::from(from_anywhere(&folder.join(name(problems.path()))));
    let head = format!("{} of {}", count(problems.len() as u64, "problem"), from_anywhere(problems.path()));
    let written =
        fs::create_dir_all(&folder).and_then(|()| fs::write(&path, format!("{head}\n{}", problems.listing())));
    written.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    Ok(path)
}

/// The job file's own name, and its whole path in short: two jobs of one name have a list each.
fn name(job: &Path) -> String {
    let stem = job.file_stem().unwrap_or_default().to_string_lossy();
    let [one, two, three, four, ..] = hash128(from_anywhere(job).as_bytes());
    format!("{stem}-{one:02x}{two:02x}{three:02x}{four:02x}.txt")
}

/// What is said of the list.
pub(super) fn words(listed: &Result<PathBuf, String>) -> String {
    match listed {
        Ok(path) => format!("; all are listed in {}", path.display()),
        Err(why) => format!("; they could not be listed ({why}), but --json has all of them"),
    }
}
