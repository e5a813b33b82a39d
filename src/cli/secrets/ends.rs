//! What a secret may bring along from the file it was copied from: quotes, blanks, line ends. Named, and never shown.

/// What cannot belong to a secret: it would be refused with it for sure.
pub(super) fn wrong(secret: &str) -> Option<&'static str> {
    let at_an_end = |found: fn(char) -> bool| secret.starts_with(found) || secret.ends_with(found);
    if secret.trim().is_empty() {
        Some("holds nothing but blanks")
    } else if secret.ends_with('\r') {
        Some(
            "ends with a carriage return (\\r): it comes from a file with Windows line ends. Remove it, with `dos2unix` for example",
        )
    } else if secret.ends_with('\n') {
        Some("ends with a line end: remove it")
    } else if secret.contains(['\r', '\n']) {
        Some("holds several lines: leave only the one with the secret")
    } else if at_an_end(is_invisible) {
        Some("begins or ends with an invisible character, such as a byte order mark: write it again")
    } else if secret.contains(char::is_control) {
        Some("holds a control character: write it again")
    } else {
        None
    }
}

/// What may belong to a secret and hardly ever does: the likely mistake, where it is refused.
pub(super) fn odd(secret: &str) -> Option<&'static str> {
    let (first, last) = (secret.chars().next()?, secret.chars().next_back()?);
    if is_quote(first) && is_quote(last) {
        Some("stands in quotes, which are a part of what is sent: an env file that is not read by a shell keeps them")
    } else if is_quote(first) || is_quote(last) {
        Some("begins or ends with a quote, which is a part of what is sent")
    } else if first.is_whitespace() || last.is_whitespace() {
        Some("begins or ends with a blank, which is a part of what is sent")
    } else {
        None
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_secret_has_is_named_as_wrong() {
        for (secret, says) in [
            ("secret\r", "ends with a carriage return (\\r)"),
            ("secret\n", "ends with a line end"),
            ("secret\r\nmore", "holds several lines"),
            ("\u{feff}secret", "begins or ends with an invisible character"),
            ("secret\u{200b}", "begins or ends with an invisible character"),
            ("\tsecret", "holds a control character"),
            ("sec\u{1b}ret", "holds a control character"),
            (" \t ", "holds nothing but blanks"),
        ] {
            assert!(wrong(secret).is_some_and(|found| found.starts_with(says)), "{secret:?}: {:?}", wrong(secret));
        }
    }

    #[test]
    fn quotes_and_blanks_at_the_ends_are_odd() {
        for (secret, says) in [
            ("\"secret\"", "stands in quotes"),
            ("'secret'", "stands in quotes"),
            ("\u{201c}secret\u{201d}", "stands in quotes"),
            ("secret'", "begins or ends with a quote"),
            (" secret", "begins or ends with a blank"),
            ("secret\u{a0}", "begins or ends with a blank"),
        ] {
            assert_eq!(wrong(secret), None, "{secret:?}");
            assert!(odd(secret).is_some_and(|found| found.starts_with(says)), "{secret:?}: {:?}", odd(secret));
        }
    }

    #[test]
    fn an_ordinary_secret_is_neither_wrong_nor_odd() {
        for secret in ["0123456789abcdef", "me@example.org", "a \"b\" c", "pa's", "ключ"] {
            assert_eq!((wrong(secret), odd(secret)), (None, None), "{secret:?}");
        }
    }
}
