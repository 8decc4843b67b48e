CREATE TABLE api_keys (
    key_id BLOB NOT NULL CONSTRAINT api_keys_key PRIMARY KEY CHECK (length(key_id) = 16),
    prefix TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    person_id BLOB NOT NULL CHECK (length(person_id) = 16),
    role TEXT NOT NULL CHECK (role IN ('rep', 'manager', 'ops', 'auditor', 'admin')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    CONSTRAINT api_keys_hash UNIQUE (hash)
) STRICT;

CREATE TABLE reads (
    read_id BLOB NOT NULL CONSTRAINT reads_read PRIMARY KEY CHECK (length(read_id) = 16),
    read_at INTEGER NOT NULL,
    person_id BLOB NOT NULL CHECK (length(person_id) = 16),
    key_id BLOB NOT NULL CHECK (length(key_id) = 16),
    path TEXT NOT NULL,
    query TEXT NOT NULL
) STRICT;

CREATE INDEX reads_at ON reads (read_at);
