//! Text of others, made fit to be shown.

/// Without what moves a terminal's cursor, changes its colours or turns its text around; a character for a character,
/// so that columns stay.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
            '\x7f' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => char::REPLACEMENT_CHARACTER,
            _ => c,
        })
        .collect()
}

/// The same for a line of source, where a tab is only white space.
pub(super) fn printable_source(text: &str) -> String {
    text.split('\t').map(printable).collect::<Vec<_>>().join("\t")
}
