//! Slips of TOML in words, and how each is written instead.

/// What a person did who wrote something else than TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words beside each variant say what it is, its fields are what the words name")]
pub enum Slip {
    #[error("in \"double quotes\" a backslash begins an escape such as \\n")]
    Backslash { instead: String },
    #[error("a comma is missing before this")]
    NoComma,
    #[error("there is one comma too many")]
    TwoCommas,
    #[error("text needs quotes")]
    Unquoted { quoted: String },
    #[error("typographic quotes do not quote a text")]
    Curly { straight: String },
    #[error("`{word}` is not a boolean")]
    Boolean { word: String, value: &'static str },
    #[error("TOML has no null value")]
    Null,
    #[error("a number has no leading zeros")]
    LeadingZero { number: String },
    #[error("a list needs [brackets], not (parentheses)")]
    Parentheses,
    #[error("texts cannot be added")]
    Added,
    #[error("a quote inside a text ends it")]
    QuoteInside { quote: char },
    #[error("this text has no closing quote on its line")]
    Unclosed { quote: char },
    #[error("a control character (U+{code:04X}) stands in this text")]
    Control { code: u32 },
    #[error("`{bracket}` is never closed")]
    Open { bracket: char, closing: char },
    #[error("a header that begins with `{opened}` ends with `{closed}`")]
    HeaderOpen { opened: &'static str, closed: &'static str },
    #[error("`=` is missing between a key and its value")]
    NoEquals { instead: String },
    #[error("a key and its value are joined by `=`, not by `:`")]
    Colon { instead: String },
    #[error("there is a second `=`")]
    TwoEquals,
    #[error("there is no value after `=`")]
    NoValue,
    #[error("a key cannot contain blanks")]
    KeyOfWords { joined: String, in_one: String },
    #[error("lists have no dashes")]
    Dash,
    #[error("a blank other than a space (U+{code:04X}) stands here")]
    Blank { code: u32 },
    #[error("no `{mark}` follows a value")]
    Trailing { mark: char },
    #[error("a second value follows on the same line")]
    TwoValues,
    #[error("a comment begins with `#`")]
    Comment,
    #[error("`{name}` is written twice")]
    Twice { name: String, first: Option<usize> },
    #[error("`{mark}` is the mark of a merge conflict")]
    MergeMark { mark: &'static str },
    #[error("this is JSON")]
    Json,
    #[error("its lines end with a carriage return alone")]
    CarriageReturn,
}

impl Slip {
    /// The same without the text of the file: it may be a secret.
    #[must_use]
    pub fn without_text(self) -> Self {
        let shown = || "\"...\"".to_owned();
        match self {
            Self::Backslash { .. } => Self::Backslash { instead: "'...'".to_owned() },
            Self::Unquoted { .. } => Self::Unquoted { quoted: shown() },
            Self::Curly { .. } => Self::Curly { straight: shown() },
            Self::NoEquals { .. } => Self::NoEquals { instead: "key = \"...\"".to_owned() },
            Self::Colon { .. } => Self::Colon { instead: "key = \"...\"".to_owned() },
            Self::KeyOfWords { .. } => Self::TwoValues,
            Self::LeadingZero { .. } => Self::LeadingZero { number: "...".to_owned() },
            Self::Boolean { value, .. } => Self::Boolean { word: "...".to_owned(), value },
            Self::Twice { first, .. } => Self::Twice { name: "...".to_owned(), first },
            other @ (Self::NoComma
            | Self::TwoCommas
            | Self::Null
            | Self::Parentheses
            | Self::Added
            | Self::QuoteInside { .. }
            | Self::Unclosed { .. }
            | Self::Control { .. }
            | Self::Open { .. }
            | Self::HeaderOpen { .. }
            | Self::TwoEquals
            | Self::NoValue
            | Self::Dash
            | Self::Blank { .. }
            | Self::Trailing { .. }
            | Self::TwoValues
            | Self::Comment
            | Self::MergeMark { .. }
            | Self::Json
            | Self::CarriageReturn) => other,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Backslash { instead } => {
                format!("write it in single quotes, or with each backslash doubled: {instead}")
            }
            Self::NoComma => "separate the items of a list, and the keys of an inline table, by commas".to_owned(),
            Self::TwoCommas => "remove one".to_owned(),
            Self::Unquoted { quoted } => format!("write {quoted}"),
            Self::Curly { straight } => {
                format!("replace them by straight ones: write {straight}")
            }
            Self::Boolean { value, .. } => format!("write `{value}`, in small letters and without quotes"),
            Self::LeadingZero { number } => format!("write {number}, or \"0{number}\" if it is text"),
            Self::Null => "leave the line out".to_owned(),
            Self::Parentheses => "write for example [\"Germany\", \"Austria\"]".to_owned(),
            Self::Added => "write one text, or a list with commas".to_owned(),
            Self::QuoteInside { quote: '\'' } => {
                "put the text in \"double quotes\": in those an apostrophe is a letter like any other".to_owned()
            }
            Self::QuoteInside { .. } => {
                "put the text in 'single quotes', or write \\\" for the quote inside".to_owned()
            }
            Self::Unclosed { quote } => {
                format!("add {quote} at its end; write a text of several lines between {quote}{quote}{quote}")
            }
            Self::Control { .. } => "delete it: it may be invisible in your editor".to_owned(),
            Self::Open { closing, .. } => format!("add `{closing}` where it ends"),
            Self::HeaderOpen { opened, closed } => {
                format!("write for example `{opened}{}{closed}`", if *opened == "[" { "budget" } else { "prompt_set" })
            }
            Self::NoEquals { instead } | Self::Colon { instead } => format!("write `{instead}`"),
            Self::TwoEquals => "remove one; a value with `=` in it stands in quotes".to_owned(),
            Self::NoValue => "write a value, or remove the line".to_owned(),
            Self::KeyOfWords { joined, in_one } => format!("write it as one word, such as `{in_one}` or `{joined}`"),
            Self::Dash => "items of a list stand in [brackets], with commas between them".to_owned(),
            Self::Blank { .. } => {
                "delete it and type a space: it came with text that was copied from a page or a document".to_owned()
            }
            Self::Trailing { mark } => format!("remove the `{mark}`"),
            Self::TwoValues => {
                "write one key with its value a line, and several values as a list in [brackets]".to_owned()
            }
            Self::Comment => "write `#` instead".to_owned(),
            Self::Twice { first, .. } => {
                let at = first.map_or_else(String::new, |line| format!(", and the first is on line {line}"));
                format!("each key and each [table] is written once{at}: remove one, or make them one")
            }
            Self::MergeMark { .. } => "settle the conflict first, and remove its marks".to_owned(),
            Self::Json => "job files and configs are TOML: `name = \"brand\"`, [tables] and lists".to_owned(),
            Self::CarriageReturn => "save the file with line ends of Unix or Windows".to_owned(),
        }
    }
}
