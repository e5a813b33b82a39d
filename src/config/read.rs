//! Reads `bursar.toml` and checks its content.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AccountCaps, AccountConfig, Config, Limits, PriceOverride, ProxyConfig, Timing, default_accounts};
use crate::page::{Page, Section, is_name};
use crate::problem::{Problems, Wrong};
use crate::product::{Function, Route};

const KEYS: &[&str] = &["ledger", "state_dir", "bytes_per_answer", "accounts"];
const ACCOUNT_KEYS: &[&str] = &[
    "route",
    "base_url",
    "login_env",
    "login_file",
    "password_env",
    "password_file",
    "key_env",
    "key_file",
    "proxy",
    "proxy_auth_env",
    "proxy_auth_file",
    "user_prompt_decoded",
    "caps",
    "limits",
    "timing",
    "prices",
];
/// What others call some of them.
const ACCOUNT_CALLED: &[(&str, &str)] = &[
    ("budget", "caps"),
    ("cap", "caps"),
    ("url", "base_url"),
    ("endpoint", "base_url"),
    ("host", "base_url"),
    ("api_url", "base_url"),
    ("provider", "route"),
    ("username_env", "login_env"),
    ("user_env", "login_env"),
    ("email_env", "login_env"),
    ("api_key_env", "key_env"),
    ("token_env", "key_env"),
    ("rate_limits", "limits"),
    ("timeouts", "timing"),
    ("pricing", "prices"),
];
const CAP_KEYS: &[&str] = &["day", "month", "keep_balance"];
const LIMIT_KEYS: &[&str] = &[
    "calls_per_minute",
    "in_flight",
    "live_in_flight",
    "tasks_ready_per_minute",
    "id_list_per_minute",
    "user_data_per_minute",
];
const TIMING_KEYS: &[&str] = &[
    "request_timeout",
    "live_timeout",
    "sweep_every",
    "sweep_gap",
    "quarantine",
    "lag_max",
    "poll_min",
    "poll_max",
    "give_up",
    "balance_lag",
    "silence",
    "patience",
];
const BY_TOKEN: [&str; 2] = ["input_per_million", "output_per_million"];
const PRICE_KEYS: &[&str] = &[
    "function",
    "engine",
    "method",
    "priority",
    "model",
    "price",
    "input_per_million",
    "output_per_million",
    "search_per_thousand",
];

/// More than any provider allows; keeps arithmetic on limits far from overflow.
const MOST_CALLS_PER_MINUTE: u32 = 1_000_000;

/// A shorter quarantine concludes from a list that may not show a purchase yet; only a simulated provider may have
/// one.
pub const SHORTEST_QUARANTINE: Duration = Duration::from_mins(10);

/// Reads `bursar.toml`.
///
/// # Errors
/// Every problem of the text, at its place.
pub fn check_config(path: &Path, text: &str) -> Result<Config, Problems> {
    let page = Page::new(path, text);
    let document = page.parse();
    let config = document.as_ref().map(|document| read(path, &Section::root(&page, document, "the config")));
    drop(document);
    page.finish(config)
}

fn read(path: &Path, root: &Section<'_, '_>) -> Config {
    root.only(KEYS, belongs_to_an_account);
    let folder = path.parent().unwrap_or(Path::new(""));
    let accounts = root.table("accounts", "[accounts]").map(|accounts| read_accounts(folder, &accounts));
    Config {
        path: Some(path.to_owned()),
        ledger: read_path(folder, root, "ledger").unwrap_or_else(|| folder.join("bursar.db")),
        state_dir: read_path(folder, root, "state_dir"),
        bytes_per_answer: root.whole("bytes_per_answer", 0..=u32::MAX),
        accounts: accounts.filter(|accounts| !accounts.is_empty()).unwrap_or_else(default_accounts),
    }
}

