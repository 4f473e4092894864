-- What has happened. Entries go by age and number; the newest one stays, so that no id comes twice.
CREATE TABLE event (
    id INTEGER PRIMARY KEY NOT NULL,
    unix_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    "from" TEXT,
    "to" TEXT,
    registrar TEXT,
    code INTEGER,
    uid INTEGER,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX event_by_time ON event (unix_ms);
CREATE INDEX event_by_account ON event (account) WHERE account IS NOT NULL;
