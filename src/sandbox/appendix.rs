//! What costs nothing and is about no task: places, languages, codes, the vendor's state, the account.

use serde_json::json;

use super::envelope::{CODES, quoted, usd};
use super::places::{COUNTRIES, LANGUAGES};
use super::{Context, Reply, Sandbox};
use crate::money::Money;
use crate::offer::{Engine, Priority};

/// The countries, or the one of an ISO code.
pub(super) fn locations(cx: &Context<'_>, engine: Engine, country: Option<&str>) -> Reply {
    let wanted = COUNTRIES.iter().filter(|(.., iso)| country.is_none_or(|asked| iso.eq_ignore_ascii_case(asked)));
    let rows: Vec<String> = wanted
        .map(|(code, name, iso)| {
            format!(
                r#"{{"location_code":{code},"location_name":{},"location_code_parent":null,"country_iso_code":"{iso}","location_type":"Country"}}"#,
                quoted(name)
            )
        })
        .collect();
    Reply::Rows(cx.rows_of("locations", Some(engine), &rows))
}

/// The languages.
pub(super) fn languages(cx: &Context<'_>, engine: Engine) -> Reply {
    let rows: Vec<String> = LANGUAGES
        .iter()
        .map(|(name, code)| format!(r#"{{"language_name":{},"language_code":"{code}"}}"#, quoted(name)))
        .collect();
    Reply::Rows(cx.rows_of("languages", Some(engine), &rows))
}

/// The codes that rows and envelopes carry.
pub(super) fn error_codes(cx: &Context<'_>) -> Reply {
    let rows: Vec<String> =
        CODES.iter().map(|(code, words)| format!(r#"{{"code":{code},"message":{}}}"#, quoted(words))).collect();
    Reply::Rows(cx.rows_of("errors", None, &rows))
}

/// How the vendor is; the real one has no row for this API, and says nothing where all is well.
pub(super) fn status(cx: &Context<'_>) -> Reply {
    let endpoint = |name: &str| json!({"endpoint": name, "status": null});
    let endpoints = ["task_post", "task_get", "live", "postback/pingback"].map(endpoint);
    let row = json!({"api": "serp", "status": null, "endpoints": endpoints});
    Reply::Rows(cx.rows_of("status", None, &[row.to_string()]))
}

impl Sandbox {
    /// Balance, limits and prices of the account.
    pub(super) fn user_data(&self, cx: &Context<'_>) -> Reply {
        let (settings, account) = (&self.settings, &self.accounts[cx.account]);
        let all = settings.calls_per_minute;
        let day = cx.face(cx.now).format("%Y-%m-%d").to_string();
        let minute = cx.face(cx.now).format("%Y-%m-%d %H:%M").to_string();
        let price = |priority| {
            let price = self.prices.get(&(Engine::ChatGpt, priority)).copied().unwrap_or_default();
            format!(r#"[{{"cost_type":"per_request","cost":{}}}]"#, usd(price))
        };
        let free = r#"{"priority_normal":[{"cost_type":"per_request","cost":0}]}"#;
        let day_limit = settings.day_limit.unwrap_or_default();
        let spent = if account.is_day_of(cx.now) { account.spent_today } else { Money::ZERO };
        let rates = json!({
            "limits": {
                "day": {"total": 0, "ai_optimization": {"llm_scraper": {"task_post": 0}}},
                "minute": {
                    "total": all,
                    "ai_optimization": {
                        "llm_scraper": {
                            "task_post": all,
                            "task_get": {"advanced": all, "html": all},
                            "tasks_ready": settings.tasks_ready_per_minute,
                            "locations": all,
                            "languages": all,
                        },
                        "id_list": settings.id_list_per_minute,
                        "errors": all,
                    },
                    "total_ai_optimization": all,
                },
            },
            "statistics": {
                "day": {"total": 0, "value": day},
                "minute": {"total": account.limits.calls(), "value": minute},
            },
        });
        let row = format!(
            concat!(
                r#"{{"login":{login},"timezone":"Etc/UTC","rates":{rates},"#,
                r#""money":{{"total":{total},"balance":{balance},"#,
                r#""limits":{{"day":{{"total":{limit}}},"minute":{{"total":0}}}},"#,
                r#""statistics":{{"day":{{"ai_optimization":{{"llm_scraper":{{"task_post":{spent}}}}},"total_ai_optimization":{spent},"total":{spent},"value":"{day}"}},"minute":{{"total":0,"value":"{minute}"}}}}}},"#,
                r#""price":{{"ai_optimization":{{"llm_scraper":{{"task_post":{{"priority_normal":{normal},"priority_high":{high}}},"task_get":{{"advanced":{free},"html":{free}}}}},"id_list":{free}}}}}}}"#,
            ),
            login = quoted(&account.login),
            rates = rates,
            total = usd(settings.start_balance),
            balance = usd(account.balance),
            limit = usd(day_limit),
            spent = usd(spent),
            day = day,
            minute = minute,
            normal = price(Priority::Normal),
            high = price(Priority::High),
            free = free,
        );
        Reply::Rows(cx.rows_of("user_data", None, &[row]))
    }
}