fn read_path(folder: &Path, section: &Section<'_, '_>, key: &'static str) -> Option<PathBuf> {
    let text = section.path(key)?;
    if text.get_ref().trim().is_empty() {
        section.page.wrong(text.span(), Wrong::Empty { key });
        return None;
    }
    Some(folder.join(text.get_ref()))
}

fn read_accounts(folder: &Path, accounts: &Section<'_, '_>) -> BTreeMap<String, AccountConfig> {
    let mut read = BTreeMap::new();
    for (name, span, value) in accounts.entries() {
        if !is_name(name) {
            accounts.page.wrong(span, Wrong::BadName { name: name.to_owned() });
        }
        if let Some(account) = accounts.item(value, "an account") {
            read.insert(name.to_owned(), read_account(folder, name, &account));
        }
    }
    read
}

fn read_account(folder: &Path, name: &str, section: &Section<'_, '_>) -> AccountConfig {
    section.only_called(ACCOUNT_KEYS, ACCOUNT_CALLED, belongs_to_a_table);
    let route = section.word("route");
    let mut account = AccountConfig::new(name, route.as_ref().map_or(Route::DataForSeo, |route| *route.get_ref()));
    if account.route == Route::Sandbox {
        section.need("base_url", "base_url = \"http://127.0.0.1:8080\"");
    }
    read_credentials(folder, section, &mut account);
    if let Some(url) = read_url(section) {
        account.base_url = url;
    }
    account.proxy = read_proxy(folder, section);
    account.user_prompt_decoded = section.boolean("user_prompt_decoded").unwrap_or(false);
    account.caps = section.table("caps", "`caps`").map(|caps| read_caps(&caps, account.route)).unwrap_or_default();
    if let Some(limits) = section.table("limits", "`limits`") {
        account.limits = read_limits(&limits, &account.limits);
    }
    if let Some(timing) = section.table("timing", "`timing`") {
        account.timing = read_timing(&timing, is_loopback(&account.base_url));
    }
    let prices = section.tables("prices", "a price").unwrap_or_default();
    account.prices = prices.iter().filter_map(read_price).collect();
    account
}

/// The source of its login and password, or its key.
fn read_credentials(folder: &Path, section: &Section<'_, '_>, account: &mut AccountConfig) {
    let has_key = account.route == Route::Aisa;
    for key in ["key_env", "key_file"] {
        if section.has(key) && !has_key {
            section.page.wrong(section.key_span(key), Wrong::AisaOnly { key });
        }
    }
    for key in ["login_env", "login_file", "password_env", "password_file"] {
        if section.has(key) && has_key {
            section.page.wrong(section.key_span(key), Wrong::NotAtAisa { key });
        }
    }
    for (variable, file) in [
        ("login_env", "login_file"),
        ("password_env", "password_file"),
        ("key_env", "key_file"),
        ("proxy_auth_env", "proxy_auth_file"),
    ] {
        if section.has(variable) && section.has(file) {
            section.page.wrong(section.key_span(file), Wrong::TwoPasswords { variable, file });
        }
    }
    for (key, into) in [
        ("login_env", &mut account.login_env),
        ("password_env", &mut account.password_env),
        ("key_env", &mut account.key_env),
    ] {
        if let Some(variable) = read_variable(section, key) {
            *into = variable;
        }
    }
    account.login_file = read_path(folder, section, "login_file");
    account.password_file = read_path(folder, section, "password_file");
    account.key_file = read_path(folder, section, "key_file");
}

fn belongs_to_an_account(key: &str) -> Option<Wrong> {
    let hint = format!("it belongs to an account, below `[accounts.{}]`", super::DEFAULT_ACCOUNT);
    ACCOUNT_KEYS.contains(&key).then(|| unknown(key, "the config", KEYS, hint))
}

fn belongs_to_a_table(key: &str) -> Option<Wrong> {
    let tables = [("caps", CAP_KEYS), ("limits", LIMIT_KEYS), ("timing", TIMING_KEYS)];
    let (table, _) = tables.iter().find(|(_, keys)| keys.contains(&key))?;
    Some(unknown(key, "an account", ACCOUNT_KEYS, format!("it belongs into `{table} = {{ {key} = ... }}`")))
}

