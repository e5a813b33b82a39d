//! `bursar audit`: do the books agree with themselves?

use serde_json::{Map, Value, json};

use super::args::SandboxedArgs;
use super::out::{self, Out, count, grouped};
use super::{Common, Exit, sandboxed};
use crate::ledger::{Audit, Ledger, Reports};

pub(super) fn audit(args: &SandboxedArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let (ledger, _, _) = sandboxed::to_read(None, common, args.sandbox)?;
    let audit = ledger.audit()?;
    if out.json {
        out::document(&facts(&audit, &ledger))?;
    } else if !out.quiet {
        out::data(&text(&audit, &ledger))?;
    }
    if audit.problems.is_empty() {
        return Ok(Exit::Complete);
    }
    if !out.json {
        for problem in &audit.problems {
            out.must(&format!("wrong: {problem}"));
        }
        out.must(&format!(
            "{}: do not buy with this ledger; keep a copy of it, and compare what it says with the provider's bill",
            count(audit.problems.len() as u64, "problem")
        ));
    }
    Ok(Exit::Disagrees)
}

fn text(audit: &Audit, ledger: &Ledger) -> String {
    let tasks: Vec<String> =
        audit.tasks.iter().map(|count| format!("{} {}", grouped(count.tasks), count.state)).collect();
    let mut lines = vec![
        format!("ledger   {} ({} money)", ledger.path().display(), ledger.kind().name()),
        format!("spent    {} for {}", audit.charged, count(audit.batches, "batch")),
        format!("held     {}", audit.held),
        format!("tasks    {}", tasks.join(", ")),
        format!("in doubt {}", count(audit.in_doubt, "task")),
    ];
    if !audit.overrun.is_zero() {
        lines.push(format!("overrun  {} was charged beyond what was held", audit.overrun));
    }
    if audit.extra_charges > 0 {
        lines.push(format!(
            "extra    {} for {} that belong to no task: ask the provider for a refund",
            audit.extra,
            count(audit.extra_charges, "purchase")
        ));
    }
    if audit.problems.is_empty() {
        lines.push("the books agree".to_owned());
    }
    out::lines(&lines.join("\n")) + "\n"
}

fn facts(audit: &Audit, ledger: &Ledger) -> Value {
    let mut facts = Map::new();
    facts.insert("schema".into(), "bursar.audit/1".into());
    facts.insert("ledger".into(), ledger.path().display().to_string().into());
    facts.insert("kind".into(), ledger.kind().name().into());
    out::money(&mut facts, "charged", audit.charged);
    out::money(&mut facts, "held", audit.held);
    out::money(&mut facts, "overrun", audit.overrun);
    out::money(&mut facts, "extra", audit.extra);
    let tasks: Map<String, Value> =
        audit.tasks.iter().map(|count| (count.state.clone(), Value::from(count.tasks))).collect();
    facts.insert("tasks".into(), Value::Object(tasks));
    facts.insert("batches".into(), audit.batches.into());
    facts.insert("in_doubt".into(), audit.in_doubt.into());
    facts.insert("extra_charges".into(), audit.extra_charges.into());
    facts.insert("problems".into(), json!(audit.problems));
    Value::Object(facts)
}
