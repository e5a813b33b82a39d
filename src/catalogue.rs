//! The provider's own lists of the places, languages and models that an engine serves, as they were last read.
//!
//! If such a list is kept, it decides what a job may name. Otherwise the shipped lists of `market` are hints.
//! `provider` reads a list, the ledger stores it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::market::{self, Language, Location, Market, Near};
use crate::near::nearest;
use crate::product::{Engine, Function, Method, Product, named};

named! {
    /// The kinds of list that the provider keeps for each engine.
    List {
        /// The places where a question can be asked.
        Locations = "locations",
        /// The languages in which it can be asked.
        Languages = "languages",
        /// The models that LLM Responses answers with.
        Models = "models",
    }
}

/// A model of LLM Responses. A property that the provider does not state is unknown, and does not count as yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name, mostly with a date.
    pub name: String,
    /// True if it reasons before it answers.
    pub reasoning: Option<bool>,
    /// True if it can search the web.
    pub web_search_supported: Option<bool>,
    /// True if the Standard method accepts it.
    pub task_post_supported: Option<bool>,
}

/// A list of the provider's, and when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<T> {
    /// When it was read, by this machine's clock.
    pub read_at: DateTime<Utc>,
    /// Its rows.
    pub rows: Vec<T>,
}

/// What the provider serves, according to the lists that are kept: jobs are checked against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The places of each engine.
    pub locations: BTreeMap<Engine, Kept<Location>>,
    /// The languages of each engine.
    pub languages: BTreeMap<Engine, Kept<Language>>,
    /// The models of each engine.
    pub models: BTreeMap<Engine, Kept<Model>>,
}

/// A place or language that cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What was probably meant.
    pub near: Option<Near>,
    /// The engine whose kept list lacks it, and when that was read; none if only the shipped list was used.
    pub list: Option<(Engine, NaiveDate)>,
}

impl List {
    /// The engines for which the provider has such a list.
    pub fn engines(self) -> Vec<Engine> {
        let has = |engine: &Engine| match self {
            Self::Locations | Self::Languages => {
                Product::find(*engine, Function::LlmScraper, Method::Standard).is_some()
            }
            Self::Models => true,
        };
        Engine::ALL.iter().copied().filter(has).collect()
    }
}

impl Served {
    /// The code of a place as a person wrote it, which every one of these engines serves as far as its list is kept.
    ///
    /// A name is looked for in the kept lists and then in the shipped one, so that a job does not break by being
    /// checked against more.
    ///
    /// # Errors
    /// A kept list has no such place, or none is kept and the shipped one does not know the name.
    pub fn location(&self, word: &str, engines: &[Engine]) -> Result<u32, Unknown> {
        let kept = of(&self.locations, engines);
        let code = kept.iter().find_map(|(_, list)| list.rows.iter().find(|row| row.is_called(word)));
        let code = code.map(|row| row.code).or_else(|| market::find_location(word));
        let served = |list: &Kept<Location>| list.rows.iter().any(|row| Some(row.code) == code);
        unless_lacking(code, &kept, served, |list| {
            near_place(word, list.map_or(market::locations(), |list| list.rows.as_slice()))
        })
    }

    /// The code of a language as a person wrote it, by the same rule as [`Served::location`].
    ///
    /// # Errors
    /// A kept list has no such language, or none is kept and the word is neither a shipped name nor like a code.
    pub fn language(&self, word: &str, engines: &[Engine]) -> Result<String, Unknown> {
        let kept = of(&self.languages, engines);
        let code = kept.iter().find_map(|(_, list)| list.rows.iter().find(|row| row.is_called(word)));
        let code = code.map(|row| row.code.clone()).or_else(|| market::find_language(word));
        let served = |list: &Kept<Language>| list.rows.iter().any(|row| Some(&row.code) == code.as_ref());
        unless_lacking(code.clone(), &kept, served, |list| {
            near_language(word, list.map_or(market::languages(), |list| list.rows.as_slice()))
        })
    }

