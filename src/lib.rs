//! bursar buys answers of AI engines in batches, within a budget, and accounts for every dollar.
//!
//! The way of a prompt and of a dollar: a job file becomes a checked [`job`], its questions become [`task`]s, a plan
//! orders and prices them. The engine reserves a batch in the ledger, posts it once, charges what the provider
//! accepted, collects the answers and stores them. A purchase whose outcome is unknown stays in doubt until the
//! provider's own list settles it. Modules are declared in the order in which data flows: each uses its own group and
//! those above. `docs/glossary.md` explains the terms.
#![forbid(unsafe_code)]

// Facts: values and pure functions; no I/O, no async, no clock.
pub mod rule;
pub mod money;
mod hash;
mod text;
mod near;
mod magic;
pub mod product;
pub mod oddity;
pub mod market;
// The rules of time zones are data: what comes with bursar, or the machine's own where that is newer.
pub mod zone;
pub mod period;
pub mod problem;
pub mod catalogue;
pub mod model;
mod page;
pub mod config;
pub mod job;
pub mod ids;
pub mod task;
pub mod attempt;
pub mod tag;
pub mod retry;
pub mod price;
pub mod plan;
pub mod event;

// Edges: each touches one thing outside.
pub mod clock;
pub mod pace;
pub mod provider;
pub mod ledger;

// The engine: where the edges meet.
pub mod engine;

// Shell.
pub mod sandbox;
pub mod report;
pub mod cli;
