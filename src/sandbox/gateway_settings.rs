//! How the simulated gateway behaves: what its pages leave open, each as a field.

use std::collections::BTreeSet;

use super::route::Call;
use crate::product::named;

named! {
    /// What the gateway's customer has subscribed to.
    Tier {
        /// 60 requests a minute, 5 at once.
        Free = "free",
        /// 600 requests a minute, 20 at once.
        Starter = "starter",
        /// 3,000 requests a minute, 50 at once.
        Growth = "growth",
    }
}

/// How the gateway behaves.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The key that lets in, as a Bearer token.
    pub key: String,
    /// Requests a minute. Default: the free tier's 60; another page says 100 for everyone.
    pub requests_per_minute: u32,
    /// Requests at once. Default: the free tier's 5.
    pub at_once: usize,
    /// Kinds of call that it passes on although none of its pages shows them: `tasks_ready`, `task_get`, models and
    /// places, and endpoints of engines that it shows for others. Default: none, so that they are 404. The lists of a
    /// whole account are never passed on.
    pub also: BTreeSet<Call>,
    /// A body that is one object instead of an array is taken, as one of its pages draws it. Default: no.
    pub takes_objects: bool,
    /// `error` is a text beside a `message`, as some of its users saw, instead of an object. Default: no.
    pub plain_errors: bool,
}

impl Gateway {
    /// The limits of a tier, and else as usual.
    pub fn tier(tier: Tier) -> Self {
        let (requests_per_minute, at_once) = match tier {
            Tier::Free => (60, 5),
            Tier::Starter => (600, 20),
            Tier::Growth => (3_000, 50),
        };
        Self {
            key: "sandbox-key".to_owned(),
            requests_per_minute,
            at_once,
            also: BTreeSet::new(),
            takes_objects: false,
            plain_errors: false,
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self::tier(Tier::Free)
    }
}
