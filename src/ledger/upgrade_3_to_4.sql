-- Version 4.

-- What is odd about an answer that is kept all the same.
ALTER TABLE answer ADD COLUMN oddity TEXT;
CREATE INDEX answer_odd ON answer (attempt, oddity) WHERE oddity IS NOT NULL;

-- When the period of a run ends, by the time zone data of its opening; not known of earlier runs.
ALTER TABLE run ADD COLUMN ends_at INTEGER;

PRAGMA user_version = 4;

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
