//! Words for what an unknown place or language may mean.

use crate::market::Near;

pub(super) const NO_PLACE: &str = "write a country's English name or its two ISO letters such as \"DE\", or the provider's \
    code of the place as a number; bursar's own list is only a hint, `bursar locations` reads the provider's";
pub(super) const NO_LANGUAGE: &str = "write a language's English name, or its code such as \"de\"; bursar's own list is \
    only a hint, `bursar languages` reads the provider's";

pub(super) fn words(near: &Near) -> String {
    match near {
        Near::Name { name, code } => format!("did you mean `{name}` (`{code}`)?"),
        Near::Within { country, place } => {
            let that =
                place.as_ref().map_or_else(|| "that".to_owned(), |place| format!("did you mean `{place}`? That"));
            format!(
                "{that} is a place within `{country}`: write the country, or the provider's code of the place as a number where \
                 its list has one (`bursar locations` reads it); a part of a country can also be said by `location_coordinate` \
                 of `gemini`, and by `web_search_city` of `chat_gpt` and `claude` with `llm_responses`"
            )
        }
        Near::Absent { name, is_whole: true } => {
            format!("that is `{name}`, which this list does not have: choose another")
        }
        Near::Absent { name, is_whole: false } => {
            format!("that is a place within `{name}`, which this list does not have: choose another")
        }
        Near::Region => {
            "those are several countries, and a question is asked in one: list them, as in [\"Germany\", \"Austria\"]"
                .to_owned()
        }
        Near::List { names } => {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("each place stands in quotes of its own: {}", names.join(", "))
        }
        Near::Unserved { iso } => format!("the provider does not serve this country ({iso}): choose another"),
    }
}
