//! Asks the provider for its lists: one free call for each engine.

use anyhow::Context as _;

use super::rows::Rows;
use crate::catalogue::List;
use crate::cli::secrets::Credentials;
use crate::config::AccountConfig;
use crate::product::Engine;
use crate::provider::wire::catalogue_path;
use crate::provider::{ListProblem, Provider as _, Request, judge_languages, judge_locations, judge_models};

/// The provider's list cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{list} of {engine}: {problem}")]
pub(in crate::cli) struct FetchError {
    list: List,
    engine: Engine,
    pub(in crate::cli) problem: ListProblem,
}

/// The lists of these engines, in their order.
pub(super) fn all(
    list: List,
    engines: impl Iterator<Item = Engine>,
    account: &AccountConfig,
    credentials: &Credentials,
) -> anyhow::Result<Vec<Rows>> {
    let http = credentials.way_to(&account.base_url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let mut all = Vec::new();
        for engine in engines {
            let path = catalogue_path(list, engine);
            let request = Request { path, body: None, spends: false, timeout: account.timing.request_timeout };
            let outcome = http.call(request).await;
            let rows = match list {
                List::Locations => judge_locations(&outcome).map(Rows::from),
                List::Languages => judge_languages(&outcome).map(Rows::from),
                List::Models => judge_models(&outcome).map(Rows::from),
            };
            all.push(rows.map_err(|problem| FetchError { list, engine, problem })?);
        }
        Ok(all)
    })
}
