//! The stored answers, compared with the questions they belong to.

use bursar::provider::wire::mend;

use super::checks::{Checked, fail};
use super::odd::answers_are_kept;

/// Every answer that is stored is the answer to its own task: it bears its id and its question.
pub fn answers_belong(db: &rusqlite::Connection) -> Checked {
    let mut statement = db
        .prepare(
            "SELECT answer.attempt, answer.body, prompt.text, market.location_code, answer.oddity FROM answer
             JOIN attempt ON attempt.id = answer.attempt JOIN task ON task.id = attempt.task
             JOIN prompt ON prompt.id = task.prompt JOIN market ON market.id = task.market WHERE answer.kind = 'advanced'",
        )
        .map_err(|error| error.to_string())?;
    let mut rows = statement.query([]).map_err(|error| error.to_string())?;
    while let Some(row) = rows.next().map_err(|error| error.to_string())? {
        let read = (|| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))();
        let (attempt, body, prompt, place, oddity): (i64, Vec<u8>, String, u32, Option<String>) =
            read.map_err(|error| error.to_string())?;
        let body = zstd::decode_all(&body[..]).map_err(|error| format!("answer of attempt {attempt}: {error}"))?;
        let text = if oddity.is_some() { mend(&body).text.into_bytes() } else { body };
        let answer: serde_json::Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let task = &answer["tasks"][0];
        if oddity.is_some() {
            // What a reply without a result says of its question stands beside it, and may be cut.
            let asked = [&task["data"]["keyword"], &task["data"]["user_prompt"]];
            let escaped = prompt.replace('%', "%25").replace('+', "%2B");
            if asked.iter().any(|asked| **asked == prompt.as_str() || **asked == escaped) {
                continue;
            }
            return fail("an odd answer to another question", &(attempt, prompt, place, task["data"].to_string()));
        }
        // A model's answer does not repeat its question; what was posted is beside it.
        let (page, nowhere) = (&task["result"][0], serde_json::Value::from(0));
        let asked = match task["data"].get("user_prompt") {
            Some(prompt) => (prompt, &nowhere),
            None => (&page["keyword"], &page["location_code"]),
        };
        let escaped = prompt.replace('%', "%25").replace('+', "%2B");
        if *asked.0 != prompt.as_str() && *asked.0 != escaped || *asked.1 != place {
            return fail("an answer to another question", &(attempt, prompt, place, asked.0.to_string()));
        }
    }
    answers_are_kept(db)
}
