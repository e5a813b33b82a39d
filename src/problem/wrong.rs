//! What can be wrong, in words, and what to do about it.

use chrono::NaiveDate;

use super::file::WrongFile;
use super::price::WrongPrice;
use super::slip::Slip;
use super::word::list;
use super::{amount, kind, path, word};
use crate::market::Near;
use crate::money::MoneyError;
use crate::product::{Engine, Function, Method, Route};

/// What is wrong with a job file, a config or a prompt file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words beside each variant say what it is, its fields are what the words name")]
pub enum Wrong {
    // Of any TOML file.
    #[error("this is not TOML: {message}")]
    Syntax { message: String },
    #[error("this is not TOML: {0}")]
    Slip(Slip),
    #[error("this file is {}", not_text(*.encoding, *.byte))]
    NotTomlText { encoding: Option<&'static str>, byte: Option<u8> },
    #[error("{table} has no key `{key}`")]
    UnknownKey { key: String, table: &'static str, known: &'static [&'static str], hint: Option<String> },
    #[error("{table} lacks `{key}`")]
    Missing { key: &'static str, table: &'static str, example: &'static str },
    #[error("`{key}` is {found} where {wants} is needed")]
    WrongType { key: String, wants: &'static str, found: &'static str, written: String },
    #[error("{name} is {found} where a table is needed")]
    NoTable { name: &'static str, found: &'static str, written: String },
    #[error("`{key}` is a single table where a list of them is needed")]
    SingleTable { key: &'static str },
    #[error("invalid name `{name}`")]
    BadName { name: String },
    #[error("`{key}` is {found}, not a whole number from {min} to {max}")]
    OutOfRange { key: String, min: u32, max: u32, found: String },
    #[error("unknown {key} `{word}`")]
    UnknownWord { key: String, word: String, known: &'static [&'static str], near: Option<&'static str> },
    #[error("`{key}` is empty")]
    Empty { key: &'static str },
    #[error("`{key}` lists {item} twice")]
    ListedTwice { key: &'static str, item: String },
    #[error("`{key}` is {found} without quotes")]
    AmountUnquoted { key: String, found: String },
    #[error("invalid amount `{}` for `{key}`", .error.text)]
    BadAmount { key: String, error: MoneyError },
    #[error("invalid duration `{text}` for `{key}`")]
    BadDuration { key: String, text: String },
    #[error("{what} is not built yet")]
    NotBuilt { what: String, works: &'static str },

    // Of the job file.
    #[error("`{key}` is bursar's own")]
    Ours { key: String, instead: &'static str },
    #[error("the file name `{stem}` is not a valid job name")]
    NameNeeded { stem: String },
    #[error("{0}")]
    Price(WrongPrice),
    #[error("there is no prompt set, so there is nothing to ask")]
    NoPromptSet,
    #[error("a second prompt set is called `{name}`")]
    SetNameTaken { name: String, first: usize },
    #[error("unknown account `{name}`")]
    UnknownAccount { name: String, known: Vec<String>, near: Option<String> },
    #[error("`timezone` must be written when `period` is `{period}`")]
    TimezoneMissing { period: &'static str },
    #[error("unknown time zone `{name}`")]
    UnknownTimezone { name: String, near: Option<&'static str> },
    #[error("invalid percentage `{text}` for `max_price_drift`")]
    BadDrift { text: String },
    #[error("`markets` and `{other}` both say where to ask")]
    MarketsAndLists { other: &'static str },
    #[error("unknown location `{name}`")]
    UnknownLocation { name: String, near: Option<Near> },
    #[error("unknown language `{name}`")]
    UnknownLanguage { name: String, near: Option<Near> },
    #[error("the provider's list for `{engine}` has no {what} `{name}`")]
    NotServed { what: &'static str, name: String, engine: Engine, near: Option<Near>, read_on: NaiveDate },
    #[error("the provider does not sell `{function}` of `{engine}`")]
    NotSold { engine: Engine, function: Function, works: String },
    #[error("`{function}` of `{engine}` has no `{key}`")]
    NoSuchField { engine: Engine, function: Function, key: &'static str, has: String },
    #[error("`{key}` says where to ask, and `{function}` is asked nowhere")]
    NoPlace { key: &'static str, function: Function },
    #[error("`{switch}` of `{engine}` needs `{needs}`")]
    SwitchNeeds { engine: Engine, switch: &'static str, needs: &'static str, add: String },
    #[error("`{function}` of `{engine}` takes no `{key}`")]
    NoModel { engine: Engine, function: Function, key: &'static str },
    #[error("the provider's list for `{engine}` has no model `{name}`")]
    UnknownModel { engine: Engine, name: String, near: Option<String>, read_on: NaiveDate },
    #[error("the Standard method does not take `{name}` of `{engine}`, by the provider's list of {read_on}")]
    LiveModel { engine: Engine, name: String, read_on: NaiveDate },
    #[error("`{function}` of `{engine}` is not sold by method `{method}`")]
    NoSuchMethod { engine: Engine, function: Function, method: Method, works: String },
    #[error("`{engine}` does not take `{key}` like that")]
    NotLikeThat { key: &'static str, engine: Engine, why: String },
    #[error("`{key}` is {chars} characters long, and the provider takes {max}")]
    TextTooLong { key: &'static str, chars: usize, max: usize },
    #[error("`{key}` is {found}, not a number from 0 to {max}")]
    NoSuchNumber { key: &'static str, max: String, decimals: u32, found: String },
    #[error("invalid country code `{word}`")]
    BadCountry { word: String },
    #[error("invalid coordinates `{text}`")]
    BadCoordinate { text: String },
    #[error("`message_chain` holds {messages} messages, and the provider takes {max}")]
    ChainTooLong { messages: usize, max: usize },
    #[error("`{key}` says where to ask, and so does `location_coordinate`")]
    TwoPlaces { key: &'static str },
    #[error("`priority = \"auto\"` needs a deadline to go by")]
    DeadlineMissing,
    #[error("`deadline` is for prompt sets with `priority = \"auto\"`, and there is none")]
    DeadlineForNothing,
    #[error("`results` asks for pages alone, and no target of this job has an answer in that form")]
    NoSuchForm,
    #[error("`priority = \"auto\"` chooses the method, and so does `method`")]
    AutoAndMethod,
    #[error("a target of `{engine}` has no `location_coordinate`, and another of its set has one")]
    NoCoordinate { engine: Engine },
    #[error("`model` and `model_name` both say which model to ask")]
    TwoModels,
    #[error("`{key}` holds a control character")]
    BadModel { key: &'static str },
    #[error("`{function}` of `{engine}` by method `{method}` has one priority alone")]
    OnePriority { engine: Engine, function: Function, method: Method },
    #[error("a Live answer comes in one form, and `results` asks for {forms}")]
    LiveForms { forms: usize },
    #[error("this target asks the same as `targets` no. {first}")]
    SameTarget { first: usize },

    // Of where prompts come from.
    #[error("the prompt set has both `file` and `prompts`")]
    FileAndPrompts,
    #[error("the prompt set has neither `file` nor `prompts`")]
    NoPrompts,
    #[error("cannot read `{file}`: {reason}")]
    Unreadable { file: String, reason: String, near: Option<String> },
    #[error("this path contains a control character")]
    ControlInPath { instead: String },
    #[error("`{file}` is of no kind that prompts can be read from")]
    UnknownFileKind { file: String },
    #[error("there is no prompt in `{file}`")]
    EmptyFile { file: String },
    #[error("`{file}` holds several columns and `column` does not say which")]
    ColumnMissing { file: String, columns: String },
    #[error("`{file}` has no column `{column}`")]
    UnknownColumn { file: String, column: String, columns: String, near: Option<String> },
    #[error("`{file}` has two columns `{column}`")]
    ColumnTwice { file: String, column: String },
    #[error("{0}")]
    File(WrongFile),

    // Of a prompt.
    #[error("this prompt is {chars} characters long on the wire, and `{engine}` takes {max}")]
    TooLong { engine: Engine, chars: usize, max: usize, escaped: bool },
    #[error("this prompt is empty")]
    EmptyPrompt,
    #[error("this text holds a NUL character")]
    Nul,
    #[error("this line is not UTF-8")]
    NotUtf8,
    #[error("invalid CSV: {message}")]
    Csv { message: String },
    #[error("there are more distinct prompts than a job can hold")]
    TooMany,

    // Of the config.
    #[error("a secret does not belong in this file")]
    Secret { instead: &'static str },
    #[error("`{key}` is not the name of an environment variable")]
    BadVariable { key: &'static str },
    #[error("`{key}` is for accounts on route `aisa` only")]
    AisaOnly { key: &'static str },
    #[error("`{key}` is not for accounts on route `aisa`")]
    NotAtAisa { key: &'static str },
    #[error("`keep_balance` cannot be kept on route `{route}`")]
    NoBalance { route: Route },
    #[error("invalid provider address `{url}`")]
    BadUrl { url: String },
    #[error("invalid HTTP proxy address `{url}`")]
    BadProxy { url: String },
    #[error("`{url}` is not encrypted")]
    NotHttps { url: String },
    #[error("a quarantine of `{text}` is too short for a real provider")]
    QuarantineTooShort { text: String },
    #[error("`{less}` is more than `{more}`")]
    WrongOrder { less: &'static str, more: &'static str },
    #[error("`{variable}` and `{file}` both say where the secret is")]
    TwoPasswords { variable: &'static str, file: &'static str },
    #[error("this price does not say what is charged")]
    NoPrice,
    #[error("`{key}` cannot stand in this price of `{function}`")]
    NotInPrice { key: &'static str, function: Function },
}

impl Wrong {
    /// It is wrong with one prompt of many: a file may have thousands alike.
    pub(super) fn is_of_a_prompt(&self) -> bool {
        if let Self::File(wrong) = self {
            return wrong.is_of_a_prompt();
        }
        matches!(self, Self::TooLong { .. } | Self::EmptyPrompt | Self::Nul | Self::NotUtf8 | Self::Csv { .. })
    }

    /// How long the text is and how long it may be, where that is what is wrong.
    pub fn lengths(&self) -> Option<(usize, usize)> {
        if let Self::TooLong { chars, max, .. } | Self::TextTooLong { chars, max, .. } = self {
            Some((*chars, *max))
        } else {
            None
        }
    }

    /// Its kind, as machines know it: the name of the variant in small letters, `unknown_location`.
    pub fn code(&self) -> String {
        let kind = if let Self::File(wrong) = self {
            format!("{wrong:?}")
        } else if let Self::Price(wrong) = self {
            format!("{wrong:?}")
        } else if let Self::Slip(_) = self {
            "Syntax".to_owned()
        } else {
            format!("{self:?}")
        };
        let mut code = String::new();
        for letter in kind.chars().take_while(char::is_ascii_alphanumeric) {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_lowercase());
        }
        code
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Slip(slip) => slip.help(),
            Self::NotTomlText { encoding, .. } => save_as_utf_8(*encoding),
            Self::Syntax { .. } => "text needs quotes, a list [brackets], a table a [header] of its own".to_owned(),
            Self::UnknownKey { hint: Some(hint), .. } => hint.clone(),
            Self::UnknownKey { known, .. } => format!("its keys are {}", list(known)),
            Self::Missing { example, .. } => format!("write for example `{example}`"),
            Self::WrongType { key, wants, written, .. } => kind::help(key, wants, written),
            Self::NoTable { name, written, .. } => kind::help_with_table(name, written),
            Self::SingleTable { key } => {
                format!("write `{key} = [{{ .. }}]`, or a header with two [[brackets]] for each")
            }
            Self::BadName { .. } => "a name has 1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned(),
            Self::OutOfRange { min, max, .. } => format!("choose a whole number from {min} to {max}, without quotes"),
            Self::UnknownWord { key, near, known, .. } => word::help(key, *near, known),
            Self::Empty { .. } => "put something into it, or leave it out where that is allowed".to_owned(),
            Self::ListedTwice { .. } => "remove one of the two".to_owned(),
            Self::AmountUnquoted { found, .. } => format!("amounts of dollars are text: write \"{found}\""),
            Self::BadAmount { error, .. } => amount::help(&error.text),
            Self::BadDuration { .. } => "write for example \"90s\", \"30m\" or \"1h 30m\", up to a year".to_owned(),
            Self::NotBuilt { works, .. } => (*works).to_owned(),
            Self::Ours { instead, .. } | Self::Secret { instead } => (*instead).to_owned(),
            Self::NameNeeded { .. } => "add `name`, with 1 to 64 characters of A-Z a-z 0-9 . _ -".to_owned(),
            Self::EmptyPrompt => "remove it".to_owned(),
            Self::NoPromptSet => "add a [[prompt_set]] with `name` and either `file` or `prompts`".to_owned(),
            Self::SetNameTaken { first, .. } => format!("the first is on line {first}: give one of them another name"),
            Self::UnknownAccount { near, known, .. } => {
                meant(near.as_deref(), || format!("the accounts of the config are {}", list(known)))
            }
            Self::BadDrift { text } => amount::help_with_share(text),
            Self::MarketsAndLists { other } => format!("keep either `markets` or `{other}`"),
            Self::NotSold { works, .. } | Self::NoSuchMethod { works, .. } => works.clone(),
            Self::TimezoneMissing { .. }
            | Self::UnknownTimezone { .. }
            | Self::UnknownLocation { .. }
            | Self::UnknownLanguage { .. }
            | Self::NotServed { .. }
            | Self::NoSuchField { .. }
            | Self::NoPlace { .. }
            | Self::SwitchNeeds { .. }
            | Self::NoModel { .. }
            | Self::UnknownModel { .. }
            | Self::LiveModel { .. }
            | Self::NotLikeThat { .. }
            | Self::TextTooLong { .. }
            | Self::TooLong { .. }
            | Self::NoSuchNumber { .. }
            | Self::BadCountry { .. }
            | Self::BadCoordinate { .. }
            | Self::ChainTooLong { .. }
            | Self::TwoPlaces { .. }
            | Self::DeadlineMissing
            | Self::DeadlineForNothing
            | Self::NoSuchForm
            | Self::AutoAndMethod
            | Self::NoCoordinate { .. }
            | Self::TwoModels
            | Self::BadModel { .. }
            | Self::OnePriority { .. }
            | Self::LiveForms { .. } => self.help_with_what_is_asked(),
            Self::SameTarget { .. } => "remove one of the two: method and priority do not change the answer".to_owned(),
            Self::FileAndPrompts => "keep one of them, or make two prompt sets".to_owned(),
            Self::NoPrompts => "add `file = \"prompts.txt\"` or `prompts = [\"...\"]`".to_owned(),
            Self::Unreadable { file, near, .. } => path::unreadable(file, near.as_deref()),
            Self::UnknownFileKind { file } => path::unknown_kind(file),
            Self::ControlInPath { instead } => {
                format!("in \"double quotes\" \\t is a tab and \\n a line end: write it in single quotes, {instead}")
            }
            Self::EmptyFile { .. } => "add a prompt to it, or remove the prompt set".to_owned(),
            Self::ColumnMissing { columns, .. } => format!("add `column`: the file has {columns}"),
            Self::UnknownColumn { near, columns, .. } => {
                meant(near.as_deref(), || format!("the columns of the file are {columns}"))
            }
            Self::ColumnTwice { .. } => "give each column of the header a name of its own".to_owned(),
            Self::File(wrong) => wrong.help(),
            Self::Price(wrong) => wrong.help(),
            Self::Nul => "remove it: no engine can be asked for it".to_owned(),
            Self::NotUtf8 => "save the file as UTF-8, or say its `encoding`, such as \"windows-1252\"".to_owned(),
            Self::Csv { .. } => {
                "every row needs as many cells as the header; a cell that holds the separator, a quote or a line end stands in \
                 quotes from its first character to its last, and quotes inside it are doubled"
                    .to_owned()
            }
            Self::TooMany => "split the job into several".to_owned(),
            Self::BadVariable { .. }
            | Self::AisaOnly { .. }
            | Self::NotAtAisa { .. }
            | Self::NoBalance { .. }
            | Self::BadUrl { .. }
            | Self::BadProxy { .. }
            | Self::NotHttps { .. }
            | Self::QuarantineTooShort { .. }
            | Self::WrongOrder { .. }
            | Self::TwoPasswords { .. }
            | Self::NoPrice
            | Self::NotInPrice { .. } => self.help_with_the_config(),
        }
    }
}

fn save_as_utf_8(encoding: Option<&str>) -> String {
    let by_hand = "save it as UTF-8, in Notepad by `Save as` with `Encoding: UTF-8`";
    encoding.map_or_else(|| by_hand.to_owned(), |name| format!("{by_hand}, or by `iconv -f {name} -t UTF-8 OLD > NEW`"))
}

fn not_text(encoding: Option<&str>, byte: Option<u8>) -> String {
    match (encoding, byte) {
        (Some(encoding), None) => format!("{encoding}, and a job file or a config is UTF-8"),
        (None, None) => "not UTF-8".to_owned(),
        (Some(encoding), Some(byte)) => {
            format!("not UTF-8: the byte 0x{byte:02X} here is none; it seems to be {encoding}")
        }
        (None, Some(byte)) => format!("not UTF-8: the byte 0x{byte:02X} here is none"),
    }
}

pub(super) fn meant(near: Option<&str>, otherwise: impl FnOnce() -> String) -> String {
    near.map_or_else(otherwise, |near| format!("did you mean `{near}`?"))
}
