"""What the service may do in its database when it does not own it: write events, and never change one.

The tables belong to the role that made them (db init, db upgrade). The service comes in as another role, which is
granted exactly this: it can't change an event or what a command was answered, switch a trigger off, or alter or drop a
table. A fingerprint of a command it may change, because an erasure blanks those that a guess could be held against; and
since it makes keys and revokes them (an erased person's), it could let in whom it likes: to be guarded as a key is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from engine.errors import NotFound, Rejected
from engine.log.connect import SQLITE, connect, database
from engine.log.schema import require_current

GRANTS: Mapping[str, str] = {
    "events": "SELECT, INSERT",
    "commands": "SELECT, INSERT, UPDATE (fingerprint)",
    "people": "SELECT, INSERT, DELETE",
    "texts": "SELECT, INSERT, DELETE",
    "keys": "SELECT, INSERT, DELETE",
    "erasures": "SELECT, INSERT",
    "api_keys": "SELECT, INSERT, UPDATE (revoked_at)",
    "reads": "SELECT, INSERT",
    "webhooks": "SELECT, INSERT, UPDATE, DELETE",
    "webhook_secrets": "SELECT, INSERT, UPDATE, DELETE",
    "webhook_notices": "SELECT, INSERT, UPDATE, DELETE",
    "meta": "SELECT",
}
"""by table; what is not named here is not granted"""
ERASABLE = ("people", "texts", "keys", "commands")
MAINTAIN_FROM = 170000
"""the version of PostgreSQL that lets others than the owner vacuum, which an erasure does"""


@dataclass(frozen=True, slots=True)
class Granted:
    role: str
    created: bool
    tables: Mapping[str, str]


def grant(url: str, role: str, *, create: bool = False) -> Granted:
    """Limits the role to what the service needs, whatever it had on these tables before; create: make it, for login.

    To be called as the tables' owner. Raises NotFound where there is no such role; Rejected for SQLite, as anybody
    else, and where the role would still be more than it should: a superuser, an owner, or a member of the owner.
    """
    if database(url).get_backend_name() == SQLITE:
        raise Rejected("SQLite has no roles: who may write the file may write everything; PostgreSQL has them")
    require_current(url)
    engine = connect(database(url))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            _refuse_strangers(connection)
            made = _made(connection, role, create)
            _refuse_powerful(connection, role)
            _granted(connection, role)
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()
    return Granted(role, made, GRANTS)


def _refuse_strangers(connection: Connection) -> None:
    """PostgreSQL only warns who grants what is not theirs, and grants nothing."""
    found = connection.execute(text(_OWNERS), {"names": list(GRANTS)}).scalars().all()
    if found:
        raise Rejected(f"the log's tables are another role's: come in as their owner, {', '.join(found)}")


_OWNERS = """
SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
AND NOT pg_has_role(current_user, c.relowner, 'USAGE')
"""


def _made(connection: Connection, role: str, create: bool) -> bool:
    asked = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.execute(asked, {"role": role}).first():
        return False
    if not create:
        raise NotFound(f"there is no role {role!r}: make it with CREATE ROLE, or let --create do it")
    may = connection.exec_driver_sql("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if not may.scalar_one():
        raise Rejected(f"the tables' owner may not make roles: have {role!r} made (createuser), leave --create out")
    # Without a password: whoever runs the database sets one, or lets it in another way (pg_hba.conf).
    connection.exec_driver_sql(f"CREATE ROLE {quoted(connection, role)} LOGIN")
    return True


def _refuse_powerful(connection: Connection, role: str) -> None:
    """What a grant can't take back."""
    found: Any = connection.execute(text(_POWERS), {"role": role, "names": list(GRANTS)}).one()
    powers = {
        "is a superuser": found.superuser,
        "may make roles": found.makes_roles,
        "owns tables of the log": found.owns,
        "is a member of the tables' owner": found.member,
        "may make tables in the schema": found.makes_tables,
    }
    if any(powers.values()):
        why = ", ".join(why for why, holds in powers.items() if holds)
        raise Rejected(f"the role {role!r} {why}: take that away, or give the service a role of its own (--create)")


_POWERS = """
SELECT role.rolsuper AS superuser, role.rolcreaterole AS makes_roles,
    EXISTS (SELECT 1 FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace
            AND c.relname = ANY(:names) AND c.relowner = role.oid) AS owns,
    EXISTS (SELECT 1 FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace
            AND c.relname = ANY(:names) AND c.relowner <> role.oid
            AND pg_has_role(role.oid, c.relowner, 'MEMBER')) AS member,
    has_schema_privilege(role.oid, current_schema(), 'CREATE') AS makes_tables
FROM pg_roles AS role WHERE role.rolname = :role
"""


def _granted(connection: Connection, role: str) -> None:
    to = quoted(connection, role)
    schema, name = connection.exec_driver_sql("SELECT current_schema(), current_database()").one()
    version = connection.exec_driver_sql("SELECT current_setting('server_version_num')::int").scalar_one()
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {quoted(connection, name)} TO {to}")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {quoted(connection, schema)} TO {to}")
    for table, rights in GRANTS.items():
        connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM PUBLIC, {to}")
        connection.exec_driver_sql(f"GRANT {rights} ON {table} TO {to}")
    if version >= MAINTAIN_FROM:
        connection.exec_driver_sql(f"GRANT MAINTAIN ON {', '.join(ERASABLE)} TO {to}")


def quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
