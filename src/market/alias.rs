//! Names by which people know places, languages and time zones, and the provider does not.
//!
//! They are for suggestions alone. A name leads to a code only if it can mean one thing, and before any comparison of
//! letters, by which `Deutsch` would be nearest to `Dutch`. The tables hold the names of countries and languages in
//! two dozen languages (Unicode CLDR, by Babel 2.18), the three letters of ISO 3166 and 639, cities and parts of
//! countries (geonames.org, CC BY 4.0), and the names that Windows has for zones.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Language, Location};

type Table = LazyLock<HashMap<&'static str, &'static str>>;

static PLACES: Table = LazyLock::new(|| rows(include_str!("aliases.csv")));
static CITIES: Table = LazyLock::new(|| rows(include_str!("cities.csv")));
static LANGUAGES: Table = LazyLock::new(|| rows(include_str!("language_aliases.csv")));
static ZONES: Table = LazyLock::new(|| rows(include_str!("zones.csv")));

fn rows(table: &'static str) -> HashMap<&'static str, &'static str> {
    table.lines().skip(1).filter_map(|row| row.split_once(',')).collect()
}

/// What a name that is not known may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Near {
    /// A place or a language that is served.
    Name {
        /// Its name in the list.
        name: String,
        /// Its code.
        code: String,
    },
    /// A city or a part of this country.
    Within {
        /// The country's name in the list.
        country: String,
        /// The place's own name, where it was misspelt.
        place: Option<String>,
    },
    /// A served place or language in the shipped list, which the list that was looked at does not have.
    Absent {
        /// Its name.
        name: String,
        /// What was meant is a part of it.
        is_whole: bool,
    },
    /// Several countries under one name.
    Region,
    /// Several places in one text.
    List {
        /// Their names in the list.
        names: Vec<String>,
    },
    /// A country that the provider does not serve.
    Unserved {
        /// Its two letters.
        iso: &'static str,
    },
}

impl Near {
    /// A served place.
    pub(crate) fn place(location: &Location) -> Self {
        Self::Name { name: location.name.clone(), code: location.code.to_string() }
    }

    /// A served language.
    pub(crate) fn language(language: &Language) -> Self {
        Self::Name { name: language.name.clone(), code: language.code.clone() }
    }
}

/// Names of several countries together.
const REGIONS: &[&str] = &[
    "eu",
    "europe",
    "european union",
    "western europe",
    "eastern europe",
    "emea",
    "apac",
    "asia",
    "asia pacific",
    "africa",
    "latam",
    "latin america",
    "south america",
    "north america",
    "central america",
    "dach",
    "nordics",
    "scandinavia",
    "benelux",
    "baltics",
    "balkans",
    "mena",
    "middle east",
    "gcc",
    "oceania",
    "worldwide",
    "world",
    "global",
    "international",
    "all",
    "any",
    "everywhere",
    "anz",
    "caribbean",
    "americas",
    "ww",
    "row",
];

/// True for the name of several countries together.
pub(crate) fn is_region(word: &str) -> bool {
    let folded = folded(word);
    REGIONS.contains(&folded.as_str())
}

/// Countries that the provider does not serve.
pub(crate) const UNSERVED: [&str; 2] = ["RU", "BY"];

/// Small letters and digits without their accents, and single spaces.
pub(crate) fn folded(word: &str) -> String {
    let mut folded = String::new();
    for c in word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'đ' => folded.push('d'),
            c if c.is_alphanumeric() => folded.push(c),
            c if is_combining_mark(c) => {}
            _ => folded.push(' '),
        }
    }
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The two letters of the country that is called like this somewhere.
pub(crate) fn country(word: &str) -> Option<&'static str> {
    let folded = folded(word);
    let without_article = folded.strip_prefix("the ").unwrap_or(&folded);
    [folded.as_str(), without_article].into_iter().find_map(|word| PLACES.get(word).copied())
}

