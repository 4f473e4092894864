-- What a run leaves for the next one: one row for each Account.
CREATE TABLE account (
    name TEXT PRIMARY KEY NOT NULL,
    aor TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    mark TEXT NOT NULL,
    -- The last CSeq that is known to be used; none above the limit has left.
    cseq INTEGER NOT NULL,
    cseq_limit INTEGER NOT NULL,
    -- Whether the run ended in order, so that cseq is exact.
    clean INTEGER NOT NULL,
    -- Whether an operator's word keeps it un-registered.
    unregistered INTEGER NOT NULL,
    port INTEGER,
    contact_user TEXT,
    -- The binding, if registrar is not null.
    registrar TEXT,
    granted_secs INTEGER,
    refreshed_unix_ms INTEGER,
    since_unix_ms INTEGER,
    due_unix_ms INTEGER
) STRICT, WITHOUT ROWID;

-- The last 200 of each registrar, for the avoidance of the previous one.
CREATE TABLE visit (
    account TEXT NOT NULL,
    place INTEGER NOT NULL,
    registrar TEXT NOT NULL,
    ends_unix_us INTEGER NOT NULL,
    granted_secs INTEGER NOT NULL,
    is_left INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- Every Retry-After in force; a null registrar stands for the Account.
CREATE TABLE hold (
    account TEXT NOT NULL,
    place INTEGER NOT NULL,
    registrar TEXT,
    until_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- The shortest expiry that a registrar takes.
CREATE TABLE minimum (
    account TEXT NOT NULL,
    place INTEGER NOT NULL,
    registrar TEXT NOT NULL,
    min_expires_secs INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
