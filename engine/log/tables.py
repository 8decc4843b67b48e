"""The tables as they are now. How a database gets there: schema.py and the folder migrations.

Times are microseconds since the epoch UTC. Ids are uuid on PostgreSQL and 16 bytes on SQLite.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID as POSTGRES_UUID
from sqlalchemy.types import TypeEngine

NEWEST = 3
"""The version of the schema that these are, and this program reads and writes; meta says which one a log has."""

metadata = MetaData()

Id: TypeEngine[Any] = LargeBinary(16).with_variant(POSTGRES_UUID(), "postgresql")
Micros = BigInteger

events = Table(
    "events",
    metadata,
    Column("position", BigInteger, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("stream_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", Micros, nullable=False),
    Column("recorded_at", Micros, nullable=False),
    Column("actor", Id, nullable=False),
    Column("command_id", Id, nullable=False),
    Column("correlation_id", Id, nullable=False),
    Column("causation_id", Id),
    Column("origin", Text, nullable=False),
    Column("payload", Text, nullable=False),
    PrimaryKeyConstraint("position", name="events_position"),
    UniqueConstraint("stream_id", "version", name="events_stream_version"),
)
"""The log itself. Never changed: triggers refuse it."""

people = Table(
    "people",
    metadata,
    Column("person_id", Id, nullable=False),
    Column("role", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    PrimaryKeyConstraint("person_id", name="people_person"),
    UniqueConstraint("source", "key", name="people_source_key"),
)
"""Who is who. Erasable: events know only person_id."""

texts = Table(
    "texts",
    metadata,
    Column("text_id", Id, nullable=False),
    Column("stream_id", Id, nullable=False),
    Column("body", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    PrimaryKeyConstraint("text_id", name="texts_text"),
    Index("texts_stream", "stream_id"),
)
"""Free text. Erasable, with the salt of its hash."""

keys = Table(
    "keys",
    metadata,
    Column("stream_id", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("stream_id", name="keys_stream"),
    UniqueConstraint("key", "source", name="keys_key_source"),
)
"""What a lead or deal is called in the system it came from. Erasable."""

commands = Table(
    "commands",
    metadata,
    Column("command_id", Id, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("recorded_at", Micros, nullable=False),
    PrimaryKeyConstraint("command_id", name="commands_command"),
)
"""Accepted commands, written with their events, so that a retry gets the first's answer."""

erasures = Table(
    "erasures",
    metadata,
    Column("person_id", Id, nullable=False),
    Column("erased_at", Micros, nullable=False),
    Column("actor", Id, nullable=False),
    PrimaryKeyConstraint("person_id", "erased_at", name="erasures_person"),
)
"""That somebody was erased, when and by whom; not who it was."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Id, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("expires_at", Micros),
    Column("revoked_at", Micros),
    PrimaryKeyConstraint("key_id", name="api_keys_key"),
    UniqueConstraint("hash", name="api_keys_hash"),
)
"""Who may use the service, and as what; of a key only its hash is kept."""

reads = Table(
    "reads",
    metadata,
    Column("read_id", Id, nullable=False),
    Column("read_at", Micros, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("path", Text, nullable=False),
    Column("query", Text, nullable=False),
    PrimaryKeyConstraint("read_id", name="reads_read"),
    Index("reads_at", "read_at"),
)
"""What auditors have asked for through the service."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("changed_at", Micros, nullable=False),
    Column("changed_by", Id, nullable=False),
    Column("paused_at", Micros),
    Column("paused_because", Text),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("leased_until", Micros, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("answered_at", Micros),
    PrimaryKeyConstraint("webhook_id", name="webhooks_webhook"),
)
"""Who is told of which events, up to which position the log was looked through, and who sends (docs/webhooks.md)."""

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("secret_id", Id, nullable=False),
    Column("webhook_id", Id, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("ends_at", Micros),
    PrimaryKeyConstraint("secret_id", name="webhook_secrets_secret"),
)
"""What notices are signed with; several while one takes the place of another."""

webhook_notices = Table(
    "webhook_notices",
    metadata,
    Column("webhook_id", Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("journey", Id, nullable=False),
    Column("queued_at", Micros, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Micros, nullable=False),
    Column("problem", Text),
    Column("parked_at", Micros),
    PrimaryKeyConstraint("webhook_id", "position", name="webhook_notices_notice"),
)
"""What a webhook has looked at and not delivered yet, or has given up (parked). What was delivered leaves no row."""

meta = Table(
    "meta",
    metadata,
    Column("one", Integer, nullable=False),
    Column("log_id", Id, nullable=False),
    Column("schema_version", Integer, nullable=False),
    PrimaryKeyConstraint("one", name="meta_one"),
)
"""One row: which log this is, and which version of the schema it has."""