    /// The market of two codes, with the names that the kept lists have for them, else the shipped ones.
    pub fn market(&self, location_code: u32, language_code: &str) -> Market {
        let shipped = Market::of(location_code, language_code);
        let locations = self.locations.values().flat_map(|list| &list.rows);
        let languages = self.languages.values().flat_map(|list| &list.rows);
        let location = locations.filter(|row| row.code == location_code).map(|row| row.name.clone()).next();
        let language = languages.filter(|row| row.code == language_code).map(|row| row.name.clone()).next();
        Market {
            location_name: location.or(shipped.location_name),
            language_name: language.or(shipped.language_name),
            ..shipped
        }
    }
}

/// The kept lists of these engines.
fn of<'k, T>(lists: &'k BTreeMap<Engine, Kept<T>>, engines: &[Engine]) -> Vec<(Engine, &'k Kept<T>)> {
    engines.iter().filter_map(|engine| Some((*engine, lists.get(engine)?))).collect()
}

/// The code, unless there is none or a kept list lacks it.
fn unless_lacking<T, C>(
    code: Option<C>,
    kept: &[(Engine, &Kept<T>)],
    served: impl Fn(&Kept<T>) -> bool,
    near: impl Fn(Option<&Kept<T>>) -> Option<Near>,
) -> Result<C, Unknown> {
    if let Some((engine, list)) = kept.iter().find(|(_, list)| !served(list)) {
        return Err(Unknown { near: near(Some(list)), list: Some((*engine, list.read_at.date_naive())) });
    }
    code.ok_or_else(|| Unknown { near: near(None), list: None })
}

/// The place of a list that was probably meant: by what it is called elsewhere, by what it is a part of, and only then
/// by the letters that differ.
pub(crate) fn near_place(word: &str, list: &[Location]) -> Option<Near> {
    let of_iso = |iso: &str| {
        let country = |row: &&Location| row.kind.as_deref() == Some("Country") && row.iso.as_deref() == Some(iso);
        list.iter().find(country)
    };
    let absent = |iso: &str, is_whole| {
        let shipped = market::locations().iter().find(|row| row.iso.as_deref() == Some(iso));
        // Its own name says nothing more.
        shipped.filter(|row| !row.is_called(word)).map(|row| Near::Absent { name: row.name.clone(), is_whole })
    };
    if let Some(iso) = market::country(word) {
        let unserved = || market::UNSERVED.contains(&iso).then_some(Near::Unserved { iso });
        return of_iso(iso).map(Near::place).or_else(unserved).or_else(|| absent(iso, true));
    }
    if market::is_region(word) {
        return Some(Near::Region);
    }
    // A list of cities names them as `Berlin,Berlin,Germany`.
    let first = |row: &Location| row.name.split(',').next().unwrap_or_default().to_owned();
    let sought = market::folded(word);
    let part = list.iter().find(|row| row.name.contains(',') && market::folded(&first(row)) == sought);
    if let Some(part) = part {
        return Some(Near::place(part));
    }
    if let Some(names) = several(word, list) {
        return Some(Near::List { names });
    }
    let within = |iso: &str, place| {
        let country = of_iso(iso).map(|row| Near::Within { country: row.name.clone(), place });
        country.or_else(|| absent(iso, false))
    };
    if let Some(iso) = market::country_of_city(word) {
        return within(iso, None);
    }
    let whole = nearest(word, list.iter().map(|row| row.name.as_str()));
    let by_name = whole.and_then(|near| list.iter().find(|row| row.name == near));
    let by_part = || {
        let parts: Vec<String> = list.iter().filter(|row| row.name.contains(',')).map(first).collect();
        let near = nearest(word, parts.iter().map(String::as_str))?;
        list.iter().find(|row| row.name.contains(',') && first(row) == near)
    };
    let by_city = || {
        let (city, iso) = market::nearly_a_city(word)?;
        within(iso, Some(city.to_owned()))
    };
    by_name.or_else(by_part).map(Near::place).or_else(by_city)
}

