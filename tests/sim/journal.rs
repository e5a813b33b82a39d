//! The events of a campaign, line by line: the same seed writes the same bytes.

use std::fmt::{Arguments, Write as _};

use chrono::{DateTime, Utc};

/// A campaign's journal. Nothing that differs between two runs of a seed may stand in it: no nonce, no path, no clock
/// but the virtual one.
#[derive(Debug, Default)]
pub struct Journal {
    text: String,
    /// Printed as it is written.
    pub aloud: bool,
}

impl Journal {
    pub fn line(&mut self, at: DateTime<Utc>, what: Arguments<'_>) {
        let from = self.text.len();
        writeln!(self.text, "{} {what}", at.format("%m-%d %H:%M:%S%.3f")).unwrap();
        if self.aloud {
            print!("{}", &self.text[from..]);
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How often each kind of trouble truly struck.
#[derive(Clone, Debug, Default)]
pub struct Struck(std::collections::BTreeMap<String, u64>);

impl Struck {
    pub fn note(&mut self, kind: &str) {
        self.add(kind, 1);
    }

    pub fn add(&mut self, kind: &str, times: u64) {
        if times > 0 {
            *self.0.entry(kind.to_owned()).or_default() += times;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (kind, times) in &other.0 {
            self.add(kind, *times);
        }
    }

    pub fn kinds(&self) -> usize {
        self.0.len()
    }

    pub fn table(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, (kind, times)| {
            writeln!(out, "  {times:>10}  {kind}").unwrap();
            out
        })
    }
}
