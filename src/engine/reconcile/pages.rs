//! The pages of a scan: requested one by one; a full page is cut in two.

use std::time::Duration;

use super::{Reconcile, Span};
use crate::retry::BackOff;
use crate::rule::Rule;

/// Rows on a page of the provider's list; a full page may hide more.
pub(in crate::engine) const PAGE: u32 = 1_000;
/// Failures to read a page after which the scan begins anew.
const MOST_PAGE_FAILURES: u32 = 5;

/// Between two tries of a page that cannot be read.
const AFTER_FAILED_PAGES: BackOff = BackOff::new(Duration::from_secs(1), Duration::from_secs(64));

/// A call for a page of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct PageCall {
    pub(in crate::engine) span: Span,
    pub(in crate::engine) offset: u32,
}

impl Reconcile {
    /// The next page to ask for.
    pub(in crate::engine) fn page(&mut self) -> Option<PageCall> {
        let scan = self.scan.as_mut().filter(|scan| !scan.waiting_for_page)?;
        let call = match scan.by_offset {
            Some((part, offset, _)) => PageCall { span: part, offset },
            None => PageCall { span: *scan.to_read.last()?, offset: 0 },
        };
        scan.waiting_for_page = true;
        Some(call)
    }

    pub(in crate::engine) fn wants_page(&self, mono: Duration) -> bool {
        mono >= self.next_scan
            && self
                .scan
                .as_ref()
                .is_some_and(|scan| !scan.waiting_for_page && (scan.by_offset.is_some() || !scan.to_read.is_empty()))
    }

    /// A page was read and its rows were recognised, which are filed in an order where that can be told; `true` when the scan
    /// is through.
    pub(in crate::engine) fn page_read(&mut self, call: PageCall, rows: usize, filed: Option<Filed>) -> bool {
        let Some(scan) = &mut self.scan else { return false };
        (self.failures, self.turned_away) = (0, 0);
        scan.waiting_for_page = false;
        scan.rows += rows as u64;
        let full = rows >= PAGE as usize && Rule::FullPageIsCut.is_kept();
        let (from, to) = call.span;
        match scan.by_offset {
            Some((part, offset, pass)) => {
                scan.by_offset = match (full, pass) {
                    (true, _) => Some((part, offset + PAGE, pass)),
                    (false, 1) => Some((part, 0, 2)),
                    (false, _) => None,
                };
                if scan.by_offset.is_none() {
                    scan.to_read.pop();
                }
            }
            // Rows move while tasks finish, so a page that may hide some is cut rather than turned.
            None if full && to - from > 1 => {
                scan.to_read.pop();
                scan.to_read.extend(cut(call.span, filed).into_iter().rev());
            }
            None if full => scan.by_offset = Some((call.span, PAGE, 1)),
            None => {
                scan.to_read.pop();
            }
        }
        let is_through = scan.by_offset.is_none() && scan.to_read.is_empty();
        if self.is_watching() { self.watched_page(is_through) } else { is_through }
    }

    /// A page could not be read: it is asked for again after a while, and after too many failures the scan is inconclusive.
    pub(in crate::engine) fn page_failed(&mut self, mono: Duration, counts: bool) -> Duration {
        self.failures += u32::from(counts);
        self.turned_away += u32::from(!counts);
        let wait = AFTER_FAILED_PAGES.after(self.failures).min(self.timing.sweep_every);
        if self.failures.is_multiple_of(MOST_PAGE_FAILURES) && counts {
            if self.is_watching() {
                self.watch_failed();
            } else {
                self.fruitless += 1;
            }
            self.scan = None;
            // What a person called bought can wait for a later session.
            self.scanned_for_awaited();
        }
        if let Some(scan) = &mut self.scan {
            scan.waiting_for_page = false;
        }
        self.next_scan = mono + wait;
        wait
    }
}

