//! Numbers -> tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::out::{grouped, lines};
use crate::money::Money;
use crate::plan::{Room, Share};

/// A table without lines; the columns named in `right` hold numbers.
pub(super) fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header.to_vec());
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Its text, without what moves a cursor and without blanks at line ends.
pub(super) fn text(table: &Table) -> String {
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
        row.extend([grouped(share.funded), share.funded_cost.to_string(), grouped(share.left_out())]);
        table.add_row(row);
    }
    text(&table)
}

/// What caps leave.
pub(super) fn rooms(rooms: &[Room]) -> String {
    let mut table = table(&["cap", "limit", "left"], &[1, 2]);
    for room in rooms {
        table.add_row([room.name.clone(), room.limit.to_string(), room.left.to_string()]);
    }
    text(&table)
}

/// An amount, or that there is none.
pub(super) fn limit(limit: Option<Money>) -> String {
    limit.map_or_else(|| "no cap".to_owned(), |limit| limit.to_string())
}
