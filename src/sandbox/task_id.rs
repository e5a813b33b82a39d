//! The ids of tasks, as this provider makes them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// A task's id: a lower-case UUID whose groups say when, who and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskId(pub(super) u128);

impl TaskId {
    /// An id: month, day, hour and minute in decimal digits, the account, the function, zeros, and 48 bits.
    pub(super) fn new(at: DateTime<Utc>, account: usize, function: u16, random: u64) -> Self {
        let digits = |number: u32| u128::from(number / 10 * 16 + number % 10);
        let when = digits(at.month()) << 24 | digits(at.day()) << 16 | digits(at.hour()) << 8 | digits(at.minute());
        let account = 0x1535 + account as u128;
        Self(when << 96 | account << 80 | u128::from(function) << 64 | u128::from(random & 0xffff_ffff_ffff))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = |from: u32, bits: u32| (self.0 >> from) & ((1 << bits) - 1);
        write!(f, "{:08x}-{:04x}-{:04x}", bits(96, 32), bits(80, 16), bits(64, 16))?;
        write!(f, "-{:04x}-{:012x}", bits(48, 16), bits(0, 48))
    }
}

impl FromStr for TaskId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id = u128::from_str_radix(&text.replace('-', ""), 16).map(Self).map_err(|_| ())?;
        if id.to_string() == text { Ok(id) } else { Err(()) }
    }
}
