//! The rows of a text table, strictly by RFC 4180.
//!
//! What RFC 4180 does not allow is a fault of its row, because an unmatched quote would otherwise merge many rows
//! into one cell.

use std::io::{self, BufRead};

/// A table being read, row by row.
pub(super) struct Rows<R> {
    input: R,
    delimiter: u8,
    /// Line ends seen so far.
    lines: usize,
    after_cr: bool,
}

/// A row: its cells, where it begins, and what is wrong with it.
#[derive(Default)]
pub(super) struct Row {
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    pub(super) fault: Option<String>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    pub(super) fn width(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[index]]
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.width()).map(|index| self.cell(index))
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.fault = None;
    }

    fn found(&mut self, fault: impl FnOnce() -> String) {
        if self.fault.is_none() {
            self.fault = Some(fault());
        }
    }

    fn end_cell(&mut self, at: At) {
        let start = self.ends.last().copied().unwrap_or(0);
        if at == At::Plain {
            let cell = String::from_utf8_lossy(&self.text[start..]);
            if cell.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with('"') {
                self.found(|| "a quote stands behind blanks at the start of a cell".to_owned());
            }
        }
        self.ends.push(self.text.len());
    }
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, PartialEq)]
enum At {
    RowStart,
    CellStart,
    Plain,
    /// Behind an opening quote.
    Quoted,
    /// Behind a quote in such a cell: the first of two, or the closing one.
    Quote,
}

impl<R: BufRead> Rows<R> {
    /// Rows of a text of which so many lines have been read already.
    pub(super) fn new(input: R, delimiter: u8, lines: usize) -> Self {
        Self { input, delimiter, lines, after_cr: false }
    }

    /// The next row that is no blank line; false at the end. A line ends with LF, CR or both.
    pub(super) fn next(&mut self, row: &mut Row) -> io::Result<bool> {
        row.clear();
        let (mut at, mut opened) = (At::RowStart, 0);
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                if at == At::RowStart {
                    return Ok(false);
                }
                if at == At::Quoted {
                    row.fault = Some("a quote is opened in this row and never closed".to_owned());
                }
                row.end_cell(at);
                return Ok(true);
            }
            let (mut used, mut ended) = (0, false);
            for &byte in bytes {
                used += 1;
                let is_second = byte == b'\n' && self.after_cr;
                let is_end = matches!(byte, b'\r' | b'\n');
                self.after_cr = byte == b'\r';
                let line = self.lines + 1;
                self.lines += usize::from(is_end && !is_second);
                if at == At::RowStart {
                    if is_end {
                        continue;
                    }
                    row.line = line;
                    at = At::CellStart;
                }
                at = match at {
                    At::Quoted if byte == b'"' => At::Quote,
                    At::Quote if byte == b'"' => {
                        row.text.push(byte);
                        At::Quoted
                    }
                    At::CellStart if byte == b'"' => {
                        opened = line;
                        At::Quoted
                    }
                    At::RowStart | At::CellStart | At::Plain | At::Quote if is_end => {
                        row.end_cell(at);
                        ended = true;
                        break;
                    }
                    At::CellStart | At::Plain | At::Quote if byte == self.delimiter => {
                        row.end_cell(at);
                        At::CellStart
                    }
                    At::Quoted => {
                        row.text.push(byte);
                        At::Quoted
                    }
                    At::RowStart | At::CellStart | At::Plain | At::Quote => {
                        if at == At::Quote {
                            row.found(|| {
                                format!("text follows a closing quote on line {line}, opened on line {opened}")
                            });
                        }
                        row.text.push(byte);
                        At::Plain
                    }
                };
            }
            self.input.consume(used);
            if ended {
                return Ok(true);
            }
        }
    }
}

/// The lines of a text, each with its number from 1; a line ends with LF, CR or both.
pub(super) struct Lines<R> {
    input: R,
    after_cr: bool,
    /// The line that was read last.
    pub(super) line: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, after_cr: false, line: 0 }
    }

    /// The next line, without its end; false where there is none.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let mut any = false;
        loop {
            let mut bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                self.line += usize::from(any);
                return Ok(any);
            }
            let mut used = 0;
            if self.after_cr && bytes[0] == b'\n' {
                (bytes, used) = (&bytes[1..], 1);
            }
            self.after_cr = false;
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            any |= !bytes.is_empty();
            if let Some(end) = end {
                self.after_cr = bytes[end] == b'\r';
                self.input.consume(used + end + 1);
                self.line += 1;
                return Ok(true);
            }
            used += bytes.len();
            self.input.consume(used);
        }
    }
}
