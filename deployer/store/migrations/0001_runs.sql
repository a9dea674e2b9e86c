-- Runs, what became of each of their targets, and what happened meanwhile.
-- Times are ISO 8601 in UTC with microseconds: as text they sort by time in every database.
-- Columns in the plural, and params and data, hold JSON.

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    environment TEXT NOT NULL,
    sites TEXT NOT NULL,
    instances TEXT NOT NULL,
    who TEXT NOT NULL,
    controller TEXT NOT NULL,
    started TEXT NOT NULL,
    state TEXT NOT NULL,
    "check" BOOLEAN NOT NULL,
    params TEXT NOT NULL,
    arguments TEXT NOT NULL,
    retry_of TEXT NOT NULL,
    revisions TEXT NOT NULL,
    ended TEXT,
    exit_code INTEGER,
    log TEXT NOT NULL
);

-- `history` and `last` read the newest first.
CREATE INDEX runs_newest ON runs (started, id);

CREATE TABLE targets (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    target TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    position INTEGER NOT NULL,
    site TEXT NOT NULL,
    outcome TEXT NOT NULL,
    running TEXT NOT NULL,
    version_before TEXT NOT NULL,
    version_after TEXT NOT NULL,
    error TEXT NOT NULL,
    task TEXT NOT NULL,
    diff TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    PRIMARY KEY (run, target, attempt)
);

-- The key makes it harmless to read a file of events again after a crash.
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    target TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
);
