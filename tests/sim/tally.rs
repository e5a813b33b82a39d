//! What occurred in a campaign, as its end shows it.

use std::time::Duration;

use bursar::product::Route;
use bursar::sandbox::Fault;

use super::beside::BESIDE;
use super::books::Books;
use super::campaign::Campaign;

impl Campaign {
    pub(super) fn note_what_struck(&mut self) {
        let Self { world, weather, .. } = self;
        for (fault, times) in world.wire.sandbox.strikes() {
            let name = format!("{fault:?}");
            world.struck.add(name.split(' ').next().unwrap_or_default(), times);
        }
        let settings = &weather.settings;
        let beside = weather.jobs.iter().find(|job| job.name == BESIDE);
        if settings.switches.date_on_leaving {
            let held_up = world.wire.sandbox.strikes().filter(|(fault, _)| matches!(fault, Fault::AnswerLate { .. }));
            let times = held_up.map(|(_, times)| times).sum();
            world.struck.add("an answer is dated when it leaves", times);
        }
        for (kind, holds) in [
            ("tasks_ready is minutes late", settings.ready_lag > Duration::from_mins(1)),
            ("the list never shows what is unfinished", !settings.switches.list_unfinished),
            ("the list goes by completion", settings.switches.list_by_completion),
            ("the provider's own daily limit", settings.day_limit.is_some()),
            ("a balance to keep", weather.account.caps.keep_balance.is_some()),
            ("a stale balance to keep", weather.stale_balance && weather.account.caps.keep_balance.is_some()),
            ("models, asked by Standard", beside.is_some_and(|job| job.models && job.method == "standard")),
            ("models dearer than their advance", beside.is_some_and(|job| job.dear)),
            ("models, asked Live", beside.is_some_and(|job| job.models && job.method == "live")),
            ("pages, asked Live", beside.is_some_and(|job| !job.models && job.method == "live")),
            ("a job by a deadline", beside.is_some_and(|job| job.deadline.is_some())),
            ("through the gateway", weather.account.route == Route::Aisa),
            ("a day has ended", weather.began.date_naive() != weather.clears.date_naive()),
        ] {
            world.struck.add(kind, u64::from(holds));
        }
        if let Ok(books) = Books::read(&world.disk.reader) {
            let of = |wanted| {
                books.tasks.iter().filter(|((_, _, reason), _)| *reason == Some(wanted)).map(|(_, tasks)| tasks).sum()
            };
            let reasons = [
                (2, "task failed, paid for"),
                (3, "answer expired"),
                (4, "task dropped by an edit"),
                (5, "a Live answer lost"),
            ];
            for (reason, kind) in reasons {
                world.struck.add(kind, of(reason));
            }
        }
    }
}
