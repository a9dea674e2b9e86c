-- A record as the first schema left it, with rows. Frozen: this file is what old installations have on their disks.
CREATE TABLE schema_version (version INTEGER NOT NULL, name TEXT NOT NULL, applied TEXT NOT NULL, PRIMARY KEY (version));
INSERT INTO schema_version VALUES (1, 'runs', '2026-11-20T00:00:00.000000+00:00');
CREATE TABLE runs (
    id TEXT PRIMARY KEY, operation TEXT NOT NULL, environment TEXT NOT NULL, sites TEXT NOT NULL,
    instances TEXT NOT NULL, who TEXT NOT NULL, controller TEXT NOT NULL, started TEXT NOT NULL, state TEXT NOT NULL,
    "check" BOOLEAN NOT NULL, params TEXT NOT NULL, arguments TEXT NOT NULL, retry_of TEXT NOT NULL,
    revisions TEXT NOT NULL, ended TEXT, exit_code INTEGER, log TEXT NOT NULL
);
CREATE INDEX runs_newest ON runs (started, id);
CREATE TABLE targets (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, target TEXT NOT NULL, attempt INTEGER NOT NULL,
    position INTEGER NOT NULL, site TEXT NOT NULL, outcome TEXT NOT NULL, running TEXT NOT NULL,
    version_before TEXT NOT NULL, version_after TEXT NOT NULL, error TEXT NOT NULL, task TEXT NOT NULL,
    diff TEXT NOT NULL, started TEXT, ended TEXT, PRIMARY KEY (run, target, attempt)
);
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, sequence INTEGER NOT NULL, time TEXT NOT NULL,
    kind TEXT NOT NULL, text TEXT NOT NULL, target TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run, sequence)
);
INSERT INTO runs VALUES (
    '20261119-010000-old1', 'instance-redeploy', 'production', '["fra1"]', '[]', 'cron', 'box',
    '2026-11-19T01:00:00.000000+00:00', 'finished', 0, '{}', '["redeploy", "fra1"]', '', '{"fra1": ["aa", "bb"]}',
    '2026-11-19T01:02:03.000004+00:00', 3, '/log'
);
INSERT INTO targets VALUES (
    '20261119-010000-old1', 'viatris.fra1', 1, 1, 'fra1', 'failed', 'A', 'A', 'B', 'never healthy', 'wait', '',
    '2026-11-19T01:00:10.000000+00:00', '2026-11-19T01:02:00.000000+00:00'
);
INSERT INTO events VALUES (
    '20261119-010000-old1', 1, '2026-11-19T01:00:01.000000+00:00', 'message', 'began', '', '{}'
);
