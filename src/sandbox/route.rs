//! Which call a path is; an unbuilt or misspelt one is none.

use crate::offer::{Engine, ResultKind, named};

named! {
    /// The kinds of call that limits and faults tell apart.
    Call {
        /// Buys tasks.
        TaskPost = "task_post",
        /// Lists finished tasks.
        TasksReady = "tasks_ready",
        /// Hands out one answer.
        TaskGet = "task_get",
        /// Locations and languages.
        Lists = "lists",
        /// Lists tasks by time.
        IdList = "id_list",
        /// Lists errors of the last days.
        Errors = "errors",
        /// Balance, limits and prices.
        UserData = "user_data",
        /// Everything else.
        Other = "other",
    }
}

/// A path that leads somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Post(Engine),
    Ready(Engine),
    Get(Engine, ResultKind, &'p str),
    Locations(Engine, Option<&'p str>),
    Languages(Engine),
    IdList,
    Errors,
    UserData,
    ErrorCodes,
    Status,
}

impl<'p> Route<'p> {
    /// The route of a path, where there is one.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/v3/")?.split('/').collect();
        match segments.as_slice() {
            ["ai_optimization", "id_list"] => Some(Self::IdList),
            ["ai_optimization", "errors"] => Some(Self::Errors),
            ["appendix", "user_data"] => Some(Self::UserData),
            ["appendix", "errors"] => Some(Self::ErrorCodes),
            ["appendix", "status"] => Some(Self::Status),
            ["ai_optimization", engine, "llm_scraper", rest @ ..] => {
                let engine = engine.parse().ok().filter(|e| matches!(e, Engine::ChatGpt | Engine::Gemini))?;
                match rest {
                    ["task_post"] => Some(Self::Post(engine)),
                    ["tasks_ready"] => Some(Self::Ready(engine)),
                    ["task_get", kind, id] => Some(Self::Get(engine, kind.parse().ok()?, id)),
                    ["locations"] => Some(Self::Locations(engine, None)),
                    ["locations", country] => Some(Self::Locations(engine, Some(country))),
                    ["languages"] => Some(Self::Languages(engine)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The kind of call it is.
    pub(super) fn call(self) -> Call {
        match self {
            Self::Post(_) => Call::TaskPost,
            Self::Ready(_) => Call::TasksReady,
            Self::Get(..) => Call::TaskGet,
            Self::Locations(..) | Self::Languages(_) => Call::Lists,
            Self::IdList => Call::IdList,
            Self::Errors => Call::Errors,
            Self::UserData => Call::UserData,
            Self::ErrorCodes | Self::Status => Call::Other,
        }
    }

    /// The engine it is about, where it is about one.
    pub(super) fn engine(self) -> Option<Engine> {
        match self {
            Self::Post(e) | Self::Ready(e) | Self::Get(e, ..) | Self::Locations(e, _) | Self::Languages(e) => Some(e),
            Self::IdList | Self::Errors | Self::UserData | Self::ErrorCodes | Self::Status => None,
        }
    }

    /// The number its ids carry in their third group.
    pub(super) fn function_number(self) -> u16 {
        match self {
            Self::Post(Engine::Gemini) => 0x0072,
            Self::Post(_) => 0x0066,
            Self::Ready(_) => 0x0087,
            Self::Get(..) => 0x0067,
            Self::Locations(..) | Self::Languages(_) => 0x0091,
            Self::IdList => 0x0113,
            Self::Errors => 0x0114,
            Self::UserData | Self::ErrorCodes | Self::Status => 0x0005,
        }
    }
}
