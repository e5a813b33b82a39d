//! Prompts that look alike but are several questions. Each is bought, so `plan` reports them.
//!
//! Most texts are their own near form and are found among the prompts that are known anyway. Only the others need
//! memory here.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use super::source::{Found, Origin};
use crate::hash::hash128;
use crate::page::Page;
use crate::text::near_form;

/// Prompts that differ from another one only in what a reader does not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearDuplicates {
    /// How many, beyond the first of each kind.
    pub prompts: u64,
    /// The first of them, and the one that it is like.
    pub first: [TextPlace; 2],
}

/// Where a prompt stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// Where a distinct prompt was first seen.
#[derive(Clone, Copy, Debug)]
struct Sight {
    set: u32,
    line: u32,
}

/// Where the prompts of a set stand.
enum Stands {
    In(PathBuf),
    Here(Vec<Range<usize>>),
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Near {
    sets: Vec<Stands>,
    /// Of each distinct prompt.
    sights: Vec<Sight>,
    /// The first prompt of each near form, where it is not that form itself.
    forms: HashMap<[u8; 16], u32>,
    duplicates: u64,
    first: Option<[Sight; 2]>,
}

impl Near {
    /// The next prompts are of this set.
    pub(super) fn begin(&mut self, found: &Found) {
        self.sets.push(match &found.origin {
            Origin::Inline(_) => Stands::Here(found.item_spans.clone()),
            Origin::File { path, .. } => Stands::In(path.clone()),
        });
    }

    /// A new distinct prompt, the next in order; `known` has the index of each that was seen, by its hash.
    pub(super) fn see(&mut self, text: &str, hash: [u8; 16], line: usize, known: &HashMap<[u8; 16], u32>) {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let sight = Sight { set: number(self.sets.len().saturating_sub(1)), line: number(line) };
        let index = number(self.sights.len());
        self.sights.push(sight);
        let form = near_form(text);
        let is_own = form == text;
        let form = if is_own { hash } else { hash128(form.as_bytes()) };
        let earlier = known.get(&form).filter(|_| !is_own).or_else(|| self.forms.get(&form)).copied();
        if let Some(earlier) = earlier {
            self.duplicates += 1;
            let first = self.sights.get(earlier as usize).copied().unwrap_or(sight);
            self.first.get_or_insert([sight, first]);
        } else if !is_own {
            self.forms.insert(form, index);
        }
    }

    /// What is to be said of them.
    pub(super) fn finish(self, page: &Page<'_>) -> Option<NearDuplicates> {
        let place = |sight: Sight| {
            let line = sight.line as usize;
            match self.sets.get(sight.set as usize) {
                Some(Stands::In(file)) => TextPlace { file: file.clone(), line },
                Some(Stands::Here(spans)) => {
                    let span = spans.get(line.saturating_sub(1)).cloned().unwrap_or_default();
                    let place = page.place(span);
                    TextPlace { file: place.file, line: place.line }
                }
                None => TextPlace { file: PathBuf::new(), line },
            }
        };
        Some(NearDuplicates { prompts: self.duplicates, first: self.first?.map(place) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::job::check;

    /// What is said of a job with a file of three prompts and some of its own.
    fn duplicates(own: &str, file: &str) -> Option<NearDuplicates> {
        let text = format!(
            "[budget]\nrun = \"1\"\n[defaults]\nengine = \"gemini\"\nlocations = [\"US\"]\nlanguages = [\"en\"]\n\
             [[prompt_set]]\nname = \"file\"\nfile = \"p.txt\"\n[[prompt_set]]\nname = \"own\"\nprompts = [\n{own}]\n"
        );
        let files = BTreeMap::from([(PathBuf::from("jobs/p.txt"), file.as_bytes().to_vec())]);
        let config = Config::built_in(Path::new("jobs"));
        match check(Path::new("jobs/j.toml"), &text, &config, &files) {
            Ok(job) => job.near_duplicates,
            Err(problems) => panic!("{}", problems.render(false)),
        }
    }

    #[test]
    fn near_duplicate_prompts_are_counted_with_one_pair() {
        let place = |file: &str, line| TextPlace { file: PathBuf::from(file), line };
        let found = duplicates(
            "\"which caf\\u00e9?\",\n\"which  bar?\",\n\"which bar?\",\n",
            "one\nwhich cafe\u{301}?\nwhich b\u{200b}ar?\n",
        );
        let first = [place("jobs/j.toml", 13), place("jobs/p.txt", 2)];
        assert_eq!(found, Some(NearDuplicates { prompts: 3, first }));
        let composed_first = duplicates("\"which cafe\\u0301?\",\n", "one\n\nwhich caf\u{e9}?\n");
        let first = [place("jobs/j.toml", 13), place("jobs/p.txt", 3)];
        assert_eq!(composed_first, Some(NearDuplicates { prompts: 1, first }));
        assert_eq!(
            duplicates("\"which caf\\u00e9?\",\n\"Which cafe?\"", "one\nwhich caf\u{e9}?\n which caf\u{e9}? \n"),
            None
        );
    }
}
