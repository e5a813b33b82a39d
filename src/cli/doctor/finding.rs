//! The findings of the doctor: one line each, with its meaning and the remedy.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::{Exit, out};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Buying goes on, and somebody should look at it.
    Warn,
    /// Nothing can be bought, or it should not be.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    level: Level,
    /// What was looked at.
    about: &'static str,
    /// Whose, where it is about an account.
    account: Option<String>,
    /// What was found, and what that means.
    says: String,
    /// What to do, or to know.
    advice: Option<String>,
    /// What a failure comes to.
    exit: Exit,
}

impl Finding {
    pub(super) fn ok(about: &'static str, says: impl Into<String>) -> Self {
        Self { level: Level::Ok, about, account: None, says: says.into(), advice: None, exit: Exit::Complete }
    }

    pub(super) fn warn(about: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warn, advice: Some(advice.into()), ..Self::ok(about, says) }
    }

    pub(super) fn fail(about: &'static str, exit: Exit, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Fail, exit, ..Self::warn(about, says, advice) }
    }

    /// The same, with something to know.
    pub(super) fn knowing(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The same, about an account.
    pub(super) fn of(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn facts(&self) -> Value {
        json!({ "level": self.level.name(), "about": self.about, "account": self.account, "says": self.says,
                "advice": self.advice })
    }
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// All of them, one a line, with the advice below; only what needs somebody when quiet.
pub(super) fn text(findings: &[Finding], quiet: bool) -> String {
    let mut text = String::new();
    let mut account = None;
    for finding in findings.iter().filter(|finding| !quiet || finding.level > Level::Ok) {
        if finding.account != account {
            account.clone_from(&finding.account);
            let _ = writeln!(text, "account {}", account.as_deref().unwrap_or_default());
        }
        let _ = writeln!(text, "{:4}  {:16} {}", finding.level.name(), finding.about, finding.says);
        if let Some(advice) = &finding.advice {
            let _ = writeln!(text, "{:23}{advice}", "");
        }
    }
    out::lines(&text)
}
