//! Registers accounts, jobs and their runs, with the caps they bring.
//!
//! Every session brings them again from the config and the job file. A cap takes its new value at once; one that is
//! lower than what is spent stops the buying and changes no history. Differences from before are recorded.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params};

use super::caps::name;
use super::columns::only;
use super::{AccountFacts, JobFacts, RegisterError, RunFacts};
use super::{Ledger, LedgerError, notices};
use crate::config::is_loopback;
use crate::ids::{AccountId, JobId, RunId};
use crate::money::Money;
use crate::plan::Scope;
use crate::product::{LIST_REACH_S, Route};

impl From<rusqlite::Error> for RegisterError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl Ledger {
    /// Brings an account, with its caps as they are now.
    pub(super) fn bring_account(&mut self, facts: &AccountFacts<'_>) -> Result<AccountId, RegisterError> {
        let hash = login_hash(self.id.as_str(), facts);
        self.runs.clear();
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let by_login: Option<String> = write
            .query_row(
                "SELECT name FROM account WHERE login_hash = :login_hash",
                named_params! { ":login_hash": &hash },
                only,
            )
            .optional()?;
        if let Some(known) = by_login.filter(|known| known != facts.name) {
            return Err(RegisterError::SameLogin { name: facts.name.to_owned(), known });
        }
        let known: Option<(i64, String, String, Vec<u8>)> = write
            .query_row(
                "SELECT id, route, base_url, login_hash FROM account WHERE name = :name",
                named_params! { ":name": facts.name },
                |row| Ok((row.get("id")?, row.get("route")?, row.get("base_url")?, row.get("login_hash")?)),
            )
            .optional()?;
        let id = match known {
            None => {
                // New to this ledger; but one that was restored may have forgotten it, with all that it bought.
                write.execute(
                    "INSERT INTO account (name, route, base_url, login_hash, restored_from_v)
                     VALUES (:name, :route, :base_url, :login_hash, (SELECT min(restored_from_v) FROM session
                                              WHERE at > (SELECT max(at) FROM session) - :list_reach_s))",
                    named_params! {
                        ":name": facts.name, ":route": facts.route.name(), ":base_url": facts.base_url,
                        ":login_hash": &hash, ":list_reach_s": LIST_REACH_S,
                    },
                )?;
                write.last_insert_rowid()
            }
            Some((id, route, base_url, login)) => {
                let moved = base_url != facts.base_url && !(is_loopback(&base_url) && is_loopback(facts.base_url));
                if route != facts.route.name() || moved {
                    let what = format!("{base_url} by route `{route}`");
                    return Err(RegisterError::AnotherAccount { name: facts.name.to_owned(), what });
                }
                // A key is renewed and replaced, and the account behind it stays.
                if login != hash && facts.route != Route::Aisa {
                    let what = "another login".to_owned();
                    return Err(RegisterError::AnotherAccount { name: facts.name.to_owned(), what });
                }
                write.execute(
                    "UPDATE account SET base_url = :base_url, login_hash = :login_hash WHERE id = :account",
                    named_params! { ":account": id, ":base_url": facts.base_url, ":login_hash": &hash },
                )?;
                id
            }
        };
        write.execute(
            "UPDATE account SET day_cap_nano = :day_cap_nano, month_cap_nano = :month_cap_nano WHERE id = :account",
            named_params! { ":account": id, ":day_cap_nano": facts.day_cap, ":month_cap_nano": facts.month_cap },
        )?;
        set_limit(&write, Scope::AccountDay, id, facts.day_cap)?;
        set_limit(&write, Scope::AccountMonth, id, facts.month_cap)?;
        // What an earlier session read of the balance is no ceiling for this one: it reads its own, where one is kept.
        set_limit(&write, Scope::AccountBalance, id, None)?;
        write.commit()?;
        Ok(AccountId(id))
    }

    /// Brings a job, with its caps as they are now.
    pub(super) fn bring_job(&mut self, facts: &JobFacts<'_>) -> Result<JobId, RegisterError> {
        self.runs.clear();
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known: Option<(i64, String, i64, String, String)> = write
            .query_row(
                "SELECT job.id, job.path, job.account, account.name, job.timezone FROM job
                        JOIN account ON account.id = job.account
                 WHERE job.name = :job",
                named_params! { ":job": facts.name },
                |row| {
                    Ok((row.get("id")?, row.get("path")?, row.get("account")?, row.get("name")?, row.get("timezone")?))
                },
            )
            .optional()?;
        let id = match known {
            None => {
                write.execute(
                    "INSERT INTO job (name, path, account, timezone) VALUES (:name, :path, :account, :timezone)",
                    named_params! {
                        ":name": facts.name, ":path": facts.path, ":account": facts.account,
                        ":timezone": facts.timezone.name(),
                    },
                )?;
                write.last_insert_rowid()
            }
            Some((_, known, ..)) if known != facts.path && !facts.moved => {
                let (name, path) = (facts.name.to_owned(), facts.path.to_owned());
                return Err(RegisterError::AnotherPath { name, known, path });
            }
            Some((_, _, account, known, _)) if account != facts.account.0 => {
                return Err(RegisterError::AnotherJobAccount { name: facts.name.to_owned(), known });
            }
            Some((.., known)) if known != facts.timezone.name() => {
                return Err(RegisterError::AnotherTimezone { name: facts.name.to_owned(), known });
            }
            Some((id, ..)) => id,
        };
        write.execute(
            "UPDATE job SET path = :path, timezone = :timezone, day_cap_nano = :day_cap_nano,
             month_cap_nano = :month_cap_nano WHERE id = :job",
            named_params! {
                ":job": id, ":path": facts.path, ":timezone": facts.timezone.name(), ":day_cap_nano": facts.day_cap,
                ":month_cap_nano": facts.month_cap,
            },
        )?;
        set_limit(&write, Scope::JobDay, id, facts.day_cap)?;
        set_limit(&write, Scope::JobMonth, id, facts.month_cap)?;
        write.commit()?;
        Ok(JobId(id))
    }

