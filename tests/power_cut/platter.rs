//! What a disk holds after a power cut: everything that was synced, and a random part of the rest.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::disk::{FileId, Files, Op, put};

/// The least that a disk writes whole.
const SECTOR: usize = 512;

/// Which of the operations that were not synced have reached the platter.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    Nothing,
    All,
    /// Any of them: a disk writes in the order it likes.
    Some(Rng),
    /// Any sectors of any of them.
    Torn(Rng),
}

impl Keep {
    fn operation(&mut self) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Some(rng) => rng.bool(),
            Self::Torn(rng) => rng.u8(..4) > 0,
        }
    }

    /// A sector of an operation that is kept.
    fn sector(&mut self) -> bool {
        match self {
            Self::Torn(rng) => rng.u8(..8) > 0,
            Self::Nothing | Self::All | Self::Some(_) => true,
        }
    }

    /// How many of the folder's last changes: they are kept in order, as file systems with a journal do.
    fn names(&mut self, changes: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::All => changes,
            Self::Some(rng) | Self::Torn(rng) => rng.usize(..=changes),
        }
    }
}

#[derive(Debug, Default)]
struct Stored {
    synced: Vec<u8>,
    /// Writes and truncations since, by their place in the log.
    since: Vec<usize>,
    syncs_folder: bool,
}

/// The log of a disk, replayed up to a point.
#[derive(Debug)]
pub(crate) struct Platter<'l> {
    log: &'l [Op],
    pub(crate) done: usize,
    files: Vec<Stored>,
    names: BTreeMap<String, FileId>,
    /// Changes of the folder that no sync has covered, each with its file, where it makes one.
    names_since: Vec<(usize, FileId)>,
}

impl<'l> Platter<'l> {
    pub(crate) fn new(log: &'l [Op]) -> Self {
        Self { log, done: 0, files: Vec::new(), names: BTreeMap::new(), names_since: Vec::new() }
    }

    /// Takes the next operation; false where there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(op) = self.log.get(self.done) else { return false };
        match op {
            Op::Create { syncs_folder, .. } => {
                self.names_since.push((self.done, self.files.len()));
                self.files.push(Stored { syncs_folder: *syncs_folder, ..Stored::default() });
            }
            Op::Write { file, .. } | Op::Truncate { file, .. } => self.files[*file].since.push(self.done),
            Op::Sync { file } => {
                let stored = &mut self.files[*file];
                for change in std::mem::take(&mut stored.since) {
                    apply(&self.log[change], &mut stored.synced, &mut Keep::All);
                }
                if std::mem::take(&mut stored.syncs_folder) {
                    self.sync_folder();
                }
            }
            Op::Delete { syncs_folder, .. } => {
                self.names_since.push((self.done, usize::MAX));
                if *syncs_folder {
                    self.sync_folder();
                }
            }
        }
        self.done += 1;
        true
    }

    fn sync_folder(&mut self) {
        for (change, file) in std::mem::take(&mut self.names_since) {
            rename(&self.log[change], file, &mut self.names);
        }
    }

    /// Nothing is left to chance.
    pub(crate) fn is_settled(&self) -> bool {
        self.names_since.is_empty() && self.names.values().all(|file| self.files[*file].since.is_empty())
    }

    /// What is there after a cut of the power now.
    pub(crate) fn cut(&self, mut keep: Keep) -> Files {
        let mut names = self.names.clone();
        let kept = keep.names(self.names_since.len());
        for (change, file) in &self.names_since[..kept] {
            rename(&self.log[*change], *file, &mut names);
        }
        let read = |(name, file): (String, FileId)| {
            let stored = &self.files[file];
            let mut bytes = stored.synced.clone();
            for change in &stored.since {
                if keep.operation() {
                    apply(&self.log[*change], &mut bytes, &mut keep);
                }
            }
            (name, bytes)
        };
        names.into_iter().map(read).collect()
    }
}

fn rename(op: &Op, file: FileId, names: &mut BTreeMap<String, FileId>) {
    match op {
        Op::Create { name, .. } => drop(names.insert(name.clone(), file)),
        Op::Delete { name, .. } => drop(names.remove(name)),
        Op::Write { .. } | Op::Truncate { .. } | Op::Sync { .. } => {}
    }
}

/// Does to the bytes of a file what was done to it.
fn apply(op: &Op, bytes: &mut Vec<u8>, keep: &mut Keep) {
    match op {
        Op::Write { at, bytes: written, .. } => {
            let (mut from, end) = (*at, at + written.len());
            if !matches!(keep, Keep::Torn(_)) {
                put(bytes, from, written);
                return;
            }
            while from < end {
                let to = end.min((from / SECTOR + 1) * SECTOR);
                if keep.sector() {
                    put(bytes, from, &written[from - at..to - at]);
                }
                from = to;
            }
        }
        Op::Truncate { len, .. } => bytes.truncate(*len),
        Op::Create { .. } | Op::Sync { .. } | Op::Delete { .. } => {}
    }
}
