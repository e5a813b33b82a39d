//! The cause behind an error: the outer layers only say that something failed.

use std::error::Error;

/// What failed at the root.
pub(super) fn root_of(error: &(dyn Error + 'static)) -> String {
    layers(error).last().unwrap_or(error).to_string()
}

/// An error and all that caused it.
pub(super) fn layers<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
