//! What is sent: paths and bodies.
//!
//! Bodies are written directly as bytes: a purchase of 100 tasks is written thousands of times a second at the
//! highest limits, and the tests compare its bytes.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::product::{Engine, Function, Priority, Product, ResultKind};

/// The provider's list of all that was bought, for every engine and function.
pub const ID_LIST_PATH: &str = "/v3/ai_optimization/id_list";
/// The account: balance, limits, prices.
pub const USER_DATA_PATH: &str = "/v3/appendix/user_data";
/// The provider's own word on its outages.
pub const STATUS_PATH: &str = "/v3/appendix/status";

/// One task as it is to be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// The attempt's tag, which the provider echoes.
    pub tag: &'a str,
    /// What the engine is to read, before any escaping for the wire.
    pub prompt: &'a str,
    /// Where the question is asked.
    pub location_code: u32,
    /// In which language the question is asked.
    pub language_code: &'a str,
    /// How soon.
    pub priority: Priority,
    /// A JSON object of the options that are not the provider's default: `{}` or `{"force_web_search":true}`.
    pub options: &'a str,
}

/// The path that buys tasks by the Standard method.
pub fn task_post_path(engine: Engine, function: Function) -> String {
    format!("/v3/ai_optimization/{engine}/{function}/task_post")
}

/// The path that buys a task and answers it. The scraper has one for each form of answer.
pub fn live_path(engine: Engine, function: Function, form: ResultKind) -> String {
    match function {
        Function::LlmScraper => format!("/v3/ai_optimization/{engine}/{function}/live/{form}"),
        Function::LlmResponses => format!("/v3/ai_optimization/{engine}/{function}/live"),
    }
}

/// The path that lists what is finished and not collected.
pub fn tasks_ready_path(engine: Engine, function: Function) -> String {
    format!("/v3/ai_optimization/{engine}/{function}/tasks_ready")
}

/// The path of one task's answer. The scraper's answers come in several forms, the others' in one without a name.
pub fn task_get_path(engine: Engine, function: Function, kind: ResultKind, provider_id: &str) -> String {
    let mut path = format!("/v3/ai_optimization/{engine}/{function}/task_get/");
    match function {
        Function::LlmScraper => {
            path.push_str(kind.name());
            path.push('/');
        }
        Function::LlmResponses => {}
    }
    for byte in provider_id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => path.push(char::from(byte)),
            _ => write!(path, "%{byte:02X}").expect("a string takes all that is written"),
        }
    }
    path
}

