//! The protocol as the design states it, searched for a history in which it fails; and each known error of design,
//! made on purpose and found.
//!
//! The number of states is finite although time and crashes are not bounded (see `model/world.rs`), so a search that
//! ends has seen every history of so many tasks and attempts. `BURSAR_MODEL_FULL=1` searches more of them. With
//! `--nocapture` each search prints its name, tasks, states, depth, time and result.
#![expect(clippy::print_stdout, reason = "each search says how large it was")]

mod model {
    pub(crate) mod check;
    pub(crate) mod rules;
    pub(crate) mod steps;
    pub(crate) mod world;
}

use model::check::{breaks, doubt_for_ever, full, holds};
use model::rules::{Circumstances, Copies, From, ONLY_FINISHED, Rules, USUAL};
use model::steps::{CAP, PAY_ONCE, TRACKED};

const DESIGN: Rules = Rules::design(USUAL);
const COPIED: Circumstances = Circumstances { copies: true, ..USUAL };
const ONE_COPIED: Circumstances = Circumstances { cap: 1, ..COPIED };
const TWO_PROCESSES: Circumstances = Circumstances { processes: 2, ..USUAL };
const ONE_OF_TWO: Circumstances = Circumstances { cap: 1, ..USUAL };

#[test]
fn the_design_pays_once_and_keeps_the_cap() {
    holds::<2>("the design", DESIGN, USUAL);
    let at = Circumstances { max_tries: 3, ..USUAL };
    holds::<2>("the design, three attempts of each", DESIGN, at);
    if full() {
        holds::<3>("the design", DESIGN, Circumstances { cap: 3, ..USUAL });
        holds::<4>("the design", DESIGN, Circumstances { cap: 4, ..USUAL });
    }
}

#[test]
fn a_quarantine_of_both_delays_is_always_sufficient() {
    // A lag of no tick at all is not looked at: a purchase at the very end of a tick would be listed before it.
    for (late, lag) in [(0, 1), (1, 1), (1, 2), (3, 2), (2, 4)] {
        let at = Circumstances { late, lag, ..USUAL };
        holds::<2>(&format!("D = {late}, L = {lag}, Q = D + L"), Rules::design(at), at);
    }
}

#[test]
fn a_quarantine_one_tick_shorter_pays_twice() {
    for (late, lag) in [(0, 1), (1, 1), (1, 2), (2, 1), (3, 2), (2, 4)] {
        let at = Circumstances { late, lag, ..USUAL };
        let rules = Rules::design(at);
        let rules = Rules { quarantine: rules.quarantine - 1, ..rules };
        breaks::<2>(&format!("D = {late}, L = {lag}, Q = D + L - 1"), rules, at, &[PAY_ONCE, CAP, TRACKED], &[]);
    }
}

#[test]
fn two_processes_that_share_a_lock_are_as_one() {
    holds::<2>("two processes with a lock", DESIGN, TWO_PROCESSES);
}

