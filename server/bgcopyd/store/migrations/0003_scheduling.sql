-- Where the change sequence stood when the queue was so many seconds old. The queue's age counts
-- the time in which it was served, so that no step of the system clock makes a job older.
CREATE TABLE age (
    age REAL PRIMARY KEY,
    number INTEGER NOT NULL
) WITHOUT ROWID;
