//! What some of the campaigns buy beside the pages of the first jobs: models, Live, by a deadline; and through the
//! gateway. It is drawn separately, so that a campaign of pages alone stays what its seed has always meant.

use std::time::Duration;

use bursar::money::Money;
use bursar::product::Route;
use bursar::sandbox::{Call, Fault, Rule, Spread};

use super::asked::Asked;
use super::weather::{Draw, Weather, asked, draw_caps, window};

/// The name of the job beside the others.
pub const BESIDE: &str = "beside";

impl Weather {
    /// Draws what there is beside the pages.
    pub fn beside(&mut self, seed: u64) {
        let draw = &mut Draw(fastrand::Rng::with_seed(seed ^ 0x0011_51DE));
        if draw.by(0.5) {
            return;
        }
        // By a draw of its own, so that what a seed meant before it still means.
        let dear = Draw(fastrand::Rng::with_seed(seed ^ 0x00DE_A251)).by(0.4);
        let job = job(draw, dear);
        let troubled = (self.clears - self.began).to_std().unwrap_or_default().as_secs();
        self.provider_of_models(draw, &job);
        self.faults_beside(draw, &job, troubled);
        self.jobs.push(job);
        if !self.broken && draw.by(0.15) {
            self.through_the_gateway(draw);
        }
        let decodes = draw.by(0.4);
        self.settings.switches.decode_user_prompt = decodes;
        self.account.user_prompt_decoded = decodes;
    }

    /// How this provider's models and their money behave.
    fn provider_of_models(&mut self, draw: &mut Draw, job: &Asked) {
        if !job.models {
            return;
        }
        // Whatever the price is that changes, it is above a model's fee.
        self.price_rises |=
            self.settings.faults.rules.iter().any(|rule| matches!(rule.fault, Fault::PriceChange { .. }));
        let settings = &mut self.settings;
        if draw.by(0.3) {
            settings.turnaround_responses = Spread { min: Duration::from_mins(10), max: Duration::from_hours(30) };
        }
        let switches = &mut settings.switches;
        switches.post_shows_advance = draw.by(0.7);
        switches.list_settled_cost = draw.by(0.4);
        switches.keep_expired_fee = draw.by(0.7);
        switches.refund_failed = draw.by(0.4);
        switches.timeout_shows_cost = draw.by(0.4);
    }

    fn faults_beside(&mut self, draw: &mut Draw, job: &Asked, troubled: u64) {
        let buys = if job.method == "live" { Call::Live } else { Call::TaskPost };
        let rules = &mut self.settings.faults.rules;
        let swarm = [
            (Fault::DropAfter, Call::Live),
            (Fault::LiveLost, Call::Live),
            (Fault::LiveTimeout { charged: draw.by(0.5) }, Call::Live),
            (Fault::Payment40210, Call::Live),
            (Fault::NegativeBalance, Call::TaskGet),
            (Fault::SettleLate { after: draw.span(60, 7_200) }, Call::TaskPost),
            (Fault::NeverDone, Call::TaskPost),
        ];
        for (fault, call) in swarm {
            if draw.by(0.3) {
                let share = draw.pick(&[0.03, 0.1, 0.3]);
                let (from, until) = window(draw, troubled);
                rules.push(Rule { from, until: Some(until), ..Rule::chance(fault, call, share) });
            }
        }
        if job.models && draw.by(0.15) {
            let usd = Money::from_nanos(draw.pick(&[9_000_000, 15_000_000, 90_000_000]));
            rules.push(Rule::nth(Fault::Overrun { usd }, buys, draw.0.u64(1..=6)));
            self.price_rises = true;
        }
    }

    /// The same provider behind a gateway that shows no list of what was bought.
    fn through_the_gateway(&mut self, draw: &mut Draw) {
        self.account.route = Route::Aisa;
        self.road.gateway = true;
        let limits = &mut self.account.limits;
        (limits.calls_per_minute, limits.in_flight, limits.live_in_flight) = (60, 5, 5);
        self.settings.gateway.also =
            draw.pick(&[vec![], vec![Call::TaskGet], vec![Call::TaskGet, Call::TasksReady]]).into_iter().collect();
        // The gateway dates what it refuses by a clock of its own: here both are right.
        self.skew = 0;
        self.settings.faults.rules.retain(|rule| !matches!(rule.fault, Fault::ClockSkew { .. }));
        // What an older copy forgot only a person could say.
        self.habits.old_copies = false;
        self.habits.lost_state = false;
        self.account.caps.keep_balance = None;
    }
}

fn job(draw: &mut Draw, dear: bool) -> Asked {
    let (models, method, is_hasty) = draw.pick(&[
        (true, "standard", false),
        (true, "standard", false),
        (true, "live", false),
        (false, "live", false),
        (false, "standard", true),
    ]);
    let drawn = asked(draw, BESIDE, 40);
    let engines = match (models, method) {
        (true, "live") => draw.pick(&[vec!["perplexity", "claude"], vec!["chat_gpt"], vec!["gemini", "chat_gpt"]]),
        (true, _) => draw.pick(&[vec!["claude"], vec!["chat_gpt", "gemini"], vec!["chat_gpt"]]),
        (false, _) => drawn.engines.clone(),
    };
    let mut job = Asked {
        engines,
        models,
        dear: dear && models && method == "standard",
        method,
        deadline: is_hasty.then(|| draw.pick(&["2m", "20m", "2h", "8h"])),
        priority: if is_hasty { "auto" } else { "normal" },
        markets: if models { 1 } else { drawn.markets },
        html: false,
        ..drawn
    };
    draw_caps(draw, &mut job);
    job
}
