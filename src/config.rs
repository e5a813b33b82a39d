//! `bursar.toml`: where the ledger is, and the accounts with their limits, caps and prices.
//!
//! Text in, a checked [`Config`] out, or every problem with its line. Nothing is read from the disk or from the
//! environment here: which variables hold the credentials is said, what they hold is not.

mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::money::Money;
use crate::offer::{Engine, Function, Method, Priority, Route};

pub use read::check_config;

/// The name of an account where none is written.
pub const DEFAULT_ACCOUNT: &str = "main";

/// What `bursar.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file; none when there is none and the built-in defaults hold.
    pub path: Option<PathBuf>,
    /// The ledger, relative paths resolved.
    pub ledger: PathBuf,
    /// Where to keep what must survive outside the ledger; none for the user's state folder.
    pub state_dir: Option<PathBuf>,
    /// The accounts by name; [`DEFAULT_ACCOUNT`] on the vendor itself where the file has none.
    pub accounts: BTreeMap<String, AccountConfig>,
}

/// An account: a route with credentials, limits and caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Its name.
    pub name: String,
    /// How the vendor is reached.
    pub route: Route,
    /// The vendor's address, without a slash at the end.
    pub base_url: String,
    /// The environment variable with the login.
    pub login_env: String,
    /// The environment variable with the password; not looked at where `password_file` is given.
    pub password_env: String,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// The ceilings on what it may spend.
    pub caps: AccountCaps,
    /// How fast it may be used.
    pub limits: Limits,
    /// How long things take.
    pub timing: Timing,
    /// Prices over the built-in list.
    pub prices: Vec<PriceOverride>,
}

/// Ceilings on the spending of an account, by UTC; none means no such cap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountCaps {
    /// For a day.
    pub day: Option<Money>,
    /// For a month.
    pub month: Option<Money>,
    /// What must stay on the account.
    pub keep_balance: Option<Money>,
}

/// The vendor's limits, each at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of all kinds in a minute.
    pub calls_per_minute: u32,
    /// Calls under way at one time.
    pub in_flight: u32,
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
    /// For the answer to one call.
    pub request_timeout: Duration,
    /// Between sweeps while something is in doubt.
    pub sweep_every: Duration,
    /// Between the two sweeps that conclude.
    pub sweep_gap: Duration,
    /// How long must pass before absence can mean anything.
    pub quarantine: Duration,
    /// How late the vendor's list may show a task.
    pub lag_max: Duration,
    /// Between polls, at least.
    pub poll_min: Duration,
    /// Between polls, at most.
    pub poll_max: Duration,
    /// When a task counts as late; none for what the offer says.
    pub give_up: Option<Duration>,
}

/// A price over the built-in list: what it is for, and what is charged. A missing method, priority or model means all.
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
    /// For one task.
    pub price: Option<Money>,
    /// For a million tokens that the model reads.
    pub input_per_million: Option<Money>,
    /// For a million tokens that the model writes.
    pub output_per_million: Option<Money>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_minute: 1_000,
            in_flight: 20,
            tasks_ready_per_minute: 20,
            id_list_per_minute: 10,
            user_data_per_minute: 6,
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(1),
            sweep_every: Duration::from_mins(2),
            sweep_gap: Duration::from_mins(1),
            quarantine: Duration::from_mins(30),
            lag_max: Duration::from_mins(15),
            poll_min: Duration::from_secs(3),
            poll_max: Duration::from_mins(1),
            give_up: None,
        }
    }
}

impl AccountConfig {
    /// An account of which nothing but the name and the route is written.
    pub fn new(name: &str, route: Route) -> Self {
        Self {
            name: name.to_owned(),
            route,
            base_url: "https://api.dataforseo.com".to_owned(),
            login_env: "DATAFORSEO_LOGIN".to_owned(),
            password_env: "DATAFORSEO_PASSWORD".to_owned(),
            password_file: None,
            caps: AccountCaps::default(),
            limits: Limits::default(),
            timing: Timing::default(),
            prices: Vec::new(),
        }
    }
}

impl Config {
    /// What holds without a file: the ledger beside the job file, one account on the vendor itself.
    pub fn built_in(folder: &Path) -> Self {
        Self { path: None, ledger: folder.join("bursar.db"), state_dir: None, accounts: default_accounts() }
    }
}

fn default_accounts() -> BTreeMap<String, AccountConfig> {
    let main = AccountConfig::new(DEFAULT_ACCOUNT, Route::DataForSeo);
    BTreeMap::from([(main.name.clone(), main)])
}

/// Where the config is looked for, best first: the one that a flag or the environment names and no other, else
/// `bursar.toml` in the job file's folder (without a job file: the current one) or the nearest above it, else
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
