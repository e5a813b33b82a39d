//! Every rule of the protocol is shown to be needed: with it a named test passes, and without it the same test fails.
//!
//! A rule is left out where it is kept, on the thread of the test alone (`src/rule.rs`). The tests are those of `rules`,
//! `recovery` and `ledger`: stories of one thread, whose time is virtual.
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
            answers::a_start_that_dies_once_its_purchase_has_left_leaves_it_to_the_next,
            "what was sold is charged or held left: Money(0) right: Money(1200000)"
        ),
        // That the disk is told; what becomes of a ledger that does not tell it stands in `power_cut`.
        Rule::WrittenThrough => {
            story!(sending::a_ledger_that_is_opened_waits_for_the_disk_at_every_commit, r#"Some("NORMAL")"#)
        }
        Rule::ClocksShareThePeriod => story!(
            clocks::a_clock_in_another_day_opens_no_run_and_buys_nothing,
            "nothing is sold for a day that the provider's clock is not in left: 3 right: 0"
        ),
        Rule::SentOnce => story!(sending::a_purchase_that_is_sent_elsewhere_is_not_sent_again, "too many redirects"),
        Rule::OneDispatcher => story!(ledger::the_lock_is_one_process_s_until_it_lets_go, "taken twice"),
        Rule::EmptyBuckets => story!(
            sending::starts_that_follow_one_another_call_no_more_than_one_that_goes_on,
            "calls in a minute, and 20 are allowed"
        ),
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
            answers::a_reply_in_another_order_gives_each_task_its_own_answer,
            "the ledger's total is the provider's bill left: Money(18000000) right: Money(10800000)"
        ),
        Rule::OnlyRefusedIsHalved => {
            story!(halved::a_body_in_doubt_is_not_sent_again_in_halves, "every purchase belongs to an attempt")
        }
        Rule::PaidFailureIsFinal => {
            story!(
                figures::a_failure_that_was_paid_for_is_not_bought_again_unless_the_job_says_so,
                "left: (0, 5) right: (0, 3)"
            )
        }
        Rule::MaxAttempts => {
            story!(endings::a_task_that_is_refused_again_and_again_is_left_to_a_later_start, "the session ends")
        }
        Rule::CloseIsDatedOnce => {
            story!(unknown_outcome::what_never_arrived_is_bought_again_once_its_quarantine_is_over, "the session ends")
        }
        Rule::ClocksAgree => {
            story!(
                worst_case::one_date_that_is_ahead_does_not_move_the_window_of_a_look,
                "it is not bought again left: 3 right: 2"
            )
        }
        Rule::Quarantine => story!(
            unknown_outcome::what_is_accepted_long_after_its_connection_is_gone_is_not_bought_again,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::QuarantineFromTheClose => story!(
            unknown_outcome::the_quarantine_of_a_purchase_begins_when_its_connection_is_gone,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::TwoScans => story!(
            unknown_outcome::a_purchase_that_the_list_shows_again_before_the_second_look_is_not_bought_again,
            "the first finds nothing, and the second finds it left: 1 right: 2"
        ),
        Rule::ScansApart => story!(
            unknown_outcome::a_purchase_that_the_list_shows_again_before_the_second_look_is_not_bought_again,
            "the first finds nothing, and the second finds it left: 5 right: 2"
        ),
        Rule::ScanCountsForItsOwn => story!(
            unknown_outcome::a_look_counts_only_for_the_doubts_that_it_began_with,
            "two scans of its own, after its own quarantine left: 0 right: 2"
        ),
        Rule::ConcludesByItsOwnScan => {
            story!(
                carried::a_session_without_a_scan_of_its_own_concludes_nothing,
                "every purchase belongs to an attempt"
            )
        }
        Rule::ShownSpoilsScans => {
            story!(carried::scans_before_a_row_without_its_cost_count_for_no_later_session, "session 3")
        }
        Rule::FullPageIsCut => {
            story!(unknown_outcome::what_stands_behind_a_full_page_of_the_list_is_found, "it is found soon")
        }
        Rule::FailedPageIsNoPage => {
            story!(
                unknown_outcome::a_page_that_cannot_be_read_is_no_empty_page,
                "every purchase belongs to an attempt left: 2 right: 0"
            )
        }
        Rule::HidingIsInconclusive => story!(
            endings::a_start_whose_looks_settle_nothing_leaves_what_is_in_doubt_to_a_later_one,
            "left: (0, None) right: (2, None)"
        ),
        Rule::ControlRowInEachScan => story!(
            unknown_outcome::an_empty_list_proves_nothing_where_nothing_of_ours_must_be_on_it,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::TagsInEachScan => {
            story!(unknown_outcome::a_list_without_our_tags_concludes_nothing, "left: (0, 5) right: (2, 3)")
        }
        Rule::VisibilityProof | Rule::ProofIsUnfinished => story!(
            unknown_outcome::a_list_that_shows_only_what_is_finished_proves_nothing_about_the_rest,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::ReadyIsRead => story!(
            unknown_outcome::a_finished_task_in_doubt_that_the_list_hides_is_never_bought_again,
            "left: (0, 5) right: (2, 3)"
        ),
        Rule::GivenUpIsWatched => story!(
            watch::a_purchase_accepted_after_it_was_given_up_is_found_the_next_day,
            "it is booked and told left: (0, (0, Money(0)))"
        ),
        Rule::FinishedIsShown => story!(
            strangers::a_list_without_finished_tasks_concludes_nothing_behind_a_crowd,
            "left: (0, 1103) right: (1, 1102)"
        ),
        Rule::BalanceIsStale => {
            story!(ceilings::a_stale_balance_is_kept_over_three_killed_sessions, "were bought past it")
        }
        Rule::FreeIsProven => {
            story!(
                unknown_outcome::a_live_call_that_the_list_calls_free_is_not_sold_only_where_it_names_what_others_cost,
                "left: (false, 0, 4) right: (false, 1, 3)"
            )
        }
        Rule::ShownIsRemembered => {
            story!(
                unknown_outcome::what_tasks_ready_has_shown_is_not_bought_again_once_it_shows_it_no_more,
                "left: (0, 5) right: (2, 3)"
            )
        }
        Rule::ControlRowIsFiled => {
            story!(
                unknown_outcome::a_list_by_completion_need_not_show_what_was_finished_after_what_was_read,
                "they were not bought, and are left: 2 right: 0"
            )
        }
        Rule::NoCostIsAskedAbout => story!(
            evidence::a_listed_refusal_that_is_never_charged_was_not_bought_and_is_bought_again,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(1200000)"
        ),
        Rule::SettledOnce => story!(
            unknown_outcome::an_id_that_was_asked_about_and_answers_late_settles_nothing_a_second_time,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(4800000)"
        ),
        Rule::ListsTellFirst => story!(
            unknown_outcome::nothing_is_bought_of_which_a_list_that_was_just_read_may_tell,
            "task 2: a task was paid for twice without a failure between"
        ),
        Rule::SilentCostsAll => story!(
            settled::a_models_answer_that_expired_unfetched_is_booked_at_all_that_it_may_have_come_to,
            "never less than the bill left: (Money(10200000), Money(30200000))"
        ),
        Rule::ListSettles => story!(
            costs::expired_model_answers_cost_what_the_list_finally_names,
            "the ledger's total is the provider's bill left: Money(150000000) right: Money(90600000)"
        ),
        Rule::FoundIsHeldForAll => story!(
            settled::what_a_restored_ledger_takes_over_is_held_for_all_that_it_may_come_to,
            "left: (1, 5, Money(151000000)) right: (1, 4, Money(120800000))"
        ),
        Rule::ClosedRunsAreSettled => story!(
            unknown_outcome::what_is_in_doubt_is_settled_also_after_its_run_is_closed,
            "the ledger's total is the provider's bill left: Money(4800000) right: Money(7200000)"
        ),
        Rule::ExactMoney => {
            story!(
                figures::a_providers_figure_is_kept_to_the_last_digit_however_large,
                r#"9223372036.854775807 left: Err(MoneyError { text: "9223372036.854775807" }) right: Ok(Money(9223372036854775807))"#
            )
        }
        Rule::HoldCounts => {
            story!(recovery::a_cap_of_exactly_a_hundred_tasks_buys_exactly_a_hundred, "left: 0 right: 1")
        }
        Rule::CapInTheReservation => story!(
            ceilings::a_reservation_that_passes_a_ceiling_is_refused_whatever_its_maker_believed,
            "two tasks, two more, and the last: there is money for three left: [true, true, true] right: [true, false, true]"
        ),
        Rule::DoubtIsHeld => {
            story!(
                ceilings::what_is_held_at_midnight_counts_in_both_days_and_what_is_charged_in_its_own,
                "left: Money(0) right: Money(4800000)"
            )
        }
        Rule::HoldInEveryPeriod => {
            story!(
                ceilings::what_is_held_at_midnight_counts_in_both_days_and_what_is_charged_in_its_own,
                "left: Money(12000000) right: Money(7200000)"
            )
        }
        Rule::DatedByTheProvider => {
            story!(
                ceilings::a_purchase_counts_in_the_day_that_the_provider_bills_it_in,
                "this machine's day left: Money(8400000) right: Money(12000000)"
            )
        }
        Rule::OverrunIsBooked => story!(
            recovery::a_price_that_is_not_the_expected_stops_after_one_task,
            r#"left: ["batch 1: what a batch was charged is not what its attempts cost"] right: []"#
        ),
        Rule::DuplicatesAreBooked => story!(
            unknown_outcome::a_batch_that_was_bought_twice_is_adopted_once_and_its_copies_are_extra_charges,
            "the ledger's total is the provider's bill left: (Money(3600000), Money(0)) right: (Money(6000000), Money(0))"
        ),
        Rule::LateArrivalsAreBooked => {
            story!(
                unknown_outcome::what_was_given_up_and_shows_in_tasks_ready_is_looked_up_and_booked,
                "left: ([], Money(3600000)) right: ([], Money(6000000))"
            )
        }
        Rule::BalanceIsKept => story!(
            ceilings::a_balance_is_kept_as_long_as_the_configuration_says_so,
            r#"left: ([], 5) right: (["account's balance to keep"], 2)"#
        ),
        Rule::BalanceIsKnown => {
            story!(
                endings::a_balance_to_keep_that_cannot_be_read_ends_the_start_and_buys_nothing,
                "left: (3, 0, Money(0)) right: (0, 3, Money(0))"
            )
        }
        Rule::CutNeverSkips => {
            story!(
                ceilings::what_stands_behind_the_first_task_that_does_not_fit_is_not_bought,
                "left: (1, 4, Money(6000000)) right: (1, 3, Money(4800000))"
            )
        }
        Rule::Canary | Rule::DriftStops => {
            story!(
                recovery::a_price_that_is_not_the_expected_stops_after_one_task,
                r#"end.refused.is_some_and(|why| why.contains("$0.0024") && why.contains("$0.0012"))"#
            )
        }
        Rule::SessionsAreCompared => story!(
            restored::a_restored_ledger_knows_again_what_it_bought_after_the_copy,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::ReplacedLedgerIsRefused => {
            story!(ledger::a_new_ledger_where_another_has_bought_buys_nothing, "a new ledger buys everything again")
        }
        Rule::SecondLedgerIsRefused => {
            story!(second::a_second_ledger_does_not_buy_what_the_first_one_bought, "the first one is at work")
        }
        Rule::AttemptsAreCompared => story!(
            recovery::a_copy_made_while_a_start_was_buying_is_not_taken_for_the_whole_ledger,
            "world.saw(|kind| matches!(kind, EventKind::Restored { .. })) > 0"
        ),
        Rule::RestoredScans => story!(
            restored::a_restored_ledger_knows_again_what_it_bought_after_the_copy,
            "every purchase belongs to an attempt left: 2 right: 0"
        ),
        Rule::RestoredWaits => story!(
            restored::a_restored_ledger_waits_for_what_was_still_on_its_way,
            "the ledger's total is the provider's bill left: Money(3600000) right: Money(6000000)"
        ),
        Rule::RestoredSinceTheCopy => {
            story!(
                restored::what_a_ledger_may_lack_was_bought_since_its_copy_whatever_of_it_shows_first,
                "left: (0, 4) right: (0, 3)"
            )
        }
        Rule::HistoriesShareNumbers => {
            story!(
                restored::a_copy_that_holds_a_doubt_knows_what_another_history_bought_of_the_same_tasks,
                "left: (8, 4) right: (5, 4)"
            )
        }
        Rule::DuplicatesOfRecoveredAreUnmatched => {
            story!(
                restored::what_was_sold_twice_is_recovered_once,
                "left: (Money(8400000), 2) right: (Money(6000000), 2)"
            )
        }
        Rule::TagsNameContent => story!(
            restored::a_restored_ledger_takes_no_purchase_for_that_of_another_task,
            "left: (4, 7, 3) right: (4, 5, 1)"
        ),
        Rule::OverdueIsAskedFor => {
            story!(endings::answers_that_tasks_ready_leaves_out_are_asked_for_by_their_ids, "the session ends")
        }
        Rule::OddAnswersAreKept => story!(odd::an_odd_answer_is_kept_and_its_run_is_complete, "not_utf8"),
        Rule::OddAnswersStop => {
            story!(odd::the_same_oddity_five_times_stops_its_price_class, "left: (20, 20, 0) right: (5, 5, 15)")
        }
        Rule::LossesAreTold => {
            story!(told::a_failure_learnt_for_an_earlier_day_waits_to_be_told, "left: [] right: [(")
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
