//! Problems as pictures, the way rustc draws them.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::printable::{printable, printable_source};
use super::{Problem, Spot, alike};

/// How much of a line is shown behind the place that is meant.
const SHOWN_CHARS: usize = 120;

pub(super) fn render(path: &Path, text: &str, problems: &[Problem], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let picture = |shown: &alike::Shown<'_>| {
        let picture = picture(&renderer, path, text, shown.problem);
        shown.words().map_or_else(|| picture.clone(), |words| format!("{picture}\n\n{words}"))
    };
    let pictures: Vec<String> = alike::shown(problems).iter().map(picture).collect();
    if pictures.is_empty() { String::new() } else { pictures.join("\n\n") + "\n" }
}

fn picture(renderer: &Renderer, path: &Path, text: &str, problem: &Problem) -> String {
    let (before, meant, after) = match &problem.at.what {
        Spot::Line(line) => ("", line.as_str(), ""),
        Spot::Bytes(_) if problem.at.file != path => ("", "", ""),
        Spot::Bytes(span) => around(text, span.start, span.end),
    };
    let cut = |part: &str| printable_source(&part.chars().take(SHOWN_CHARS).collect::<String>());
    let (before, mut shown, after) = (printable_source(before), cut(meant), cut(after));
    if meant.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    let span = before.len()..before.len() + shown.len();
    let snippet = Snippet::source(before + &shown + &after)
        .line_start(problem.at.line)
        .path(printable(&problem.at.file.to_string_lossy()))
        .annotation(AnnotationKind::Primary.span(span));
    let title = Level::ERROR.primary_title(printable(&problem.what.to_string()));
    renderer.render(&[title.element(snippet).element(Level::HELP.message(printable(&problem.help)))])
}

/// The line that `start` is on, in three: before the span, in it (as far as it is on the line), behind it.
fn around(text: &str, start: usize, end: usize) -> (&str, &str, &str) {
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let line_end = if text[start..line_end].ends_with('\r') { line_end - 1 } else { line_end };
    let end = end.clamp(start, line_end);
    (&text[line_start..start], &text[start..end], &text[end..line_end])
}
