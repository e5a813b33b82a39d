//! A reply with task rows, matched with the tasks that were sent.
//!
//! Rows are matched by tag and by the provider's id, never by position. All rows with one id are one purchase, and
//! under one tag only one purchase can be the task's own; what is left over is an unmatched row.

use std::collections::HashMap;

use super::{Fate, UnmatchedRow, Verdict, uncharged};
use crate::provider::codes::{Class, Code, look_up};
use crate::provider::refusal::presentable;
use crate::provider::wire::{Cost, Row};
use crate::rule::Rule;

/// A reply with task rows: they speak, whatever the HTTP status and the envelope say.
pub(super) fn judge_rows(rows: &[Row<'_>], tags: &[&str]) -> Verdict {
    let mut place = HashMap::with_capacity(tags.len());
    for (nth, tag) in tags.iter().enumerate() {
        let by_position = rows.get(nth).and_then(|row| row.tag.as_deref());
        let tag = if Rule::RowsByTag.is_kept() { tag } else { by_position.unwrap_or(tag) };
        place.entry(tag).or_insert(nth);
    }
    let mut each: Vec<Option<Statement<'_>>> = tags.iter().map(|_| None).collect();
    let mut unmatched = Vec::new();
    for told in by_id(rows) {
        let mut ours = told.tags.iter().filter_map(|tag| place.get(tag)).copied();
        let (first, second) = (ours.next(), ours.next());
        match (first, second) {
            (None, _) => unmatched.extend(told.unmatched()),
            (Some(nth), None) if told.tags.len() == 1 => settle(&mut each[nth], told, &mut unmatched),
            // One id under two tags: whose purchase it is, only the provider's list can tell.
            (Some(_), _) => {
                for nth in told.tags.iter().filter_map(|tag| place.get(tag)) {
                    settle(&mut each[*nth], Statement { code: None, ..told.clone() }, &mut Vec::new());
                }
            }
        }
    }
    let missing = || {
        if Rule::MissingRowIsDoubt.is_kept() {
            Fate::InDoubt { why: "the reply has no row with its tag".to_owned() }
        } else {
            Fate::Refused { code: 50_000, class: Class::Again, message: String::new() }
        }
    };
    Verdict::Rows {
        each: each.iter().map(|told| told.as_ref().map_or_else(missing, Statement::fate)).collect(),
        unmatched,
    }
}

/// Of two different things said under one tag the graver stands: bought, then in doubt, then charged for nothing,
/// then refused. A purchase that has to stand back is an unmatched row.
fn settle<'a>(place: &mut Option<Statement<'a>>, told: Statement<'a>, unmatched: &mut Vec<UnmatchedRow>) {
    let loser = match place {
        Some(standing) if standing.gravity() >= told.gravity() => Some(told),
        Some(_) | None => place.replace(told),
    };
    unmatched.extend(loser.and_then(|loser| loser.unmatched()));
}

/// All that a reply says of one purchase.
#[derive(Clone, Debug)]
struct Statement<'a> {
    id: Option<&'a str>,
    tags: Vec<&'a str>,
    /// `None` where there is none, or where its rows disagree.
    code: Option<u32>,
    message: Option<&'a str>,
    cost: Cost,
}

