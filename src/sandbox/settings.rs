//! How the simulated provider behaves: every figure and every documented unknown of the real one.
//!
//! Defaults follow the provider's public pages (docs.dataforseo.com/v3, its price page and help center, read up to
//! 2026-11). Where those are silent, the default is the behaviour that is hardest on a client. `faults` covers what
//! goes wrong by accident.

use std::collections::BTreeMap;
use std::time::Duration;

use super::faults::Faults;
use super::gateway_settings::Gateway;
use crate::money::Money;
use crate::product::{Engine, Priority};

const fn days(days: u64) -> Duration {
    Duration::from_hours(days * 24)
}

/// A duration drawn evenly from a range, by seed and task id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Spread {
    /// Milliseconds, drawn evenly.
    pub(super) fn draw_ms(self, rng: &mut fastrand::Rng) -> u64 {
        let [min, max] = [self.min, self.max].map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        rng.u64(min..=max.max(min))
    }
}

/// Where the provider's pages leave two behaviours open: which of the two this one shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent unknown of the real provider")]
pub struct Switches {
    /// Refuse a task with a field the endpoint does not know (40506). Default: yes.
    pub refuse_unknown_fields: bool,
    /// Answer the tasks of a POST in another order than they were sent. Default: no.
    pub shuffle_rows: bool,
    /// Print sums of money with the dust that binary floats leave (`0.0024000000000000002`). Default: no.
    pub float_dust: bool,
    /// Count failed tasks in `tasks_error`; otherwise it says 0, as one of the provider's own examples does. Default: yes.
    pub count_errors: bool,
    /// A task that ends in an error keeps its price; otherwise it is refused at once, at no cost. Default: yes.
    pub charge_failures: bool,
    /// `tasks_ready` leaves out tasks that ended in an error. Default: yes.
    pub ready_hides_failures: bool,
    /// Any successful `task_get` takes a task off `tasks_ready`; otherwise only its first form does. Default: yes.
    pub any_form_collects: bool,
    /// `id_list` shows refused tasks too, at cost 0. Default: no.
    pub list_refused: bool,
    /// `id_list` shows tasks while they are unfinished. Default: yes.
    pub list_unfinished: bool,
    /// `id_list` filters and sorts by completion instead of posting time. Default: no.
    pub list_by_completion: bool,
    /// The metadata of `id_list` carries the tag. Default: yes.
    pub list_tags: bool,
    /// The `cost` in the answer to a POST of LLM Responses holds the advance (0.0102); otherwise the fee alone (0.0002).
    /// Default: yes.
    pub post_shows_advance: bool,
    /// `id_list` shows an LLM Responses task's settled cost once it is settled; otherwise it goes on showing what the
    /// POST said. Default: no.
    pub list_settled_cost: bool,
    /// The advance of a task that is not done in 72 hours comes back, as the provider's page says. Default: yes.
    pub refund_expired: bool,
    /// The fee of a task that is not done in 72 hours is kept. Default: yes.
    pub keep_expired_fee: bool,
    /// The advance of a task that ends in an error comes back. Default: no.
    pub refund_failed: bool,
    /// `user_prompt` is percent-decoded as `keyword` is. Default: no.
    pub decode_user_prompt: bool,
    /// ChatGPT's LLM Responses take the web search fields in `task_post`, which the provider's newer client has and its
    /// older form has not. Default: yes.
    pub chat_gpt_searches: bool,
    /// Gemini's models say that they take the Standard method, and do; the provider's own example denies it of all of
    /// them. Default: yes, or nothing could be bought there.
    pub gemini_takes_standard: bool,
    /// A row of 50401 says what was charged; otherwise its `cost` is 0 and only `id_list` and the balance tell.
    /// Default: no.
    pub timeout_shows_cost: bool,
    /// The `Date` of an answer that is held up on its way is that of its leaving; otherwise of when it was made, which is
    /// when its request arrived. Default: no.
    pub date_on_leaving: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            refuse_unknown_fields: true,
            shuffle_rows: false,
            float_dust: false,
            count_errors: true,
            charge_failures: true,
            ready_hides_failures: true,
            any_form_collects: true,
            list_refused: false,
            list_unfinished: true,
            list_by_completion: false,
            list_tags: true,
            post_shows_advance: true,
            list_settled_cost: false,
            refund_expired: true,
            keep_expired_fee: true,
            refund_failed: false,
            decode_user_prompt: false,
            chat_gpt_searches: true,
            gemini_takes_standard: true,
            timeout_shows_cost: false,
            date_on_leaving: false,
        }
    }
}

