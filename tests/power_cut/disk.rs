//! A disk in memory that records every request, in order, and that can break or be full.
//!
//! It shows a process what was written, synced or not, as an operating system does. `platter` decides what survives a
//! power cut.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A file, in the order in which they were made.
pub(crate) type FileId = usize;
/// What a disk holds, by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Something that was done to the disk.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The next file. `syncs_folder`: its first sync is one of the folder too, as SQLite has it for its logs on Unix.
    Create { name: String, syncs_folder: bool },
    /// Bytes from here on.
    Write { file: FileId, at: usize, bytes: Arc<[u8]> },
    /// Nothing from here on.
    Truncate { file: FileId, len: usize },
    /// What was done to the file is to outlive a cut of the power.
    Sync { file: FileId },
    /// Its name is free.
    Delete { name: String, syncs_folder: bool },
}

/// Why the disk did not do as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A write came to an error.
    Write,
    /// A sync came to an error.
    Sync,
    /// There is no room.
    Full,
}

/// The disk, as a process sees it.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    names: BTreeMap<String, FileId>,
    files: Vec<Vec<u8>>,
    pub(crate) log: Vec<Op>,
    /// What is to fail, and so many operations of that kind from now.
    fault: Option<(Failure, u64)>,
    /// It has failed.
    pub(crate) failed: bool,
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
    /// The database is open: one connection at a time, since nothing is locked here.
    pub(crate) in_use: bool,
}

impl Disk {
    /// A disk that holds these files, safely.
    pub(crate) fn holding(files: Files) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in files {
            disk.names.insert(name, disk.files.len());
            disk.files.push(bytes);
        }
        disk
    }

    /// All that a process finds on it.
    pub(crate) fn holds(&self) -> Files {
        self.names.iter().map(|(name, file)| (name.clone(), self.files[*file].clone())).collect()
    }

    /// After so many more operations of its kind, the next one fails: one that is full for good, the others once.
    pub(crate) fn fail_after(&mut self, failure: Failure, operations: u64) {
        self.fault = Some((failure, operations));
    }

    /// An empty file is none, to SQLite on Unix.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|file| !self.files[*file].is_empty())
    }

    pub(crate) fn open(&mut self, name: &str, create: bool, syncs_folder: bool) -> Option<FileId> {
        if let Some(file) = self.names.get(name) {
            return Some(*file);
        }
        create.then(|| {
            self.log.push(Op::Create { name: name.to_owned(), syncs_folder });
            self.names.insert(name.to_owned(), self.files.len());
            self.files.push(Vec::new());
            self.files.len() - 1
        })
    }

    /// True where there was one.
    pub(crate) fn delete(&mut self, name: &str, syncs_folder: bool) -> bool {
        let there = self.names.remove(name).is_some();
        if there {
            self.log.push(Op::Delete { name: name.to_owned(), syncs_folder });
        }
        there
    }

    pub(crate) fn bytes(&self, file: FileId) -> &[u8] {
        &self.files[file]
    }

    /// Where it fails, half of it was written.
    pub(crate) fn write(&mut self, file: FileId, at: usize, bytes: &[u8]) -> Result<(), Failure> {
        self.writes += 1;
        let struck = self.strikes(&[Failure::Write, Failure::Full]);
        let bytes = if struck.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        put(&mut self.files[file], at, bytes);
        self.log.push(Op::Write { file, at, bytes: bytes.into() });
        struck.map_or(Ok(()), Err)
    }

    pub(crate) fn truncate(&mut self, file: FileId, len: usize) {
        self.files[file].truncate(len);
        self.log.push(Op::Truncate { file, len });
    }

    pub(crate) fn sync(&mut self, file: FileId) -> Result<(), Failure> {
        self.syncs += 1;
        if let Some(failure) = self.strikes(&[Failure::Sync]) {
            return Err(failure);
        }
        self.log.push(Op::Sync { file });
        Ok(())
    }

    fn strikes(&mut self, kinds: &[Failure]) -> Option<Failure> {
        let (failure, left) = self.fault.filter(|(failure, _)| kinds.contains(failure))?;
        if left > 0 {
            self.fault = Some((failure, left - 1));
            return None;
        }
        self.failed = true;
        if failure != Failure::Full {
            self.fault = None;
        }
        Some(failure)
    }
}

/// Writes into a file, which grows where it must; what lies between is zero.
pub(crate) fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
