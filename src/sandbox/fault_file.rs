//! Fault files: TOML with one `[[fault]]` table for each rule.
//!
//! ```toml
//! [[fault]]
//! kind = "drop_after"     # which fault; the names below
//! call = "task_post"      # task_post | live | tasks_ready | task_get | lists | id_list | errors | user_data | other | any
//! nth  = [3, 8]           # at the 3rd and the 8th matching call
//!
//! [[fault]]
//! kind   = "error_after"
//! call   = "task_post"
//! engine = "gemini"       # at calls about this engine only
//! status = 502            # 500 unless given
//! function = "llm_scraper" # at calls about this function only
//! gateway = true          # at calls through the gateway only; false: at direct ones only
//! html   = true           # a proxy's page instead of an envelope
//! share  = 0.02           # by chance, at 2 of 100 matching calls
//! from   = "10m"          # not before this long after the first call of all
//! until  = "1h"           # and not from then on
//! times  = 5              # at most so often
//! ```
//!
//! Without `call`, a fault that is about one kind of call strikes there, any other at every call. Without `nth`,
//! `share`, `from`, `until` and `times` it always strikes. What each kind takes besides:
//!
//! | kind | takes (default) |
//! | --- | --- |
//! | `refuse_before`, `drop_before`, `drop_after`, `truncate`, `reorder`, `throttle_40202`, `payment_40210`, `envelope_50000`, `html_200`, `ready_repeats`, `ready_crowded`, `list_outage`, `list_hides_unfinished`, `list_without_tags`, `never_done`, `negative_balance`, `live_lost` | nothing |
//! | `accept_late` | `after` (`20s`) |
//! | `answer_late` | `after` (`10m`) |
//! | `throttle_429` | `after`, sent as `Retry-After` (`5s`) |
//! | `list_lag`, `settle_late` | `after` (`10m`), not divided by the speed |
//! | `stale_balance` | `after` (`2m`), an hour at the most, not divided by the speed |
//! | `error_before`, `error_after` | `status` (500), `html` (false) |
//! | `missing_rows`, `repeat_rows` | `rows` (1) |
//! | `partial`, `task_50000` | `tasks` (1) |
//! | `ready_omits`, `list_omits` | `row_share` (0.5): the chance of each row to be left out |
//! | `odd_answer` | `how` (`not_utf8`; or `nan`, `control`, `repeated_key`, `empty_result`, `null_result`, `text_result`, `cut`), `row_share` (1): the chance of each answer to be odd, each time that it is fetched |
//! | `clock_skew` | `seconds`, required; negative is behind |
//! | `price_change` | `usd`, required, as text (`"0.0013"`); `priority`; lasts from the POST on that it strikes |
//! | `paid_failure` | `code` (40103), `at_post` (false) |
//! | `overrun` | `usd`, as text (`"0.02"`) |
//! | `live_timeout` | `charged` (true) |

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::bend::Bend;
use super::faults::{Fault, Faults, Rule};
use super::route::Call;
use crate::money::Money;
use crate::product::{Engine, Function, Priority};

/// A fault file that cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct FaultsError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Spanned<Entry>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Spanned<String>,
    call: Option<String>,
    engine: Option<String>,
    function: Option<String>,
    gateway: Option<bool>,
    #[serde(default)]
    nth: Vec<u64>,
    share: Option<f64>,
    from: Option<String>,
    until: Option<String>,
    times: Option<u64>,
    after: Option<String>,
    status: Option<u16>,
    html: Option<bool>,
    rows: Option<usize>,
    tasks: Option<usize>,
    row_share: Option<f64>,
    seconds: Option<i64>,
    usd: Option<String>,
    priority: Option<String>,
    code: Option<u32>,
    at_post: Option<bool>,
    charged: Option<bool>,
    how: Option<String>,
    marker: Option<String>,
}

