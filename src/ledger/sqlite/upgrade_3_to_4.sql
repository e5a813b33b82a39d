-- Version 4.

-- What is odd about an answer that is kept all the same.
ALTER TABLE answer ADD COLUMN oddity TEXT;
CREATE INDEX answer_odd ON answer (attempt, oddity) WHERE oddity IS NOT NULL;

-- When the period of a run ends, by the time zone data of its opening; not known of earlier runs.
ALTER TABLE run ADD COLUMN ends_at INTEGER;

-- Costs that were booked for want of the provider's word: a task failed or expired, or an answer named no cost. The books may
-- be above the bill by them until the provider's list names the cost; it is read for them at most once a day. A row leaves
-- when the cost is known, or when the list can no longer name it.
CREATE TABLE provisional_cost (
    attempt    INTEGER PRIMARY KEY REFERENCES attempt (id),
    first_nano INTEGER,                 -- what the provider named at the purchase; null: nothing
    first_done INTEGER                  -- where it named that, as attempt.listed_done has it
        CONSTRAINT a_first_figure_is_of_a_listed_task_or_not CHECK (first_done BETWEEN 0 AND 1),
    scanned_v  INTEGER                  -- the latest scan that found no other figure; null: none was made
) STRICT;

-- What models' tasks that failed or expired were booked at, the list may still name.
INSERT INTO provisional_cost (attempt, first_nano, first_done)
SELECT attempt.id, attempt.posted_nano, attempt.listed_done
FROM batch JOIN attempt ON attempt.id BETWEEN batch.first_attempt AND batch.first_attempt + batch.attempts - 1
JOIN account ON account.id = batch.account
WHERE batch.function = 'llm_responses' AND batch.method = 'standard' AND account.route <> 'aisa'
  AND attempt.state IN (5, 6) AND attempt.vendor_id IS NOT NULL;

-- What the provider said of an attempt that it refused or that failed, in its own words; not known of earlier ones.
CREATE TABLE provider_message (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    message TEXT NOT NULL CONSTRAINT a_message_is_short CHECK (length(message) <= 300)
) STRICT;

-- Where a prompt set stands in its job file: known once the file is read again.
ALTER TABLE prompt_set ADD COLUMN line INTEGER;

PRAGMA user_version = 4;

-- Losses, written with the loss itself and told once: by the session that learnt of it, or by the next where that one died
-- before. Rows of a run and kind are added up until they are told.
CREATE TABLE notice (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES account (id),
    run      INTEGER REFERENCES run (id),   -- null: it belongs to none, as an unmatched charge does
    kind     TEXT NOT NULL,                 -- of a task its reason; short, unmatched, overrun
    tasks    INTEGER NOT NULL CONSTRAINT a_notice_counts_something CHECK (tasks >= 0),
    nano_usd INTEGER NOT NULL CONSTRAINT a_notice_costs_no_less_than_nothing CHECK (nano_usd >= 0),
    told_at  INTEGER                        -- null: nobody was told yet
) STRICT;
CREATE INDEX notice_untold ON notice (account, run, kind) WHERE told_at IS NULL;

