//! The pages of a look: asked for one by one, halved where they are full.

use std::time::Duration;

use super::{Reconcile, Span};
use crate::rule::Rule;

/// Rows on a page of the vendor's list; a full page may hide more.
pub(in crate::engine) const PAGE: u32 = 1_000;
/// Failures to read a page after which the look begins anew.
const MOST_PAGE_FAILURES: u32 = 5;

/// A call for a page of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct PageCall {
    pub(in crate::engine) span: Span,
    pub(in crate::engine) offset: u32,
}

impl Reconcile {
    /// The next page to ask for.
    pub(in crate::engine) fn page(&mut self) -> Option<PageCall> {
        let sweep = self.sweep.as_mut().filter(|sweep| !sweep.waiting_for_page)?;
        let call = match sweep.by_offset {
            Some((span, offset, _)) => PageCall { span, offset },
            None => PageCall { span: *sweep.to_read.last()?, offset: 0 },
        };
        sweep.waiting_for_page = true;
        Some(call)
    }

    pub(in crate::engine) fn wants_page(&self, mono: Duration) -> bool {
        mono >= self.next_look
            && self.sweep.as_ref().is_some_and(|sweep| {
                !sweep.waiting_for_page && (sweep.by_offset.is_some() || !sweep.to_read.is_empty())
            })
    }

    /// A page was read and its rows were recognised; `true` when the look is through.
    pub(in crate::engine) fn page_read(&mut self, call: PageCall, rows: usize) -> bool {
        let Some(sweep) = &mut self.sweep else { return false };
        self.failures = 0;
        sweep.waiting_for_page = false;
        sweep.rows += rows as u64;
        let full = rows >= PAGE as usize && Rule::FullPageIsCut.is_kept();
        let (from, to) = call.span;
        match sweep.by_offset {
            Some((span, offset, pass)) => {
                sweep.by_offset = match (full, pass) {
                    (true, _) => Some((span, offset + PAGE, pass)),
                    (false, 1) => Some((span, 0, 2)),
                    (false, _) => None,
                };
                if sweep.by_offset.is_none() {
                    sweep.to_read.pop();
                }
            }
            // Rows move while tasks finish, so a page that may hide some is cut in two rather than turned.
            None if full && to - from > 1 => {
                sweep.to_read.pop();
                let middle = from + (to - from) / 2;
                sweep.to_read.push((middle, to));
                sweep.to_read.push((from, middle));
            }
            None if full => sweep.by_offset = Some((call.span, PAGE, 1)),
            None => {
                sweep.to_read.pop();
            }
        }
        sweep.by_offset.is_none() && sweep.to_read.is_empty()
    }

    /// A page could not be read: it is asked for again after a while, and after too many failures the look is void.
    pub(in crate::engine) fn page_failed(&mut self, mono: Duration, counts: bool) -> Duration {
        self.failures += u32::from(counts);
        self.turned_away += u32::from(!counts);
        let wait = (Duration::from_secs(1) * 2_u32.pow(self.failures.clamp(1, 7) - 1)).min(self.timing.sweep_every);
        if self.failures.is_multiple_of(MOST_PAGE_FAILURES) && counts {
            self.fruitless += 1;
            self.sweep = None;
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.waiting_for_page = false;
        }
        self.next_look = mono + wait;
        wait
    }
}
