//! `bursar.toml`: the path of the ledger, and the accounts with their limits, caps and prices.
//!
//! Text goes in; a checked [`Config`] comes out, or every problem with its line. This module reads neither the disk
//! nor the environment: it knows which variables hold the credentials, not what they contain.

mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::money::Money;
use crate::product::{Engine, Function, Method, Priority, Route};

pub(crate) use read::is_loopback;
pub use read::{SHORTEST_QUARANTINE, check_config};

/// The name of the account if none is written.
pub const DEFAULT_ACCOUNT: &str = "main";

/// The content of `bursar.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file; none if there is none and the built-in defaults apply.
    pub path: Option<PathBuf>,
    /// The ledger, with its path resolved.
    pub ledger: PathBuf,
    /// The space that an answer is expected to need on the disk; none for the built-in numbers, 0 for no check of the
    /// disk.
    pub bytes_per_answer: Option<u32>,
    /// The folder for what must survive outside the ledger; none for the user's state folder.
    pub state_dir: Option<PathBuf>,
    /// The accounts by name; [`DEFAULT_ACCOUNT`] at the provider itself if the file has none.
    pub accounts: BTreeMap<String, AccountConfig>,
}

/// An account: a route with credentials, limits and caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Its name.
    pub name: String,
    /// How the provider is reached and authorised.
    pub route: Route,
    /// The provider's address, without a slash at the end.
    pub base_url: String,
    /// The environment variable with the login; ignored if `login_file` is given.
    pub login_env: String,
    /// The file with the login.
    pub login_file: Option<PathBuf>,
    /// The environment variable with the password; ignored if `password_file` is given.
    pub password_env: String,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// On route `aisa`, the environment variable with the key; ignored if `key_file` is given.
    pub key_env: String,
    /// On route `aisa`, the file with the key.
    pub key_file: Option<PathBuf>,
    /// The proxy to the provider; none for a direct connection.
    pub proxy: Option<ProxyConfig>,
    /// True if the provider decodes `%hh` and `+` in a model's prompt, as it does in the scraper's.
    pub user_prompt_decoded: bool,
    /// The caps on its spending.
    pub caps: AccountCaps,
    /// The provider's limits.
    pub limits: Limits,
    /// How long things take, and how long to wait.
    pub timing: Timing,
    /// Prices over the built-in list.
    pub prices: Vec<PriceOverride>,
}

/// An HTTP proxy, and the source of its user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyConfig {
    /// `http://host:port`.
    pub url: String,
    /// The environment variable with `user:password`.
    pub auth_env: Option<String>,
    /// The file with it.
    pub auth_file: Option<PathBuf>,
}

/// Caps on the spending of an account, by UTC; none means no such cap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountCaps {
    /// For a day.
    pub day: Option<Money>,
    /// For a month.
    pub month: Option<Money>,
    /// The balance that must stay on the account.
    pub keep_balance: Option<Money>,
}

/// The provider's limits, each at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of all kinds in a minute.
    pub calls_per_minute: u32,
    /// Concurrent calls, except Live ones; through the AIsa gateway, of all kinds.
    pub in_flight: u32,
    /// Concurrent Live calls; the provider refuses the thirty-first.
    pub live_in_flight: u32,
    /// Calls of `tasks_ready` in a minute.
    pub tasks_ready_per_minute: u32,
    /// Calls of `id_list` in a minute.
    pub id_list_per_minute: u32,
    /// Calls of `user_data` in a minute.
    pub user_data_per_minute: u32,
}

/// How long things take and how long to wait for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For the reply to one call.
    pub request_timeout: Duration,
    /// For the reply to a Live call, which the provider ends after 120 seconds.
    pub live_timeout: Duration,
    /// Between scans while something is in doubt.
    pub sweep_every: Duration,
    /// Between the two scans that conclude.
    pub sweep_gap: Duration,
    /// How long after the close absence means nothing.
    pub quarantine: Duration,
    /// The longest lag of the provider's list.
    pub lag_max: Duration,
    /// The shortest time between polls.
    pub poll_min: Duration,
    /// The longest time between polls.
    pub poll_max: Duration,
    /// When a task counts as late; none for the product's own time.
    pub give_up: Option<Duration>,
    /// The greatest age of the balance that `user_data` shows.
    pub balance_lag: Duration,
    /// How long all calls may fail, or another process may hold the ledger, before that is reported, also with
    /// `--quiet`.
    pub silence: Duration,
    /// How long that may last before an unattended session ends.
    pub patience: Duration,
}