/// The two letters of the country that a city or a part of a country is in: `Berlin`, `Austin, Texas`, `Greater London`.
pub(crate) fn country_of_city(word: &str) -> Option<&'static str> {
    let first = word.split(',').next().unwrap_or_default();
    let names = [folded(word), folded(first)];
    names.iter().find_map(|name| {
        let bare = name.strip_prefix("greater ").unwrap_or(name);
        let bare = bare.strip_suffix(" city").unwrap_or(bare);
        CITIES.get(name.as_str()).or_else(|| CITIES.get(bare)).copied()
    })
}

/// The city or part of a country that is written with one letter wrong, and its country.
pub(crate) fn nearly_a_city(word: &str) -> Option<(&'static str, &'static str)> {
    let sought = folded(word.split(',').next().unwrap_or_default());
    if sought.chars().count() < 6 {
        return None;
    }
    let near = |name: &&&str| crate::near::is_one_letter_off(&sought, name);
    let mut names: Vec<&&'static str> = CITIES.keys().filter(near).collect();
    names.sort_unstable();
    let name = **names.first()?;
    Some((name, CITIES.get(name)?))
}

fn iso(word: &str) -> Option<&'static str> {
    let listed = super::locations().iter().find(|location| location.is_called(word));
    listed.and_then(|location| location.iso.as_deref()).or_else(|| country(word))
}

/// The provider's code of a language that is called like this somewhere, or that the first half of `de-DE` stands for.
pub(crate) fn language(word: &str) -> Option<&'static str> {
    let known = |word: &str| LANGUAGES.get(word).copied();
    let whole = folded(word);
    let listed = |word: &str| super::languages().iter().find(|language| language.code == word);
    // What stands in parentheses is a region or a script.
    let bare = || word.split_once('(').and_then(|(bare, _)| known(&folded(bare)));
    known(&whole).or_else(bare).or_else(|| {
        let (language, region) = whole.split_once(' ')?;
        let of_codes = language.len() <= 3 && region.len() <= 4 && language.is_ascii() && region.is_ascii();
        listed(language)
            .filter(|_| of_codes)
            .map(|language| language.code.as_str())
            .or_else(|| known(language).filter(|_| of_codes))
    })
}

/// The IANA zone that people call like this: by a city, a country with one zone, an abbreviation, or Windows' name.
pub(crate) fn everyday_zone(word: &str, names: &[&'static str]) -> Option<&'static str> {
    let folded = folded(word);
    let find = |is: &dyn Fn(&str) -> bool| names.iter().copied().find(|name| is(name));
    let city = |word: &str| {
        let last = |zone: &str| zone.rsplit('/').next().unwrap_or(zone).replace('_', " ").to_lowercase();
        find(&|zone| zone.contains('/') && last(zone) == word)
    };
    let known = |word: &str| ZONES.get(word).and_then(|zone| find(&|name| name == *zone));
    let of_country = |iso: &str| known(&format!("country {}", iso.to_lowercase()));
    let last = folded.rsplit_once(' ').map(|(_, last)| last).filter(|_| word.contains('/'));
    find(&|name| name.eq_ignore_ascii_case(word.trim()))
        .or_else(|| known(&folded))
        .or_else(|| city(&folded))
        .or_else(|| known(last?))
        .or_else(|| city(last?))
        .or_else(|| of_country(iso(word)?))
        .or_else(|| of_country(country_of_city(word)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_names_of_zones_lead_to_the_right_one() {
        let names = [
            "America/Los_Angeles",
            "America/New_York",
            "Asia/Tokyo",
            "Etc/GMT",
            "Europe/Berlin",
            "Europe/Zurich",
            "UTC",
        ];
        for (word, right) in [
            ("PST", Some("America/Los_Angeles")),
            ("Eastern Time", Some("America/New_York")),
            ("new york", Some("America/New_York")),
            ("CEST", Some("Europe/Berlin")),
            ("W. Europe Standard Time", Some("Europe/Berlin")),
            ("Europe/Munich", Some("Europe/Berlin")),
            ("Germany", Some("Europe/Berlin")),
            ("Zürich", Some("Europe/Zurich")),
            ("Japan", Some("Asia/Tokyo")),
            ("JST", Some("Asia/Tokyo")),
            ("utc ", Some("UTC")),
            ("USA", None),
            ("+02:00", None),
        ] {
            assert_eq!(everyday_zone(word, &names), right, "{word}");
        }
    }
}
