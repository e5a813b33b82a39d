//! Reads bytes that are not JSON as JSON, as far as possible.
//!
//! It only serves what has to be known about an odd reply: whose answer it is, and what it cost. The stored bytes are
//! the original ones. It makes one pass over the bytes, without recursion, whatever they hold.

/// Deeper than any reply, and shallow enough to hold.
const MOST_DEPTH: usize = 1_000;
/// Keys are compared with their neighbours down to this depth, and among so many: the provider's own fields.
const COMPARED_DEPTH: usize = 6;
const COMPARED_KEYS: usize = 200;

/// JSON that says as much as the bytes did, and what was wrong with them.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one kind of flaw, and bytes may have all of them")]
pub struct Mended {
    /// The JSON. A text that cannot be read to its end is closed where reading stopped.
    pub text: String,
    /// There were bytes that are no UTF-8.
    pub not_utf8: bool,
    /// There was something that JSON does not have: a bare word, a raw control character, a comma too many.
    pub not_json: bool,
    /// A key stood twice in one object. Where its values differ, neither is left.
    pub twice: bool,
    /// The text ends in the middle.
    pub cut: bool,
}

/// Reads bytes as JSON as far as that goes.
pub fn mend(body: &[u8]) -> Mended {
    let (text, not_utf8, cut) = decoded(body);
    let mut mender = Mender { rest: &text, out: Vec::with_capacity(text.len()), open: Vec::new(), begun: false };
    let mut found = Mended { text: String::new(), not_utf8, not_json: false, twice: false, cut };
    mender.read(&mut found);
    mender.close(&mut found);
    found.text = String::from_utf8(mender.out).unwrap_or_default();
    found
}

/// The text of bytes, whether some of them were no UTF-8, and whether the last character is cut.
fn decoded(body: &[u8]) -> (String, bool, bool) {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = body.chunks_exact(2).skip(1).map(|pair| of([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match body {
        [0xff, 0xfe, ..] => return (wide(u16::from_le_bytes), true, false),
        [0xfe, 0xff, ..] => return (wide(u16::from_be_bytes), true, false),
        _ => {}
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false, false),
        Err(error) if error.error_len().is_none() => {
            (String::from_utf8_lossy(&body[..error.valid_up_to()]).into_owned(), false, true)
        }
        Err(_) => (String::from_utf8_lossy(body).into_owned(), true, false),
    }
}

/// What may come next in an open object or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A key, or a value of an array, or the end where nothing has come so far.
    Item,
    Colon,
    Value,
    Comma,
}

/// An object or array that is not closed.
#[derive(Debug)]
struct Open {
    is_object: bool,
    is_empty: bool,
    next: Next,
    /// Where the keys and their values stand in what is written.
    keys: Vec<(std::ops::Range<usize>, std::ops::Range<usize>)>,
}

struct Mender<'a> {
    rest: &'a str,
    out: Vec<u8>,
    open: Vec<Open>,
    /// The outermost value has begun.
    begun: bool,
}

