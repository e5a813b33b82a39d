//! Output: data to stdout, everything for people to stderr.
//!
//! A reader that has gone away is not an error. Text from a provider, a file or a prompt is made printable before it
//! reaches a terminal.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use serde_json::{Map, Value};

use crate::money::Money;
pub(super) use crate::problem::printable;

/// How much is said, settled once.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Out {
    /// One document, or one event a line, on stdout.
    pub(super) json: bool,
    /// Of the two, an event a line.
    pub(super) events: bool,
    /// Nothing for people but what they must act on.
    pub(super) quiet: bool,
    /// Bars: stderr is a terminal, and nobody said no.
    pub(super) bars: bool,
    /// Progress lines.
    pub(super) progress: bool,
    /// Every batch.
    pub(super) verbose: bool,
}

impl Out {
    pub(super) fn new(common: &super::Common) -> Self {
        let progress = !common.no_progress && !common.quiet;
        Self {
            json: common.json,
            events: false,
            quiet: common.quiet,
            bars: progress && common.verbose == 0 && io::stderr().is_terminal(),
            progress,
            verbose: common.verbose > 0,
        }
    }

    /// Somebody watches: they would see for themselves that nothing moves.
    pub(super) fn is_watched(self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// A line for people; not when quiet.
    pub(super) fn note(self, line: &str) {
        if !self.quiet {
            self.must(line);
        }
    }

    /// A line that people must see.
    #[expect(clippy::unused_self, reason = "the way out is this type's")]
    pub(super) fn must(self, line: &str) {
        let mut shown = lines(line);
        shown.push('\n');
        // Without stderr there is nobody to tell.
        drop(anstream::stderr().write_all(shown.as_bytes()));
    }
}

/// Each line made printable, the line ends kept.
pub(super) fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Data on stdout. A reader that has gone away has had enough.
pub(super) fn data(text: &str) -> io::Result<()> {
    forgive(io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()))
        .map_err(|e| of_stdout(&e))
}

/// What went wrong with stdout, and where that leads.
pub(super) fn of_stdout(error: &io::Error) -> io::Error {
    // Where the system does not tell, stdout is all there is to name.
    let leads_to = std::fs::read_link("/proc/self/fd/1").ok().filter(|path| path.is_absolute());
    let place = leads_to.map_or_else(|| "stdout".to_owned(), |path| format!("stdout (`{}`)", path.display()));
    io::Error::new(error.kind(), format!("cannot write to {place}: {error}"))
}

/// A document on stdout.
pub(super) fn document(value: &Value) -> io::Result<()> {
    data(&format!("{value:#}\n"))
}

/// A broken pipe is the reader's choice.
pub(super) fn forgive(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// An amount as decimal text and as whole nano-dollars.
pub(super) fn money(into: &mut Map<String, Value>, name: &str, amount: Money) {
    into.insert(format!("{name}_usd"), amount.decimal().into());
    into.insert(format!("{name}_nano_usd"), amount.nanos().into());
}

/// A thing and how many of it: `1 task`, `1,204 tasks`.
pub(super) fn count(n: u64, one: &str) -> String {
    let plural = match n {
        1 => "",
        _ if one.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {one}{plural}", grouped(n))
}

/// Digits in groups of three.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A path that means the same from anywhere: what is said may be read in a mail.
pub(super) fn from_anywhere(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A file as it was named, with its place where the name depends on the current folder.
pub(super) fn place(path: &Path) -> String {
    let named = path.display();
    if path.is_absolute() { format!("`{named}`") } else { format!("`{named}` ({})", from_anywhere(path)) }
}

/// A time in its two largest units: `2 days 5h`, `14h 5m`, `40s`.
pub(super) fn lasting(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let two = |first: String, second: u64, unit: &str| {
        if second == 0 { first } else { format!("{first} {second}{unit}") }
    };
    match (days, hours, minutes) {
        (1.., ..) => two(count(days, "day"), hours, "h"),
        (_, 1.., _) => two(format!("{hours}h"), minutes, "m"),
        (_, _, 1..) => two(format!("{minutes}m"), seconds % 60, "s"),
        _ => format!("{seconds}s"),
    }
}

/// As a shell takes it.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_does_not_reach_a_terminal() {
        assert_eq!(lines("a\u{1b}[2Jb\nc\rd"), "a␛[2Jb\nc␍d");
    }

    #[test]
    fn a_time_is_said_in_two_units() {
        let said = [0, 59, 60, 200, 3_600, 50_752, 172_800, 193_671].map(lasting).join(", ");
        assert_eq!(said, "0s, 59s, 1m, 3m 20s, 1h, 14h 5m, 2 days, 2 days 5h");
    }

    #[test]
    fn numbers_are_grouped_and_words_counted() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped).join(" "), "0 999 1,000 1,234,567");
        assert_eq!([count(1, "task"), count(2, "task"), count(0, "batch")].join(", "), "1 task, 2 tasks, 0 batches");
    }

    #[test]
    fn a_relative_path_is_shown_with_its_place() {
        let cwd = std::env::current_dir().unwrap();
        assert_eq!(place(Path::new("p/a.txt")), format!("`p/a.txt` ({}/p/a.txt)", cwd.display()));
        assert_eq!(place(Path::new("/etc/a.txt")), "`/etc/a.txt`");
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        assert_eq!(shell("jobs/demo.toml"), "jobs/demo.toml");
        assert_eq!(shell("it's here"), r"'it'\''s here'");
        assert_eq!(shell(""), "''");
    }
}
