//! The provider's ids: 16 bytes if their text is a lower-case UUID, so that a million of them stay small.

use rusqlite::types::{Value, ValueRef};

/// The provider's id as it is kept: 16 bytes where its text is a lower-case UUID, else the text.
pub(super) fn provider_key(id: &str) -> Value {
    let shape = id.len() == 36 && [8, 13, 18, 23].iter().all(|at| id.as_bytes()[*at] == b'-');
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    match data_encoding::HEXLOWER.decode(digits.as_bytes()) {
        Ok(bytes) if shape && bytes.len() == 16 => Value::Blob(bytes),
        _ => Value::Text(id.to_owned()),
    }
}

/// The provider's id as its text.
pub(super) fn provider_text(key: ValueRef<'_>) -> Option<String> {
    match key {
        ValueRef::Blob(bytes) => {
            let hex = data_encoding::HEXLOWER.encode(bytes);
            (hex.len() == 32).then(|| [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
        }
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(str::to_owned),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_id_comes_back_as_it_was() {
        for id in [
            "06231817-1535-0066-0000-9b3f8fd46bd0",
            "06231817-1535-0066-0000-9B3F8FD46BD0",
            "x",
            "062318171535006600009b3f8fd46bd0----",
            "06231817-1535-0066-0000-9b3f8fd46bgz",
        ] {
            let key = provider_key(id);
            assert_eq!(provider_text(ValueRef::from(&key)).as_deref(), Some(id));
        }
        assert!(matches!(provider_key("06231817-1535-0066-0000-9b3f8fd46bd0"), Value::Blob(_)));
    }
}
