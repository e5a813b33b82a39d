//! Prompts in a sheet of an Excel workbook, read cell by cell.

use std::io::{BufRead, Cursor, Read, Seek};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};

use super::header::{self, First, Unfit};
use super::notation::{Notation, Recognised};
use super::stream::{Each, Item, Unusable, item, start};
use crate::problem::{Wrong, WrongFile};

/// Rows among which the header is looked for.
const MOST_BEFORE: usize = 20;
/// Columns of a sheet, by Excel.
const MOST_COLUMNS: usize = 16_384;

/// What a cell holds.
#[derive(Clone, Debug, Default)]
enum Cell {
    #[default]
    Empty,
    Text(String),
    /// Something that is shown otherwise than it is kept.
    Other(&'static str),
}

struct Row {
    line: usize,
    cells: Vec<Cell>,
}

impl Row {
    fn first(&self) -> First {
        let text = |cell: &Cell| match cell {
            Cell::Text(text) => text.trim().to_owned(),
            Cell::Empty | Cell::Other(_) => String::new(),
        };
        First { line: self.line, cells: self.cells.iter().map(text).collect(), fault: None }
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !matches!(cell, Cell::Empty)).count()
    }
}

/// A sheet on its way to rows.
struct Rows<'w, R: Read + Seek> {
    cells: XlsxCellReader<'w, R>,
    ahead: Option<(usize, usize, Cell)>,
    /// The reader fails when it is asked again behind its end.
    is_over: bool,
}

impl<R: Read + Seek> Rows<'_, R> {
    fn cell(&mut self) -> Result<Option<(usize, usize, Cell)>, XlsxError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while !self.is_over {
            let Some(cell) = self.cells.next_cell()? else {
                self.is_over = true;
                break;
            };
            let (row, column) = cell.get_position();
            let (row, column) = (row as usize + 1, column as usize);
            match kept(cell.get_value()) {
                Cell::Empty => {}
                found if column < MOST_COLUMNS => return Ok(Some((row, column, found))),
                Cell::Text(_) | Cell::Other(_) => {}
            }
        }
        Ok(None)
    }

    /// The next row that has anything in it.
    fn next(&mut self) -> Result<Option<Row>, XlsxError> {
        let Some((line, column, cell)) = self.cell()? else { return Ok(None) };
        let mut cells = vec![Cell::Empty; column];
        cells.push(cell);
        while let Some((row, column, cell)) = self.cell()? {
            if row != line {
                self.ahead = Some((row, column, cell));
                break;
            }
            cells.resize(cells.len().max(column + 1), Cell::Empty);
            cells[column] = cell;
        }
        while matches!(cells.last(), Some(Cell::Empty)) {
            cells.pop();
        }
        Ok(Some(Row { line, cells }))
    }
}

/// Text, and whole numbers, which a person who wrote `365` into a sheet sees as that.
fn kept(value: &DataRef<'_>) -> Cell {
    let number = |shown: String| {
        let is_whole = shown.len() <= 15 && shown.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if is_whole { Cell::Text(shown) } else { Cell::Other("a number with decimals") }
    };
    match value {
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Int(whole) => number(whole.to_string()),
        DataRef::Float(float) => number(float.to_string()),
        DataRef::Bool(_) => Cell::Other("true or false"),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Cell::Other("a date or a time"),
        DataRef::Error(_) => Cell::Other("an error of a formula"),
        DataRef::Empty => Cell::Empty,
    }
}

/// Reads the prompts of the sheet that the job file says, or of the only one.
pub(super) fn read(
    mut file: Box<dyn BufRead>,
    notation: &Notation,
    name: &str,
    recognised: &mut Recognised,
    each: Each<'_>,
) -> Result<(), Unusable> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let sheet =
        choose(&workbook, notation.sheet.as_deref(), name).map_err(|(key, wrong)| Unusable::Said(key, wrong))?;
    let mut rows =
        Rows { cells: workbook.worksheet_cells_reader(&sheet).map_err(unreadable)?, ahead: None, is_over: false };
    let mut read = Vec::new();
    let skip = notation.skip_lines;
    while read.len() < 2 * MOST_BEFORE {
        let Some(row) = rows.next().map_err(unreadable)? else { break };
        if row.line > skip.unwrap_or(0) {
            read.push(row);
        }
    }
    let first: Vec<First> = read.iter().map(Row::first).collect();
    let searched = if skip.is_some() { 1 } else { MOST_BEFORE };
    let named = notation.column.as_deref().map(|column| header::find_header(&first, column, searched).unwrap_or(0));
    let widest = || {
        let most = read.iter().map(Row::filled).max().unwrap_or(0);
        let is_title = read.first().is_some_and(|row| row.filled() == 1) && most > 1;
        if is_title { read.iter().position(|row| row.filled() == most).unwrap_or(0) } else { 0 }
    };
    let at = named.unwrap_or_else(widest);
    if read.is_empty() {
        return Ok(());
    }
    let index = match header::column(&first, at, notation.column.as_deref(), name) {
        Ok(index) => index,
        Err(Unfit::Empty) => return Ok(()),
        Err(Unfit::Column(wrong)) => return Err(Unusable::Said("column", wrong)),
        Err(Unfit::Line { line, shown, what }) => {
            let _ = each(Item::Bad { line, shown, what: *what });
            return Ok(());
        }
    };
    recognised.sheet = Some(sheet.clone());
    recognised.skipped_lines = first[at].line - 1;
    recognised.column = Some(first[at].cells[index].clone());
    recognised.header.clone_from(&first[at].cells);
    let mut rest = read.into_iter().skip(at + 1);
    loop {
        let row = match rest.next() {
            Some(row) => row,
            None => match rows.next().map_err(unreadable)? {
                Some(row) => row,
                None => return Ok(()),
            },
        };
        let item = match row.cells.get(index).unwrap_or(&Cell::Empty) {
            Cell::Empty => Item::EmptyCell,
            Cell::Text(text) => item(row.line, text.as_bytes(), &Wrong::NotUtf8),
            Cell::Other(found) => {
                let shown = start(&row.first().cells.join(" "));
                Item::Bad { line: row.line, shown, what: Wrong::File(WrongFile::CellNotText { found }) }
            }
        };
        if each(item).is_break() {
            return Ok(());
        }
    }
}

/// The sheet to read: hidden ones are read only where they are named.
fn choose<R: Read + Seek>(workbook: &Xlsx<R>, said: Option<&str>, file: &str) -> Result<String, (&'static str, Wrong)> {
    let sheets: Vec<_> = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let file = file.to_owned();
    let list = || sheets.iter().map(|sheet| format!("`{}`", start(&sheet.name))).collect::<Vec<_>>().join(", ");
    if let Some(said) = said {
        let found = sheets.iter().find(|sheet| sheet.name.trim() == said.trim()).map(|sheet| sheet.name.clone());
        let wrong = || Wrong::File(WrongFile::UnknownSheet { file, sheet: said.to_owned(), sheets: list() });
        return found.ok_or_else(|| ("sheet", wrong()));
    }
    let mut visible = sheets.iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    match (visible.next(), visible.next()) {
        (Some(only), None) => Ok(only.name.clone()),
        _ => Err(("sheet", Wrong::File(WrongFile::SheetMissing { file, sheets: list() }))),
    }
}

fn unreadable(error: XlsxError) -> Unusable {
    Unusable::Io(std::io::Error::other(error))
}
