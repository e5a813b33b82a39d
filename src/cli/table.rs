//! Numbers as tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::out::{grouped, lines};
use crate::money::Money;
use crate::plan::{Headroom, Share};

/// A table without lines.
pub(super) struct Columns {
    header: Vec<String>,
    /// Columns of numbers, by their place.
    right: Vec<usize>,
    rows: Vec<Vec<String>>,
}

/// A table without lines; the columns named in `right` hold numbers.
pub(super) fn table(header: &[&str], right: &[usize]) -> Columns {
    let header = header.iter().map(|&head| head.to_owned()).collect();
    Columns { header, right: right.to_vec(), rows: Vec::new() }
}

impl Columns {
    /// A row, which may end early.
    pub(super) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// Amounts with as many decimals as the one that has most, so that digits of a column stand under each other. What is no
/// amount stays as it is.
pub(super) fn aligned<'c>(cells: impl Iterator<Item = &'c mut String> + 'c) {
    let decimals = |cell: &str| {
        let (whole, decimals) = cell.trim_start_matches('-').trim_start_matches('$').split_once('.')?;
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_digits(whole) && is_digits(decimals)).then_some(decimals.len())
    };
    let mut amounts: Vec<(usize, &mut String)> = cells.filter_map(|cell| Some((decimals(cell)?, cell))).collect();
    let most = amounts.iter().map(|(decimals, _)| *decimals).max().unwrap_or_default();
    for (decimals, cell) in &mut amounts {
        cell.push_str(&"0".repeat(most - *decimals));
    }
}

/// Its text, without what moves a cursor and without blanks at line ends.
pub(super) fn text(columns: &Columns) -> String {
    let mut rows = columns.rows.clone();
    for at in &columns.right {
        aligned(rows.iter_mut().filter_map(|row| row.get_mut(*at)));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(&columns.header);
    table.add_rows(rows);
    for at in &columns.right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = lines(&table.to_string());
    let mut trimmed = String::with_capacity(text.len());
    for line in text.lines() {
        trimmed.push_str(line.trim_end());
        trimmed.push('\n');
    }
    trimmed
}

/// Parts of a plan. Columns of what was tried before stand there where something was.
pub(super) fn shares(what: &str, shares: &[(String, Share)]) -> String {
    type Column = (&'static str, fn(&Share) -> u64);
    const TRIED: [Column; 3] =
        [("bought", |share| share.bought), ("in doubt", |share| share.in_doubt), ("refused", |share| share.refused)];
    let tried: Vec<&Column> = TRIED.iter().filter(|(_, of)| shares.iter().any(|(_, share)| of(share) > 0)).collect();
    let mut header = vec![what, "tasks", "all cost"];
    header.extend(tried.iter().map(|(name, _)| *name));
    header.extend(["to buy", "cost", "left out"]);
    let mut table = table(&header, &(1..header.len()).collect::<Vec<_>>());
    for (name, share) in shares {
        let mut row = vec![name.clone(), grouped(share.tasks), share.cost.to_string()];
        row.extend(tried.iter().map(|(_, of)| grouped(of(share))));
        row.extend([grouped(share.allocated), share.allocated_cost.to_string(), grouped(share.left_out())]);
        table.add_row(row);
    }
    text(&table)
}

/// What caps leave.
pub(super) fn headrooms(headrooms: &[Headroom]) -> String {
    let mut table = table(&["cap", "limit", "left"], &[1, 2]);
    for headroom in headrooms {
        table.add_row([headroom.name.clone(), headroom.limit.to_string(), headroom.left.to_string()]);
    }
    text(&table)
}

/// An amount, or that there is none.
pub(super) fn limit(limit: Option<Money>) -> String {
    limit.map_or_else(|| "no cap".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_a_column_have_as_many_decimals() {
        let mut table = table(&["total", "spent", "asked"], &[1, 2]);
        for (name, spent) in [("a", "$3.102"), ("b", "$9.52"), ("c", "-$249.9996"), ("d", "no cap")] {
            table.add_row([name, spent, "1,204"].map(str::to_owned));
        }
        assert_eq!(
            text(&table),
            " total       spent  asked\n a         $3.1020  1,204\n b         $9.5200  1,204\n c      -$249.9996  1,204\n \
             d          no cap  1,204\n"
        );
    }
}
