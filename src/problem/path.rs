//! What to do about the path of a prompt file: what a shell expands and a job file does not, what another system writes, and
//! kinds of files that hold no prompts as they are.

use std::io;
use std::path::Path;

/// What to do about a file that cannot be read; `near` is a file in its folder that is nearly called so.
pub(super) fn unreadable(file: &str, near: Option<&str>) -> String {
    let stated = if file.contains("/~") || file.starts_with('~') {
        "`~` is not expanded here: write the whole path, or one relative to the job file"
    } else if file.contains(['*', '?']) {
        "`*` and `?` are not expanded here: name one file for each prompt set"
    } else if file.contains('$') || file.matches('%').count() > 1 {
        "variables are not expanded here: write the whole path, or one relative to the job file"
    } else if file.contains("file:/") {
        "write the path without `file://`"
    } else if is_address(file) {
        DOWNLOAD
    } else if file.contains('\\') && !cfg!(windows) {
        "on this machine the parts of a path are separated by `/`, and there is no drive `C:`"
    } else if file.trim() != file {
        "there is a blank before or behind the name: remove it"
    } else {
        return match near {
            Some(near) => format!("did you mean `{near}`? Paths are relative to the job file"),
            None => "paths are relative to the job file; check that it is there and readable".to_owned(),
        };
    };
    stated.to_owned()
}

const DOWNLOAD: &str = "only files of this machine are read: download it first";

fn is_address(file: &str) -> bool {
    // Joined to a folder, `https://` has one slash or two.
    ["http:/", "https:/", "ftp:/", "s3:/", "gs:/"].iter().any(|scheme| file.contains(scheme))
}

/// What to do about a file of no kind that is read.
pub(super) fn unknown_kind(file: &str) -> String {
    let extension = Path::new(file.trim()).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let stated = match extension.as_deref() {
        _ if is_address(file) => DOWNLOAD,
        _ if file.trim() != file => "there is a blank before or behind the name: remove it",
        Some("xls" | "xlsb" | "xlt" | "ods" | "numbers" | "gsheet") => "save it as `.xlsx`, or as CSV UTF-8",
        Some("json") => {
            "write one value a line, as `jq -c '.[]' old.json > new.jsonl` does, and give it the ending `.jsonl`"
        }
        Some("doc" | "docx" | "odt" | "rtf" | "pdf" | "md" | "markdown" | "html" | "htm") => {
            "save it as plain text with one prompt a line and the ending `.txt`"
        }
        Some("yaml" | "yml" | "toml" | "xml" | "ini") => {
            "write the prompts into `prompts = [...]`, or into a `.txt` file with one prompt a line"
        }
        Some("parquet" | "feather" | "arrow" | "db" | "sqlite" | "sqlite3" | "pkl") => "export it as CSV or JSON Lines",
        Some("gz" | "zip" | "zst" | "bz2" | "xz" | "7z" | "tar" | "tgz") => "unpack it first",
        Some("psv" | "dat" | "list" | "lst" | "text" | "prn" | "data") => {
            "give it the ending of what it holds: `.txt` for one prompt a line, `.csv` or `.tsv` for a table"
        }
        _ => {
            "use .txt with one prompt a line, a table in .csv, .tsv or .xlsx, or .jsonl; in TOML a path with \\ stands in single \
             quotes"
        }
    };
    stated.to_owned()
}

/// Why a file could not be used: in our words where there are some, since the system's differ from one to the next.
pub(crate) fn io_reason(error: &io::Error) -> String {
    let known = [
        (io::ErrorKind::NotFound, "there is no such file"),
        (io::ErrorKind::PermissionDenied, "permission denied"),
        (io::ErrorKind::IsADirectory, "it is a folder"),
    ];
    let ours = known.iter().find(|(kind, _)| *kind == error.kind());
    ours.map_or_else(|| error.to_string(), |(_, words)| (*words).to_owned())
}
