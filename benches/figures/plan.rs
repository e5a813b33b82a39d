//! Planning a job of a million tasks: computed, and written into a fresh ledger.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bursar::engine::own_headroom;
use bursar::plan::{BuyingOrder, plan, worst_cases};
use rusqlite::Connection;

use crate::part::{measured, report, report_memory, report_time};
use crate::table::{Rounds, heading, line};
use crate::world::{World, folder};
use crate::{MARKETS, Scale};

/// A task as the ledger has it, without what it is checked against and found by.
const BARE: &str =
    "CREATE TABLE task (id INTEGER PRIMARY KEY, run INTEGER, prompt INTEGER, market INTEGER, target INTEGER,
                        repeat INTEGER, prompt_set INTEGER, service INTEGER, position INTEGER, state INTEGER,
                        reason INTEGER, asked INTEGER, attempt INTEGER)";

pub(crate) fn measure(scale: Scale) -> Result<()> {
    let mut rounds = Rounds::default();
    for _ in 0..scale.rounds {
        for part in ["job", "plan", "prepare", "bare-rows", "append"] {
            let folder = folder()?;
            let path = folder.path().to_str().context("a folder without a name")?;
            rounds.add_all(part, &measured(&[part, path, &scale.prompts.to_string()])?);
        }
    }
    heading(&format!("Plan: {} tasks ({} prompts in {MARKETS} markets)", scale.prompts * MARKETS, scale.prompts));
    rounds.time("the job file checked", "job time");
    rounds.time("plan(): every task ordered, priced and summed", "plan time");
    rounds.time("engine::prepare: the same, and the rows in a fresh ledger", "prepare time");
    rounds.time("control: the same rows into a bare table, one commit", "bare-rows time");
    rounds.time("control: 100 bytes a task appended to a file in pages, one fsync", "append time");
    rounds.ratio("engine::prepare over the bare table", "prepare time", "bare-rows time");
    rounds.size("memory at its highest, job checked", "job memory");
    rounds.size("memory at its highest, plan()", "plan memory");
    rounds.size("memory at its highest, engine::prepare", "prepare memory");
    rounds.size("control: memory at its highest, bare table", "bare-rows memory");
    rounds.size("size of the ledger", "prepare bytes");
    rounds.size("size of the bare table", "bare-rows bytes");
    line("bytes a planned task", &(rounds.median("prepare bytes") / (scale.prompts * MARKETS) as u64).to_string());
    Ok(())
}

/// One of the measured parts, in a process of its own.
pub(crate) fn part(name: &str, folder: &Path, prompts: usize) -> Result<()> {
    let world = World::at(folder);
    world.write_prompts(prompts)?;
    let begun = world.clock.now().mono;
    let spent = || world.clock.now().mono.saturating_sub(begun);
    match name {
        "job" => drop(world.job()?),
        "plan" => {
            let job = world.job()?;
            let begun = world.clock.now().mono;
            let planned = plan(&job, &world.prices, &[own_headroom(&job)])?;
            report_time("time", world.clock.now().mono.saturating_sub(begun));
            report("tasks", planned.total.allocated);
            report_memory();
            return Ok(());
        }
        "prepare" => {
            let (job, mut ledger) = (world.job()?, world.open()?);
            let begun = world.clock.now().mono;
            world.prepare(&mut ledger, &job)?;
            report_time("time", world.clock.now().mono.saturating_sub(begun));
            report_memory();
            ledger.tidy();
            report("bytes", std::fs::metadata(world.ledger_path())?.len());
            return Ok(());
        }
        "bare-rows" => return bare_rows(&world),
        "append" => return append(&world, prompts),
        _ => bail!("no such part"),
    }
    report_time("time", spent());
    report_memory();
    Ok(())
}

fn bare_rows(world: &World) -> Result<()> {
    let job = world.job()?;
    let worst_case = worst_cases(&job, &world.prices)?;
    let path = world.folder.join("bare.db");
    let mut db = Connection::open(&path)?;
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;")?;
    db.execute_batch(BARE)?;
    let begun = world.clock.now().mono;
    let write = db.transaction()?;
    {
        let mut insert =
            write.prepare("INSERT INTO task VALUES (NULL, 1, ?1, ?2, ?3, ?4, 1, 0, ?5, 0, NULL, 1, NULL)")?;
        for (position, step) in (1_i64..).zip(BuyingOrder::new(&job, &worst_case)) {
            insert.execute((
                step.prompt + 1,
                step.market.map_or(0, |market| market + 1),
                step.target + 1,
                step.repeat,
                position,
            ))?;
        }
    }
    write.commit()?;
    report_time("time", world.clock.now().mono.saturating_sub(begun));
    report_memory();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    report("bytes", std::fs::metadata(&path)?.len());
    Ok(())
}

/// More bytes than the ledger of such a plan has, page by page.
fn append(world: &World, prompts: usize) -> Result<()> {
    const PAGE: usize = 4096;
    const BYTES_A_TASK: usize = 100;
    let page = [7_u8; PAGE];
    let begun = world.clock.now().mono;
    let mut file = std::fs::File::create(world.folder.join("pages"))?;
    for _ in 0..(prompts * MARKETS * BYTES_A_TASK).div_ceil(PAGE) {
        file.write_all(&page)?;
    }
    file.sync_all()?;
    report_time("time", world.clock.now().mono.saturating_sub(begun));
    Ok(())
}
