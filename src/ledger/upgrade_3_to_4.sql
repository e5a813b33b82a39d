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
