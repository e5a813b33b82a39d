//! What to do about a mistake in where, whom and how it is asked.

use super::near;
use super::wrong::{Wrong, meant};

impl Wrong {
    /// What to do about where, whom and how it is asked.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only problems of these kinds come here")]
    pub(super) fn help_with_what_is_asked(&self) -> String {
        match self {
            Self::UnknownModel { near, read_on, .. } => {
                let again = format!("`bursar models --refresh` reads the list again; it was read on {read_on}");
                near.as_ref().map_or_else(|| again.clone(), |near| format!("did you mean `{near}`? {again}"))
            }
            Self::LiveModel { .. } => {
                "write `method = \"live\"` or choose another model; `bursar models --refresh` reads the list again".to_owned()
            }
            Self::NotLikeThat { why, .. } => why.clone(),
            Self::TooLong { escaped: true, .. } => {
                "shorten it; `%` and `+` count as three characters each".to_owned()
            }
            Self::TooLong { .. } | Self::TextTooLong { .. } => "shorten it".to_owned(),
            Self::NoSuchNumber { max, decimals, .. } => {
                format!("choose a number from 0 to {max} with at most {decimals} decimals, without quotes")
            }
            Self::BadCountry { .. } => "write its ISO 3166 code, for example \"DE\"".to_owned(),
            Self::BadCoordinate { .. } => {
                "write \"latitude,longitude,radius\" such as \"48.2035,16.3689,2000\": degrees with up to seven decimals, \
                 and a radius from 199 to 199999"
                    .to_owned()
            }
            Self::ChainTooLong { .. } => "remove the oldest".to_owned(),
            Self::TwoPlaces { .. } => {
                "keep one of the two; with `location_coordinate` write `languages` alone".to_owned()
            }
            Self::NoCoordinate { .. } => "give it a prompt set of its own".to_owned(),
            Self::TwoModels => "keep one of the two".to_owned(),
            Self::BadModel { .. } => "write the name as `bursar models` shows it".to_owned(),
            Self::OnePriority { .. } => {
                "leave `priority` out, or write it in those rows of `targets` that have it".to_owned()
            }
            Self::LiveForms { .. } => {
                "write `results = [\"advanced\"]` or [\"html\"], or split the job in two".to_owned()
            }
            Self::NoSuchField { has, .. } => has.clone(),
            Self::NoPlace { .. } => "leave it out: a model is asked without a place and a language".to_owned(),
            Self::SwitchNeeds { add, switch, .. } => format!("add `{add}`, or leave `{switch}` out"),
            Self::NoModel { key, .. } => format!("leave `{key}` out: the engine's own page chooses"),
            Self::NotServed { what, near, read_on, .. } => {
                let again = format!("`bursar {what}s --refresh` reads the list again; it was read on {read_on}");
                let usual = || format!("`bursar {what}s TEXT` searches that list");
                format!("{}; {again}", near.as_ref().map_or_else(usual, near::words))
            }
            Self::UnknownLanguage { near, .. } => {
                near.as_ref().map_or_else(|| near::NO_LANGUAGE.to_owned(), near::words)
            }
            Self::UnknownLocation { near, .. } => near.as_ref().map_or_else(|| near::NO_PLACE.to_owned(), near::words),
            Self::DeadlineMissing => {
                "write at the top for example `deadline = \"6h\"`, counted from the run's first session".to_owned()
            }
            Self::DeadlineForNothing => "leave it out, or write `priority = \"auto\"`".to_owned(),
            Self::NoSuchForm => "leave it out: a model's answer comes as `advanced`".to_owned(),
            Self::AutoAndMethod => "leave one of them out".to_owned(),
            Self::TimezoneMissing { .. } => {
                "say whose day it is, for example `timezone = \"Europe/Berlin\"` or \"UTC\"".to_owned()
            }
            Self::UnknownTimezone { near, .. } => {
                meant(*near, || "use an IANA name such as \"Europe/Berlin\" or \"UTC\"".to_owned())
            }
            _ => String::new(),
        }
    }
}
