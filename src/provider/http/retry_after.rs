//! `Retry-After`: how long the provider asks us to wait, as seconds or as an HTTP date.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::clock::Clock;

/// The wait that the header asks for. A date counts from the reply's own `Date`, because the provider's clock may differ
/// from this machine's. A reply without a `Date` is compared with this machine's clock. A date that has passed, or a text
/// that is neither form, asks for nothing.
pub(super) fn wait(text: &str, replied: Option<DateTime<Utc>>) -> Option<Duration> {
    let text = text.trim();
    seconds(text).or_else(|| {
        let until = http_date(text)?;
        (until - replied.unwrap_or_else(|| Clock::system().now().wall)).to_std().ok().filter(|wait| !wait.is_zero())
    })
}

/// Seconds, with or without a fraction. More of them than a number can hold are as many as one can.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let nanos = format!("{fraction:0<9.9}").parse().ok()?;
    Some(Duration::new(whole.parse().unwrap_or(u64::MAX), nanos))
}

/// The three forms of RFC 9110, section 5.6.7: the usual one and two obsolete ones that a recipient must read.
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let obsolete = |form| NaiveDateTime::parse_from_str(text, form).ok().map(|date| date.and_utc());
    DateTime::parse_from_rfc2822(text)
        .ok()
        .map(|date| date.to_utc())
        .or_else(|| obsolete("%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replied() -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_795_361_411, 0) // Sunday, 22 November 2026, 15:30:11
    }

    #[test]
    fn a_date_counts_from_the_replys_own_date() {
        for date in ["Sun, 22 Nov 2026 15:31:41 GMT", "Sunday, 22-Nov-26 15:31:41 GMT", "Sun Nov 22 15:31:41 2026"] {
            assert_eq!(wait(date, replied()), Some(Duration::from_secs(90)), "{date}");
        }
    }

    #[test]
    fn a_date_without_replys_date_counts_from_now() {
        let later = Clock::system().now().wall + Duration::from_hours(2);
        let wait = wait(&later.to_rfc2822(), None).unwrap();
        assert!(wait > Duration::from_mins(119) && wait <= Duration::from_hours(2), "{wait:?}");
    }

    #[test]
    fn a_fraction_of_a_second_is_kept_to() {
        for (text, millis) in [("9.5", 9_500), ("0.25", 250), (" 7 ", 7_000), ("7.", 7_000), ("0", 0)] {
            assert_eq!(wait(text, replied()), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(seconds("99999999999999999999999.9"), Some(Duration::new(u64::MAX, 900_000_000)));
    }

    #[test]
    fn what_is_no_time_to_come_asks_nothing() {
        for text in
            ["", "soon", "-5", "1e3", "inf", "NaN", ".5", "5.x", "9,5", "é.5", "5.éé", "Sun, 22 Nov 2026 15:30:11 GMT"]
        {
            assert_eq!(wait(text, replied()), None, "{text}");
        }
    }
}
