CREATE TABLE webhooks (
    webhook_id uuid CONSTRAINT webhooks_webhook PRIMARY KEY,
    url text NOT NULL,
    wanted text NOT NULL,
    position bigint NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    changed_by uuid NOT NULL,
    paused_at bigint,
    paused_because text,
    fence bigint NOT NULL DEFAULT 0,
    leased_until bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    problem text,
    answered_at bigint
);

CREATE TABLE webhook_secrets (
    secret_id uuid CONSTRAINT webhook_secrets_secret PRIMARY KEY,
    webhook_id uuid NOT NULL,
    secret text NOT NULL,
    created_at bigint NOT NULL,
    ends_at bigint
);

CREATE TABLE webhook_notices (
    webhook_id uuid NOT NULL,
    position bigint NOT NULL,
    journey uuid NOT NULL,
    queued_at bigint NOT NULL,
    attempts integer NOT NULL,
    due_at bigint NOT NULL,
    problem text,
    parked_at bigint,
    CONSTRAINT webhook_notices_notice PRIMARY KEY (webhook_id, position)
);
