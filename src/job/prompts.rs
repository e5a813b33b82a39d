//! The prompts of a job: collected while the sets are read, identified by their hashes, read again when their texts
//! are needed.
//!
//! Sixteen bytes remain of each distinct prompt. The map from hash to index lives only while the job is checked.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::Target;
use super::layers::Layers;
use super::near::{Near, NearDuplicates};
use super::notation::Recognised;
use super::open;
use super::source::{Found, Origin, Source};
use super::stream::{Files, Item, Unusable};
use super::suspects::{Suspects, Watch};
use crate::hash::hash128;
use crate::near::nearest;
use crate::page::Page;
use crate::problem::{Place, Problem, Spot, Wrong, io_reason};
use crate::product::Product;

/// Problems of one prompt file that are kept; a wrong file can have one in each of millions of lines.
const MOST_PROBLEMS_OF_A_FILE: usize = 100_000;

/// The distinct prompts of a job, in the order of first sight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    hashes: Vec<[u8; 16]>,
}

/// Some of the prompts of a set, for people to see what will be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The first ones.
    pub first: Vec<String>,
    /// The last one, where it is none of those.
    pub last: Option<String>,
    /// How many prompts are of several lines.
    pub of_several_lines: u64,
}

/// So many of the first prompts tell whether a file was read rightly.
const FIRST_SHOWN: usize = 2;

impl Samples {
    fn see(&mut self, text: &str) {
        self.of_several_lines += u64::from(text.contains(['\n', '\r']));
        if self.first.len() < FIRST_SHOWN {
            self.first.push(text.to_owned());
        } else {
            let last = self.last.get_or_insert_default();
            last.clear();
            last.push_str(text);
        }
    }
}

/// Why the prompts could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError<E> {
    /// A file that could be read when the job was checked cannot be read now.
    #[error("cannot read `{}`", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds other prompts than when the job was checked.
    #[error("`{}` was changed after the job was checked: start the command again", .file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// What was to be done with a prompt failed.
    #[error("{0}")]
    Each(E),
}

impl Prompts {
    /// How many.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// True for none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The first 16 bytes of the BLAKE3 hash of a prompt's text.
    ///
    /// # Panics
    /// There is no such prompt.
    pub fn hash(&self, index: u32) -> [u8; 16] {
        self.hashes[index as usize]
    }

    /// Reads the texts again. What is handed out is always what was checked, hash by hash; that nothing is missing is
    /// known at the end of each set, by the digest over all its prompts.
    pub(super) fn each<'s, E>(
        &self,
        sources: impl Iterator<Item = &'s Source>,
        files: &dyn Files,
        mut each: impl FnMut(u32, &str) -> Result<(), E>,
    ) -> Result<(), PromptsError<E>> {
        let mut next = 0;
        for source in sources {
            let file = || source.origin.file().map(PathBuf::from).unwrap_or_default();
            let mut digest = blake3::Hasher::new();
            let mut failed = None;
            let read = open::read(&source.origin, files, &mut |item| {
                match item {
                    Item::EmptyCell => {}
                    Item::Bad { .. } => return ControlFlow::Break(()),
                    Item::Prompt { text, .. } => {
                        let text = &*text;
                        let hash = hash128(text.as_bytes());
                        digest.update(&hash);
                        if next < source.until && hash == self.hash(next) {
                            if let Err(error) = each(next, text) {
                                failed = Some(error);
                                return ControlFlow::Break(());
                            }
                            next += 1;
                        }
                    }
                }
                ControlFlow::Continue(())
            });
            if let Some(error) = failed {
                return Err(PromptsError::Each(error));
            }
            match read {
                Err(Unusable::Io(source)) => return Err(PromptsError::Unreadable { file: file(), source }),
                Ok(_) if next == source.until && first_half(&digest) == source.digest => {}
                Ok(_) | Err(Unusable::Said(..)) => return Err(PromptsError::Changed { file: file() }),
            }
        }
        Ok(())
    }
}

fn first_half(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut half = [0; 16];
    hasher.finalize_xof().fill(&mut half);
    half
}

/// The distinct prompts of the sets read so far.
#[derive(Default)]
pub(super) struct Gathering {
    indices: HashMap<[u8; 16], u32>,
    hashes: Vec<[u8; 16]>,
    /// For each prompt, the last set that had it.
    last_set: Vec<u32>,
    sets: u32,
    near: Near,
}

/// What a set holds.
pub(super) struct Gathered {
    pub(super) prompts: Vec<u32>,
    pub(super) duplicates: u64,
    pub(super) empty_rows: u64,
    /// Bytes of the longest prompt.
    pub(super) longest: usize,
    pub(super) samples: Samples,
    pub(super) suspects: Vec<Suspects>,
    pub(super) recognised: Option<Recognised>,
    pub(super) source: Source,
}

impl Gathering {
    /// The prompts, and what is to be said of those that look alike.
    pub(super) fn finish(self, page: &Page<'_>) -> (Prompts, Option<NearDuplicates>) {
        (Prompts { hashes: self.hashes }, self.near.finish(page))
    }

