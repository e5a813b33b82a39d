//! The rows of a reply, read in place: no byte of them is read twice.
//!
//! A row that is not an object, or that has a key twice, is counted and skipped; an odd value inside a row is absent.
//! Only broken JSON makes the whole reply unreadable.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::values::{Cost, Text, code, cost, id, text};

/// What a reply says of one task.
#[derive(Debug)]
pub struct Row<'a> {
    /// The provider's id of the task.
    pub id: Option<Cow<'a, str>>,
    /// What became of it.
    pub code: Option<u32>,
    /// The same in words.
    pub message: Option<Cow<'a, str>>,
    /// What it was charged.
    pub cost: Cost,
    /// The tag it was sent with, from the echo of its data.
    pub tag: Option<Cow<'a, str>>,
    /// How many results the provider says there are.
    pub result_count: Option<u64>,
    /// The results, unread; `None` also for null.
    pub result: Option<&'a RawValue>,
}

/// The rows of a reply; none for null.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<Row<'a>>,
    pub(super) unreadable: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfReply)
    }
}

/// A row, where there is one that can be read.
struct MaybeRow<'a>(Option<Row<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for MaybeRow<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfTask).map(Self)
    }
}

/// The tag in the echo of what was posted.
struct Echo<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Echo<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfData).map(Self)
    }
}

/// Values that are of another type than the one that means something.
macro_rules! otherwise {
    ($other:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
}

struct OfReply;

impl<'de> Visitor<'de> for OfReply {
    type Value = Rows<'de>;

    otherwise!(Rows { rows: Vec::new(), unreadable: 1 });

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Rows::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(Rows { rows: Vec::new(), unreadable: 1 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let mut rows = Rows::default();
        while let Some(MaybeRow(row)) = all.next_element()? {
            match row {
                Some(row) => rows.rows.push(row),
                None => rows.unreadable += 1,
            }
        }
        Ok(rows)
    }
}

struct OfTask;

impl<'de> Visitor<'de> for OfTask {
    type Value = Option<Row<'de>>;

    otherwise!(None);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(seq).map(|IgnoredAny| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        const FIELDS: [&str; 6] = ["id", "status_code", "status_message", "cost", "result_count", "result"];
        let mut values: [Option<Option<&RawValue>>; FIELDS.len()] = [None; FIELDS.len()];
        let mut echo = None;
        let mut twice = false;
        while let Some(Text(key)) = map.next_key()? {
            if key == "data" {
                let Echo(tag) = map.next_value()?;
                twice |= echo.replace(tag).is_some();
            } else if let Some(nth) = FIELDS.iter().position(|field| *field == key) {
                twice |= values[nth].replace(map.next_value()?).is_some();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let [row_id, row_code, message, row_cost, count, result] = values.map(Option::flatten);
        let row = Row {
            id: id(row_id),
            code: code(row_code),
            message: text(message),
            cost: cost(row_cost),
            tag: text(echo.flatten()),
            result_count: count.and_then(|count| serde_json::from_str(count.get()).ok()),
            result,
        };
        Ok((!twice).then_some(row))
    }
}

struct OfData;

impl<'de> Visitor<'de> for OfData {
    type Value = Option<&'de RawValue>;

    otherwise!(None);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(seq).map(|IgnoredAny| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut tag, mut twice) = (None, false);
        while let Some(Text(key)) = map.next_key()? {
            if key == "tag" {
                twice |= tag.replace(map.next_value::<Option<&'de RawValue>>()?).is_some();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(tag.flatten().filter(|_| !twice))
    }
}
