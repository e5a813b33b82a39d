//! The world of the model: tasks, the ledger's record of each, what was sent to the provider, and the processes.
//!
//! There is no clock. Every span of time is counted in ticks up to the length after which it changes nothing more. A
//! state therefore does not contain the time, the number of states is finite, and the search covers histories of any
//! length.

/// What the ledger says about a task. It survives every crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Page {
    /// To be bought, after so many attempts that surely bought nothing.
    Planned { tries: u8 },
    /// Reserved, and perhaps sent. `unknown`: its connection is gone, for `age` ticks of the provider's clock.
    Sending { n: u8, unknown: bool, age: u8 },
    /// Bought by attempt `n`, as the provider said in its answer or in its list.
    Bought { n: u8 },
}

/// One POST on its way to the provider or taken by it. What was lost is nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Post {
    /// Room for one.
    None,
    /// Between here and there, on a connection that process `by` holds open.
    Open { n: u8, by: u8 },
    /// Its connection is gone, and it may be taken for so many further ticks.
    Orphan { n: u8, left: u8 },
    /// Taken and charged. The list may go on hiding it for so many ticks; it is finished after `unfinished` ticks.
    Bought { n: u8, hidden: u8, unfinished: u8 },
}

/// What a process has in hand for a task. It dies with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hand {
    /// Nothing.
    Idle,
    /// The reservation is committed; the process may be suspended here for as long as it likes.
    Reserved { n: u8 },
    /// The request is out.
    Waiting { n: u8 },
    /// A scan that counts has not shown it, so many ticks ago.
    Missed { ago: u8 },
}

/// A task, everywhere. Tasks are alike, and their order says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Task {
    pub(crate) page: Page,
    /// The page in the copy of the ledger, where there is one.
    pub(crate) copy: Page,
    pub(crate) posts: [Post; 3],
    pub(crate) hands: [Hand; 2],
}

/// How the ledger stands to its own history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trust {
    /// It is its latest self.
    Whole,
    /// An older copy took its place, and no process has started since.
    Replaced,
    /// It is known to be a copy, for so many ticks; a scan that counts found nothing new so many ticks ago.
    Restored { age: u8, missed: Option<u8> },
}

/// The latest copy of the ledger, beside the pages in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Copy {
    pub(crate) proof: bool,
}

/// A tick in which the list leaves out rows that it has shown before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Blink {
    /// It may come once.
    ToCome,
    /// It is now.
    Now,
    /// No more.
    Over,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World<const TASKS: usize> {
    pub(crate) tasks: [Task; TASKS],
    pub(crate) running: [bool; 2],
    pub(crate) trust: Trust,
    pub(crate) copy: Option<Copy>,
    pub(crate) blink: Blink,
    /// The list has shown an unfinished task of ours: durable.
    pub(crate) proof: bool,
}

pub(crate) const UNTOUCHED: Page = Page::Planned { tries: 0 };

impl Task {
    pub(crate) const NEW: Self =
        Self { page: UNTOUCHED, copy: UNTOUCHED, posts: [Post::None; 3], hands: [Hand::Idle; 2] };

    pub(crate) fn charges(&self) -> usize {
        self.posts.iter().filter(|post| matches!(post, Post::Bought { .. })).count()
    }

    /// What the provider took of this attempt.
    pub(crate) fn purchase(&self, of: u8) -> Option<Post> {
        self.posts.iter().copied().find(|post| matches!(post, Post::Bought { n, .. } if *n == of))
    }

    /// Every charge is in the ledger, or in doubt there.
    pub(crate) fn is_tracked(&self) -> bool {
        self.posts.iter().all(|post| match (post, self.page) {
            (Post::Bought { n, .. }, Page::Sending { n: known, .. } | Page::Bought { n: known }) => *n == known,
            (Post::Bought { .. }, Page::Planned { .. }) => false,
            _ => true,
        })
    }

    /// The connections of a process are gone: the provider may take what was on them for `late` further ticks.
    pub(crate) fn hang_up(&mut self, process: usize, late: u8) {
        for post in &mut self.posts {
            if let Post::Open { n, by } = *post
                && usize::from(by) == process
            {
                *post = Post::Orphan { n, left: late };
            }
        }
        self.hands[process] = Hand::Idle;
    }
}

impl<const TASKS: usize> World<TASKS> {
    /// The same world, in the one order in which it is written down.
    pub(crate) fn sorted(mut self) -> Self {
        for task in &mut self.tasks {
            task.posts.sort_unstable();
        }
        self.tasks.sort_unstable();
        self
    }

    pub(crate) fn charges(&self) -> usize {
        self.tasks.iter().map(Task::charges).sum()
    }
}
