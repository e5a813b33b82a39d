//! Answers that exist but are not handed out: asked for again after a back-off that grows. A list shows them all the
//! time.

use std::collections::BTreeMap;

use crate::ids::AttemptId;

/// The first pause, in seconds; it doubles from there.
const FIRST_S: i64 = 30;
/// The longest: whoever pays money in does not wait for more.
const LONGEST_S: i64 = 600;

/// When each may be asked for again (provider's clock), and after which pause.
#[derive(Debug, Default)]
pub(super) struct BackOffs(BTreeMap<AttemptId, (i64, i64)>);

impl BackOffs {
    /// It was asked for, and not given.
    pub(super) fn refused(&mut self, attempt: AttemptId, provider_now: i64) {
        let (until_v, pause_s) = self.0.entry(attempt).or_insert((0, FIRST_S / 2));
        *pause_s = (*pause_s * 2).min(LONGEST_S);
        *until_v = provider_now + *pause_s;
    }

    /// It is not asked for yet.
    pub(super) fn back_offs(&self, attempt: AttemptId, provider_now: i64) -> bool {
        self.0.get(&attempt).is_some_and(|(until_v, _)| provider_now < *until_v)
    }
}
