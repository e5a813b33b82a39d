//! What kind of file was named as a ledger, by its first bytes: a mistyped path is not a damaged ledger.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::LedgerError;

/// How every SQLite database begins.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// So much of a file is looked at.
const HEAD: u64 = 1_024;

/// Refuses a file that is no SQLite database; an empty one may become a ledger. What is damaged behind its first bytes is
/// left to SQLite to find.
pub(super) fn may_be_a_ledger(path: &Path) -> Result<(), LedgerError> {
    let refuse = |what: String| Err(LedgerError::File { path: path.to_owned(), what });
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    match read {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            refuse("this is a folder; name the ledger's file in it with --ledger".to_owned())
        }
        Err(error) => refuse(format!("it cannot be read: {error}")),
        Ok(_) if head.is_empty() || head.starts_with(SQLITE) => Ok(()),
        Ok(_) if is_text(&head) => {
            let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
            let hint = if is_toml { "; a job file is named without --ledger, and a config with --config" } else { "" };
            refuse(format!("this is a text file and no ledger: name the ledger with --ledger{hint}. Nothing was changed"))
        }
        Ok(_) => refuse(
            "this is no SQLite database: another file was named, or the beginning of a ledger is damaged. Check the path \
             first; nothing was changed. Only where it is a ledger, keep this file, and put a copy of the ledger in its \
             place: what that lacks is read from the provider's list before anything is bought"
                .to_owned(),
        ),
    }
}

/// UTF-8 without control characters but those of texts; its last character may be cut.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        may_be_a_ledger(&path).map_or_else(|error| error.to_string(), |()| "it may be one".to_owned())
    }

    #[test]
    fn a_text_file_is_told_from_a_damaged_ledger() {
        let toml = said("job.toml", b"name = \"a\"\n");
        assert!(
            toml.ends_with(
                "job.toml`: this is a text file and no ledger: name the ledger with --ledger; a job file is named without \
                 --ledger, and a config with --config. Nothing was changed"
            ),
            "{toml}"
        );
        let long = "ü".repeat(1_000);
        for text in ["question\r\n\tone", &format!("x{long}")] {
            let said = said("prompts.txt", text.as_bytes());
            assert!(said.ends_with("name the ledger with --ledger. Nothing was changed"), "{said}");
        }
        for bytes in [&[0_u8; 4_096][..], b"PK\x03\x04", b"SQLite format 2\0"] {
            assert!(said("bursar.db", bytes).contains("`: this is no SQLite database: another file was named, or"));
        }
        for bytes in [&b""[..], b"SQLite format 3\0 and more"] {
            assert_eq!(said("bursar.db", bytes), "it may be one");
        }
        assert!(may_be_a_ledger(Path::new(".")).unwrap_err().to_string().contains("this is a folder"));
    }
}
