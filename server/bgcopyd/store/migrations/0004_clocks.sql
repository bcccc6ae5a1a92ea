-- Whatever waits or expires does so on the steady scale: REAL seconds that no step of the system
-- clock touches. It begins at 0 with this migration. jobs/clocks.py says what each column means.

ALTER TABLE job ADD COLUMN due REAL;
ALTER TABLE job ADD COLUMN not_before_due REAL;
ALTER TABLE job ADD COLUMN deadline_due REAL;
ALTER TABLE job ADD COLUMN active REAL NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN active_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN download_time REAL NOT NULL DEFAULT 0;

UPDATE job SET active_time = strftime('%s', 'now') * 1000000;
UPDATE job SET due = max(0, coalesce(next_attempt_time, 0) / 1e6 - strftime('%s', 'now'))
    WHERE state = 6;
UPDATE job SET due = max(0, expire_time / 1e6 - strftime('%s', 'now'))
    WHERE state >= 8 AND expire_time IS NOT NULL;
UPDATE job SET due = 90 * 86400.0 WHERE state IN (2, 3);
-- `expires` is in seconds of the steady scale from now on; -1 has its meaning still.
UPDATE request SET expires = max(0, expires / 1e6 - strftime('%s', 'now')) WHERE expires > 0;

DROP INDEX job_expiry;
CREATE INDEX job_due ON job (due) WHERE due IS NOT NULL AND completing = 0 AND cleanup = 0;
CREATE INDEX job_deadline ON job (deadline_due)
    WHERE deadline_due IS NOT NULL AND state IN (1, 2, 3, 4, 6) AND completing = 0;
CREATE INDEX job_active ON job (active) WHERE state IN (1, 4, 5, 6, 7) AND completing = 0;
-- Blocked by the cost of the network: no pause ends it.
CREATE INDEX job_blocked ON job (seq) WHERE state = 6 AND due IS NULL;

-- A job that waits for its not_before is QUEUED and has a due moment; its turn cannot come.
DROP INDEX job_queue;
DROP INDEX job_lane;
CREATE INDEX job_queue ON job (priority, queue_seq, owner) WHERE state = 1 AND due IS NULL;
CREATE INDEX job_lane ON job (priority, owner, queue_seq) WHERE state = 1 AND due IS NULL;

-- Where partial files may be left of jobs that are gone; looked at until the moment `until`.
CREATE TABLE directory (
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
