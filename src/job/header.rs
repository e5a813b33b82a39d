//! The layout of a table: its separator, what stands before its header, and the column with the prompts.
//!
//! The first rows decide it, and only as far as it is safe: a column that the job file names is looked up as written,
//! and without that name a table of several columns is not read at all.

use std::io;

use super::rows::{Row, Rows};
use super::stream::{shown, start, trimmed};
use crate::near::nearest;
use crate::problem::{Wrong, WrongFile};

/// What separates cells, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Rows among which the header is looked for: exports have a title and a range of dates before it.
const MOST_BEFORE: usize = 20;
/// Rows that are looked at.
const LOOKED_AT: usize = 40;

/// What the job file says of a table.
pub(super) struct Said<'s> {
    pub(super) column: Option<&'s str>,
    pub(super) delimiter: Option<u8>,
    pub(super) skip_lines: Option<usize>,
    /// The file's name says that tabs separate.
    pub(super) tabs: bool,
}

/// How a table is to be read.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    /// What precedes the first row that is looked at: bytes of the text, and lines.
    pub(super) begins: (usize, usize),
    pub(super) header: Vec<String>,
    /// The line on which the header begins.
    pub(super) line: usize,
    /// The column of the prompts.
    pub(super) index: usize,
}

/// Why a table cannot be read.
pub(super) enum Unfit {
    /// It holds no row.
    Empty,
    /// `column` does not fit it.
    Column(Wrong),
    /// This line is wrong.
    Line { line: usize, shown: String, what: Box<Wrong> },
}

/// A row as far as it is needed here.
pub(super) struct First {
    pub(super) line: usize,
    pub(super) cells: Vec<String>,
    pub(super) fault: Option<String>,
}

/// The layout of a text of which this is the session, or all of it.
pub(super) fn of_text(sample: &[u8], is_all: bool, said: &Said<'_>, file: &str) -> io::Result<Result<Layout, Unfit>> {
    let mut begins = (0, 0);
    let mut delimiter = said.delimiter;
    if let Some((named, length)) = separator_line(sample) {
        begins = (length, 1);
        delimiter = delimiter.or(Some(named));
    }
    if let Some(skip) = said.skip_lines {
        begins = lines(sample, skip);
    }
    let candidates = match delimiter {
        Some(delimiter) => vec![delimiter],
        None if said.tabs => vec![b'\t', b',', b';', b'|'],
        None => DELIMITERS.to_vec(),
    };
    let mut read = Vec::new();
    for delimiter in candidates {
        let rows = first_rows(&sample[begins.0..], is_all, delimiter, begins.1)?;
        read.push((delimiter, rows));
    }
    if read.iter().all(|(_, rows)| rows.is_empty()) {
        let what = Box::new(Wrong::File(WrongFile::EndlessHeader { kib: sample.len() / 1024 }));
        let line = begins.1 + 1;
        return Ok(Err(if is_all { Unfit::Empty } else { Unfit::Line { line, shown: shown(sample), what } }));
    }
    let searched = if said.skip_lines.is_some() { 1 } else { MOST_BEFORE };
    let (at, header) = choose(&read, said.column, searched);
    let (delimiter, rows) = &read[at];
    let layout = |index| {
        let (header, line) = (rows[header].cells.clone(), rows[header].line);
        Layout { delimiter: *delimiter, begins, header, line, index }
    };
    Ok(column(rows, header, said.column, file).map(layout))
}

/// The index of the column of the prompts below this header.
pub(super) fn column(rows: &[First], header: usize, column: Option<&str>, file: &str) -> Result<usize, Unfit> {
    let first = &rows[header];
    let line = |what| Unfit::Line { line: first.line, shown: start(&first.cells.join(" ")), what: Box::new(what) };
    if let Some(message) = &first.fault {
        return Err(line(Wrong::Csv { message: message.clone() }));
    }
    let index = find_column(&first.cells, file, column).map_err(Unfit::Column)?;
    if column.is_none() && is_like_a_prompt(&first.cells[0], &rows[header + 1..]) {
        return Err(line(Wrong::File(WrongFile::HeaderIsPrompt { text: start(&first.cells[0]) })));
    }
    Ok(index)
}

/// The way of reading whose rows have the header, and which of them it is.
fn choose(read: &[(u8, Vec<First>)], column: Option<&str>, searched: usize) -> (usize, usize) {
    let mut with_column = None;
    for (at, (_, rows)) in read.iter().enumerate() {
        let Some(header) = column.and_then(|column| find_header(rows, column, searched)) else { continue };
        let width = rows[header].cells.len();
        let better = |(_, before, wide): &(usize, usize, usize)| header < *before || header == *before && width > *wide;
        if with_column.as_ref().is_none_or(better) {
            with_column = Some((at, header, width));
        }
    }
    if let Some((at, header, _)) = with_column {
        return (at, header);
    }
    // The first that separates anything in the first row, or in one that a title stands above.
    let separates = |rows: &[First]| rows.first().is_some_and(|row| row.cells.len() > 1 && row.fault.is_none());
    let whole = |at: usize, header: usize| {
        let rows = &read[at].1;
        rows.len() > header + 1 && rows[header..].iter().all(|row| row.cells.len() == rows[header].cells.len())
    };
    if let Some(at) = read.iter().position(|(_, rows)| separates(rows)) {
        return (at, 0);
    }
    let mut reads = (1..searched.min(4)).flat_map(|header| (0..read.len()).map(move |at| (at, header)));
    let below_a_title = |(at, header): &(usize, usize)| {
        let row = read[*at].1.get(*header).filter(|_| *header > 1 || read[*at].0 == b'\t');
        row.is_some_and(|row| row.cells.len() > 1 && row.fault.is_none()) && whole(*at, *header)
    };
    reads.find(below_a_title).unwrap_or((0, 0))
}