#[test]
fn two_processes_without_a_lock_pay_twice() {
    let rules = Rules { lock: false, ..DESIGN };
    let at = Circumstances { cap: 1, ..TWO_PROCESSES };
    breaks::<1>("two processes without a lock", rules, at, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn a_cap_of_one_task_buys_one_of_two() {
    holds::<2>("a cap of one task", DESIGN, ONE_OF_TWO);
}

#[test]
fn a_cap_on_settled_money_alone_is_exceeded() {
    let rules = Rules { holds_count: false, ..DESIGN };
    breaks::<2>("a cap on settled money alone", rules, ONE_OF_TWO, &[CAP], &[PAY_ONCE, TRACKED]);
}

#[test]
fn a_copy_that_waits_and_scans_recovers_purchases() {
    holds::<1>("copies, waited for and scanned", DESIGN, COPIED);
    if full() {
        holds::<2>("copies, waited for and scanned", DESIGN, COPIED);
        let at = Circumstances { cap: 3, late: 1, ..COPIED };
        holds::<3>("copies, waited for and scanned, D = 1", Rules::design(at), at);
    }
}

#[test]
fn a_copy_that_nobody_notices_pays_twice() {
    let rules = Rules { copies: Copies::Unnoticed, ..DESIGN };
    breaks::<1>("copies that nobody notices", rules, ONE_COPIED, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn a_copy_that_scans_without_waiting_pays_twice() {
    let rules = Rules { copies: Copies::ScannedAtOnce, ..DESIGN };
    breaks::<1>("copies that are scanned at once", rules, ONE_COPIED, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn without_a_written_intent_a_crash_pays_twice() {
    let rules = Rules { write_ahead: false, ..DESIGN };
    breaks::<2>("no intent is written", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn a_time_out_tried_again_pays_twice() {
    let rules = Rules { time_out_is_doubt: false, ..DESIGN };
    breaks::<2>("a time-out is tried again", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn one_empty_list_without_a_quarantine_pays_twice() {
    let rules = Rules { quarantine: 0, scans: 1, ..DESIGN };
    breaks::<2>("one empty list is enough", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn one_scan_of_an_omitting_list_pays_twice() {
    let rules = Rules { scans: 1, ..DESIGN };
    breaks::<2>("one scan is enough", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
    holds::<2>("one scan, of a list that leaves out nothing", rules, Circumstances { blinks: false, ..USUAL });
}

#[test]
fn two_scans_of_one_moment_are_as_one() {
    let rules = Rules { gap: 0, ..DESIGN };
    breaks::<2>("two scans without a gap", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn a_quarantine_counted_from_intent_pays_twice() {
    let rules = Rules { counted_from: From::Intent, ..DESIGN };
    breaks::<2>("a quarantine counted from the intent", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn a_dead_list_without_control_rows_pays_twice() {
    let rules = Rules { control_row: false, ..DESIGN };
    breaks::<2>("no control row", rules, USUAL, &[PAY_ONCE, CAP, TRACKED], &[]);
    holds::<2>("no control row, of a list that is never down", rules, Circumstances { goes_dark: false, ..USUAL });
}

#[test]
fn a_task_bought_meanwhile_is_control_row_enough() {
    holds::<2>("no purchase before", DESIGN, Circumstances { earlier_purchase: false, ..USUAL });
}

#[test]
fn a_list_of_finished_tasks_is_waited_for() {
    holds::<2>("a list of finished tasks", Rules::design(ONLY_FINISHED), ONLY_FINISHED);
    let at = Circumstances { lists_unfinished: true, ..ONLY_FINISHED };
    holds::<2>("a list that has to prove itself", Rules::design(at), at);
}

#[test]
fn finished_lists_without_visibility_proof_pay_twice() {
    let rules = Rules { visibility_proof: false, ..Rules::design(ONLY_FINISHED) };
    breaks::<2>("no visibility proof", rules, ONLY_FINISHED, &[PAY_ONCE, CAP, TRACKED], &[]);
}

#[test]
fn all_of_it_at_once() {
    let at = Circumstances { processes: 2, copies: true, ..ONLY_FINISHED };
    holds::<1>("copies, two processes, a list of finished tasks", Rules::design(at), at);
    let at = Circumstances { lists_unfinished: true, ..at };
    holds::<1>("copies, two processes, a list that has to prove itself", Rules::design(at), at);
    if full() {
        holds::<2>("copies, two processes, a list that has to prove itself", Rules::design(at), at);
        let at = Circumstances { late: 2, lag: 2, max_tries: 3, ..at };
        holds::<2>("the same with longer delays and three attempts of each", Rules::design(at), at);
    }
}

#[test]
fn doubt_always_ends_while_a_control_row_exists() {
    assert_eq!(doubt_for_ever::<2>("the design", DESIGN, USUAL), None);
    assert_eq!(doubt_for_ever::<2>("a list of finished tasks", Rules::design(ONLY_FINISHED), ONLY_FINISHED), None);
    assert_eq!(doubt_for_ever::<1>("copies, waited for and scanned", DESIGN, COPIED), None);
    if full() {
        assert_eq!(doubt_for_ever::<2>("copies, waited for and scanned", DESIGN, COPIED), None);
    }
}

#[test]
fn without_control_rows_doubt_stays_safe_not_live() {
    let at = Circumstances { earlier_purchase: false, ..USUAL };
    assert!(doubt_for_ever::<2>("no purchase before", DESIGN, at).is_some());
}