/// A price over the built-in list: what it applies to, and the charge. A missing method, priority or model means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceOverride {
    /// The function.
    pub function: Function,
    /// The engine.
    pub engine: Engine,
    /// The method.
    pub method: Option<Method>,
    /// The priority.
    pub priority: Option<Priority>,
    /// The model.
    pub model: Option<String>,
    /// For one task; for LLM Responses, the maximum that one may cost.
    pub price: Option<Money>,
    /// For a million tokens that the model reads.
    pub input_per_million: Option<Money>,
    /// For a million tokens that the model writes.
    pub output_per_million: Option<Money>,
    /// For a thousand web searches.
    pub search_per_thousand: Option<Money>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_minute: 1_000,
            in_flight: 20,
            live_in_flight: 20,
            tasks_ready_per_minute: 20,
            id_list_per_minute: 10,
            user_data_per_minute: 6,
        }
    }
}

impl Limits {
    /// The limits of a route if the config names none; those of the AIsa gateway's free tier, for that route.
    pub fn of(route: Route) -> Self {
        match route {
            Route::DataForSeo | Route::Sandbox => Self::default(),
            Route::Aisa => Self { calls_per_minute: 60, in_flight: 5, live_in_flight: 5, ..Self::default() },
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(1),
            live_timeout: Duration::from_secs(150),
            sweep_every: Duration::from_mins(2),
            sweep_gap: Duration::from_mins(1),
            quarantine: Duration::from_mins(30),
            lag_max: Duration::from_mins(15),
            poll_min: Duration::from_secs(3),
            poll_max: Duration::from_mins(1),
            give_up: None,
            // The provider's pages do not say how fresh the figure is: ten minutes are five times what was ever simulated,
            // and cost a restart nothing but the last ten minutes' purchases in headroom.
            balance_lag: Duration::from_mins(10),
            silence: Duration::from_mins(5),
            patience: Duration::from_hours(6),
        }
    }
}

impl AccountConfig {
    /// An account with only its name and route written.
    pub fn new(name: &str, route: Route) -> Self {
        Self {
            name: name.to_owned(),
            route,
            base_url: match route {
                Route::DataForSeo | Route::Sandbox => "https://api.dataforseo.com".to_owned(),
                Route::Aisa => "https://api.aisa.one".to_owned(),
            },
            login_env: "DATAFORSEO_LOGIN".to_owned(),
            login_file: None,
            password_env: "DATAFORSEO_PASSWORD".to_owned(),
            password_file: None,
            key_env: "AISA_API_KEY".to_owned(),
            key_file: None,
            proxy: None,
            user_prompt_decoded: false,
            caps: AccountCaps::default(),
            limits: Limits::of(route),
            timing: Timing::default(),
            prices: Vec::new(),
        }
    }
}

impl Config {
    /// The config without a file: the ledger beside the job file, one account at the provider itself.
    pub fn built_in(folder: &Path) -> Self {
        Self {
            path: None,
            ledger: folder.join("bursar.db"),
            bytes_per_answer: None,
            state_dir: None,
            accounts: default_accounts(),
        }
    }
}

fn default_accounts() -> BTreeMap<String, AccountConfig> {
    let main = AccountConfig::new(DEFAULT_ACCOUNT, Route::DataForSeo);
    BTreeMap::from([(main.name.clone(), main)])
}

