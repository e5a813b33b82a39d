//! Opens the file that a prompt set names and reads its prompts, once it is known to be a prompt file.

use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

use super::header::{self, Said, Unfit};
use super::notation::{Kind, Notation, Recognised};
use super::rows::{Lines, Row, Rows};
use super::source::Origin;
use super::stream::{Each, Files, Item, Unusable, item, prompt, shown, trimmed};
use super::{decode, impostor, jsonl, sheet};
use crate::problem::{Wrong, WrongFile};

/// As much of a text as is looked at to tell its layout.
const SAMPLE: u64 = 64 * 1024;

/// Reads everything that an origin holds, until `each` breaks off; says how a file was read, where it could be.
pub(super) fn read(origin: &Origin, files: &dyn Files, each: Each<'_>) -> Result<Option<Recognised>, Unusable> {
    match origin {
        Origin::Inline(texts) => {
            for (index, text) in texts.iter().enumerate() {
                let line = index + 1;
                let item = match trimmed(text) {
                    text if impostor::is_blank(text) => {
                        Item::Bad { line, shown: String::new(), what: Wrong::EmptyPrompt }
                    }
                    text => prompt(line, text),
                };
                if each(item).is_break() {
                    break;
                }
            }
            Ok(None)
        }
        Origin::File { path, notation } => read_file(path, notation, files, each),
    }
}

/// A text file that has been looked at.
struct Sampled {
    sample: Vec<u8>,
    is_all: bool,
    rest: Box<dyn BufRead>,
    /// What is wrong with a line that cannot be decoded.
    undecodable: Wrong,
}

fn read_file(
    path: &Path,
    notation: &Notation,
    files: &dyn Files,
    each: Each<'_>,
) -> Result<Option<Recognised>, Unusable> {
    let mut file = files.open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let start = file.fill_buf()?.to_vec();
    let mut recognised = Recognised::new(path, notation.kind);
    if notation.kind == Kind::Sheet && start.starts_with(b"PK") {
        sheet::read(file, notation, &name, &mut recognised, each)?;
        return Ok(Some(recognised));
    }
    let no_sheet = || (notation.kind == Kind::Sheet && !start.is_empty()).then(impostor::no_workbook);
    if let Some(what) = impostor::by_bytes(&start).or_else(no_sheet) {
        let _ = each(Item::Bad { line: 1, shown: shown(&start), what: Wrong::File(what) });
        return Ok(None);
    }
    let mut text = decode::open(file, notation.encoding, &name)?
        .map_err(|wrong| Unusable::Said("encoding", Wrong::File(wrong)))?;
    let mut sample = Vec::new();
    text.input.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
    if let Some(what) = impostor::by_text(&sample, notation.kind == Kind::JsonLines) {
        let _ = each(Item::Bad { line: 1, shown: shown(&sample), what: Wrong::File(what) });
        return Ok(None);
    }
    let encoding = text.encoding.name();
    let undecodable = match encoding {
        "UTF-8" => Wrong::NotUtf8,
        encoding => Wrong::File(WrongFile::NotDecodable { encoding }),
    };
    let is_all = text.input.fill_buf()?.is_empty();
    let sampled = Sampled { sample, is_all, rest: text.input, undecodable };
    recognised.encoding = Some(encoding);
    recognised.marked = text.marked;
    match notation.kind {
        Kind::Text => read_lines(sampled, notation.skip_lines.unwrap_or(0), &mut recognised, each)?,
        Kind::Table => read_table(sampled, notation, &name, &mut recognised, each)?,
        Kind::JsonLines => {
            let (text, column) = (Cursor::new(sampled.sample).chain(sampled.rest), notation.column.as_deref());
            jsonl::read(text, column, &sampled.undecodable, &mut recognised, each)?;
        }
        Kind::Sheet => {}
    }
    Ok(Some(recognised))
}

fn read_lines(text: Sampled, skip: usize, recognised: &mut Recognised, each: Each<'_>) -> Result<(), Unusable> {
    if let Some(line) = table_in(&text.sample) {
        let cure = "say the `column` of its prompts, or keep one prompt a line without tabs";
        let what = Wrong::File(WrongFile::NotPrompts { what: "a table with tabs", cure });
        let _ = each(Item::Bad { line: 1, shown: shown(line), what });
        return Ok(());
    }
    let mut lines = Lines::new(Cursor::new(text.sample).chain(text.rest));
    let mut bytes = Vec::new();
    while lines.next(&mut bytes)? {
        if lines.line <= skip {
            recognised.skipped_lines = lines.line;
            continue;
        }
        let item = item(lines.line, &bytes, &text.undecodable);
        if matches!(item, Item::EmptyCell) {
            continue;
        }
        if each(item).is_break() {
            break;
        }
    }
    Ok(())
}

/// The first line of a text whose lines have tabs inside them, and all equally many.
fn table_in(sample: &[u8]) -> Option<&[u8]> {
    let mut lines = sample.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let tabs = |line: &[u8]| line.trim_ascii().split(|byte| *byte == b'\t').count() - 1;
    let first = lines.next()?;
    let second = lines.next()?;
    (tabs(first) > 0 && tabs(first) == tabs(second) && lines.take(8).all(|line| tabs(line) <= tabs(first)))
        .then_some(first)
}

fn read_table(
    text: Sampled,
    notation: &Notation,
    name: &str,
    recognised: &mut Recognised,
    each: Each<'_>,
) -> Result<(), Unusable> {
    let said = Said {
        column: notation.column.as_deref(),
        delimiter: notation.delimiter,
        skip_lines: notation.skip_lines,
        tabs: notation.tabs,
    };
    let layout = match header::of_text(&text.sample, text.is_all, &said, name)? {
        Ok(layout) => layout,
        Err(Unfit::Empty) => return Ok(()),
        Err(Unfit::Column(wrong)) => return Err(Unusable::Said("column", wrong)),
        Err(Unfit::Line { line, shown, what }) => {
            let _ = each(Item::Bad { line, shown, what: *what });
            return Ok(());
        }
    };
    let (begins, before) = layout.begins;
    let mut input = Cursor::new(text.sample).chain(text.rest);
    io::copy(&mut input.by_ref().take(begins as u64), &mut io::sink())?;
    let mut rows = Rows::new(input, layout.delimiter, before);
    let mut row = Row::default();
    while rows.next(&mut row)? && row.line < layout.line {}
    let width = row.width();
    while rows.next(&mut row)? {
        let bad = |what| {
            let shown = shown(&row.cells().collect::<Vec<_>>().join(&layout.delimiter));
            Item::Bad { line: row.line, shown, what }
        };
        let item = if row.cells().any(|cell| str::from_utf8(cell).is_err()) {
            bad(text.undecodable.clone())
        } else if let Some(message) = row.fault.clone() {
            bad(Wrong::Csv { message })
        } else if row.width() == width {
            item(row.line, row.cell(layout.index), &text.undecodable)
        } else {
            let (found, delimiter) = (row.width(), Recognised::shown(layout.delimiter));
            let message = format!(
                "the number of cells in this row is {found}, in the header {width}; they are separated by {delimiter}"
            );
            bad(Wrong::Csv { message })
        };
        if each(item).is_break() {
            break;
        }
    }
    recognised.delimiter = (width > 1).then_some(layout.delimiter);
    recognised.skipped_lines = layout.line - 1;
    recognised.column = Some(layout.header[layout.index].clone());
    recognised.header = layout.header;
    Ok(())
}

#[cfg(test)]
mod tests;
