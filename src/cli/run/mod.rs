//! `bursar run`: plans, buys and collects until done; started again, it continues where it stopped.
//!
//! Jobs of one ledger share its lock; jobs of one account share one pace and one set of caps.

mod account;
mod bring;
mod disk_room;
mod follow;
mod new_ledger;
mod period;

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::RunArgs;
use super::locate::Located;
use super::out::{Out, shell};
use super::{Common, Exit, diagnostics, embedded, mistake, sandboxed, secrets, state_dir, stop};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::engine::StopWord;
use crate::ledger::{self, Kind, Ledger, Trust};
use crate::problem::Problems;

pub(super) use follow::{Wait, take};
pub(super) use new_ledger::may_be_made;

/// What a session is made with.
struct Start<'a> {
    args: &'a RunArgs,
    out: Out,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
}

pub(super) fn run(args: &RunArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (jobs, wrong) = load(args, common, out)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let start = Start { args, out, clock: Clock::system(), stop: stop::listen(out, args.max_wait) };
        let mut exit = wrong;
        for (ledger, jobs) in by_ledger(jobs) {
            if *start.stop.borrow() > StopWord::None {
                return Ok(exit.and(Exit::Interrupted));
            }
            let ended = start.ledger(&ledger, jobs).await.map_err(|error| super::of_ledger(error, &ledger));
            exit = exit.and(start.beside_others(ended)?);
        }
        Ok(exit)
    })
}

/// The jobs that can be run, and what the others come to: what is wrong with each of those is said, and keeps none of the
/// good ones from running.
fn load(args: &RunArgs, common: &Common, out: Out) -> anyhow::Result<(Vec<Located>, Exit)> {
    let mut jobs: Vec<Located> = Vec::new();
    let mut wrong = Exit::Complete;
    let mut broken = Vec::new();
    for arg in &args.jobs {
        match sandboxed::job_to_buy(arg, None, common, args.sandbox) {
            Ok(located) => jobs.push(located),
            Err(error) if args.jobs.len() > 1 || error.is::<Problems>() => {
                super::say(&error, out);
                wrong = wrong.and(Exit::of(&error));
                broken.push(arg.display().to_string());
            }
            Err(error) => return Err(error),
        }
    }
    let twice =
        jobs.iter().enumerate().find(|(at, job)| jobs[..*at].iter().any(|other| other.job.name == job.job.name));
    if let Some((at, job)) = twice {
        let name = &job.job.name;
        let first = jobs[..at].iter().find(|other| other.job.name == *name).unwrap_or(job);
        if first.job.path == job.job.path {
            return mistake(format!("job `{name}` is named twice"));
        }
        return mistake(format!(
            "`{}` and `{}` are both job `{name}`: give one of them another `name`; nothing was bought",
            first.named.display(),
            job.named.display()
        ));
    }
    if !broken.is_empty() && !jobs.is_empty() {
        let good: Vec<String> = jobs.iter().map(|job| job.named.display().to_string()).collect();
        diagnostics::notice(&format!("{} not run; {} all the same", are(&broken), are(&good)), out)?;
    }
    Ok((jobs, wrong))
}

