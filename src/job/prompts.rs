//! The prompts of a job: read as a stream, known by their hashes.
//!
//! Sixteen bytes stay of each distinct prompt; its text is read again when it is needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};

/// Opens files: the disk, or what a test holds in memory.
pub trait Files {
    /// Opens a file to be read from its start.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        Ok(Box::new(BufReader::new(File::open(path)?)))
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, Vec<u8>> {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead>> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}

/// The distinct prompts of a job, in the order of first sight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    hashes: Vec<[u8; 16]>,
}

impl Prompts {
    /// How many.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// True for none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The first 16 bytes of a prompt's BLAKE3 hash.
    ///
    /// # Panics
    /// There is no such prompt.
    pub fn hash(&self, index: u32) -> [u8; 16] {
        self.hashes[index as usize]
    }
}

/// Why the prompts could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError<E> {
    /// A file that could be read when the job was checked cannot be read now.
    #[error("cannot read `{}`", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds other prompts than when the job was checked.
    #[error("`{}` was changed after the job was checked: start the command again", .file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// What was to be done with a prompt failed.
    #[error("{0}")]
    Each(E),
}

/// Where the prompts of a set come from, and what they were.
#[derive(Clone, Debug)]
pub(super) struct Source {}

pub(super) fn each<'s, E>(
    _sources: impl Iterator<Item = &'s Source>,
    _prompts: &Prompts,
    _files: &dyn Files,
    _each: &mut dyn FnMut(u32, &str) -> Result<(), E>,
) -> Result<(), PromptsError<E>> {
    Ok(())
}