/// What the order of a page's rows shows of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Filed {
    /// The oldest first, to this time.
    To(i64),
    /// The latest first, back to this time.
    BackTo(i64),
}

/// A page is asked for with a second more at both edges, and its last one may not be shown whole.
const EDGE_S: i64 = 2;
/// A full page is cut into so many parts like the one that it has shown, and what remains.
const ALIKE: i64 = 8;

/// How the rows of a page are filed: by when they were posted, or else by when they were finished, whichever is in order and
/// in the span that was asked for. The provider does not say which it goes by.
pub(in crate::engine) fn filed_in((from, to): Span, times: &[[Option<i64>; 2]]) -> Option<Filed> {
    let by = |at: usize| {
        let times = times.iter().map(|times| times[at].filter(|time| (from - 1..=to + 1).contains(time)));
        let times: Vec<i64> = times.collect::<Option<_>>()?;
        let last = *times.last()?;
        if times.is_sorted() {
            Some(Filed::To(last))
        } else {
            times.is_sorted_by(|one, next| one >= next).then_some(Filed::BackTo(last))
        }
    };
    by(0).or_else(|| by(1))
}

/// The parts, oldest first, into which a full page is cut. What it has shown of its span is no full page when it is asked
/// for again, and about as much may stand in parts as long; else it is halved. All parts are read, whatever the order of its
/// rows meant.
fn cut((from, to): Span, filed: Option<Filed>) -> Vec<Span> {
    let mut cuts = vec![from, to];
    match filed {
        Some(Filed::To(last)) if last - EDGE_S < to => {
            let part = (last - EDGE_S - from).max(1);
            cuts.extend((1..=ALIKE).map(|n| from + n * part));
        }
        Some(Filed::BackTo(first)) if first + EDGE_S > from => {
            let part = (to - first - EDGE_S).max(1);
            cuts.extend((1..=ALIKE).map(|n| to - n * part));
        }
        Some(_) | None => cuts.push(from + (to - from) / 2),
    }
    cuts.retain(|cut| (from..=to).contains(cut));
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|ends| (ends[0], ends[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_is_cut_by_its_rows() {
        let span = (1_000, 1_100);
        assert_eq!(cut(span, None), [(1_000, 1_050), (1_050, 1_100)]);
        assert_eq!(cut(span, Some(Filed::To(1_042))), [(1_000, 1_040), (1_040, 1_080), (1_080, 1_100)]);
        assert_eq!(cut(span, Some(Filed::BackTo(1_038))), [(1_000, 1_040), (1_040, 1_100)]);
        assert_eq!(cut((1_000, 1_004), Some(Filed::To(1_000))).len(), 4);
        // However its rows lie, the parts are smaller than the whole, and together they are the whole.
        for to in 2..40 {
            for time in -1..=to + 1 {
                for filed in [Filed::To(time), Filed::BackTo(time)] {
                    let parts = cut((0, to), Some(filed));
                    assert!(
                        parts.len() > 1 && parts[0].0 == 0 && parts[parts.len() - 1].1 == to,
                        "{filed:?}: {parts:?}"
                    );
                    assert!(parts.windows(2).all(|two| two[0].1 == two[1].0), "{filed:?}: {parts:?}");
                    assert!(parts.iter().all(|(from, to)| from < to), "{filed:?}: {parts:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_a_page_shows_its_filing() {
        let span = (100, 200);
        assert_eq!(filed_in(span, &[[Some(99), Some(300)], [Some(150), None]]), Some(Filed::To(150)));
        assert_eq!(filed_in(span, &[[Some(20), Some(201)], [Some(150), Some(120)]]), Some(Filed::BackTo(120)));
        assert_eq!(filed_in(span, &[[Some(110), None], [Some(150), None], [Some(140), None]]), None);
        assert_eq!(filed_in(span, &[[Some(20), Some(120)], [None, None]]), None);
        assert_eq!(filed_in(span, &[]), None);
    }
}
