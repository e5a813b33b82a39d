//! Rounds, their medians, and the lines of a table.

use std::collections::BTreeMap;
use std::time::Duration;

/// What was measured under a name, once a round.
#[derive(Debug, Default)]
pub(crate) struct Rounds(BTreeMap<String, Vec<u64>>);

impl Rounds {
    pub(crate) fn add(&mut self, name: &str, value: u64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    pub(crate) fn add_time(&mut self, name: &str, time: Duration) {
        self.add(name, nanos(time));
    }

    pub(crate) fn add_all(&mut self, prefix: &str, values: &BTreeMap<String, u64>) {
        for (name, value) in values {
            self.add(&format!("{prefix} {name}"), *value);
        }
    }

    /// The value in the middle; 0 for what was never measured.
    pub(crate) fn median(&self, name: &str) -> u64 {
        let mut values = self.0.get(name).cloned().unwrap_or_default();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    }

    fn edges(&self, name: &str) -> (u64, u64) {
        let values = self.0.get(name).map_or(&[][..], Vec::as_slice);
        (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0))
    }

    /// A line with a time: the median, and between what it moved.
    pub(crate) fn time(&self, what: &str, name: &str) {
        let (least, most) = self.edges(name);
        line(what, &format!("{:>10}  ({} to {})", seconds(self.median(name)), seconds(least), seconds(most)));
    }

    /// A line with a size in memory or on disk.
    pub(crate) fn size(&self, what: &str, name: &str) {
        line(what, &mebibytes(self.median(name)));
    }

    /// A line with one median over another.
    pub(crate) fn ratio(&self, what: &str, over: &str, under: &str) {
        line(what, &ratio(self.median(over), self.median(under)));
    }
}

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

pub(crate) fn line(what: &str, value: &str) {
    println!("  {what:<64} {value}");
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: u64) -> String {
    format!("{}.{:03} s", nanos / 1_000_000_000, nanos / 1_000_000 % 1_000)
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{:>6}.{} MiB", tenths / 10, tenths % 10)
}

/// One number over another, to two places.
pub(crate) fn ratio(over: u64, under: u64) -> String {
    let hundredths = u128::from(over) * 100 / u128::from(under.max(1));
    format!("{:>6}.{:02}", hundredths / 100, hundredths % 100)
}
