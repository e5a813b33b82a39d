//! Every body that bursar sends is one that the vendor's request form allows.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

use bursar::offer::{OFFERS, Priority};
use bursar::vendor::wire::{Order, id_list_body, task_post_body};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The form of a request, from the field facts of the vendor's documentation.
fn form(name: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("fixtures/request-schema.json")).unwrap();
    jsonschema::validator_for(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] })).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_purchase_satisfies_the_form_of_its_engine(
        prompts in proptest::collection::vec("\\PC{1,200}|.{1,80}|[%+\"\\\\]{1,20}", 1..100),
        high: bool,
        switched: bool,
    ) {
        for offer in OFFERS {
            let switches: serde_json::Map<String, Value> =
                offer.switches.iter().filter(|_| switched).map(|switch| (switch.name.to_owned(), json!(true))).collect();
            let options = Value::from(switches).to_string();
            let priority = if high { Priority::High } else { Priority::Normal };
            let orders: Vec<Order<'_>> = prompts
                .iter()
                .map(|prompt| Order {
                    tag: "b1.a4dqobyha4dqobyh.cu.7de22theb2f54o4f4orflnkzba",
                    prompt,
                    location_code: 2840,
                    language_code: "en",
                    priority,
                    options: &options,
                })
                .collect();
            let body: Value = serde_json::from_slice(&task_post_body(offer, &orders)).unwrap();
            let form = form(&format!("{}_task_post", offer.engine));
            let wrong: Vec<String> = form.iter_errors(&body).map(|error| error.to_string()).collect();
            prop_assert_eq!(wrong, Vec::<String>::new());
            // What the vendor reads is what was written: it decodes %hh and turns + into a space.
            for (task, prompt) in body.as_array().unwrap().iter().zip(&prompts) {
                let sent = task[offer.prompt_field].as_str().unwrap();
                prop_assert!(!sent.contains('+'));
                prop_assert_eq!(&sent.replace("%2B", "+").replace("%25", "%"), prompt);
            }
        }
    }
}

#[test]
fn a_question_for_the_list_satisfies_its_form() {
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let body: Value =
        serde_json::from_slice(&id_list_body(at(1_795_000_000), at(1_795_000_060), 1_000, 2_000)).unwrap();
    assert!(form("id_list").is_valid(&body), "{body}");
    assert_eq!(body[0]["include_metadata"], json!(true));
}
