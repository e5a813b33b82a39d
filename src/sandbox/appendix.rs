//! Free calls that concern no task: places, languages, codes, the provider's status, the account.

use serde_json::json;

use super::envelope::{CODES, quoted, usd};
use super::faults::Fault;
use super::places::{COUNTRIES, LANGUAGES};
use super::price_classes::PriceClass;
use super::{Context, Reply, Sandbox};
use crate::money::Money;
use crate::product::{Engine, Function, Method, Priority, ResultKind};

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

/// How the provider is; the real one has no row for this API, and says nothing where all is well.
pub(super) fn status(cx: &Context<'_>) -> Reply {
    let endpoint = |name: &str| json!({"endpoint": name, "status": null});
    let endpoints = ["task_post", "task_get", "live", "postback/pingback"].map(endpoint);
    let row = json!({"api": "serp", "status": null, "endpoints": endpoints});
    Reply::Rows(cx.rows_of("status", None, &[row.to_string()]))
}

/// A price of the tree, for one priority.
fn leaf(priority: &str, price: Money) -> String {
    format!(r#""{priority}":[{{"cost_type":"per_request","cost":{}}}]"#, usd(price))
}

impl Sandbox {
    /// The calls that are allowed in a minute, as the account's page shows them.
    fn minute_limits(&self) -> serde_json::Value {
        let settings = &self.settings;
        let all = settings.calls_per_minute;
        json!({
            "total": all,
            "ai_optimization": {
                "llm_scraper": {
                    "task_post": all,
                    "task_get": {"advanced": all, "html": all},
                    "tasks_ready": settings.tasks_ready_per_minute,
                    "locations": all,
                    "languages": all,
                    "live": {"advanced": all, "html": all},
                },
                "llm_responses": {
                    "task_post": all,
                    "task_get": all,
                    "tasks_ready": settings.tasks_ready_per_minute,
                    "live": all,
                    "models": all,
                },
                "id_list": settings.id_list_per_minute,
                "errors": all,
            },
            "total_ai_optimization": all,
        })
    }

    /// The prices, one branch a function; what a model charges is in no list of this provider.
    fn price_tree(&self) -> String {
        let price = |function, method, kind, priority| {
            self.prices.of(PriceClass { engine: Engine::ChatGpt, function, method, kind }, priority)
        };
        let scraper = |method, priority| price(Function::LlmScraper, method, ResultKind::Advanced, priority);
        let responses = |method| price(Function::LlmResponses, method, ResultKind::Advanced, Priority::Normal);
        let free = leaf("priority_normal", Money::ZERO);
        let live = leaf("priority_high", scraper(Method::Live, Priority::Normal));
        format!(
            concat!(
                r#"{{"ai_optimization":{{"llm_scraper":{{"task_post":{{{normal},{high}}},"#,
                r#""task_get":{{"advanced":{{{free}}},"html":{{{free}}}}},"live":{{"advanced":{{{live}}},"html":{{{live}}}}}}},"#,
                r#""llm_responses":{{"task_post":{{{fee}}},"task_get":{{{free}}},"live":{{{live_fee}}},"models":{{{free}}}}},"#,
                r#""id_list":{{{free}}}}}}}"#,
            ),
            normal = leaf("priority_normal", scraper(Method::Standard, Priority::Normal)),
            high = leaf("priority_high", scraper(Method::Standard, Priority::High)),
            fee = leaf("priority_normal", responses(Method::Standard)),
            live_fee = leaf("priority_normal", responses(Method::Live)),
            free = free,
            live = live,
        )
    }

    /// Balance, limits and prices of the account.
    pub(super) fn user_data(&self, cx: &Context<'_>) -> Reply {
        let (settings, account) = (&self.settings, &self.accounts[cx.account]);
        let day = cx.face(cx.now).format("%Y-%m-%d").to_string();
        let minute = cx.face(cx.now).format("%Y-%m-%d %H:%M").to_string();
        let rates = json!({
            "limits": {
                "day": {"total": 0, "ai_optimization": {"llm_scraper": {"task_post": 0}}},
                "minute": self.minute_limits(),
            },
            "statistics": {
                "day": {"total": 0, "value": day},
                "minute": {"total": account.limits.calls(), "value": minute},
            },
        });
        let spent = |function| usd(account.spent_on(cx.now, function));
        let ago = cx.weather.find(|fault| if let Fault::StaleBalance { after } = fault { Some(*after) } else { None });
        let balance = match ago.map_or(account.balance, |ago| account.balance_ago(cx.now, ago)) {
            balance if balance >= Money::ZERO && self.owes(cx) => Money::from_nanos(-1_000_000),
            balance => balance,
        };
        let row = format!(
            concat!(
                r#"{{"login":{login},"timezone":"Etc/UTC","rates":{rates},"#,
                r#""money":{{"total":{total},"balance":{balance},"#,
                r#""limits":{{"day":{{"total":{limit}}},"minute":{{"total":0}}}},"#,
                r#""statistics":{{"day":{{"ai_optimization":{{"llm_scraper":{{"task_post":{scraper}}},"llm_responses":{{"task_post":{responses}}}}},"total_ai_optimization":{spent},"total":{spent},"value":"{day}"}},"minute":{{"total":0,"value":"{minute}"}}}}}},"#,
                r#""price":{prices}}}"#,
            ),
            login = quoted(&account.login),
            rates = rates,
            total = usd(settings.start_balance),
            balance = usd(balance),
            limit = usd(settings.day_limit.unwrap_or_default()),
            scraper = spent(Some(Function::LlmScraper)),
            responses = spent(Some(Function::LlmResponses)),
            spent = spent(None),
            day = day,
            minute = minute,
            prices = self.price_tree(),
        );
        Reply::Rows(cx.rows_of("user_data", None, &[row]))
    }
}