/// All that can be set about the simulated provider.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Login of the account.
    pub login: String,
    /// Password of the account; it guards play money only.
    pub password: String,
    /// Further accounts, each with its own balance and tasks: login and password.
    pub others: Vec<(String, String)>,
    /// Every draw follows from it: the same seed and the same calls give the same bytes.
    pub seed: u64,
    /// Turnaround, lags and expiry are divided by it; the clock and the rate windows are not. At least 1.
    pub speed: u32,
    /// What each account holds at first.
    pub start_balance: Money,
    /// The price of a Standard scraper task; the provider's, read after its change of 2026-07-01.
    pub prices: BTreeMap<(Engine, Priority), Money>,
    /// The price of a Live scraper task: $0.004.
    pub scraper_live: Money,
    /// What each Standard task of LLM Responses costs beside the model's charge: $0.0002.
    pub responses_fee: Money,
    /// What is held of each Standard task of LLM Responses until it settles: $0.01.
    pub responses_advance: Money,
    /// What each Live task of LLM Responses costs beside the model's charge: $0.0006.
    pub responses_live_fee: Money,
    /// The most an account may spend in a UTC day (40203), where the account's owner has set it.
    pub day_limit: Option<Money>,
    /// The HTTP status of 40210: 402, or 200.
    pub payment_status: u16,
    /// Calls a minute, all endpoints of an account together.
    pub calls_per_minute: u32,
    /// `tasks_ready` calls a minute, all engines together.
    pub tasks_ready_per_minute: u32,
    /// `id_list` calls a minute.
    pub id_list_per_minute: u32,
    /// `user_data` calls a minute.
    pub user_data_per_minute: u32,
    /// From acceptance to the answer at normal priority; the price table promises 45 minutes.
    pub turnaround_normal: Spread,
    /// From acceptance to the answer at high priority; the price table promises 5 minutes.
    pub turnaround_high: Spread,
    /// From acceptance to the answer of LLM Responses. The provider promises only 72 hours.
    pub turnaround_responses: Spread,
    /// A Standard task of LLM Responses that is not done by then fails: 72 hours.
    pub expires_after: Duration,
    /// The code that such a task ends in; the provider's pages name none.
    pub expired_code: u32,
    /// What `task_get` of LLM Responses answers for finished tasks while the balance is negative; the provider's pages
    /// say that results are withheld, and not how.
    pub withheld_code: u32,
    /// How long a Live answer takes; the price table promises 90 seconds.
    pub live_takes: Spread,
    /// A Live answer that takes longer ends in 50401 then: 120 seconds.
    pub live_within: Duration,
    /// How many Live calls an account may have under way, all engines and functions together.
    pub live_at_once: usize,
    /// How much later than the answer `tasks_ready` shows it.
    pub ready_lag: Duration,
    /// The most tasks in one `tasks_ready` answer.
    pub ready_rows: usize,
    /// The longest a task takes to appear in `id_list`; each draws evenly from nothing to this.
    pub listing_lag_max: Duration,
    /// How long a finished task stays on `tasks_ready`.
    pub ready_for: Duration,
    /// How long an advanced result is kept.
    pub advanced_for: Duration,
    /// How long an HTML result is kept.
    pub html_for: Duration,
    /// Of 1,000 tasks, how many end in 40101, 40102 or 40103.
    pub failures_per_mille: u32,
    /// How long a reply takes.
    pub reply_after: Duration,
    /// The AIsa gateway in front of this provider.
    pub gateway: Gateway,
    /// The documented unknowns.
    pub switches: Switches,
    /// What goes wrong, and when.
    pub faults: Faults,
}

impl Default for Settings {
    fn default() -> Self {
        let prices = [Engine::ChatGpt, Engine::Gemini]
            .into_iter()
            .flat_map(|engine| {
                [
                    ((engine, Priority::Normal), Money::from_nanos(1_200_000)),
                    ((engine, Priority::High), Money::from_nanos(2_400_000)),
                ]
            })
            .collect();
        Self {
            login: "sandbox".to_owned(),
            password: "sandbox".to_owned(),
            others: Vec::new(),
            seed: 0,
            speed: 1,
            start_balance: Money::from_nanos(1_000_000_000_000),
            prices,
            scraper_live: Money::from_nanos(4_000_000),
            responses_fee: Money::from_nanos(200_000),
            responses_advance: Money::from_nanos(10_000_000),
            responses_live_fee: Money::from_nanos(600_000),
            day_limit: None,
            payment_status: 402,
            calls_per_minute: 2_000,
            tasks_ready_per_minute: 20,
            id_list_per_minute: 10,
            user_data_per_minute: 6,
            turnaround_normal: Spread { min: Duration::from_mins(1), max: Duration::from_mins(45) },
            turnaround_high: Spread { min: Duration::from_secs(20), max: Duration::from_mins(5) },
            turnaround_responses: Spread { min: Duration::from_mins(1), max: Duration::from_mins(45) },
            expires_after: Duration::from_hours(72),
            expired_code: 40_103,
            withheld_code: 40_200,
            live_takes: Spread { min: Duration::from_secs(3), max: Duration::from_secs(90) },
            live_within: Duration::from_mins(2),
            live_at_once: 30,
            ready_lag: Duration::from_secs(10),
            ready_rows: 1_000,
            listing_lag_max: Duration::from_mins(4),
            ready_for: days(3),
            advanced_for: days(30),
            html_for: days(7),
            failures_per_mille: 0,
            reply_after: Duration::ZERO,
            gateway: Gateway::default(),
            switches: Switches::default(),
            faults: Faults::default(),
        }
    }
}

impl Settings {
    /// A provider's duration in milliseconds at this speed.
    pub(super) fn paced_ms(&self, duration: Duration) -> i64 {
        i64::try_from((duration / self.speed.max(1)).as_millis()).unwrap_or(i64::MAX / 4)
    }
}
