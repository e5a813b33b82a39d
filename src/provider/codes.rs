//! What the provider's codes mean: one table for all who judge an outcome.
//!
//! Three kinds of number are in it and never collide: how a call failed before any reply (one digit, ours), HTTP
//! statuses (three digits), and the provider's own codes (five digits, of the whole reply and of each task alike).
//! The table says what a code means; `post` and `get` say what follows for a batch or a fetch. Texts are never read:
//! the provider words the same code differently.

/// No byte of the request left this machine: name look-up, connection or TLS failed.
pub const NEVER_LEFT: u32 = 1;
/// Bytes may have left, and the reply was incomplete.
pub const NO_ANSWER: u32 = 2;
/// A reply came that cannot be read, or that lacks what it should hold.
pub const UNREADABLE: u32 = 3;

/// What kind of thing a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The call was read; for a task that was asked for its answer: here it is.
    Answered,
    /// The task is bought and queued.
    Accepted,
    /// The task is bought and not finished.
    Pending,
    /// The task is refused for good: the same task would be refused again.
    Permanent,
    /// The request itself is wrong, whatever tasks it carries: a bug of ours, or a function the provider took away.
    BadCall,
    /// Only this task is refused, for standing too far back in its batch.
    NextBatch,
    /// Too many calls: the same again a little later.
    Throttled,
    /// The account's own limit for the day (UTC) is reached.
    NotToday,
    /// The provider's guard against identical tasks fired: an earlier copy may have been accepted.
    Duplicate,
    /// The account has too little money.
    NoMoney,
    /// The provider will not serve this account or machine until a person does something.
    Halt,
    /// The provider tried and failed, and has often been paid for it.
    PaidFailure {
        /// Another try may succeed (for new money); otherwise there is no answer to be had.
        again: bool,
    },
    /// No task has this id; right after its purchase, perhaps not yet.
    NotFound,
    /// The answer was kept for its time, and is gone.
    Expired,
    /// The id is asked for at the wrong place: another account, engine, type or function.
    WrongPlace,
    /// The provider stumbled: not bought where a task's own row says it cost nothing, otherwise in doubt.
    Again,
    /// The provider cannot be reached.
    Unreachable,
    /// Whether anything was bought is not known, whatever cost is shown.
    UnknownOutcome,
    /// A refusal that the table does not know: its cost decides.
    Unlisted,
}

/// A code and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The number.
    pub code: u32,
    /// What it says, for a person.
    pub meaning: &'static str,
    /// What it says, for bursar.
    pub class: Class,
    /// Such an answer to a purchase is never charged, so that a missing cost may be read as none.
    pub never_charged: bool,
}

/// A code that may come with a charge: only a cost of zero in its own row proves that there is none.
const fn code(code: u32, class: Class, meaning: &'static str) -> Code {
    Code { code, meaning, class, never_charged: false }
}

/// A code that never comes with a charge.
const fn free(code: u32, class: Class, meaning: &'static str) -> Code {
    Code { code, meaning, class, never_charged: true }
}

