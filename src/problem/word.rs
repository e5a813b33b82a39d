//! The words of a key that takes one of a few: what others call them, and all there are.

/// Words of other programs, and what they are called here: by the key that they stand under.
const CALLED: &[(&str, &str, &[&str])] = &[
    ("engine", "chat_gpt", &["openai", "gpt", "gpt-4", "gpt-4o", "gpt-5", "chatgpt-4", "chat gpt", "chat-gpt"]),
    ("engine", "gemini", &["google", "bard", "google gemini", "vertex", "google_gemini"]),
    ("engine", "claude", &["anthropic", "sonnet", "opus"]),
    ("engine", "perplexity", &["sonar", "pplx", "perplexity.ai", "perplexity_ai"]),
    ("function", "llm_scraper", &["scraper", "scrape", "web", "ui", "browser", "llm-scraper", "llmscraper"]),
    ("function", "llm_responses", &["api", "responses", "response", "model", "completion", "chat", "llm-responses"]),
    ("method", "standard", &["async", "batch", "queue", "task", "task_post", "post", "queued"]),
    ("method", "live", &["sync", "realtime", "real-time", "instant", "direct"]),
    ("priority", "normal", &["low", "default", "standard", "medium", "1"]),
    ("priority", "high", &["urgent", "fast", "asap", "highest", "critical", "2"]),
    ("priority", "auto", &["automatic", "dynamic", "cheapest"]),
    ("period", "hour", &["hourly", "hours", "1h"]),
    ("period", "day", &["daily", "days", "1d", "24h", "today"]),
    ("period", "week", &["weekly", "weeks", "7d"]),
    ("period", "month", &["monthly", "months", "30d"]),
    ("period", "once", &["one-time", "onetime", "single", "never", "none", "no", "1"]),
    ("when_short", "trim", &["cut", "partial", "truncate", "part", "continue", "skip"]),
    ("when_short", "refuse", &["stop", "abort", "fail", "error", "cancel", "all-or-nothing", "all_or_nothing"]),
    ("results", "advanced", &["json", "structured", "text", "markdown", "regular", "parsed"]),
    ("results", "html", &["page", "raw", "web"]),
    ("route", "dataforseo", &["data_for_seo", "data-for-seo", "dfs", "seo", "default"]),
    ("route", "aisa", &["gateway"]),
    ("route", "sandbox", &["test", "simulator", "fake", "mock", "local"]),
];

/// Every word of another program, with its key and the name of it here.
#[cfg(test)]
pub(crate) fn all_called() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CALLED.iter().flat_map(|(key, name, words)| words.iter().map(|word| (*key, *name, *word)))
}

/// What this word is called here.
pub(crate) fn called(key: &str, word: &str, known: &[&'static str]) -> Option<&'static str> {
    let word = word.trim().to_lowercase();
    let row = CALLED.iter().find(|(of, _, words)| *of == key && words.contains(&&*word));
    row.map(|(_, name, _)| *name).filter(|name| known.contains(name))
}

/// What more there is to say of the words of a key.
fn besides(key: &str, known: &[&str]) -> &'static str {
    match key {
        "priority" if known.contains(&"auto") => {
            "; `auto` chooses method and priority by the job's `deadline`, which it needs"
        }
        _ => "",
    }
}

/// All the words, and the likely one first.
pub(super) fn help(key: &str, near: Option<&str>, known: &[&str]) -> String {
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let it = if near.is_empty() { "it" } else { "It" };
    format!("{near}{it} can be {}{}", list(known), besides(key, known))
}

/// `` `a`, `b`, `c` ``
pub(super) fn list(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}
