//! The rules of the protocol, by name: what is always done, and what would happen otherwise.
//!
//! The code asks for each rule where it is kept. In every build that is shipped the answer is a constant, and nothing
//! of the question remains. The feature `mutants`, for tests alone, leaves out one rule at a time on one thread:
//! `tests/mutants` shows that a named test fails without it.

/// Declares the rules, and lists them all.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident,)+) => {
        /// A rule of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// All of them, in the order of the protocol.
            pub const ALL: &[Self] = &[$(Self::$rule),+];
        }
    };
}

rules! {
    // The send.
    /// A purchase is in the ledger before it leaves; else a death after the send buys it twice.
    IntentBeforeTheAct,
    /// A commit is on the disk before it counts; else a power cut forgets what was sent.
    WrittenThrough,
    /// A run is opened only while both clocks lie in its period; else a wrong clock buys the day again under another date.
    ClocksShareThePeriod,
    /// A purchase is sent once, by a client that follows and repeats nothing; else a redirect is a second purchase.
    SentOnce,
    /// Only who holds the lock buys; else two processes buy the same tasks.
    OneDispatcher,
    /// A session begins with empty buckets; else every restart calls as if nobody had called before it.
    EmptyBuckets,

    // What an answer to a purchase means.
    /// No answer is doubt and no refusal; else what the provider took is bought again.
    LostAnswerIsDoubt,
    /// An error without task rows is doubt; else what was charged before the error is bought again.
    ErrorIsDoubt,
    /// A body that is cut short is doubt; else what its lost end says was bought is bought again.
    CutBodyIsDoubt,
    /// A task whose row is missing is in doubt; else the provider has it and it is bought again.
    MissingRowIsDoubt,
    /// Rows are matched by tag, never by position; else a task gets the id, and the answer, of another.
    RowsByTag,
    /// Only what was surely refused whole is sent again in halves; else half of what is in doubt is bought twice.
    OnlyRefusedIsHalved,
    /// A failure that was paid for is not bought again unless the job says so; else it is paid for without end.
    PaidFailureIsFinal,
    /// A task is tried so often in a session and no more; else a provider that always stumbles keeps it for ever.
    MaxAttempts,

    // What is in doubt.
    /// The close of a connection is dated once; else it moves with each answer, and the quarantine never ends.
    CloseIsDatedOnce,
    /// A `Date` ahead of those before it is believed once others agree; else what is bought then is filed before the scan.
    ClocksAgree,
    /// Absence means nothing before the quarantine is over; else a purchase that is still on its way is bought again.
    Quarantine,
    /// The quarantine is counted from the close; else a machine that slept since the send concludes at once.
    QuarantineFromTheClose,
    /// Two scans conclude; else a list that leaves out a row once has it bought again.
    TwoScans,
    /// The two are some time apart; else both see the list in the same bad moment.
    ScansApart,
    /// A scan counts for the doubts that it began with; else for one that fell into doubt while it was read.
    ScanCountsForItsOwn,
    /// A session concludes only with a scan of its own; else by those of sessions whose other knowledge is gone.
    ConcludesByItsOwnScan,
    /// What the list has shown without a cost voids the scans before it, in later sessions too; else one that shows it once
    /// and then hides it has it bought again.
    ShownSpoilsScans,
    /// A full page may hide rows, so its window is cut; else what stands behind it is never found.
    FullPageIsCut,
    /// A page that cannot be read is no empty page; else what stands on it is bought again.
    FailedPageIsNoPage,
    /// A scan that hides what is known to be bought is inconclusive; else an empty list has everything bought again.
    HidingIsInconclusive,
    /// A scan must have had something of ours to show; else a list that shows nothing of anybody's proves absence.
    ControlRowInEachScan,
    /// What may be filed after what was read need not be shown; else a list that files by completion settles nothing.
    ControlRowIsFiled,
    /// A scan that shows a task of ours without its tag is inconclusive; else a list without tags has everything bought again.
    TagsInEachScan,
    /// Absence means nothing for a day where the list has not shown an unfinished task; else it may show only what is
    /// finished, and the rest is bought again.
    VisibilityProof,
    /// Only an unfinished task is that proof; else a finished one that every list shows passes for it.
    ProofIsUnfinished,
    /// A Live call that a list calls free was not sold where the list names what others cost, once it had time to; else one
    /// whose rows are all free has what was paid bought again.
    FreeIsProven,
    /// What `tasks_ready` has shown is remembered by later sessions; else it is forgotten there after some days, and bought
    /// again.
    ShownIsRemembered,
    /// What `tasks_ready` shows is never concluded absent; else what `id_list` hides is bought again.
    ReadyIsRead,
    /// Where `tasks_ready` is full of others' answers, the list alone concludes only if both scans have shown a finished task
    /// of ours; else one that leaves out what is finished has it bought again.
    FinishedIsShown,
    /// A task that is listed at no cost is asked for by its id; else a refusal is booked as a purchase.
    NoCostIsAskedAbout,
    /// An attempt in doubt is settled by the first word on it; else a late one counts it again, and a neighbour's doubt with
    /// it.
    SettledOnce,
    /// Nothing is bought while a list that was read may tell of it; else what it shows is bought once more.
    ListsTellFirst,
    /// Doubts of closed runs are settled too; else what they bought is never known.
    ClosedRunsAreSettled,

    // Money.
    /// Money is read from its digits; else by a float, and the books are a nano-dollar off the bill.
    ExactMoney,
    /// What is held counts under a cap; else everything in flight passes it.
    HoldCounts,
    /// The reserving update looks at the cap itself; else who believed that there was room is not stopped.
    CapInTheReservation,
    /// What is in doubt stays held; else its money is spent a second time.
    DoubtIsHeld,
    /// A hold counts in every period that its charge may fall into; else the next day's cap is passed at midnight.
    HoldInEveryPeriod,
    /// A charge counts in the provider's day; else in another than on the provider's bill.
    DatedByTheProvider,
    /// What is charged beyond the hold is booked; else the bill is higher than the books.
    OverrunIsBooked,
    /// An answer that is lost before it says what its model charged costs all that was held; else the books may be below the
    /// bill.
    SilentCostsAll,
    /// A cost that was booked provisionally becomes the list's; else the books stay above the bill.
    ListSettles,
    /// A second purchase under one tag is an unmatched charge; else the bill is higher than the books.
    DuplicatesAreBooked,
    /// What turns up after it was given up is booked; else the bill is higher than the books.
    LateArrivalsAreBooked,
    /// What was given up is looked for as long as the provider's list goes back; else a charge that came later stays out of
    /// the books for ever.
    GivenUpIsWatched,
    /// A balance that is to be kept is kept; else it is spent.
    BalanceIsKept,
    /// Nothing is bought before that balance is known; else it is spent before anybody looked.
    BalanceIsKnown,
    /// What was bought in the minutes before that balance was read is taken off it; else a session after another spends
    /// money that a stale figure still shows.
    BalanceIsStale,
    /// The first task that does not fit is where the plan is cut; else cheap tasks behind it unbalance the sample.
    CutNeverSkips,

    // Prices.
    /// One task goes first at a price that was never charged; else a whole plan is bought at a wrong one.
    Canary,
    /// A price that the job does not allow stops; else it goes on being paid.
    DriftStops,

    // Ledgers that are not what they were.
    /// The sessions counted in the ledger are compared with those counted outside; else an older copy buys all anew.
    SessionsAreCompared,
    /// And the attempts; else a copy made while a session was buying passes for the ledger.
    AttemptsAreCompared,
    /// A new ledger in the place of one that has bought is refused.
    ReplacedLedgerIsRefused,
    /// A new ledger for a job for which another one has bought is refused; else a mistyped path buys everything again.
    SecondLedgerIsRefused,
    /// A restored ledger scans before it buys; else it buys what it does not know that it has.
    RestoredScans,
    /// It waits for the quarantine before; else what was still on its way is bought again.
    RestoredWaits,
    /// What it may lack was bought since the copy was made, whatever of it shows first; else it buys the earlier ones again.
    RestoredSinceTheCopy,
    /// Another history's purchase may be counted as one that this copy holds in doubt or gave up; else it is bought again.
    HistoriesShareNumbers,
    /// A second purchase under the tag of one that a restored ledger took over answers no task, as anywhere; else the task
    /// is charged twice once the first one fails.
    DuplicatesOfRecoveredAreUnmatched,
    /// What a restored ledger takes over is held for all that it may come to; else settling it passes a cap.
    FoundIsHeldForAll,
    /// A tag's hash is of what is bought, and not of the row; else rows that another history used name other tasks.
    TagsNameContent,

    // Answers.
    /// What is overdue is asked for by its id; else what `tasks_ready` leaves out is never collected.
    OverdueIsAskedFor,
    /// An answer that arrived is kept, whatever it looks like; else it is paid for, thrown away, and asked for until it is gone.
    OddAnswersAreKept,
    /// The same oddity several times in a row stops its price class; else every task of it is paid into the same hole.
    OddAnswersStop,
    /// A loss is noted in its own commit until somebody was told; else what a later session learns, or one that dies, is told
    /// to nobody.
    LossesAreTold,
}

impl Rule {
    /// True: rules are kept.
    #[cfg(not(feature = "mutants"))]
    #[expect(clippy::unused_self, reason = "asked as it is where rules can be left out")]
    pub(crate) const fn is_kept(self) -> bool {
        true
    }

    /// True, unless this rule is left out on this thread.
    #[cfg(feature = "mutants")]
    pub(crate) fn is_kept(self) -> bool {
        LEFT_OUT.get() != Some(self)
    }
}

#[cfg(feature = "mutants")]
thread_local! {
    static LEFT_OUT: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// Does something on this thread without a rule. Only where rules can be left out: for tests.
#[cfg(feature = "mutants")]
pub fn without<T>(rule: Rule, what: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            LEFT_OUT.set(None);
        }
    }
    LEFT_OUT.set(Some(rule));
    let _restore = Restore;
    what()
}
