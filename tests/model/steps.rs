//! Every step that anyone can take: the processes, the provider, time, and the person who copies ledgers.

use stateright::{Model, Property};

use super::rules::{Circumstances, Copies, From, Rules};
use super::world::{Blink, Copy, Hand, Page, Post, Task, Trust, World};

pub(crate) const PAY_ONCE: &str = "no task is paid for twice";
pub(crate) const CAP: &str = "the cap is never exceeded";
pub(crate) const TRACKED: &str = "every charge is known or in doubt";
pub(crate) const ALL_PAID: &str = "every task can be paid for and known";
pub(crate) const BOUGHT_ANEW: &str = "what was found not bought can be bought";

/// The protocol by some rules, in some circumstances, for so many tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol<const TASKS: usize> {
    pub(crate) rules: Rules,
    pub(crate) at: Circumstances,
}

/// A step. The first number is a process, the second a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A tick passes. Whoever does nothing meanwhile is slow, or suspended.
    Tick,
    Start(usize),
    Die(usize),
    /// T1: reserved and committed.
    Reserve(usize, usize),
    Send(usize, usize),
    /// It could not connect: nothing was sent, and it knows.
    NeverLeft(usize, usize),
    /// The provider takes and charges the POST in this place.
    Accept(usize, usize),
    /// The provider refuses it, and its answer arrives.
    Refuse(usize, usize),
    /// T2: the provider's answer arrives.
    Reply(usize, usize),
    /// No answer arrives: a time-out, a reset, a cut body.
    TimeOut(usize, usize),
    /// A scan shows a row of ours.
    Show(usize, usize),
    /// A complete scan does not show what is in doubt.
    Miss(usize, usize),
    /// A complete scan shows nothing that a restored ledger does not know.
    Survey(usize),
    Blink,
    Copy,
    Restore,
}

impl<const TASKS: usize> Model for Protocol<TASKS> {
    type State = World<TASKS>;
    type Action = Step;

    fn init_states(&self) -> Vec<World<TASKS>> {
        let blink = if self.at.blinks { Blink::ToCome } else { Blink::Over };
        vec![World {
            tasks: [Task::NEW; TASKS],
            running: [false; 2],
            trust: Trust::Whole,
            copy: None,
            blink,
            proof: self.at.proved,
        }]
    }

    fn actions(&self, world: &World<TASKS>, steps: &mut Vec<Step>) {
        steps.extend([Step::Tick, Step::Blink, Step::Copy, Step::Restore]);
        for process in 0..usize::from(self.at.processes) {
            if !world.running[process] {
                steps.push(Step::Start(process));
                continue;
            }
            steps.extend([Step::Die(process), Step::Survey(process)]);
            for task in 0..TASKS {
                match world.tasks[task].hands[process] {
                    Hand::Reserved { .. } => steps.extend([Step::Send(process, task), Step::NeverLeft(process, task)]),
                    Hand::Waiting { .. } => steps.extend([Step::Reply(process, task), Step::TimeOut(process, task)]),
                    Hand::Idle | Hand::Missed { .. } => {
                        steps.extend([
                            Step::Reserve(process, task),
                            Step::Show(process, task),
                            Step::Miss(process, task),
                        ]);
                    }
                }
            }
        }
        for task in 0..TASKS {
            for place in 0..world.tasks[task].posts.len() {
                match world.tasks[task].posts[place] {
                    Post::Open { .. } => steps.extend([Step::Accept(task, place), Step::Refuse(task, place)]),
                    Post::Orphan { .. } => steps.push(Step::Accept(task, place)),
                    Post::None | Post::Bought { .. } => {}
                }
            }
        }
    }

