//! Mistakes that come by the hundred, one in every line of a prompt file: the first of a kind are shown, all are counted and
//! can be listed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::{Discriminant, discriminant};
use std::path::Path;

use super::printable::printable;
use super::{Problem, Problems, Wrong, WrongFile};

/// Of more than so many alike in one file, the first are shown.
const MOST_ALIKE: usize = 5;
/// How many of them.
const FIRST_SHOWN: usize = 3;

/// What is wrong, whatever the figures.
type Kind = (Discriminant<Wrong>, Option<Discriminant<WrongFile>>);

/// A problem that is shown, and what is not shown behind it.
#[derive(Debug)]
pub(super) struct Shown<'p> {
    pub(super) problem: &'p Problem,
    /// So many more like it stand in the file, and the last of them on this line.
    pub(super) more: Option<(usize, usize)>,
}

/// Those that are shown.
pub(super) fn shown(list: &[Problem]) -> Vec<Shown<'_>> {
    let mut groups: BTreeMap<(&Path, String), Vec<usize>> = BTreeMap::new();
    for (at, problem) in list.iter().enumerate().filter(|(_, problem)| problem.what.is_of_a_prompt()) {
        groups.entry((&problem.at.file, format!("{:?}", kind(&problem.what)))).or_default().push(at);
    }
    let mut is_hidden = vec![false; list.len()];
    let mut more = BTreeMap::new();
    for group in groups.values().filter(|group| group.len() > MOST_ALIKE) {
        let (first, rest) = group.split_at(FIRST_SHOWN);
        for at in rest {
            is_hidden[*at] = true;
        }
        if let (Some(last_shown), Some(last)) = (first.last(), rest.last()) {
            more.insert(*last_shown, (rest.len(), list[*last].at.line));
        }
    }
    let shown = list.iter().enumerate().filter(|(at, _)| !is_hidden[*at]);
    shown.map(|(at, problem)| Shown { problem, more: more.get(&at).copied() }).collect()
}

fn kind(wrong: &Wrong) -> Kind {
    let of_file = if let Wrong::File(wrong) = wrong { Some(discriminant(wrong)) } else { None };
    (discriminant(wrong), of_file)
}

impl Shown<'_> {
    /// What is said of those that are not shown.
    pub(super) fn words(&self) -> Option<String> {
        let (more, last) = self.more?;
        let file = printable(&self.problem.at.file.to_string_lossy());
        Some(format!("{more} more like this in `{file}`, the last on line {last}"))
    }
}

impl Problems {
    /// How many are counted and not shown by [`Problems::render`].
    pub fn hidden(&self) -> usize {
        self.list.len() - shown(&self.list).len()
    }

    /// Every one of them on a line of its own: place, what is wrong, what to do.
    pub fn listing(&self) -> String {
        let mut text = String::new();
        for problem in &self.list {
            let what = printable(&problem.what.to_string());
            let _ = writeln!(text, "{}: {what}; {}", problem.at, printable(&problem.help));
        }
        text
    }
}