/// Every code there is a reason to expect, in ascending order.
///
/// The `404xx` and `504xx` codes of the provider's other functions are here so that they are never taken for news.
pub static CODES: &[Code] = &[
    free(NEVER_LEFT, Class::Unreachable, "the request never left this machine"),
    code(NO_ANSWER, Class::UnknownOutcome, "the reply was incomplete"),
    code(UNREADABLE, Class::UnknownOutcome, "the reply cannot be read"),
    code(200, Class::Answered, "the reply's body tells"),
    free(401, Class::Halt, "the credentials are refused"),
    free(402, Class::NoMoney, "payment required"),
    free(403, Class::Halt, "access is forbidden, perhaps by a proxy or firewall"),
    free(404, Class::BadCall, "there is no such path"),
    free(429, Class::Throttled, "too many requests"),
    code(500, Class::Again, "server error"),
    code(502, Class::Again, "bad gateway"),
    code(503, Class::Again, "service unavailable"),
    code(504, Class::Again, "gateway timeout"),
    code(20_000, Class::Answered, "ok"),
    code(20_100, Class::Accepted, "task accepted"),
    free(40_000, Class::BadCall, "more than one task sent to a one-task endpoint"),
    free(40_001, Class::WrongPlace, "the id belongs to another account"),
    free(40_002, Class::WrongPlace, "the id was created for another engine"),
    free(40_003, Class::WrongPlace, "the id was created for another type"),
    free(40_004, Class::WrongPlace, "the id was created for another function"),
    code(40_006, Class::NextBatch, "too many tasks in one request"),
    free(40_100, Class::Halt, "not authorised"),
    code(40_101, Class::PaidFailure { again: true }, "the answer engine failed, also when tried again"),
    code(40_102, Class::PaidFailure { again: false }, "there is no answer to this prompt"),
    code(40_103, Class::PaidFailure { again: true }, "the task failed"),
    free(40_104, Class::Halt, "the account needs verification"),
    free(40_200, Class::NoMoney, "payment required"),
    free(40_201, Class::Halt, "the account is paused or blocked"),
    free(40_202, Class::Throttled, "too many requests in this minute"),
    free(40_203, Class::NotToday, "the account's daily limit is reached"),
    free(40_204, Class::Halt, "the account has no access to this function"),
    free(40_205, Class::Duplicate, "too many identical tasks in this hour"),
    free(40_206, Class::Duplicate, "too many identical tasks today"),
    free(40_207, Class::Halt, "this machine's address is not on the account's list"),
    free(40_209, Class::Throttled, "too many requests at once"),
    free(40_210, Class::NoMoney, "too little money for this request"),
    free(40_400, Class::BadCall, "there is no such path"),
    free(40_401, Class::NotFound, "no task has this id"),
    free(40_402, Class::BadCall, "the path is malformed or deprecated"),
    free(40_403, Class::Expired, "the answer has expired"),
    free(40_404, Class::Permanent, "the provider's sandbox has no data for this request"),
    free(40_405, Class::Permanent, "a code of another function of the provider"),
    free(40_406, Class::Permanent, "a code of another function of the provider"),
    free(40_407, Class::Permanent, "a code of another function of the provider"),
    free(40_408, Class::Permanent, "a code of another function of the provider"),
    code(40_501, Class::Permanent, "a field is missing or has an invalid value"),
    free(40_502, Class::BadCall, "the request's body is empty"),
    free(40_503, Class::BadCall, "the request's body is malformed"),
    free(40_504, Class::Permanent, "a code of another function of the provider"),
    free(40_505, Class::Permanent, "the location is outdated"),
    free(40_506, Class::Permanent, "a field is unknown"),
    code(40_601, Class::Pending, "task handed to a worker"),
    code(40_602, Class::Pending, "task in the queue"),
    code(50_000, Class::Again, "internal error"),
    code(50_001, Class::Again, "the balance could not be checked"),
    free(50_100, Class::BadCall, "not implemented"),
    code(50_301, Class::Again, "a third party is unavailable"),
    code(50_303, Class::Again, "the provider is being updated"),
    code(50_304, Class::Again, "the function is unavailable for now"),
    code(50_401, Class::UnknownOutcome, "the task took too long"),
    code(50_402, Class::UnknownOutcome, "the page took too long"),
];

/// What a code means, also one that is not in the table.
///
/// An unknown `4xxxx` is a refusal whose cost decides. Any other unknown number proves nothing.
pub fn look_up(code: u32) -> Code {
    match CODES.binary_search_by_key(&code, |known| known.code) {
        Ok(at) => CODES[at],
        Err(_) if (40_000..50_000).contains(&code) => {
            Code { code, meaning: "a refusal bursar does not know", class: Class::Unlisted, never_charged: false }
        }
        Err(_) => {
            Code { code, meaning: "a code bursar does not know", class: Class::UnknownOutcome, never_charged: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_codes_is_sorted() {
        assert!(CODES.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn an_unknown_refusal_is_judged_by_its_cost() {
        for (code, class) in [
            (40_999, Class::Unlisted),
            (40_208, Class::Unlisted),
            (50_999, Class::UnknownOutcome),
            (20_200, Class::UnknownOutcome),
            (30_000, Class::UnknownOutcome),
            (400, Class::UnknownOutcome),
            (307, Class::UnknownOutcome),
            (0, Class::UnknownOutcome),
            (u32::MAX, Class::UnknownOutcome),
        ] {
            let found = look_up(code);
            assert_eq!((found.code, found.class, found.never_charged), (code, class, false));
        }
    }

    #[test]
    fn what_may_have_been_charged_is_never_called_free() {
        for known in CODES.iter().filter(|known| known.never_charged) {
            assert!(
                !matches!(
                    known.class,
                    Class::Accepted
                        | Class::Answered
                        | Class::Pending
                        | Class::PaidFailure { .. }
                        | Class::Again
                        | Class::UnknownOutcome
                        | Class::Unlisted
                ),
                "{known:?}"
            );
        }
        for charged in [40_006, 40_101, 40_102, 40_103, 40_501, 50_000, 50_001, 50_301, 50_303, 50_304] {
            assert!(!look_up(charged).never_charged, "{charged}");
        }
    }
}
