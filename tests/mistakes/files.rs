//! Prompt files that are not what they should be, and paths that lead nowhere.

use std::path::PathBuf;

use super::{Held, SOUND, snapshot, told};

const OF_THE_JOB: &str = "prompts = [\"which crm is best?\"]";

/// What a person is told of a job with this file beside it, and these lines in its prompt set.
fn of(lines: &str, name: &str, bytes: &[u8]) -> String {
    let files = Held::from([(PathBuf::from("jobs").join(name), bytes.to_vec())]);
    told(&SOUND.replacen(OF_THE_JOB, lines, 1), &files)
}

/// A table of text with a column `prompt`.
fn csv(done: &str, bytes: &[u8]) -> String {
    format!("{done}\n{}", of("file = \"p.csv\"\ncolumn = \"prompt\"", "p.csv", bytes))
}

/// A file of any kind.
fn file(done: &str, name: &str, bytes: &[u8]) -> String {
    format!("{done}\n{}", of(&format!("file = \"{name}\""), name, bytes))
}

/// Lines of the prompt set that lead to no file.
fn path(lines: &str) -> String {
    format!("{}\n{}", lines.replace('\n', " | "), of(lines, "prompts.csv", b"prompt\nx\n"))
}

#[test]
fn a_file_that_is_no_table_of_prompts_is_named_for_what_it_is() {
    let told = [
        csv("no such column", b"id,query\n1,which crm?\n"),
        csv("column in other letters", b"Prompt\nwhich?\n"),
        csv("column twice", b"prompt,prompt\na,b\n"),
        csv("a comma in a prompt", b"id,prompt\n1,which crm?\n2,best erp, please\n"),
        csv("a quote never closed", b"id,prompt\n1,\"which crm?\n2,best erp\n"),
        csv("Windows-1252", b"prompt\nB\xfcrostuhl\nSt\xfchle\n"),
        csv("HTML of a login", b"<!DOCTYPE html><html>login</html>"),
        csv("Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 3\n"),
        csv("empty", b""),
        csv("a header alone", b"prompt\n"),
        csv("errors of formulas", b"prompt\n#REF!\n#N/A\n#NAME?\nwhich?\n"),
        csv("a NUL", b"prompt\nwhich\0 crm?\n"),
        csv("an old workbook", b"\xd0\xcf\x11\xe0rest of it"),
        csv("PDF", b"%PDF-1.4\n..."),
        csv("gzip", b"\x1f\x8b\x08rest"),
        file("no header", "p.csv", b"which crm is the best?\nwhich erp is good?\n"),
        file("several columns", "p.csv", b"prompt\tvolume\nwhich crm?\t10\n"),
        file("table with tabs", "p.txt", b"prompt\ttopic\nx y z\ta\nb c d\tb\n"),
        file("separator", "p.txt", b"which crm?\n---\nwhich erp?\n"),
        file("merge conflict", "p.txt", b"<<<<<<< HEAD\nwhich crm?\n=======\nwhich erp?\n>>>>>>> main\n"),
        file("JSON array", "p.jsonl", b"[{\"prompt\":\"x\"},\n{\"prompt\":\"y\"}]\n"),
        file("broken JSON", "p.jsonl", b"{\"prompt\":\"x\"}\n{\"prompt\":\"y\"\n"),
        file("number for a prompt", "p.jsonl", b"{\"prompt\":5}\n"),
        file("several keys", "p.jsonl", b"{\"id\":1,\"q\":\"x\"}\n"),
        file("no workbook", "p.xlsx", b"prompt\nx\n"),
    ];
    snapshot!("files", told.concat());
}

#[test]
fn a_path_that_leads_nowhere_is_told_with_a_way_out() {
    let table = |name: &str| path(&format!("file = \"{name}\"\ncolumn = \"prompt\""));
    let told = [
        table("promts.csv"),
        table("PROMPTS.CSV"),
        table("nothing.csv"),
        table("~/prompts.csv"),
        table("*.csv"),
        table("$HOME/prompts.csv"),
        table("%USERPROFILE%/prompts.csv"),
        table("file:///tmp/prompts.csv"),
        table("https://docs.google.com/spreadsheets/d/1/export?format=csv"),
        table("https://example.com/prompts.csv"),
        table("prompts.csv "),
        table("p.xls"),
        table("p.ods"),
        table("p.docx"),
        table("p.md"),
        table("p.json"),
        table("p.yaml"),
        table("p.parquet"),
        table("p.csv.gz"),
        table("prompts"),
        path("file = \"C:\\temp\\new.csv\""),
        path("file = [\"prompts.csv\", \"more.csv\"]"),
        path("file = \"prompts.csv\"\ncolumn = 2"),
        path("file = \"prompts.csv\"\ndelimiter = \"semi\""),
        path("file = \"prompts.csv\"\nencoding = \"ansi\""),
        path("file = \"prompts.csv\"\nprompts = [\"x\"]"),
        path("prompts = [\"\", \"  \", \"\\u200b\", \"x\"]"),
    ];
    snapshot!("paths", told.concat());
}
