//! Prompt files as tools write them, byte for byte in small: how each is read, or why it is refused.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::super::decode;
use super::*;

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn notation(file: &str, column: Option<&str>) -> Notation {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    Notation {
        kind: match extension {
            Some("txt") => Kind::Text,
            Some("jsonl") => Kind::JsonLines,
            Some("xlsx") => Kind::Sheet,
            _ => Kind::Table,
        },
        column: column.map(str::to_owned),
        delimiter: None,
        encoding: None,
        skip_lines: None,
        sheet: None,
        tabs: extension == Some("tsv"),
    }
}

/// What is read, an item a line, and last how it was recognised.
fn read_as(file: &str, notation: Notation, bytes: &[u8]) -> Vec<String> {
    let path = PathBuf::from(file);
    let origin = Origin::File { path: path.clone(), notation };
    let mut seen = Vec::new();
    let end = read(&origin, &BTreeMap::from([(path, bytes.to_vec())]), &mut |item| {
        seen.push(match item {
            Item::Prompt { line, text } => format!("{line} {text}"),
            Item::EmptyCell => "empty".to_owned(),
            Item::Bad { line, shown, what } => format!("{line} BAD {shown} ({what})"),
        });
        ControlFlow::Continue(())
    });
    match end {
        Err(Unusable::Said(key, wrong)) => seen.push(format!("{key}: {wrong}; {}", wrong.help())),
        Err(Unusable::Io(error)) => seen.push(error.to_string()),
        Ok(None) => {}
        Ok(Some(found)) => {
            let mark = if found.marked { " marked" } else { "" };
            let delimiter = found.delimiter.map(Recognised::shown).unwrap_or_default();
            let encoding = found.encoding.unwrap_or_default();
            seen.push(format!(
                "= {encoding}{mark} {delimiter} -{} {}",
                found.skipped_lines,
                found.column.unwrap_or_default()
            ));
        }
    }
    seen
}

fn text(bytes: &[u8]) -> Vec<String> {
    read_as("a.txt", notation("a.txt", None), bytes)
}

fn table(column: Option<&str>, text: &str) -> Vec<String> {
    read_as("a.csv", notation("a.csv", column), text.as_bytes())
}

#[test]
fn a_text_file_has_a_prompt_a_line() {
    let bytes = "\u{feff}first\r\n\r\n  # no comment \t\r\nthird, with \"quotes\"\n\u{a0}\nlast".as_bytes();
    assert_eq!(text(bytes), ["1 first", "3 # no comment", "4 third, with \"quotes\"", "6 last", "= UTF-8 marked  -0 "]);
    assert_eq!(
        text(b"ok\nb\xe4d\n\na\0b\nand so much more\n"),
        [
            "1 ok",
            "2 BAD b\u{fffd}d (this line is not UTF-8)",
            "4 BAD a\0b (this text holds a NUL character)",
            "5 and so much more",
            "= UTF-8  -0 "
        ]
    );
}

#[test]
fn a_carriage_return_ends_lines_and_rows() {
    assert_eq!(text(b"one\rtwo\r\rthree"), ["1 one", "2 two", "4 three", "= UTF-8  -0 "]);
    assert_eq!(
        table(Some("prompt"), "id,prompt\r1,one\r\r2,\"two\rlines\"\r3,three\r"),
        ["2 one", "4 two\nlines", "6 three", "= UTF-8 `,` -0 prompt"]
    );
}

#[test]
fn a_row_is_known_by_its_first_line() {
    for newline in ["\n", "\r\n", "\r"] {
        let rows = "id,prompt\n1,one\n\n2,\"two\nlines, \"\"quoted\"\"\"\n3, \n4,5\" screen\n5,five\n";
        let rows = rows.replace('\n', newline);
        let seen = ["2 one", "4 two\nlines, \"quoted\"", "empty", "7 5\" screen", "8 five", "= UTF-8 `,` -0 prompt"];
        assert_eq!(table(Some("prompt"), &rows), seen, "{newline:?}");
        assert_eq!(table(Some("id"), &format!("\u{feff}{newline}{rows}"))[0], "3 1");
    }
}

#[test]
fn lines_are_right_beyond_what_is_looked_at() {
    let rows: Vec<String> = (0..20_000).map(|n| format!("{n},\"prompt\n{n}\"\r\n")).collect();
    let seen = table(Some("prompt"), &format!("id,prompt\r\n{}", rows.concat()));
    assert_eq!(seen.len(), 20_001);
    for (n, seen) in seen.iter().take(20_000).enumerate() {
        assert_eq!(*seen, format!("{} prompt\n{n}", 2 * n + 2));
    }
}

