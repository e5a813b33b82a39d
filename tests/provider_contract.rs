//! Every body that bursar sends is allowed by the provider's request form.
#![expect(clippy::unwrap_used, reason = "a test, where a failure is a panic")]

use bursar::product::{Field, FieldKind, Function, PRODUCTS, Priority};
use bursar::provider::wire::{Order, id_list_body, task_post_body};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The form of a request, from the field facts of the provider's documentation.
fn form(name: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("fixtures/request-schema.json")).unwrap();
    jsonschema::validator_for(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] })).unwrap()
}

/// A value that a field may hold.
fn example(field: &Field) -> Value {
    match field.kind {
        FieldKind::Switch => json!(true),
        FieldKind::Whole(least, most) => json!(least.midpoint(most)),
        FieldKind::Tenths(most) => serde_json::from_str(&format!("{}.{}", most / 10, most % 10)).unwrap(),
        FieldKind::Text(most) => json!("ü".repeat(most)),
        FieldKind::Country => json!("AT"),
        FieldKind::Chain => {
            json!([{ "role": "user", "message": "I ride 5 km a day." }, { "role": "ai", "message": "Noted." }])
        }
        FieldKind::Coordinate => json!("48.2035,16.3689,2000"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_purchase_satisfies_the_form_of_its_engine(
        prompts in proptest::collection::vec("\\PC{1,200}|.{1,80}|[%+\"\\\\]{1,20}", 1..100),
        high: bool,
        switched: bool,
        decoded: bool,
    ) {
        for product in PRODUCTS {
            let fields = product.fields.iter().filter(|_| switched).map(|field| (field.name.to_owned(), example(field)));
            let mut fields: serde_json::Map<String, Value> = fields.collect();
            if product.function == Function::LlmResponses {
                fields.insert("model_name".to_owned(), json!("a-model"));
            }
            let options = Value::from(fields).to_string();
            let priority = if high { Priority::High } else { Priority::Normal };
            let prompts = &prompts[..prompts.len().min(product.batch)];
            let orders: Vec<Order<'_>> = prompts
                .iter()
                .map(|prompt| Order {
                    tag: "b1.a4dqobyha4dqobyh.cu.7de22theb2f54o4f4orflnkzba",
                    prompt,
                    location_code: if switched && product.field("location_coordinate").is_some() { 0 } else { 2840 },
                    language_code: "en",
                    priority,
                    options: &options,
                })
                .collect();
            let body: Value = serde_json::from_slice(&task_post_body(product, decoded, &orders)).unwrap();
            let form = form(&format!("{}_{}_{}", product.engine, product.function, product.method));
            let wrong: Vec<String> = form.iter_errors(&body).map(|error| error.to_string()).collect();
            prop_assert_eq!(wrong, Vec::<String>::new());
            // What the provider reads is what was written: it decodes %hh and turns + into a space.
            for (task, prompt) in body.as_array().unwrap().iter().zip(prompts) {
                let sent = task[product.prompt_field].as_str().unwrap();
                if product.percent_decoded || decoded {
                    prop_assert!(!sent.contains('+'));
                    prop_assert_eq!(&sent.replace("%2B", "+").replace("%25", "%"), prompt);
                } else {
                    prop_assert_eq!(sent, prompt);
                }
            }
        }
    }
}

#[test]
fn a_question_for_the_list_satisfies_its_form() {
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let body: Value =
        serde_json::from_slice(&id_list_body(at(1_795_000_000), at(1_795_000_060), 1_000, 2_000, true)).unwrap();
    assert!(form("id_list").is_valid(&body), "{body}");
    assert_eq!(body[0]["include_metadata"], json!(true));
}
