//! Odd answers: which of them are kept all the same, and under which name.
//!
//! An answer that has arrived is paid for, whatever it looks like. It is kept if its reply names the requested task
//! and says that it is finished. If the complete body has arrived and is valid except for single bytes, it is final.
//! Otherwise the same answer has to arrive several times, because a cut connection, a proxy on the way or a result
//! that is still being written may be the cause.

use super::codes::{Class, look_up};
use super::wire::{self, AnswerFacts, Cost, Mended, Row, answer_facts, envelope, first_result, mend};
use super::{Failure, Fate, Response};
use crate::oddity::Oddity;

/// An answer that is odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddAnswer {
    /// What is odd about it.
    pub oddity: Oddity,
    /// What can be read of it.
    pub facts: AnswerFacts,
    /// It will not come in another way: it is the provider's last word.
    pub is_final: bool,
    /// How many bytes of it arrived.
    pub size: usize,
}

/// What an odd reply to the question for one task says.
pub(super) enum Statement<'a> {
    /// It is that task's answer.
    Answer(OddAnswer),
    /// It says something else of that task, in a reply that is whole but for single bytes.
    Row(&'a Row<'a>, u32),
}

/// What came of a reply, whole or not, and whether all that was sent of it arrived.
pub(super) fn arrived(outcome: &Result<Response, Failure>) -> Option<(&Response, Option<Oddity>)> {
    match outcome {
        Ok(response) => Some((response, None)),
        Err(Failure::Part { response, is_bound, .. }) => {
            Some((response, Some(if *is_bound { Oddity::TooLarge } else { Oddity::CutShort })))
        }
        Err(Failure::NeverLeft(_) | Failure::NoAnswer(_)) => None,
    }
}

/// Reads a reply that does not read as it should; nothing where it does not name the task that was asked for.
pub(super) fn told<T>(
    response: &Response,
    broken_off: Option<Oddity>,
    id: &str,
    take: impl FnOnce(Statement<'_>) -> T,
) -> Option<T> {
    if response.status != 200 {
        return None;
    }
    let size = response.body.len();
    let mended = mend(&response.body);
    let flaw = broken_off.or(flaw(&mended));
    let Ok(envelope) = envelope(mended.text.as_bytes()) else {
        let oddity = flaw.unwrap_or(Oddity::NotJson);
        let answer = OddAnswer { oddity, facts: AnswerFacts::default(), is_final: false, size };
        return names(&response.body, id).then(|| take(Statement::Answer(answer)));
    };
    let ours: Vec<&Row<'_>> = envelope.rows.iter().filter(|row| row.id.as_deref() == Some(id)).collect();
    let row = *ours.first()?;
    let others = envelope.rows.len() + envelope.unreadable_rows > 1;
    let is_answer = |row: &&Row<'_>| row.code.is_none_or(|code| look_up(code).class == Class::Answered);
    if !ours.iter().all(is_answer) {
        let code = row.code.filter(|_| !others && !mended.cut && broken_off.is_none())?;
        return Some(take(Statement::Row(row, code)));
    }
    let oddity = flaw.or(others.then_some(Oddity::OddRows)).unwrap_or_else(|| of_row(row));
    let is_whole_row = !others && row.code.is_some() && first_result(row).is_some_and(|first| first.starts_with('{'));
    let is_final = match oddity {
        // Not a byte would come otherwise.
        Oddity::TooLarge => true,
        // Of what is cut short: the compression ends early, and not what was compressed.
        Oddity::CutShort | Oddity::NotUtf8 | Oddity::NotJson | Oddity::RepeatedKey => is_whole_row && !mended.cut,
        Oddity::OddRows | Oddity::NoCode | Oddity::EmptyResult | Oddity::NullResult | Oddity::OddResult => false,
    };
    Some(take(Statement::Answer(OddAnswer { oddity, facts: answer_facts(row), is_final, size })))
}

/// The worst of what was wrong with the bytes.
fn flaw(mended: &Mended) -> Option<Oddity> {
    let flaws = [
        (mended.cut, Oddity::CutShort),
        (mended.not_utf8, Oddity::NotUtf8),
        (mended.not_json, Oddity::NotJson),
        (mended.twice, Oddity::RepeatedKey),
    ];
    flaws.into_iter().find(|(is_so, _)| *is_so).map(|(_, oddity)| oddity)
}

/// What is odd about a row that says that its task is finished.
fn of_row(row: &Row<'_>) -> Oddity {
    match (row.code, row.result, first_result(row)) {
        (None, ..) => Oddity::NoCode,
        (_, None, _) => Oddity::NullResult,
        (_, Some(_), None | Some("null")) => Oddity::EmptyResult,
        _ => Oddity::OddResult,
    }
}

/// The id stands in bytes of which nothing else can be read, as the value of an `id`.
fn names(body: &[u8], id: &str) -> bool {
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_whitespace() && *c != '\0').collect();
    text.contains(&format!("\"id\":\"{id}\""))
}

/// The answer that a Live purchase of one task brought, where its reply does not read as it should, and what became of the
/// purchase. Nothing where the reply does not say of this task that it was sold and answered.
pub fn odd_live(outcome: &Result<Response, Failure>, tag: &str) -> Option<(Fate, OddAnswer)> {
    let (response, broken_off) = arrived(outcome)?;
    if response.status != 200 {
        return None;
    }
    let mended = mend(&response.body);
    let envelope = envelope(mended.text.as_bytes()).ok()?;
    let mut ours = envelope.rows.iter().filter(|row| row.tag.as_deref() == Some(tag));
    let (row, None) = (ours.next()?, ours.next()) else { return None };
    let is_answered = row.code.is_some_and(|code| look_up(code).class == Class::Answered);
    let id = row.id.as_deref().filter(|_| is_answered)?.to_owned();
    // With neither a cost nor a result, only the list can say whether it was sold.
    let cost = row.cost.known();
    if first_result(row).is_none_or(|first| !first.starts_with('{')) && cost.is_none_or(crate::money::Money::is_zero) {
        return None;
    }
    let others = envelope.rows.len() + envelope.unreadable_rows > 1;
    let oddity = broken_off.or(flaw(&mended)).or(others.then_some(Oddity::OddRows)).unwrap_or_else(|| of_row(row));
    let facts = answer_facts(row);
    let answer = OddAnswer { oddity, facts, is_final: true, size: response.body.len() };
    Some((Fate::Accepted { id, cost: if row.cost == Cost::Odd { None } else { cost } }, answer))
}

/// The first result of a stored reply that is odd, as far as it can be read: JSON on one line.
pub fn legible_result(body: &[u8]) -> Option<String> {
    let mended = mend(body);
    let envelope = wire::envelope(mended.text.as_bytes()).ok()?;
    first_result(envelope.rows.first()?).filter(|first| first.starts_with('{')).map(str::to_owned)
}
