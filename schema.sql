-- bursar's ledger: what was asked, what was bought, what it cost, and what came back.
--
-- Money is in whole nano-dollars. Moments are Unix seconds: a column that ends in _v is on the provider's clock, read from
-- the Date headers of its replies; the others are on this machine's. `task_state` and `attempt_state` name the small
-- numbers in the `state` columns of the two long tables; the views at the end show everything in words.
--
-- An impossible row cannot be written. Each constraint has a name that says what was violated. The constraints of the two
-- long tables use no IN with three or more values, because SQLite builds a temporary index for each row to check that.

PRAGMA application_id = 1651864947; -- 'burs'
PRAGMA user_version = 4;

-- The identity of this ledger: one row. The id is part of every tag, so the provider's list shows which ledger bought what.
CREATE TABLE ledger (
    one        INTEGER PRIMARY KEY CONSTRAINT there_is_one_ledger CHECK (one = 1),
    ledger_id  TEXT NOT NULL CONSTRAINT a_ledger_id_is_80_bits CHECK (length(ledger_id) = 16),
    kind       TEXT NOT NULL CONSTRAINT money_is_real_or_play CHECK (kind IN ('real', 'sandbox')),
    created_at INTEGER NOT NULL
) STRICT;

-- Every session that held the lock. A file outside the ledger also holds the last number and nonce. If the two disagree,
-- this ledger was restored, copied or rebuilt, and must scan the provider's list before it buys.
CREATE TABLE session (
    n               INTEGER PRIMARY KEY,
    nonce           TEXT NOT NULL,
    at              INTEGER NOT NULL,
    version         TEXT NOT NULL,
    restored_from_v INTEGER -- not null: it found this ledger restored; what was bought since then may be missing
) STRICT;

-- A way to the provider. The login is stored as a salted hash, so that one login never runs under two names: its caps
-- and limits would count twice.
CREATE TABLE account (
    id                INTEGER PRIMARY KEY,
    name              TEXT NOT NULL CONSTRAINT an_account_has_one_name UNIQUE,
    route             TEXT NOT NULL,
    base_url          TEXT NOT NULL,
    login_hash        BLOB NOT NULL CONSTRAINT a_login_has_one_account UNIQUE,
    provider_time_v     INTEGER,          -- the latest the provider's clock was seen at
    longest_lag_s     INTEGER NOT NULL DEFAULT 0,   -- from acceptance to the first sight in the provider's list
    restored_from_v   INTEGER,          -- not null: the ledger was restored; what was bought after this is unknown
    day_cap_nano      INTEGER,          -- what a new UTC day or month begins with; null: no ceiling
    month_cap_nano    INTEGER,
    watched_v         INTEGER,          -- when the provider's list was last read for what was given up
    restored_closed_v INTEGER,          -- first contact after the restoration: older purchases were all sent by then
    CONSTRAINT a_restoration_has_a_beginning CHECK (restored_closed_v IS NULL OR restored_from_v IS NOT NULL)
) STRICT;

-- The provider's list has shown an unfinished task of ours: absence from it can mean something.
CREATE TABLE visibility_proof (
    account  INTEGER NOT NULL REFERENCES account (id),
    function TEXT NOT NULL,
    seen_v   INTEGER NOT NULL,
    PRIMARY KEY (account, function)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL CONSTRAINT a_job_has_one_name UNIQUE,
    path           TEXT NOT NULL,
    account        INTEGER NOT NULL REFERENCES account (id),
    timezone       TEXT NOT NULL,
    day_cap_nano   INTEGER,             -- what a new day or month begins with; null: no ceiling
    month_cap_nano INTEGER
) STRICT;

-- A job in a period. A closed run buys nothing more; collecting and reconciling go on.
CREATE TABLE run (
    id        INTEGER PRIMARY KEY,
    job       INTEGER NOT NULL REFERENCES job (id),
    period    TEXT NOT NULL,
    begins_at INTEGER NOT NULL,         -- its period does; a run closes those of earlier periods
    opened_at INTEGER NOT NULL,
    cap_nano  INTEGER NOT NULL,
    state     TEXT NOT NULL CONSTRAINT a_run_is_open_complete_or_closed CHECK (state IN ('open', 'complete', 'closed')),
    results   TEXT NOT NULL,            -- the forms of answer that are fetched, 'html,advanced'
    plan_hash BLOB,                     -- of everything the order of tasks depends on; null until planned whole
    deadline_at INTEGER,                -- by then its answers are wanted; null: no such moment
    ends_at   INTEGER,                  -- its period does, by the time zone data of its opening; null: opened before version 4
    CONSTRAINT a_job_runs_once_a_period UNIQUE (job, period)
) STRICT;

