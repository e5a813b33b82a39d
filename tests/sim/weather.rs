//! The weather of a campaign: what is asked, and which kinds of trouble occur, all drawn from its seed.

use std::time::Duration;

use bursar::config::AccountConfig;
use bursar::money::Money;
use bursar::sandbox::{Call, Fault, Faults, Rule, Settings, Spread};
use chrono::{DateTime, TimeDelta, Utc};

use super::asked::Asked;
use super::wire::Road;
use super::world::plain_account;

/// All that is drawn before a campaign begins.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub struct Weather {
    pub began: DateTime<Utc>,
    /// No trouble from the provider from then on.
    pub clears: DateTime<Utc>,
    pub settings: Settings,
    pub account: AccountConfig,
    pub road: Road,
    pub jobs: Vec<Asked>,
    pub skew: i64,
    pub price_rises: bool,
    /// What bursar must be able to rely on does not hold: the provider accepts after the quarantine, its list shows one task and hides another.
    pub broken: bool,
    pub habits: Habits,
    /// It knows the troubles of `later`.
    pub is_later: bool,
    /// The balance is shown late, and is to be kept all the same.
    pub stale_balance: bool,
}

/// Which troubles of the machine and of its people come over a campaign.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one kind of trouble, switched on by its own draw")]
pub struct Habits {
    pub crashes: bool,
    pub kills: bool,
    pub suspends: bool,
    pub jumps: bool,
    pub full: bool,
    pub io_errors: bool,
    pub old_copies: bool,
    pub lost_state: bool,
    pub edits: bool,
    pub caps_move: bool,
    pub second: bool,
    pub stops: bool,
}

/// Draws with names that read well.
pub struct Draw(pub fastrand::Rng);

impl Draw {
    pub fn by(&mut self, chance: f64) -> bool {
        self.0.f64() < chance
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())].clone()
    }

    pub fn span(&mut self, from_s: u64, to_s: u64) -> Duration {
        Duration::from_secs(self.0.u64(from_s..=to_s))
    }
}

pub fn asked(draw: &mut Draw, name: &'static str, most: usize) -> Asked {
    let mut asked = Asked {
        name,
        period: draw.pick(&["once", "once", "once", "day", "week"]),
        timezone: draw.pick(&["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"]),
        engines: draw.pick(&[vec!["chat_gpt"], vec!["chat_gpt"], vec!["gemini"], vec!["chat_gpt", "gemini"]]),
        priority: draw.pick(&["normal", "normal", "high"]),
        prompts: draw.0.usize(2..=12),
        markets: draw.0.usize(1..=3),
        repeats: draw.0.usize(1..=8),
        html: draw.by(0.2),
        run_cap: Money::ZERO,
        day_cap: None,
        month_cap: None,
        models: false,
        dear: false,
        method: "standard",
        deadline: None,
        drift: draw.pick(&[0, 0, 50, 100]),
        retry_paid_failures: draw.pick(&[0, 0, 1, 2]),
    };
    while asked.tasks() < 20 {
        asked.repeats += 2;
    }
    while asked.tasks() > most {
        asked.repeats = (asked.repeats - 1).max(1);
        asked.prompts = (asked.prompts - 1).max(2);
    }
    draw_caps(draw, &mut asked);
    asked
}

/// Draws the ceilings of a job anew.
pub fn draw_caps(draw: &mut Draw, asked: &mut Asked) {
    let cost = asked.cost().nanos();
    let mut part = |least: i64, most: i64| {
        let per_mille = draw.0.i64(least..=most);
        Money::from_nanos((cost / 1000 * per_mille).max(asked.price().nanos() * 4))
    };
    let (tight, ample, day, month) = (part(200, 1_000), part(1_000, 4_000), part(300, 1_500), part(600, 3_000));
    asked.run_cap = if draw.by(0.35) { tight } else { ample };
    asked.day_cap = draw.by(0.2).then_some(day);
    asked.month_cap = draw.by(0.1).then_some(month);
}

