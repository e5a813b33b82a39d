//! The figures of `docs/performance.md`, each with its control beside it.
//!
//! `cargo bench --bench figures` measures all of them; `-- plan`, `bytes`, `buy` or `restart` one of them; `--small`
//! runs everything in seconds, to see that it works. Whatever is measured for its memory or from its first moment
//! runs in a process of its own: this program, which is given the part. No figure decides whether anything passes.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

mod buy;
mod bytes;
mod part;
mod plan;
mod restart;
mod table;
mod world;

use anyhow::{Result, bail};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Prompts of the large job; each is asked in every market.
    prompts: usize,
    /// Prompts of the job that is bought.
    bought: usize,
    /// Times that everything is measured.
    rounds: usize,
}

/// Every question is put in so many markets.
const MARKETS: usize = 100;
const WHOLE: Scale = Scale { prompts: 10_000, bought: 1_000, rounds: 5 };
const SMALL: Scale = Scale { prompts: 100, bought: 20, rounds: 1 };

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some((first, rest)) = words.split_first()
        && first == "part"
    {
        return part::run(rest);
    }
    let mut scale = WHOLE;
    let mut figures = Vec::new();
    for word in &words {
        match word.as_str() {
            "--small" => scale = SMALL,
            "plan" | "bytes" | "buy" | "restart" => figures.push(word.as_str()),
            _ => bail!("`{word}`: there are plan, bytes, buy, restart, and --small"),
        }
    }
    let wanted = |figure| figures.is_empty() || figures.contains(&figure);
    if wanted("plan") {
        plan::measure(scale)?;
    }
    if wanted("bytes") {
        bytes::measure(scale)?;
    }
    if wanted("buy") {
        buy::measure(scale)?;
    }
    if wanted("restart") {
        restart::measure(scale)?;
    }
    Ok(())
}
