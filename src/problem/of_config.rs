//! What to do about a mistake in the config.

use super::wrong::Wrong;
use crate::product::Function;

impl Wrong {
    /// What to do about the config.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only problems of the config come here")]
    pub(super) fn help_with_the_config(&self) -> String {
        match self {
            Self::BadVariable { .. } => {
                "write the variable's name, such as \"DATAFORSEO_LOGIN\", never the secret itself".to_owned()
            }
            Self::AisaOnly { .. } => "use `login_env` or `login_file` with `password_env` or `password_file`".to_owned(),
            Self::NotAtAisa { .. } => "it is let in by a key: use `key_env` or `key_file`".to_owned(),
            Self::NoBalance { .. } => {
                "it reports no balance: leave `keep_balance` out, and use `caps` and the gateway's own limit".to_owned()
            }
            Self::BadUrl { .. } => "write for example \"https://api.dataforseo.com\"".to_owned(),
            Self::BadProxy { .. } => {
                "write for example \"http://proxy.example.com:3128\": only proxies that are spoken to by HTTP are supported"
                    .to_owned()
            }
            Self::NotHttps { .. } => "use https; plain http is accepted for this machine only (127.0.0.1)".to_owned(),
            Self::QuarantineTooShort { .. } => {
                "use at least \"10m\": a shorter one is accepted for a `base_url` on this machine only".to_owned()
            }
            Self::WrongOrder { less, more } => format!("make `{less}` shorter or `{more}` longer"),
            Self::TwoPasswords { .. } => "keep one of them".to_owned(),
            Self::NoPrice => {
                "add `price` for each task, or `input_per_million` and `output_per_million` for each token".to_owned()
            }
            Self::NotInPrice { function: Function::LlmScraper, .. } => "a task of it has one `price`".to_owned(),
            Self::NotInPrice { .. } => {
                "`price` is the most that one may cost: keep it alone, or leave it out".to_owned()
            }
            _ => String::new(),
        }
    }
}