#[test]
fn a_malformed_row_is_a_mistake_there() {
    assert_eq!(
        table(Some("prompt"), "id,prompt\n1,one,more\n2\n3,\"open\n4,four\n"),
        [
            "2 BAD 1,one,more (invalid CSV: the number of cells in this row is 3, in the header 2; they are separated by `,`)",
            "3 BAD 2 (invalid CSV: the number of cells in this row is 1, in the header 2; they are separated by `,`)",
            "4 BAD 3,open\n4,four (invalid CSV: a quote is opened in this row and never closed)",
            "= UTF-8 `,` -0 prompt",
        ]
    );
    assert_eq!(
        table(Some("prompt"), "id,prompt\n1,\"best monitor?\n2,cheap?\n3,best 32\" television?\n4, \"a b\"\n5,five\n"),
        [
            "2 BAD 1,best monitor?\n2,cheap?\n3,best 32 television? (invalid CSV: text follows a closing quote on line 4, opened on line 2)",
            "5 BAD 4, \"a b\" (invalid CSV: a quote stands behind blanks at the start of a cell)",
            "6 five",
            "= UTF-8 `,` -0 prompt",
        ]
    );
}

#[test]
fn exports_of_keyword_tools_are_read_as_they_are() {
    let planner = "Keyword Stats 2026-11-20 at 10_12_33\r\n\"1. November 2025 - 31. October 2026\"\r\n\
        Keyword\tCurrency\tAvg. monthly searches\r\nbest crm\tEUR\t1000\r\n\"crm, cheap\"\tEUR\t\r\n";
    let name = "Keyword Stats.csv";
    assert_eq!(
        read_as(name, notation(name, Some("Keyword")), &utf16(planner)),
        ["4 best crm", "5 crm, cheap", "= UTF-16LE marked tabs -2 Keyword"]
    );
    assert_eq!(
        read_as(name, notation(name, None), &utf16(planner)),
        ["column: `Keyword Stats.csv` holds several columns and `column` does not say which; \
          add `column`: the file has `Keyword`, `Currency`, `Avg. monthly searches`"]
    );
    let ahrefs = "\"#\"\t\"Keyword\"\t\"Volume\"\r\n\"1\"\t\"crm; what is it\"\t\"\"\r\n";
    let seen = ["2 crm; what is it", "= UTF-16LE marked tabs -0 Keyword"];
    assert_eq!(read_as("a.csv", notation("a.csv", Some("Keyword")), &utf16(ahrefs)), seen);
    let semrush = "\u{feff}Keyword;Intent;Trend\nbest crm, 2026;Commercial;0.81,0.66\n";
    assert_eq!(table(Some("Keyword"), semrush), ["2 best crm, 2026", "= UTF-8 marked `;` -0 Keyword"]);
    let console = "Top queries,Clicks,CTR\nbest crm,12,3.5%\n";
    assert_eq!(table(Some("Top queries"), console), ["2 best crm", "= UTF-8 `,` -0 Top queries"]);
    let excel = "sep=;\r\nprompt;topic\r\nwelche Bank?;Bank\r\n";
    assert_eq!(table(Some("prompt"), excel), ["3 welche Bank?", "= UTF-8 `;` -1 prompt"]);
    assert_eq!(
        table(None, "prompt;topic\nwelche Bank?;Bank\n"),
        ["column: `a.csv` holds several columns and `column` does not say which; \
          add `column`: the file has `prompt`, `topic`"]
    );
    let unmarked: Vec<u8> = "id\tprompt\n1\tone\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read_as("a.tsv", notation("a.tsv", Some("prompt")), &unmarked), ["2 one", "= UTF-16BE tabs -0 prompt"]);
}

#[test]
fn what_the_job_file_says_of_a_file_counts() {
    let mut said = notation("a.csv", Some("prompt"));
    (said.delimiter, said.skip_lines) = (Some(b'|'), Some(3));
    said.encoding = decode::by_name("cp1252");
    assert_eq!(
        read_as("a.csv", said.clone(), b"title, of this\nx\r\n\nid|prompt\n1|K\xfcche?\n"),
        ["5 Küche?", "= windows-1252 `|` -3 prompt"]
    );
    said.encoding = decode::by_name("utf-16");
    let shown = read_as("a.csv", said, "\u{feff}id|prompt".as_bytes());
    let words = "encoding: `a.csv` begins with the byte order mark of UTF-8, and `encoding` says UTF-16LE; \
        leave `encoding` out: the mark tells";
    assert_eq!(shown, [words]);
    let mut half = utf16("one\ntwo\n");
    half.push(b'x');
    assert_eq!(text(&half), ["1 one", "2 two", "3 BAD \u{fffd} (this line is not UTF-16LE)", "= UTF-16LE marked  -0 "]);
}

