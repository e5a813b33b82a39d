//! Bars on a terminal of any width, which may change while they are drawn.
//!
//! A terminal that is made narrower wraps what stands there. The rows that this adds are cleared before anything is drawn
//! anew.

use std::cell::Cell;
use std::io::{self, Write as _};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Narrower than this there is no room for the bars themselves.
const WITH_BARS: u16 = 45;
/// What stands before a line's text: its name, and a bar of 16 with its blank.
const NAME: usize = 6;
const BAR: usize = 17;
const LINES: u32 = 4;

fn width(term: &Term) -> u16 {
    term.size().1.max(1)
}

/// What the bars say, in parts that are left out from the end where there is no room for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Says {
    pub(super) tasks: Vec<String>,
    pub(super) money: Vec<String>,
    pub(super) time: Vec<String>,
    pub(super) session: Vec<String>,
}

pub(super) struct Bars {
    multi: MultiProgress,
    tasks: ProgressBar,
    money: ProgressBar,
    time: ProgressBar,
    session: ProgressBar,
    term: Term,
    /// How wide they were drawn.
    drawn: Cell<u16>,
}

impl Bars {
    pub(super) fn new(tasks: u64, money: u64) -> Self {
        let term = Term::stderr();
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        let add = |length| multi.add(ProgressBar::new(length));
        let bars = Self {
            tasks: add(tasks),
            money: add(money),
            time: add(0),
            session: add(0),
            drawn: Cell::new(0),
            term,
            multi,
        };
        bars.fit();
        bars
    }

    /// Shows how things stand.
    pub(super) fn show(&self, tasks: u64, money: u64, says: &Says) {
        self.fit();
        let width = width(&self.term);
        let texts = fitted(width, says);
        let [of_tasks, of_money, of_time, of_session] = texts;
        self.tasks.set_position(tasks);
        self.money.set_position(money);
        self.tasks.set_message(of_tasks);
        self.money.set_message(of_money);
        self.time.set_message(of_time);
        self.session.set_message(of_session);
    }

    /// A line above the bars.
    pub(super) fn above(&self, say: impl FnOnce()) {
        self.fit();
        self.multi.suspend(say);
    }

    pub(super) fn clear(&self) {
        self.fit();
        for bar in [&self.tasks, &self.money, &self.time, &self.session] {
            bar.finish_and_clear();
        }
    }

    /// Draws for the width that the terminal has now.
    fn fit(&self) {
        let width = width(&self.term);
        let drawn = self.drawn.replace(width);
        if width == drawn {
            return;
        }
        if width < drawn {
            let extra = added_rows(drawn, width);
            // Where the terminal cannot be written to, there is nobody to see it.
            self.multi.suspend(|| drop(write!(io::stderr(), "\r\u{1b}[{extra}A\u{1b}[J")));
        }
        let bar = if width < WITH_BARS { "" } else { "{bar:16} " };
        let style = |template: &str| {
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            style.progress_chars("=> ")
        };
        self.tasks.set_style(style(&format!("tasks {bar}{{msg}}")));
        self.money.set_style(style(&format!("money {bar}{{msg}}")));
        self.time.set_style(style("time  {msg}"));
        self.session.set_style(style("{msg}"));
    }
}

/// Rows that are added where what was drawn is wrapped to a narrower terminal. Each line is filled up to the width, so that
/// a terminal takes them for one.
fn added_rows(drawn: u16, width: u16) -> u32 {
    (LINES * u32::from(drawn)).div_ceil(u32::from(width)) - LINES
}

/// The texts of the lines at this width, the last column left free.
fn fitted(width: u16, says: &Says) -> [String; 4] {
    let has_bars = width >= WITH_BARS;
    let room = usize::from(width) - 1;
    let of_bars = room.saturating_sub(if has_bars { NAME + BAR } else { NAME });
    let label = if has_bars { "this session: " } else { "" };
    let session = joined(&says.session, room.saturating_sub(label.len()));
    [
        joined(&says.tasks, of_bars),
        joined(&says.money, of_bars),
        joined(&says.time, room.saturating_sub(NAME)),
        format!("{label}{session}"),
    ]
}

/// As many of the parts as fit, the first at least as far as it does.
fn joined(parts: &[String], room: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let comma = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + comma.len() + part.chars().count() > room {
            break;
        }
        text = text + comma + part;
    }
    if text.is_empty() {
        parts.first().map_or_else(String::new, |first| first.chars().take(room).collect())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says() -> Says {
        let parts = |parts: &[&str]| parts.iter().map(|&part| part.to_owned()).collect();
        Says {
            tasks: parts(&["12,500/208,333"]),
            money: parts(&["$15.00 of $250.00"]),
            time: parts(&["3m 20s", "about 2 days 5h left", "9,000 answers/min"]),
            session: parts(&["2 failed", "12,500 answered", "300 waiting", "12,800 bought"]),
        }
    }

    #[test]
    fn sixty_columns_hold_all_that_bars_say() {
        let expected = [
            "12,500/208,333",
            "$15.00 of $250.00",
            "3m 20s, about 2 days 5h left, 9,000 answers/min",
            "this session: 2 failed, 12,500 answered, 300 waiting",
        ];
        assert_eq!(fitted(60, &says()), expected);
    }

    #[test]
    fn thirty_columns_hold_what_matters_most() {
        let expected = ["12,500/208,333", "$15.00 of $250.00", "3m 20s", "2 failed, 12,500 answered"];
        assert_eq!(fitted(30, &says()), expected);
        assert_eq!(fitted(3, &says()), ["", "", "", "2 "]);
    }

    #[test]
    fn rows_that_wrapping_adds_are_counted() {
        let added = [(110, 60), (60, 30), (110, 30), (60, 59)].map(|(drawn, width)| added_rows(drawn, width));
        assert_eq!(added, [4, 4, 11, 1]);
    }
}
