CREATE TABLE webhooks (
    webhook_id BLOB NOT NULL CONSTRAINT webhooks_webhook PRIMARY KEY CHECK (length(webhook_id) = 16),
    url TEXT NOT NULL,
    wanted TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by BLOB NOT NULL CHECK (length(changed_by) = 16),
    paused_at INTEGER,
    paused_because TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    answered_at INTEGER
) STRICT;

CREATE TABLE webhook_secrets (
    secret_id BLOB NOT NULL CONSTRAINT webhook_secrets_secret PRIMARY KEY CHECK (length(secret_id) = 16),
    webhook_id BLOB NOT NULL CHECK (length(webhook_id) = 16),
    secret TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ends_at INTEGER
) STRICT;

CREATE TABLE webhook_notices (
    webhook_id BLOB NOT NULL CHECK (length(webhook_id) = 16),
    position INTEGER NOT NULL,
    journey BLOB NOT NULL CHECK (length(journey) = 16),
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    problem TEXT,
    parked_at INTEGER,
    CONSTRAINT webhook_notices_notice PRIMARY KEY (webhook_id, position)
) STRICT, WITHOUT ROWID;