/// Names as the subject of a sentence.
fn are(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

fn by_ledger(jobs: Vec<Located>) -> Vec<(PathBuf, Vec<Located>)> {
    let mut groups: Vec<(PathBuf, Vec<Located>)> = Vec::new();
    for job in jobs {
        match groups.iter_mut().find(|(ledger, _)| *ledger == job.config.ledger) {
            Some((_, group)) => group.push(job),
            None => groups.push((job.config.ledger.clone(), vec![job])),
        }
    }
    groups
}

fn names_of(jobs: &[Located]) -> Vec<&str> {
    jobs.iter().map(|located| &*located.job.name).collect()
}

impl Start<'_> {
    /// All jobs of one ledger, one account after the other.
    async fn ledger(&self, path: &std::path::Path, jobs: Vec<Located>) -> anyhow::Result<Exit> {
        let mut accounts: Vec<(String, Vec<Located>)> = Vec::new();
        for job in jobs {
            match accounts.iter_mut().find(|(name, _)| *name == job.job.account) {
                Some((_, group)) => group.push(job),
                None => accounts.push((job.job.account.clone(), vec![job])),
            }
        }
        let is_new = ledger::is_new(path);
        let mut exit = Exit::Complete;
        let mut ways = Vec::new();
        for (_, jobs) in accounts {
            let Some(first) = jobs.first() else { continue };
            let way = first.account().and_then(|account| Ok((account, self.credentials(account)?)));
            let (account, credentials) = match way {
                Ok((account, credentials)) => (account.clone(), credentials),
                Err(error) => {
                    exit = exit.and(self.beside_others(Err(error))?);
                    continue;
                }
            };
            let at = if self.args.sandbox { "a simulated provider" } else { &account.base_url };
            // What begins with nothing bought is said in any case.
            let say = if is_new { Out::must } else { Out::note };
            say(
                self.out,
                &format!(
                    "config {}, {} {}, account {} at {at}",
                    first
                        .config
                        .path
                        .as_ref()
                        .map_or_else(|| "built in".to_owned(), |path| shell(&path.display().to_string())),
                    if is_new { "new ledger" } else { "ledger" },
                    shell(&path.display().to_string()),
                    account.name,
                ),
            );
            if let Some(variable) = secrets::unused_proxy(&account).filter(|_| !self.args.sandbox) {
                self.out.note(&secrets::proxy_not_used(variable, &account.name));
            }
            ways.push((jobs, account, credentials));
        }
        let Some((jobs, first, _)) = ways.first() else { return Ok(exit) };
        let Some(located) = jobs.first() else { return Ok(exit) };
        let (kind, state_dir) = (Kind::of(first.route), state_dir::folder(&located.config)?);
        if let (true, Some(folder)) = (self.args.sandbox, path.parent().filter(|folder| *folder == state_dir)) {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        for (jobs, account, credentials) in ways.iter().filter(|_| is_new && !self.args.new_ledger) {
            let whose = secrets::whose(account, credentials);
            may_be_made(path, &state_dir, kind, &whose, Some(&names_of(jobs)))?;
        }
        let names: Vec<&str> =
            ways.iter().flat_map(|(jobs, ..)| jobs).map(|located| located.job.name.as_str()).collect();
        let wait = Wait {
            no_follow: self.args.no_follow,
            silence: first.timing.silence,
            patience: self.args.max_wait.is_none().then_some(first.timing.patience).filter(|_| !self.out.is_watched()),
        };
        let what = format!("running {}", names.join(", "));
        let Some(lock) = take(path, &what, wait, self.out, self.stop.clone()).await? else {
            return Ok(Exit::Interrupted);
        };
        let at = self.clock.now().wall.timestamp();
        let mut ledger = Ledger::open(path, kind, at)?;
        if self.args.new_ledger {
            ledger.begins_anew();
        }
        let begun = ledger.begin(&state_dir, at)?;
        for (jobs, account, credentials) in &ways {
            let whose = secrets::whose(account, credentials);
            ledger.claim(&state_dir, &whose, &names_of(jobs), self.args.new_ledger, at)?;
        }
        if let Trust::Restored(why) = &begun.trust {
            self.tell_restored(why, ways.iter().map(|(_, account, _)| account))?;
        }
        let served = CancellationToken::new();
        for (jobs, mut account, credentials) in ways {
            if *self.stop.borrow() > StopWord::None {
                exit = exit.and(Exit::Interrupted);
                break;
            }
            if self.args.sandbox {
                let faults = embedded::faults(self.args.faults.as_deref())?;
                account.base_url =
                    embedded::serve_for(Some(&state_dir), faults, self.clock, served.child_token()).await?;
            }
            let ended = self.account(&mut ledger, &account, &credentials, &jobs).await;
            exit = exit.and(self.beside_others(ended)?);
        }
        served.cancel();
        ledger.tidy();
        // Whoever waits for the lock counts its session next, by the counter that this one still holds.
        drop(ledger);
        drop(lock);
        tracing::info!(exit = exit.code(), "start {} has ended", begun.number);
        Ok(exit)
    }

    fn credentials(&self, account: &AccountConfig) -> anyhow::Result<secrets::Credentials> {
        secrets::for_session(account, self.args.sandbox)
    }

    /// What one job, account or ledger comes to: where others are named beside it, its error is said and they go on.
    /// Nothing goes on with a ledger that cannot be written.
    fn beside_others(&self, ended: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
        ended.or_else(|error| {
            let exit = Exit::of(&error);
            if self.args.jobs.len() == 1 || exit == Exit::Unexpected {
                return Err(error);
            }
            super::say(&error, self.out);
            Ok(exit)
        })
    }

    /// What a restored ledger means for these accounts.
    fn tell_restored<'a>(&self, why: &str, accounts: impl Iterator<Item = &'a AccountConfig>) -> anyhow::Result<()> {
        let (listed, unlisted): (Vec<_>, Vec<_>) = accounts.partition(|account| account.route.shows_lists());
        if let Some(first) = listed.first() {
            let what = format!(
                "this ledger was restored, copied or rebuilt: {why}. What it bought meanwhile stands only in the provider's list: \
                 nothing is bought before that was read whole, which takes the quarantine of each account ({}), or a day \
                 where the list has never shown an unfinished task of ours",
                humantime::format_duration(first.timing.quarantine)
            );
            diagnostics::notice(&what, self.out)?;
        }
        for account in unlisted {
            let what = format!(
                "this ledger was restored, copied or rebuilt: {why}. What it bought meanwhile stands in no list that route \
                 `{}` has: a person decides before account {} buys again",
                account.route, account.name
            );
            diagnostics::notice(&what, self.out)?;
        }
        Ok(())
    }
}