/// Where the config is looked for, in this order: the one that a flag or the environment names, and no other;
/// `bursar.toml` in the job file's folder (without a job file: the current one) or its nearest parent;
/// `bursar/bursar.toml` in the user's config folder.
pub fn candidates(
    job_path: Option<&Path>,
    cwd: &Path,
    flag: Option<&Path>,
    env: Option<&Path>,
    user_dir: Option<&Path>,
) -> Vec<PathBuf> {
    const NAME: &str = "bursar.toml";
    if let Some(named) = flag.or(env) {
        return vec![cwd.join(named)];
    }
    let job_path = job_path.map(|path| cwd.join(path));
    let start = job_path.as_deref().and_then(Path::parent).unwrap_or(cwd);
    let above = start.ancestors().map(|folder| folder.join(NAME));
    above.chain(user_dir.map(|folder| folder.join("bursar").join(NAME))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> AccountConfig {
        let config = check_config(Path::new("etc/bursar.toml"), text).unwrap_or_else(|problems| panic!("{problems}"));
        config.accounts["main"].clone()
    }

    #[test]
    fn a_config_that_says_all_there_is_to_say() {
        let text = r#"
            ledger = "data/bursar.db"
            state_dir = "/var/lib/bursar"
            bytes_per_answer = 20000
            [accounts.main]
            route = "dataforseo"
            base_url = "https://api.dataforseo.com/"
            login_env = "A_LOGIN"
            password_file = "secret"
            proxy = "http://proxy.example.org:3128/"
            proxy_auth_file = "proxy.secret"
            user_prompt_decoded = true
            caps = { day = "50", month = "500", keep_balance = "10" }
            limits = { calls_per_minute = 6000, in_flight = 21, live_in_flight = 25, tasks_ready_per_minute = 22, id_list_per_minute = 23, user_data_per_minute = 24 }
            timing = { request_timeout = "1s", live_timeout = "130s", sweep_every = "2s", sweep_gap = "3s", quarantine = "10m", lag_max = "5s", poll_min = "6s", poll_max = "7s", give_up = "1day", balance_lag = "8m" }
            [[accounts.main.prices]]
            function = "llm_responses"
            engine = "chat_gpt"
            model = "gpt-4.1-mini"
            input_per_million = "0.40"
            output_per_million = "1.60"
            search_per_thousand = "25"
            [[accounts.main.prices]]
            function = "llm_responses"
            engine = "gemini"
            search_per_thousand = "35"
            [[accounts.main.prices]]
            function = "llm_scraper"
            engine = "gemini"
            method = "standard"
            priority = "high"
            price = "0.0024"
            [accounts.other]
            login_file = "login"
            proxy = "http://[::1]"
            proxy_auth_env = "A_PROXY"
            [accounts.box]
            route = "sandbox"
            base_url = "http://[::1]:8080"
            timing = { quarantine = "5s" }
        "#;
        let config = check_config(Path::new("etc/bursar.toml"), text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.ledger, Path::new("etc/data/bursar.db"));
        assert_eq!(config.state_dir.as_deref(), Some(Path::new("/var/lib/bursar")));
        assert_eq!(config.bytes_per_answer, Some(20_000));
        assert_eq!(config.accounts["other"].login_file.as_deref(), Some(Path::new("etc/login")));
        let proxy =
            ProxyConfig { url: "http://[::1]".to_owned(), auth_env: Some("A_PROXY".to_owned()), auth_file: None };
        assert_eq!(config.accounts["other"].proxy, Some(proxy));
        assert_eq!(config.accounts["box"].timing.quarantine, Duration::from_secs(5));
        let main = &config.accounts["main"];
        assert_eq!(main.base_url, "https://api.dataforseo.com");
        assert_eq!(main.password_file.as_deref(), Some(Path::new("etc/secret")));
        insta::assert_debug_snapshot!(main);
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let read = read("[accounts.main]\n");
        assert_eq!(read, AccountConfig::new("main", Route::DataForSeo));
        let empty = check_config(Path::new("bursar.toml"), "").unwrap();
        assert_eq!(empty, Config { path: Some("bursar.toml".into()), ..Config::built_in(Path::new("")) });
    }

    #[test]
    fn a_gateway_account_has_its_own_limits() {
        let gateway = read("[accounts.main]\nroute = \"aisa\"\nkey_file = \"secret\"\nlimits = { in_flight = 9 }");
        assert_eq!((gateway.base_url.as_str(), gateway.key_env.as_str()), ("https://api.aisa.one", "AISA_API_KEY"));
        assert_eq!(gateway.key_file, Some("etc/secret".into()));
        let Limits { calls_per_minute, in_flight, live_in_flight, .. } = gateway.limits;
        assert_eq!((calls_per_minute, in_flight, live_in_flight), (60, 9, 5));
        assert_eq!(read("[accounts.main]\nroute = \"aisa\"\nkey_env = \"A_KEY\"").key_env, "A_KEY");
    }

    #[test]
    fn plain_http_is_for_loopback_addresses_only() {
        for url in ["http://127.0.0.1", "http://127.9.9.9:80/x", "http://localhost:8080", "http://[::1]:1", "https://x"]
        {
            assert_eq!(read(&format!("[accounts.main]\nbase_url = '{url}'")).base_url, url);
        }
        for url in [
            "http://127.0.0.1.evil.org",
            "http://localhost.evil.org",
            "http://localhost@evil.org",
            "http://[::2]",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "http://localhost:x",
            "HTTPS://x",
            "https:x",
            "https://a b",
            "https:///x",
            "https://x?y",
            "localhost",
            "",
        ] {
            let text = format!("[accounts.main]\nbase_url = '{url}'\ntiming = {{ quarantine = '1m' }}");
            assert_eq!(check_config(Path::new("bursar.toml"), &text).unwrap_err().len(), 2, "{url}");
        }
    }

    #[test]
    fn the_nearest_config_counts_unless_one_is_named() {
        let path = Path::new;
        let all = |job, flag, env, user| candidates(job, path("/home/u/w"), flag, env, user);
        assert_eq!(
            all(Some(path("jobs/a.toml")), None, None, Some(path("/home/u/.config"))),
            [
                "/home/u/w/jobs/bursar.toml",
                "/home/u/w/bursar.toml",
                "/home/u/bursar.toml",
                "/home/bursar.toml",
                "/bursar.toml",
                "/home/u/.config/bursar/bursar.toml"
            ]
            .map(PathBuf::from)
        );
        assert_eq!(all(None, None, None, None)[0], path("/home/u/w/bursar.toml"));
        assert_eq!(
            all(Some(path("/srv/a.toml")), None, None, None),
            ["/srv/bursar.toml", "/bursar.toml"].map(PathBuf::from)
        );
        let (flag, env) = (Some(path("f.toml")), Some(path("/e.toml")));
        assert_eq!(all(None, flag, env, None), [path("/home/u/w/f.toml")]);
        assert_eq!(all(None, None, env, None), [path("/e.toml")]);
    }
}
