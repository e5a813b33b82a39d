//! `bursar locations`, `languages` and `models`: what an engine serves, by the provider's own lists.
//!
//! They are shown from the ledger, and read again by free calls if they are old and the account has credentials.
//! Without either, the shipped lists serve as hints for places and languages.

mod fetch;
mod rows;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

pub(super) use self::fetch::FetchError;
use self::rows::Rows;
use super::args::ListArgs;
use super::out::{self, Out, count};
use super::{Common, Exit, locate, mistake, secrets, table};
use crate::catalogue::List;
use crate::clock::Clock;
use crate::config::{AccountConfig, Config};
use crate::ledger::{Kind, Ledger, Lock, needs_its_folder};
use crate::market::Near;
use crate::product::Engine;

/// The provider's lists move a few times a year.
const OLD: TimeDelta = TimeDelta::days(7);

/// Where an engine's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The provider's list, read at this moment.
    Provider(DateTime<Utc>),
    /// The list that comes with bursar.
    Shipped,
}

/// An engine's list, as it is kept.
struct OfEngine {
    engine: Engine,
    kept: Option<(DateTime<Utc>, Rows)>,
}

pub(super) fn show(list: List, args: &ListArgs, common: &Common, out: Out) -> anyhow::Result<Exit> {
    let config = locate::config(None, common)?;
    let account = locate::account_or_only(&config, args.account.as_deref())?;
    let engines = match args.engine {
        Some(engine) if !list.engines().contains(&engine) => {
            return mistake(format!("the provider has no {list} for {engine}: it is asked by its models only"));
        }
        Some(engine) => vec![engine],
        None => list.engines(),
    };
    let now = Clock::system().now().wall;
    let mut of_engines = Vec::new();
    for engine in &engines {
        of_engines.push(OfEngine { engine: *engine, kept: kept(list, *engine, &config)? });
    }
    let is_old = |one: &OfEngine| one.kept.as_ref().is_none_or(|(read_at, _)| now - *read_at > OLD);
    let mut to_read: Vec<&mut OfEngine> = of_engines.iter_mut().filter(|one| args.refresh || is_old(one)).collect();
    if !to_read.is_empty() {
        refresh(list, args, &config, account, now, out, &mut to_read)?;
    }
    tell(list, &of_engines, now, args, out)
}

/// What the ledger keeps, where there is one.
fn kept(list: List, engine: Engine, config: &Config) -> anyhow::Result<Option<(DateTime<Utc>, Rows)>> {
    if !config.ledger.exists() {
        return Ok(None);
    }
    Ok(Rows::kept(list, engine, &Ledger::open_to_read(&config.ledger)?)?)
}

/// Reads lists anew. Where nobody insists, what is kept will do.
fn refresh(
    list: List,
    args: &ListArgs,
    config: &Config,
    account: &AccountConfig,
    now: DateTime<Utc>,
    out: Out,
    to_read: &mut [&mut OfEngine],
) -> anyhow::Result<()> {
    let credentials = match secrets::to_ask(account) {
        Ok(credentials) => credentials,
        Err(error) if args.refresh => return Err(error),
        Err(error) => {
            out.note(&format!("the provider is not asked: {error}"));
            return Ok(());
        }
    };
    let fetched = match fetch::all(list, to_read.iter().map(|one| one.engine), account, &credentials) {
        Ok(fetched) => fetched,
        Err(error) if args.refresh => {
            credentials.odd().iter().for_each(|sentence| out.must(sentence));
            return Err(error);
        }
        Err(error) => {
            out.note(&format!("the provider could not be asked: {error}"));
            return Ok(());
        }
    };
    // Only the birth of a ledger needs its lock: these lists move neither money nor tasks.
    let _lock = if config.ledger.exists() { None } else { Some(born_under_lock(config)?) };
    let mut ledger = Ledger::open(&config.ledger, Kind::of(account.route), now.timestamp())?;
    for (one, rows) in to_read.iter_mut().zip(fetched) {
        rows.keep(one.engine, &mut ledger, now.timestamp())?;
        one.kept = Some((now, rows));
    }
    Ok(())
}

