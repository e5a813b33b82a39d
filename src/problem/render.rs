//! Problems as pictures.
use super::Problem;
use std::path::Path;

pub(super) fn render(_path: &Path, _text: &str, list: &[Problem], _color: bool) -> String {
    list.iter().map(|problem| format!("error: {}\n --> {}\n", problem.what, problem.at)).collect()
}

pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