/// The places of a text that names several, if the list has each.
fn several(word: &str, list: &[Location]) -> Option<Vec<String>> {
    let parts: Vec<&str> =
        word.split([',', ';', '/', '+', '|']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let find = |part: &&str| {
        let listed = || list.iter().find(|row| row.is_called(part));
        let by_alias = || {
            list.iter()
                .find(|row| row.kind.as_deref() == Some("Country") && row.iso.as_deref() == market::country(part))
        };
        listed().or_else(by_alias).map(|row| row.name.clone())
    };
    let names: Option<Vec<String>> = parts.iter().map(find).collect();
    names.filter(|names| names.len() > 1)
}

/// The shipped language that was probably meant by a code that is another name for it (`jp`).
pub fn likely_language(code: &str) -> Option<Near> {
    market::is_misnomer(code).then(|| near_language(code, market::languages()))?
}

/// The language of a list that was probably meant, by the same order.
pub(crate) fn near_language(word: &str, list: &[Language]) -> Option<Near> {
    let of_code = |code: &str| list.iter().find(|row| row.code.eq_ignore_ascii_case(code)).map(Near::language);
    if let Some(code) = market::language_alias(word) {
        let shipped = || market::languages().iter().find(|row| row.code == code);
        let absent = || {
            shipped()
                .filter(|row| !row.is_called(word))
                .map(|row| Near::Absent { name: row.name.clone(), is_whole: true })
        };
        return of_code(code).or_else(|| of_code(code.split('-').next().unwrap_or_default())).or_else(absent);
    }
    let near = nearest(word, list.iter().map(|row| row.name.as_str()))?;
    list.iter().find(|row| row.name == near).map(Near::language)
}

/// The model of a name: itself, or the newest model with that name and a date after it.
pub fn find_model<'m>(models: &'m [Model], name: &str) -> Option<&'m Model> {
    let dated = |model: &&Model| undated(&model.name) == name && model.name != name;
    let itself = models.iter().find(|model| model.name == name);
    itself.or_else(|| models.iter().filter(dated).max_by(|one, other| one.name.cmp(&other.name)))
}

