-- What most jobs and files leave at its default is NULL: the common row grows by nothing.

-- JSON of the properties that differ from their defaults; without values of secret headers.
ALTER TABLE job ADD COLUMN options TEXT;
-- No index below it is given again; written when files are removed.
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

-- `id` counts within the job: callers see it, and it must not tell how busy others are.
CREATE TABLE attempt (
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    file_index INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    protocol TEXT NOT NULL,
    http_status INTEGER,
    received INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY (job, id)
) WITHOUT ROWID;
