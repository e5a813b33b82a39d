//! Markets: a place and a language, as the provider codes them.
//!
//! The shipped lists are hints for names and typing errors, not proof of what the provider serves. A country's code
//! is 2000 plus its ISO 3166 number, and a code that the lists lack is accepted. A wrong one costs nothing, because
//! the provider refuses it.

mod alias;

use std::fmt;
use std::sync::LazyLock;

pub use alias::Near;
pub(crate) use alias::{
    UNSERVED, country, country_of_city, everyday_zone, folded, is_region, language as language_alias, nearly_a_city,
};

/// The place and language of a question, as resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Market {
    /// The provider's code of the place.
    pub location_code: u32,
    /// Its name, if the shipped list has it.
    pub location_name: Option<String>,
    /// The provider's code of the language.
    pub language_code: String,
    /// Its name, if the shipped list has it.
    pub language_name: Option<String>,
}

/// A place, from the shipped list or the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The provider's code.
    pub code: u32,
    /// The English name.
    pub name: String,
    /// The two letters of ISO 3166 of its country.
    pub iso: Option<String>,
    /// `Country`, or another word of the provider for its kind.
    pub kind: Option<String>,
    /// The code of the place that it is a part of.
    pub parent: Option<u32>,
}

/// A language, from the shipped list or the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// The provider's code.
    pub code: String,
    /// The English name.
    pub name: String,
}

impl Location {
    /// True if this text means it: its name, or the two letters of a country, in any case.
    pub fn is_called(&self, word: &str) -> bool {
        let country = self.kind.as_deref() == Some("Country");
        same(&self.name, word) || (country && self.iso.as_ref().is_some_and(|iso| iso.eq_ignore_ascii_case(word)))
    }
}

impl Language {
    /// True if this text means it: its name or its code, in any case.
    pub fn is_called(&self, word: &str) -> bool {
        same(&self.name, word) || self.code.eq_ignore_ascii_case(word)
    }
}

impl Market {
    /// The market of a question that is asked without a place and a language.
    pub fn nowhere() -> Self {
        Self { location_code: 0, location_name: None, language_code: String::new(), language_name: None }
    }

    /// The market of two codes, with their names from the shipped lists.
    pub fn of(location_code: u32, language_code: &str) -> Self {
        let language = languages().iter().find(|language| language.code == language_code);
        Self {
            location_code,
            location_name: location_by_code(location_code).map(|location| location.name.clone()),
            language_code: language_code.to_owned(),
            language_name: language.map(|language| language.name.clone()),
        }
    }
}

/// The market as a person reads it: `Germany/de`, `1003854/en`.
impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location_name {
            Some(name) => write!(f, "{name}/{}", self.language_code),
            None if self.location_code == 0 => f.write_str(&self.language_code),
            None => write!(f, "{}/{}", self.location_code, self.language_code),
        }
    }
}

/// The shipped places, by code.
pub fn locations() -> &'static [Location] {
    static LIST: LazyLock<Vec<Location>> = LazyLock::new(|| {
        rows(include_str!("market/locations.csv"))
            .map(|row| Location {
                code: row[0].parse().expect("a code in the shipped list"),
                name: row[1].to_owned(),
                iso: Some(row[2].to_owned()),
                kind: Some("Country".to_owned()),
                parent: None,
            })
            .collect()
    });
    &LIST
}

/// The shipped languages, by name.
pub fn languages() -> &'static [Language] {
    static LIST: LazyLock<Vec<Language>> = LazyLock::new(|| {
        rows(include_str!("market/languages.csv"))
            .map(|row| Language { code: row[0].to_owned(), name: row[1].to_owned() })
            .collect()
    });
    &LIST
}

fn rows(list: &'static str) -> impl Iterator<Item = csv::StringRecord> {
    csv::Reader::from_reader(list.as_bytes()).into_records().map(|row| row.expect("a row of the shipped list"))
}

/// The code of a place written as its name, its two ISO letters (in any case) or its code; none for a name that the
/// shipped list lacks. A number is a code, listed or not.
pub fn find_location(name_or_code: &str) -> Option<u32> {
    if let Ok(code) = name_or_code.parse::<u32>() {
        return (code > 0).then_some(code);
    }
    locations().iter().find(|location| location.is_called(name_or_code)).map(|location| location.code)
}

/// The place of a code, if the shipped list has it.
pub fn location_by_code(code: u32) -> Option<&'static Location> {
    locations().iter().find(|location| location.code == code)
}

