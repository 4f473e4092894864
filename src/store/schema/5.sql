-- Round trips to registrars over time, for five minutes each.
CREATE TABLE round_trip (
    at_unix_s INTEGER NOT NULL,
    registrar TEXT NOT NULL,
    count INTEGER NOT NULL,
    min_us INTEGER NOT NULL,
    median_us INTEGER NOT NULL,
    max_us INTEGER NOT NULL,
    PRIMARY KEY (at_unix_s, registrar)
) STRICT, WITHOUT ROWID;
