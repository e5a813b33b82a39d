//! The command line as people and scripts meet it: its output and its exit codes.
//!
//! The pages of this folder and the README's sessions are run as they are. The other tests run the binary against a
//! simulated provider of their own, which answers at once.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod around;
mod catalogues;
mod clocks;
mod diagnostics;
mod doctor;
mod endings;
mod exports;
mod gateway;
#[cfg(unix)]
mod hazards;
mod pages;
mod plans;
mod probe;
mod reasons;
mod refused;
mod runs;
mod sandboxed;
mod second;
mod statuses;
mod told;
mod warned;
mod world;
