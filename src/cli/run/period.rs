//! The period for which a job is run: the one in which both this machine's clock and the provider's lie.
//!
//! The provider's clock is read before a run is opened, because opening one closes the runs of earlier periods for
//! good. A job that is asked once has no borders that a clock could be on the wrong side of.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Start;
use crate::cli::locate::Located;
use crate::cli::mistake;
use crate::cli::progress::Teller;
use crate::engine::{self, ClockSeen, End, StopWord, Terms};
use crate::event::{Event, EventKind, Watch};
use crate::ledger::{Ledger, Lookups, Reports};
use crate::period::{self, Agreement, Apart, Period, PeriodKind, shown};
use crate::provider::http::Http;

/// The clocks are read again so often at a border, each time after the wait that the border asks for.
const MOST_WAITS: u32 = 5;

/// What the first answers of a session showed.
pub(super) struct Handshake {
    clock: ClockSeen,
    /// How the calls for it ended.
    pub(super) end: End,
}

impl Handshake {
    /// The provider was not reached, refuses the account, or a stop came first: no call after it would fare better.
    pub(super) fn is_the_end(&self) -> bool {
        !self.end.undated && (self.end.refused.is_some() || self.end.stopped)
    }
}

/// What is meant by a job at a moment.
pub(super) enum Meant {
    /// Its run of this period.
    Run(Period),
    /// No run: nothing is bought of it in this session.
    NoRun(NoRun),
}

/// Why no run of a job is opened or taken up.
pub(super) struct NoRun {
    pub(super) why: String,
    /// The periods whose runs may be there already, the likeliest first.
    pub(super) periods: Vec<String>,
    /// The session ended before the provider had answered.
    pub(super) stopped: bool,
    facts: Value,
}

impl NoRun {
    fn of(apart: &Apart) -> Self {
        Self {
            why: apart.to_string(),
            periods: vec![apart.provider_period.clone(), apart.machine_period.clone()],
            stopped: false,
            facts: json!({ "machine_at": apart.machine, "machine_period": apart.machine_period,
                           "provider_at": apart.provider, "provider_period": apart.provider_period }),
        }
    }

    /// As facts, beside its job.
    pub(super) fn facts(&self, job: &str) -> Value {
        let mut facts = self.facts.clone();
        if let Value::Object(facts) = &mut facts {
            facts.insert("job".to_owned(), job.into());
            facts.insert("why".to_owned(), self.why.clone().into());
        }
        facts
    }
}

/// True where the period of a job is a matter of clocks.
pub(super) fn has_borders(located: &Located) -> bool {
    located.job.period != PeriodKind::Once
}

