//! The shape of the code: data flows down the list of modules in `src/lib.rs`, and imports point up.
//!
//! The test reads text, not the compiler's data: a path is whatever follows `crate::`. If the code has a good reason
//! for an exception, the exception is listed here with its reason.

use std::fs;
use std::path::Path;

/// Past this, look for two ideas in a file.
const MOST_LINES: usize = 400;

/// Files that are longer all the same, tests not counted, each with its reason. There is none now.
const LONG_FILES: &[(&str, &str)] = &[];

/// Files with texts that look like a place on somebody's machine and are none.
const NO_REAL_PLACES: &[(&str, &str)] = &[("src/config.rs", "an invented home, to test where a config is looked for")];

struct Source {
    /// From the package's root, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The module directly under the root of the crate that it belongs to; none for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let module = inside.split('/').next()?.trim_end_matches(".rs");
        (module != "lib" && module != "main").then_some(module)
    }

    /// How many `super::` lead from it to the root of the crate.
    fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        inside.split('/').count()
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Lines of code: comments are left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Its lines without those of a test module in it.
    fn length_without_tests(&self) -> usize {
        let mut length = 0;
        let mut in_tests = false;
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            let opens = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with('{'));
            in_tests |= opens;
            length += usize::from(!in_tests);
            in_tests &= line != "}";
        }
        length
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }
}

/// Files below a folder of the package whose names end so, in order.
fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let place = root.join(&path);
        if place.is_dir() {
            for entry in fs::read_dir(&place).expect("a folder can be read") {
                let name = entry.expect("an entry can be read").file_name().into_string().expect("names are UTF-8");
                open.push(format!("{path}/{name}"));
            }
        } else if endings.iter().any(|ending| path.ends_with(ending)) {
            let bytes = fs::read(&place).expect("a file can be read");
            found.push(Source { path, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn sources() -> Vec<Source> {
    files("src", &[".rs"])
}

/// The modules in the order of `src/lib.rs`.
fn order() -> Vec<String> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs");
    let module = |line: &str| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    lib.lines().filter_map(module).collect()
}

/// The modules that stand behind each `crate::` of a text, with their lines; `use crate::{a, b::c}` names two.
fn named(source: &Source) -> Vec<(usize, String)> {
    const ROOT: &str = "crate::";
    let blank = |line: &str| line.trim_start().starts_with("//");
    let code: Vec<&str> = source.text.lines().map(|line| if blank(line) { "" } else { line }).collect();
    let code = code.join("\n");
    let mut named = Vec::new();
    for (at, _) in code.match_indices(ROOT) {
        let line = code[..at].matches('\n').count() + 1;
        for word in behind(&code[at + ROOT.len()..]) {
            named.push((line, word));
        }
    }
    named
}

/// The first words of a path: one, or those at the outer level of a group.
fn behind(path: &str) -> Vec<String> {
    let first = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![first(path)] };
    let (mut depth, mut begins, mut words) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                words.push(first(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    words
}

fn assert_none(wrong: &[String], why: &str) {
    assert!(wrong.is_empty(), "{why}:\n  {}", wrong.join("\n  "));
}

#[test]
fn a_group_of_names_counts_at_its_outer_level() {
    assert_eq!(behind("ledger::{Ledger, Lock};"), ["ledger"]);
    assert_eq!(behind("{clock::{Clock, Now}, ids, money::Money}; more"), ["clock", "ids", "money"]);
}

#[test]
fn every_module_stands_in_the_order_of_the_library() {
    let order = order();
    assert!(order.len() > 10, "src/lib.rs is read: {order:?}");
    let strange = sources().into_iter().filter_map(|source| {
        let module = source.module()?;
        (!order.iter().any(|known| known == module)).then(|| format!("{}: no `mod {module};`", source.path))
    });
    assert_none(&strange.collect::<Vec<_>>(), "src/lib.rs declares every module");
}

#[test]
fn a_module_uses_only_itself_and_those_above() {
    let order = order();
    let place = |module: &str| order.iter().position(|known| known == module);
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for source in sources() {
        let Some(own) = source.module().and_then(place) else { continue };
        for (line, name) in named(&source) {
            seen += 1;
            match place(&name) {
                Some(other) if other <= own => {}
                Some(_) => wrong.push(format!("{}:{line}: `{name}` is declared below", source.path)),
                None => wrong.push(format!("{}:{line}: `crate::{name}` is no module", source.path)),
            }
        }
    }
    assert!(seen > 100, "only {seen} paths were found: the reading is broken");
    assert_none(&wrong, "names point up");
}

#[test]
fn no_module_reaches_a_neighbour_through_its_parent() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module().is_some()) {
        // Modules inside a file, such as its tests, begin one level deeper and are indented.
        for (line, text) in source.code() {
            let steps = (1..9).take_while(|steps| text.contains(&"super::".repeat(*steps))).count();
            let depth = source.depth() + usize::from(text.starts_with("    "));
            if steps >= depth {
                wrong.push(format!("{}:{line}: {}", source.path, text.trim()));
            }
        }
    }
    assert_none(&wrong, "another module is named by `crate::`, so that it can be seen");
}

#[test]
fn provider_and_ledger_do_not_know_each_other() {
    let strangers = [("provider", "ledger"), ("ledger", "provider")];
    let mut wrong = Vec::new();
    for source in sources() {
        for (own, other) in strangers.iter().filter(|(own, _)| source.module() == Some(own)) {
            let lines = named(&source).into_iter().filter(|(_, name)| name == other);
            wrong.extend(lines.map(|(line, _)| format!("{}:{line}: {own} names {other}", source.path)));
        }
    }
    assert_none(&wrong, "they meet in the engine");
}

#[test]
fn only_the_ledger_knows_sqlite() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.path.starts_with("src/ledger/sqlite/")) {
        let lines = source.code().filter(|(_, text)| text.contains("rusqlite"));
        wrong.extend(lines.map(|(line, _)| format!("{}:{line}", source.path)));
    }
    assert_none(&wrong, "another ledger will come, so nobody else names this one's crate");
}

