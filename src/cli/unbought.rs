//! Why tasks were not bought, in a true sentence, and what would help.

use super::Exit;
use super::out::count;
use crate::engine::End;
use crate::ledger::RunState;
use crate::money::Money;
use crate::plan::{Headroom, Scope};
use crate::report::Report;

/// The ceiling that cut a run's plan, as it stands now: the cut was made while money was on its way.
fn cut<'r>(report: &'r Report, end: &'r End) -> Option<&'r Headroom> {
    let (_, cut) = end.cuts.iter().find(|(run, _)| *run == report.status.run)?;
    Some(report.headrooms.iter().find(|headroom| headroom.name == cut.name).unwrap_or(cut))
}

/// Why not.
pub(super) fn why(report: &Report, end: &End, exit: Exit) -> String {
    let planned = count(report.planned, "task");
    if report.status.state == RunState::Closed {
        return format!("{planned}: a later period of the job has begun, so they are never bought");
    }
    if let Some(headroom) = cut(report, end) {
        let leaves = format!("{} leaves {} of {}", headroom.name, headroom.left, headroom.limit);
        return if end.stopped && headroom.left >= report.dearest {
            format!("{planned}: this session was stopped; {leaves}, and {} with that", goes_on(report))
        } else {
            format!("{planned}: {leaves}, and the next task costs more")
        };
    }
    match exit {
        Exit::Unexpected => format!("{planned}: the disk has no room for their answers"),
        Exit::Usage => format!("{planned}: the job cannot be bought as it stands"),
        // The same command ends in the same way until a person has done something.
        Exit::Refused => {
            let cost = report.missing.map_or_else(String::new, |missing| format!("; they cost {missing} at most"));
            format!("{planned}: refused, as said below{cost}; start again once that is mended")
        }
        Exit::Complete
        | Exit::Disagrees
        | Exit::Held
        | Exit::InDoubt
        | Exit::Interrupted
        | Exit::BudgetReached
        | Exit::SomeFailed => {
            if end.given_up > 0 {
                format!("{planned}: tried too often in this session; {}", goes_on(report))
            } else {
                format!("{planned}; {}", goes_on(report))
            }
        }
    }
}

/// What goes on, and until when.
fn goes_on(report: &Report) -> String {
    match report.status.period.as_str() {
        "once" => "run the same command to continue".to_owned(),
        period => format!("run the same command to continue, as long as {period} lasts"),
    }
}

/// What would have been enough, or when there is money again.
pub(super) fn enough(report: &Report, end: &End, more: Money) -> String {
    let costs = format!("they would cost {more} more");
    let Some(headroom) = cut(report, end) else { return costs };
    let enough = headroom.limit.less(headroom.left).saturating_add(more).decimal();
    match headroom.scope {
        Scope::Run => format!(
            "{costs}: [budget] run = \"{}\" would be enough for all",
            report.committed().saturating_add(more).decimal()
        ),
        Scope::JobDay => {
            format!("{costs}: [budget] day = \"{enough}\" would be enough for all, or the next day's money")
        }
        Scope::JobMonth => {
            format!("{costs}: [budget] month = \"{enough}\" would be enough for all, or the next month's money")
        }
        Scope::AccountDay => format!(
            "{costs}: caps = {{ day = \"{enough}\" }} of the account would be enough for all, or the money of the next day (UTC)"
        ),
        Scope::AccountMonth => format!(
            "{costs}: caps = {{ month = \"{enough}\" }} of the account would be enough for all, or the money of the next \
             month (UTC)"
        ),
        Scope::AccountBalance => format!("{costs}: pay {} in, or lower keep_balance", more.less(headroom.left)),
        Scope::Account => costs,
    }
}
