//! The bytes of a task and its purchase on the disk, without answers.

use std::sync::Arc;

use anyhow::{Result, ensure};
use rusqlite::Connection;

use crate::buy::{Keeping, buy};
use crate::table::{heading, line};
use crate::world::{World, folder};
use crate::{MARKETS, Scale};

/// What a ledger takes before anything is planned.
const EMPTY: &str = "an empty ledger";

pub(crate) fn measure(scale: Scale) -> Result<()> {
    let folder = folder()?;
    let world = World::at(folder.path());
    world.write_prompts(scale.bought)?;
    drop(world.open()?);
    let empty = std::fs::metadata(world.ledger_path())?.len();
    let tasks = (scale.bought * MARKETS) as u64;
    buy(&world, Arc::new(Keeping::new(&world)))?;
    let size = std::fs::metadata(world.ledger_path())?.len();
    let db = Connection::open(world.ledger_path())?;
    let accepted: u64 = db.query_row("SELECT count(*) FROM attempt WHERE state = 1", [], |row| row.get(0))?;
    ensure!(accepted == tasks, "{accepted} of {tasks} tasks were accepted");
    heading(&format!("Ledger: {tasks} tasks planned, reserved and accepted, no answers"));
    line("bytes a task and its purchase", &(size / tasks).to_string());
    let mut statement = db.prepare(
        "SELECT name, sum(pgsize), sum(unused) FROM dbstat GROUP BY name HAVING sum(pgsize) > 4096 ORDER BY 2 DESC",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, bytes, unused): (String, u64, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let tenths = bytes * 10 / tasks;
        let free = unused * 100 / bytes.max(1);
        line(&format!("  {name}"), &format!("{:>4}.{}  ({free} % of its pages free)", tenths / 10, tenths % 10));
    }
    line(EMPTY, &format!("{empty} bytes"));
    Ok(())
}
