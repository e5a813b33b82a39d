//! The provider's JSON: written exactly, read leniently.
//!
//! What is sent is spelt out byte by byte. What is received may lack any field, hold null, hold another type than
//! documented or hold more than documented. None of that is an error here, only a fact that the reader sees as
//! `None`. `codes` says what a code means, `post` and `get` what a reply means.

mod catalogue;
mod lists;
mod mend;
mod read;
mod rows;
mod values;
mod write;

pub use catalogue::{catalogue_path, languages, locations, models};
pub use lists::{
    AnswerFacts, CallLimits, Listed, PriceClass, ReadyList, ReadyRow, UnreadableList, UserData, answer_facts,
    first_result, listed_rows, ready_rows, user_data,
};
pub use mend::{Mended, mend};
pub use read::{Envelope, GatewayError, Unreadable, envelope, gateway_error};
pub use rows::Row;
pub use values::Cost;
pub use write::{
    ID_LIST_PATH, Order, STATUS_PATH, USER_DATA_PATH, id_list_body, live_path, task_get_path, task_post_body,
    task_post_path, tasks_ready_path,
};
