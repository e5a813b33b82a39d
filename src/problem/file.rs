//! What can be wrong with a prompt file as a whole, in words, and what to do about it.

/// What is wrong with a prompt file, or with what the job file says of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words beside each variant say what it is, its fields are what the words name")]
pub enum WrongFile {
    #[error("this file is {what}{}", not_a_list(.what))]
    NotPrompts { what: &'static str, cure: &'static str },
    #[error("this file is {what}, not a job file or a config")]
    NotToml { what: &'static str },
    #[error("this line is {what}, not a prompt")]
    NotAPrompt { what: &'static str, cure: &'static str },
    #[error("this line is read as the header, and it looks like a prompt")]
    HeaderIsPrompt { text: String },
    #[error("the first row does not end within the first {kib} KiB of the file")]
    EndlessHeader { kib: usize },
    #[error("`{key}` cannot be said of {kind}")]
    NotForKind { key: &'static str, kind: &'static str, works: &'static str },
    #[error("`{text}` cannot separate the cells of a row")]
    BadDelimiter { text: String },
    #[error("unknown encoding `{text}`")]
    BadEncoding { text: String },
    #[error("`{file}` begins with the byte order mark of {mark}, and `encoding` says {said}")]
    EncodingMark { file: String, said: &'static str, mark: &'static str },
    #[error("this line is not {encoding}")]
    NotDecodable { encoding: &'static str },
    #[error("`{file}` has several sheets and `sheet` does not say which")]
    SheetMissing { file: String, sheets: String },
    #[error("`{file}` has no sheet `{sheet}`")]
    UnknownSheet { file: String, sheet: String, sheets: String },
    #[error("the cell of this row's prompt holds {found}, not text")]
    CellNotText { found: &'static str },
    #[error("invalid JSON: {message}")]
    Json { message: String },
    #[error("this line holds {found} where a prompt is needed")]
    JsonNotText { found: &'static str },
    #[error("this line has no `{column}`")]
    JsonKeyMissing { column: String, keys: String },
    #[error("this line has several keys and `column` does not say which holds the prompt")]
    JsonKeyUnsaid { keys: String },
}

impl WrongFile {
    /// It is wrong with one line of many.
    pub(super) fn is_of_a_prompt(&self) -> bool {
        matches!(
            self,
            Self::NotAPrompt { .. }
                | Self::NotDecodable { .. }
                | Self::CellNotText { .. }
                | Self::Json { .. }
                | Self::JsonNotText { .. }
                | Self::JsonKeyMissing { .. }
        )
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NotPrompts { cure, .. } | Self::NotAPrompt { cure, .. } => (*cure).to_owned(),
            Self::NotToml { .. } => "name the TOML file".to_owned(),
            Self::HeaderIsPrompt { text } => format!(
                "put a header such as `prompt` above it, or write `column = {}` if it is the header",
                serde_json::Value::from(text.as_str())
            ),
            Self::EndlessHeader { .. } => "check the quotes of the first row, or say its `delimiter`".to_owned(),
            Self::NotForKind { key, works, .. } => format!("leave `{key}` out, or give {works}"),
            Self::BadDelimiter { .. } => {
                "write one character such as \",\" or \";\", or \"tab\"; no letter, digit, quote or line end".to_owned()
            }
            Self::BadEncoding { text } if text.to_lowercase().replace(['-', '_', ' '], "").starts_with("ansi") => {
                "write \"windows-1252\" if a program of Western Europe or America wrote it".to_owned()
            }
            Self::BadEncoding { .. } => {
                "write for example \"utf-8\", \"utf-16le\", \"windows-1252\" or \"shift_jis\"".to_owned()
            }
            Self::EncodingMark { .. } => "leave `encoding` out: the mark tells".to_owned(),
            Self::NotDecodable { .. } => "check `encoding`, or save the file as UTF-8".to_owned(),
            Self::SheetMissing { sheets, .. } => format!("add `sheet`: the file has {sheets}"),
            Self::UnknownSheet { sheets, .. } => format!("the sheets of the file are {sheets}"),
            Self::CellNotText { .. } => "write the prompt as text, or choose another `column`".to_owned(),
            Self::Json { .. } => {
                "each line is one JSON value: a text, or an object with a text under the key that `column` names"
                    .to_owned()
            }
            Self::JsonNotText { .. } => {
                "a prompt is a JSON text; `column` names its key, `a.b` the key `b` inside `a`".to_owned()
            }
            Self::JsonKeyMissing { keys, .. } => format!("its keys are {keys}; `a.b` is the key `b` inside `a`"),
            Self::JsonKeyUnsaid { keys } => format!("add `column`: the line has {keys}"),
        }
    }
}

/// What else it is not, where that was not said.
fn not_a_list(what: &str) -> &'static str {
    if what.starts_with("not ") { "" } else { ", not a list of prompts" }
}
