//! What all rows of a run have in common, and how complete the run is, in words.

use crate::cli::out::{count, grouped};
use crate::ids::RunId;
use crate::ledger::{Ledger, LedgerError, Reports};

/// What all rows of a run have in common.
#[derive(Debug, Default)]
pub(super) struct OfRun {
    pub(super) job: String,
    pub(super) period: String,
    pub(super) complete: bool,
    pub(super) asked: u64,
    pub(super) planned: u64,
    in_doubt: u64,
    waiting: u64,
    failed: u64,
}

impl OfRun {
    pub(super) fn read(ledger: &Ledger, run: RunId) -> Result<Self, LedgerError> {
        let (job, period) = ledger.run_name(run)?;
        let [planned, in_doubt, waiting, answered, failed] = ledger.tally(run)?;
        let asked = planned + in_doubt + waiting + answered + failed;
        let complete = planned + in_doubt + waiting == 0;
        Ok(Self { job, period, complete, asked, planned, in_doubt, waiting, failed })
    }

    /// What is not answered, by why.
    fn lacks(&self) -> String {
        let parts = [
            (self.planned, "not bought"),
            (self.in_doubt, "in doubt"),
            (self.waiting, "waiting for the answer"),
            (self.failed, "failed"),
        ];
        let some = parts.iter().filter(|(tasks, _)| *tasks > 0);
        let some: Vec<String> = some.map(|(tasks, what)| format!("{} {what}", grouped(*tasks))).collect();
        format!("of {} {}", count(self.asked, "task"), some.join(", "))
    }
}

/// What the exported rows are rows of.
pub(super) fn named(runs: &[OfRun]) -> String {
    match runs {
        [] => String::new(),
        [only] => format!("{} ({})", only.job, only.period),
        [first, .., last] => {
            format!("{} ({}, {} to {})", first.job, count(runs.len() as u64, "period"), first.period, last.period)
        }
    }
}

/// How complete the runs are; where there are several, each that is not has a line of its own.
pub(super) fn completeness(runs: &[OfRun]) -> String {
    let lacking: Vec<&OfRun> = runs.iter().filter(|run| !run.complete || run.failed > 0).collect();
    match (runs, &*lacking) {
        ([_], []) => "the run is complete".to_owned(),
        (_, []) => "all runs are complete".to_owned(),
        ([_], [run]) if run.complete => format!("the run is complete: {}", run.lacks()),
        ([_], [run]) => format!("the run is not complete: {}", run.lacks()),
        _ => {
            let open = runs.iter().filter(|run| !run.complete).count() as u64;
            let head = match open {
                0 => "all runs are complete".to_owned(),
                open => format!("{} of {} not complete", grouped(open), count(runs.len() as u64, "run")),
            };
            let each = lacking.iter().map(|run| format!("  {}: {}", run.period, run.lacks()));
            format!("{head}\n{}", each.collect::<Vec<_>>().join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(period: &str, [planned, in_doubt, waiting, failed]: [u64; 4]) -> OfRun {
        let (job, period) = ("tracker".to_owned(), period.to_owned());
        let complete = planned + in_doubt + waiting == 0;
        OfRun { job, period, complete, asked: 3_000, planned, in_doubt, waiting, failed }
    }

    #[test]
    fn waiting_and_doubtful_tasks_are_not_called_unbought() {
        let said = |counts| completeness(&[run("2026-11-22", counts)]);
        assert_eq!(said([0; 4]), "the run is complete");
        assert_eq!(said([0, 0, 0, 2]), "the run is complete: of 3,000 tasks 2 failed");
        assert_eq!(said([0, 0, 3_000, 0]), "the run is not complete: of 3,000 tasks 3,000 waiting for the answer");
        assert_eq!(
            said([1_200, 100, 1_500, 2]),
            "the run is not complete: of 3,000 tasks 1,200 not bought, 100 in doubt, 1,500 waiting for the answer, 2 failed"
        );
    }

    #[test]
    fn each_incomplete_run_of_several_has_a_line() {
        let runs = [run("2026-11-20", [0; 4]), run("2026-11-21", [5, 0, 0, 0]), run("2026-11-22", [0, 0, 0, 1])];
        assert_eq!(named(&runs), "tracker (3 periods, 2026-11-20 to 2026-11-22)");
        assert_eq!(
            completeness(&runs),
            "1 of 3 runs not complete\n  2026-11-21: of 3,000 tasks 5 not bought\n  2026-11-22: of 3,000 tasks 1 failed"
        );
        assert_eq!(completeness(&runs[..0]), "all runs are complete");
        assert_eq!(completeness(&[run("a", [0; 4]), run("b", [0; 4])]), "all runs are complete");
    }
}
