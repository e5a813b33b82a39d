//! Odd answers: the bytes of a reply, corrupted on purpose.

use bytes::Bytes;

use crate::product::named;

named! {
    /// A way in which an answer is odd.
    Bend {
        /// A byte in it is no UTF-8.
        NotUtf8 = "not_utf8",
        /// A bare `NaN` stands in it.
        Nan = "nan",
        /// A raw control character stands in one of its texts.
        Control = "control",
        /// A key of its row stands twice.
        RepeatedKey = "repeated_key",
        /// It is finished, and its result is an empty list.
        EmptyResult = "empty_result",
        /// It is finished, and has no result.
        NullResult = "null_result",
        /// Its result is a list of texts.
        TextResult = "text_result",
        /// Its last bytes are missing, and nothing says so.
        Cut = "cut",
    }
}

const RESULT: &str = r#""result":[{"#;

/// An answer bent; a reply that is none stays as it is.
pub(super) fn bent(body: &Bytes, how: Bend) -> Bytes {
    let whole = String::from_utf8_lossy(body);
    let Some((before, after)) = whole.split_once(RESULT) else { return body.clone() };
    let with = |field: &[u8]| [before.as_bytes(), RESULT.as_bytes(), field, after.as_bytes()].concat();
    let instead = |result: &str| {
        let mut reply: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(row) = reply.pointer_mut("/tasks/0") {
            row["result"] = serde_json::from_str(result).unwrap_or_default();
        }
        reply.to_string().into_bytes()
    };
    let bytes = match how {
        Bend::NotUtf8 => with(b"\"odd\":\"caf\xe9\","),
        Bend::Nan => with(b"\"odd\":NaN,"),
        Bend::Control => with(b"\"odd\":\"a\tb\x01\","),
        Bend::RepeatedKey => {
            [before.as_bytes(), br#""path":[],"#, br#""result_count":1,"#, RESULT.as_bytes(), after.as_bytes()].concat()
        }
        Bend::EmptyResult => instead("[]"),
        Bend::NullResult => instead("null"),
        Bend::TextResult => instead(r#"["no object"]"#),
        Bend::Cut => body[..body.len().saturating_sub(12)].to_vec(),
    };
    Bytes::from(bytes)
}
