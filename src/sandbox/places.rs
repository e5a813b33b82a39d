//! The places and languages that the simulated provider knows by name; no proof of what the real one serves.
//!
//! A country's code is 2000 plus its ISO 3166 number. Any code in that range is accepted, known by name or not.

/// Code, name and ISO code of a country.
pub(super) type Country = (u32, &'static str, &'static str);

/// The countries known by name, in the order of their codes.
pub(super) static COUNTRIES: &[Country] = &[
    (2012, "Algeria", "DZ"),
    (2032, "Argentina", "AR"),
    (2036, "Australia", "AU"),
    (2040, "Austria", "AT"),
    (2050, "Bangladesh", "BD"),
    (2056, "Belgium", "BE"),
    (2076, "Brazil", "BR"),
    (2100, "Bulgaria", "BG"),
    (2124, "Canada", "CA"),
    (2144, "Sri Lanka", "LK"),
    (2152, "Chile", "CL"),
    (2158, "Taiwan", "TW"),
    (2170, "Colombia", "CO"),
    (2191, "Croatia", "HR"),
    (2196, "Cyprus", "CY"),
    (2203, "Czechia", "CZ"),
    (2208, "Denmark", "DK"),
    (2233, "Estonia", "EE"),
    (2246, "Finland", "FI"),
    (2250, "France", "FR"),
    (2276, "Germany", "DE"),
    (2288, "Ghana", "GH"),
    (2300, "Greece", "GR"),
    (2344, "Hong Kong", "HK"),
    (2348, "Hungary", "HU"),
    (2356, "India", "IN"),
    (2360, "Indonesia", "ID"),
    (2372, "Ireland", "IE"),
    (2376, "Israel", "IL"),
    (2380, "Italy", "IT"),
    (2392, "Japan", "JP"),
    (2404, "Kenya", "KE"),
    (2410, "South Korea", "KR"),
    (2428, "Latvia", "LV"),
    (2440, "Lithuania", "LT"),
    (2442, "Luxembourg", "LU"),
    (2458, "Malaysia", "MY"),
    (2484, "Mexico", "MX"),
    (2504, "Morocco", "MA"),
    (2528, "Netherlands", "NL"),
    (2554, "New Zealand", "NZ"),
    (2566, "Nigeria", "NG"),
    (2578, "Norway", "NO"),
    (2586, "Pakistan", "PK"),
    (2604, "Peru", "PE"),
    (2608, "Philippines", "PH"),
    (2616, "Poland", "PL"),
    (2620, "Portugal", "PT"),
    (2642, "Romania", "RO"),
    (2682, "Saudi Arabia", "SA"),
    (2688, "Serbia", "RS"),
    (2702, "Singapore", "SG"),
    (2703, "Slovakia", "SK"),
    (2704, "Vietnam", "VN"),
    (2705, "Slovenia", "SI"),
    (2710, "South Africa", "ZA"),
    (2724, "Spain", "ES"),
    (2752, "Sweden", "SE"),
    (2756, "Switzerland", "CH"),
    (2764, "Thailand", "TH"),
    (2784, "United Arab Emirates", "AE"),
    (2792, "Turkiye", "TR"),
    (2804, "Ukraine", "UA"),
    (2818, "Egypt", "EG"),
    (2826, "United Kingdom", "GB"),
    (2840, "United States", "US"),
];

/// Name and code of every language; a task keeps the index.
pub(super) static LANGUAGES: &[(&str, &str)] = &[
    ("Arabic", "ar"),
    ("Bengali", "bn"),
    ("Bulgarian", "bg"),
    ("Catalan", "ca"),
    ("Chinese (Simplified)", "zh-CN"),
    ("Chinese (Traditional)", "zh-TW"),
    ("Croatian", "hr"),
    ("Czech", "cs"),
    ("Danish", "da"),
    ("Dutch", "nl"),
    ("English", "en"),
    ("Estonian", "et"),
    ("Finnish", "fi"),
    ("French", "fr"),
    ("German", "de"),
    ("Greek", "el"),
    ("Hebrew", "he"),
    ("Hindi", "hi"),
    ("Hungarian", "hu"),
    ("Indonesian", "id"),
    ("Italian", "it"),
    ("Japanese", "ja"),
    ("Korean", "ko"),
    ("Latvian", "lv"),
    ("Lithuanian", "lt"),
    ("Malay", "ms"),
    ("Norwegian (Bokmål)", "nb"),
    ("Persian", "fa"),
    ("Polish", "pl"),
    ("Portuguese", "pt"),
    ("Romanian", "ro"),
    ("Russian", "ru"),
    ("Serbian", "sr"),
    ("Slovak", "sk"),
    ("Slovenian", "sl"),
    ("Spanish", "es"),
    ("Swedish", "sv"),
    ("Tamil", "ta"),
    ("Thai", "th"),
    ("Turkish", "tr"),
    ("Ukrainian", "uk"),
    ("Urdu", "ur"),
    ("Vietnamese", "vi"),
];

/// A code that a task may carry.
pub(super) fn is_location(code: u32) -> bool {
    (2004..=2894).contains(&code)
}

/// The code of a country by its name.
pub(super) fn location_named(name: &str) -> Option<u32> {
    COUNTRIES.iter().find(|(_, known, _)| *known == name).map(|(code, ..)| *code)
}

/// The name of a country, as far as it is known.
pub(super) fn location_name(code: u32) -> Option<&'static str> {
    COUNTRIES.iter().find(|(known, ..)| *known == code).map(|(_, name, _)| *name)
}

fn language_where(is: impl Fn(&(&str, &str)) -> bool) -> Option<u8> {
    LANGUAGES.iter().position(is).and_then(|at| u8::try_from(at).ok())
}

/// A language's index by its code.
pub(super) fn language_coded(code: &str) -> Option<u8> {
    language_where(|(_, known)| *known == code)
}

/// A language's index by its name.
pub(super) fn language_named(name: &str) -> Option<u8> {
    language_where(|(known, _)| *known == name)
}

/// The code of a language by its index.
pub(super) fn language_code(index: u8) -> &'static str {
    LANGUAGES.get(usize::from(index)).map_or("en", |(_, code)| code)
}