fn born_under_lock(config: &Config) -> anyhow::Result<Lock> {
    needs_its_folder(&config.ledger)?;
    Ok(Lock::try_take(&config.ledger)?)
}

fn tell(list: List, of_engines: &[OfEngine], now: DateTime<Utc>, args: &ListArgs, out: Out) -> anyhow::Result<Exit> {
    let mut sources = Vec::new();
    let (mut all, mut shown) = (Rows::none(list), Rows::none(list));
    for OfEngine { engine, kept } in of_engines {
        let (source, rows) = match kept {
            Some((read_at, rows)) => (Source::Provider(*read_at), rows.clone()),
            None => (Source::Shipped, Rows::shipped(list, *engine, now.date_naive())),
        };
        out.note(&words(list, *engine, source, rows.is_empty(), now));
        sources.push((*engine, source));
        all.add(*engine, rows.clone());
        shown.add(*engine, rows.matching(args.search.as_deref()));
    }
    let missed = args.search.as_ref().filter(|_| shown.is_empty());
    if let Some(search) = missed {
        out.must(&no_match(list, search, all.near(search)));
    }
    if out.json {
        let sources: Vec<Value> = sources.iter().map(|(engine, source)| facts(*engine, *source)).collect();
        out::document(&json!({ "schema": format!("bursar.{list}/1"), "lists": sources, list.name(): shown.facts() }))?;
    } else if !shown.is_empty() {
        out::data(&table::text(&shown.table()))?;
    }
    Ok(if missed.is_some() { Exit::Usage } else { Exit::Complete })
}

/// That nothing has the word in its name, and what it may mean.
fn no_match(list: List, search: &str, near: Option<Near>) -> String {
    let none = format!("none of these {list} has `{search}` in its name or as its code");
    match near {
        Some(Near::Name { name, code }) if name == code => format!("{none}; did you mean `{name}`?"),
        Some(Near::Name { name, code }) => format!("{none}; did you mean `{name}` ({code})?"),
        Some(Near::Within { country, place: None }) => format!("{none}; it is a place within `{country}`"),
        Some(Near::Within { country, place: Some(place) }) => {
            format!("{none}; did you mean `{place}`, a place within `{country}`?")
        }
        Some(Near::Absent { name, .. }) => format!("{none}; bursar's own list has `{name}`, and this one lacks it"),
        Some(Near::Region) => format!("{none}; it means several countries: search for one of them"),
        Some(Near::List { names }) => format!("{none}; search for one at a time: {}", names.join(", ")),
        Some(Near::Unserved { iso }) => format!("{none}; the provider does not serve this country ({iso})"),
        None => none,
    }
}

fn words(list: List, engine: Engine, source: Source, is_empty: bool, now: DateTime<Utc>) -> String {
    match source {
        Source::Provider(read_at) => format!("{engine}: the provider's {list}, read {}", ago(now - read_at)),
        Source::Shipped if is_empty => format!(
            "{engine}: bursar comes with none of the {list} that are still served; with credentials `bursar {list} --refresh` \
             reads the provider's own"
        ),
        Source::Shipped => format!(
            "{engine}: {}, which are hints and no proof of what the provider serves; with credentials `bursar {list} \
             --refresh` reads its own",
            match list {
                List::Locations | List::Languages => format!("the {list} that come with bursar"),
                List::Models => "the models whose prices come with bursar".to_owned(),
            }
        ),
    }
}

fn ago(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (days @ 1.., ..) => format!("{} ago", count(days.unsigned_abs(), "day")),
        (_, hours @ 1.., _) => format!("{} ago", count(hours.unsigned_abs(), "hour")),
        (_, _, minutes @ 1..) => format!("{} ago", count(minutes.unsigned_abs(), "minute")),
        _ => "just now".to_owned(),
    }
}

fn facts(engine: Engine, source: Source) -> Value {
    let (source, read_at) = match source {
        Source::Provider(read_at) => ("provider", Some(read_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))),
        Source::Shipped => ("shipped", None),
    };
    json!({ "engine": engine.name(), "source": source, "read_at": read_at })
}
