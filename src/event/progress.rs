//! How far a session has come: counts, from which a watcher draws bars and estimates the time to come.

use crate::money::Money;

/// The progress of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tasks bought in this session.
    pub bought: u64,
    /// Tasks answered in this session.
    pub answered: u64,
    /// Tasks failed in this session.
    pub failed: u64,
    /// Tasks bought whose answers are outstanding.
    pub waiting: u64,
    /// Tasks in doubt.
    pub in_doubt: u64,
    /// Money charged in this session.
    pub charged: Money,
    /// Calls in flight.
    pub in_flight: u32,
    /// Tasks that this session leaves unbought for their price, too many tries, or because nothing is sold of their kind.
    pub given_up: u64,
    /// Something may still be bought.
    pub buying: bool,
}
