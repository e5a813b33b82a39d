//! The small numbers that identify rows of the ledger, one type each, so that none is mistaken for another.

/// A row number with its own type.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// A way to the provider, with its limits and caps.
    AccountId,
    /// A job file, identified by its name.
    JobId,
    /// A job in a period.
    RunId,
    /// One question in one run, with a repeat number.
    TaskId,
    /// One POST.
    BatchId,
    /// One purchase of one task.
    AttemptId,
    /// A target: engine, function, model, options.
    TargetId,
    /// A place and a language.
    MarketId,
    /// A prompt set of a run.
    SetId,
}
