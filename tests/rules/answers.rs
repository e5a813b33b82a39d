//! What the reply to a purchase means if it is not an acceptance.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::event::EventKind;
use bursar::sandbox::{Call, Fault, Rule, Settings, Switches};
use rusqlite::Connection;

use super::rows::changed;
use super::world::{Death, World};
use super::{job, settings};

/// The second purchase meets with this; nothing of it is bought twice, and nothing is lost.
async fn bought_once_in_spite_of(fault: Fault) {
    let mut world = World::new(settings(vec![Rule::nth(fault, Call::TaskPost, 2)]));
    assert_eq!(world.live_on(&job(4)).await.in_doubt, 0);
    world.assert_all_answered_once(4);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn no_answer_is_no_refusal() {
    bought_once_in_spite_of(Fault::DropAfter).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_error_after_the_charge_is_no_refusal() {
    bought_once_in_spite_of(Fault::ErrorAfter { status: 500, html: false }).await;
    bought_once_in_spite_of(Fault::ErrorAfter { status: 502, html: true }).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_body_that_is_cut_short_is_no_refusal() {
    // Cut on its way, or by a proxy that says that it is whole.
    bought_once_in_spite_of(Fault::Truncate).await;
    let mut world = World::new(settings(vec![]));
    let posts = Mutex::new(0);
    world.meddle = Some(Arc::new(move |request, outcome| {
        let mut posts = posts.lock().unwrap();
        *posts += u64::from(request.spends);
        let mut response = outcome?;
        if request.spends && *posts == 2 {
            response.body.truncate(response.body.len() / 2);
        }
        Ok(response)
    }));
    assert_eq!(world.live_on(&job(4)).await.in_doubt, 0);
    world.assert_all_answered_once(4);
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_missing_row_is_no_refusal() {
    bought_once_in_spite_of(Fault::MissingRows { rows: 1 }).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_purchase_sent_before_a_death_is_known() {
    // The first call is the greeting; the purchases are the second and the third.
    for after_call in [2, 3] {
        let mut world = World::new(settings(vec![]));
        assert!(world.live(&job(4), Death { before_call: 0, after_call }).await.end.is_none());
        let (audit, bill) = (world.audit(), world.bill());
        assert_eq!(audit.charged + audit.held, bill.total, "what was sold is charged or held");
        world.live_on(&job(4)).await;
        tokio::time::advance(Duration::from_hours(25)).await;
        assert_eq!(world.live_on(&job(4)).await.in_doubt, 0);
        world.assert_all_answered_once(4);
    }
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_reordered_reply_gives_each_task_its_own() {
    let switches = Switches { shuffle_rows: true, ..Switches::default() };
    let mut world = World::new(Settings { switches, ..settings(vec![]) });
    world.live_on(&job(9)).await;
    world.assert_all_answered_once(9);
    let ledger = Connection::open(world.ledger_path()).unwrap();
    let mut answers = ledger
        .prepare(
            "SELECT prompt.text, answer.body FROM answer JOIN attempt ON attempt.id = answer.attempt
             JOIN task ON task.id = attempt.task JOIN prompt ON prompt.id = task.prompt",
        )
        .unwrap();
    let mut rows = answers.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (asked, body): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let answer: serde_json::Value = serde_json::from_slice(&zstd::decode_all(&body[..]).unwrap()).unwrap();
        assert_eq!(answer["tasks"][0]["result"][0]["keyword"], asked, "the answer to its own question");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_answers_in_its_form_beside_pages() {
    let models = "[[prompt_set]]\nname = \"models\"\nfunction = \"llm_responses\"\nprompts = [\"which bike?\"]\n\
                  targets = [{ engine = \"chat_gpt\", model = \"gpt-4.1-mini\" },\n\
                  { engine = \"perplexity\", model = \"sonar\", method = \"live\" }]\n";
    let mut world = World::new(settings(vec![]));
    world.live_on(&format!("results = [\"html\"]\n{}{models}", job(1))).await;
    world.assert_all_answered_once(3);
    let ledger = Connection::open(world.ledger_path()).unwrap();
    let mut forms = ledger
        .prepare(
            "SELECT batch.function || ' ' || batch.method || ' ' || answer.kind FROM answer
             JOIN attempt ON attempt.id = answer.attempt JOIN batch ON batch.id = attempt.batch ORDER BY 1",
        )
        .unwrap();
    let forms: Vec<String> = forms.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(forms, ["llm_responses live advanced", "llm_responses standard advanced", "llm_scraper standard html"]);
}

/// A code that nobody knows, for a task that is paid: perhaps a new name for "later".
#[tokio::test(start_paused = true)]
async fn an_unknown_code_does_not_abandon_a_paid_answer() {
    let mut world = World::new(settings(vec![]));
    world.meddle = Some(Arc::new(|request, outcome| {
        if !request.path.contains("task_get") {
            return outcome;
        }
        changed(outcome, |body| {
            body["tasks"][0]["status_code"] = 40_999.into();
            body["tasks"][0]["status_message"] = "Come back on Monday.".into();
            body["tasks"][0]["result"] = serde_json::Value::Null;
        })
    }));
    let told = "is not given: Come back on Monday. (code 40999)";
    super::live_for(&mut world, &job(1), Duration::from_hours(2)).await;
    assert_eq!(world.tasks("submitted"), 1, "{:?}", world.audit().tasks);
    assert!(world.saw(|event| matches!(event, EventKind::Odd { what, .. } if what.ends_with(told))) > 0);
    world.meddle = None;
    world.live_on(&job(1)).await;
    world.assert_all_answered_once(1);
}
