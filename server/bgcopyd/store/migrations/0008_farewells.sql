-- Unfinished uploads of jobs that have ended, whose servers are to be told. `upload` is NULL while the
-- job is still ending; options and sealed secrets are those that the job had.
CREATE TABLE farewell (
    job TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    upload TEXT,
    options TEXT,
    sealed TEXT NOT NULL,
    until REAL NOT NULL
) WITHOUT ROWID;
