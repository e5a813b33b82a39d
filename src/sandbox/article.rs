//! The invented content of an answer: brands, their praise, a text, a table and a page.
//!
//! The recommendations follow from the prompt, and their order from the market and the task, so repeats agree in
//! part, as real ones do. Every name and page is made up; all domains are under `.example`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::draw;
use super::envelope::stamp;
use super::places;
use super::tasks::{Fields, Task};
use crate::product::Engine;

const FIRST: &[&str] = &["Vel", "Nor", "Quan", "Bright", "Luma", "Ster", "Kori", "Alto", "Fen", "Mira", "Tal", "Ori"];
const LAST: &[&str] = &["ora", "dex", "tia", "wick", "forge", "lane", "vanta", "stead", "mark", "nova", "line", "ton"];
const PRAISE: &[&str] = &[
    "is the safest choice for most people: dependable, well documented and fairly priced",
    "stands out for how quickly it can be set up, even without help",
    "costs more than the others, but reviewers keep coming back to its quality",
    "is a good fit for small budgets, though support answers slowly at weekends",
    "has improved a lot in the last year and now covers nearly everything the larger names do",
    "is popular locally and has the most detailed independent reviews",
];
const CATEGORIES: &[&str] =
    &["Best overall", "Best value", "Easiest to start with", "For professionals", "Local favourite"];
const OUTLETS: &[&str] = &["The Daily Compare", "Field Notes", "Buyer's Ledger", "Open Reviews", "Harbour Post"];

/// One invented brand.
struct Brand {
    name: String,
    domain: String,
    praise: &'static str,
    category: &'static str,
    price: u32,
}

/// A task and what is made up about it.
pub(super) struct About<'t> {
    task: &'t Task,
    fields: Fields,
    prompt: String,
    place: String,
    brands: Vec<Brand>,
    done: DateTime<Utc>,
}

