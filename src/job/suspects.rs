//! Prompts that can be asked as they stand, and were probably not meant like that: a template that nothing fills in, text that
//! was decoded wrongly, a line that is a comment, an item of a numbered list. They are bought, so `plan` says so before.

use super::notation::Kind;
use crate::product::named;

named! {
    /// What is odd about a prompt.
    Oddness {
        /// `{product}`, `${city}` or `{{x}}`: nothing is put in its place.
        Placeholder = "placeholder",
        /// UTF-8 that was read as something else and written again: `KÃ¼che`.
        Mojibake = "mojibake",
        /// A line of a text file that begins with `#` or `//`.
        Comment = "comment",
        /// A line of a text file that begins with its number or a dash.
        ListItem = "list_item",
        /// A line of a text file in quotes, or with a comma at its end.
        Quoted = "quoted",
        /// A line of a text file that is the header of a table.
        Header = "header",
    }
}

/// Odd prompts of a set, alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspects {
    /// What is odd about them.
    pub oddness: Oddness,
    /// How many.
    pub prompts: u64,
    /// The line of the first (of the job file's own prompts: which it is, from 1).
    pub line: usize,
    /// The part of it that is odd.
    pub shown: String,
}

/// As much of a prompt as is repeated.
const SHOWN: usize = 60;

/// What was seen of a set.
#[derive(Debug, Default)]
pub(super) struct Watch {
    found: Vec<Suspects>,
    prompts: u64,
}

impl Watch {
    /// The next prompt.
    pub(super) fn see(&mut self, line: usize, text: &str, kind: Option<Kind>) {
        self.prompts += 1;
        let is_first = self.prompts == 1;
        let of_text = || (kind == Some(Kind::Text)).then(|| of_line(text, is_first)).flatten();
        let Some((oddness, shown)) = placeholder(text).or_else(|| mojibake(text)).or_else(of_text) else { return };
        if let Some(known) = self.found.iter_mut().find(|known| known.oddness == oddness) {
            known.prompts += 1;
        } else {
            let shown = shown.chars().take(SHOWN).collect();
            self.found.push(Suspects { oddness, prompts: 1, line, shown });
        }
    }

    /// What is to be said: of items of a list only where most lines are some, since a question may begin with a number.
    pub(super) fn finish(self) -> Vec<Suspects> {
        let all = self.prompts;
        let is_told = |suspects: &Suspects| match suspects.oddness {
            Oddness::ListItem | Oddness::Quoted => suspects.prompts > 1 && suspects.prompts * 2 > all,
            Oddness::Placeholder | Oddness::Mojibake | Oddness::Comment | Oddness::Header => true,
        };
        self.found.into_iter().filter(is_told).collect()
    }
}

type Odd<'t> = Option<(Oddness, &'t str)>;

/// A word in braces.
fn placeholder(text: &str) -> Odd<'_> {
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let inner = inside.trim_start_matches('{');
        let end = inner.find('}')?;
        let word = inner[..end].trim();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        if (1..=30).contains(&word.chars().count()) && word.chars().all(is_word) && word.contains(char::is_alphabetic) {
            let length = inside.len() - inner.len() + end + 1;
            let whole = &rest[open..=open + length];
            let closing = rest[open + length + 1..].len() - rest[open + length + 1..].trim_start_matches('}').len();
            return Some((Oddness::Placeholder, rest.get(open..open + whole.len() + closing).unwrap_or(whole)));
        }
        rest = &inner[end..];
    }
    None
}

/// Two or three letters that are one, read in another encoding.
fn mojibake(text: &str) -> Odd<'_> {
    let is_rest = |c: char| ('\u{80}'..='\u{bf}').contains(&c) || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(c);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let is_odd = match letter {
            'Ã' | 'Â' | 'â' | 'Ð' | 'Ñ' => next.is_some_and(is_rest),
            '\u{fffd}' => true,
            'ï' => text[at..].starts_with("ï»¿"),
            _ => false,
        };
        if is_odd {
            let word = text[at..].find(char::is_whitespace).map_or(text.len(), |end| at + end);
            let start = text[..at].rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
            return Some((Oddness::Mojibake, text.get(start..word).unwrap_or_default()));
        }
    }
    None
}

/// What a line of a text file is instead of a prompt.
fn of_line(text: &str, is_first: bool) -> Odd<'_> {
    if text.starts_with("# ") || text.starts_with("##") || text.starts_with("//") {
        return Some((Oddness::Comment, text));
    }
    if is_first && super::header::is_of_header_words(text) {
        return Some((Oddness::Header, text));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let behind = &text[digits..];
    let is_numbered = (1..=4).contains(&digits) && (behind.starts_with(". ") || behind.starts_with(") "));
    if is_numbered || ["- ", "* ", "• ", "– "].iter().any(|mark| text.starts_with(mark)) {
        return Some((Oddness::ListItem, text));
    }
    let is_quoted =
        text.len() > 2 && text.starts_with(['"', '\'', '“']) && text.trim_end_matches(',').ends_with(['"', '\'', '”']);
    is_quoted.then_some((Oddness::Quoted, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(prompts: &[&str], kind: Option<Kind>) -> Vec<String> {
        let mut watch = Watch::default();
        prompts.iter().enumerate().for_each(|(at, text)| watch.see(at + 1, text, kind));
        let shown = |of: &Suspects| format!("{} x{} at {}: {}", of.oddness, of.prompts, of.line, of.shown);
        watch.finish().iter().map(shown).collect()
    }

    #[test]
    fn what_nothing_fills_in_is_seen_in_any_file() {
        let found = said(&["which crm?", "best {product} in ${city}?", "best {{ x }} now?"], Some(Kind::Table));
        assert_eq!(found, ["placeholder x2 at 2: {product}"]);
        assert_eq!(said(&["best {{x}}?"], None), ["placeholder x1 at 1: {{x}}"]);
        assert!(said(&["what does {} mean in Rust?", "{\"a\": 1}", "a } b {", "{1, 2}"], None).is_empty());
    }

    #[test]
    fn text_that_was_decoded_twice_is_seen_and_foreign_letters_are_none() {
        assert_eq!(said(&["KÃ¼che kaufen", "itâ€™s"], None), ["mojibake x2 at 1: KÃ¼che"]);
        assert!(said(&["São Paulo", "ÇA VA", "Ângela", "À Å Ñandú", "où"], None).is_empty());
    }

    #[test]
    fn lines_that_are_no_prompts_are_seen_in_text_files_alone() {
        let lines = ["prompt", "# crm", "1. which crm?", "2. which erp?", "3. why?", "4. how?"];
        assert_eq!(
            said(&lines, Some(Kind::Text)),
            ["header x1 at 1: prompt", "comment x1 at 2: # crm", "list_item x4 at 3: 1. which crm?"]
        );
        assert!(said(&lines, Some(Kind::Table)).is_empty());
        assert!(said(&["3. place of 2024?", "which crm?"], Some(Kind::Text)).is_empty());
        assert_eq!(said(&["\"a\",", "\"b\","], Some(Kind::Text)), ["quoted x2 at 1: \"a\","]);
    }
}