fn unknown(key: &str, table: &'static str, known: &'static [&'static str], hint: String) -> Wrong {
    Wrong::UnknownKey { key: key.to_owned(), table, known, hint: Some(hint) }
}

fn read_variable(section: &Section<'_, '_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    let name = *text.get_ref();
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !fits || name.as_bytes()[0].is_ascii_digit() {
        // What looks like no name of a variable may be the secret itself.
        section.page.hide(text.span());
        section.page.wrong(text.span(), Wrong::BadVariable { key });
        return None;
    }
    Some(name.to_owned())
}

fn read_url(section: &Section<'_, '_>) -> Option<String> {
    let text = section.text("base_url")?;
    let url = text.get_ref().trim_end_matches('/');
    let wrong = |what| section.page.wrong(text.span(), what);
    let parts = url.split_once("://").and_then(|(scheme, rest)| Some((scheme, host(rest)?)));
    match parts {
        // A login in the address would be a secret in this file, in every log and in the ledger.
        _ if url.contains('@') => {
            section.page.hide(text.span());
            wrong(Wrong::Secret { instead: "leave the login out of the address, and name `login_env`" });
        }
        Some(("https", _)) => return Some(url.to_owned()),
        Some(("http", _)) if is_loopback(url) => return Some(url.to_owned()),
        Some(("http", _)) => wrong(Wrong::NotHttps { url: url.to_owned() }),
        _ => wrong(Wrong::BadUrl { url: (*text.get_ref()).to_owned() }),
    }
    None
}

/// The proxy of an account, with the source of its user and password.
fn read_proxy(folder: &Path, section: &Section<'_, '_>) -> Option<ProxyConfig> {
    let auth_env = read_variable(section, "proxy_auth_env");
    let auth_file = read_path(folder, section, "proxy_auth_file");
    let Some(text) = section.text("proxy") else {
        if section.has("proxy_auth_env") || section.has("proxy_auth_file") {
            section.need("proxy", "proxy = \"http://proxy.example.com:3128\"");
        }
        return None;
    };
    let url = text.get_ref().trim_end_matches('/');
    let wrong = |what| section.page.wrong(text.span(), what);
    if url.contains('@') {
        section.page.hide(text.span());
        wrong(Wrong::Secret {
            instead: "leave user and password out of the address, and name `proxy_auth_env` or `proxy_auth_file`",
        });
        return None;
    }
    let address = url.strip_prefix("http://").filter(|rest| !rest.contains('/') && host(rest).is_some());
    if address.is_none() {
        wrong(Wrong::BadProxy { url: (*text.get_ref()).to_owned() });
        return None;
    }
    Some(ProxyConfig { url: url.to_owned(), auth_env, auth_file })
}

/// The host of `host:port/path`.
fn host(rest: &str) -> Option<&str> {
    if rest.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\')) {
        return None;
    }
    let authority = rest.split('/').next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.find(':').map_or((authority, ""), |colon| authority.split_at(colon)),
    };
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (!host.is_empty() && port_fits).then_some(host)
}

/// True if the address is this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").and_then(|(_, rest)| host(rest));
    host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

fn read_caps(section: &Section<'_, '_>, route: Route) -> AccountCaps {
    section.only(CAP_KEYS, |_| None);
    if section.has("keep_balance") && !route.shows_lists() {
        section.page.wrong(section.key_span("keep_balance"), Wrong::NoBalance { route });
    }
    AccountCaps {
        day: section.amount("day"),
        month: section.amount("month"),
        keep_balance: section.amount("keep_balance"),
    }
}

