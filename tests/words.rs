//! The words of the project: one for each thing, the field's own if it has one. `docs/glossary.md` explains them; a
//! test keeps retired words out.

use std::fs;
use std::path::Path;

/// Words that are not used any more, and what stands for them.
const RETIRED: &[(&str, &str)] = &[
    ("vendor", "provider"),
    ("sweep", "scan"),
    ("swept", "scanned"),
    ("witness", "control row"),
    ("tagproof", "visibility proof"),
    ("tagproven", "visibility proven"),
    ("extracharge", "unmatched charge"),
    ("zombie", "late purchase"),
    ("adopt", "recover"),
    ("desk", "executor"),
    ("ware", "price class"),
    ("wares", "price classes"),
    ("lane", "endpoint queue"),
    ("lanes", "endpoint queues"),
    ("funded", "allocated"),
    ("haste", "deadline choice"),
    ("hurry", "expedite"),
    ("twin", "duplicate"),
    ("twins", "duplicates"),
];

/// Names that are promised outside: keys of a config, a column of an export, a key of an audit, constraints in the ledgers there are.
const PROMISED: &[&str] = &[
    "vendor_id",
    "sweep_every",
    "sweep_gap",
    "extra_charges",
    "an_extra_charge_is_booked_once",
    "extra_charges_are_never_negative",
];

/// Files that may use them: what earlier versions wrote, what is sent as a prompt, what other words mean, and this list.
const EXCUSED: &[&str] = &[
    "src/ledger/sqlite/upgrade_",
    "src/ledger/upgrade_",
    "src/market/",
    "src/sandbox/article.rs",
    "tests/fixtures/",
    "tests/fuzz/corpus/",
    "tests/words.rs",
    "tests/rules/line_ends.rs",
    "docs/glossary.md",
];

/// The words of a text: names are taken apart at `_` and where a capital begins, and each two neighbours of a name count as
/// one word too.
fn words(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.lines().enumerate().flat_map(|(at, line)| {
        let names =
            line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| !PROMISED.contains(name));
        names.flat_map(parts).map(move |word| (at + 1, word)).collect::<Vec<_>>()
    })
}

fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in name.split('_').filter(|piece| !piece.is_empty()) {
        let shouts = !piece.contains(|c: char| c.is_ascii_lowercase());
        let begins = |(at, c): (usize, char)| (at == 0 || (c.is_ascii_uppercase() && !shouts)).then_some(at);
        let starts: Vec<usize> = piece.char_indices().filter_map(begins).collect();
        let ends = starts.iter().skip(1).copied().chain([piece.len()]);
        parts.extend(starts.iter().zip(ends).map(|(start, end)| piece[*start..end].to_lowercase()));
    }
    let pairs: Vec<String> = parts.windows(2).map(<[String]>::concat).collect();
    parts.extend(pairs);
    parts
}

fn retired(text: &str) -> Vec<String> {
    let of = |word: &str| RETIRED.iter().find(|(old, _)| *old == word || (old.len() > 5 && word.starts_with(old)));
    let found =
        words(text).filter_map(|(line, word)| of(&word).map(|(old, new)| format!("{line}: `{old}` is `{new}`")));
    found.collect()
}

#[test]
fn a_name_is_taken_apart_into_its_words() {
    assert_eq!(parts("begin_sweep"), ["begin", "sweep", "beginsweep"]);
    assert_eq!(parts("TagProof"), ["tag", "proof", "tagproof"]);
    assert_eq!(parts("MAX_WARES"), ["max", "wares", "maxwares"]);
    assert_eq!(
        retired("let vendors = 1;\n// the witnesses, unaware of `vendor_id`"),
        ["1: `vendor` is `provider`", "2: `witness` is `control row`"]
    );
}

#[test]
fn no_retired_word_stands_in_the_project() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut open: Vec<String> =
        ["src", "tests", "benches", "docs", "README.md", "schema.sql", ".ci", "justfile", "SECURITY.md"]
            .map(str::to_owned)
            .into();
    let mut read = 0;
    while let Some(path) = open.pop() {
        let place = root.join(&path);
        if EXCUSED.iter().any(|excused| path.starts_with(excused)) {
            continue;
        }
        wrong.extend(retired(&path.replace(['/', '.'], " ")).into_iter().map(|what| format!("{path}: {what}")));
        if place.is_dir() {
            open.extend(
                fs::read_dir(&place).unwrap().map(|entry| format!("{path}/{}", entry.unwrap().file_name().display())),
            );
        } else if let Ok(text) = fs::read_to_string(&place) {
            read += 1;
            wrong.extend(retired(&text).into_iter().map(|what| format!("{path}:{what}")));
        }
    }
    assert!(read > 300, "{read} files were read");
    assert!(wrong.is_empty(), "docs/glossary.md has the words:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_path_and_link_in_the_docs_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "docs/", "scripts/", "findings/", "jobs/"];
    let mut wrong = Vec::new();
    for folder in ["", "docs", "docs/decisions"] {
        let here = root.join(folder);
        let pages = fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().path());
        for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
            let text = fs::read_to_string(&page).unwrap();
            let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let links = links.filter(|link| !link.contains("://"));
            let linked = links.map(|link| link.split('#').next().unwrap_or(link)).map(|link| (link, here.join(link)));
            let code = text.split('`').skip(1).step_by(2);
            let named = code.filter(|name| {
                folders.iter().any(|folder| name.starts_with(folder)) && !name.contains(char::is_whitespace)
            });
            let all = linked.chain(named.map(|name| (name, root.join(name))));
            let missing = all.filter(|(_, place)| !place.exists());
            wrong.extend(missing.map(|(name, _)| format!("{}: {name}", page.display())));
        }
    }
    assert!(wrong.is_empty(), "a page names what is not there:\n  {}", wrong.join("\n  "));
}
