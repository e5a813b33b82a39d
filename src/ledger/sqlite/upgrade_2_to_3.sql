-- Version 3: of a cost that the vendor's list named, whether the task was finished by then.

ALTER TABLE attempt ADD COLUMN listed_done INTEGER
    CONSTRAINT a_listed_task_is_done_or_not CHECK (listed_done BETWEEN 0 AND 1);
-- What version 2 has found in a list and not settled: it may have been finished.
UPDATE attempt SET listed_done = 1 WHERE state = 1 AND posted_nano IS NOT NULL
    AND batch IN (SELECT id FROM batch WHERE doubt IS NOT NULL AND function = 'llm_responses' AND method = 'standard');

PRAGMA user_version = 3;
