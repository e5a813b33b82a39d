//! Where the word on a key of a prompt set stands: in the set itself, or behind it in `[defaults]`.

use super::priced::Priced;
use crate::page::Section;
use crate::product::ResultKind;

/// A prompt set and, behind it, `[defaults]`.
pub(super) struct Layers<'p, 't> {
    pub(super) set: Section<'p, 't>,
    pub(super) defaults: Option<Section<'p, 't>>,
    /// The forms of answer that the job collects.
    pub(super) results: &'p [ResultKind],
    /// The provider decodes the prompts of models, by the account's word.
    pub(super) user_prompt_decoded: bool,
    /// What tasks cost, where that is asked.
    pub(super) priced: Option<Priced<'p>>,
}

impl<'p, 't> Layers<'p, 't> {
    /// The section whose word on a key counts: the set's own before the defaults.
    pub(super) fn with(&self, key: &str) -> Option<&Section<'p, 't>> {
        std::iter::once(&self.set).chain(&self.defaults).find(|section| section.has(key))
    }

    /// The section whose word on a group of keys counts.
    pub(super) fn with_any(&self, keys: &[&str]) -> Option<&Section<'p, 't>> {
        std::iter::once(&self.set).chain(&self.defaults).find(|section| keys.iter().any(|key| section.has(key)))
    }
}
