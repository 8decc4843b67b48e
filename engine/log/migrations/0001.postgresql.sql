CREATE TABLE meta (
    one integer CONSTRAINT meta_one PRIMARY KEY CHECK (one = 1),
    log_id uuid NOT NULL,
    schema_version integer NOT NULL
);

CREATE TABLE events (
    position bigint CONSTRAINT events_position PRIMARY KEY,
    event_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    actor uuid NOT NULL,
    command_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    origin text NOT NULL,
    payload text NOT NULL,
    CONSTRAINT events_stream_version UNIQUE (stream_id, version)
);

CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted (%): record a correction as a new event', TG_OP;
END
$$;

-- Of the statement, not of the row: an UPDATE that meets no row is refused as well, and inserts pay nothing.
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change();

CREATE TABLE people (
    person_id uuid CONSTRAINT people_person PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('rep', 'customer', 'actor')),
    source text NOT NULL,
    key text NOT NULL,
    name text,
    email text,
    phone text,
    CONSTRAINT people_source_key UNIQUE (source, key)
);

CREATE TABLE texts (
    text_id uuid CONSTRAINT texts_text PRIMARY KEY,
    stream_id uuid NOT NULL,
    body text NOT NULL,
    salt bytea NOT NULL
);

CREATE INDEX texts_stream ON texts (stream_id);

CREATE TABLE keys (
    stream_id uuid CONSTRAINT keys_stream PRIMARY KEY,
    source text NOT NULL,
    key text NOT NULL,
    CONSTRAINT keys_key_source UNIQUE (key, source)
);

CREATE TABLE commands (
    command_id uuid CONSTRAINT commands_command PRIMARY KEY,
    fingerprint text NOT NULL,
    result text NOT NULL,
    recorded_at bigint NOT NULL
);

CREATE TABLE erasures (
    person_id uuid NOT NULL,
    erased_at bigint NOT NULL,
    actor uuid NOT NULL,
    CONSTRAINT erasures_person PRIMARY KEY (person_id, erased_at)
);