    /// Opens the run of a period, or the one there is; runs of the job for earlier periods stop buying.
    pub(super) fn bring_run(&mut self, facts: &RunFacts<'_>, now: i64) -> Result<RunId, LedgerError> {
        self.runs.clear();
        let results: Vec<&str> = facts.results.iter().map(|kind| kind.name()).collect();
        let results = results.join(",");
        let write = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known: Option<(i64, i64)> = write
            .query_row(
                "SELECT id, cap_nano FROM run WHERE job = :job AND period = :period",
                named_params! { ":job": facts.job, ":period": &facts.period.id },
                |row| Ok((row.get("id")?, row.get("cap_nano")?)),
            )
            .optional()?;
        let (begins_at, ends_at) = (facts.period.from.timestamp(), facts.period.to.timestamp());
        let id = match known {
            None => {
                write.execute(
                    "INSERT INTO run (job, period, begins_at, ends_at, opened_at, cap_nano, state, results)
                     VALUES (:job, :period, :begins_at, :ends_at, :opened_at, :cap_nano, 'open', :results)",
                    named_params! {
                        ":job": facts.job, ":period": &facts.period.id, ":begins_at": begins_at, ":ends_at": ends_at,
                        ":opened_at": now, ":cap_nano": facts.cap, ":results": &results,
                    },
                )?;
                let id = write.last_insert_rowid();
                may_be_forgotten(&write, id, begins_at)?;
                id
            }
            Some((id, cap)) => {
                if cap != facts.cap.nanos() {
                    let what = format!("{}: from {} to {}", name(Scope::Run, 0), Money::from_nanos(cap), facts.cap);
                    write.execute(
                        "INSERT INTO change (run, at, what) VALUES (:run, :at, :what)",
                        named_params! { ":run": id, ":at": now, ":what": what },
                    )?;
                }
                write.execute(
                    "UPDATE run SET cap_nano = :cap_nano, results = :results,
                     state = iif(state = 'complete', 'open', state) WHERE id = :run",
                    named_params! { ":run": id, ":cap_nano": facts.cap, ":results": &results },
                )?;
                id
            }
        };
        notices::closing(&write, facts.job.0, (id, begins_at, &facts.period.id))?;
        // A clock that was wrong may have begun a run of a later period, which stays for its time. Another kind of period
        // is another rhythm of the job: none of its runs is taken up again.
        write.execute(
            "UPDATE run SET state = 'closed' WHERE job = :job AND id <> :run AND state <> 'closed'
             AND (begins_at < :begins_at OR length(period) <> length(:id))",
            named_params! { ":job": facts.job, ":run": id, ":begins_at": begins_at, ":id": &facts.period.id },
        )?;
        write.execute(
            "UPDATE run SET deadline_at = opened_at + :deadline_s WHERE id = :run",
            named_params! { ":run": id, ":deadline_s": facts.deadline_s },
        )?;
        set_limit(&write, Scope::Run, id, Some(facts.cap))?;
        write.commit()?;
        Ok(RunId(id))
    }
}

/// Tasks join a run that may have been bought before: by a session that a restored ledger forgot, in a period that had
/// begun by then. The provider's list is read again before they are.
pub(super) fn may_be_forgotten(write: &Connection, run: i64, from: i64) -> Result<(), rusqlite::Error> {
    write.execute(
        "UPDATE account SET restored_closed_v = NULL,
                            restored_from_v = min(coalesce(restored_from_v, forgotten.from_v), forgotten.from_v)
         FROM (SELECT min(restored_from_v) AS from_v FROM session
               WHERE at >= :from AND at > (SELECT max(at) FROM session) - :list_reach_s) AS forgotten
         WHERE forgotten.from_v IS NOT NULL
           AND account.id = (SELECT job.account FROM run JOIN job ON job.id = run.job WHERE run.id = :run)",
        named_params! { ":run": run, ":from": from, ":list_reach_s": LIST_REACH_S },
    )?;
    Ok(())
}

/// The new limit counts from now on, also in the periods that have begun.
fn set_limit(write: &Connection, scope: Scope, owner: i64, limit: Option<Money>) -> Result<(), rusqlite::Error> {
    write.execute(
        "UPDATE cap SET limit_nano = :limit_nano WHERE scope = :scope AND owner = :owner",
        named_params! { ":scope": scope.name(), ":owner": owner, ":limit_nano": limit },
    )?;
    Ok(())
}

fn login_hash(salt: &str, facts: &AccountFacts<'_>) -> Vec<u8> {
    let text = serde_json::json!([salt, facts.route.name(), facts.login.0]).to_string();
    blake3::hash(text.as_bytes()).as_bytes().to_vec()
}