-- What people know of a run: tasks that a summary told to be left for want of money, and losses that a person has seen.
CREATE TABLE run_told (
    run   INTEGER PRIMARY KEY REFERENCES run (id),
    short INTEGER NOT NULL DEFAULT 0,
    seen  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Periods of a job without a run that ended by then: a person has seen that they are missing.
CREATE TABLE gaps_seen (
    job   INTEGER PRIMARY KEY REFERENCES job (id),
    until INTEGER NOT NULL
) STRICT;


-- Scans of earlier versions do not say what they counted for, and count for nothing more.
ALTER TABLE sweep ADD COLUMN restored INTEGER NOT NULL DEFAULT 0
    CONSTRAINT a_scan_counts_for_a_restored_ledger_or_not CHECK (restored BETWEEN 0 AND 1);

CREATE TABLE sweep_of (
    batch INTEGER NOT NULL REFERENCES batch (id),
    sweep INTEGER NOT NULL REFERENCES sweep (id),
    PRIMARY KEY (batch, sweep)
) STRICT, WITHOUT ROWID;

-- A balance that was read may be minutes old: what was bought in them counts against it.
ALTER TABLE cap ADD COLUMN unseen_nano INTEGER NOT NULL DEFAULT 0;

-- What was given up stays on a watch list: the provider's list is read for it once a day.
ALTER TABLE account ADD COLUMN watched_v INTEGER;
CREATE INDEX batch_doubted ON batch (account, sent_v) WHERE doubt IS NOT NULL;

-- `tasks_ready` of an endpoint was full of others' answers when something was in doubt there: it may hide one of ours.
CREATE TABLE ready_crowded (
    account  INTEGER NOT NULL REFERENCES account (id),
    engine   TEXT NOT NULL,
    function TEXT NOT NULL,
    seen_v   INTEGER NOT NULL,
    PRIMARY KEY (account, engine, function)
) STRICT, WITHOUT ROWID;

-- What a person has called bought waits for its answer, as long as the provider keeps it. A Live answer
-- went with its connection.
CREATE TABLE word (
    attempt   INTEGER PRIMARY KEY REFERENCES attempt (id),
    bought    INTEGER NOT NULL CONSTRAINT a_word_is_yes_or_no CHECK (bought BETWEEN 0 AND 1),
    charged_v INTEGER,                  -- by the provider's clock: in which day the hold was charged
    CONSTRAINT what_was_bought_was_charged CHECK ((bought = 1) = (charged_v IS NOT NULL))
) STRICT;

UPDATE attempt SET state = 5
WHERE state = 7 AND batch IN (SELECT id FROM batch WHERE method = 'live' OR sent_v < unixepoch() - 2592000);
INSERT INTO word SELECT attempt.id, 1, batch.sent_v FROM attempt JOIN batch ON batch.id = attempt.batch
WHERE attempt.state = 7;
UPDATE task SET state = 2, reason = NULL
WHERE state = 4 AND reason = 5 AND attempt IN (SELECT attempt FROM word);

-- Names: a process that held the lock is a session, the other side is the provider, and a list is scanned.
DROP VIEW attempts;
DROP VIEW tasks;
DROP INDEX IF EXISTS attempt_by_vendor_id;
ALTER TABLE attempt RENAME COLUMN vendor_id TO provider_id;
ALTER TABLE account RENAME COLUMN vendor_time_v TO provider_time_v;
ALTER TABLE extra_charge RENAME TO unmatched_charge;
ALTER TABLE unmatched_charge RENAME COLUMN vendor_id TO provider_id;
ALTER TABLE start RENAME TO session;
ALTER TABLE batch RENAME COLUMN start TO session;
DROP INDEX batch_doubted;
ALTER TABLE batch RENAME COLUMN doubt TO unknown_because;
CREATE INDEX batch_in_doubt ON batch (account, sent_v) WHERE unknown_because IS NOT NULL;
ALTER TABLE tag_proof RENAME TO visibility_proof;
ALTER TABLE sweep RENAME TO scan;
ALTER TABLE sweep_of RENAME TO scan_of;
ALTER TABLE scan_of RENAME COLUMN sweep TO scan;
ALTER TABLE target_cost RENAME COLUMN most_nano TO max_nano;
ALTER TABLE cap RENAME COLUMN since_extra TO since_unmatched;
CREATE VIEW tasks AS
    SELECT task.id, job.name AS job, run.period, prompt_set.name AS prompt_set, prompt.text AS prompt,
           market.location_name, market.language_code, target.engine, target.function, service.method, service.priority,
           task.repeat,
           task_state.name AS state, task_reason.name AS reason, task.asked, task.position, task.attempt
    FROM task
    JOIN run ON run.id = task.run JOIN job ON job.id = run.job
    JOIN prompt_set ON prompt_set.id = task.prompt_set JOIN prompt ON prompt.id = task.prompt
    JOIN market ON market.id = task.market JOIN target ON target.id = task.target
    JOIN service ON service.service = task.service JOIN task_state ON task_state.state = task.state
    LEFT JOIN task_reason ON task_reason.reason = task.reason;

CREATE VIEW attempts AS
    SELECT attempt.id, attempt.task, attempt.batch, attempt.number, attempt_state.name AS state, attempt.code,
           iif(typeof(attempt.provider_id) = 'blob', lower(hex(attempt.provider_id)), attempt.provider_id) AS provider_id,
           attempt.held_nano, attempt.posted_nano, attempt.settled_nano, attempt.previous
    FROM attempt JOIN attempt_state ON attempt_state.state = attempt.state;

-- Money only gains rows: what was booked is reversed by a row, and neither changed nor deleted.
CREATE TRIGGER an_entry_is_never_changed BEFORE UPDATE ON entry
    BEGIN SELECT raise(ABORT, 'an_entry_is_never_changed'); END;
CREATE TRIGGER an_entry_is_never_deleted BEFORE DELETE ON entry
    BEGIN SELECT raise(ABORT, 'an_entry_is_never_deleted'); END;

-- An unmatched charge whose task was found after all. The charge stays as it was booked, and counts no more: the attempt's
-- own charge counts in its place.
CREATE TABLE unmatched_reversal (
    charge  INTEGER PRIMARY KEY REFERENCES unmatched_charge (id),
    attempt INTEGER NOT NULL REFERENCES attempt (id)
) STRICT;

CREATE TRIGGER an_unmatched_charge_is_never_changed BEFORE UPDATE ON unmatched_charge
    BEGIN SELECT raise(ABORT, 'an_unmatched_charge_is_never_changed'); END;
CREATE TRIGGER an_unmatched_charge_is_never_deleted BEFORE DELETE ON unmatched_charge
    BEGIN SELECT raise(ABORT, 'an_unmatched_charge_is_never_deleted'); END;

-- The unmatched charges that count.
CREATE VIEW unmatched AS
    SELECT id, account, attempt, provider_id, tag, nano_usd, posted_v, why FROM unmatched_charge
    WHERE id NOT IN (SELECT charge FROM unmatched_reversal);
