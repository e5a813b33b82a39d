//! The disk of the ledger: its free space, and the space that the purchases need.

use std::path::Path;

/// The folder of a ledger, or the nearest above it that is there.
fn folder_of(ledger: &Path) -> Option<&Path> {
    let folder = ledger.ancestors().skip(1).find(|folder| folder.as_os_str().is_empty() || folder.exists())?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// What is free for a ledger; nothing where it cannot be told.
pub(super) fn free_for(ledger: &Path) -> Option<u64> {
    free_bytes(folder_of(ledger)?)
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Whether so much can be written beside a ledger: a quota, or a limit on the size of a file, may allow less than what is
/// free. Nothing where it cannot be known.
pub(super) fn takes(ledger: &Path, bytes: u64) -> Option<bool> {
    let there = std::fs::metadata(ledger).map_or(0, |facts| facts.len());
    reserve(folder_of(ledger)?, bytes, there)
}

/// Reserves so much in a file without a name, and gives it back; `there` is what the file that is to grow has already.
#[cfg(target_os = "linux")]
fn reserve(folder: &Path, bytes: u64, there: u64) -> Option<bool> {
    use rustix::fs::{FallocateFlags, fallocate, fstatfs};
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};

    /// In memory: what is free there is known, and what is reserved would be taken from the machine's memory.
    const TMPFS: u64 = 0x0102_1994;

    // Beyond this limit the kernel ends the process.
    if getrlimit(Resource::Fsize).current.is_some_and(|most| there.saturating_add(bytes) > most) {
        return Some(false);
    }
    let path = folder.join(format!(".bursar-room.{}", std::process::id()));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path).ok()?;
    // Its space is free again with its last handle, however this ends.
    std::fs::remove_file(&path).ok()?;
    if u64::try_from(fstatfs(&file).ok()?.f_type).ok()? == TMPFS {
        return None;
    }
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Some(true),
        Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Some(false),
        Err(error) => {
            tracing::debug!(%error, "what the disk takes cannot be tried");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &Path, _: u64, _: u64) -> Option<bool> {
    None
}

/// In what people count in.
pub(super) fn size(bytes: u64) -> String {
    if bytes >= 10 << 30 {
        format!("{} GiB", bytes >> 30)
    } else if bytes >= 1 << 20 || bytes == 0 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{} KiB", bytes.div_ceil(1 << 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_of_what_people_count_in() {
        assert_eq!(
            [0, 1, 16 << 10, 5 << 20, 4 << 30, 10 << 30, 250 << 30].map(size).join(", "),
            "0 MiB, 1 KiB, 16 KiB, 5 MiB, 4096 MiB, 10 GiB, 250 GiB"
        );
    }

    #[test]
    fn space_is_reserved_and_given_back_without_trace() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("bursar.db");
        assert_ne!(takes(&ledger, 1 << 20), Some(false));
        assert_ne!(takes(&ledger, 1 << 61), Some(true));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_existing_folder_has_known_free_space() {
        assert_eq!(free_bytes(Path::new(".")).is_some(), cfg!(unix));
        assert_eq!(free_bytes(Path::new("no such folder")), None);
        assert_eq!(free_for(Path::new("no such folder/bursar.db")).is_some(), cfg!(unix));
    }
}