    fn next_state(&self, last: &World<TASKS>, step: Step) -> Option<World<TASKS>> {
        let mut world = *last;
        match step {
            Step::Tick => self.tick(&mut world),
            Step::Start(process) => self.start(&mut world, process)?,
            Step::Die(process) => self.die(&mut world, process),
            Step::Reserve(process, task) => self.reserve(&mut world, process, task)?,
            Step::Send(process, task) => send(&mut world.tasks[task], process)?,
            Step::NeverLeft(process, task) => not_bought(&mut world.tasks[task], process)?,
            Step::Accept(task, place) => self.accept(&mut world.tasks[task].posts[place])?,
            Step::Refuse(task, place) => refuse(&mut world.tasks[task], place)?,
            Step::Reply(process, task) => reply(&mut world.tasks[task], process)?,
            Step::TimeOut(process, task) => self.time_out(&mut world.tasks[task], process)?,
            Step::Show(process, task) => self.show(&mut world, process, task)?,
            Step::Miss(process, task) => self.miss(&mut world, process, task)?,
            Step::Survey(process) => self.survey(&mut world, process)?,
            Step::Blink if world.blink == Blink::ToCome => world.blink = Blink::Now,
            Step::Copy if self.at.copies => {
                world.copy = Some(Copy { proof: world.proof });
                world.tasks.iter_mut().for_each(|task| task.copy = task.page);
            }
            Step::Restore => restore(&mut world)?,
            Step::Blink | Step::Copy => return None,
        }
        let world = world.sorted();
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(PAY_ONCE, |_, world: &World<TASKS>| world.tasks.iter().all(|task| task.charges() <= 1)),
            Property::always(CAP, |protocol: &Self, world: &World<TASKS>| world.charges() <= protocol.at.cap),
            // A restored ledger knows that it does not know, until it has read the list.
            Property::always(TRACKED, |_, world: &World<TASKS>| {
                world.trust != Trust::Whole || world.tasks.iter().all(Task::is_tracked)
            }),
            Property::sometimes(BOUGHT_ANEW, |_, world: &World<TASKS>| {
                world.tasks.iter().any(|task| matches!(task.page, Page::Bought { n } if n > 1))
            }),
        ];
        if self.at.cap >= TASKS {
            properties.push(Property::sometimes(ALL_PAID, |_, world: &World<TASKS>| {
                world.tasks.iter().all(|task| matches!(task.page, Page::Bought { .. }) && task.charges() == 1)
            }));
        }
        properties
    }
}

impl<const TASKS: usize> Protocol<TASKS> {
    fn tick(&self, world: &mut World<TASKS>) {
        let longest = self.rules.quarantine.max(self.rules.give_up);
        let grown = |age: u8| (age + 1).min(longest);
        for task in &mut world.tasks {
            for page in [&mut task.page, &mut task.copy] {
                if let Page::Sending { unknown, age, .. } = page
                    && (*unknown || self.rules.counted_from == From::Intent)
                {
                    *age = grown(*age);
                }
            }
            for post in &mut task.posts {
                match post {
                    Post::Orphan { left: 0, .. } => *post = Post::None,
                    Post::Orphan { left, .. } => *left -= 1,
                    Post::Bought { hidden, unfinished, .. } => {
                        *hidden = hidden.saturating_sub(1);
                        *unfinished = unfinished.saturating_sub(1);
                    }
                    Post::None | Post::Open { .. } => {}
                }
            }
            for hand in &mut task.hands {
                if let Hand::Missed { ago } = hand {
                    *ago = (*ago + 1).min(self.rules.gap);
                }
            }
        }
        if let Trust::Restored { age, missed } = &mut world.trust {
            *age = grown(*age);
            *missed = missed.map(|ago| (ago + 1).min(self.rules.gap));
        }
        if world.blink == Blink::Now {
            world.blink = Blink::Over;
        }
    }

    /// The lock is taken, the counter outside is compared, and what a dead process left is in doubt from now on.
    fn start(&self, world: &mut World<TASKS>, process: usize) -> Option<()> {
        if self.rules.lock && world.running != [false; 2] {
            return None;
        }
        world.running[process] = true;
        if world.trust == Trust::Replaced {
            world.trust = match self.rules.copies {
                Copies::ScannedAfterQuarantine => Trust::Restored { age: 0, missed: None },
                Copies::ScannedAtOnce => {
                    Trust::Restored { age: self.rules.quarantine.max(self.rules.give_up), missed: None }
                }
                Copies::Unnoticed => Trust::Whole,
            };
        }
        world.tasks.iter_mut().for_each(|task| self.close(&mut task.page));
        Some(())
    }