/// The first row that has this cell; those before it are titles, of fewer cells.
pub(super) fn find_header(rows: &[First], column: &str, searched: usize) -> Option<usize> {
    let header = rows.iter().take(searched).position(|row| row.cells.iter().any(|cell| cell == column.trim()))?;
    let cells = |row: &First| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    rows[..header].iter().all(|row| cells(row) < rows[header].cells.len()).then_some(header)
}

fn first_rows(sample: &[u8], is_all: bool, delimiter: u8, lines: usize) -> io::Result<Vec<First>> {
    let mut rows = Rows::new(sample, delimiter, lines);
    let (mut row, mut first) = (Row::default(), Vec::new());
    while first.len() < LOOKED_AT && rows.next(&mut row)? {
        let cells = row.cells().map(|cell| trimmed(&String::from_utf8_lossy(cell)).to_owned()).collect();
        first.push(First { line: row.line, cells, fault: row.fault.take() });
    }
    if !is_all && first.len() < LOOKED_AT {
        first.pop();
    }
    Ok(first)
}

/// Excel's own first line, `sep=;`: what it names, and its length.
fn separator_line(sample: &[u8]) -> Option<(u8, usize)> {
    let line = &sample[..sample.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?];
    let word = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (key, [delimiter, ..]) = word.split_at_checked(4)? else { return None };
    let end = line.len() + if sample[line.len()..].starts_with(b"\r\n") { 2 } else { 1 };
    key.eq_ignore_ascii_case(b"sep=").then_some((*delimiter, end))
}

/// The bytes of so many lines, and how many they are.
fn lines(sample: &[u8], count: usize) -> (usize, usize) {
    let (mut at, mut seen) = (0, 0);
    while seen < count {
        let Some(end) = sample[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return (sample.len(), seen);
        };
        at += end + if sample[at + end..].starts_with(b"\r\n") { 2 } else { 1 };
        seen += 1;
    }
    (at, seen)
}

/// The index of the column to read.
fn find_column(names: &[String], file: &str, column: Option<&str>) -> Result<usize, Wrong> {
    let file = file.to_owned();
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

/// Words of which headers are made.
const HEADER_WORDS: &[&str] = &[
    "prompt",
    "prompts",
    "question",
    "questions",
    "query",
    "queries",
    "keyword",
    "keywords",
    "keyphrase",
    "term",
    "terms",
    "text",
    "input",
    "inputs",
    "phrase",
    "phrases",
    "topic",
    "topics",
    "title",
    "name",
    "content",
    "message",
    "column",
    "frage",
    "fragen",
    "suchbegriff",
    "suchbegriffe",
    "suchanfrage",
    "suchanfragen",
    "anfrage",
    "begriff",
    "schlüsselwort",
    "requête",
    "requêtes",
    "mot-clé",
    "mots-clés",
    "pregunta",
    "preguntas",
    "consulta",
    "consultas",
    "palabra",
    "palavra",
    "pergunta",
    "domanda",
    "domande",
    "parola",
    "zoekwoord",
    "zoekwoorden",
    "vraag",
    "vragen",
    "pytanie",
    "zapytanie",
    "fråga",
    "sökord",
    "キーワード",
    "質問",
    "プロンプト",
    "关键词",
    "关键字",
    "问题",
    "提示词",
    "키워드",
    "질문",
    "запрос",
    "вопрос",
];
/// A header of more words than this is a sentence.
const MOST_HEADER_WORDS: usize = 3;
/// A header without spaces and of none of those words is no longer than this, where a character is a syllable.
const MOST_SYLLABLES: usize = 7;

/// True for a line of words of which headers are made and of nothing else: `prompt`, `id,prompt`, `keyword;volume`.
pub(super) fn is_of_header_words(line: &str) -> bool {
    let lower = line.to_lowercase();
    let cells: Vec<&str> = lower.split([',', ';', '|']).map(str::trim).collect();
    let known = cells.iter().filter(|cell| HEADER_WORDS.contains(cell)).count();
    let is_short = |cell: &&str| !cell.is_empty() && cell.split_whitespace().count() == 1;
    known > 0 && cells.iter().all(is_short)
}

/// True where the one cell of the first row is more like what stands below it than like a header.
fn is_like_a_prompt(header: &str, below: &[First]) -> bool {
    let words = |text: &str| text.split_whitespace().count();
    let lower = header.to_lowercase();
    let parts = || lower.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty());
    let is_known = parts().any(|word| HEADER_WORDS.contains(&word));
    let of_syllables = header.chars().filter(|c| ('\u{e00}'..'\u{fb00}').contains(c)).count();
    let is_sentence = header.contains(['?', '？', '؟', '。']) || header.ends_with(['.', '!', '！']);
    if is_sentence || words(header) > MOST_HEADER_WORDS || header.chars().count() > 60 {
        return true;
    }
    if is_known || header.is_empty() {
        return false;
    }
    let of_one_word = below.iter().filter(|row| row.cells.first().is_some_and(|cell| words(cell) == 1)).count();
    words(header) > 1 || of_syllables > MOST_SYLLABLES || of_one_word * 2 > below.len()
}