impl Weather {
    /// Draws a campaign.
    pub fn of(seed: u64) -> (Self, Draw) {
        let mut draw = Draw(fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xB0B5));
        let broken = seed % 16 == 15;
        let mut jobs = vec![asked(&mut draw, "first", 160)];
        if draw.by(0.25) {
            jobs.push(asked(&mut draw, "second", 60));
        }
        let began = began(&mut draw);
        let troubled = draw.pick(&[900, 3_600, 4 * 3_600, 30 * 3_600]);
        let clears = began + Duration::from_secs(troubled);
        let mut settings = Settings { seed, ..Settings::default() };
        let mut account = plain_account();
        let cost: i64 = jobs.iter().map(|job| job.cost().nanos()).sum();
        account.limits.calls_per_minute = draw.pick(&[60, 200, 1_000, 2_000]);
        account.limits.in_flight = draw.pick(&[1, 2, 5, 20]);
        settings.calls_per_minute = account.limits.calls_per_minute;
        if draw.by(0.15) {
            account.caps.day = Some(Money::from_nanos(draw.0.i64(cost / 3..=cost * 2).max(20_000_000)));
        }
        if draw.by(0.1) {
            account.caps.month = Some(Money::from_nanos(draw.0.i64(cost / 2..=cost * 3).max(20_000_000)));
        }
        let mut weather = Self {
            began,
            clears,
            settings,
            account,
            road: Road {
                slow: Duration::from_millis(draw.pick(&[0, 100, 190])),
                balance_withheld: 0.0,
                duplicates: 0.0,
                until: clears,
                gateway: false,
            },
            jobs,
            skew: 0,
            price_rises: false,
            broken,
            habits: Habits::default(),
            is_later: false,
            stale_balance: false,
        };
        weather.provider(&mut draw, cost);
        weather.faults(&mut draw, troubled);
        weather.habits(&mut draw);
        // By a draw of its own, so that what a seed meant before it still means.
        let mut apart = Draw(fastrand::Rng::with_seed(seed ^ 0xDA7E));
        weather.settings.switches.date_on_leaving = apart.by(0.4);
        weather.later(seed);
        (weather, draw)
    }

    /// How this provider is made.
    fn provider(&mut self, draw: &mut Draw, cost: i64) {
        let settings = &mut self.settings;
        if draw.by(0.2) {
            let slow = Spread { min: Duration::from_mins(20), max: Duration::from_hours(3) };
            (settings.turnaround_normal, settings.turnaround_high) = (slow, slow);
        }
        if draw.by(0.2) {
            settings.ready_lag = draw.span(300, 3_000);
        }
        if draw.by(0.2) {
            settings.advanced_for = draw.span(1_800, 12 * 3_600);
            settings.html_for = settings.advanced_for / 2;
        }
        if draw.by(0.15) {
            self.account.caps.keep_balance = Some(Money::from_nanos(draw.0.i64(0..=50_000_000)));
            settings.start_balance = Money::from_nanos(draw.0.i64(cost / 2..=cost * 4));
            self.road.balance_withheld = draw.pick(&[0.0, 0.5, 0.9]);
        } else if draw.by(0.1) {
            settings.start_balance = Money::from_nanos(draw.0.i64(cost / 3..=cost * 2));
        }
        if draw.by(0.1) {
            settings.day_limit = Some(Money::from_nanos(draw.0.i64(cost / 4..=cost).max(250_000_000)));
        }
        if draw.by(0.2) {
            settings.failures_per_mille = draw.0.u32(10..=200);
        }
        settings.payment_status = draw.pick(&[402, 200]);
        let switches = &mut settings.switches;
        switches.shuffle_rows = draw.by(0.2);
        switches.float_dust = draw.by(0.2);
        switches.count_errors = draw.by(0.8);
        switches.charge_failures = draw.by(0.8);
        switches.ready_hides_failures = draw.by(0.7);
        switches.any_form_collects = draw.by(0.8);
        switches.list_refused = draw.by(0.2);
        switches.list_unfinished = draw.by(0.85);
        switches.list_by_completion = draw.by(0.1);
        if draw.by(0.2) {
            self.skew = draw.0.i64(-600..=600);
        }
    }

    fn faults(&mut self, draw: &mut Draw, troubled: u64) {
        let mut rules = Vec::new();
        let minutes = |draw: &mut Draw, most: u64| draw.span(60, most * 60);
        if self.skew != 0 {
            rules.push(Rule::always(Fault::ClockSkew { seconds: self.skew }));
        }
        let status = draw.pick(&[500, 502, 503, 504]);
        let html = draw.by(0.5);
        let late = if self.broken { 180 } else { 12 };
        let rows = draw.0.usize(1..=20);
        let swarm: Vec<(Fault, Option<Call>)> = vec![
            (Fault::RefuseBefore, None),
            (Fault::DropBefore, Some(Call::TaskPost)),
            (Fault::DropBefore, None),
            (Fault::DropAfter, Some(Call::TaskPost)),
            (Fault::DropAfter, None),
            (Fault::AcceptLate { after: minutes(draw, late) }, Some(Call::TaskPost)),
            (Fault::AnswerLate { after: draw.span(1, 180) }, None),
            (Fault::ErrorBefore { status, html }, None),
            (Fault::ErrorAfter { status, html }, None),
            (Fault::Truncate, None),
            (Fault::MissingRows { rows }, Some(Call::TaskPost)),
            (Fault::Reorder, Some(Call::TaskPost)),
            (Fault::RepeatRows { rows }, Some(Call::TaskPost)),
            (Fault::Partial { tasks: draw.0.usize(0..=30) }, Some(Call::TaskPost)),
            (Fault::Throttle40202, None),
            (Fault::Throttle429 { after: draw.span(1, 90) }, None),
            (Fault::Payment40210, Some(Call::TaskPost)),
            (Fault::Task50000 { tasks: draw.0.usize(1..=30) }, Some(Call::TaskPost)),
            (Fault::Envelope50000, None),
            (Fault::Html200, None),
            (Fault::ReadyOmits { share: draw.pick(&[0.3, 1.0]) }, Some(Call::TasksReady)),
            (Fault::ReadyRepeats, Some(Call::TasksReady)),
            (Fault::ListLag { after: minutes(draw, 10) }, Some(Call::IdList)),
            (Fault::ListOutage, Some(Call::IdList)),
            (Fault::ListOmits { share: if self.broken { 0.5 } else { 1.0 } }, Some(Call::IdList)),
            (Fault::ListWithoutTags, Some(Call::IdList)),
            (
                Fault::PaidFailure { code: draw.pick(&[40_101, 40_102, 40_103]), at_post: draw.by(0.5) },
                Some(Call::TaskPost),
            ),
        ];
        for (fault, call) in swarm {
            if draw.by(0.28) {
                let share = draw.pick(&[0.03, 0.1, 0.3, 0.6]);
                let (from, until) = window(draw, troubled);
                rules.push(Rule { call, share: Some(share), from, until: Some(until), ..Rule::always(fault) });
            }
        }
        if draw.by(0.25) {
            let (from, until) = window(draw, troubled);
            let until = until.min(from + Duration::from_hours(3));
            let fault =
                draw.pick(&[Fault::RefuseBefore, Fault::DropBefore, Fault::ErrorBefore { status: 503, html: true }]);
            rules.push(Rule { call: None, from, until: Some(until), ..Rule::always(fault) });
        }
        if draw.by(0.12) {
            let usd = Money::from_nanos(draw.pick(&[600_000, 1_199_999, 1_200_001, 1_800_000, 5_000_000]));
            self.price_rises = usd.nanos() > 1_200_000;
            let nth = vec![draw.0.u64(1..=4)];
            rules.push(Rule { nth, ..Rule::always(Fault::PriceChange { usd, engine: None, priority: None }) });
        }
        if self.broken {
            self.road.duplicates = draw.pick(&[0.0, 0.4]);
            let rule = Rule::chance(Fault::ListHidesUnfinished, Call::IdList, 0.5);
            rules.extend(draw.by(0.5).then_some(rule));
        }
        self.settings.faults = Faults::from(rules);
    }

    fn habits(&mut self, draw: &mut Draw) {
        self.habits = Habits {
            crashes: draw.by(0.5),
            kills: draw.by(0.4),
            suspends: draw.by(0.3),
            jumps: draw.by(0.3),
            full: draw.by(0.2),
            io_errors: draw.by(0.3),
            old_copies: draw.by(0.2),
            lost_state: draw.by(0.1),
            edits: draw.by(0.3),
            caps_move: draw.by(0.3),
            second: draw.by(0.3),
            stops: draw.by(0.3),
        };
    }
}

/// A part of the troubled time.
pub fn window(draw: &mut Draw, troubled: u64) -> (Duration, Duration) {
    let from = if draw.by(0.5) { 0 } else { draw.0.u64(0..troubled * 3 / 4) };
    (Duration::from_secs(from), Duration::from_secs(draw.0.u64(from + 1..=troubled)))
}

/// Some campaigns begin minutes before the end of a day, of a month or of summer time.
fn began(draw: &mut Draw) -> DateTime<Utc> {
    let at: DateTime<Utc> = draw
        .pick(&[
            "2026-11-22T12:00:00Z",
            "2026-11-22T07:31:00Z",
            "2026-11-22T23:40:00Z",
            "2026-11-30T23:50:00Z",
            "2026-12-31T22:50:00Z",
            "2026-10-25T00:30:00Z",
            "2027-02-28T23:55:00Z",
        ])
        .parse()
        .unwrap();
    at + TimeDelta::seconds(draw.0.i64(0..1_000))
}