#[test]
fn parameters_and_columns_of_the_ledgers_queries_have_names() {
    let (mut wrong, mut named) = (Vec::new(), 0);
    for source in sources().iter().filter(|source| source.module() == Some("ledger")) {
        let tests = source.text.lines().position(|line| line == "mod tests {").map_or(usize::MAX, |at| at + 1);
        for (line, text) in source.code().filter(|(line, _)| *line < tests) {
            named += text.matches("named_params!").count();
            let numbered = |before: &str| {
                text.match_indices(before)
                    .any(|(at, _)| text[at + before.len()..].starts_with(|c: char| c.is_ascii_digit()))
            };
            // Only `columns::only` reads by a place: the one value of a query that asks for one.
            if numbered("?") || numbered("row.get(") && !source.path.ends_with("/columns.rs") {
                wrong.push(format!("{}:{line}: {}", source.path, text.trim()));
            }
        }
    }
    assert!(named > 100, "only {named} queries name their parameters: the reading is broken");
    assert_none(&wrong, "a parameter is `:name`, and a column is read by its name or by one typed function");
}

/// The files beside it that a file of a folder names by `super::`, its tests left out.
fn beside(source: &Source, folder: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for text in source.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines() {
        let Some((_, path)) = text.split_once("super::") else { continue };
        if !text.trim_start().starts_with("//") && !text.contains("super::super") {
            found.extend(behind(path).into_iter().filter(|name| folder.contains(name)));
        }
    }
    found
}

#[test]
fn no_files_of_the_ledger_name_each_other_in_a_circle() {
    let name = |source: &Source| source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    let mut files: Vec<Source> = sources().into_iter().filter(|source| source.module() == Some("ledger")).collect();
    files.retain(|source| name(source) != "mod");
    let names: Vec<String> = files.iter().map(name).collect();
    let mut open: Vec<(String, Vec<String>)> =
        files.iter().map(|source| (name(source), beside(source, &names))).collect();
    // What names nobody who is left cannot be in a circle.
    loop {
        let left: Vec<String> = open.iter().map(|(name, _)| name.clone()).collect();
        open.retain(|(own, named)| named.iter().any(|other| other != own && left.contains(other)));
        if open.len() == left.len() {
            break;
        }
    }
    let circle: Vec<String> = open.iter().map(|(name, named)| format!("{name} names {}", named.join(", "))).collect();
    assert_none(&circle, "a file uses those that it builds upon, and those do not use it");
}

