CREATE TABLE api_keys (
    key_id uuid CONSTRAINT api_keys_key PRIMARY KEY,
    prefix text NOT NULL,
    hash text NOT NULL CHECK (length(hash) = 64),
    person_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('rep', 'manager', 'ops', 'auditor', 'admin')),
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    CONSTRAINT api_keys_hash UNIQUE (hash)
);

CREATE TABLE reads (
    read_id uuid CONSTRAINT reads_read PRIMARY KEY,
    read_at bigint NOT NULL,
    person_id uuid NOT NULL,
    key_id uuid NOT NULL,
    path text NOT NULL,
    query text NOT NULL
);

CREATE INDEX reads_at ON reads (read_at);