-- What changed between two sessions of a run: the job file was edited, a cap moved, a person decided.
CREATE TABLE change (
    id  INTEGER PRIMARY KEY,
    run INTEGER REFERENCES run (id),
    at  INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;

-- Losses. Each is written in the commit of the loss itself and reported once: by the session that learnt of it, or, if that
-- one died, by the next. Rows of a run and kind are added up until they are reported.
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

-- What people know about a run: tasks that a summary reported as left out for lack of money, and losses that a person has seen.
CREATE TABLE run_told (
    run   INTEGER PRIMARY KEY REFERENCES run (id),
    short INTEGER NOT NULL DEFAULT 0,
    seen  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A person has seen that the periods of a job which ended before this moment have no run.
CREATE TABLE gaps_seen (
    job   INTEGER PRIMARY KEY REFERENCES job (id),
    until INTEGER NOT NULL
) STRICT;

CREATE TABLE prompt_set (
    id      INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run (id),
    name    TEXT NOT NULL,
    weight  INTEGER NOT NULL,
    longest_prompt INTEGER NOT NULL DEFAULT 0, -- in bytes: what a model may charge for reading goes by it
    ceiling_nano   INTEGER,             -- what a person says that one task costs at the most
    line           INTEGER,             -- of the job file, on which it begins; null: not known
    CONSTRAINT a_set_has_one_name_in_a_run UNIQUE (run, name)
) STRICT;

-- Prompts, markets and targets are stored once, however many tasks use them.
CREATE TABLE prompt (
    id   INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CONSTRAINT a_prompt_is_stored_once UNIQUE CHECK (length(hash) = 16),
    text TEXT NOT NULL
) STRICT;

CREATE TABLE market (
    id            INTEGER PRIMARY KEY,
    location_code INTEGER NOT NULL,
    location_name TEXT,
    language_code TEXT NOT NULL,
    language_name TEXT,
    CONSTRAINT a_market_is_stored_once UNIQUE (location_code, language_code)
) STRICT;

CREATE TABLE target (
    id       INTEGER PRIMARY KEY,
    engine   TEXT NOT NULL,
    function TEXT NOT NULL,
    model    TEXT NOT NULL DEFAULT '',
    options  TEXT NOT NULL DEFAULT '{}', -- JSON, names sorted, the provider's defaults left out
    CONSTRAINT a_target_is_stored_once UNIQUE (engine, function, model, options)
) STRICT;

-- How a task is bought. It is not part of the question: a task bought at one priority is not bought again at another.
CREATE TABLE service (service INTEGER PRIMARY KEY, method TEXT NOT NULL, priority TEXT NOT NULL) STRICT;
INSERT INTO service VALUES (0, 'standard', 'normal'), (1, 'standard', 'high'), (2, 'live', 'normal');

CREATE TABLE task_state (state INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO task_state VALUES (0, 'planned'), (1, 'sending'), (2, 'submitted'), (3, 'answered'), (4, 'failed');

CREATE TABLE task_reason (reason INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO task_reason VALUES (1, 'refused'), (2, 'paid_failure'), (3, 'expired'), (4, 'dropped_by_job'),
    (5, 'resolved_as_bought'), (6, 'lost_live');

-- One question in one run, with a repeat number. `position` is its place in the plan: tasks are bought in that order,
-- and the caps cut it.
CREATE TABLE task (
    id         INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL,
    prompt     INTEGER NOT NULL,
    market     INTEGER NOT NULL,
    target     INTEGER NOT NULL,
    repeat     INTEGER NOT NULL CONSTRAINT repeats_are_counted_from_one CHECK (repeat >= 1),
    prompt_set INTEGER NOT NULL,
    service    INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    state      INTEGER NOT NULL DEFAULT 0 CONSTRAINT a_task_is_in_a_known_state CHECK (state BETWEEN 0 AND 4),
    reason     INTEGER CONSTRAINT a_reason_is_known CHECK (reason BETWEEN 1 AND 6),
    asked      INTEGER NOT NULL DEFAULT 1, -- 0: bought, and no longer asked by the job file
    attempt    INTEGER,                    -- the latest purchase
    CONSTRAINT a_question_is_one_task_in_a_run UNIQUE (run, prompt, market, target, repeat),
    CONSTRAINT only_failures_have_a_reason CHECK ((state = 4) = (reason IS NOT NULL)),
    CONSTRAINT money_moves_only_with_an_attempt CHECK (state NOT BETWEEN 1 AND 3 OR attempt IS NOT NULL),
    FOREIGN KEY (run) REFERENCES run (id),
    FOREIGN KEY (prompt) REFERENCES prompt (id),
    FOREIGN KEY (market) REFERENCES market (id),
    FOREIGN KEY (target) REFERENCES target (id),
    FOREIGN KEY (prompt_set) REFERENCES prompt_set (id),
    FOREIGN KEY (service) REFERENCES service (service)
) STRICT;
CREATE INDEX task_to_buy ON task (run, position) WHERE state = 0;

-- Further prompt sets of the same run that ask a task; the set in `task` pays for it.
CREATE TABLE task_also_in (
    task       INTEGER NOT NULL REFERENCES task (id),
    prompt_set INTEGER NOT NULL REFERENCES prompt_set (id),
    PRIMARY KEY (task, prompt_set)
) STRICT, WITHOUT ROWID;

-- One POST of up to a hundred tasks of one endpoint. Its attempts are the rows from first_attempt on.
-- It is in doubt if unresolved > 0 and the connection of the process that sent it is closed.
CREATE TABLE batch (
    id            INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL REFERENCES run (id),
    account       INTEGER NOT NULL REFERENCES account (id),
    engine        TEXT NOT NULL,
    function      TEXT NOT NULL,
    first_attempt INTEGER NOT NULL,
    attempts      INTEGER NOT NULL CHECK (attempts BETWEEN 1 AND 100),
    sent_v        INTEGER NOT NULL,     -- not before this did the provider see it
    hold_to_v     INTEGER NOT NULL,     -- the hold counts in every period from sent_v to here
    unknown_because TEXT,               -- why the outcome is not known; null while it is, or while it is being sent
    closed_v      INTEGER,              -- the connection was surely gone by then; set once
    posted_v      INTEGER,              -- the provider's time of the purchase, where known
    session       INTEGER NOT NULL REFERENCES session (n),
    held_nano     INTEGER NOT NULL CONSTRAINT a_hold_is_never_negative CHECK (held_nano >= 0),
    unresolved    INTEGER NOT NULL CONSTRAINT unresolved_is_a_count CHECK (unresolved >= 0),
    uncollected   INTEGER NOT NULL DEFAULT 0 CONSTRAINT uncollected_is_a_count CHECK (uncollected >= 0),
    method        TEXT NOT NULL DEFAULT 'standard'
) STRICT;
CREATE INDEX batch_unresolved ON batch (account) WHERE unresolved > 0;
CREATE INDEX batch_in_doubt ON batch (account, sent_v) WHERE unknown_because IS NOT NULL;
CREATE INDEX batch_uncollected ON batch (account) WHERE uncollected > 0;
CREATE INDEX batch_by_time ON batch (account, posted_v);

CREATE TABLE attempt_state (state INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO attempt_state VALUES (0, 'sending'), (1, 'submitted'), (2, 'answered'), (3, 'not_bought'), (4, 'refused'),
    (5, 'paid_failure'), (6, 'expired'), (7, 'resolved_as_bought');

-- One purchase of one task. It exists only after its money was reserved. Its tag is computed from this row's id, the
-- ledger's id and the task's content; the provider returns it. Its task and batch are not declared as references: the
-- commit that writes the row has just moved the one and written the other, and looking both up again would be an eighth of
-- the cost of a purchase here. The audit looks for rows that point to nothing.
CREATE TABLE attempt (
    id           INTEGER PRIMARY KEY,
    task         INTEGER NOT NULL,
    batch        INTEGER NOT NULL,
    number       INTEGER NOT NULL CONSTRAINT attempts_are_counted_from_one CHECK (number >= 1),
    state        INTEGER NOT NULL DEFAULT 0 CONSTRAINT an_attempt_is_in_a_known_state CHECK (state BETWEEN 0 AND 7),
    code         INTEGER,   -- the provider's last status code, where it says more than the state
    provider_id    ANY,       -- 16 bytes where its text is a lower-case UUID, else the text
    held_nano    INTEGER NOT NULL CONSTRAINT what_is_reserved_is_positive CHECK (held_nano >= 0),
    posted_nano  INTEGER,   -- what the provider said at the purchase; null: it named no cost, and no list has since
    settled_nano INTEGER,   -- what it cost in the end; without a word of the provider's, what was held
    previous     INTEGER,   -- the attempt of the same task before this one
    tag          TEXT,      -- only where the provider knows it under a tag that this row does not compute to
    listed_done  INTEGER    -- not null: a list has shown it; 1: finished, when it named posted_nano, which may be what it came to
        CONSTRAINT a_listed_task_is_done_or_not CHECK (listed_done BETWEEN 0 AND 1),
    CONSTRAINT what_was_accepted_has_an_id_and_a_cost
        CHECK ((state <> 1 AND state <> 2 AND state <> 6) OR (provider_id IS NOT NULL AND coalesce(posted_nano, settled_nano) IS NOT NULL)),
    CONSTRAINT what_was_not_bought_cost_nothing CHECK (state NOT IN (3, 4) OR coalesce(posted_nano, 0) = 0)
) STRICT;
-- No index holds the provider's ids: they are random within a minute, and an index of them costs as much as everything else
-- that a purchase writes. A row of the provider's list is found by its tag. The first row without a tag of ours creates the
-- index attempt_by_provider_id, once, and with it attempt_by_tag, which holds the purchases that a restored ledger recovered.

-- The provider's own words about an attempt that it refused or that failed.
CREATE TABLE provider_message (
    attempt INTEGER PRIMARY KEY REFERENCES attempt (id),
    message TEXT NOT NULL CONSTRAINT a_message_is_short CHECK (length(message) <= 300)
) STRICT;

-- A person's decision about attempts in doubt. It can be taken back as long as nothing has followed from it. An attempt that
-- a person called bought (state 7) waits for its id, its cost and its answer.
CREATE TABLE word (
    attempt   INTEGER PRIMARY KEY REFERENCES attempt (id),
    bought    INTEGER NOT NULL CONSTRAINT a_word_is_yes_or_no CHECK (bought BETWEEN 0 AND 1),
    charged_v INTEGER,                  -- by the provider's clock: in which day the hold was charged
    CONSTRAINT what_was_bought_was_charged CHECK ((bought = 1) = (charged_v IS NOT NULL))
) STRICT;

-- Money only gains rows: what was reserved for a batch is charged or released, in as many steps as it takes.
-- What the provider took beyond the hold is overrun. Held = reserve - charge - release; spent = charge + overrun
-- - refund. A charge is dated by the provider's time of the purchase; a hold counts from `from_v` to `to_v`.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    batch    INTEGER NOT NULL REFERENCES batch (id),
    kind     TEXT NOT NULL
        CONSTRAINT money_moves_in_known_ways CHECK (kind IN ('reserve', 'charge', 'release', 'refund', 'overrun')),
    nano_usd INTEGER NOT NULL CONSTRAINT amounts_are_never_negative CHECK (nano_usd >= 0),
    from_v   INTEGER NOT NULL,
    to_v     INTEGER NOT NULL,
    CONSTRAINT time_runs_forward CHECK (from_v <= to_v)
) STRICT;
CREATE INDEX entry_of_batch ON entry (batch);
CREATE TRIGGER an_entry_is_never_changed BEFORE UPDATE ON entry
    BEGIN SELECT raise(ABORT, 'an_entry_is_never_changed'); END;
CREATE TRIGGER an_entry_is_never_deleted BEFORE DELETE ON entry
    BEGIN SELECT raise(ABORT, 'an_entry_is_never_deleted'); END;

-- Provisional costs: a task failed or expired, or a reply named no cost. They may put the books above the bill until the
-- provider's list names the cost; bursar scans the list for them at most once a day. A row leaves when the cost is known, or
-- when the list can no longer name it.
CREATE TABLE provisional_cost (
    attempt    INTEGER PRIMARY KEY REFERENCES attempt (id),
    first_nano INTEGER,                 -- what the provider named at the purchase; null: nothing
    first_done INTEGER                  -- where it named that, as attempt.listed_done has it
        CONSTRAINT a_first_figure_is_of_a_listed_task_or_not CHECK (first_done BETWEEN 0 AND 1),
    scanned_v  INTEGER                  -- the latest scan that found no other figure; null: none was made
) STRICT;

-- Money that the provider took and that belongs to no attempt: duplicates, foreign rows, and batches accepted after they
-- were given up. It counts in the account's totals.
CREATE TABLE unmatched_charge (
    id        INTEGER PRIMARY KEY,
    account   INTEGER NOT NULL REFERENCES account (id),
    attempt   INTEGER REFERENCES attempt (id),
    provider_id TEXT NOT NULL,
    tag       TEXT NOT NULL,
    nano_usd  INTEGER NOT NULL CONSTRAINT extra_charges_are_never_negative CHECK (nano_usd >= 0),
    posted_v  INTEGER NOT NULL,
    why       TEXT NOT NULL,
    CONSTRAINT an_extra_charge_is_booked_once UNIQUE (account, provider_id)
) STRICT;

-- An unmatched charge whose task was found later. The charge stays as it was booked and no longer counts: the attempt's
-- own charge replaces it.
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

-- Caps and standing totals, one row for each scope and period, updated in the same transaction as the entries. The
-- reserving update adds to `held_nano` only if charged + held + the new hold stay within the cap. Only a provider that
-- charges more than it announced can push `charged_nano` over it.
CREATE TABLE cap (
    id           INTEGER PRIMARY KEY,
    scope        TEXT NOT NULL CONSTRAINT caps_have_a_known_scope CHECK
        (scope IN ('run', 'job_day', 'job_month', 'account', 'account_day', 'account_month', 'account_balance')),
    owner        INTEGER NOT NULL,      -- run, job or account id, as the scope says
    from_v       INTEGER NOT NULL,
    to_v         INTEGER NOT NULL,
    limit_nano   INTEGER,               -- null: no ceiling, the totals are kept all the same
    charged_nano INTEGER NOT NULL DEFAULT 0 CONSTRAINT charged_is_never_negative CHECK (charged_nano >= 0),
    held_nano    INTEGER NOT NULL DEFAULT 0 CONSTRAINT held_is_never_negative CHECK (held_nano >= 0),
    since_entry  INTEGER NOT NULL DEFAULT 0, -- account_balance counts what was charged after the balance was read
    since_unmatched  INTEGER NOT NULL DEFAULT 0,
    -- of it, what had been charged before, and the figure may not have shown yet
    unseen_nano  INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT a_scope_has_one_total_a_period UNIQUE (scope, owner, from_v)
) STRICT;

-- The last charge for one task of a price class. A price that this ledger has never paid is tried on one task.
CREATE TABLE price_seen (
    account   INTEGER NOT NULL REFERENCES account (id),
    price_key TEXT NOT NULL,            -- function/engine/method/priority/model
    nano_usd  INTEGER NOT NULL,
    seen_v    INTEGER NOT NULL,
    PRIMARY KEY (account, price_key)
) STRICT, WITHOUT ROWID;

-- The final costs of LLM Responses tasks by target: the expected cost of the next ones. The highest shows whether enough is
-- reserved.
CREATE TABLE target_cost (
    account    INTEGER NOT NULL REFERENCES account (id),
    target     INTEGER NOT NULL REFERENCES target (id),
    method     TEXT NOT NULL,
    tasks      INTEGER NOT NULL,
    total_nano INTEGER NOT NULL,
    max_nano  INTEGER NOT NULL,
    PRIMARY KEY (account, target, method)
) STRICT, WITHOUT ROWID;

-- The provider's own lists of what an engine serves, each replaced completely when it is read again. Jobs are checked
-- against them; no task points to a row of theirs.
CREATE TABLE catalogue (
    id      INTEGER PRIMARY KEY,
    list    TEXT NOT NULL
        CONSTRAINT catalogues_are_of_known_things CHECK (list IN ('locations', 'languages', 'models')),
    engine  TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    CONSTRAINT an_engine_has_one_list_of_a_thing UNIQUE (list, engine)
) STRICT;

CREATE TABLE served_location (
    catalogue INTEGER NOT NULL REFERENCES catalogue (id),
    code      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    iso       TEXT,                     -- of its country
    kind      TEXT,                     -- 'Country', or another word of the provider's
    parent    INTEGER,                  -- the code of the place that it is a part of
    PRIMARY KEY (catalogue, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE served_language (
    catalogue INTEGER NOT NULL REFERENCES catalogue (id),
    code      TEXT NOT NULL,
    name      TEXT NOT NULL,
    PRIMARY KEY (catalogue, code)
) STRICT, WITHOUT ROWID;

-- What a model can do; null: the provider does not say, which does not count as yes.
CREATE TABLE served_model (
    catalogue            INTEGER NOT NULL REFERENCES catalogue (id),
    name                 TEXT NOT NULL,
    reasoning            INTEGER CONSTRAINT reasoning_is_yes_or_no CHECK (reasoning BETWEEN 0 AND 1),
    web_search_supported INTEGER CONSTRAINT web_search_is_yes_or_no CHECK (web_search_supported BETWEEN 0 AND 1),
    task_post_supported  INTEGER CONSTRAINT task_post_is_yes_or_no CHECK (task_post_supported BETWEEN 0 AND 1),
    PRIMARY KEY (catalogue, name)
) STRICT, WITHOUT ROWID;

-- Complete scans of the provider's list, and their results.
CREATE TABLE scan (
    id      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    begun_v INTEGER NOT NULL,
    from_v  INTEGER NOT NULL,
    to_v    INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    found   INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    restored INTEGER NOT NULL DEFAULT 0 -- 1: it counts for what a restored ledger may lack
        CONSTRAINT a_scan_counts_for_a_restored_ledger_or_not CHECK (restored BETWEEN 0 AND 1)
) STRICT;

-- The batches in doubt for which a valid scan counts: those that were in doubt when it began, after their quarantine, and of
-- which it showed nothing. A later session counts it together with a scan of its own.
CREATE TABLE scan_of (
    batch INTEGER NOT NULL REFERENCES batch (id),
    scan INTEGER NOT NULL REFERENCES scan (id),
    PRIMARY KEY (batch, scan)
) STRICT, WITHOUT ROWID;

-- `tasks_ready` of an endpoint was full of another program's answers while something was in doubt there: it may hide ours.
CREATE TABLE ready_crowded (
    account  INTEGER NOT NULL REFERENCES account (id),
    engine   TEXT NOT NULL,
    function TEXT NOT NULL,
    seen_v   INTEGER NOT NULL,
    PRIMARY KEY (account, engine, function)
) STRICT, WITHOUT ROWID;

-- The answers, compressed (zstd) as the provider sent them, whatever they look like. `oddity` says what is odd about one:
-- too_large (only its first part is kept), cut_short, not_utf8, not_json, repeated_key, odd_rows, no_code, empty_result,
-- null_result or odd_result.
CREATE TABLE answer (
    id         INTEGER PRIMARY KEY,
    attempt    INTEGER NOT NULL REFERENCES attempt (id),
    kind       TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    done_v     INTEGER,                 -- when the engine answered, by the provider's word
    model      TEXT,
    body       BLOB NOT NULL,
    oddity     TEXT,                    -- null: it is as it should be
    CONSTRAINT an_answer_is_stored_once UNIQUE (attempt, kind)
) STRICT;
-- The column stands behind the body, and is read from here.
CREATE INDEX answer_odd ON answer (attempt, oddity) WHERE oddity IS NOT NULL;

-- For people: the long tables in words.
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
