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
    fn an_existing_folder_has_known_free_space() {
        assert_eq!(free_bytes(Path::new(".")).is_some(), cfg!(unix));
        assert_eq!(free_bytes(Path::new("no such folder")), None);
        assert_eq!(free_for(Path::new("no such folder/bursar.db")).is_some(), cfg!(unix));
    }
}
