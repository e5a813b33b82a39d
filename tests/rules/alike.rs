//! Equal refusals: what they have in common stops after a few, and the rest goes on.

use bursar::engine::End;
use bursar::event::EventKind;

use super::settings;
use super::world::World;

/// A job of so many questions in these markets.
fn job(questions: usize, markets: &str) -> String {
    let prompts: Vec<String> = (1..=questions).map(|n| format!("\"question {n}?\"")).collect();
    format!(
        "name = \"rules\"\n[budget]\nrun = \"10\"\n[[prompt_set]]\nname = \"all\"\nengine = \"chat_gpt\"\n\
         markets = [{markets}]\nprompts = [{}]\n",
        prompts.join(", ")
    )
}

const NOWHERE: &str = "{ location = 999999, language = \"en\" }";
const NOWHERE_ELSE: &str = "{ location = 999999, language = \"de\" }";
const SOMEWHERE: &str = "{ location = \"United States\", language = \"en\" }";

/// Lives, and says how it ended, how many requests it made, and what stopped.
async fn live(world: &mut World, job: &str) -> (End, usize, Vec<(String, u32, u64)>) {
    world.events.clear();
    let end = world.live_on(job).await;
    let posts = world.saw(|kind| matches!(kind, EventKind::BatchSent { .. }));
    let stops = world.events.iter().filter_map(|event| {
        let EventKind::RefusalsStop { name, refused, left, .. } = &event.kind else { return None };
        Some((name.clone(), *refused, *left))
    });
    (end, posts, stops.collect())
}

#[tokio::test(start_paused = true)]
async fn an_always_refused_market_costs_few_requests() {
    let mut world = World::new(settings(vec![]));
    let (end, posts, stops) = live(&mut world, &job(600, NOWHERE)).await;
    assert_eq!(stops, [("location 999999 at chat_gpt/llm_scraper".to_owned(), 5, 595)]);
    assert_eq!((posts, world.tasks("failed"), world.tasks("planned")), (5, 5, 595));
    let why = "595 tasks are not bought of location 999999 at chat_gpt/llm_scraper: the provider refuses it: Invalid Field: 'location_code' (code \
               40501); mend the job file";
    assert_eq!(end.refused.as_deref(), Some(why));
    // A later session tries as many again, and no more.
    let (_, posts, stops) = live(&mut world, &job(600, NOWHERE)).await;
    assert_eq!((posts, stops), (5, vec![("location 999999 at chat_gpt/llm_scraper".to_owned(), 5, 590)]));
}

#[tokio::test(start_paused = true)]
async fn good_markets_are_bought_beside_a_refused_one() {
    let mut world = World::new(settings(vec![]));
    let markets = [NOWHERE, NOWHERE_ELSE, SOMEWHERE].join(", ");
    let (_, posts, stops) = live(&mut world, &job(300, &markets)).await;
    assert_eq!(stops.len(), 1, "the place is wrong, whatever the language: {stops:?}");
    assert_eq!(stops[0].0, "location 999999 at chat_gpt/llm_scraper");
    assert_eq!(world.tasks("answered"), 300);
    assert_eq!(world.bill().tasks, 300, "each was bought once");
    // The single task that proves the price is asked where nothing was refused.
    assert!(posts <= 14, "{posts} requests");
    let singles = world.saw(|kind| matches!(kind, EventKind::BatchSent { canary: true, .. }));
    assert_eq!(singles, 2, "one that was refused, and one elsewhere");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_refusals_is_the_jobs_to_say() {
    let mut world = World::new(settings(vec![]));
    let text = job(40, NOWHERE).replace("[budget]", "stop_after_refusals = 2\n[budget]");
    let (_, posts, stops) = live(&mut world, &text).await;
    assert_eq!((posts, stops), (2, vec![("location 999999 at chat_gpt/llm_scraper".to_owned(), 2, 38)]));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_one_engine_stops_no_other_engine() {
    let mut world = World::new(settings(vec![]));
    let both = "targets = [{ engine = \"chat_gpt\" }, { engine = \"gemini\" }]";
    let (_, posts, mut stops) = live(&mut world, &job(40, NOWHERE).replace("engine = \"chat_gpt\"", both)).await;
    stops.sort_unstable();
    let stop = |engine: &str| (format!("location 999999 at {engine}/llm_scraper"), 5, 35);
    assert_eq!((posts, stops), (10, vec![stop("chat_gpt"), stop("gemini")]), "each engine is asked by itself");
}

#[tokio::test(start_paused = true)]
async fn each_job_counts_refusals_up_to_its_own_number() {
    let mut world = World::new(settings(vec![]));
    let patient = job(40, NOWHERE).replace("name = \"rules\"", "name = \"patient\"");
    let hasty = job(40, NOWHERE).replace("[budget]", "stop_after_refusals = 2\n[budget]");
    let (_word, stop) = tokio::sync::watch::channel(bursar::engine::StopWord::None);
    world.live_all(&[&hasty, &patient], super::world::Death::default(), stop).await;
    let stops = world.events.iter().filter_map(|event| {
        let EventKind::RefusalsStop { refused, left, .. } = &event.kind else { return None };
        Some((*refused, *left))
    });
    let mut stops: Vec<_> = stops.collect();
    stops.sort_unstable();
    assert_eq!(stops, [(2, 38), (5, 35)]);
    assert_eq!(world.saw(|kind| matches!(kind, EventKind::BatchSent { .. })), 7);
}
