//! Polling `tasks_ready`: which endpoint is next, and what a reply was worth.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Collect, Endpoint, Path};
use crate::retry::BackOff;

/// When the latest listings of what is ready at an endpoint were begun (provider's clock).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Listing {
    /// The latest whole one.
    pub(in crate::engine) whole_v: Option<i64>,
    /// The latest full one, which may hide more.
    pub(in crate::engine) full_v: Option<i64>,
}

/// The most rows that `tasks_ready` shows: behind so many there may be more.
pub(in crate::engine) const READY_ROWS: usize = 1_000;

impl Collect {
    /// An endpoint whose list is to be looked at.
    pub(in crate::engine) fn to_poll(&self, mono: Duration, also: &BTreeSet<Endpoint>) -> Option<Endpoint> {
        let due = |path: &Path| !path.polling && !path.gone && path.next_poll <= mono;
        let wanted = |endpoint: &Endpoint, path: &Path| (self.on && path.waiting > 0) || also.contains(endpoint);
        // They share one limit: the one that has waited longest goes first.
        let due = self.paths.iter().filter(|(endpoint, path)| due(path) && wanted(endpoint, path));
        due.min_by_key(|(_, path)| path.next_poll).map(|(endpoint, _)| *endpoint)
    }

    /// Makes sure that an endpoint can be polled, though nothing of it is waiting.
    pub(in crate::engine) fn know(&mut self, endpoint: Endpoint, mono: Duration) {
        self.path(endpoint, mono);
    }

    /// The path to an endpoint; one that is new is polled from `next_poll` on.
    pub(super) fn path(&mut self, endpoint: Endpoint, next_poll: Duration) -> &mut Path {
        self.paths.entry(endpoint).or_insert_with(|| Path { next_poll, ..Path::default() })
    }

    /// Between two polls without news, and between two tries of an answer.
    pub(super) fn back_off(&self) -> BackOff {
        BackOff::new(self.poll_min, self.poll_max)
    }

    pub(in crate::engine) fn polling(&mut self, endpoint: Endpoint) {
        if let Some(path) = self.paths.get_mut(&endpoint) {
            path.polling = true;
        }
    }

    /// A list came back: with how many rows that can be read, of which so many were news, and whether those are all its
    /// rows; or it did not.
    pub(in crate::engine) fn polled(
        &mut self,
        endpoint: Endpoint,
        begun_v: i64,
        rows: Option<(usize, usize, bool)>,
        mono: Duration,
    ) {
        let back_off = self.back_off();
        let Some(path) = self.paths.get_mut(&endpoint) else { return };
        path.polling = false;
        let has_news = rows.is_some_and(|(_, news, _)| news > 0);
        path.quiet = if has_news { 0 } else { path.quiet + 1 };
        path.next_poll = mono + back_off.after(path.quiet + 1);
        // A thousand rows may hide more behind them. One that cannot be read may be ours: such a list tells nothing.
        match rows {
            Some((rows, ..)) if rows >= READY_ROWS => path.listing.full_v = Some(begun_v),
            Some((.., true)) => path.listing.whole_v = Some(begun_v),
            Some((.., false)) | None => {}
        }
    }

    /// What the latest listings of an endpoint were worth.
    pub(in crate::engine) fn listing(&self, endpoint: Endpoint) -> Listing {
        self.paths.get(&endpoint).map(|path| path.listing).unwrap_or_default()
    }

    /// When the latest whole listing of an endpoint was begun.
    pub(in crate::engine) fn listed_v(&self, endpoint: Endpoint) -> Option<i64> {
        self.listing(endpoint).whole_v
    }
}
