//! The shape of the code: data flows down the list of modules in `src/lib.rs`, and imports point up.
//!
//! The test reads text, not the compiler's data: a path is whatever follows `crate::`. If the code has a good reason
//! for an exception, the exception is listed here with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Past this, look for two ideas in a file.
const MOST_LINES: usize = 400;

/// Files that are longer all the same, tests not counted, each with its reason. There is none now.
const LONG_FILES: &[(&str, &str)] = &[];

/// Folders whose files still name each other in a circle; it is to become empty.
const STILL_CIRCLES: &[&str] = &["engine/"];

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
            // A tuple is bound by its order, whatever the statement calls its parameters; a plan alone has too many rows for names.
            let calls = [".execute((", ".query((", ".query_row((", ".query_map(("];
            let by_order = calls.iter().any(|call| text.contains(call)) && !text.contains("insert.execute((self.run,");
            if numbered("?") || by_order || numbered("row.get(") && !source.path.ends_with("/columns.rs") {
                wrong.push(format!("{}:{line}: {}", source.path, text.trim()));
            }
        }
    }
    assert!(named > 100, "only {named} queries name their parameters: the reading is broken");
    assert_none(&wrong, "a parameter is `:name`, and a column is read by its name or by one typed function");
}

/// The module that a file is, from the root of its crate: `src/ledger/sqlite/mod.rs` is `ledger`, `sqlite`.
fn modules_of(source: &Source) -> Vec<String> {
    let inside = source.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inside.split('/').map(str::to_owned).collect()
}

/// The modules that a file names, each from the root; a test module in it left out.
fn paths(source: &Source, own: &[String]) -> Vec<Vec<String>> {
    let text = source.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for word in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(word) {
            if code[..at].ends_with("::") || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let mut rest = &code[at..];
            let mut base = if word == "crate::" { Vec::new() } else { own.to_vec() };
            while let Some(up) = rest.strip_prefix("super::") {
                base.pop();
                rest = up;
            }
            rest = rest.trim_start_matches("crate::").trim_start_matches("self::");
            while let Some((segment, below)) = rest.split_once("::")
                && segment.chars().all(|c| c.is_alphanumeric() || c == '_')
            {
                base.push(segment.to_owned());
                rest = below;
            }
            found.extend(behind(rest).into_iter().map(|last| [&base[..], &[last]].concat()));
        }
    }
    found
}

/// Of files that name each other, by their places from the root: the modules beside each other in one folder that go round
/// in a circle, and whom of it each names.
fn circles(files: &[(Vec<String>, Vec<Vec<String>>)]) -> Vec<String> {
    let mut beside: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (own, named) in files {
        for path in named {
            let Some(at) = own.iter().zip(path).position(|(own, other)| own != other).filter(|at| *at > 0) else {
                continue;
            };
            // An item of the folder's own file is none of its modules.
            if files.iter().any(|(other, _)| other.len() > at && other[..=at] == path[..=at]) {
                beside.entry(&own[..at]).or_default().entry(&own[at]).or_default().insert(&path[at]);
            }
        }
    }
    let mut found = Vec::new();
    for (folder, of) in beside {
        for (name, named) in &of {
            let back: Vec<&str> = named.iter().copied().filter(|other| leads(&of, other, name)).collect();
            if !back.is_empty() {
                found.push(format!("{}/{name} names {}", folder.join("/"), back.join(", ")));
            }
        }
    }
    found
}

/// Whether a module names another, itself or by those that it names.
fn leads(of: &BTreeMap<&str, BTreeSet<&str>>, from: &str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            open.extend(of.get(name).into_iter().flatten());
        }
    }
    false
}

#[test]
fn a_circle_in_a_folder_is_found() {
    let module = |own: &str, named: &[&str]| {
        let split = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
        (split(own), named.iter().map(|path| split(path)).collect())
    };
    let story = [
        module("a::one", &["a::two::Thing", "a::Own"]),
        module("a::two::deep", &["a::three::f"]),
        module("a::three", &["a::one::g"]),
        module("a::four", &["a::one::g"]),
        module("a::five", &["b::Other"]),
    ];
    let found = circles(&story);
    assert_eq!(found, ["a/one names two", "a/three names one", "a/two names three"]);
    assert_eq!(circles(&story[..2]), Vec::<String>::new());
}

#[test]
fn no_files_of_a_folder_go_round_in_a_circle() {
    let files: Vec<_> = ["src", "benches"].iter().flat_map(|folder| files(folder, &[".rs"])).collect();
    let named = files.iter().filter(|source| !source.is_test() && !source.path.ends_with("/tests.rs")).map(|source| {
        let own = modules_of(source);
        let paths = paths(source, &own);
        (own, paths)
    });
    let named: Vec<_> = named.collect();
    assert!(named.iter().map(|(_, paths)| paths.len()).sum::<usize>() > 1_000, "the reading is broken");
    let mut found = circles(&named);
    found.retain(|circle| !STILL_CIRCLES.iter().any(|folder| circle.starts_with(folder)));
    assert_none(&found, "a file uses those that it builds upon, and those do not use it");
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
