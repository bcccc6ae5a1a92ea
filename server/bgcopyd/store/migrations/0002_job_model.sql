-- What most jobs and files leave at its default is NULL: the common row grows by nothing.

-- JSON of the properties that differ from their defaults; without values of secret headers.
ALTER TABLE job ADD COLUMN options TEXT;
-- One more than the highest index of a removed file: indexes are never given twice.
ALTER TABLE job ADD COLUMN removed_to INTEGER NOT NULL DEFAULT 0;

CREATE INDEX job_final ON job (state) WHERE state >= 8;

-- JSON: ranges and mirrors; what transfers have learnt; parts on disk; parts asked for.
ALTER TABLE file ADD COLUMN extra TEXT;
ALTER TABLE file ADD COLUMN report TEXT;
ALTER TABLE file ADD COLUMN filled TEXT;
ALTER TABLE file ADD COLUMN requested TEXT;
ALTER TABLE file ADD COLUMN validation_state INTEGER;

ALTER TABLE tombstone ADD COLUMN owner_changed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE secret (
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (job, name)
) WITHOUT ROWID;

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    file_index INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    protocol TEXT NOT NULL,
    http_status INTEGER,
    received INTEGER NOT NULL,
    error TEXT
);

CREATE INDEX attempt_job ON attempt (job, id);
