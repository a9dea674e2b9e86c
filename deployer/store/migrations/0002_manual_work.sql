-- What people must do, and how each site's clone was left by its last sync.
-- work and result hold the whole report as JSON; the columns beside them are what is searched by.

CREATE TABLE manual_work (
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    opened TEXT NOT NULL,
    closed TEXT,
    work TEXT NOT NULL
);

-- The same work is open at most once, whoever reports it; closed work stays as history.
CREATE UNIQUE INDEX manual_work_open ON manual_work (id) WHERE closed IS NULL;

CREATE TABLE syncs (
    site TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    good TEXT,
    result TEXT NOT NULL
);