/// The body of a purchase: a JSON array with one object for each order, in their order. A model's prompt is escaped where
/// the provider decodes it.
pub fn task_post_body(product: &Product, user_prompt_decoded: bool, orders: &[Order<'_>]) -> Bytes {
    let mut body = Vec::with_capacity(orders.iter().map(|order| order.prompt.len() + 256).sum::<usize>() + 2);
    body.push(b'[');
    for (nth, order) in orders.iter().enumerate() {
        if nth > 0 {
            body.push(b',');
        }
        body.push(b'{');
        push_string(&mut body, product.prompt_field);
        body.push(b':');
        push_string(&mut body, &product.wire_prompt(order.prompt, user_prompt_decoded));
        if product.has_place {
            // Without a code, the place stands in a field of its own.
            if order.location_code > 0 {
                body.extend_from_slice(b",\"location_code\":");
                body.extend_from_slice(order.location_code.to_string().as_bytes());
            }
            body.extend_from_slice(b",\"language_code\":");
            push_string(&mut body, order.language_code);
        }
        if product.priorities.len() > 1 {
            body.extend_from_slice(match order.priority {
                Priority::Normal => b",\"priority\":1",
                Priority::High => b",\"priority\":2",
            });
        }
        let options = fields_of(order.options);
        if !options.is_empty() {
            body.push(b',');
            body.extend_from_slice(options.as_bytes());
        }
        body.extend_from_slice(b",\"tag\":");
        push_string(&mut body, order.tag);
        body.push(b'}');
    }
    body.push(b']');
    body.into()
}

/// The body that asks for one page of the provider's list, oldest first, with the tags or without.
pub fn id_list_body(from: DateTime<Utc>, to: DateTime<Utc>, limit: u32, offset: u32, with_tags: bool) -> Bytes {
    let (from, to) = (wire_time(from), wire_time(to));
    format!(
        "[{{\"datetime_from\":\"{from}\",\"datetime_to\":\"{to}\",\"limit\":{limit},\"offset\":{offset},\
         \"sort\":\"asc\",\"include_metadata\":{with_tags}}}]"
    )
    .into()
}

/// A time as the provider writes it.
fn wire_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

/// What stands between the braces of a JSON object.
fn fields_of(object: &str) -> &str {
    object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().trim()
}

fn push_string(body: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(body, text).expect("text can always be written to memory");
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::product::Method;

    fn product() -> &'static Product {
        Product::find(Engine::ChatGpt, Function::LlmScraper, Method::Standard).unwrap()
    }

    fn order<'a>(tag: &'a str, prompt: &'a str, options: &'a str) -> Order<'a> {
        Order { tag, prompt, location_code: 2840, language_code: "en", priority: Priority::Normal, options }
    }

    #[test]
    fn a_purchase_is_written_to_the_byte() {
        let orders = [
            order("b1.a", "is 100% rye good with C++?", "{\"force_web_search\":true}"),
            Order { priority: Priority::High, ..order("b1.b", "say \"ü\"\n\\ please", "{}") },
        ];
        assert_eq!(
            task_post_body(product(), false, &orders),
            concat!(
                r#"[{"keyword":"is 100%25 rye good with C%2B%2B?","location_code":2840,"language_code":"en","#,
                r#""priority":1,"force_web_search":true,"tag":"b1.a"},"#,
                r#"{"keyword":"say \"ü\"\n\\ please","location_code":2840,"language_code":"en","#,
                r#""priority":2,"tag":"b1.b"}]"#
            )
        );
        assert_eq!(task_post_body(product(), false, &[]), "[]");
    }

    #[test]
    fn a_list_request_is_exact_to_the_byte() {
        let from = Utc.with_ymd_and_hms(2026, 11, 22, 15, 25, 0).unwrap();
        let to = Utc.with_ymd_and_hms(2026, 11, 22, 15, 44, 9).unwrap();
        assert_eq!(
            id_list_body(from, to, 1000, 2000, true),
            concat!(
                r#"[{"datetime_from":"2026-11-22 15:25:00 +00:00","datetime_to":"2026-11-22 15:44:09 +00:00","#,
                r#""limit":1000,"offset":2000,"sort":"asc","include_metadata":true}]"#
            )
        );
    }

    #[test]
    fn any_id_stays_one_path_segment() {
        let path = |id| task_get_path(Engine::ChatGpt, Function::LlmScraper, ResultKind::Html, id);
        assert_eq!(
            path("11221530-1535-0066-0000-1c2d"),
            "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/html/11221530-1535-0066-0000-1c2d"
        );
        assert_eq!(
            path("a/../b?c#d%ü"),
            "/v3/ai_optimization/chat_gpt/llm_scraper/task_get/html/a%2F..%2Fb%3Fc%23d%25%C3%BC"
        );
        assert_eq!(
            task_get_path(Engine::Claude, Function::LlmResponses, ResultKind::Advanced, "x"),
            "/v3/ai_optimization/claude/llm_responses/task_get/x"
        );
        assert_eq!(
            task_post_path(Engine::Gemini, Function::LlmScraper),
            "/v3/ai_optimization/gemini/llm_scraper/task_post"
        );
        assert_eq!(
            tasks_ready_path(Engine::Gemini, Function::LlmScraper),
            "/v3/ai_optimization/gemini/llm_scraper/tasks_ready"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_written_body_is_the_intended_json(prompt in ".*", tag in "[A-Za-z0-9._-]{1,64}") {
            let body = task_post_body(product(), false, &[order(&tag, &prompt, "{\"force_web_search\":true}")]);
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            proptest::prop_assert_eq!(&json[0]["tag"], &serde_json::Value::from(tag));
            let wire = json[0]["keyword"].as_str().unwrap();
            proptest::prop_assert_eq!(wire.replace("%2B", "+").replace("%25", "%"), prompt);
            proptest::prop_assert_eq!(&json[0]["force_web_search"], &serde_json::Value::Bool(true));
        }
    }
}
