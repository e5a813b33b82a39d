//! Files that are no text, by their first bytes.

/// Formats, each by its first bytes, and what to do about each where text is needed.
const FORMATS: &[(&[u8], &str, &str)] = &[
    (
        b"PK\x03\x04",
        "a zip archive or an Excel workbook",
        "give a workbook its ending `.xlsx`, or save it as CSV UTF-8",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an Excel workbook of the old kind or with a password",
        "save it without one as `.xlsx` or as CSV UTF-8",
    ),
    (b"%PDF-", "a PDF document", SAVE),
    (b"{\\rtf", "a rich text document", "save it as plain text in UTF-8"),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ", "an xz archive", UNPACK),
    (b"7z\xbc\xaf", "a 7-Zip archive", UNPACK),
    (b"\x89PNG", "a picture", SAVE),
    (b"\xff\xd8\xff", "a picture", SAVE),
    (b"SQLite format 3\0", "a SQLite database", SAVE),
    (b"PAR1", "a Parquet file", SAVE),
    (b"\x7fELF", "a program", SAVE),
    (b"\xff\xfe\0\0", "text in UTF-32", "save it as UTF-8"),
    (b"\0\0\xfe\xff", "text in UTF-32", "save it as UTF-8"),
];
/// What to do about a file that is none of text.
pub(crate) const SAVE: &str = "give a file of prompts: text, CSV, JSON Lines or an Excel workbook";
const UNPACK: &str = "unpack it first";

/// What bytes are that are no text, and what to do about it.
pub(crate) fn format_of(start: &[u8]) -> Option<(&'static str, &'static str)> {
    FORMATS.iter().find(|(magic, ..)| start.starts_with(magic)).map(|(_, what, cure)| (*what, *cure))
}
