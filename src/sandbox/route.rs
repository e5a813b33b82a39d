//! Which call a path stands for; an unknown or misspelt path is none.

use super::price_classes::{PriceClass, Verb, find};
use crate::product::{Engine, Function, Method, ResultKind, named};

named! {
    /// The kinds of call that limits and faults tell apart.
    Call {
        /// Buys tasks whose answers are collected later.
        TaskPost = "task_post",
        /// Buys one answer on the same connection.
        Live = "live",
        /// Lists finished tasks.
        TasksReady = "tasks_ready",
        /// Hands out one answer.
        TaskGet = "task_get",
        /// Locations, languages and models.
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
    Post(PriceClass),
    Live(PriceClass),
    Ready(Engine, Function),
    Get(Engine, Function, ResultKind, &'p str),
    Locations(Engine, Option<&'p str>),
    Languages(Engine),
    Models(Engine),
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
            ["ai_optimization", rest @ ..] => Self::about_an_engine(rest),
            _ => None,
        }
    }

    fn about_an_engine(segments: &[&'p str]) -> Option<Self> {
        let found = find(segments)?;
        let (engine, function, kind) = (found.engine, found.endpoint.function, found.endpoint.kind);
        let price_class = |method| PriceClass { engine, function, method, kind };
        Some(match found.endpoint.verb {
            Verb::Post => Self::Post(price_class(Method::Standard)),
            Verb::Live => Self::Live(price_class(Method::Live)),
            Verb::Ready => Self::Ready(engine, function),
            Verb::Get => Self::Get(engine, function, kind, found.argument?),
            Verb::Locations => Self::Locations(engine, found.argument),
            Verb::Languages => Self::Languages(engine),
            Verb::Models => Self::Models(engine),
        })
    }

    /// The kind of call it is.
    pub(super) fn call(self) -> Call {
        match self {
            Self::Post(_) => Call::TaskPost,
            Self::Live(_) => Call::Live,
            Self::Ready(..) => Call::TasksReady,
            Self::Get(..) => Call::TaskGet,
            Self::Locations(..) | Self::Languages(_) | Self::Models(_) => Call::Lists,
            Self::IdList => Call::IdList,
            Self::Errors => Call::Errors,
            Self::UserData => Call::UserData,
            Self::ErrorCodes | Self::Status => Call::Other,
        }
    }

    /// The engine it is about, where it is about one.
    pub(super) fn engine(self) -> Option<Engine> {
        match self {
            Self::Post(price_class) | Self::Live(price_class) => Some(price_class.engine),
            Self::Ready(e, _) | Self::Get(e, ..) | Self::Locations(e, _) | Self::Languages(e) | Self::Models(e) => {
                Some(e)
            }
            Self::IdList | Self::Errors | Self::UserData | Self::ErrorCodes | Self::Status => None,
        }
    }

    /// The function it is about, where it is about one.
    pub(super) fn function(self) -> Option<Function> {
        match self {
            Self::Post(price_class) | Self::Live(price_class) => Some(price_class.function),
            Self::Ready(_, function) | Self::Get(_, function, ..) => Some(function),
            Self::Locations(..) | Self::Languages(_) => Some(Function::LlmScraper),
            Self::Models(_) => Some(Function::LlmResponses),
            Self::IdList | Self::Errors | Self::UserData | Self::ErrorCodes | Self::Status => None,
        }
    }

    /// The number its ids carry in their third group.
    pub(super) fn function_number(self) -> u16 {
        match self {
            Self::Post(PriceClass { function: Function::LlmResponses, .. }) => 0x0613,
            Self::Post(PriceClass { engine: Engine::Gemini, .. }) => 0x0072,
            Self::Post(_) => 0x0066,
            Self::Live(PriceClass { function: Function::LlmResponses, .. }) => 0x0614,
            Self::Live(_) => 0x0068,
            Self::Ready(..) => 0x0087,
            Self::Get(..) => 0x0067,
            Self::Locations(..) | Self::Languages(_) | Self::Models(_) => 0x0091,
            Self::IdList => 0x0113,
            Self::Errors => 0x0114,
            Self::UserData | Self::ErrorCodes | Self::Status => 0x0005,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::price_classes::price_classes;
    use super::*;

    #[test]
    fn every_price_class_is_sold_where_it_says() {
        for price_class in price_classes() {
            let path = format!("/v3/ai_optimization/{}/{}", price_class.engine, price_class.endpoint());
            let sold = match price_class.method {
                Method::Standard => Route::Post(price_class),
                Method::Live => Route::Live(price_class),
            };
            assert_eq!(Route::of(&path), Some(sold), "{path}");
        }
        assert_eq!(price_classes().count(), 2 + 4 + 3 + 4);
    }
}
