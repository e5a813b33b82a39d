//! What an amount or a share was probably meant to be: people write currencies, blanks and separators of thousands.

/// Words and signs of a currency.
const CURRENCIES: [&str; 11] =
    ["US$", "USD", "usd", "Dollars", "dollars", "Dollar", "dollar", "$", "\u{ff04}", "US Dollar", "bucks"];
/// Other currencies: the figure is another one.
const FOREIGN: [&str; 8] = ["€", "EUR", "eur", "Euro", "euro", "£", "GBP", "¥"];

/// Amounts that a text may mean, as they are to be written; several where it is not clear.
pub(crate) fn likely_amounts(text: &str) -> Vec<String> {
    let mut bare = text.trim().to_owned();
    for sign in CURRENCIES {
        bare = bare.replace(sign, "");
    }
    bare.retain(|c| !c.is_whitespace() && !matches!(c, '_' | '\'' | '’' | '\u{a0}' | '\u{202f}'));
    let is_figure = bare.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    if !is_figure || !bare.bytes().any(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let last = bare.rfind(['.', ',']);
    let Some(last) = last else { return vec![bare] };
    let (whole, decimals) = (&bare[..last], &bare[last + 1..]);
    let separator = &bare[last..=last];
    let groups = |digits: &str| digits.split(['.', ',']).skip(1).all(|group| group.len() == 3);
    let whole_digits = whole.replace(['.', ','], "");
    let all_digits = bare.replace(['.', ','], "");
    if whole.contains(separator) {
        // One sign that comes again separates thousands.
        return if groups(&bare) { vec![all_digits] } else { Vec::new() };
    }
    if decimals.len() > 9 || whole_digits.is_empty() && decimals.is_empty() || !groups(whole) {
        return Vec::new();
    }
    let exact = format!("{}.{decimals}", if whole_digits.is_empty() { "0" } else { &whole_digits });
    let is_one_comma = separator == "," && !whole.contains('.');
    if is_one_comma && decimals.len() == 3 { vec![all_digits, exact] } else { vec![exact] }
}

/// What to write instead of a text that is no amount.
pub(super) fn help(text: &str) -> String {
    let mut usual = "write decimal text such as \"12.50\", with at most nine decimals".to_owned();
    if FOREIGN.iter().any(|sign| text.contains(sign)) {
        usual.push_str("; amounts are US dollars");
    }
    let is_without_end =
        ["unlimited", "none", "infinite", "inf", "no limit", "max"].contains(&&*text.trim().to_lowercase());
    if is_without_end {
        usual.push_str("; `run` always has a limit, `day` and `month` can be left out");
    }
    match likely_amounts(text).as_slice() {
        [] => usual,
        [one] => format!("write \"{one}\""),
        several => {
            let each: Vec<String> = several.iter().map(|amount| format!("\"{amount}\"")).collect();
            format!("write {}", each.join(" or "))
        }
    }
}

/// Shares that a text or a number may mean, as they are to be written.
pub(super) fn likely_shares(text: &str) -> Vec<String> {
    let bare = text.trim().trim_end_matches('%').trim().replace(',', ".");
    let (whole, decimals) = bare.split_once('.').unwrap_or((&bare, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 4 {
        return Vec::new();
    }
    let percent = format!("{bare}%");
    let is_fraction = !text.contains('%') && whole == "0" && decimals.bytes().any(|byte| byte != b'0');
    if !is_fraction {
        return vec![percent];
    }
    // Two places to the right.
    let moved = format!("{decimals:0<2}");
    let (head, tail) = moved.split_at(2);
    let (head, tail) = (head.trim_start_matches('0'), tail.trim_end_matches('0'));
    let head = if head.is_empty() { "0" } else { head };
    let of_a_whole = if tail.is_empty() { format!("{head}%") } else { format!("{head}.{tail}%") };
    vec![of_a_whole, percent]
}

/// What to write instead of something that is no share.
pub(super) fn help_with_share(text: &str) -> String {
    match likely_shares(text).as_slice() {
        [one] => format!("write \"{one}\""),
        [of_a_whole, percent] => {
            format!("write \"{of_a_whole}\" if {text} of the price is meant, or \"{percent}\"")
        }
        _ => "write a percentage such as \"5%\" or \"0.5%\", up to \"100%\", or 0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_guessed_only_where_they_are_clear() {
        for (text, amounts) in [
            ("12,50", "12.50"),
            ("$12.50", "12.50"),
            ("12.50 USD", "12.50"),
            (" 12.50 ", "12.50"),
            ("1,250.00", "1250.00"),
            ("1.250,00", "1250.00"),
            ("1 250,00", "1250.00"),
            ("1_000", "1000"),
            ("1'250.50", "1250.50"),
            ("1,250", "1250 1.250"),
            ("1,250,000", "1250000"),
            ("5", "5"),
            (",5", "0.5"),
            ("-5", ""),
            ("1e3", ""),
            ("12.50 €", ""),
            ("12.1234567891", ""),
            ("1.2.3", ""),
            ("", ""),
            (".", ""),
        ] {
            assert_eq!(likely_amounts(text).join(" "), amounts, "{text}");
        }
    }

    #[test]
    fn shares_are_guessed_as_a_part_and_as_percent() {
        for (text, shares) in [
            ("0.1", "10% 0.1%"),
            ("0.125", "12.5% 0.125%"),
            ("0.05", "5% 0.05%"),
            ("0.005", "0.5% 0.005%"),
            ("10", "10%"),
            ("10 %", "10%"),
            ("0,5%", "0.5%"),
            ("1.5", "1.5%"),
            ("-5%", ""),
            ("ten", ""),
        ] {
            assert_eq!(likely_shares(text).join(" "), shares, "{text}");
        }
    }
}
