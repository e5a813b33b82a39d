//! What to write where a value of one kind stands and another is needed.

/// As much of a value as is repeated.
const SHOWN: usize = 80;

/// What to write instead: of what stands there, where that is clear.
pub(super) fn help(key: &str, wants: &str, written: &str) -> String {
    let text = written.trim();
    let bare = text.trim_matches(['"', '\'']);
    if text.chars().count() <= SHOWN
        && let Some(instead) = instead(key, wants, text, bare)
    {
        return instead;
    }
    format!("write {wants}")
}

fn instead(key: &str, wants: &str, text: &str, bare: &str) -> Option<String> {
    let is_text = text.starts_with(['"', '\'']);
    let is_whole = |text: &str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match (key, wants) {
        ("engine", "text in quotes") if text.starts_with('[') => Some(
            "write one engine, or several as `targets = [{ engine = \"chat_gpt\" }, { engine = \"gemini\" }]`"
                .to_owned(),
        ),
        ("file", "text in quotes") if text.starts_with('[') => {
            Some("write one file; each further file is a [[prompt_set]] of its own".to_owned())
        }
        ("column", "text in quotes") => {
            Some("write the column's name as it stands in the header, in quotes".to_owned())
        }
        ("priority", "text in quotes") => Some(super::word::help(key, None, crate::product::PRIORITIES)),
        ("max_price_drift", _) => Some(super::amount::help_with_share(bare)),
        ("budget", "a table") => {
            let amount = super::amount::likely_amounts(bare).first().cloned().unwrap_or_else(|| "12.50".to_owned());
            Some(format!("write `budget = {{ run = \"{amount}\" }}`, or `run = \"{amount}\"` under a header [budget]"))
        }
        ("prompts", "text in quotes") => {
            Some("each prompt is text in quotes; prompts with fields stand in a `file`".to_owned())
        }
        (_, "a duration in quotes") if is_whole(text) => {
            Some(format!("say of what: \"{text}s\", \"{text}m\" or \"{text}h\""))
        }
        (_, "text in quotes") if is_whole(text) || text.parse::<rust_decimal::Decimal>().is_ok() => {
            Some(format!("write \"{text}\""))
        }
        ("prompts", "a list in brackets") if is_text => Some(format!("write [{text}]")),
        (_, "a list in brackets") if is_text => {
            let items: Vec<String> = bare
                .split([',', ';'])
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| format!("\"{item}\""))
                .collect();
            (!items.is_empty()).then(|| format!("write [{}]", items.join(", ")))
        }
        (_, "a list in brackets") if is_whole(text) => Some(format!("write [{text}]")),
        (_, "a whole number") if is_text && is_whole(bare) => Some(format!("write {bare}, without quotes")),
        (_, "true or false") => match bare.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("write true, without quotes".to_owned()),
            "false" | "no" | "off" | "0" => Some("write false, without quotes".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// What to write where an item of a list is no table.
pub(super) fn help_with_table(name: &str, written: &str) -> String {
    let text = written.trim();
    let bare = text.trim_matches(['"', '\'']);
    let is_short = text.starts_with(['"', '\'']) && text.chars().count() <= SHOWN;
    match name {
        "a target" if is_short => format!("write `{{ engine = \"{bare}\" }}`"),
        "a market" => {
            let (location, language) = bare.split_once(['/', ',', ':', '-']).unwrap_or((bare, "en"));
            let (location, language) = if is_short { (location.trim(), language.trim()) } else { ("Germany", "de") };
            format!("write `{{ location = \"{location}\", language = \"{language}\" }}`")
        }
        _ => "write `{ key = value }`, or a [header] of its own".to_owned(),
    }
}
