//! The way of one request: the faults that hit it, the module that answers it, and the faults that hit the reply.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::bend::bent;
use super::envelope::{Envelope, refusal};
use super::faults::{About, Fault, Weather, since};
use super::post::Late;
use super::route::{Call, Route};
use super::{Incoming, Reply, Sandbox, Served, appendix, draw, gateway};
use crate::money::Money;
use crate::provider::Response;

impl Sandbox {
    /// Answers one request at a time.
    pub fn handle(&mut self, now: DateTime<Utc>, incoming: &Incoming) -> Served {
        self.advance(now);
        self.calls += 1;
        let path = incoming.path.split('?').next().unwrap_or_default();
        if path == "/sandbox/bill" {
            return self.reply(200, self.bill_json(), &Weather::default());
        }
        if path == "/sandbox/pay_in" {
            return self.pay_in_json(incoming.body.as_deref().unwrap_or_default());
        }
        if let Some(below) = path.strip_prefix(gateway::PREFIX) {
            return self.through_gateway(below, incoming);
        }
        let header = incoming.authorization.as_deref().unwrap_or_default();
        let account = self.accounts.iter().position(|account| !account.is_gateways() && account.lets_in(header));
        self.serve(path, account, incoming.body.clone(), false)
    }

    /// `POST /sandbox/pay_in`: tops up the main account by a sum of dollars, as text.
    fn pay_in_json(&mut self, body: &[u8]) -> Served {
        let sum = std::str::from_utf8(body).ok().and_then(|text| text.trim().parse::<Money>().ok());
        let paid = sum.is_some_and(|sum| self.pay_in(0, sum).is_ok());
        let balance = self.accounts.first().map_or(0, |account| account.balance.nanos());
        self.reply(if paid { 200 } else { 400 }, format!(r#"{{"balance_nano_usd":{balance}}}"#), &Weather::default())
    }

    /// Answers a request of an account, where it is of one.
    pub(super) fn serve(&mut self, path: &str, account: Option<usize>, body: Option<Bytes>, gateway: bool) -> Served {
        let route = Route::of(path);
        let elapsed = self.started.map_or(Duration::ZERO, |started| since(self.now, started));
        let call = route.map_or(Call::Other, Route::call);
        self.peaks.note(self.now, call);
        let (engine, function) = (route.and_then(Route::engine), route.and_then(Route::function));
        let weather = self.forecast.strike(elapsed, &About { call, engine, function, gateway });
        if let Some(served) = self.at_the_edge(body.as_deref().unwrap_or_default(), &weather) {
            return served;
        }
        let reply = self.answer(route, path, account, &body.unwrap_or_default(), &weather);
        self.on_the_way_back(reply, path, &weather)
    }

    /// What befalls a request before anyone looks at it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most faults do not strike here")]
    fn at_the_edge(&self, body: &[u8], weather: &Weather) -> Option<Served> {
        weather.find(|fault| match fault {
            Fault::RefuseBefore => Some(Served::Refused),
            Fault::DropBefore => Some(Served::Dropped),
            Fault::ErrorBefore { status, html } => Some(self.error(*status, *html, weather)),
            Fault::RefuseBody { marker, status } if holds(body, marker) => Some(self.error(*status, true, weather)),
            Fault::RefuseLarge { tasks } if tasks_in(body) > *tasks => Some(self.error(413, true, weather)),
            Fault::Html200 => Some(self.error(200, true, weather)),
            Fault::Envelope50000 => Some(self.error(200, false, weather)),
            Fault::Throttle429 { after } => Some(match self.error(429, true, weather) {
                Served::Reply { mut response, after: delay, rate_limit } => {
                    response.retry_after = Some(*after);
                    Served::Reply { response, after: delay, rate_limit }
                }
                other @ (Served::Truncated { .. } | Served::Dropped | Served::Refused) => other,
            }),
            _ => None,
        })
    }

    /// Authorises, counts and answers a call.
    fn answer(
        &mut self,
        route: Option<Route<'_>>,
        path: &str,
        account: Option<usize>,
        body: &Bytes,
        weather: &Weather,
    ) -> Reply {
        let Some(account) = account else { return Reply::Refused(40_100) };
        let Some(route) = route else { return Reply::Refused(40_400) };
        let admitted = self.accounts[account].limits.admit(self.now, route.call(), &self.settings);
        if !admitted || weather.has(&Fault::Throttle40202) {
            return Reply::Refused(40_202);
        }
        if weather.has(&Fault::Payment40210) {
            return Reply::Refused(40_210);
        }
        if weather.has(&Fault::ListOutage) {
            return Reply::Error(500, false);
        }
        let cx = self.context(account, route, path, weather);
        match route {
            Route::Post(price_class) | Route::Live(price_class) => {
                let late = weather.find(|f| if let Fault::AcceptLate { after } = f { Some(*after) } else { None });
                if let Some(after) = late {
                    let due = self.now + TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX);
                    self.late
                        .insert((due, self.calls), Late { account, path: path.to_owned(), body: body.clone(), due });
                    return Reply::Dropped;
                }
                self.purchase(&cx, price_class, body)
            }
            Route::Ready(engine, function) => self.ready(&cx, engine, function),
            Route::Get(engine, function, kind, id) => self.get(&cx, (engine, function), kind, id),
            Route::Locations(engine, country) => appendix::locations(&cx, engine, country),
            Route::Languages(engine) => appendix::languages(&cx, engine),
            Route::Models(engine) => self.models(&cx, engine),
            Route::IdList => self.list(&cx, body),
            Route::Errors => self.errors(&cx, body),
            Route::UserData => self.user_data(&cx),
            Route::ErrorCodes => appendix::error_codes(&cx),
            Route::Status => appendix::status(&cx),
        }
    }

    /// What befalls a reply on its way back.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most faults do not strike here")]
    fn on_the_way_back(&self, reply: Reply, path: &str, weather: &Weather) -> Served {
        let served = match reply {
            Reply::Dropped => return Served::Dropped,
            Reply::Error(status, html) => self.error(status, html, weather),
            Reply::Rows(envelope) => self.rows(&envelope, Duration::ZERO, weather),
            Reply::Slow(envelope, after) => self.rows(&envelope, after, weather),
            Reply::Refused(code) => {
                let status = match code {
                    40_100 => 401,
                    40_200 | 40_210 => self.settings.payment_status,
                    40_400 => 404,
                    _ => 200,
                };
                self.reply(status, refusal(code), weather)
            }
        };
        let Served::Reply { response, after, rate_limit } = served else { return served };
        weather
            .find(|fault| match fault {
                Fault::DropAfter | Fault::LiveLost => Some(Served::Dropped),
                Fault::ErrorAfter { status, html } => Some(self.error(*status, *html, weather)),
                Fault::OddAnswer { how, share } if self.is_odd(path, *share) => {
                    let response = Response { body: bent(&response.body, *how), ..response.clone() };
                    Some(Served::Reply { response, after, rate_limit })
                }
                Fault::Truncate => {
                    // It leaves at once, and is dated then.
                    let date = Some(self.stamp(Duration::ZERO, weather));
                    let sent = response.body.len() / 2;
                    Some(Served::Truncated { sent, response: Response { date, ..response.clone() } })
                }
                Fault::AnswerLate { after: late } => {
                    let (mut response, after) = (response.clone(), after + *late);
                    if self.settings.switches.date_on_leaving {
                        response.date = Some(self.stamp(after, weather));
                    }
                    Some(Served::Reply { response, after, rate_limit })
                }
                _ => None,
            })
            .unwrap_or(Served::Reply { response, after, rate_limit })
    }

    /// Whether an answer is odd, by its path: the same each time. Each Live call has the same path, and is another answer.
    fn is_odd(&self, path: &str, share: f64) -> bool {
        let live = if path.contains("/live") { u128::from(self.calls) } else { 0 };
        let of_path = path.bytes().fold(live, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        draw::rng(self.settings.seed, of_path, "odd answer").f64() < share
    }

    fn error(&self, status: u16, html: bool, weather: &Weather) -> Served {
        let page = || format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
        self.reply(status, if html { page() } else { refusal(50_000) }, weather)
    }

    fn rows(&self, envelope: &Envelope, takes: Duration, weather: &Weather) -> Served {
        let switches = &self.settings.switches;
        self.reply_after(200, envelope.body(switches.float_dust, switches.count_errors), takes, weather)
    }

    fn reply(&self, status: u16, body: String, weather: &Weather) -> Served {
        self.reply_after(status, body, Duration::ZERO, weather)
    }

    fn reply_after(&self, status: u16, body: String, takes: Duration, weather: &Weather) -> Served {
        let after = self.settings.reply_after + takes;
        let date = Some(self.stamp(after, weather));
        let response = Response { status, date, retry_after: None, rest: None, body: Bytes::from(body) };
        Served::Reply { response, after, rate_limit: None }
    }

    /// The `Date` of an answer so long after its request.
    fn stamp(&self, after: Duration, weather: &Weather) -> DateTime<Utc> {
        let date = self.now + weather.skew() + TimeDelta::from_std(after).unwrap_or_default();
        date.trunc_subsecs(0)
    }
}

/// Whether a word stands in a body.
fn holds(body: &[u8], word: &str) -> bool {
    !word.is_empty() && body.windows(word.len()).any(|part| part == word.as_bytes())
}

/// How many tasks a purchase has.
fn tasks_in(body: &[u8]) -> usize {
    serde_json::from_slice::<Vec<serde_json::Value>>(body).map_or(0, |tasks| tasks.len())
}