impl Faults {
    /// Reads a fault file's text.
    ///
    /// # Errors
    /// The first thing wrong with it, with its line.
    pub fn from_toml(text: &str) -> Result<Self, FaultsError> {
        let line_at = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|error| FaultsError {
            line: line_at(error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        let mut rules = Vec::new();
        for entry in file.fault {
            let line = line_at(entry.get_ref().kind.span().start);
            rules.push(entry.into_inner().rule().map_err(|what| FaultsError { line, what })?);
        }
        Ok(Self { rules })
    }
}

fn duration(text: Option<String>) -> Result<Option<Duration>, String> {
    text.map(|text| humantime::parse_duration(&text).map_err(|error| format!("`{text}` is no duration: {error}")))
        .transpose()
}

fn chance(share: Option<f64>) -> Result<Option<f64>, String> {
    match share {
        Some(share) if !(0.0..=1.0).contains(&share) => Err(format!("`{share}` is no chance from 0 to 1")),
        share => Ok(share),
    }
}

fn word<T: std::str::FromStr<Err = crate::product::UnknownWord>>(text: Option<String>) -> Result<Option<T>, String> {
    text.map(|text| text.parse().map_err(|error: crate::product::UnknownWord| error.to_string())).transpose()
}

fn usd(text: Option<String>) -> Result<Option<Money>, String> {
    text.map(|text| text.parse().map_err(|error: crate::money::MoneyError| error.to_string())).transpose()
}

impl Entry {
    fn rule(mut self) -> Result<Rule, String> {
        let (call, engine) = (self.call.take(), word::<Engine>(self.engine.take())?);
        let (function, gateway) = (word::<Function>(self.function.take())?, self.gateway.take());
        let (from, until) = (duration(self.from.take())?, duration(self.until.take())?);
        let share = chance(self.share.take())?;
        let (nth, times) = (std::mem::take(&mut self.nth), self.times.take());
        let mut fault = self.fault()?;
        if let Fault::PriceChange { engine: of, .. } = &mut fault {
            *of = engine;
        }
        let call = match call.as_deref() {
            None => fault.default_call(),
            Some("any") => None,
            Some(name) => Some(name.parse::<Call>().map_err(|error| error.to_string())?),
        };
        let from = from.unwrap_or_default();
        Ok(Rule { fault, call, engine, function, gateway, nth, share, from, until, times })
    }

    /// The fault itself; a key that its kind does not take is an error.
    fn fault(mut self) -> Result<Fault, String> {
        let kind = self.kind.get_ref().clone();
        let mut after = |default| duration(self.after.take()).map(|given| given.unwrap_or(default));
        let fault = match kind.as_str() {
            "refuse_before" => Fault::RefuseBefore,
            "drop_before" => Fault::DropBefore,
            "drop_after" => Fault::DropAfter,
            "accept_late" => Fault::AcceptLate { after: after(Duration::from_secs(20))? },
            "answer_late" => Fault::AnswerLate { after: after(Duration::from_mins(10))? },
            "error_before" => Fault::ErrorBefore {
                status: self.status.take().unwrap_or(500),
                html: self.html.take().unwrap_or(false),
            },
            "error_after" => {
                Fault::ErrorAfter { status: self.status.take().unwrap_or(500), html: self.html.take().unwrap_or(false) }
            }
            "truncate" => Fault::Truncate,
            "missing_rows" => Fault::MissingRows { rows: self.rows.take().unwrap_or(1) },
            "reorder" => Fault::Reorder,
            "repeat_rows" => Fault::RepeatRows { rows: self.rows.take().unwrap_or(1) },
            "partial" => Fault::Partial { tasks: self.tasks.take().unwrap_or(1) },
            "throttle_40202" => Fault::Throttle40202,
            "throttle_429" => Fault::Throttle429 { after: after(Duration::from_secs(5))? },
            "payment_40210" => Fault::Payment40210,
            "task_50000" => Fault::Task50000 { tasks: self.tasks.take().unwrap_or(1) },
            "refuse_body" => Fault::RefuseBody {
                marker: self.marker.take().filter(|word| !word.is_empty()).ok_or("`refuse_body` needs `marker`")?,
                status: self.status.take().unwrap_or(403),
            },
            "refuse_large" => Fault::RefuseLarge { tasks: self.tasks.take().unwrap_or(50) },
            "envelope_50000" => Fault::Envelope50000,
            "html_200" => Fault::Html200,
            "ready_omits" => Fault::ReadyOmits { share: chance(self.row_share.take())?.unwrap_or(0.5) },
            "ready_repeats" => Fault::ReadyRepeats,
            "ready_crowded" => Fault::ReadyCrowded,
            "list_lag" => Fault::ListLag { after: after(Duration::from_mins(10))? },
            "list_outage" => Fault::ListOutage,
            "list_omits" => Fault::ListOmits { share: chance(self.row_share.take())?.unwrap_or(0.5) },
            "list_hides_unfinished" => Fault::ListHidesUnfinished,
            "list_without_tags" => Fault::ListWithoutTags,
            "clock_skew" => Fault::ClockSkew { seconds: self.seconds.take().ok_or("`clock_skew` needs `seconds`")? },
            "price_change" => Fault::PriceChange {
                usd: usd(self.usd.take())?.ok_or("`price_change` needs `usd`")?,
                engine: None,
                priority: word::<Priority>(self.priority.take())?,
            },
            "paid_failure" => Fault::PaidFailure {
                code: self.code.take().unwrap_or(40_103),
                at_post: self.at_post.take().unwrap_or(false),
            },
            "overrun" => Fault::Overrun { usd: usd(self.usd.take())?.unwrap_or(Money::from_nanos(20_000_000)) },
            "settle_late" => Fault::SettleLate { after: after(Duration::from_mins(10))? },
            "never_done" => Fault::NeverDone,
            "negative_balance" => Fault::NegativeBalance,
            "stale_balance" => Fault::StaleBalance { after: after(Duration::from_mins(2))? },
            "odd_answer" => Fault::OddAnswer {
                how: word::<Bend>(self.how.take())?.unwrap_or(Bend::NotUtf8),
                share: chance(self.row_share.take())?.unwrap_or(1.0),
            },
            "live_lost" => Fault::LiveLost,
            "live_timeout" => Fault::LiveTimeout { charged: self.charged.take().unwrap_or(true) },
            _ => return Err(format!("no fault is called `{kind}`")),
        };
        match self.left_over() {
            None => Ok(fault),
            Some(key) => Err(format!("`{kind}` takes no `{key}`")),
        }
    }

    /// A key that is still there after its kind took its own.
    fn left_over(&self) -> Option<&'static str> {
        [
            ("after", self.after.is_some()),
            ("status", self.status.is_some()),
            ("html", self.html.is_some()),
            ("rows", self.rows.is_some()),
            ("tasks", self.tasks.is_some()),
            ("row_share", self.row_share.is_some()),
            ("seconds", self.seconds.is_some()),
            ("usd", self.usd.is_some()),
            ("priority", self.priority.is_some()),
            ("code", self.code.is_some()),
            ("at_post", self.at_post.is_some()),
            ("charged", self.charged.is_some()),
            ("how", self.how.is_some()),
            ("marker", self.marker.is_some()),
        ]
        .into_iter()
        .find_map(|(key, there)| there.then_some(key))
    }
}
