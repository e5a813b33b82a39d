//! An answer in one form, whichever engine and function it came from: its text, the pages that it cites, and the
//! brands that the provider found in it.
//!
//! The provider's own JSON differs between engines and gains fields without notice, so it is read leniently. A value
//! that is missing, or of another type than documented, is absent here. A list is empty only if the provider sent it
//! empty.

use serde_json::Value;

/// An answer in the form that all engines share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlatAnswer {
    /// Its text, as Markdown.
    pub markdown: Option<String>,
    /// The pages that it cites, each once, in the order in which they are first cited.
    pub citations: Option<Vec<Citation>>,
    /// The names of the brands that the provider found in it, each once.
    pub brands: Option<Vec<String>>,
}

/// A page that an answer cites.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Citation {
    /// Its place among the cited pages, from 1.
    pub rank: usize,
    /// Its address.
    pub url: String,
    /// The domain that the provider names, else the host of the address.
    pub domain: Option<String>,
    /// Its title.
    pub title: Option<String>,
}

/// Reads the result object of a stored reply.
pub fn flat_answer(result: &str) -> FlatAnswer {
    let Ok(result) = serde_json::from_str::<Value>(result) else { return FlatAnswer::default() };
    FlatAnswer { markdown: markdown(&result), citations: citations(&result), brands: brands(&result) }
}

/// The parts of an answer, in the order in which the engine shows them.
fn items(result: &Value) -> impl Iterator<Item = &Value> {
    result["items"].as_array().into_iter().flatten()
}

/// The parts of a model's message. Its reasoning is no part of the answer.
fn sections(item: &Value) -> impl Iterator<Item = &Value> {
    let is_answer = item["type"] != "reasoning";
    item["sections"].as_array().into_iter().flatten().filter(move |_| is_answer)
}

/// The text of the whole where the provider sends one, else the texts of the parts.
fn markdown(result: &Value) -> Option<String> {
    if let Some(whole) = result["markdown"].as_str() {
        return Some(whole.to_owned());
    }
    let of_item = |item| ["markdown", "original_text", "text"].iter().find_map(|key| text(item, key));
    let of_parts = |item| of_item(item).into_iter().chain(sections(item).filter_map(|part| text(part, "text")));
    let texts: Vec<&str> = items(result).flat_map(of_parts).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str()
}

/// The sources of the whole where the provider sends them, else those of the parts and the annotations of a message.
fn citations(result: &Value) -> Option<Vec<Citation>> {
    let mut citations: Vec<Citation> = Vec::new();
    for cited in listed(result, "sources", "annotations")? {
        let Some(url) = text(cited, "url").filter(|url| !url.is_empty()) else { continue };
        if citations.iter().any(|known| known.url == url) {
            continue;
        }
        citations.push(Citation {
            rank: citations.len() + 1,
            url: url.to_owned(),
            domain: text(cited, "domain").map(str::to_owned).or_else(|| host(url)),
            title: text(cited, "title").map(str::to_owned),
        });
    }
    Some(citations)
}

fn brands(result: &Value) -> Option<Vec<String>> {
    let mut brands: Vec<String> = Vec::new();
    for name in
        listed(result, "brand_entities", "brand_entities")?.into_iter().filter_map(|entity| text(entity, "title"))
    {
        if !brands.iter().any(|known| known == name) {
            brands.push(name.to_owned());
        }
    }
    Some(brands)
}

/// The elements of a list of the whole answer; without one, of the lists of its items and sections. None where there is no
/// list at all: the provider then says nothing of it.
fn listed<'v>(result: &'v Value, key: &str, key_of_section: &str) -> Option<Vec<&'v Value>> {
    if let Some(whole) = result[key].as_array() {
        return Some(whole.iter().collect());
    }
    let lists: Vec<&Vec<Value>> = items(result)
        .flat_map(|item| {
            let of_sections = sections(item).filter_map(|part| part[key_of_section].as_array());
            item[key].as_array().into_iter().chain(of_sections)
        })
        .collect();
    (!lists.is_empty()).then(|| lists.into_iter().flatten().collect())
}

/// The host of an address.
fn host(url: &str) -> Option<String> {
    reqwest::Url::parse(url).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation(rank: usize, url: &str, domain: &str, title: Option<&str>) -> Citation {
        Citation { rank, url: url.to_owned(), domain: Some(domain.to_owned()), title: title.map(str::to_owned) }
    }

    #[test]
    fn scraper_answer_has_text_citations_and_brands() {
        let result = r#"{"markdown": "Two: **toml**.", "sources": [
                {"type": "chat_gpt_source", "title": "Reading TOML", "domain": "example.org", "url": "https://www.example.org/a"},
                {"title": null, "url": "https://docs.example/b"}, {"url": "https://www.example.org/a"}, {"url": ""}, 7],
            "brand_entities": [{"title": "Vanta"}, {"title": "Norton"}, {"title": "Vanta"}, {}],
            "items": [{"type": "chat_gpt_text", "markdown": "not this", "sources": [{"url": "https://x.example"}]}]}"#;
        assert_eq!(
            flat_answer(result),
            FlatAnswer {
                markdown: Some("Two: **toml**.".to_owned()),
                citations: Some(vec![
                    citation(1, "https://www.example.org/a", "example.org", Some("Reading TOML")),
                    citation(2, "https://docs.example/b", "docs.example", None),
                ]),
                brands: Some(vec!["Vanta".to_owned(), "Norton".to_owned()]),
            }
        );
    }

    #[test]
    fn model_answer_is_read_without_its_reasoning() {
        let result = r#"{"model_name": "m", "web_search": true, "items": [
            {"type": "reasoning", "sections": [{"type": "summary_text", "text": "Let me think."}]},
            {"type": "message", "sections": [
                {"type": "text", "text": "1. Alpha", "annotations": [{"title": "Bikes", "url": "https://example.at/bikes"}]},
                {"type": "text", "text": "2. Beta", "annotations": null}]}]}"#;
        let flat = flat_answer(result);
        assert_eq!(flat.markdown.as_deref(), Some("1. Alpha\n\n2. Beta"));
        assert_eq!(flat.citations, Some(vec![citation(1, "https://example.at/bikes", "example.at", Some("Bikes"))]));
        assert_eq!(flat.brands, None);
    }

    #[test]
    fn parts_stand_in_for_a_whole_that_is_missing() {
        let result = r#"{"markdown": null, "sources": null, "items": [
            {"type": "gemini_text", "markdown": "one", "sources": [{"url": "https://a.example/"}]},
            {"type": "gemini_table", "original_text": "two"}, {"type": "new", "sources": []}]}"#;
        let flat = flat_answer(result);
        assert_eq!(flat.markdown.as_deref(), Some("one\n\ntwo"));
        assert_eq!(flat.citations, Some(vec![citation(1, "https://a.example/", "a.example", None)]));
    }

    #[test]
    fn what_was_not_sent_is_absent_and_never_empty() {
        for nothing in ["", "[]", "7", "{}", r#"{"markdown": 1, "sources": {}, "items": "x"}"#] {
            assert_eq!(flat_answer(nothing), FlatAnswer::default(), "{nothing}");
        }
        let empty = flat_answer(r#"{"markdown": "", "sources": [], "brand_entities": []}"#);
        let expected = FlatAnswer { markdown: Some(String::new()), citations: Some(vec![]), brands: Some(vec![]) };
        assert_eq!(empty, expected);
    }
}