#[test]
fn only_the_clock_reads_the_time() {
    const READS: [&str; 5] =
        ["disallowed_methods", "Utc::now", "Local::now", "SystemTime::now", "std::time::Instant::now"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module() != Some("clock")) {
        let lines = source.code().filter(|(_, text)| READS.iter().any(|read| text.contains(read)));
        wrong.extend(lines.map(|(line, text)| format!("{}:{line}: {}", source.path, text.trim())));
    }
    assert_none(&wrong, "time is handed in: ask `Clock`");
}

#[test]
fn entries_are_only_added_and_only_by_the_ledger() {
    let said = |text: &str, words: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        text.match_indices(words)
            .any(|(at, _)| !text[at + words.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    };
    let (mut wrong, mut adds) = (Vec::new(), 0);
    for source in sources() {
        if said(&source.text, "into entry") {
            adds += 1;
            if source.module() != Some("ledger") {
                wrong.push(format!("{}: adds an entry", source.path));
            }
        }
        let changes = ["update", "delete from", "replace into"];
        let of = |table| changes.iter().any(|change| said(&source.text, &format!("{change} {table}")));
        if of("entry") || of("unmatched_charge") || of("unmatched_reversal") {
            wrong.push(format!("{}: changes or removes entries", source.path));
        }
    }
    assert!(adds > 0, "nobody adds entries: the reading is broken");
    assert_none(&wrong, "money only gains rows, and only the ledger writes it");
}

#[test]
fn a_long_file_has_a_reason() {
    let sources = sources();
    let long = |source: &&Source| !source.is_test() && source.length_without_tests() > MOST_LINES;
    let excused = |path: &str| LONG_FILES.iter().any(|(excused, _)| *excused == path);
    let mut wrong: Vec<String> = Vec::new();
    for source in sources.iter().filter(long).filter(|source| !excused(&source.path)) {
        wrong.push(format!("{}: {} lines", source.path, source.length_without_tests()));
    }
    for (path, _) in LONG_FILES {
        if !sources.iter().filter(long).any(|source| source.path == *path) {
            wrong.push(format!("{path}: no longer long, take it off the list"));
        }
    }
    assert_none(&wrong, &format!("past {MOST_LINES} lines, look for two ideas in a file, or give the reason here"));
}

#[test]
fn a_lint_is_expected_with_a_reason() {
    let silenced = ["#[", "#!["].map(|opens| format!("{opens}allow("));
    let mut wrong = Vec::new();
    for source in sources().iter().chain(&files("tests", &[".rs"])).chain(&files("benches", &[".rs"])) {
        let lines = source.code().filter(|(_, text)| silenced.iter().any(|words| text.contains(words)));
        wrong.extend(lines.map(|(line, _)| format!("{}:{line}", source.path)));
    }
    assert_none(&wrong, "an expectation says when it is no longer needed: use #[expect(.., reason)]");
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    // Put together here, so that this file does not name them either.
    let places = ["home", "Users", "root", "work", "mnt"].map(|folder| format!("/{folder}/"));
    let begins_a_path = |text: &str, at: usize| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | '/' | '}'))
    };
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches", "docs", "jobs", ".ci", ".github"] {
        for source in files(folder, &[".rs", ".md", ".toml", ".py", ".sh", ".sql", ".yml", "/run", ".csv", ".txt"]) {
            for (line, text) in source.lines() {
                let excused = NO_REAL_PLACES.iter().any(|(file, _)| source.path == *file);
                let named = places.iter().flat_map(|place| text.match_indices(place.as_str()));
                if !excused && named.into_iter().any(|(at, _)| begins_a_path(text, at)) {
                    wrong.push(format!("{}:{line}: {}", source.path, text.trim()));
                }
            }
        }
    }
    assert_none(&wrong, "a path is relative, or found out where it is needed");
}