/// Rows with one id are one purchase, however often they come; rows without an id each stand alone.
fn by_id<'a>(rows: &'a [Row<'_>]) -> Vec<Statement<'a>> {
    let mut all: Vec<Statement<'a>> = Vec::with_capacity(rows.len());
    let mut seen = HashMap::with_capacity(rows.len());
    for row in rows {
        let told = Statement {
            id: row.id.as_deref(),
            tags: row.tag.as_deref().into_iter().collect(),
            code: row.code,
            message: row.message.as_deref(),
            cost: row.cost,
        };
        match told.id.map(|id| seen.entry(id).or_insert(all.len())) {
            Some(nth) if *nth < all.len() => all[*nth].merge(told),
            Some(_) | None => all.push(told),
        }
    }
    all
}

impl<'a> Statement<'a> {
    /// Adds what another row says of the same purchase: bought stands against anything, two other codes that differ
    /// leave it in doubt, and the larger cost stands.
    fn merge(&mut self, other: Statement<'a>) {
        for tag in other.tags {
            if !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
        self.message = self.message.or(other.message);
        let bought = |code: Option<u32>| code.filter(|code| is_purchase(look_up(*code).class));
        self.code =
            bought(self.code).or(bought(other.code)).or_else(|| self.code.filter(|code| Some(*code) == other.code));
        self.cost = match (self.cost, other.cost) {
            (Cost::Is(one), Cost::Is(other)) => Cost::Is(one.max(other)),
            (Cost::Odd, _) | (_, Cost::Odd) => Cost::Odd,
            (Cost::Absent, cost) | (cost, Cost::Absent) => cost,
        };
    }

    /// What became of the task.
    fn fate(&self) -> Fate {
        let in_doubt = |why: String| Fate::InDoubt { why };
        if self.tags.len() > 1 {
            return in_doubt("the reply gives one id to two tags".to_owned());
        }
        let Some(code) = self.code.map(look_up) else {
            return in_doubt("its row has no code, or two that differ".to_owned());
        };
        let class = code.class;
        match class {
            Class::Accepted | Class::Answered | Class::Pending => match self.id {
                Some(id) => Fate::Accepted { id: id.to_owned(), cost: self.cost.known() },
                None => in_doubt(format!("code {}, but no id", code.code)),
            },
            // An answer that has expired was bought before.
            Class::UnknownOutcome | Class::Unreachable | Class::Expired => {
                in_doubt(format!("code {}: {}", code.code, code.meaning))
            }
            Class::Permanent
            | Class::BadCall
            | Class::NextBatch
            | Class::Throttled
            | Class::NotToday
            | Class::Duplicate
            | Class::NoMoney
            | Class::Halt
            | Class::PaidFailure { .. }
            | Class::NotFound
            | Class::WrongPlace
            | Class::Again
            | Class::Unlisted => match self.cost {
                cost if uncharged(cost, code.never_charged) => {
                    Fate::Refused { code: code.code, class, message: self.says(code) }
                }
                // Not processed, the provider says, and charged: the two cannot both be true.
                Cost::Is(cost) if class == Class::Again => {
                    in_doubt(format!("code {}: {}, and yet it cost {cost}", code.code, code.meaning))
                }
                Cost::Is(cost) => Fate::PaidFailure {
                    code: code.code,
                    id: self.id.map(str::to_owned),
                    message: self.says(code),
                    cost,
                    again: may_succeed_again(class),
                },
                Cost::Absent | Cost::Odd => {
                    in_doubt(format!("code {}: {}, and no readable cost", code.code, code.meaning))
                }
            },
        }
    }

    /// Its words, or those of the table of codes where it has none.
    fn says(&self, code: Code) -> String {
        let own = self.message.map(presentable).filter(|message| !message.is_empty());
        own.unwrap_or_else(|| code.meaning.to_owned())
    }

    /// How much hangs on it.
    fn gravity(&self) -> u8 {
        match self.fate() {
            Fate::Accepted { .. } => 3,
            Fate::InDoubt { .. } => 2,
            Fate::PaidFailure { .. } => 1,
            Fate::Refused { .. } => 0,
        }
    }

    /// As a purchase that belongs to nobody, if it is one.
    fn unmatched(&self) -> Option<UnmatchedRow> {
        let cost = self.cost.known();
        let charged = cost.is_some_and(|cost| !cost.is_zero());
        let bought = self.code.is_some_and(|code| is_purchase(look_up(code).class));
        let id = self.id.filter(|_| charged || bought)?.to_owned();
        Some(UnmatchedRow { id, tag: self.tags.first().map(|tag| (*tag).to_owned()), cost })
    }
}

/// In the reply to a purchase, the code of a task that is bought.
fn is_purchase(class: Class) -> bool {
    matches!(class, Class::Accepted | Class::Answered | Class::Pending)
}

/// The same task may be accepted another time.
fn may_succeed_again(class: Class) -> bool {
    matches!(
        class,
        Class::PaidFailure { again: true }
            | Class::Throttled
            | Class::NextBatch
            | Class::NotToday
            | Class::Duplicate
            | Class::NoMoney
            | Class::Halt
    )
}