#[test]
fn a_prompt_like_header_is_a_mistake() {
    let refused = |first: &str, rest: &str| {
        let seen = table(None, &format!("{first}\n{rest}\n"));
        seen[0].ends_with("(this line is read as the header, and it looks like a prompt)") && seen.len() == 2
    };
    let questions = "Which bank is best?\nWhich card is best?";
    for first in
        ["\"Which bank is best for students?\"", "best bank for students", "best bank", "学生に最適な銀行はどこですか"]
    {
        assert!(refused(first, questions), "{first}");
    }
    assert!(refused("laptop", "monitor\ntelevision"), "a word like those below it");
    for first in ["prompt", "Prompt", "Top queries", "Search term", "user_prompt", "キーワード", "crm"] {
        assert!(!refused(first, questions), "{first}");
    }
    assert_eq!(table(Some("best bank"), "best bank\nwhich?\n"), ["2 which?", "= UTF-8  -0 best bank"]);
}

#[test]
fn a_file_without_prompts_is_refused_at_once() {
    let files: [(&[u8], &str); 8] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 70123\n", "a Git LFS pointer"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>\n<html><body>Sign in</body></html>", "a page of HTML or XML"),
        (b"PK\x03\x04\x14\0\x06\0", "a zip archive or an Excel workbook"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"prompt\n\x01\x02\x03\x04\x05\x06", "not text"),
        (b"{\"error\":{\"code\":401}}\n", "JSON"),
        (b"\xff\xfe\0\0p\0\0\0", "text in UTF-32"),
    ];
    for (bytes, what) in files {
        for file in ["a.txt", "a.csv"] {
            let seen = read_as(file, notation(file, None), bytes);
            let not_a_list = if what.starts_with("not ") { "" } else { ", not a list of prompts" };
            let end = format!("(this file is {what}{not_a_list})");
            assert!(seen.len() == 1 && seen[0].starts_with("1 BAD ") && seen[0].ends_with(&end), "{seen:?}");
        }
    }
    assert_eq!(
        text(b"id\tprompt\n1\tone\n2\ttwo\n"),
        ["1 BAD id\tprompt (this file is a table with tabs, not a list of prompts)", "= UTF-8  -0 "]
    );
}

#[test]
fn invisible_characters_alone_are_no_prompt() {
    let blanks = "\u{200b}\n\u{2060}\u{feff}\n\u{3164} \u{ad}\n\u{200e}\n\u{2800}\na\u{200b}b\n";
    assert_eq!(text(blanks.as_bytes()), ["6 a\u{200b}b", "= UTF-8  -0 "]);
    assert_eq!(table(None, "prompt\n\u{200b}\none\n"), ["empty", "3 one", "= UTF-8  -0 prompt"]);
}

#[test]
fn what_programs_leave_between_prompts_is_not_asked() {
    assert_eq!(
        text(b"one\n---\ntwo\n<<<<<<< HEAD\n"),
        [
            "1 one",
            "2 BAD --- (this line is a separator, not a prompt)",
            "3 two",
            "4 BAD <<<<<<< HEAD (this line is the mark of a merge conflict, not a prompt)",
            "= UTF-8  -0 ",
        ]
    );
}

#[test]
fn a_json_line_is_text_or_keyed_object() {
    let read = |column, text: &str| read_as("a.jsonl", notation("a.jsonl", column), text.as_bytes());
    assert_eq!(
        read(None, "\"one\"\r\n\n{\"prompt\": \"two\\nlines\"}\n{\"prompt\": null}\n"),
        ["1 one", "3 two\nlines", "empty", "= UTF-8  -0 prompt"]
    );
    let tests = "{\"vars\": {\"question\": \"which crm?\"}, \"assert\": []}\n";
    assert_eq!(read(Some("vars.question"), tests), ["1 which crm?", "= UTF-8  -0 vars.question"]);
    let words = "1 BAD {\"vars\": {\"question\": \"which crm?\"}, \"assert\": []} \
        (this line has several keys and `column` does not say which holds the prompt)";
    assert_eq!(read(None, tests), [words, "= UTF-8  -0 "]);
    assert_eq!(
        read(Some("q"), "{\"p\": \"x\"}\n{\"q\": 5}\n[\"x\"]\n{\"q\": \"x\"\n\"\\u200b\"\n"),
        [
            "1 BAD {\"p\": \"x\"} (this line has no `q`)",
            "2 BAD {\"q\": 5} (this line holds a number where a prompt is needed)",
            "3 BAD [\"x\"] (this line holds a list where a prompt is needed)",
            "4 BAD {\"q\": \"x\" (invalid JSON: EOF while parsing an object at column 9)",
            "empty",
            "= UTF-8  -0 q",
        ]
    );
}
