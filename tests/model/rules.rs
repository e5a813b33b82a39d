//! The protocol's rules, each of which can be broken on its own, and the circumstances in which it has to hold.

/// From when the quarantine is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From when the connection was surely gone, by the provider's clock.
    Close,
    /// From the commit of the intent.
    Intent,
}

/// What a session does with a ledger that was restored from a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Waits the quarantine, reads the whole list until it finds nothing new, and only then buys.
    ScannedAfterQuarantine,
    /// Reads the list, but does not wait.
    ScannedAtOnce,
    /// Does not notice.
    Unnoticed,
}

/// The protocol.
#[expect(clippy::struct_excessive_bools, reason = "each rule is kept or broken on its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The intent is committed before anything is sent.
    pub(crate) write_ahead: bool,
    /// A time-out leaves the task in doubt; otherwise it is planned again at once.
    pub(crate) time_out_is_doubt: bool,
    /// Ticks after which absence from the list begins to mean something.
    pub(crate) quarantine: u8,
    pub(crate) counted_from: From,
    /// Scans that must not show it, and the ticks between the first and the last.
    pub(crate) scans: u8,
    pub(crate) gap: u8,
    /// A scan counts only where it shows what is known to be bought, and something is.
    pub(crate) control_row: bool,
    /// Until the list has shown an unfinished task, the quarantine is `give_up`.
    pub(crate) visibility_proof: bool,
    pub(crate) give_up: u8,
    /// One process at a time.
    pub(crate) lock: bool,
    /// What is reserved counts under the cap.
    pub(crate) holds_count: bool,
    pub(crate) copies: Copies,
}

/// What can happen to it.
#[expect(clippy::struct_excessive_bools, reason = "each can happen or not, whatever the others")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) processes: u8,
    /// Tasks that may be bought in all.
    pub(crate) cap: usize,
    /// Attempts of a task that are looked at.
    pub(crate) max_tries: u8,
    /// Ticks that the provider may take a request after its connection is gone.
    pub(crate) late: u8,
    /// Ticks that the list may lack what was taken.
    pub(crate) lag: u8,
    /// Ticks until a task is finished.
    pub(crate) turnaround: u8,
    /// The list shows tasks before they are finished.
    pub(crate) lists_unfinished: bool,
    /// That is known from the beginning.
    pub(crate) proved: bool,
    /// An old purchase is known to the ledger, and can be a control row.
    pub(crate) earlier_purchase: bool,
    /// For one tick the list may leave out any new row.
    pub(crate) blinks: bool,
    /// The list may be empty at any time, without an error.
    pub(crate) goes_dark: bool,
    /// The ledger may be copied and the copy restored, as often as one likes.
    pub(crate) copies: bool,
}

/// The circumstances that every rule is tried in, unless a test says otherwise.
pub(crate) const USUAL: Circumstances = Circumstances {
    processes: 1,
    cap: 2,
    max_tries: 2,
    late: 2,
    lag: 1,
    turnaround: 0,
    lists_unfinished: true,
    proved: true,
    earlier_purchase: true,
    blinks: true,
    goes_dark: true,
    copies: false,
};

/// The list shows what is finished, and nothing before.
pub(crate) const ONLY_FINISHED: Circumstances =
    Circumstances { late: 1, turnaround: 2, lists_unfinished: false, proved: false, ..USUAL };

impl Rules {
    /// The design, with the shortest quarantine that it allows in these circumstances.
    pub(crate) const fn design(at: Circumstances) -> Self {
        Self {
            write_ahead: true,
            time_out_is_doubt: true,
            quarantine: at.late + at.lag,
            counted_from: From::Close,
            scans: 2,
            gap: 1,
            control_row: true,
            visibility_proof: true,
            give_up: at.late + at.turnaround + at.lag,
            lock: true,
            holds_count: true,
            copies: Copies::ScannedAfterQuarantine,
        }
    }
}
