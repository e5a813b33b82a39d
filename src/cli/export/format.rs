//! The format of an export, and whether its file can be written.

use std::path::Path;

use super::super::args::{ExportArgs, Format};
use super::super::mistake;
use super::super::out::shell;

/// What is said, or what the name of the output file says. A name whose format cannot be written is refused: nobody
/// looks for JSON in a workbook.
pub(super) fn of(args: &ExportArgs) -> anyhow::Result<Format> {
    let format = match (args.format, args.output.as_deref()) {
        (Some(format), _) => format,
        (None, None) => Format::Jsonl,
        (None, Some(path)) => by_name(path)?,
    };
    if args.bom && format != Format::Csv {
        return mistake("--bom is for CSV: JSON Lines begin without a byte order mark");
    }
    Ok(format)
}

fn by_name(path: &Path) -> anyhow::Result<Format> {
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()) else {
        return Ok(Format::Jsonl);
    };
    match &*extension {
        "csv" => Ok(Format::Csv),
        "jsonl" | "ndjson" => Ok(Format::Jsonl),
        _ => mistake(format!(
            "cannot write `{}`: an export is JSON Lines (.jsonl, .ndjson) or CSV (.csv), and no .{extension}; name the file \
             like one of them, or say which it is with --format jsonl or --format csv",
            path.display()
        )),
    }
}

/// The file has a folder to be in, and is not the ledger that is read.
pub(super) fn can_take(output: &Path, ledger: &Path) -> anyhow::Result<()> {
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        return mistake(format!(
            "cannot write `{}`: there is no folder `{}`; make it first: mkdir -p {}",
            output.display(),
            folder.display(),
            shell(&folder.display().to_string())
        ));
    }
    match (output.canonicalize(), ledger.canonicalize()) {
        (Ok(place), Ok(ledger)) if place == ledger => {
            mistake(format!("`{}` is the ledger: name another file for the export", output.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_the_name_of_the_file() {
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("x/A.CSV", Format::Csv),
            ("a.jsonl", Format::Jsonl),
            ("a.csv.ndjson", Format::Jsonl),
            ("answers", Format::Jsonl),
            ("/dev/stdout", Format::Jsonl),
        ] {
            assert_eq!(by_name(Path::new(name)).unwrap(), format, "{name}");
        }
    }

    #[test]
    fn name_of_another_format_is_refused() {
        for name in ["a.parquet", "a.XLSX", "a.txt", "a.json", "a.csv.gz", "a.2026-11-22"] {
            assert!(by_name(Path::new(name)).is_err(), "{name}");
        }
        assert_eq!(
            by_name(Path::new("a.XLSX")).unwrap_err().to_string(),
            "cannot write `a.XLSX`: an export is JSON Lines (.jsonl, .ndjson) or CSV (.csv), and no .xlsx; name the file like \
             one of them, or say which it is with --format jsonl or --format csv"
        );
    }
}
