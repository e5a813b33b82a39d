//! Answers that exist but are not handed out: asked for again after a back-off that grows. A list shows them all the
//! time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::provider_clock::seconds;
use crate::ids::AttemptId;
use crate::retry::BackOff;

/// Whoever pays money in does not wait for more than the longest.
const AFTER_REFUSALS: BackOff = BackOff::new(Duration::from_secs(30), Duration::from_mins(10));

/// When each may be asked for again (provider's clock), and how often it was not given.
#[derive(Debug, Default)]
pub(super) struct BackOffs(BTreeMap<AttemptId, (i64, u32)>);

impl BackOffs {
    /// It was asked for, and not given.
    pub(super) fn refused(&mut self, attempt: AttemptId, provider_now: i64) {
        let (until_v, times) = self.0.entry(attempt).or_default();
        *times += 1;
        *until_v = provider_now + seconds(AFTER_REFUSALS.after(*times));
    }

    /// It is not asked for yet.
    pub(super) fn back_offs(&self, attempt: AttemptId, provider_now: i64) -> bool {
        self.0.get(&attempt).is_some_and(|(until_v, _)| provider_now < *until_v)
    }
}