/// Three to five brands out of the six that belong to the prompt, ordered by market and task.
fn brands(seed: u64, task: &Task, prompt: &str) -> Vec<Brand> {
    let topic = draw::hash(prompt.to_lowercase().as_bytes());
    let mut of_topic = draw::rng(seed, topic.into(), "brands");
    let mut of_market = draw::rng(seed, u128::from(topic) << 32 | u128::from(task.location_code), "market");
    let mut of_task = draw::rng(seed, task.id.0, "answer");
    let mut names: Vec<String> = Vec::new();
    while names.len() < 6 {
        let name = format!("{}{}", FIRST[of_topic.usize(..FIRST.len())], LAST[of_topic.usize(..LAST.len())]);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    of_market.shuffle(&mut names);
    // Neighbours sometimes change places between repeats.
    for at in 1..names.len() {
        if of_task.u8(0..4) == 0 {
            names.swap(at - 1, at);
        }
    }
    names.truncate(of_task.usize(3..=5));
    let (praise, category) = (of_task.usize(..PRAISE.len()), of_task.usize(..CATEGORIES.len()));
    let finish = |(at, name): (usize, String)| Brand {
        domain: format!("{}.example", name.to_lowercase()),
        praise: PRAISE[(praise + at) % PRAISE.len()],
        category: CATEGORIES[(category + at) % CATEGORIES.len()],
        price: of_task.u32(9..400),
        name,
    };
    names.into_iter().enumerate().map(finish).collect()
}

fn place(task: &Task) -> String {
    places::location_name(task.location_code).map_or_else(|| "your country".to_owned(), str::to_owned)
}

impl<'t> About<'t> {
    /// `read` says how the engine reads a posted prompt.
    pub(super) fn new(seed: u64, task: &'t Task, done: DateTime<Utc>, read: impl Fn(&str) -> String) -> Self {
        let fields = task.fields();
        let prompt = read(&fields.keyword);
        Self { brands: brands(seed, task, &prompt), place: place(task), prompt, task, fields, done }
    }
}

impl About<'_> {
    pub(super) fn topic(&self) -> &str {
        self.prompt.trim().trim_end_matches(['?', '.', '!'])
    }

    fn intro(&self) -> String {
        format!(
            "Here is what people in {} usually find when they ask about *{}*. There is no single right answer, but {} names come up again and again.",
            self.place,
            self.topic(),
            self.brands.len()
        )
    }

    fn list(&self) -> String {
        let lines = self.brands.iter().enumerate();
        lines
            .map(|(at, brand)| {
                format!(
                    "{}. **{}** {} ([{}](https://{}/)).",
                    at + 1,
                    brand.name,
                    brand.praise,
                    brand.domain,
                    brand.domain
                )
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn outro(&self) -> String {
        format!(
            "If you only look at one of them, start with **{}**. Prices were checked on {}; they change often, so compare before you decide.",
            self.brands[0].name,
            self.done.format("%Y-%m-%d")
        )
    }

    fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = ["Name", "Good for", "From"].map(str::to_owned).to_vec();
        let rows = self.brands.iter();
        (head, rows.map(|b| vec![b.name.clone(), b.category.to_owned(), format!("${}", b.price)]).collect())
    }

    fn table_markdown(&self) -> String {
        let (head, rows) = self.table();
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let body: Vec<String> = rows.iter().map(|row| line(row)).collect();
        format!("{}\n| --- | --- | --- |\n{}", line(&head), body.join("\n"))
    }

    pub(super) fn text(&self) -> String {
        format!("{}\n\n{}", self.intro(), self.list())
    }

    /// The brands' names and pages.
    pub(super) fn pages(&self) -> impl Iterator<Item = (&str, String)> {
        self.brands.iter().map(|brand| (brand.name.as_str(), format!("https://{}/", brand.domain)))
    }

    fn markdown(&self) -> String {
        format!("{}\n\n{}\n\n{}", self.text(), self.table_markdown(), self.outro())
    }

    fn sources(&self) -> Vec<Value> {
        let engine = self.task.price_class.engine.name();
        let source = |(at, brand): (usize, &Brand)| {
            let outlet = OUTLETS[(at + usize::from(self.task.language)) % OUTLETS.len()];
            let title = format!("{} reviewed: {}", brand.name, self.topic());
            json!({
                "type": format!("{engine}_source"),
                "title": title,
                "snippet": format!("{} {}.", brand.name, brand.praise),
                "domain": brand.domain,
                "url": format!("https://{}/reviews?from={engine}", brand.domain),
                "thumbnail": null,
                "source_name": outlet,
                "publication_date": null,
                "markdown": null,
            })
        };
        self.brands.iter().enumerate().map(source).collect()
    }

    fn entities(&self) -> Vec<Value> {
        let entity = |brand: &Brand| {
            json!({
                "type": "chat_gpt_brand_entity",
                "title": brand.name,
                "category": brand.category,
                "markdown": format!("**{}**", brand.name),
                "urls": [{"url": format!("https://{}/", brand.domain), "domain": brand.domain}],
            })
        };
        self.brands.iter().map(entity).collect()
    }

    /// The parts of the answer, in the order in which the page shows them.
    fn items(&self) -> Vec<Value> {
        let engine = self.task.price_class.engine;
        let (head, rows) = self.table();
        let plain = std::iter::once(&head).chain(&rows).map(|row| row.join(" ")).collect::<Vec<_>>().join("\n");
        let table = json!({"table_element": "table", "table_header": head, "table_content": rows});
        if engine == Engine::Gemini {
            let text = |text: String, sources: Option<Vec<Value>>| json!({"type": "gemini_text", "original_text": text, "markdown": text, "sources": sources});
            return vec![
                text(self.text(), Some(self.sources())),
                json!({
                    "type": "gemini_table", "original_text": plain, "markdown": self.table_markdown(), "table": table,
                }),
                text(self.outro(), None),
            ];
        }
        vec![
            json!({
                "type": "chat_gpt_text",
                "markdown": self.text(),
                "sources": self.sources(),
                "brand_entities": null,
            }),
            json!({
                "type": "chat_gpt_table",
                "text": plain,
                "markdown": self.table_markdown(),
                "table": table,
                "brand_entities": null,
            }),
            json!({"type": "chat_gpt_text", "markdown": self.outro(), "sources": null, "brand_entities": null}),
            json!({"type": "chat_gpt_navigation_list", "title": "Read on", "sources": &self.sources()[..1]}),
        ]
    }

    pub(super) fn advanced(&self, seed: u64) -> Value {
        let mut items = self.items();
        let mut types: Vec<String> = Vec::new();
        let mut groups = std::collections::BTreeMap::<String, u32>::new();
        for (at, item) in items.iter_mut().enumerate() {
            let kind = item["type"].as_str().unwrap_or_default().to_owned();
            let group = groups.entry(kind.clone()).or_default();
            *group += 1;
            item["rank_group"] = json!(*group);
            item["rank_absolute"] = json!(at + 1);
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        let gemini = self.task.price_class.engine == Engine::Gemini;
        let mut result = json!({
            "keyword": self.prompt,
            "location_code": self.task.location_code,
            "language_code": places::language_code(self.task.language),
            "model": if gemini { "gemini-2.5-flash" } else { "gpt-5" },
            "datetime": stamp(self.done),
            "markdown": self.markdown(),
            "sources": self.sources(),
            "se_results_count": self.brands.len(),
            "item_types": types,
            "items_count": items.len(),
            "items": items,
        });
        if !gemini {
            let searched = self.fields.force_web_search || draw::rng(seed, self.task.id.0, "web search").bool();
            let words: Vec<&str> = self.topic().split_whitespace().take(6).collect();
            result["check_url"] = json!(format!("https://chatgpt.example/?q={}", words.join("+")));
            result["fan_out_queries"] = if searched {
                json!([words.join(" "), format!("{} {}", words.join(" "), self.place)])
            } else {
                Value::Null
            };
            result["search_results"] = if searched { json!(self.search_results()) } else { Value::Null };
            result["brand_entities"] = json!(self.entities());
        }
        result
    }

    fn search_results(&self) -> Vec<Value> {
        let found = |brand: &Brand| {
            json!({
                "type": "chatgpt_search_result",
                "url": format!("https://{}/guide", brand.domain),
                "domain": brand.domain,
                "title": format!("{}: {}", brand.name, self.topic()),
                "description": format!("{} {}.", brand.name, brand.praise),
                "breadcrumb": format!("{} > guide", brand.domain),
            })
        };
        self.brands.iter().map(found).collect()
    }

    pub(super) fn html(&self) -> Value {
        let escaped = self.markdown().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let paragraphs: Vec<String> = escaped.split("\n\n").map(|part| format!("<p>{part}</p>")).collect();
        let citation = |brand: &Brand| format!("<li><a href=\"https://{0}/\">{0}</a></li>", brand.domain);
        let citations = if self.fields.expand_citations {
            format!("<ol>{}</ol>", self.brands.iter().map(citation).collect::<String>())
        } else {
            String::new()
        };
        let page = format!(
            "<!doctype html><html lang=\"{}\"><body><main>{}</main>{citations}</body></html>",
            places::language_code(self.task.language),
            paragraphs.concat()
        );
        json!({
            "keyword": self.prompt,
            "location_code": self.task.location_code,
            "language_code": places::language_code(self.task.language),
            "datetime": stamp(self.done),
            "items_count": 1,
            "items": [{"page": 1, "date": stamp(self.done), "html": page}],
        })
    }
}