fn read_limits(section: &Section<'_, '_>, default: &Limits) -> Limits {
    section.only(LIMIT_KEYS, |_| None);
    let or = |key, default| section.whole(key, 1..=MOST_CALLS_PER_MINUTE).unwrap_or(default);
    Limits {
        calls_per_minute: or("calls_per_minute", default.calls_per_minute),
        in_flight: or("in_flight", default.in_flight),
        live_in_flight: or("live_in_flight", default.live_in_flight),
        tasks_ready_per_minute: or("tasks_ready_per_minute", default.tasks_ready_per_minute),
        id_list_per_minute: or("id_list_per_minute", default.id_list_per_minute),
        user_data_per_minute: or("user_data_per_minute", default.user_data_per_minute),
    }
}

fn read_timing(section: &Section<'_, '_>, loopback: bool) -> Timing {
    section.only(TIMING_KEYS, |_| None);
    let read = |key| section.duration(key);
    let or = |key, default| read(key).map_or(default, toml::Spanned::into_inner);
    let default = Timing::default();
    let quarantine = read("quarantine");
    if let Some(short) = quarantine.as_ref().filter(|found| *found.get_ref() < SHORTEST_QUARANTINE && !loopback) {
        let text = humantime::format_duration(*short.get_ref()).to_string();
        section.page.wrong(short.span(), Wrong::QuarantineTooShort { text });
    }
    let timing = Timing {
        request_timeout: or("request_timeout", default.request_timeout),
        live_timeout: or("live_timeout", default.live_timeout),
        sweep_every: or("sweep_every", default.sweep_every),
        sweep_gap: or("sweep_gap", default.sweep_gap),
        quarantine: quarantine.map_or(default.quarantine, toml::Spanned::into_inner),
        lag_max: or("lag_max", default.lag_max),
        poll_min: or("poll_min", default.poll_min),
        poll_max: or("poll_max", default.poll_max),
        give_up: read("give_up").map(toml::Spanned::into_inner),
        balance_lag: or("balance_lag", default.balance_lag),
        silence: or("silence", default.silence),
        patience: or("patience", default.patience),
    };
    if timing.poll_min > timing.poll_max {
        let span: Range<usize> = ["poll_min", "poll_max"]
            .into_iter()
            .find_map(|key| section.get(key))
            .map_or(section.span.clone(), toml::Spanned::span);
        section.page.wrong(span, Wrong::WrongOrder { less: "poll_min", more: "poll_max" });
    }
    timing
}

/// Both prices of tokens; or neither, if a search has one.
fn says_tokens(section: &Section<'_, '_>) -> bool {
    match BY_TOKEN.iter().filter(|key| section.has(key)).count() {
        0 => section.has("search_per_thousand"),
        written => written == BY_TOKEN.len(),
    }
}

fn read_price(section: &Section<'_, '_>) -> Option<PriceOverride> {
    section.only(PRICE_KEYS, |_| None);
    section.need("function", "function = \"llm_scraper\"");
    section.need("engine", "engine = \"chat_gpt\"");
    let function = section.word("function");
    let engine = section.word("engine");
    let method = section.word("method");
    let priority = section.word("priority");
    let model = section.text("model");
    let (price, input, output) =
        (section.amount("price"), section.amount("input_per_million"), section.amount("output_per_million"));
    let search = section.amount("search_per_thousand");
    let function = *function?.get_ref();
    if let Some(key) = BY_TOKEN.into_iter().chain(["search_per_thousand"]).find(|key| section.has(key))
        && (function == Function::LlmScraper || section.has("price"))
    {
        section.page.wrong(section.key_span(key), Wrong::NotInPrice { key, function });
    } else if !section.has("price") && !says_tokens(section) {
        section.page.wrong(section.span.clone(), Wrong::NoPrice);
    }
    Some(PriceOverride {
        function,
        engine: *engine?.get_ref(),
        method: method.map(toml::Spanned::into_inner),
        priority: priority.map(toml::Spanned::into_inner),
        model: model.map(|model| (*model.get_ref()).to_owned()),
        price,
        input_per_million: input,
        output_per_million: output,
        search_per_thousand: search,
    })
}
