//! The values in a reply: texts, numbers, codes, ids and costs, each read from its JSON as far as possible.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use crate::money::Money;

/// What a reply says of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Nothing: no such field, or null.
    Absent,
    /// This much, rounded to the nano-dollar; never negative.
    Is(Money),
    /// Something that is no amount.
    Odd,
}

impl Cost {
    /// The amount, where there is one.
    pub fn known(self) -> Option<Money> {
        match self {
            Self::Is(money) => Some(money),
            Self::Absent | Self::Odd => None,
        }
    }
}

/// Reads an object, and nothing else: serde would take an array for a struct as well.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

/// The elements of an array.
pub(super) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// One field of an object; `None` also for null. A field that stands there twice is not to be trusted.
pub(super) fn field<'a>(raw: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    struct Only<'n>(&'n str);

    impl<'de> serde::de::Visitor<'de> for Only<'_> {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(Text(key)) = map.next_key()? {
                if key == self.0 {
                    let value: Option<&'de RawValue> = map.next_value()?;
                    if found.replace(value).is_some() {
                        return Err(serde::de::Error::custom("the field stands there twice"));
                    }
                } else {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
            Ok(found.flatten())
        }
    }

    serde_json::Deserializer::from_str(raw.get()).deserialize_map(Only(name)).ok().flatten()
}

/// Text that is borrowed wherever it holds no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Text, or a number's digits: the provider has been seen to echo a numeric tag as a number.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let raw = raw?.get();
    if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::from_str(raw).ok().map(|Text(text)| text)
}

/// An id: opaque text, but not empty, not endless, and with something in it that can stand in a path.
pub(super) fn id(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    text(raw).filter(|id| id.len() <= 255 && id.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}

/// The provider's codes are of five digits; HTTP's, which a gateway may write in their place, say nothing of a task.
const CODES: std::ops::Range<u32> = 10_000..100_000;

/// A whole number that may stand in quotes.
pub(super) fn number(raw: Option<&RawValue>) -> Option<u32> {
    text(raw)?.parse().ok()
}

/// A code, which is of five digits.
pub(super) fn code(raw: Option<&RawValue>) -> Option<u32> {
    number(raw).filter(|code| CODES.contains(code))
}

/// No task costs ten thousand dollars: a figure beyond that is no cost, and could not be added up.
const MOST_COST: Money = Money::from_nanos(10_000 * 1_000_000_000);

/// A cost from its digits, which may stand in quotes. A negative one is none that a purchase can have.
pub(super) fn cost(raw: Option<&RawValue>) -> Cost {
    if raw.is_none() {
        return Cost::Absent;
    }
    text(raw)
        .and_then(|digits| Money::from_json_digits(&digits).ok())
        .filter(|money| (Money::ZERO..=MOST_COST).contains(money))
        .map_or(Cost::Odd, Cost::Is)
}
