//! Prompt files as a stream of prompts, one in memory at a time.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::source::Origin;
use crate::problem::{Wrong, nearest};
use crate::text::one_line_end;

/// As much of a line as a message can show.
const SHOWN_CHARS: usize = 200;

/// Opens files: the disk, or what a test holds in memory.
pub trait Files {
    /// Opens a file to be read from its start.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        Ok(Box::new(BufReader::new(File::open(path)?)))
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, Vec<u8>> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}

/// What a file holds, one after the other.
pub(super) enum Item<'i> {
    /// A prompt, and the line it begins on (for the job file's own: which it is, from 1).
    Prompt { line: usize, text: &'i str },
    /// A cell without a prompt.
    EmptyCell,
    /// Something that is no prompt, as it can be shown.
    Bad { line: usize, shown: String, what: Wrong },
}

/// Why a file gives no prompts at all.
pub(super) enum Unusable {
    /// It cannot be opened, or not be read to its end.
    Io(io::Error),
    /// `column` does not fit it.
    Column(Wrong),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Each<'e> = &'e mut dyn FnMut(Item<'_>) -> ControlFlow<()>;

/// Reads everything that an origin holds, until `each` breaks off.
pub(super) fn read(origin: &Origin, files: &dyn Files, each: Each<'_>) -> Result<(), Unusable> {
    match origin {
        Origin::Inline(texts) => {
            for (index, text) in texts.iter().enumerate() {
                let line = index + 1;
                let text = one_line_end(trimmed(text));
                let item = match &*text {
                    "" => Item::Bad { line, shown: String::new(), what: Wrong::EmptyPrompt },
                    text => prompt(line, text),
                };
                if each(item).is_break() {
                    break;
                }
            }
            Ok(())
        }
        Origin::Text(path) => Ok(read_lines(files.open(path)?, each)?),
        Origin::Csv { path, column } => {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            read_rows(files.open(path)?, &file, column.as_deref(), each)
        }
    }
}

/// The text the engine is to read, but for its line ends: without the white space around it, and without the mark that
/// some editors put at the start of a file.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn prompt(line: usize, text: &str) -> Item<'_> {
    if text.contains('\0') {
        return Item::Bad { line, shown: start(text), what: Wrong::Nul };
    }
    Item::Prompt { line, text }
}

fn start(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// The start of a line, with what is no UTF-8 marked.
fn shown(bytes: &[u8]) -> String {
    start(trimmed(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_CHARS)])))
}

fn read_lines(mut file: Box<dyn BufRead>, each: Each<'_>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        if !read_line(&mut *file, &mut bytes)? {
            break;
        }
        let item = match str::from_utf8(&bytes).map(trimmed) {
            Ok("") => continue,
            Ok(text) => prompt(line, text),
            Err(_) => Item::Bad { line, shown: shown(&bytes), what: Wrong::NotUtf8 },
        };
        if each(item).is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads a line, ended by LF, CRLF or CR alone; false where there is none. The line end is not kept.
fn read_line(file: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let read = match file.fill_buf() {
            Ok([]) => return Ok(any),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        any = true;
        let Some(at) = read.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            let all = read.len();
            line.extend_from_slice(read);
            file.consume(all);
            continue;
        };
        let is_cr = read[at] == b'\r';
        line.extend_from_slice(&read[..at]);
        file.consume(at + 1);
        if is_cr && next_byte(file)? == Some(b'\n') {
            file.consume(1);
        }
        return Ok(true);
    }
}

/// What stands next in a file, without taking it.
fn next_byte(file: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        match file.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return Ok(read?.first().copied()),
        }
    }
}

