-- Version 2: LLM Responses, Live and the vendor's own lists.

ALTER TABLE run ADD COLUMN deadline_at INTEGER;
ALTER TABLE prompt_set ADD COLUMN longest_prompt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_set ADD COLUMN ceiling_nano INTEGER;
ALTER TABLE batch ADD COLUMN method TEXT NOT NULL DEFAULT 'standard';

-- What finished tasks of LLM Responses came to, by what was asked of which model: what the next are expected to cost.
-- The most that one came to shows whether enough is reserved.
CREATE TABLE IF NOT EXISTS target_cost (
    account    INTEGER NOT NULL REFERENCES account (id),
    target     INTEGER NOT NULL REFERENCES target (id),
    method     TEXT NOT NULL,
    tasks      INTEGER NOT NULL,
    total_nano INTEGER NOT NULL,
    most_nano  INTEGER NOT NULL,
    PRIMARY KEY (account, target, method)
) STRICT, WITHOUT ROWID;

-- The vendor's own lists of what an engine serves, each replaced whole when it is read anew. Jobs are checked against
-- them; no task points to a row of theirs.
CREATE TABLE IF NOT EXISTS catalogue (
    id      INTEGER PRIMARY KEY,
    list    TEXT NOT NULL
        CONSTRAINT catalogues_are_of_known_things CHECK (list IN ('locations', 'languages', 'models')),
    engine  TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    CONSTRAINT an_engine_has_one_list_of_a_thing UNIQUE (list, engine)
) STRICT;

CREATE TABLE IF NOT EXISTS served_location (
    catalogue INTEGER NOT NULL REFERENCES catalogue (id),
    code      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    iso       TEXT,                     -- of its country
    kind      TEXT,                     -- 'Country', or another word of the vendor's
    parent    INTEGER,                  -- the code of the place that it is a part of
    PRIMARY KEY (catalogue, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS served_language (
    catalogue INTEGER NOT NULL REFERENCES catalogue (id),
    code      TEXT NOT NULL,
    name      TEXT NOT NULL,
    PRIMARY KEY (catalogue, code)
) STRICT, WITHOUT ROWID;

-- What a model can do; null: the vendor does not say, which is no yes.
CREATE TABLE IF NOT EXISTS served_model (
    catalogue            INTEGER NOT NULL REFERENCES catalogue (id),
    name                 TEXT NOT NULL,
    reasoning            INTEGER CONSTRAINT reasoning_is_yes_or_no CHECK (reasoning BETWEEN 0 AND 1),
    web_search_supported INTEGER CONSTRAINT web_search_is_yes_or_no CHECK (web_search_supported BETWEEN 0 AND 1),
    task_post_supported  INTEGER CONSTRAINT task_post_is_yes_or_no CHECK (task_post_supported BETWEEN 0 AND 1),
    PRIMARY KEY (catalogue, name)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
