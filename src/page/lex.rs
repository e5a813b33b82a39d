//! Just enough of TOML's letters to find where a slip was made: strings, comments and brackets, in text that is no TOML.

use std::ops::Range;

/// The line of a place, without its end.
pub(super) fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..if text[start..end].ends_with('\r') { end - 1 } else { end }
}

/// The quoted text of a line that a place is in or just behind, with its quotes; to the end of the line where it has no
/// closing quote.
pub(super) fn string_around(text: &str, line: &Range<usize>, at: usize) -> Option<Range<usize>> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (offset, c) in text[line.clone()].char_indices() {
        let here = line.start + offset;
        match open {
            None if c == '"' || c == '\'' => open = Some((here, c)),
            None if c == '#' => break,
            Some(_) if escaped => escaped = false,
            Some((_, '"')) if c == '\\' => escaped = true,
            Some((start, quote)) if c == quote => {
                if (start..=here).contains(&at) {
                    return Some(start..here + 1);
                }
                open = None;
            }
            None | Some(_) => {}
        }
    }
    open.map(|(start, _)| start..line.end).filter(|string| (string.start..=string.end).contains(&at))
}

/// The last bracket of a value that nothing closes before the next header or the end.
pub(super) fn never_closed(text: &str) -> Option<(usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end();
        let is_header = line.starts_with('[') && line.ends_with(']') && !line.contains([',', '"', '\'']);
        if is_header && !open.is_empty() {
            return open.pop();
        }
        if !is_header {
            brackets(line, at, &mut open);
        }
        at += whole.len();
    }
    open.pop()
}

/// Notes the brackets of a line that open and close.
fn brackets(line: &str, at: usize, open: &mut Vec<(usize, char)>) {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (offset, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(opened), c) if c == opened => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return,
            (None, '[' | '{') => open.push((at + offset, c)),
            (None, ']' | '}') => {
                let of = if c == ']' { '[' } else { '{' };
                match open.last() {
                    Some((_, last)) if *last == of => drop(open.pop()),
                    // Another one is closed: the last is the one that is not.
                    Some(_) => return,
                    None => {}
                }
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// What stands there up to a comma, a bracket or the end of the line.
pub(super) fn word(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..rest.find([',', ']', '}', '\n', '\r', '#']).unwrap_or(rest.len())]
}

/// The line, from 1, of the key or table of this name that stands first before a place.
pub(super) fn first_of(text: &str, name: &str, before: usize) -> Option<usize> {
    let is_it = |line: &str| {
        let line = line.trim();
        let header = line.trim_start_matches('[').trim_end_matches(']').trim();
        let of_header = line.starts_with('[') && (header == name || header.ends_with(&format!(".{name}")));
        of_header || line.split_once('=').is_some_and(|(key, _)| key.trim() == name)
    };
    let lines: Vec<&str> = text[..before].lines().collect();
    lines.iter().rposition(|line| is_it(line)).map(|at| at + 1)
}

/// Quotes that a word processor makes of straight ones.
pub(super) fn is_curly(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›' | '`' | '´' | '\u{ff02}' | '\u{301d}'..='\u{301f}')
}

/// Characters that nobody sees.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
