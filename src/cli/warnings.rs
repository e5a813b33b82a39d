//! What a person should know of a job before it is bought, and what is no mistake.

use super::{misnomers, near_duplicates, suspects};
use crate::job::Job;

/// Each in a line.
pub(super) fn of(job: &Job) -> Vec<String> {
    let duplicates = job.near_duplicates.iter().map(near_duplicates::line);
    let day_above_month = job.budget.day.zip(job.budget.month).filter(|(day, month)| day > month);
    let day_above_month = day_above_month.map(|(day, month)| {
        format!("the budget of a day ({day}) is above that of its month ({month}), which alone counts")
    });
    duplicates.chain(misnomers::lines(job)).chain(suspects::lines(job)).chain(day_above_month).collect()
}
