//! A refusal: the vendor, or the way to it, said no to a whole call.

use std::time::Duration;

use super::Response;
use super::codes::{Class, Code, look_up};
use super::wire::Envelope;

/// The longest text of the vendor's that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// Why a whole call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of no it is.
    pub class: Class,
    /// The vendor's code, where it gave one.
    pub code: Option<u32>,
    /// The HTTP status, where there was a reply.
    pub http: Option<u16>,
    /// The vendor's words, or the table's where it has none: short, without control characters.
    pub message: String,
    /// How long the vendor asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// The path leads nowhere: that says nothing about other endpoints.
    pub fn is_of_the_path(&self) -> bool {
        self.class == Class::BadCall && (self.http == Some(404) || matches!(self.code, Some(40_400 | 40_402)))
    }

    /// What a reply without task rows says, where it says no.
    ///
    /// The vendor's code is the more exact one, except that HTTP 404 means a wrong path whatever else is said.
    pub(super) fn read(response: &Response, envelope: Option<&Envelope<'_>>) -> Self {
        let http = look_up(response.status.into());
        let said = envelope.and_then(|envelope| envelope.code).map(look_up);
        let Code { class, meaning, .. } = match said {
            Some(said) if refuses(said.class) && response.status != 404 => said,
            Some(_) | None if refuses(http.class) => http,
            Some(said) => said,
            None => http,
        };
        let message = envelope
            .and_then(|envelope| envelope.message.as_deref())
            .map(presentable)
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| meaning.to_owned());
        Self {
            class,
            code: said.map(|said| said.code),
            http: Some(response.status),
            message,
            retry_after: response.retry_after,
        }
    }
}

/// It says no to a whole call; anything else about a call without task rows proves nothing.
pub(super) fn refuses(class: Class) -> bool {
    match class {
        Class::Permanent
        | Class::BadCall
        | Class::Throttled
        | Class::NotToday
        | Class::Duplicate
        | Class::NoMoney
        | Class::Halt
        | Class::Unlisted => true,
        Class::Answered
        | Class::Accepted
        | Class::Pending
        | Class::NextBatch
        | Class::PaidFailure { .. }
        | Class::NotFound
        | Class::Expired
        | Class::WrongPlace
        | Class::Again
        | Class::Unreachable
        | Class::Doubt => false,
    }
}

/// Someone else's text, made fit for a terminal and a log line.
pub(super) fn presentable(text: &str) -> String {
    let mut clean: String = text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS + 1).collect();
    if let Some((end, _)) = clean.char_indices().nth(MAX_MESSAGE_CHARS) {
        clean.truncate(end);
        clean.push('…');
    }
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_words_cannot_move_a_terminals_cursor_nor_fill_its_screen() {
        assert_eq!(presentable(" a\u{1b}[2Jb\r\nc\u{0}\u{9b} "), "a[2Jbc");
        assert_eq!(presentable(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(presentable(&"ü".repeat(10_000)), format!("{}…", "ü".repeat(200)));
    }
}
