//! What the engine is told about an account: its config in the engine's terms.

use crate::config::AccountConfig;
use crate::engine::{RunTerms, Terms};
use crate::ids::AccountId;
use crate::provider::Through;

/// What the engine is told about an account.
pub(super) fn terms(account: AccountId, config: &AccountConfig, runs: Vec<RunTerms>) -> Terms {
    Terms {
        account,
        name: config.name.clone(),
        limits: config.limits.clone(),
        timing: config.timing.clone(),
        speed: 1,
        lists: config.route.shows_lists(),
        through: Through::of(config.route, config.proxy.is_some()),
        user_prompt_decoded: config.user_prompt_decoded,
        keep_balance: config.caps.keep_balance,
        watch_now: false,
        collect: true,
        patience: None,
        seed: fastrand::u64(..),
        runs,
    }
}
