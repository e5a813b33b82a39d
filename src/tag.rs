//! Tags: the one thing of ours that the provider returns with each task.
//!
//! A tag is computed, never chosen: `b1.`, the ledger's id, the attempt's row, and a hash of what is bought. The row
//! makes the attempt quick to find. By the hash, a ledger that was restored from a copy recognises what it had
//! already bought, and does not take an attempt of another history with the same row for its own.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, Encoding, Specification};

use crate::rule::Rule;
use crate::task::{Identity, hash128};

/// How a tag of this form begins.
const VERSION: &str = "b1";
/// The longest text of an attempt's row: 64 bits in base 32.
const MAX_ROW: usize = 13;
/// 128 bits in base 32.
const HASH_CHARS: usize = 26;
/// 80 bits in base 32.
const LEDGER_CHARS: usize = 16;

/// The id of a ledger: 80 random bits, as sixteen lower-case base-32 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId(String);

impl LedgerId {
    /// From random bytes.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        Self(base32().encode(&bytes))
    }

    /// From its text.
    pub fn from_text(text: &str) -> Option<Self> {
        let whole = text.len() == LEDGER_CHARS && base32().decode(text.as_bytes()).is_ok();
        whole.then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The mark by which the provider knows one attempt: at most 60 characters of `a-z 2-7 . 0-9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The ledger of the attempt.
    pub ledger: LedgerId,
    /// The row of the attempt in that ledger.
    pub attempt: i64,
    /// Hash of ledger, task and attempt number.
    pub hash: [u8; 16],
}

/// Text that is not a tag of ours: another program's, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tag of bursar's")]
pub struct NotATag;

impl Tag {
    /// The tag of an attempt: the `number`-th purchase of the task, in row `attempt`.
    pub fn of(ledger: &LedgerId, attempt: i64, task: &Identity<'_>, number: u32) -> Self {
        let content = || content_hashes(ledger, task)(number);
        let hash = if Rule::TagsNameContent.is_kept() { content() } else { hash128(&attempt.to_be_bytes()) };
        Self { ledger: ledger.clone(), attempt, hash }
    }
}

/// The hash of a tag, for this purchase number: it covers the ledger, the task and the attempt, but not the row. A
/// task that is planned again in a restored ledger therefore hashes as before.
#[expect(clippy::missing_panics_doc, reason = "writing texts and numbers to memory cannot fail")]
pub fn content_hashes(ledger: &LedgerId, task: &Identity<'_>) -> impl Fn(u32) -> [u8; 16] + use<> {
    let facts = (VERSION, ledger.as_str(), task.job, task.period, task.question.hex(), task.repeat);
    let mut text = serde_json::to_string(&facts).expect("texts and numbers can always be written to memory");
    // The number is the last of the array.
    text.pop();
    move |number| hash128(format!("{text},{number}]").as_bytes())
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = base32().encode(&self.attempt.to_be_bytes());
        let row = row.trim_start_matches('a');
        let row = if row.is_empty() { "a" } else { row };
        write!(f, "{VERSION}.{}.{row}.{}", self.ledger.0, base32().encode(&self.hash))
    }
}

impl FromStr for Tag {
    type Err = NotATag;

    fn from_str(text: &str) -> Result<Self, NotATag> {
        let mut parts = text.split('.');
        let (Some(VERSION), Some(ledger), Some(row), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotATag);
        };
        if row.is_empty() || row.len() > MAX_ROW || hash.len() != HASH_CHARS {
            return Err(NotATag);
        }
        let row = format!("{row:a>MAX_ROW$}");
        let row = base32().decode(row.as_bytes()).map_err(|_| NotATag)?;
        let hash = base32().decode(hash.as_bytes()).map_err(|_| NotATag)?;
        let tag = Self {
            ledger: LedgerId::from_text(ledger).ok_or(NotATag)?,
            attempt: i64::from_be_bytes(row.try_into().map_err(|_| NotATag)?),
            hash: hash.try_into().map_err(|_| NotATag)?,
        };
        // Only the one spelling that we write is ours.
        if tag.to_string() == text { Ok(tag) } else { Err(NotATag) }
    }
}

/// RFC 4648 base 32 in lower case, without padding: letters that survive any URL, log or dashboard.
fn base32() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut specification = Specification::new();
        specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
        specification.encoding().unwrap_or(BASE32_NOPAD)
    });
    &ENCODING
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::QuestionKey;

    fn ledger() -> LedgerId {
        LedgerId::from_random([7; 10])
    }

    #[test]
    fn a_tag_names_ledger_attempt_and_content() {
        let task = Identity { job: "demo", period: "once", question: QuestionKey([9; 16]), repeat: 1 };
        let tag = Tag::of(&ledger(), 42, &task, 1);
        assert_eq!(tag.to_string(), "b1.a4dqobyha4dqobyh.cu.".to_owned() + &base32().encode(&tag.hash));
        assert!(Tag::of(&ledger(), i64::MAX, &task, 1).to_string().len() <= 60);
    }

    #[test]
    fn another_attempt_task_or_ledger_hashes_differently() {
        let task = Identity { job: "demo", period: "once", question: QuestionKey([9; 16]), repeat: 1 };
        let hash = content_hashes(&ledger(), &task)(1);
        let canonical = format!(r#"["b1","a4dqobyha4dqobyh","demo","once","{}",1,1]"#, "09".repeat(16));
        assert_eq!(hash, hash128(canonical.as_bytes()));
        assert_ne!(hash, content_hashes(&ledger(), &task)(2));
        assert_ne!(hash, content_hashes(&LedgerId::from_random([8; 10]), &task)(1));
        assert_ne!(hash, content_hashes(&ledger(), &Identity { repeat: 2, ..task.clone() })(1));
        assert_ne!(hash, content_hashes(&ledger(), &Identity { period: "2026-11", ..task })(1));
    }

    proptest! {
        #[test]
        fn a_tag_survives_the_provider(attempt in 1..i64::MAX, hash: [u8; 16]) {
            let tag = Tag { ledger: ledger(), attempt, hash };
            prop_assert_eq!(tag.to_string().parse(), Ok(tag));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(b1\\.)?[a-z2-7.]{0,70}|.*") {
            if let Ok(tag) = text.parse::<Tag>() {
                prop_assert_eq!(tag.to_string(), text);
            }
        }
    }
}
