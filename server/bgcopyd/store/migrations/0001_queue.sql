-- Times are microseconds since 1970 UTC, job ids the 16 bytes of the UUID. `seq`, `queue_seq` and
-- `change_seq` come from one sequence, the change sequence, so that none is ever given twice.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE job (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    owner TEXT NOT NULL,
    creator TEXT NOT NULL,
    files INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    labels TEXT,
    type INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    etag TEXT NOT NULL,
    revision INTEGER NOT NULL,
    change_seq INTEGER NOT NULL,
    queue_seq INTEGER NOT NULL,
    claim_id TEXT NOT NULL,
    minimum_retry_delay REAL NOT NULL,
    no_progress_timeout REAL NOT NULL,
    max_bytes_per_second INTEGER NOT NULL,
    auto_complete INTEGER NOT NULL,
    completing INTEGER NOT NULL,
    cleanup INTEGER NOT NULL,
    error TEXT,
    error_count INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    stalled REAL NOT NULL,
    create_time INTEGER NOT NULL,
    modification_time INTEGER NOT NULL,
    transferred_time INTEGER,
    expire_time INTEGER,
    next_attempt_time INTEGER
);

CREATE UNIQUE INDEX job_id ON job (id);
CREATE UNIQUE INDEX job_change ON job (change_seq);
CREATE INDEX job_owner ON job (owner, seq);
CREATE INDEX job_live ON job (owner, seq) WHERE state < 8;
CREATE INDEX job_state ON job (state, seq) WHERE state < 8;
CREATE INDEX job_queue ON job (priority, queue_seq, owner) WHERE state = 1;
CREATE INDEX job_lane ON job (priority, owner, queue_seq) WHERE state = 1;
CREATE INDEX job_unsettled ON job (seq) WHERE completing OR cleanup;
CREATE INDEX job_expiry ON job (expire_time) WHERE state >= 8 AND expire_time IS NOT NULL;

-- A job without a row here has moved no byte: job.files files of unknown size.
CREATE TABLE progress (
    job INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    bytes_transferred INTEGER NOT NULL,
    bytes_total INTEGER,
    files_total INTEGER NOT NULL,
    files_transferred INTEGER NOT NULL
);

-- The key is seq * 2^24 + index: a job's files lie together, in order, without a second tree.
CREATE TABLE file (
    key INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    destination TEXT NOT NULL,
    live INTEGER NOT NULL,
    digests TEXT,
    partial_name TEXT NOT NULL,
    claimed INTEGER NOT NULL,
    size INTEGER,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    last_modified_strong INTEGER NOT NULL,
    transferred INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    verification INTEGER,
    device INTEGER,
    inode INTEGER,
    error TEXT
);

CREATE UNIQUE INDEX file_destination ON file (destination) WHERE live = 1;

-- `expires` is NULL while the job lives and -1 from its removal until the next expiry run.
CREATE TABLE request (
    creator TEXT NOT NULL,
    request_id TEXT NOT NULL,
    content BLOB NOT NULL,
    job BLOB NOT NULL,
    first_index INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (creator, request_id)
) WITHOUT ROWID;

CREATE INDEX request_job ON request (job);
CREATE INDEX request_expiry ON request (expires) WHERE expires IS NOT NULL;

CREATE TABLE tombstone (
    change_seq INTEGER PRIMARY KEY,
    job BLOB NOT NULL,
    owner TEXT NOT NULL
);

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    admin INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    expire_time INTEGER,
    revoked INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('store_id', lower(hex(randomblob(16)))), ('oldest', 0);
