//! A purchase that was refused as a whole, perhaps because of one of its tasks; and equal refusals of tasks.

use super::consequences::Consequences;
use crate::clock::Now;
use crate::engine::core::{Core, How};
use crate::engine::dispatch::{Blame, InFlight, MOST_REFUSED_BODIES};
use crate::event::EventKind;
use crate::ids::BatchId;
use crate::ledger::Change;
use crate::provider::codes::Class;
use crate::provider::{Refusal, Verdict};
use crate::rule::Rule;

impl Core {
    /// A body was refused whole, and surely nothing of it was bought: its tasks are sent again in halves, each as a new
    /// attempt, until the one that is refused is alone.
    pub(super) fn body_refused(
        &mut self,
        now: Now,
        batch: BatchId,
        flight: &InFlight,
        why: &Refusal,
        then: &mut Consequences,
    ) {
        let blame = self.dispatch.body_refused(flight, why.is_of_its_size(), &why.in_words());
        let code = why.code.or(why.http.map(u32::from)).unwrap_or_default();
        if blame == Blame::Task {
            let (attempt, message) = (flight.attempt(0), why.message.clone());
            self.progress.failed += 1;
            then.failed(attempt, code, &message, false);
            then.write(Change::Refused { attempt, code, message, for_good: true });
            return;
        }
        for at in 0..flight.tasks() {
            self.how.insert(flight.attempt(at), How { counts: false, leave: false, not_before: now.mono });
            let message = why.message.clone();
            then.write(Change::RefusedWhole { attempt: flight.attempt(at), code, message });
        }
        let (tasks, attempt) = (flight.tasks(), flight.attempt(0));
        then.tell(EventKind::BodyRefused { batch, tasks, why: why.in_words(), attempt, subject: None });
        if self.dispatch.are_all_bodies_refused() {
            let why = format!(
                "the last {MOST_REFUSED_BODIES} requests were refused whole, whatever stood in them, and nothing of them was \
                 bought: {}; the next session begins with other tasks; if it ends alike, `bursar doctor` looks at the way",
                why.in_words()
            );
            self.halt(why, &mut then.out);
        }
    }

    /// A task was refused for good: where others before it were refused alike, what they have in common stops.
    pub(super) fn refused_alike(
        &mut self,
        flight: &InFlight,
        at: usize,
        (code, message): (u32, &str),
        then: &mut Consequences,
    ) {
        if let Some((part, refused)) = self.dispatch.row_refused(flight, at, (code, message)) {
            let (run, name, message) = (flight.run, self.dispatch.part_name(&part), message.to_owned());
            then.after.push(crate::engine::vocabulary::Effect::Tell(EventKind::RefusalsStop {
                run,
                part,
                name,
                code,
                message,
                refused,
                left: 0,
            }));
        }
    }
}

/// What is in doubt is not refused, and is never sent again in parts.
pub(super) fn taken_for_refused(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::InDoubt { why } if !Rule::OnlyRefusedIsHalved.is_kept() => Verdict::NotBought {
            why: Refusal { class: Class::BadCall, code: None, http: Some(400), message: why, retry_after: None },
        },
        Verdict::InDoubt { .. } | Verdict::NotBought { .. } | Verdict::Rows { .. } => verdict,
    }
}
