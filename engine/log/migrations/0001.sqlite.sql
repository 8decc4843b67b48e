CREATE TABLE meta (
    one INTEGER NOT NULL CONSTRAINT meta_one PRIMARY KEY CHECK (one = 1),
    log_id BLOB NOT NULL CHECK (length(log_id) = 16),
    schema_version INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    position INTEGER NOT NULL CONSTRAINT events_position PRIMARY KEY,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    stream_id BLOB NOT NULL CHECK (length(stream_id) = 16),
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor BLOB NOT NULL CHECK (length(actor) = 16),
    command_id BLOB NOT NULL CHECK (length(command_id) = 16),
    correlation_id BLOB NOT NULL CHECK (length(correlation_id) = 16),
    causation_id BLOB CHECK (length(causation_id) = 16),
    origin TEXT NOT NULL,
    payload TEXT NOT NULL,
    CONSTRAINT events_stream_version UNIQUE (stream_id, version)
) STRICT;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed: record a correction as a new event');
END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never deleted: record a correction as a new event');
END;

-- No holes, and no INSERT OR REPLACE over an event.
CREATE TRIGGER events_in_order BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN
    SELECT RAISE(ABORT, 'an event takes the position after the last one');
END;

CREATE TABLE people (
    person_id BLOB NOT NULL CONSTRAINT people_person PRIMARY KEY CHECK (length(person_id) = 16),
    role TEXT NOT NULL CHECK (role IN ('rep', 'customer', 'actor')),
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT,
    email TEXT,
    phone TEXT,
    CONSTRAINT people_source_key UNIQUE (source, key)
) STRICT;

CREATE TABLE texts (
    text_id BLOB NOT NULL CONSTRAINT texts_text PRIMARY KEY CHECK (length(text_id) = 16),
    stream_id BLOB NOT NULL CHECK (length(stream_id) = 16),
    body TEXT NOT NULL,
    salt BLOB NOT NULL
) STRICT;

CREATE INDEX texts_stream ON texts (stream_id);

CREATE TABLE keys (
    stream_id BLOB NOT NULL CONSTRAINT keys_stream PRIMARY KEY CHECK (length(stream_id) = 16),
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    CONSTRAINT keys_key_source UNIQUE (key, source)
) STRICT;

CREATE TABLE commands (
    command_id BLOB NOT NULL CONSTRAINT commands_command PRIMARY KEY CHECK (length(command_id) = 16),
    fingerprint TEXT NOT NULL,
    result TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

CREATE TABLE erasures (
    person_id BLOB NOT NULL CHECK (length(person_id) = 16),
    erased_at INTEGER NOT NULL,
    actor BLOB NOT NULL CHECK (length(actor) = 16),
    CONSTRAINT erasures_person PRIMARY KEY (person_id, erased_at)
) STRICT;
