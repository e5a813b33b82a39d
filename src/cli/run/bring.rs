//! Brings the runs of the named jobs into the ledger, each as far as this session continues it.

use super::Start;
use super::period::{Handshake, Meant, NoRun, has_borders};
use crate::cli::locate::Located;
use crate::cli::out::{count, grouped};
use crate::cli::{Exit, deadline_choice, diagnostics};
use crate::config::AccountConfig;
use crate::engine::{self, PrepareError, RunTerms};
use crate::ids::{AccountId, RunId};
use crate::job::Disk;
use crate::ledger::{Edited, Ledger, LedgerError, Lookups, Reports, RunState};
use crate::period::Period;
use crate::price::PriceList;

/// The runs of a session, and what is bought of them.
pub(super) struct Brought<'j> {
    pub(super) runs: Vec<(RunId, Go<'j>)>,
    pub(super) bought: Vec<RunTerms>,
    /// What went wrong on the way.
    pub(super) exit: Exit,
}

/// How far a run goes on in this session.
pub(super) enum Go<'a> {
    /// As its job says.
    On(&'a Located),
    /// Its answers are collected: the job cannot be bought as it stands.
    Wrong,
    /// Its answers are collected: no period is agreed on.
    NoPeriod(NoRun),
}

impl<'a> Go<'a> {
    pub(super) fn on(&self) -> Option<&'a Located> {
        match self {
            Self::On(located) => Some(located),
            Self::Wrong | Self::NoPeriod(_) => None,
        }
    }
}

impl Start<'_> {
    /// Brings the runs that jobs mean: those to be bought, and those of which nothing is bought in this session.
    pub(super) async fn bring_all<'j>(
        &self,
        ledger: &mut Ledger,
        jobs: &'j [Located],
        (account, config): (AccountId, &AccountConfig),
        handshake: Option<&Handshake>,
        prices: &PriceList,
    ) -> anyhow::Result<Brought<'j>> {
        let mut runs = Vec::new();
        let mut bought = Vec::new();
        let mut exit = Exit::Complete;
        for located in jobs {
            let meant = match handshake.filter(|_| has_borders(located)) {
                Some(handshake) => self.agreed(ledger, located, handshake).await?,
                None => match self.period(ledger, located) {
                    Ok(period) => Meant::Run(period),
                    Err(error) => {
                        exit = exit.and(self.beside_others(Err(error))?);
                        continue;
                    }
                },
            };
            let period = match meant {
                Meant::Run(period) => period,
                Meant::NoRun(no_run) => {
                    exit = exit.and(self.tell_no_run(located, &no_run)?);
                    for period in &no_run.periods {
                        if let Some(run) = ledger.find_run(&located.job.name, Some(period))? {
                            runs.push((run, Go::NoPeriod(no_run)));
                            break;
                        }
                    }
                    continue;
                }
            };
            match self.bring(ledger, located, &period, account, config, prices) {
                Ok((run, terms)) => {
                    runs.push((run, Go::On(located)));
                    bought.extend(terms);
                }
                // What is paid is collected, and what others ask is bought, whatever may not be.
                Err(error) if is_of_the_plan(&error) && self.goes_on_without(ledger, account)? => {
                    exit = exit.and(Exit::Usage);
                    let name = &located.job.name;
                    let collected = if self.args.no_collect { "" } else { "; what is paid is collected all the same" };
                    let what = format!("{error}. Nothing is bought of job `{name}` in this session{collected}");
                    diagnostics::notice(&what, self.out)?;
                    runs.extend(ledger.find_run(name, Some(&period.id))?.map(|run| (run, Go::Wrong)));
                }
                Err(error) => exit = exit.and(self.beside_others(Err(error))?),
            }
        }
        Ok(Brought { runs, bought, exit })
    }

    /// Brings a job and its run; nothing is bought of a run that a later one has closed.
    fn bring(
        &self,
        ledger: &mut Ledger,
        located: &Located,
        period: &Period,
        account: AccountId,
        config: &AccountConfig,
        prices: &PriceList,
    ) -> anyhow::Result<(RunId, Option<RunTerms>)> {
        let job = &located.job;
        if let Some(run) = ledger.find_run(&job.name, Some(&period.id))?
            && ledger.run_status(run)?.state == RunState::Closed
        {
            self.out.note(&format!(
                "{} ({}): a later period has begun, so nothing more is bought for it; its answers are still collected",
                job.name, period.id
            ));
            return Ok((run, None));
        }
        let now = self.clock.now();
        let prepared =
            engine::prepare(ledger, job, account, &config.limits, prices, period, self.args.moved, &Disk, now)?;
        if let Some(edited) = prepared.edited.filter(|edited| prepared.resumed && *edited != Edited::default()) {
            self.out.note(&format!(
                "{} ({}): the job file has changed: {} joined, {} left unbought, {} bought and no longer asked",
                job.name,
                period.id,
                count(edited.joined, "task"),
                grouped(edited.left),
                grouped(edited.no_longer_asked)
            ));
        }
        if self.args.retry_failed {
            let (free, paid) = engine::retry_failed(ledger, prepared.run, now)?;
            let again = if paid > 0 {
                format!(", and {} that were paid for and are paid for again", count(paid, "task"))
            } else {
                String::new()
            };
            let free = count(free, "task");
            self.out.note(&format!("{} ({}): tried again: {free} refused at no cost{again}", job.name, period.id));
        }
        for line in deadline_choice::lines(&prepared.deadline_choice) {
            self.out.note(&format!("{} ({}): {line}", job.name, period.id));
        }
        Ok((prepared.run, Some(prepared.terms)))
    }

    /// Before anything is called: a job that cannot be bought as it is asked is told at once, where there is nothing else
    /// to do.
    pub(super) fn can_be_bought(
        &self,
        ledger: &Ledger,
        jobs: &[Located],
        account: AccountId,
        config: &AccountConfig,
        prices: &PriceList,
    ) -> anyhow::Result<()> {
        for located in jobs {
            let Ok(period) = self.period(ledger, located) else { continue };
            if ledger.find_run(&located.job.name, Some(&period.id))?.is_some() {
                continue;
            }
            let checked = engine::affordable(ledger, &located.job, &config.limits, prices, self.clock.now());
            let checked = checked.map_err(anyhow::Error::from);
            if let Err(error) = checked
                && !(is_of_the_plan(&error) && self.goes_on_without(ledger, account)?)
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether a session has more to do than a job that cannot be bought: answers are to come, something is in doubt, or
    /// other jobs are named beside it.
    fn goes_on_without(&self, ledger: &Ledger, account: AccountId) -> anyhow::Result<bool> {
        Ok(has_more_to_do(ledger, account)? || self.args.jobs.len() > 1)
    }
}

/// The job cannot be bought as it is asked; nothing is wrong with the ledger.
fn is_of_the_plan(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(PrepareError::Plan(_) | PrepareError::Short { .. }))
}

/// Answers are to come, or something is in doubt.
fn has_more_to_do(ledger: &Ledger, account: AccountId) -> Result<bool, LedgerError> {
    Ok(!ledger.open_batches(account)?.is_empty() || !ledger.unknown_batches(account)?.is_empty())
}
