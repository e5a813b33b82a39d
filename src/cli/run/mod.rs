//! `bursar run`: plan, buy, collect until done; started again, it goes on where it stopped.
//!
//! Jobs of one ledger share its lock, jobs of one account one pace and one set of caps.

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
use super::locate::{self, Located};
use super::out::{Out, shell};
use super::{Common, Exit, embedded, mistake, secrets, stop};
use crate::clock::Clock;
use crate::config::AccountConfig;
use crate::engine::StopWord;
use crate::ledger::{self, Kind, Ledger, Trust};
use crate::offer::Route;
use crate::problem::Problems;

pub(super) use account::terms;
pub(super) use follow::{Wait, take};
pub(super) use new_ledger::may_be_made;

/// What a start is made with.
struct Start<'a> {
    args: &'a RunArgs,
    out: Out,
    clock: Clock,
    stop: watch::Receiver<StopWord>,
}

pub(super) fn run(args: &RunArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let Some(jobs) = load(args, common, out)? else { return Ok(Exit::Usage) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let start = Start { args, out, clock: Clock::system(), stop: stop::listen(out, args.max_wait) };
        let mut exit = Exit::Complete;
        for (ledger, jobs) in by_ledger(jobs) {
            if *start.stop.borrow() > StopWord::None {
                return Ok(exit.and(Exit::Interrupted));
            }
            exit = exit.and(start.ledger(&ledger, jobs).await?);
        }
        Ok(exit)
    })
}

/// All jobs, or nothing but all that is wrong with any of them.
fn load(args: &RunArgs, common: &Common, out: Out) -> anyhow::Result<Option<Vec<Located>>> {
    let mut jobs: Vec<Located> = Vec::new();
    let mut wrong = false;
    for arg in &args.jobs {
        if args.sandbox && !locate::is_path(arg) {
            return mistake(format!("`{}`: with --sandbox, name the job file", arg.display()));
        }
        match locate::job(arg, common) {
            Ok(located) if args.sandbox => jobs.push(embedded::for_sandbox(located, common.ledger.as_deref())),
            Ok(located) => jobs.push(located),
            Err(error) if error.is::<Problems>() => {
                super::say(&error, out);
                wrong = true;
            }
            Err(error) => return Err(error),
        }
    }
    let twice =
        jobs.iter().enumerate().find(|(at, job)| jobs[..*at].iter().any(|other| other.job.name == job.job.name));
    match twice {
        Some((_, job)) => mistake(format!("job `{}` is named twice", job.job.name)),
        None => Ok((!wrong).then_some(jobs)),
    }
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

/// Money of which kind an account spends.
pub(super) fn kind_of(route: Route) -> Kind {
    match route {
        Route::Sandbox => Kind::Sandbox,
        Route::DataForSeo | Route::Aisa => Kind::Real,
    }
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
        let mut ways = Vec::new();
        for (_, jobs) in &accounts {
            let Some(first) = jobs.first() else { continue };
            let account = first.account()?;
            let at = if self.args.sandbox { "a simulated vendor" } else { &account.base_url };
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
            let credentials = if self.args.sandbox {
                secrets::Credentials::of_sandbox(embedded::LOGIN)
            } else {
                secrets::of(account)?
            };
            if let Some(variable) = secrets::unused_proxy(account).filter(|_| !self.args.sandbox) {
                self.out.note(&secrets::proxy_not_used(variable, &account.name));
            }
            ways.push((account.clone(), credentials));
        }
        let Some((first, _)) = ways.first() else { return Ok(Exit::Complete) };
        let kind = kind_of(first.route);
        let state_dir = match accounts.first().and_then(|(_, jobs)| jobs.first()) {
            Some(located) => locate::state_dir(&located.config)?,
            None => return Ok(Exit::Complete),
        };
        if let (true, Some(folder)) = (self.args.sandbox, path.parent().filter(|folder| *folder == state_dir)) {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        for ((_, jobs), (account, credentials)) in
            accounts.iter().zip(&ways).filter(|_| is_new && !self.args.new_ledger)
        {
            let whose = secrets::whose(account, credentials);
            may_be_made(path, &state_dir, kind, &whose, Some(&names_of(jobs)))?;
        }
        let names: Vec<&str> =
            accounts.iter().flat_map(|(_, jobs)| jobs).map(|located| located.job.name.as_str()).collect();
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
        for ((_, jobs), (account, credentials)) in accounts.iter().zip(&ways) {
            let whose = secrets::whose(account, credentials);
            ledger.claim(&state_dir, &whose, &names_of(jobs), self.args.new_ledger, at)?;
        }
        if let Trust::Restored(why) = &begun.trust {
            self.tell_restored(why, ways.iter().map(|(account, _)| account));
        }
        let served = CancellationToken::new();
        let mut exit = Exit::Complete;
        for ((_, jobs), (mut account, credentials)) in accounts.into_iter().zip(ways) {
            if *self.stop.borrow() > StopWord::None {
                exit = exit.and(Exit::Interrupted);
                break;
            }
            if self.args.sandbox {
                let faults = embedded::faults(self.args.faults.as_deref())?;
                account.base_url = embedded::serve_for(&state_dir, faults, self.clock, served.child_token()).await?;
            }
            exit = exit.and(self.account(&mut ledger, &account, &credentials, &jobs).await?);
        }
        served.cancel();
        ledger.tidy();
        // Whoever waits for the lock counts its start next, by the counter that this one still holds.
        drop(ledger);
        drop(lock);
        tracing::info!(exit = exit.code(), "start {} has ended", begun.number);
        Ok(exit)
    }

    /// What a restored ledger means for these accounts.
    fn tell_restored<'a>(&self, why: &str, accounts: impl Iterator<Item = &'a AccountConfig>) {
        let (listed, unlisted): (Vec<_>, Vec<_>) = accounts.partition(|account| account.route.shows_lists());
        if let Some(first) = listed.first() {
            self.out.must(&format!(
                "this ledger was restored, copied or rebuilt: {why}. What it bought meanwhile stands only in the vendor's list: \
                 nothing is bought before that was read whole, which takes the quarantine of each account ({}), or a day \
                 where the list has never shown an unfinished task of ours",
                humantime::format_duration(first.timing.quarantine)
            ));
        }
        for account in unlisted {
            self.out.must(&format!(
                "this ledger was restored, copied or rebuilt: {why}. What it bought meanwhile stands in no list that route \
                 `{}` has: a person decides before account {} buys again",
                account.route, account.name
            ));
        }
    }
}