/// The code of a language written as its name or its code (in any case). Two small letters, with or without a region
/// (`sw`, `pt-BR`), are a code, listed or not: the provider serves more than the shipped list.
pub fn find_language(name_or_code: &str) -> Option<String> {
    languages()
        .iter()
        .find(|language| language.is_called(name_or_code))
        .map(|language| language.code.clone())
        .or_else(|| is_language_code(name_or_code).then(|| name_or_code.to_owned()))
}

/// Languages with the country that they are named after: the region adds nothing.
const AT_HOME: &str = "ar-SA bg-BG bn-BD ca-ES cs-CZ da-DK de-DE el-GR en-US es-ES et-EE fa-IR fi-FI fr-FR he-IL hi-IN \
    hr-HR hu-HU id-ID it-IT ja-JP ko-KR lt-LT lv-LV ms-MY nb-NO nl-NL no-NO pl-PL ro-RO ru-RU sk-SK sl-SI sr-RS sv-SE \
    ta-IN th-TH tr-TR uk-UA ur-PK vi-VN";

/// True if an unlisted code is another name for a listed one (`jp`, `de-DE`).
pub(crate) fn is_misnomer(code: &str) -> bool {
    let is_listed = languages().iter().any(|language| language.is_called(code));
    if is_listed {
        return false;
    }
    if code.contains('-') { AT_HOME.split(' ').any(|known| known == code) } else { language_alias(code).is_some() }
}

fn is_language_code(word: &str) -> bool {
    let (language, region) = word.split_once('-').map_or((word, None), |(language, region)| (language, Some(region)));
    let two = |part: &str, letter: fn(&u8) -> bool| part.len() == 2 && part.as_bytes().iter().all(letter);
    two(language, u8::is_ascii_lowercase) && region.is_none_or(|region| two(region, u8::is_ascii_uppercase))
}

fn same(name: &str, word: &str) -> bool {
    name.to_lowercase() == word.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_name_letters_and_code() {
        for word in ["Germany", "gERMANY", "de", "DE", "2276"] {
            assert_eq!(find_location(word), Some(2276), "{word}");
        }
        assert_eq!(find_location("saint helena, ascension and tristan da cunha"), Some(2654));
        assert_eq!(find_location("1003854"), Some(1_003_854), "a code that is not listed");
        for word in ["Germania", "", "0", "-5", "99999999999"] {
            assert_eq!(find_location(word), None, "{word}");
        }
    }

    #[test]
    fn languages_are_found_by_name_and_code() {
        for (word, code) in [("German", "de"), ("german", "de"), ("DE", "de"), ("zh-cn", "zh-CN"), ("sw", "sw")] {
            assert_eq!(find_language(word).as_deref(), Some(code), "{word}");
        }
        assert_eq!(find_language("pt-BR").as_deref(), Some("pt-BR"));
        for word in ["Germanic", "", "d", "SW", "sw-", "sw-ke"] {
            assert_eq!(find_language(word), None, "{word}");
        }
        for word in ["jp", "cz", "de-DE", "en-US"] {
            assert_eq!((find_language(word).as_deref(), is_misnomer(word)), (Some(word), true));
        }
        assert!(!is_misnomer("sw") && !is_misnomer("pt-BR") && !is_misnomer("zh-cn"));
    }

    #[test]
    fn shipped_lists_have_each_name_once() {
        let mut names = std::collections::BTreeSet::new();
        let mut codes = std::collections::BTreeSet::new();
        for Location { code, name, iso, .. } in locations() {
            let iso = iso.as_deref().unwrap();
            assert!((2000..3000).contains(code) && iso.len() == 2, "{name}");
            assert!(codes.insert(*code) && names.insert(name.to_lowercase()), "{name} is there twice");
            assert!(iso != "RU" && iso != "BY", "the provider does not serve {name}");
        }
        let mut codes = std::collections::BTreeSet::new();
        for language in languages() {
            assert!(codes.insert(&language.code) && is_language_code(&language.code), "{}", language.name);
        }
    }

    #[test]
    fn a_market_knows_the_names_of_its_codes() {
        assert_eq!(Market::of(2276, "de").to_string(), "Germany/de");
        assert_eq!(Market::of(2276, "de").language_name.as_deref(), Some("German"));
        assert_eq!(Market::of(1_003_854, "en").to_string(), "1003854/en");
    }
}