/// A model's name without the date after it, `-20250514` or `-2025-05-14`. A number before the date is a version.
pub fn undated(name: &str) -> &str {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let is_date = |date: &str| match date.as_bytes() {
        [b'-', year @ .., b'-', _, _, b'-', _, _] if year.len() == 4 => {
            date.bytes().filter(|byte| is_digit(byte)).count() == 8
        }
        [b'-', digits @ ..] => digits.len() == 8 && digits.iter().all(is_digit),
        _ => false,
    };
    let dashes = name.match_indices('-').map(|(at, _)| at);
    dashes.into_iter().find(|at| is_date(&name[*at..])).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept<T>(rows: Vec<T>) -> Kept<T> {
        Kept { read_at: "2026-11-20T08:00:00Z".parse().unwrap(), rows }
    }

    fn place(code: u32, name: &str, iso: &str) -> Location {
        Location {
            code,
            name: name.to_owned(),
            iso: Some(iso.to_owned()),
            kind: Some("Country".to_owned()),
            parent: None,
        }
    }

    fn gemini_only() -> Served {
        let locations = kept(vec![place(2276, "Germany", "DE"), place(2792, "Turkiye", "TR")]);
        let languages = kept(vec![Language { code: "de".to_owned(), name: "German".to_owned() }]);
        Served {
            locations: BTreeMap::from([(Engine::Gemini, locations)]),
            languages: BTreeMap::from([(Engine::Gemini, languages)]),
            models: BTreeMap::new(),
        }
    }

    #[test]
    fn a_kept_list_decides_for_its_engine_alone() {
        let (places, read_on) = (gemini_only(), NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        assert_eq!(places.location("turkiye", &[Engine::Gemini]), Ok(2792));
        assert_eq!(places.location("TR", &[Engine::Gemini]), Ok(2792));
        let named = |name: &str, code: &str| Near::Name { name: name.to_owned(), code: code.to_owned() };
        assert_eq!(
            places.location("Turkey", &[Engine::ChatGpt]),
            Err(Unknown { near: Some(named("Turkiye", "2792")), list: None })
        );
        let lacks = |near: Option<Near>| Unknown { near, list: Some((Engine::Gemini, read_on)) };
        assert_eq!(
            places.location("Germny", &[Engine::ChatGpt, Engine::Gemini]),
            Err(lacks(Some(named("Germany", "2276"))))
        );
        assert_eq!(places.location("France", &[Engine::ChatGpt]), Ok(2250), "no list is kept for it");
        assert_eq!(places.location("France", &[Engine::ChatGpt, Engine::Gemini]), Err(lacks(None)));
        assert_eq!(places.location("2250", &[Engine::Gemini]), Err(lacks(None)), "nor by its code");
        assert_eq!(places.language("de", &[Engine::Gemini]), Ok("de".to_owned()));
        assert_eq!(places.language("sw", &[Engine::ChatGpt]), Ok("sw".to_owned()), "like a code, and no list is kept");
        assert_eq!(places.language("sw", &[Engine::Gemini]), Err(lacks(None)));
    }

    /// A suggestion, in one line.
    fn suggested(near: Option<Near>) -> String {
        match near {
            Some(Near::Name { name, code }) => format!("{name} {code}"),
            Some(Near::Within { country, place: None }) => format!("in {country}"),
            Some(Near::Within { country, place: Some(place) }) => format!("{place} in {country}"),
            Some(Near::Unserved { iso }) => format!("not {iso}"),
            Some(Near::Absent { name, is_whole: true }) => format!("no {name}"),
            Some(Near::Absent { name, is_whole: false }) => format!("in {name}, which is not there"),
            Some(Near::Region) => "several".to_owned(),
            Some(Near::List { names }) => names.join(" + "),
            None => "-".to_owned(),
        }
    }

    #[test]
    fn everyday_names_of_places_lead_to_the_right_one() {
        for (word, right) in [
            ("UK", "United Kingdom 2826"),
            ("England", "United Kingdom 2826"),
            ("U.S.A.", "United States 2840"),
            ("USA", "United States 2840"),
            ("america", "United States 2840"),
            ("Deutschland", "Germany 2276"),
            ("DEU", "Germany 2276"),
            ("Holland", "Netherlands 2528"),
            ("the Netherlands", "Netherlands 2528"),
            ("Türkiye", "Turkiye 2792"),
            ("Tu\u{308}rkiye", "Turkiye 2792"),
            ("Turkey", "Turkiye 2792"),
            ("Czech Republic", "Czechia 2203"),
            ("Ivory Coast", "Cote d'Ivoire 2384"),
            ("Côte d’Ivoire", "Cote d'Ivoire 2384"),
            ("Korea", "South Korea 2410"),
            ("日本", "Japan 2392"),
            ("España", "Spain 2724"),
            ("Bosnia & Herzegovina", "Bosnia and Herzegovina 2070"),
            ("Russia", "not RU"),
            ("Berlin", "in Germany"),
            ("München", "in Germany"),
            ("Austin, Texas", "in United States"),
            ("New York City", "in United States"),
            ("California", "in United States"),
            ("Germny", "Germany 2276"),
            ("Californa", "california in United States"),
            ("EU", "several"),
            ("Latin America", "several"),
            ("Germany, Austria", "Germany + Austria"),
            ("UK/Irland", "United Kingdom + Ireland"),
            ("Paris, France", "in France"),
            ("Bosnia and Herzegovina", "Bosnia and Herzegovina 2070"),
            ("Atlantis", "-"),
        ] {
            assert_eq!(suggested(near_place(word, market::locations())), right, "{word}");
        }
    }

    #[test]
    fn everyday_names_of_languages_lead_to_the_right_one() {
        for (word, right) in [
            ("Deutsch", "German de"),
            ("de-DE", "German de"),
            ("de_de", "German de"),
            ("ger", "German de"),
            ("jp", "Japanese ja"),
            ("日本語", "Japanese ja"),
            ("cz", "Czech cs"),
            ("en-US", "English en"),
            ("English (US)", "English en"),
            ("Castilian", "Spanish es"),
            ("Español", "Spanish es"),
            ("Norwegian", "Norwegian (Bokmål) nb"),
            ("Mandarin", "Chinese (Simplified) zh-CN"),
            ("Chinese", "Chinese (Simplified) zh-CN"),
            ("Portuguese (Brazil)", "Portuguese pt"),
            ("Farsi", "Persian fa"),
            ("Germn", "German de"),
            ("German (Germany)", "German de"),
            ("Klingon", "-"),
        ] {
            assert_eq!(suggested(near_language(word, market::languages())), right, "{word}");
        }
    }

    #[test]
    fn a_kept_list_is_searched_by_city_names() {
        let city = |code, name: &str| Location { kind: Some("City".to_owned()), ..place(code, name, "US") };
        let list = [
            place(2840, "United States", "US"),
            city(1_014_221, "San Francisco,California,United States"),
            Location { kind: Some("State".to_owned()), ..place(21_137, "California,United States", "US") },
        ];
        for (word, right) in [
            ("California", "California,United States 21137"),
            ("Californa", "California,United States 21137"),
            ("san francisco", "San Francisco,California,United States 1014221"),
            ("USA", "United States 2840"),
            ("Boston", "in United States"),
            ("Bostn", "-"),
            ("Berlin", "in Germany, which is not there"),
            ("UK", "no United Kingdom"),
            ("United Kingdom", "-"),
        ] {
            assert_eq!(suggested(near_place(word, &list)), right, "{word}");
        }
    }

    #[test]
    fn a_language_that_a_kept_list_lacks_is_named_and_not_replaced() {
        let list = [Language { code: "nl".to_owned(), name: "Dutch".to_owned() }];
        let near = |word| suggested(near_language(word, &list));
        assert_eq!([near("Deutsch"), near("Duthc"), near("German")], ["no German", "Dutch nl", "-"]);
    }

    #[test]
    fn a_market_has_the_names_of_the_providers_list() {
        let market = gemini_only().market(2792, "tr");
        assert_eq!(market.location_name.as_deref(), Some("Turkiye"));
        assert_eq!(market.language_name.as_deref(), Some("Turkish"), "not in the kept list, so by the shipped one");
    }

    #[test]
    fn a_base_name_means_its_newest_dated_model() {
        let models =
            ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4o-mini-2024-07-18", "sonar", "sonar-pro"].map(|name| {
                Model { name: name.to_owned(), reasoning: None, web_search_supported: None, task_post_supported: None }
            });
        let found = |name| find_model(&models, name).map(|model| model.name.as_str());
        assert_eq!(found("gpt-4o"), Some("gpt-4o-2024-11-20"));
        assert_eq!(found("gpt-4o-2024-08-06"), Some("gpt-4o-2024-08-06"));
        assert_eq!(found("sonar"), Some("sonar"));
        assert_eq!(found("gpt"), None);
    }

    #[test]
    fn a_version_is_part_of_a_base_name() {
        for (name, base) in [
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            ("claude-opus-4-5-20251101", "claude-opus-4-5"),
            ("gpt-5-2025-08-07", "gpt-5"),
            ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
            ("gpt-4-0613", "gpt-4-0613"),
            ("r1-1776", "r1-1776"),
            ("gpt-5-2025-0807", "gpt-5-2025-0807"),
            ("gpt-5-2025-08-07-x", "gpt-5-2025-08-07-x"),
            ("12345678", "12345678"),
            ("é-20250514", "é"),
            ("", ""),
        ] {
            assert_eq!(undated(name), base, "{name}");
        }
    }

    #[test]
    fn places_are_listed_for_their_engines() {
        assert_eq!(List::Locations.engines(), [Engine::ChatGpt, Engine::Gemini]);
        assert_eq!(List::Models.engines(), Engine::ALL);
    }
}