fn read_rows(file: Box<dyn BufRead>, name: &str, column: Option<&str>, each: Each<'_>) -> Result<(), Unusable> {
    let starts = Rc::<RefCell<RowStarts>>::default();
    let watched = Watched { file: without_mark(file)?, starts: Rc::clone(&starts) };
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(watched);
    let mut row = csv::ByteRecord::new();
    if !rows.read_byte_record(&mut row).map_err(io_error)? {
        return Ok(());
    }
    starts.borrow_mut().next();
    let index = find_column(&row, name, column).map_err(Unusable::Column)?;
    let width = row.len();
    while rows.read_byte_record(&mut row).map_err(io_error)? {
        let line = starts.borrow_mut().next();
        let bad = |what| {
            let shown = shown(&row.iter().collect::<Vec<_>>().join(&b','));
            Item::Bad { line, shown, what }
        };
        let text;
        let item = if row.iter().any(|cell| str::from_utf8(cell).is_err()) {
            bad(Wrong::NotUtf8)
        } else if starts.borrow().is_open() {
            bad(Wrong::Csv { message: "a quote is opened in this row and never closed".to_owned() })
        } else if row.len() == width {
            text = one_line_end(trimmed(str::from_utf8(&row[index]).unwrap_or_default()));
            match &*text {
                "" => Item::EmptyCell,
                text => prompt(line, text),
            }
        } else {
            bad(Wrong::Csv {
                message: format!("the number of cells in this row is {}, in the header {width}", row.len()),
            })
        };
        if each(item).is_break() {
            break;
        }
    }
    Ok(())
}

fn without_mark(mut file: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if file.fill_buf()?.starts_with(MARK) {
        file.consume(MARK.len());
    }
    Ok(file)
}

fn io_error(error: csv::Error) -> Unusable {
    let words = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        return Unusable::Io(error);
    }
    // Byte records of any length have no other way to fail.
    Unusable::Io(io::Error::other(words))
}

/// The index of the column to read, by the file's first row.
fn find_column(header: &csv::ByteRecord, file: &str, column: Option<&str>) -> Result<usize, Wrong> {
    let file = file.to_owned();
    let names: Vec<String> = header.iter().map(|cell| trimmed(&String::from_utf8_lossy(cell)).to_owned()).collect();
    let columns = || names.iter().take(50).map(|name| format!("`{}`", start(name))).collect::<Vec<_>>().join(", ");
    let Some(column) = column else {
        return if names.len() == 1 { Ok(0) } else { Err(Wrong::ColumnMissing { file, columns: columns() }) };
    };
    let mut found = names.iter().enumerate().filter(|(_, name)| *name == column.trim());
    let column = column.to_owned();
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(Wrong::ColumnTwice { file, column }),
        (None, _) => {
            let near = nearest(&column, names.iter().map(String::as_str)).map(str::to_owned);
            Err(Wrong::UnknownColumn { file, column, columns: columns(), near })
        }
    }
}

/// A file on its way to the CSV reader, which reads ahead and so cannot say on which line a row began.
struct Watched {
    file: Box<dyn BufRead>,
    starts: Rc<RefCell<RowStarts>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let mut starts = self.starts.borrow_mut();
        buffer[..read].iter().for_each(|byte| starts.see(*byte));
        Ok(read)
    }
}

/// Where in a row a byte stands, by the same rules as the CSV reader's.
#[derive(Clone, Copy, Default, PartialEq)]
enum At {
    #[default]
    RowStart,
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// The lines on which the rows begin that are still to come from the CSV reader.
#[derive(Default)]
struct RowStarts {
    newlines: usize,
    /// The last byte was a CR: an LF behind it is the same line end.
    after_cr: bool,
    at: At,
    waiting: VecDeque<usize>,
}

impl RowStarts {
    fn see(&mut self, byte: u8) {
        let ends_row = matches!(byte, b'\r' | b'\n');
        if self.at == At::RowStart && !ends_row {
            self.waiting.push_back(self.newlines + 1);
            self.at = At::CellStart;
        }
        self.newlines += usize::from(byte == b'\r' || byte == b'\n' && !self.after_cr);
        self.after_cr = byte == b'\r';
        self.at = match (self.at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) | (At::QuoteInQuoted | At::CellStart, b'"') => At::Quoted,
            (At::RowStart | At::CellStart | At::Plain | At::QuoteInQuoted, b'\r' | b'\n') => At::RowStart,
            (_, b',') => At::CellStart,
            _ => At::Plain,
        };
    }

