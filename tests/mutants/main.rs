//! Every rule of the protocol is needed: with it a named test passes, and without it the same test fails.
//!
//! A rule is left out where it is kept, on the test's thread alone (`src/rule.rs`). The tests are those of `rules`,
//! `recovery` and `ledger`, which run on one thread in virtual time.
#![expect(clippy::duplicate_mod, reason = "two files of stories have the same world, each by its own path")]

#[path = "../ledger.rs"]
mod ledger;
#[path = "../recovery.rs"]
mod recovery;
#[path = "../rules/main.rs"]
mod rules;

use std::panic::catch_unwind;

use bursar::rule::{Rule, without};
use rules::{
    answers, carried, ceilings, clocks, costs, endings, evidence, figures, halved, odd, restored, second, sending,
    settled, strangers, told, unknown_outcome, watch, worst_case,
};

/// A test by its name, and what it says where it fails for want of the rule: a test that fails otherwise, of a broken
/// story or somewhere on the way, shows nothing.
struct Story {
    name: &'static str,
    says: &'static str,
    tell: fn(),
}

/// Names a test.
macro_rules! story {
    ($file:ident::$name:ident, $says:literal) => {
        Story { name: concat!(stringify!($file), "::", stringify!($name)), says: $says, tell: $file::$name }
    };
}

