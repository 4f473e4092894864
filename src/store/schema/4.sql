-- Accounts that have lost their registration: checked still, or with an alert that goes on.
CREATE TABLE alert (
    account TEXT PRIMARY KEY NOT NULL,
    identity TEXT NOT NULL,
    source TEXT,
    registrar TEXT NOT NULL,
    server TEXT,
    user_agent TEXT NOT NULL,
    lost_unix_us INTEGER NOT NULL,
    -- While it is checked: failed checks, and when the next one is due.
    failed INTEGER,
    due_unix_us INTEGER,
    -- Since it was raised: when that was.
    started_unix_us INTEGER,
    CHECK ((started_unix_us IS NULL) = (failed IS NOT NULL AND due_unix_us IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- For which subscriptions an alert is open.
CREATE TABLE alert_open (
    account TEXT NOT NULL,
    place INTEGER NOT NULL,
    subscription TEXT NOT NULL,
    limit_hours INTEGER NOT NULL,
    -- Whether the first notice was given.
    is_told INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- Notices that are to be delivered, in the order in which they were given.
CREATE TABLE outbox (
    place INTEGER PRIMARY KEY NOT NULL,
    id TEXT UNIQUE NOT NULL,
    -- mail or webhook
    means TEXT NOT NULL,
    -- The notice, as JSON.
    notice TEXT NOT NULL,
    tried INTEGER NOT NULL,
    waited_ms INTEGER NOT NULL,
    next_unix_ms INTEGER,
    is_refused INTEGER NOT NULL,
    trouble TEXT
) STRICT;