    /// Reads the prompts of a set and writes down what is wrong with them; none if they cannot be read at all.
    pub(super) fn read(
        &mut self,
        layers: &Layers<'_, '_>,
        found: Found,
        files: &dyn Files,
        targets: &[Target],
    ) -> Option<Gathered> {
        self.sets += 1;
        self.near.begin(&found);
        let (page, decoded) = (layers.set.page, layers.user_prompt_decoded);
        let products = products_of(targets, decoded);
        let (mut prompts, mut duplicates, mut empty_rows, mut longest) = (Vec::new(), 0, 0, 0);
        let (mut digest, mut samples, mut watch) = (blake3::Hasher::new(), Samples::default(), Watch::default());
        let kind = found.origin.kind();
        let mut complaints = Complaints { page, found: &found, list: Vec::new(), more: 0 };
        let mut any = false;
        let read = open::read(&found.origin, files, &mut |item| {
            match item {
                Item::EmptyCell => empty_rows += 1,
                Item::Bad { line, shown, what } => {
                    any = true;
                    complaints.add(line, &shown, what);
                }
                Item::Prompt { line, text } => {
                    let text = &*text;
                    any = true;
                    if let Some(wrong) = too_long(&products, decoded, text) {
                        complaints.add(line, text, wrong);
                    }
                    longest = longest.max(text.len());
                    samples.see(text);
                    watch.see(line, text, kind);
                    let hash = hash128(text.as_bytes());
                    digest.update(&hash);
                    let known = self.hashes.len();
                    let Some((index, is_new)) = self.see(hash) else {
                        complaints.add(line, text, Wrong::TooMany);
                        return ControlFlow::Break(());
                    };
                    if self.hashes.len() > known {
                        self.near.see(text, hash, line, &self.indices);
                    }
                    if is_new {
                        prompts.push(index);
                    } else {
                        duplicates += 1;
                    }
                }
            }
            ControlFlow::Continue(())
        });
        complaints.hand_in();
        let file = || found.origin.file().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        let problem = match &read {
            Ok(_) if any => None,
            Ok(_) => Some((found.span.clone(), Wrong::EmptyFile { file: file() })),
            Err(Unusable::Io(error)) => {
                let near = found.origin.file().and_then(|path| near(path, files));
                Some((found.span.clone(), Wrong::Unreadable { file: file(), reason: io_reason(error), near }))
            }
            Err(Unusable::Said(key, wrong)) => Some((found.said(key), wrong.clone())),
        };
        if let Some((span, wrong)) = problem {
            page.wrong(span, wrong);
            return None;
        }
        let until = u32::try_from(self.hashes.len()).unwrap_or(u32::MAX);
        let source = Source { origin: found.origin, until, digest: first_half(&digest) };
        let recognised = read.ok().flatten();
        Some(Gathered {
            prompts,
            duplicates,
            empty_rows,
            longest,
            samples,
            suspects: watch.finish(),
            recognised,
            source,
        })
    }

    /// The index of a prompt, and whether it is new to the set; none when there are too many.
    fn see(&mut self, hash: [u8; 16]) -> Option<(u32, bool)> {
        if let Some(index) = self.indices.get(&hash) {
            let last = std::mem::replace(&mut self.last_set[*index as usize], self.sets);
            return Some((*index, last != self.sets));
        }
        let index = u32::try_from(self.hashes.len()).ok().filter(|index| *index < u32::MAX)?;
        self.indices.insert(hash, index);
        self.hashes.push(hash);
        self.last_set.push(self.sets);
        Some((index, true))
    }
}

/// A file in the same folder that is nearly called like this one.
fn near(path: &Path, files: &dyn Files) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let mut names = files.beside(path);
    names.sort_unstable();
    let same = names.iter().find(|other| other.to_lowercase() == name.to_lowercase() && *other != name);
    same.map(String::as_str)
        .or_else(|| nearest(name, names.iter().map(String::as_str).filter(|other| *other != name)))
        .map(str::to_owned)
}

/// The offers that the targets buy, without those that are no stricter than another.
fn products_of(targets: &[Target], decoded: bool) -> Vec<&'static Product> {
    let mut products: Vec<&'static Product> = Vec::new();
    for product in targets.iter().map(Target::product) {
        let covered = |known: &&Product| {
            known.escapes(decoded) >= product.escapes(decoded) && known.max_prompt_chars <= product.max_prompt_chars
        };
        if !products.iter().any(covered) {
            products.push(product);
        }
    }
    products
}

fn too_long(products: &[&'static Product], decoded: bool, text: &str) -> Option<Wrong> {
    products.iter().find_map(|product| {
        // No character is shorter than a byte, nor longer than three on the wire.
        let chars = if text.len() * 3 <= product.max_prompt_chars { 0 } else { product.wire_chars(text, decoded) };
        let max = product.max_prompt_chars;
        let escaped = product.escapes(decoded);
        (chars > max).then_some(Wrong::TooLong { engine: product.engine, chars, max, escaped })
    })
}

/// What is wrong with the prompts of one set.
struct Complaints<'c, 't> {
    page: &'c Page<'t>,
    found: &'c Found,
    list: Vec<Problem>,
    more: usize,
}

impl Complaints<'_, '_> {
    fn add(&mut self, line: usize, shown: &str, what: Wrong) {
        if self.list.len() == MOST_PROBLEMS_OF_A_FILE {
            self.more += 1;
            return;
        }
        let at = match &self.found.origin {
            Origin::Inline(_) => self.page.place(self.found.item_spans[line - 1].clone()),
            Origin::File { path: file, .. } => {
                let shown = shown.chars().take(MOST_SHOWN).collect();
                Place { file: file.clone(), line, column: 1, what: Spot::Line(shown) }
            }
        };
        self.list.push(Problem::new(at, what));
    }

    fn hand_in(&mut self) {
        if let Some(last) = self.list.last_mut().filter(|_| self.more > 0) {
            last.help =
                format!("{}; {} more problems of these prompts are neither shown nor listed", last.help, self.more);
        }
        self.list.drain(..).for_each(|problem| self.page.add(problem));
    }
}

/// As much of a prompt as a message keeps.
const MOST_SHOWN: usize = 200;
