//! The contract of the simulated vendor, in virtual time through `handle`, and twice over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests unwrap in their helpers too")]

mod answers;
mod books;
mod fault_file;
mod faults;
mod lists;
mod posting;
mod wire;
mod world;
