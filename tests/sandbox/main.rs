//! The contract of the simulated provider: in virtual time through `handle`, and twice over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod answers;
mod books;
mod fault_file;
mod faults;
mod lists;
mod gateway;
mod live;
mod posting;
mod responses;
mod responses_form;
mod shapes;
mod wire;
mod world;
