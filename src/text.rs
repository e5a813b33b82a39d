//! Texts that an engine reads: which of them are one text, and which only look alike.
//!
//! Two texts that differ only in their line ends are one text, because a checkout or an editor changes line ends
//! silently. No other difference is ignored, because it may be intended; texts that only look alike are a warning
//! ([`near_form`]).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// LF, as in every text that is asked.
    Lf,
    /// CRLF, as Windows writes them.
    CrLf,
    /// CR, as old Macs wrote them.
    Cr,
}

impl LineEnds {
    const fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }

    /// The text with all its lines ended in this way.
    pub(crate) fn of(self, text: &str) -> Cow<'_, str> {
        let one = one_line_end(text);
        match self {
            Self::Lf => one,
            Self::CrLf | Self::Cr if !one.contains('\n') => one,
            Self::CrLf | Self::Cr => Cow::Owned(one.replace('\n', self.text())),
        }
    }

    /// The same for texts inside JSON, in which line ends are written as escapes.
    pub(crate) fn of_json(self, json: &str) -> Cow<'_, str> {
        if !json.contains(r"\r") && !json.contains(r"\n") {
            return Cow::Borrowed(json);
        }
        let mut text = String::with_capacity(json.len());
        let mut rest = json;
        while let Some(at) = rest.find('\\') {
            let (before, escape) = rest.split_at(at);
            text.push_str(before);
            // An escape is two ASCII characters, or begins with two.
            let (taken, ends_line) = match escape.get(..2) {
                Some(r"\r") if escape[2..].starts_with(r"\n") => (4, true),
                Some(r"\r" | r"\n") => (2, true),
                Some(_) => (2, false),
                None => (escape.len(), false),
            };
            if ends_line {
                text.push_str(match self {
                    Self::Lf => r"\n",
                    Self::CrLf => r"\r\n",
                    Self::Cr => r"\r",
                });
            } else {
                text.push_str(&escape[..taken]);
            }
            rest = &escape[taken..];
        }
        text.push_str(rest);
        Cow::Owned(text)
    }
}

/// The text with each of its lines ended by one LF: CRLF and a lone CR become that.
pub(crate) fn one_line_end(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// The form that two texts share if a person would take them for the same: characters composed (Unicode's NFC),
/// invisible ones left out, and one space for each run of white space.
pub(crate) fn near_form(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let mut near = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_invisible(*character)).nfc() {
        if !character.is_whitespace() {
            near.push(character);
        } else if !near.ends_with(' ') && !near.is_empty() {
            near.push(' ');
        }
    }
    if near.ends_with(' ') {
        near.pop();
    }
    if near == text { Cow::Borrowed(text) } else { Cow::Owned(near) }
}

/// Control and format characters, joiners, variation selectors, fillers: characters that a reader does not see. White
/// space is visible.
fn is_invisible(character: char) -> bool {
    !character.is_whitespace() && character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_a_line_is_one_text() {
        for text in ["a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "a\r\nb\n\rc"] {
            assert_eq!(one_line_end(text), "a\nb\n\nc", "{text:?}");
            assert_eq!(LineEnds::CrLf.of(text), "a\r\nb\r\n\r\nc", "{text:?}");
            assert_eq!(LineEnds::Cr.of(text), "a\rb\r\rc", "{text:?}");
            let json = serde_json::json!({ "message": text, "none": r"\r\n" }).to_string();
            for ends in [LineEnds::Lf, LineEnds::CrLf, LineEnds::Cr] {
                let expected = serde_json::json!({ "message": ends.of(text), "none": r"\r\n" }).to_string();
                assert_eq!(ends.of_json(&json), expected);
            }
        }
        assert!(matches!(one_line_end("a\nb"), Cow::Borrowed(_)));
        assert_eq!(LineEnds::CrLf.of_json(r#"{"a":"\\r\\n"}"#), r#"{"a":"\\r\\n"}"#);
    }

    #[test]
    fn what_looks_alike_has_one_near_form() {
        let alike = [
            "caf\u{e9} au lait",
            "cafe\u{301} au lait",
            "caf\u{e9}\u{200b}  au\u{a0}lait\u{ad}",
            "\u{feff}caf\u{e9}\nau\tlait",
        ];
        for text in alike {
            assert_eq!(near_form(text), alike[0], "{text:?}");
        }
        for text in ["Caf\u{e9} au lait", "cafe au lait", "caf\u{e9} au lait?", "\u{ff43}af\u{e9} au lait"] {
            assert_ne!(near_form(text), alike[0], "{text:?}");
        }
        assert!(matches!(near_form("which bank?"), Cow::Borrowed(_)));
        assert!(matches!(near_form(alike[0]), Cow::Borrowed(_)));
    }
}