    /// The connection is gone. Written once, and never moved.
    fn close(&self, page: &mut Page) {
        if let Page::Sending { unknown: unknown @ false, age, .. } = page {
            *unknown = true;
            if self.rules.counted_from == From::Close {
                *age = 0;
            }
        }
    }

    fn die(&self, world: &mut World<TASKS>, process: usize) {
        world.running[process] = false;
        world.tasks.iter_mut().for_each(|task| task.hang_up(process, self.at.late));
        if let Trust::Restored { missed, .. } = &mut world.trust {
            *missed = None;
        }
    }

    fn reserve(&self, world: &mut World<TASKS>, process: usize, task: usize) -> Option<()> {
        let Page::Planned { tries } = world.tasks[task].page else { return None };
        let counts = |task: &&Task| match task.page {
            Page::Planned { .. } => false,
            Page::Sending { .. } => self.rules.holds_count,
            Page::Bought { .. } => true,
        };
        let taken = world.tasks.iter().filter(counts).count();
        if world.trust != Trust::Whole || tries == self.at.max_tries || taken >= self.at.cap {
            return None;
        }
        let n = tries + 1;
        if self.rules.write_ahead {
            world.tasks[task].page = Page::Sending { n, unknown: false, age: 0 };
        }
        world.tasks[task].hands[process] = Hand::Reserved { n };
        Some(())
    }

    /// From then on the list may lack it for as long as it lags, or until it is finished and then as long.
    fn accept(&self, post: &mut Post) -> Option<()> {
        let (Post::Open { n, .. } | Post::Orphan { n, .. }) = *post else { return None };
        let unfinished = self.at.turnaround;
        let hidden = if self.at.lists_unfinished { self.at.lag } else { unfinished + self.at.lag };
        *post = Post::Bought { n, hidden, unfinished };
        Some(())
    }

    fn time_out(&self, task: &mut Task, process: usize) -> Option<()> {
        let Hand::Waiting { n } = task.hands[process] else { return None };
        task.hang_up(process, self.at.late);
        match &mut task.page {
            page @ Page::Sending { .. } if self.rules.time_out_is_doubt => self.close(page),
            page @ Page::Sending { .. } => *page = Page::Planned { tries: n },
            Page::Planned { .. } | Page::Bought { .. } => {}
        }
        Some(())
    }

    /// What is found is bought, at any time. A restored ledger knows its tags again, whatever it holds.
    fn show(&self, world: &mut World<TASKS>, process: usize, task: usize) -> Option<()> {
        let restored = matches!(world.trust, Trust::Restored { .. });
        let task = &mut world.tasks[task];
        let wanted = |of: u8| match task.page {
            Page::Sending { n, unknown, .. } => (unknown && n == of) || restored,
            Page::Planned { .. } => restored,
            Page::Bought { .. } => false,
        };
        let listed = |unfinished: u8| unfinished == 0 || self.at.lists_unfinished;
        let (n, unfinished) = task.posts.iter().find_map(|post| match post {
            Post::Bought { n, unfinished, .. } => (wanted(*n) && listed(*unfinished)).then_some((*n, *unfinished)),
            Post::None | Post::Open { .. } | Post::Orphan { .. } => None,
        })?;
        task.page = Page::Bought { n };
        task.hands[process] = Hand::Idle;
        world.proof |= unfinished > 0;
        Some(())
    }

    /// The quarantine as it is in force.
    fn quarantine(&self, world: &World<TASKS>) -> u8 {
        if self.rules.visibility_proof && !world.proof { self.rules.give_up } else { self.rules.quarantine }
    }

    /// The list may lack this row now, in a scan that counts.
    fn may_lack(&self, world: &World<TASKS>, post: Post) -> bool {
        let dark = self.at.goes_dark && !self.rules.control_row;
        matches!(post, Post::Bought { hidden: 1.., .. }) || world.blink == Blink::Now || dark
    }

