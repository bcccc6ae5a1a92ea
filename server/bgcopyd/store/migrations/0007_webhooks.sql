-- `sealed` holds the whole URL and the keys; `url` is what people may see of it.
CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    states TEXT NOT NULL,
    all_owners INTEGER NOT NULL,
    description TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    secrets INTEGER NOT NULL,
    disabled_reason TEXT NOT NULL,
    dropped INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE delivery (
    webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due REAL,
    last_time INTEGER,
    http_status INTEGER,
    error TEXT NOT NULL,
    PRIMARY KEY (webhook, number)
) WITHOUT ROWID;

-- The outbox: what is pending.
CREATE INDEX delivery_due ON delivery (webhook, due, number) WHERE due IS NOT NULL;