impl Start<'_> {
    /// Calls until the provider's clock is known, or it is clear that it will not be.
    pub(super) async fn handshake(
        &self,
        ledger: &mut Ledger,
        terms: Terms,
        http: Arc<Http>,
        teller: &mut Teller,
    ) -> anyhow::Result<Handshake> {
        let mut filter = Filter { teller, halted: None };
        let (clock, end) = engine::handshake(terms, http, ledger, self.clock, self.stop.clone(), &mut filter).await?;
        let Filter { teller, halted } = filter;
        let handshake = Handshake { clock, end };
        if let Some(event) = halted.filter(|_| handshake.is_the_end()) {
            teller.see(&event);
        }
        Ok(handshake)
    }

    /// The period that is meant, by this machine's clock.
    pub(super) fn period(&self, ledger: &Ledger, located: &Located) -> anyhow::Result<Period> {
        let job = &located.job;
        let current = ledger.period_at(&job.name, job.period, job.timezone, self.clock.now().wall)?;
        let Some(id) = &self.args.period else { return Ok(current) };
        let named = match period::parse(job.period, job.timezone, id) {
            Ok(period) => period,
            Err(error) => return mistake(format!("--period: {error}")),
        };
        if named.id == current.id {
            return Ok(current);
        }
        if ledger.find_run(&job.name, Some(id))?.is_some() {
            return Ok(named);
        }
        let why = if named.from > current.from {
            "it has not begun"
        } else {
            "it is over, and a run of it never began: today's answer is not that day's"
        };
        mistake(format!("job `{}` cannot be run for {id}: {why}; the current period is {}", job.name, current.id))
    }

    /// The period that is meant, where both clocks agree on it. A run that is there and named goes on once its period has
    /// begun by both. Seconds of skew at a border are waited for.
    pub(super) async fn agreed(
        &self,
        ledger: &Ledger,
        located: &Located,
        handshake: &Handshake,
    ) -> anyhow::Result<Meant> {
        let job = &located.job;
        let mut waits = 0;
        loop {
            let named = self.period(ledger, located)?;
            let now = self.clock.now();
            let Some(provider) = handshake.clock.shows(now) else {
                return Ok(Meant::NoRun(unheard(named.id, handshake, now.wall)));
            };
            let period_at = |at| ledger.period_at(&job.name, job.period, job.timezone, at);
            let (current, by_provider) = (period_at(now.wall)?, period_at(provider)?);
            if named.id != current.id {
                if named.from <= now.wall.min(provider) {
                    return Ok(Meant::Run(named));
                }
                let apart =
                    Apart { machine: now.wall, machine_period: current.id, provider, provider_period: by_provider.id };
                let why = format!("period {} has not begun by both clocks: {apart}", named.id);
                return Ok(Meant::NoRun(NoRun { why, periods: vec![named.id], ..NoRun::of(&apart) }));
            }
            match period::agreed((now.wall, current), (provider, by_provider)) {
                Agreement::In(period) => return Ok(Meant::Run(period)),
                Agreement::Apart(apart) => return Ok(Meant::NoRun(NoRun::of(&apart))),
                Agreement::Soon(wait) => {
                    self.out.note(&format!(
                        "{}: this machine's clock says {}, the provider's says {}, and a period ends between them: waiting \
                         {}s until both have passed its end",
                        job.name,
                        shown(now.wall),
                        shown(provider),
                        wait.as_secs() + 1
                    ));
                    let mut stop = self.stop.clone();
                    waits += 1;
                    tokio::select! {
                        _ = stop.wait_for(|word| *word > StopWord::None) => waits = MOST_WAITS,
                        () = tokio::time::sleep(wait) => {}
                    }
                    if waits >= MOST_WAITS {
                        let why = format!("{}: no period was agreed on before this session was to end", job.name);
                        return Ok(Meant::NoRun(NoRun {
                            why,
                            periods: vec![named.id],
                            stopped: false,
                            facts: json!({}),
                        }));
                    }
                }
            }
        }
    }
}

/// No answer told the time, or none came.
fn unheard(period: String, handshake: &Handshake, machine: DateTime<Utc>) -> NoRun {
    let why = match &handshake.end.refused {
        Some(why) => why.clone(),
        None if handshake.end.stopped => match &handshake.end.no_answer {
            Some((_, why)) => {
                format!("stopped before the provider had answered ({why}); run the same command to continue")
            }
            None => "stopped before the provider had answered".to_owned(),
        },
        None => format!(
            "the answers of this route bear no `Date`, and this machine's clock, which says {}, cannot be compared with \
             anything: it is not known for which period a run would be bought, and nothing is bought. Where a proxy removes \
             the header, let it pass, then run the same command again",
            shown(machine)
        ),
    };
    let facts = json!({ "machine_at": machine });
    NoRun { why, periods: vec![period], stopped: handshake.end.stopped && handshake.end.refused.is_none(), facts }
}

/// What is told of the first calls: not the contact, which the session proper tells, nor yet that nothing is bought, which
/// it tells as well where it goes on to collect.
struct Filter<'a> {
    teller: &'a mut Teller,
    halted: Option<Event>,
}

impl Watch for Filter<'_> {
    fn see(&mut self, event: &Event) {
        if matches!(event.kind, EventKind::Halted { .. }) {
            self.halted = Some(event.clone());
        } else if !matches!(event.kind, EventKind::Contact { .. } | EventKind::Progress(_)) {
            self.teller.see(event);
        }
    }
}