    /// A scan can count: something that is known to be bought is old enough to be in it.
    fn has_control_row(&self, world: &World<TASKS>) -> bool {
        let known = |task: &Task| match task.page {
            Page::Bought { n } => task.purchase(n).is_some_and(|post| matches!(post, Post::Bought { hidden: 0, .. })),
            Page::Planned { .. } | Page::Sending { .. } => false,
        };
        !self.rules.control_row || self.at.earlier_purchase || world.tasks.iter().any(known)
    }

    fn miss(&self, world: &mut World<TASKS>, process: usize, task: usize) -> Option<()> {
        let Page::Sending { n, unknown: true, age } = world.tasks[task].page else { return None };
        let lacks = world.tasks[task].purchase(n).is_none_or(|post| self.may_lack(world, post));
        if age < self.quarantine(world) || !lacks || !self.has_control_row(world) {
            return None;
        }
        let task = &mut world.tasks[task];
        match task.hands[process] {
            Hand::Missed { ago } if ago >= self.rules.gap => {}
            Hand::Idle if self.rules.scans == 1 => {}
            Hand::Idle => {
                task.hands[process] = Hand::Missed { ago: 0 };
                return Some(());
            }
            Hand::Missed { .. } | Hand::Reserved { .. } | Hand::Waiting { .. } => return None,
        }
        task.hands[process] = Hand::Idle;
        task.page = Page::Planned { tries: n };
        Some(())
    }

    fn survey(&self, world: &mut World<TASKS>, process: usize) -> Option<()> {
        let Trust::Restored { age, missed } = world.trust else { return None };
        let lacks = |task: &Task| {
            task.posts.iter().all(|post| match post {
                Post::Bought { n, .. } => task.page == Page::Bought { n: *n } || self.may_lack(world, *post),
                Post::None | Post::Open { .. } | Post::Orphan { .. } => true,
            })
        };
        let counts = age >= self.quarantine(world) && self.has_control_row(world);
        if !world.running[process] || !counts || !world.tasks.iter().all(lacks) {
            return None;
        }
        world.trust = match missed {
            Some(ago) if ago >= self.rules.gap => Trust::Whole,
            None if self.rules.scans == 1 => Trust::Whole,
            None => Trust::Restored { age, missed: Some(0) },
            Some(_) => return None,
        };
        Some(())
    }
}

fn send(task: &mut Task, process: usize) -> Option<()> {
    let Hand::Reserved { n } = task.hands[process] else { return None };
    let headroom = task.posts.iter_mut().find(|post| **post == Post::None)?;
    *headroom = Post::Open { n, by: u8::try_from(process).ok()? };
    task.hands[process] = Hand::Waiting { n };
    Some(())
}

/// Evidence that attempt `n` bought nothing.
fn not_bought(task: &mut Task, process: usize) -> Option<()> {
    let (Hand::Reserved { n } | Hand::Waiting { n }) = task.hands[process] else { return None };
    task.hands[process] = Hand::Idle;
    match task.page {
        Page::Sending { n: known, .. } if known == n => task.page = Page::Planned { tries: n },
        Page::Planned { .. } | Page::Sending { .. } | Page::Bought { .. } => {}
    }
    Some(())
}

fn refuse(task: &mut Task, place: usize) -> Option<()> {
    let Post::Open { by, .. } = task.posts[place] else { return None };
    task.posts[place] = Post::None;
    not_bought(task, by.into())
}

fn reply(task: &mut Task, process: usize) -> Option<()> {
    let Hand::Waiting { n } = task.hands[process] else { return None };
    task.purchase(n)?;
    task.hands[process] = Hand::Idle;
    match task.page {
        Page::Sending { n: known, .. } if known != n => {}
        Page::Planned { .. } | Page::Sending { .. } => task.page = Page::Bought { n },
        Page::Bought { .. } => {}
    }
    Some(())
}

/// An older copy takes the ledger's place while nobody runs. It can do so again.
fn restore<const TASKS: usize>(world: &mut World<TASKS>) -> Option<()> {
    let copy = world.copy?;
    if world.running != [false; 2] {
        return None;
    }
    world.tasks.iter_mut().for_each(|task| task.page = task.copy);
    world.proof = copy.proof;
    world.trust = Trust::Replaced;
    Some(())
}
