//! `bursar resolve --restored`: a person knows what a restored ledger lacks.

use crate::cli::out::{self, Out};
use crate::cli::{Exit, mistake};
use crate::ledger::{Books, Change, Ledger, Lookups, Reports};
use crate::product::LIST_REACH_S;

/// A person says that nothing more is to be found out about what a restored ledger bought meanwhile.
pub(super) fn restored(ledger: &mut Ledger, name: &str, reason: &str, at: i64, out: Out) -> anyhow::Result<Exit> {
    let Some((account, route)) = ledger.account(name)? else {
        return mistake(format!("the ledger knows no account `{name}`"));
    };
    let restored_from_v = ledger.provider_memory(account)?.restored_from_v;
    let is_listed = restored_from_v.is_none_or(|from_v| from_v >= at - LIST_REACH_S);
    if route.shows_lists() && is_listed {
        return mistake(format!(
            "account `{name}` has the provider's own list of what was bought: the next `bursar run` reads it and knows again what \
             this ledger lacks; a person's word would buy it twice"
        ));
    }
    if restored_from_v.is_none() {
        return mistake(format!("account `{name}` is not taken for restored: there is nothing to decide"));
    }
    let what = format!("account {name}, restored: a person decided: it may buy again: {reason}");
    ledger.record(vec![Change::RestoredDone { account }, Change::Noted { run: None, at, what }])?;
    ledger.tidy();
    out.note(&format!(
        "account {name} may buy again. What was bought by it and is missing from this ledger stays missing: it is not in \
         the books, and what is planned is bought anew"
    ));
    if out.json {
        let facts = serde_json::json!({ "schema": "bursar.resolve/1", "account": name, "verdict": "restored" });
        out::document(&facts)?;
    }
    Ok(Exit::Complete)
}
