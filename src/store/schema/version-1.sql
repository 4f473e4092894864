-- A state as version 1 wrote it, to be read by every later version. It is never changed.
PRAGMA application_id = 1380404820;
PRAGMA user_version = 1;
CREATE TABLE account (
    name TEXT PRIMARY KEY NOT NULL, aor TEXT NOT NULL, epoch INTEGER NOT NULL,
    call_id TEXT NOT NULL, mark TEXT NOT NULL,
    cseq INTEGER NOT NULL, cseq_limit INTEGER NOT NULL, clean INTEGER NOT NULL,
    unregistered INTEGER NOT NULL, port INTEGER, contact_user TEXT,
    registrar TEXT, granted_secs INTEGER, refreshed_unix_ms INTEGER, since_unix_ms INTEGER,
    due_unix_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE visit (
    account TEXT NOT NULL, place INTEGER NOT NULL, registrar TEXT NOT NULL,
    ends_unix_us INTEGER NOT NULL, granted_secs INTEGER NOT NULL, is_left INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE hold (
    account TEXT NOT NULL, place INTEGER NOT NULL, registrar TEXT,
    until_unix_ms INTEGER NOT NULL, PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE minimum (
    account TEXT NOT NULL, place INTEGER NOT NULL, registrar TEXT NOT NULL,
    min_expires_secs INTEGER NOT NULL, PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
INSERT INTO account VALUES ('main', 'sip:4930123456@carrier.example', 0, 'c0ffee', 'beef', 7, 256,
    1, 0, 6001, 'Random1', '192.0.2.1:5060', 180, 1795341600000, 1795341000000, 1795341690000);
INSERT INTO account VALUES ('spare', 'sip:4930123457@carrier.example', 0, 'd0d0', 'cafe', 3, 256,
    0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO visit VALUES ('main', 0, '192.0.2.1:5060', 1795341780000000, 180, 0);
INSERT INTO visit VALUES ('main', 1, '[2001:db8::1]:5060', 1795341080000000, 90, 1);
INSERT INTO hold VALUES ('main', 0, NULL, 1795341700000);
INSERT INTO hold VALUES ('main', 1, '192.0.2.1:5060', 1795341800000);
INSERT INTO minimum VALUES ('main', 0, '192.0.2.1:5060', 90);