impl Mender<'_> {
    /// Reads on until the end, or until nothing can be made of what comes.
    fn read(&mut self, found: &mut Mended) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
            let Some(first) = self.rest.chars().next() else {
                found.cut |= !self.open.is_empty();
                return;
            };
            let is_known = match first {
                _ if self.begun && self.open.is_empty() => false,
                '{' | '[' => self.opens(first == '{'),
                '}' | ']' => self.closes(first == '}', found),
                ':' if self.next() == Some(Next::Colon) => self.passes(b':', Next::Value),
                ',' if self.next() == Some(Next::Comma) => self.passes(b',', Next::Item),
                '"' => self.takes_text(found),
                first if first.is_ascii_alphanumeric() || "+-._".contains(first) => self.takes_word(found),
                _ => false,
            };
            if !is_known {
                found.not_json = true;
                return;
            }
        }
    }

    fn next(&self) -> Option<Next> {
        self.open.last().map(|open| open.next)
    }

    /// A value may stand here.
    fn takes_value(&self) -> bool {
        match self.open.last() {
            None => !self.begun,
            Some(open) => open.next == Next::Value || (open.next == Next::Item && !open.is_object),
        }
    }

    fn passes(&mut self, byte: u8, next: Next) -> bool {
        self.rest = &self.rest[1..];
        self.out.push(byte);
        if let Some(open) = self.open.last_mut() {
            open.next = next;
        }
        true
    }

    fn opens(&mut self, is_object: bool) -> bool {
        if !self.takes_value() || self.open.len() >= MOST_DEPTH {
            return false;
        }
        self.begins_value();
        self.rest = &self.rest[1..];
        self.out.push(if is_object { b'{' } else { b'[' });
        self.open.push(Open { is_object, is_empty: true, next: Next::Item, keys: Vec::new() });
        true
    }

    fn closes(&mut self, is_object: bool, found: &mut Mended) -> bool {
        let Some(open) = self.open.last() else { return false };
        let is_whole = open.next == Next::Comma || open.next == Next::Item;
        if open.is_object != is_object || !is_whole {
            return false;
        }
        if open.next == Next::Item && !open.is_empty {
            // A comma too many.
            found.not_json = true;
            self.out.pop();
        }
        self.rest = &self.rest[1..];
        self.open.pop();
        self.out.push(if is_object { b'}' } else { b']' });
        self.ends_value(found);
        true
    }

    fn begins_value(&mut self) {
        self.begun = true;
        let at = self.out.len();
        if let Some(open) = self.open.last_mut() {
            open.is_empty = false;
            open.next = Next::Comma;
            if let Some((_, value)) = open.keys.last_mut().filter(|_| open.is_object) {
                *value = at..at;
            }
        }
    }

    /// A value is whole: where its key has stood here before, what differs is made unknown.
    fn ends_value(&mut self, found: &mut Mended) {
        let (depth, end) = (self.open.len(), self.out.len());
        let Some(open) = self.open.last_mut().filter(|open| open.is_object && depth <= COMPARED_DEPTH) else { return };
        let Some((key, mut value)) = open.keys.pop() else { return };
        value.end = end;
        let earlier = open.keys.iter().find(|(earlier, _)| self.out[earlier.clone()] == self.out[key.clone()]);
        if let Some((earlier, other)) = earlier.cloned() {
            found.twice = true;
            let differs = self.out[other] != self.out[value.clone()];
            self.out[key.clone()].fill(b'~');
            if differs {
                self.out[earlier].fill(b'~');
            }
        } else if open.keys.len() < COMPARED_KEYS {
            open.keys.push((key, value));
        }
    }

    fn takes_text(&mut self, found: &mut Mended) -> bool {
        let is_key = self.open.last().is_some_and(|open| open.is_object && open.next == Next::Item);
        if !is_key && !self.takes_value() {
            return false;
        }
        if !is_key {
            self.begins_value();
        }
        self.out.push(b'"');
        let from = self.out.len();
        let is_whole = self.copies_text(found);
        let key = from..self.out.len();
        self.out.push(b'"');
        found.cut |= !is_whole;
        if !is_key {
            self.ends_value(found);
        } else if let Some(open) = self.open.last_mut() {
            (open.is_empty, open.next) = (false, Next::Colon);
            open.keys.push((key, 0..0));
        }
        true
    }

    /// The inside of a text, up to its closing quote, or to the end: then `false`.
    fn copies_text(&mut self, found: &mut Mended) -> bool {
        let mut chars = self.rest[1..].chars();
        while let Some(next) = chars.next() {
            match next {
                '"' => {
                    self.rest = chars.as_str();
                    return true;
                }
                '\\' => {
                    let escape = chars.clone().next();
                    let length = match escape {
                        Some('u') => 5,
                        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => 1,
                        Some(_) => 0,
                        None => break,
                    };
                    let whole: String = chars.clone().take(length).collect();
                    let digits = whole.chars().skip(1);
                    if length > 0 && whole.chars().count() == length && digits.clone().all(|d| d.is_ascii_hexdigit()) {
                        self.out.push(b'\\');
                        self.out.extend(whole.as_bytes());
                        chars.by_ref().take(length).for_each(drop);
                    } else if length == 5 && chars.as_str().len() < length {
                        break;
                    } else {
                        found.not_json = true;
                        self.out.extend(b"\\\\");
                    }
                }
                control if control < ' ' => {
                    found.not_json = true;
                    self.out.extend(format!("\\u{:04x}", u32::from(control)).as_bytes());
                }
                other => self.out.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = "";
        false
    }

    /// A number, `true`, `false`, `null`, or a word that JSON does not have, which says nothing.
    fn takes_word(&mut self, found: &mut Mended) -> bool {
        if !self.takes_value() {
            return false;
        }
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        let length = self.rest.find(|c| !is_of_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.begins_value();
        // What stands at the very end may go on.
        let is_cut = rest.is_empty() && !self.open.is_empty();
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(word).is_ok();
        if is_json && !is_cut {
            self.out.extend(word.as_bytes());
        } else {
            self.out.extend(b"null");
            found.not_json |= !is_cut;
            found.cut |= is_cut;
        }
        self.ends_value(found);
        true
    }

    /// Closes what is open where reading stopped.
    fn close(&mut self, found: &mut Mended) {
        while let Some(open) = self.open.last() {
            match open.next {
                Next::Colon => self.out.extend(b":null"),
                Next::Value => self.out.extend(b"null"),
                Next::Item if !open.is_empty => drop(self.out.pop()),
                Next::Item | Next::Comma => {}
            }
            self.out.push(if open.is_object { b'}' } else { b']' });
            self.open.pop();
            self.ends_value(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(of: &Mended) -> String {
        let all = [(of.not_utf8, "utf8"), (of.not_json, "json"), (of.twice, "twice"), (of.cut, "cut")];
        all.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn json_that_is_whole_is_left_as_it_is() {
        for text in [r#"{"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{"c":""}}"#, "[]", "{}", r#""x""#, "12"] {
            let mended = mend(text.as_bytes());
            assert_eq!((mended.text.as_str(), flaws(&mended).as_str()), (text, ""));
        }
        assert_eq!(mend(b"\xef\xbb\xbf {\n \"a\" : 1 }\r\n").text, r#"{"a":1}"#);
    }

    #[test]
    fn each_flaw_is_named_and_the_rest_stays() {
        for (bytes, text, named) in [
            (&b"{\"a\":\"caf\xe9\"}"[..], "{\"a\":\"caf\u{fffd}\"}", "utf8"),
            (b"\xff\xfe{\0}\0", "{}", "utf8"),
            (b"{\"a\":NaN,\"b\":-Infinity}", r#"{"a":null,"b":null}"#, "json"),
            (b"{\"a\":\"x\x01\ny\"}", r#"{"a":"x\u0001\u000ay"}"#, "json"),
            (br#"{"a":"\x \u12 y"}"#, r#"{"a":"\\x \\u12 y"}"#, "json"),
            (b"{\"a\":[1,],}", r#"{"a":[1]}"#, "json"),
            (b"{\"a\":1}<html>", r#"{"a":1}"#, "json"),
            (b"{'a':1}", "{}", "json"),
            (b"{\"a\":1 \"b\":2}", r#"{"a":1}"#, "json"),
            (br#"{"a":1,"a":1,"b":2}"#, r#"{"a":1,"~":1,"b":2}"#, "twice"),
            (br#"{"ab":1,"ab":[2],"b":2}"#, r#"{"~~":1,"~~":[2],"b":2}"#, "twice"),
            (br#"{"a":{"b":"x"#, r#"{"a":{"b":"x"}}"#, "cut"),
            (br#"{"a":[1,{"b"#, r#"{"a":[1,{"b":null}]}"#, "cut"),
            (br#"{"a":[1,"#, r#"{"a":[1]}"#, "cut"),
            (br#"{"a":"#, r#"{"a":null}"#, "cut"),
            (br#"{"a":12"#, r#"{"a":null}"#, "cut"),
            (br#"{"a":"\u12"#, r#"{"a":""}"#, "cut"),
            (b"{\"a\":\"\xc3", r#"{"a":""}"#, "cut"),
            (b"<html>", "", "json"),
            (b"", "", ""),
        ] {
            let mended = mend(bytes);
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!((mended.text.as_str(), flaws(&mended).as_str()), (text, named), "{shown}");
            assert!(text.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "{shown}");
        }
    }

    proptest::proptest! {
        #[test]
        fn mended_bytes_are_always_valid_json(
            bytes in proptest::collection::vec(
                proptest::sample::select(b"{}[]\",:\\untrue0-. \xc3\xa9\xff\x01ab".to_vec()), 0..60),
        ) {
            let mended = mend(&bytes);
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&mended.text).is_ok();
            proptest::prop_assert!(mended.text.is_empty() || is_json, "{}", mended.text);
        }
    }

    #[test]
    fn no_depth_and_no_number_of_keys_takes_long() {
        mend("[".repeat(3_000_000).as_bytes());
        let keys = (0..200_000).map(|nth| format!("\"k{nth}\":{nth},")).collect::<Vec<_>>().concat();
        assert!(mend(format!("{{{keys}\"a\":1}}").as_bytes()).text.ends_with("\"a\":1}"));
    }
}