    fn next(&mut self) -> usize {
        self.waiting.pop_front().unwrap_or(self.newlines + 1)
    }

    /// True when the last row was not ended but by the end of the file.
    fn is_open(&self) -> bool {
        self.waiting.is_empty() && self.at == At::Quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(path: &str, column: Option<&str>, bytes: &[u8]) -> Vec<String> {
        let path = PathBuf::from(path);
        let origin = match column {
            None => Origin::Text(path.clone()),
            Some(column) => Origin::Csv { path: path.clone(), column: Some(column.to_owned()) },
        };
        let mut seen = Vec::new();
        let end = read(&origin, &BTreeMap::from([(path, bytes.to_vec())]), &mut |item| {
            seen.push(match item {
                Item::Prompt { line, text } => format!("{line} {text}"),
                Item::EmptyCell => "empty".to_owned(),
                Item::Bad { line, shown, what } => format!("{line} BAD {shown} ({what})"),
            });
            ControlFlow::Continue(())
        });
        assert!(end.is_ok());
        seen
    }

    #[test]
    fn a_text_file_has_a_prompt_a_line() {
        let text = "\u{feff}first\r\n\r\n  # no comment \t\r\nthird, with \"quotes\"\n\u{a0}\nlast".as_bytes();
        let seen = ["1 first", "3 # no comment", "4 third, with \"quotes\"", "6 last"];
        assert_eq!(prompts("a.txt", None, text), seen);
        let of_an_old_mac = String::from_utf8(text.to_vec()).unwrap().replace("\r\n", "\n").replace('\n', "\r");
        assert_eq!(prompts("a.txt", None, of_an_old_mac.as_bytes()), seen);
        assert_eq!(
            prompts("a.txt", None, b"ok\nb\xe4d\n\na\0b\n"),
            ["1 ok", "2 BAD b\u{fffd}d (this line is not UTF-8)", "4 BAD a\0b (this text holds a NUL character)"]
        );
    }

    #[test]
    fn rows_of_a_csv_file_are_known_by_the_line_they_begin_on() {
        for newline in ["\n", "\r\n", "\r"] {
            let text = "id,prompt\n1,one\n\n2,\"two\nlines, \"\"quoted\"\"\"\n3, \n4,5\" screen\n5,five\n"
                .replace('\n', newline);
            let seen = ["2 one", "4 two\nlines, \"quoted\"", "empty", "7 5\" screen", "8 five"];
            assert_eq!(prompts("a.csv", Some("prompt"), text.as_bytes()), seen, "{newline:?}");
            let marked = format!("\u{feff}{newline}{text}");
            assert_eq!(prompts("a.csv", Some("id"), marked.as_bytes())[0], "3 1");
        }
    }

    #[test]
    fn a_csv_file_that_is_none_is_noticed() {
        let text = b"id,prompt\n1,one,more\n2\n3,\"open\n4,four\n";
        assert_eq!(
            prompts("a.csv", Some("prompt"), text),
            [
                "2 BAD 1,one,more (this is no CSV: the number of cells in this row is 3, in the header 2)",
                "3 BAD 2 (this is no CSV: the number of cells in this row is 1, in the header 2)",
                "4 BAD 3,open\n4,four (this is no CSV: a quote is opened in this row and never closed)",
            ]
        );
    }

    #[test]
    fn lines_are_right_beyond_what_is_read_ahead() {
        let rows: Vec<String> = (0..20_000).map(|n| format!("{n},\"prompt\n{n}\"\r\n")).collect();
        let seen = prompts("a.csv", Some("prompt"), format!("id,prompt\r\n{}", rows.concat()).as_bytes());
        assert_eq!(seen.len(), 20_000);
        for (n, seen) in seen.iter().enumerate() {
            assert_eq!(*seen, format!("{} prompt\n{n}", 2 * n + 2));
        }
    }
}
