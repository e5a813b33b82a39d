//! A refusal: the provider, or something on the way to it, refused a whole call.

use std::time::Duration;

use super::Response;
use super::codes::{Class, Code, look_up};
use super::wire::Envelope;

/// The longest text of the provider's that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// Why a whole call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of no it is.
    pub class: Class,
    /// The provider's code, where it gave one.
    pub code: Option<u32>,
    /// The HTTP status, where there was a reply.
    pub http: Option<u16>,
    /// The provider's words, or the table's where it has none: short, without control characters.
    pub message: String,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// The path leads nowhere: that says nothing about other endpoints.
    pub fn is_of_the_path(&self) -> bool {
        self.class == Class::BadCall && (self.http == Some(404) || matches!(self.code, Some(40_400 | 40_402)))
    }

    /// The request may be refused for what stands in it, so that a part of it may be accepted: by the provider, or by a
    /// firewall before it, which speaks no JSON.
    pub fn may_be_of_its_body(&self) -> bool {
        match (self.code, self.http) {
            (Some(40_503), _) => true,
            (Some(_), _) => self.class == Class::Permanent,
            (None, Some(http)) => self.class == Class::BadCall && matches!(http, 400 | 403 | 413 | 422),
            (None, None) => false,
        }
    }

    /// It is too large.
    pub fn is_of_its_size(&self) -> bool {
        self.http == Some(413)
    }

    /// The provider's words, with its code or the HTTP status.
    pub fn in_words(&self) -> String {
        match (self.code, self.http) {
            (Some(code), _) => format!("{} (code {code})", self.message),
            (None, Some(http)) => format!("{} (HTTP {http})", self.message),
            (None, None) => self.message.clone(),
        }
    }

    /// What a page says that refuses a purchase and is no envelope: somebody between refused it, for what stands in it.
    pub(super) fn of_a_page(response: &Response) -> Self {
        let words = match response.status {
            413 => "the request is too large for somebody between here and the provider",
            403 => "a firewall or proxy between here and the provider forbids the request",
            _ => "somebody between here and the provider refuses the request",
        };
        let message = match title(&response.body) {
            Some(title) => format!("{title}: {words}"),
            None => words.to_owned(),
        };
        let (http, retry_after) = (Some(response.status), response.retry_after);
        Self { class: Class::BadCall, code: None, http, message, retry_after }
    }

    /// What a reply without task rows says, where it says no.
    ///
    /// The provider's code is the more exact one, except that HTTP 404 means a wrong path whatever else is said.
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
        | Class::UnknownOutcome => false,
    }
}

/// The title of an HTML page, or the first line of a text.
fn title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]);
    let lower = text.to_ascii_lowercase();
    let title = match lower.find("<title") {
        Some(at) => {
            let from = at + lower[at..].find('>')? + 1;
            &text[from..from + lower[from..].find("</title")?]
        }
        None if lower.contains('<') => return None,
        None => text.lines().find(|line| !line.trim().is_empty())?,
    };
    Some(presentable(title.trim())).filter(|title| !title.is_empty())
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
    fn a_page_that_refuses_is_known_by_its_title() {
        let title = |page: &str| title(page.as_bytes());
        assert_eq!(
            title("<html><TITLE class=x> Attention\n Required! </title>"),
            Some("Attention Required!".to_owned())
        );
        assert_eq!(title("\nRequest blocked.\nId 7"), Some("Request blocked.".to_owned()));
        for page in ["", "<html><body>no</body></html>", "<title></title>", "<title>no end"] {
            assert_eq!(title(page), None, "{page}");
        }
    }

    #[test]
    fn provider_words_cannot_control_a_terminal() {
        assert_eq!(presentable(" a\u{1b}[2Jb\r\nc\u{0}\u{9b} "), "a[2Jbc");
        assert_eq!(presentable(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(presentable(&"ü".repeat(10_000)), format!("{}…", "ü".repeat(200)));
    }
}
