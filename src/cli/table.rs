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

/// Parts of a plan.
pub(super) fn shares(what: &str, shares: &[(String, Share)]) -> String {
    let mut table = table(&[what, "tasks", "cost", "bought", "for", "left out"], &[1, 2, 3, 4, 5]);
    for (name, share) in shares {
        table.add_row([
            name.clone(),
            grouped(share.tasks),
            share.cost.to_string(),
            grouped(share.funded),
            share.funded_cost.to_string(),
            grouped(share.tasks - share.funded),
        ]);
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
