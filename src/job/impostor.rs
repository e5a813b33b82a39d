//! Files that are not prompt files although their names say so, and lines that are not prompts: refused before they
//! are bought.

use crate::magic::{self, SAVE};
use crate::problem::WrongFile;

/// What a spreadsheet exports where a formula failed, in English and in German.
const FORMULA_ERRORS: [&str; 15] = [
    "#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#ERROR!", "#BEZUG!",
    "#NV", "#WERT!", "#ZAHL!", "#FELD!",
];

/// How many bytes of a file are looked at.
const LOOKED_AT: usize = 2048;
/// One byte in so many may be a control character that no text has.
const ONE_CONTROL_IN: usize = 10;

/// What a file is by its first bytes, where that is no text.
pub(super) fn by_bytes(start: &[u8]) -> Option<WrongFile> {
    magic::format_of(start).map(|(what, cure)| WrongFile::NotPrompts { what, cure })
}

/// What a file is that has the name of a workbook and not its form.
pub(super) fn no_workbook() -> WrongFile {
    WrongFile::NotPrompts {
        what: "not an Excel workbook",
        cure: "save it as `.xlsx`, or give its text the ending `.csv`",
    }
}

/// What a text file is by its first characters, where it holds no prompts.
pub(super) fn by_text(start: &[u8], is_json: bool) -> Option<WrongFile> {
    let start = &start[..start.len().min(LOOKED_AT)];
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 14..=26 | 28..=31);
    if start.iter().filter(is_control).count() * ONE_CONTROL_IN > start.len() {
        return Some(WrongFile::NotPrompts { what: "not text", cure: SAVE });
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start();
    let begins = |words: &str| text.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words));
    let (what, cure) = if begins("version https://git-lfs.github.com/spec/") {
        ("a Git LFS pointer", "`git lfs pull` brings the file itself")
    } else if begins("/annex/objects/") {
        ("a git-annex pointer", "`git annex get` brings the file itself")
    } else if begins("<!doctype ") || begins("<html>") || begins("<html ") || begins("<?xml ") {
        ("a page of HTML or XML", "download the file itself: this may be the page of a login or of an error")
    } else if is_json && text.starts_with('[') {
        ("a JSON array", "write one value a line, as `jq -c '.[]' old.jsonl > new.jsonl` does")
    } else if !is_json && (begins("{\"") || begins("[{")) {
        let first = text.lines().next().unwrap_or_default();
        let is_json = serde_json::from_str::<serde_json::Value>(first).is_ok();
        return is_json.then_some(WrongFile::NotPrompts {
            what: "JSON",
            cure: "give it the ending `.jsonl`, with one value a line",
        });
    } else {
        return None;
    };
    Some(WrongFile::NotPrompts { what, cure })
}

/// What a line or a cell is, where it is no prompt but a mark that a program left.
pub(super) fn by_line(text: &str) -> Option<WrongFile> {
    let (what, cure) = if text.len() >= 3 && text.bytes().all(|byte| byte == b'-') {
        ("a separator", "remove it: here each line is a prompt, and a prompt of several lines needs a .csv file")
    } else if ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| text.starts_with(mark)) || text == "=======" {
        ("the mark of a merge conflict", "settle the conflict first")
    } else if FORMULA_ERRORS.contains(&text) {
        (
            "the error of a spreadsheet's formula",
            "mend the formula, or write the prompt as text; a text that begins with = or - needs an apostrophe before it there",
        )
    } else {
        return None;
    };
    Some(WrongFile::NotAPrompt { what, cure })
}

/// True for a text that shows nothing: white space, characters without a shape, or none at all.
pub(super) fn is_blank(text: &str) -> bool {
    let shapeless = |c: char| {
        c.is_whitespace()
            || c != '\0' && c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().all(shapeless)
}
