//! Whether the disk has space for what is to be bought: an answer that cannot be stored was paid for in vain.

use std::path::Path;

use crate::cli::disk::{free_for, size, takes};
use crate::cli::out::{count, shell};
use crate::ledger::{Ledger, LedgerError, Reports};
use crate::product::ResultKind;

/// What a task needs with its purchase, without its answer: 106 bytes were measured.
const TASK: u64 = 128;
/// What an answer is taken to need before this ledger holds enough of them to tell.
const ADVANCED: u64 = 16 << 10;
/// The same of a whole page.
const HTML: u64 = 64 << 10;
/// What the ledger's log grows by for a task that is bought and answered: 27 KiB were measured.
const LOG_OF_TASK: u64 = 32 << 10;
/// What it grows to at the most, before it is folded into the ledger and begun anew.
const LONGEST_LOG: u64 = 64 << 20;
/// What a new ledger needs.
const EMPTY: u64 = 1 << 20;
/// So many stored answers tell what the next will need.
const ENOUGH: u64 = 100;

/// What is to be bought in a session, and what is to come of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) to_buy: u64,
    /// Answers to come, by their form.
    advanced: u64,
    html: u64,
}

impl Wanted {
    /// Adds a run: tasks to buy, tasks whose answers are to come, and in which forms they come.
    pub(super) fn add(&mut self, to_buy: u64, to_come: u64, forms: &[ResultKind]) {
        self.to_buy += to_buy;
        for form in forms {
            match form {
                ResultKind::Advanced => self.advanced += to_buy + to_come,
                ResultKind::Html => self.html += to_buy + to_come,
            }
        }
    }

    /// What is said where the disk has no room for it; nothing where it has, or where `each` is 0.
    pub(super) fn refusal(&self, ledger: &Ledger, each: Option<u32>) -> Result<Option<String>, LedgerError> {
        if self.to_buy == 0 || each == Some(0) {
            return Ok(None);
        }
        let Some(free) = free_for(ledger.path()) else { return Ok(None) };
        let of = |form, usual| -> Result<u64, LedgerError> {
            Ok(match each {
                Some(each) => u64::from(each),
                None => ledger.bytes_of_answers(form, ENOUGH)?.map_or(usual, |mean| mean + mean / 4),
            })
        };
        let (advanced, html) = (of(ResultKind::Advanced, ADVANCED)?, of(ResultKind::Html, HTML)?);
        let needed = self.needed(advanced, html);
        let lacks = if needed > free {
            format!("has {} left, and about {} are needed", size(free), size(needed))
        } else if takes(ledger.path(), needed) == Some(false) {
            format!(
                "has {} left, but a quota or a limit on the size of files (`ulimit -f`) allows less than the {} that are needed",
                size(free),
                size(needed)
            )
        } else {
            return Ok(None);
        };
        Ok(Some(self.in_words(ledger.path(), &lacks, advanced.max(html * u64::from(self.html > 0)))))
    }

    /// All that is written, with answers of these sizes.
    fn needed(&self, advanced: u64, html: u64) -> u64 {
        let answers = self.advanced + self.html;
        let log = answers.max(self.to_buy).saturating_mul(LOG_OF_TASK).min(LONGEST_LOG);
        let stored = self.advanced.saturating_mul(advanced).saturating_add(self.html.saturating_mul(html));
        EMPTY.saturating_add(log).saturating_add(stored).saturating_add(self.to_buy.saturating_mul(TASK))
    }

    fn in_words(&self, ledger: &Path, lacks: &str, each: u64) -> String {
        format!(
            "the disk of ledger {} {lacks}: for {} to come, at up to {} each, and for the ledger's \
             log. Nothing is bought in this session. Make room, or move the ledger to another disk; `bytes_per_answer` in \
             bursar.toml says what an answer needs, and 0 leaves this check out",
            shell(&ledger.display().to_string()),
            count(self.advanced + self.html, "answer"),
            size(each),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(to_buy: u64, to_come: u64, forms: &[ResultKind]) -> Wanted {
        let mut wanted = Wanted::default();
        wanted.add(to_buy, to_come, forms);
        wanted
    }

    #[test]
    fn every_form_of_an_answer_counts() {
        let kib = |wanted: Wanted| wanted.needed(16 << 10, 64 << 10) >> 10;
        assert_eq!(kib(wanted(8, 0, &[ResultKind::Advanced])), 1_024 + 8 * 32 + 8 * 16 + 1);
        assert_eq!(kib(wanted(8, 8, &[ResultKind::Advanced])), 1_024 + 16 * 32 + 16 * 16 + 1);
        assert_eq!(kib(wanted(8, 0, &[ResultKind::Html, ResultKind::Advanced])), 1_024 + 16 * 32 + 8 * 80 + 1);
    }

    #[test]
    fn the_log_of_a_long_run_ends_somewhere() {
        let mib = |tasks| wanted(tasks, 0, &[ResultKind::Advanced]).needed(16 << 10, 0) >> 20;
        assert_eq!([1_024, 2_048, 1_024_000].map(mib), [1 + 32 + 16, 1 + 64 + 32, 1 + 64 + 16_000 + 125]);
        assert_eq!(wanted(u64::MAX / 4, 0, &[ResultKind::Html]).needed(1, u64::MAX), u64::MAX);
    }
}
