//! The ledger's public functions against a model of the books that fits on a page: the same reservations and changes
//! to both, in any order, repeated, late and contradictory.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

mod books {
    pub(crate) mod executor;
    pub(crate) mod model;
}

use books::executor::{Executor, Step};
use proptest::prelude::*;

/// Reserves, and what becomes of attempts, in the proportions of a bad week.
fn step(honest: bool) -> impl Strategy<Value = Step> {
    let most = if honest { 100_u64 } else { 180 };
    let reserve = (prop::collection::vec((0..8_usize, 1..=40_i64), 1..4), 0..72_i64, 0..30_i64)
        .prop_map(|(tasks, sent_h, hold_h)| Step::Reserve { tasks, sent_h, hold_h });
    let change = (0..13_u8, 0..64_usize, 0..=most, 0..31_i64, any::<bool>(), 0..3_u8).prop_map(
        |(kind, attempt, percent, posted_h, again, id)| Step::Change { kind, attempt, percent, posted_h, again, id },
    );
    let of_one_commit = prop::collection::vec(change, 1..5).prop_map(Step::Commit);
    let accept = (0..64_usize, prop::collection::vec(0..=most, 0..3), 0..31_i64, 0..3_u8)
        .prop_map(|(attempt, percents, posted_h, id)| Step::Accept { attempt, percents, posted_h, id });
    prop_oneof![3 => reserve, 4 => of_one_commit, 1 => accept]
}

fn cases() -> u32 {
    std::env::var("BURSAR_LEDGER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_agrees_with_its_model_after_commits(steps in prop::collection::vec(step(false), 1..24)) {
        let mut executor = Executor::new();
        for step in &steps {
            executor.take(step);
            executor.assert_agreed();
        }
        executor.assert_audit_is_clean();
    }

    #[test]
    fn an_honest_provider_never_exceeds_a_cap(steps in prop::collection::vec(step(true), 1..24)) {
        let mut executor = Executor::honest();
        for step in &steps {
            executor.take(step);
            executor.assert_agreed();
            executor.assert_no_cap_is_passed();
        }
        executor.assert_audit_is_clean();
    }
}

#[test]
fn a_day_starting_with_unmatched_money_is_capped() {
    let mut executor = Executor::new();
    executor.take(&Step::Reserve { tasks: vec![(0, 40)], sent_h: 0, hold_h: 0 });
    // 40 cents on the next day of UTC, of the 110 that its cap allows.
    executor.take(&Step::Change { kind: 10, attempt: 0, percent: 100, posted_h: 30, again: false, id: 0 });
    for tasks in [vec![(0, 40), (1, 40)], vec![(0, 40), (1, 30)]] {
        executor.take(&Step::Reserve { tasks, sent_h: 27, hold_h: 0 });
        executor.assert_agreed();
    }
    executor.assert_audit_is_clean();
}