/// The test that fails without a rule.
#[expect(clippy::too_many_lines, reason = "a table, a row for each rule")]
fn shown_by(rule: Rule) -> Story {
    match rule {
        Rule::IntentBeforeTheAct => story!(
            answers::a_purchase_sent_before_a_death_is_known,
            "what was sold is charged or held left: Money(0) right: Money(1200000)"
        ),
        // That the disk is told; what becomes of a ledger that does not tell it stands in `power_cut`.
        Rule::WrittenThrough => {
            story!(sending::every_commit_of_a_ledger_is_synced, r#"Some("NORMAL")"#)
        }
        Rule::ClocksShareThePeriod => story!(
            clocks::a_clock_in_another_day_opens_no_run,
            "nothing is sold for a day that the provider's clock is not in left: 3 right: 0"
        ),
        Rule::SentOnce => story!(sending::a_redirected_purchase_is_not_sent_again, "too many redirects"),
        Rule::OneDispatcher => story!(ledger::the_lock_belongs_to_one_process_until_released, "taken twice"),
        Rule::EmptyBuckets => {
            story!(sending::successive_sessions_keep_the_calls_a_minute, "calls in a minute, and 20 are allowed")
        }
        Rule::LostAnswerIsDoubt => {
            story!(answers::no_answer_is_no_refusal, "every purchase belongs to an attempt left: 3 right: 0")
        }
        Rule::ErrorIsDoubt => {
            story!(
                answers::an_error_after_the_charge_is_no_refusal,
                "every purchase belongs to an attempt left: 3 right: 0"
            )
        }
        Rule::CutBodyIsDoubt => {
            story!(
                answers::a_body_that_is_cut_short_is_no_refusal,
                "every purchase belongs to an attempt left: 3 right: 0"
            )
        }
        Rule::MissingRowIsDoubt => {
            story!(answers::a_missing_row_is_no_refusal, "every purchase belongs to an attempt left: 1 right: 0")
        }
        Rule::RowsByTag => story!(
            answers::a_reordered_reply_gives_each_task_its_own,
            "the ledger's total is the provider's bill left: Money(18000000) right: Money(10800000)"
        ),
        Rule::OnlyRefusedIsHalved => {
            story!(halved::a_request_in_doubt_is_never_halved, "every purchase belongs to an attempt")
        }
        Rule::PaidFailureIsFinal => {
            story!(figures::a_paid_failure_is_final_by_default, "left: (0, 5) right: (0, 3)")
        }
        Rule::MaxAttempts => {
            story!(endings::a_task_refused_repeatedly_waits_for_another_session, "the session ends")
        }
        Rule::CloseIsDatedOnce => {
            story!(unknown_outcome::an_absent_purchase_is_repeated_after_its_quarantine, "the session ends")
        }
        Rule::ClocksAgree => {
            story!(worst_case::one_date_ahead_does_not_move_scan_windows, "it is not bought again left: 3 right: 2")
        }
        Rule::Quarantine => story!(
            unknown_outcome::a_late_acceptance_is_not_bought_again,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::QuarantineFromTheClose => story!(
            unknown_outcome::the_quarantine_begins_when_the_connection_closes,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::TwoScans => story!(
            unknown_outcome::a_purchase_reappearing_between_scans_is_kept,
            "the first finds nothing, and the second finds it left: 1 right: 2"
        ),
        Rule::ScansApart => story!(
            unknown_outcome::a_purchase_reappearing_between_scans_is_kept,
            "the first finds nothing, and the second finds it left: 5 right: 2"
        ),
        Rule::ScanCountsForItsOwn => story!(
            unknown_outcome::a_scan_counts_for_doubt_it_began_with,
            "two scans of its own, after its own quarantine left: 0 right: 2"
        ),
        Rule::ConcludesByItsOwnScan => {
            story!(carried::a_session_without_its_own_scan_concludes_nothing, "every purchase belongs to an attempt")
        }
        Rule::ShownSpoilsScans => {
            story!(carried::scans_before_an_unpriced_row_no_longer_count, "session 3")
        }
        Rule::FullPageIsCut => {
            story!(unknown_outcome::rows_behind_a_full_page_are_found, "it is found soon")
        }
        Rule::FailedPageIsNoPage => {
            story!(
                unknown_outcome::an_unreadable_page_is_not_an_empty_page,
                "every purchase belongs to an attempt left: 2 right: 0"
            )
        }
        Rule::HidingIsInconclusive => {
            story!(endings::fruitless_scans_leave_doubt_to_a_later_session, "left: (0, None) right: (2, None)")
        }
        Rule::ControlRowInEachScan => story!(
            unknown_outcome::an_empty_list_without_control_rows_proves_nothing,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::TagsInEachScan => {
            story!(unknown_outcome::a_list_without_our_tags_concludes_nothing, "left: (0, 5) right: (2, 3)")
        }
        Rule::VisibilityProof | Rule::ProofIsUnfinished => story!(
            unknown_outcome::a_list_of_finished_tasks_proves_nothing_else,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::ReadyIsRead => {
            story!(unknown_outcome::a_hidden_finished_task_is_never_repeated, "left: (0, 5) right: (2, 3)")
        }
        Rule::GivenUpIsWatched => {
            story!(watch::the_watch_finds_a_late_acceptance_next_day, "it is booked and told left: (0, (0, Money(0)))")
        }
        Rule::FinishedIsShown => {
            story!(strangers::a_crowded_list_without_finished_rows_is_inconclusive, "left: (0, 1103) right: (1, 1102)")
        }
        Rule::BalanceIsStale => {
            story!(ceilings::a_stale_balance_is_kept_over_three_killed_sessions, "were bought past it")
        }
        Rule::FreeIsProven => {
            story!(unknown_outcome::a_free_live_row_needs_a_priced_list, "left: (false, 0, 4) right: (false, 1, 3)")
        }
        Rule::ShownIsRemembered => {
            story!(unknown_outcome::a_task_once_ready_is_never_repeated, "left: (0, 5) right: (2, 3)")
        }
        Rule::ControlRowIsFiled => {
            story!(
                unknown_outcome::a_list_by_completion_may_omit_later_rows,
                "they were not bought, and are left: 2 right: 0"
            )
        }
        Rule::NoCostIsAskedAbout => story!(
            evidence::a_listed_free_refusal_is_bought_again,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(1200000)"
        ),
        Rule::SettledOnce => story!(
            unknown_outcome::a_late_answer_by_id_settles_nothing_twice,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(4800000)"
        ),
        Rule::ListsTellFirst => story!(
            unknown_outcome::nothing_is_bought_before_a_read_list_settles,
            "task 2: a task was paid for twice without a failure between"
        ),
        Rule::SilentCostsAll => story!(
            settled::an_expired_model_answer_costs_its_hold,
            "never less than the bill left: (Money(10200000), Money(30200000))"
        ),
        Rule::ListSettles => story!(
            costs::expired_model_answers_cost_what_the_list_finally_names,
            "the ledger's total is the provider's bill left: Money(150000000) right: Money(90600000)"
        ),
        Rule::FoundIsHeldForAll => story!(
            settled::a_recovered_purchase_is_held_at_worst_case,
            "left: (1, 5, Money(151000000)) right: (1, 4, Money(120800000))"
        ),
        Rule::ClosedRunsAreSettled => story!(
            unknown_outcome::doubt_is_settled_after_its_run_is_closed,
            "the ledger's total is the provider's bill left: Money(4800000) right: Money(7200000)"
        ),
        Rule::ExactMoney => {
            story!(
                figures::a_providers_figure_is_exact_to_every_digit,
                r#"9223372036.854775807 left: Err(MoneyError { text: "9223372036.854775807" }) right: Ok(Money(9223372036854775807))"#
            )
        }
        Rule::HoldCounts => {
            story!(recovery::a_cap_of_a_hundred_tasks_buys_a_hundred, "left: 0 right: 1")
        }
        Rule::CapInTheReservation => story!(
            ceilings::a_reservation_above_a_cap_is_always_refused,
            "two tasks, two more, and the last: there is money for three left: [true, true, true] right: [true, false, true]"
        ),
        Rule::DoubtIsHeld => {
            story!(ceilings::a_hold_at_midnight_counts_in_both_days, "left: Money(0) right: Money(4800000)")
        }
        Rule::HoldInEveryPeriod => {
            story!(ceilings::a_hold_at_midnight_counts_in_both_days, "left: Money(12000000) right: Money(7200000)")
        }
        Rule::DatedByTheProvider => {
            story!(
                ceilings::a_purchase_counts_in_the_providers_billing_day,
                "this machine's day left: Money(8400000) right: Money(12000000)"
            )
        }
        Rule::OverrunIsBooked => story!(
            recovery::an_unexpected_price_stops_after_one_task,
            r#"left: ["batch 1: what a batch was charged is not what its attempts cost"] right: []"#
        ),
        Rule::DuplicatesAreBooked => story!(
            unknown_outcome::a_batch_sold_twice_is_recovered_once,
            "the ledger's total is the provider's bill left: (Money(3600000), Money(0)) right: (Money(6000000), Money(0))"
        ),
        Rule::LateArrivalsAreBooked => {
            story!(
                unknown_outcome::a_late_ready_task_is_looked_up_and_booked,
                "left: ([], Money(3600000)) right: ([], Money(6000000))"
            )
        }
        Rule::BalanceIsKept => story!(
            ceilings::a_balance_is_kept_while_the_config_asks,
            r#"left: ([], 5) right: (["account's balance to keep"], 2)"#
        ),
        Rule::BalanceIsKnown => {
            story!(
                endings::an_unreadable_balance_to_keep_buys_nothing,
                "left: (3, 0, Money(0)) right: (0, 3, Money(0))"
            )
        }
        Rule::CutNeverSkips => {
            story!(
                ceilings::nothing_behind_the_first_unaffordable_task_is_bought,
                "left: (1, 4, Money(6000000)) right: (1, 3, Money(4800000))"
            )
        }
        Rule::Canary | Rule::DriftStops => {
            story!(
                recovery::an_unexpected_price_stops_after_one_task,
                r#"end.refused.is_some_and(|why| why.contains("$0.0024") && why.contains("$0.0012"))"#
            )
        }
        Rule::SessionsAreCompared => story!(
            restored::a_restored_ledger_recovers_purchases_since_its_copy,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::ReplacedLedgerIsRefused => {
            story!(ledger::a_new_ledger_where_another_has_bought_buys_nothing, "a new ledger buys everything again")
        }
        Rule::SecondLedgerIsRefused => {
            story!(second::a_second_ledger_never_repeats_the_firsts_purchases, "the first one is at work")
        }
        Rule::AttemptsAreCompared => story!(
            recovery::a_copy_made_while_buying_is_noticed_as_one,
            "world.saw(|kind| matches!(kind, EventKind::Restored { .. })) > 0"
        ),
        Rule::RestoredScans => story!(
            restored::a_restored_ledger_recovers_purchases_since_its_copy,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::RestoredWaits => story!(
            restored::a_restored_ledger_waits_for_purchases_in_flight,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::RestoredSinceTheCopy => {
            story!(restored::a_restored_ledger_scans_since_its_copy, "left: (0, 4) right: (0, 3)")
        }
        Rule::HistoriesShareNumbers => {
            story!(restored::a_copy_in_doubt_recovers_another_historys_purchases, "left: (8, 4) right: (5, 4)")
        }
        Rule::DuplicatesOfRecoveredAreUnmatched => {
            story!(
                restored::what_was_sold_twice_is_recovered_once,
                "left: (Money(8400000), 2) right: (Money(6000000), 2)"
            )
        }
        Rule::TagsNameContent => {
            story!(restored::a_restored_ledger_never_confuses_two_tasks, "left: (4, 7, 3) right: (4, 5, 1)")
        }
        Rule::OverdueIsAskedFor => {
            story!(endings::answers_missing_from_tasks_ready_are_fetched_by_id, "the session ends")
        }
        Rule::OddAnswersAreKept => story!(odd::an_odd_answer_is_kept_and_completes_runs, "not_utf8"),
        Rule::OddAnswersStop => {
            story!(odd::the_same_oddity_five_times_stops_its_price_class, "left: (20, 20, 0) right: (5, 5, 15)")
        }
        Rule::LossesAreTold => {
            story!(told::an_earlier_days_failure_waits_to_be_reported, "left: [] right: [(")
        }
    }
}

/// What a failed test says, in one line.
fn in_one_line(failure: &(dyn std::any::Any + Send)) -> String {
    let said = failure.downcast_ref::<String>().map(String::as_str).or_else(|| failure.downcast_ref().copied());
    said.unwrap_or("it failed without a word").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_rule_of_the_protocol_is_needed() {
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut wrong) = (std::collections::BTreeSet::new(), Vec::new());
    for rule in Rule::ALL {
        let Story { name, says, tell } = shown_by(*rule);
        if passed.insert(name)
            && let Err(failure) = catch_unwind(tell)
        {
            wrong.push(format!("{name} fails with every rule kept: {}", in_one_line(&*failure)));
        }
        match catch_unwind(|| without(*rule, tell)) {
            Ok(()) => wrong.push(format!("{name} passes without {rule:?}")),
            Err(failure) => {
                let said = in_one_line(&*failure);
                println!("{rule:?}\n    {name}\n    {said}");
                if !said.contains(says) {
                    wrong.push(format!("{name} fails without {rule:?}, and not by `{says}`: {said}"));
                }
            }
        }
    }
    drop(std::panic::take_hook());
    println!("{} rules, {} shown to be needed", Rule::ALL.len(), Rule::ALL.len() - wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
}
