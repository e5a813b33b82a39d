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
            /// All rules, in the order of the protocol.
            pub const ALL: &[Self] = &[$(Self::$rule),+];
        }
    };
}

rules! {
    // The send.
    /// A purchase is in the ledger before it is sent; otherwise a crash after the send buys it twice.
    IntentBeforeTheAct,
    /// A commit counts once it is on the disk; otherwise a power cut forgets what was sent.
    WrittenThrough,
    /// A run is opened only while both clocks lie in its period; otherwise a wrong clock buys the day again under
    /// another date.
    ClocksShareThePeriod,
    /// A purchase is sent once, by a client that follows and repeats nothing; otherwise a redirect is a second
    /// purchase.
    SentOnce,
    /// Only the holder of the lock buys; otherwise two processes buy the same tasks.
    OneDispatcher,
    /// A session begins with empty buckets; otherwise every restart calls as if nothing had been called before it.
    EmptyBuckets,

    // What an answer to a purchase means.
    /// A lost reply is in doubt, not a refusal; otherwise what the provider accepted is bought again.
    LostAnswerIsDoubt,
    /// An error without task rows is in doubt; otherwise what was charged before the error is bought again.
    ErrorIsDoubt,
    /// A truncated body is in doubt; otherwise the purchases in its lost end are bought again.
    CutBodyIsDoubt,
    /// A task whose row is missing is in doubt; otherwise a task that the provider has is bought again.
    MissingRowIsDoubt,
    /// Rows are matched by tag, never by position; otherwise a task gets the id, and the answer, of another.
    RowsByTag,
    /// Only a request that was surely refused as a whole is halved; otherwise half of what is in doubt is bought
    /// twice.
    OnlyRefusedIsHalved,
    /// A paid failure is not bought again unless the job says so; otherwise it is paid for without end.
    PaidFailureIsFinal,
    /// A session tries a task a limited number of times; otherwise a provider that always fails keeps the session for
    /// ever.
    MaxAttempts,

    // What is in doubt.
    /// The close of a connection is dated once; otherwise it moves with each reply, and the quarantine never ends.
    CloseIsDatedOnce,
    /// A `Date` ahead of earlier ones counts once others agree; otherwise later purchases are filed before the scan.
    ClocksAgree,
    /// Absence means nothing before the quarantine is over; otherwise a purchase that is still in flight is bought
    /// again.
    Quarantine,
    /// The quarantine counts from the close; otherwise a machine that slept since the send concludes at once.
    QuarantineFromTheClose,
    /// Two scans conclude; otherwise a list that omits a row once causes a second purchase.
    TwoScans,
    /// The two scans are some time apart; otherwise both see the list in the same bad moment.
    ScansApart,
    /// A scan counts for what was in doubt when it began; otherwise also for what fell into doubt while it was read.
    ScanCountsForItsOwn,
    /// A session concludes only with a scan of its own; otherwise it relies on sessions whose other knowledge is gone.
    ConcludesByItsOwnScan,
    /// A row that the list shows without a cost invalidates the scans before it, in later sessions too; otherwise a
    /// list that shows a row once and then hides it causes a second purchase.
    ShownSpoilsScans,
    /// A full page may hide rows, so its window is cut; otherwise the rows behind it are never found.
    FullPageIsCut,
    /// An unreadable page is not an empty page; otherwise the purchases on it are made again.
    FailedPageIsNoPage,
    /// A scan that hides a known purchase is inconclusive; otherwise an empty list causes everything to be bought
    /// again.
    HidingIsInconclusive,
    /// A scan needs a control row; otherwise a list that shows nothing at all proves absence.
    ControlRowInEachScan,
    /// A task that may be filed after the window is no control row; otherwise a list that files by completion settles
    /// nothing.
    ControlRowIsFiled,
    /// A scan that shows a task of ours without its tag is inconclusive; otherwise a list without tags proves absence.
    TagsInEachScan,
    /// Absence means nothing for a day if the list has not shown an unfinished task; otherwise a list of finished
    /// tasks causes the others to be bought again.
    VisibilityProof,
    /// Only an unfinished task is that proof; otherwise a finished one, which every list shows, counts as proof.
    ProofIsUnfinished,
    /// A Live call that a list shows as free was not sold if the list names what others cost, once it had time to;
    /// otherwise a list whose rows are all free causes paid calls to be made again.
    FreeIsProven,
    /// Later sessions remember what `tasks_ready` has shown; otherwise it is forgotten after some days, and bought
    /// again.
    ShownIsRemembered,
    /// What `tasks_ready` shows is never concluded absent; otherwise what `id_list` hides is bought again.
    ReadyIsRead,
    /// Behind a full `tasks_ready`, the list alone concludes only if both scans have shown a finished task of ours;
    /// otherwise a list that omits finished tasks causes second purchases.
    FinishedIsShown,
    /// bursar asks by id about a task that is listed at no cost; otherwise it books a refusal as a purchase.
    NoCostIsAskedAbout,
    /// An attempt in doubt is settled once; otherwise late news counts it again, and a neighbour's doubt with it.
    SettledOnce,
    /// bursar buys nothing that a list it has just read may show; otherwise it buys it once more.
    ListsTellFirst,
    /// Doubt of closed runs is settled too; otherwise nobody learns what they bought.
    ClosedRunsAreSettled,

    // Money.
    /// Money is read from its digits; otherwise a float makes the books differ from the bill by a nano-dollar.
    ExactMoney,
    /// Held money counts under a cap; otherwise everything in flight exceeds it.
    HoldCounts,
    /// The reserving update checks the cap itself; otherwise nothing stops code that wrongly believes in headroom.
    CapInTheReservation,
    /// What is in doubt stays held; otherwise its money is spent a second time.
    DoubtIsHeld,
    /// A hold counts in every period that its charge may fall into; otherwise the next day's cap is exceeded at
    /// midnight.
    HoldInEveryPeriod,
    /// A charge counts in the provider's day; otherwise it is in another day than on the provider's bill.
    DatedByTheProvider,
    /// A charge beyond its hold is booked; otherwise the bill is higher than the books.
    OverrunIsBooked,
    /// An answer that is lost before it names its model's charge costs everything that was held; otherwise the books
    /// may be below the bill.
    SilentCostsAll,
    /// The list's figure replaces a provisional cost; otherwise the books stay above the bill.
    ListSettles,
    /// A second purchase under one tag is an unmatched charge; otherwise the bill is higher than the books.
    DuplicatesAreBooked,
    /// What appears after it was given up is booked; otherwise the bill is higher than the books.
    LateArrivalsAreBooked,
    /// bursar looks for what was given up as long as the provider's list goes back; otherwise a later charge never
    /// enters the books.
    GivenUpIsWatched,
    /// A balance to keep is kept; otherwise it is spent.
    BalanceIsKept,
    /// bursar buys nothing before that balance is known; otherwise it is spent before anybody looked.
    BalanceIsKnown,
    /// Purchases of the minutes before that balance was read are subtracted from it; otherwise a following session
    /// spends money that a stale figure still shows.
    BalanceIsStale,
    /// The plan is cut at the first task that does not fit; otherwise cheap tasks behind it unbalance the sample.
    CutNeverSkips,

    // Prices.
    /// One task goes first at a price that was never charged; otherwise a whole plan is bought at a wrong price.
    Canary,
    /// A price that the job does not allow stops; otherwise it continues to be paid.
    DriftStops,

    // Ledgers that are not what they were.
    /// Sessions counted in the ledger are compared with those counted outside; otherwise an older copy buys everything
    /// again.
    SessionsAreCompared,
    /// So are the attempts; otherwise a copy made while a session was buying passes for the ledger.
    AttemptsAreCompared,
    /// A new ledger in place of one that has bought is refused; otherwise it buys everything again.
    ReplacedLedgerIsRefused,
    /// A new ledger for a job for which another one has bought is refused; otherwise a mistyped path buys everything
    /// again.
    SecondLedgerIsRefused,
    /// A restored ledger scans before it buys; otherwise it buys again what it lacks.
    RestoredScans,
    /// It waits for the quarantine before that; otherwise purchases that are still in flight are made again.
    RestoredWaits,
    /// What it may lack was bought since the copy was made, whatever shows first; otherwise earlier purchases are made
    /// again.
    RestoredSinceTheCopy,
    /// Another history may have counted its purchase like one that this copy holds in doubt or gave up; otherwise it
    /// is made again.
    HistoriesShareNumbers,
    /// A second purchase under the tag of a recovered one answers no task, as anywhere; otherwise the task is charged
    /// twice once the first one fails.
    DuplicatesOfRecoveredAreUnmatched,
    /// A recovered purchase is held for its worst case; otherwise its settlement exceeds a cap.
    FoundIsHeldForAll,
    /// A tag's hash covers what is bought, not the row; otherwise rows that another history used name other tasks.
    TagsNameContent,

    // Answers.
    /// An overdue answer is fetched by its id; otherwise what `tasks_ready` omits is never collected.
    OverdueIsAskedFor,
    /// An answer that has arrived is kept, whatever it looks like; otherwise it is paid for, thrown away, and fetched
    /// until it is gone.
    OddAnswersAreKept,
    /// The same oddity several times in a row stops its price class; otherwise every further task is paid for in vain.
    OddAnswersStop,
    /// A loss is recorded in its own commit until somebody has been told; otherwise a loss of a later session, or of
    /// one that dies, is never reported.
    LossesAreTold,
}

impl Rule {
    /// True if the rule is kept.
    #[cfg(not(feature = "mutants"))]
    #[expect(clippy::unused_self, reason = "asked as it is where rules can be left out")]
    pub(crate) const fn is_kept(self) -> bool {
        true
    }

    /// True unless this rule is left out on this thread.
    #[cfg(feature = "mutants")]
    pub(crate) fn is_kept(self) -> bool {
        LEFT_OUT.get() != Some(self)
    }
}

#[cfg(feature = "mutants")]
thread_local! {
    static LEFT_OUT: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// Does something on this thread without a rule. Exists only where rules can be left out: for tests.
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
