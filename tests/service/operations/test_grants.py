"""The service's role in PostgreSQL: it runs the service and can't change an event, nor switch off what refuses it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.grants import GRANTS, grant
from engine.log.tables import metadata
from service.cli import exits
from tests.postgres import Server
from tests.service.commandline import run
from tests.service.http.conftest import publish
from tests.service.http.server import Service, serving


def as_role(url: str, role: str) -> str:
    where: URL = make_url(url).set(username=role)
    return where.render_as_string(hide_password=False)


@pytest.fixture
def role() -> str:
    return f"Service {uuid4().hex[:8]}"


@pytest.fixture
def limited(postgres_url: str, role: str) -> str:
    """The URL of a log as the service's role comes in."""
    publish(postgres_url)
    assert grant(postgres_url, role, create=True).created
    return as_role(postgres_url, role)


@pytest.fixture
def service(limited: str) -> Iterator[Service]:
    with serving(limited) as running:
        yield running


FORBIDDEN = [
    "UPDATE events SET payload = '{}' WHERE position = 1",
    "DELETE FROM events WHERE position = 1",
    "TRUNCATE events",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "ALTER TABLE events DISABLE TRIGGER events_no_change",
    "DROP TRIGGER events_no_change ON events",
    "CREATE OR REPLACE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "ALTER TABLE events ADD COLUMN note text",
    "CREATE TRIGGER mine BEFORE INSERT ON events EXECUTE FUNCTION events_refuse_change()",
    "CREATE RULE mine AS ON INSERT TO events DO INSTEAD NOTHING",
    "DROP TABLE events CASCADE",
    "CREATE TABLE mine (id int)",
    "UPDATE meta SET schema_version = 1",
    "UPDATE commands SET result = '{}'",
    "DELETE FROM commands",
    "UPDATE people SET name = 'x'",
    "UPDATE texts SET body = 'x'",
    "DELETE FROM erasures",
    "DELETE FROM reads",
    "UPDATE reads SET path = 'x'",
    "UPDATE api_keys SET role = 'admin'",
    "DELETE FROM api_keys",
    "CREATE ROLE other",
]


def test_the_role_can_change_nothing_that_is_proof(limited: str) -> None:
    log = Log(limited)
    for statement in FORBIDDEN:
        with log.engine.connect() as connection, pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            connection.exec_driver_sql(statement)
    assert log.position() == 2
    log.close()


def test_the_service_lives_on_what_the_role_may(service: Service) -> None:
    manager, admin = service.client("manager"), service.client("admin")
    customer = {"source": "crm", "key": "c1", "name": "Customer"}
    opened = manager.post("/v1/deals", {"pipeline": "loans", "title": "a title", "person": customer})
    deal = opened.answer["stream_id"]
    manager.post(f"/v1/journeys/{deal}/touch", {"kind": "call", "note": "rang"}).done()
    service.client("auditor").get("/v1/board").done()
    assert manager.post("/v1/people/c1/correct", {"name": "Another"}).answer["changed"] == ["name"]
    assert admin.get("/v1/people/c1").answer["name"] == "Another"
    assert admin.send("DELETE", "/v1/people/c1").answer["rows"] >= 2
    service.client("ops").get("/metrics").done()
    assert manager.get(f"/v1/journeys/{deal}/history").answer


def test_every_table_is_granted_as_much_as_it_needs_and_no_table_is_forgotten(limited: str) -> None:
    assert set(GRANTS) == set(metadata.tables)
    log = Log(limited)
    with log.engine.connect() as connection:
        tables = {
            row.tablename: row.tableowner
            for row in connection.exec_driver_sql(
                "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'"
            )
        }
    log.close()
    assert set(tables) == set(GRANTS)
    assert set(tables.values()) == {"postgres"}


def test_what_the_role_had_before_is_taken_away(postgres_url: str, limited: str, role: str) -> None:
    owner = Log(postgres_url)
    with owner.engine.connect() as connection:
        connection.exec_driver_sql(f'GRANT UPDATE, DELETE, TRUNCATE, TRIGGER ON events TO "{role}"')
        connection.exec_driver_sql("GRANT UPDATE ON events TO PUBLIC")
        connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER ALL")
    said = run("db", "grant", role, "--db", postgres_url, "--json").answer
    assert (said["created"], said["tables"]["events"]) == (False, "SELECT, INSERT")
    log = Log(limited)
    for statement in FORBIDDEN[:3]:
        with log.engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql(statement)
    log.close()
    owner.close()


def test_a_role_that_would_still_be_more_is_refused(postgres_url: str, postgres_server: Server, role: str) -> None:
    log = Log(postgres_url)

    def does(statement: str) -> None:
        with log.engine.connect() as connection:
            connection.exec_driver_sql(statement)

    with pytest.raises(Rejected, match="superuser"):
        grant(postgres_url, "postgres")
    does(f'CREATE ROLE "{role}" CREATEROLE')
    with pytest.raises(Rejected, match="may make roles"):
        grant(postgres_url, role)
    does(f'ALTER ROLE "{role}" NOCREATEROLE')
    does(f'GRANT postgres TO "{role}"')
    with pytest.raises(Rejected, match="member of the tables' owner"):
        grant(postgres_url, role)
    does(f'REVOKE postgres FROM "{role}"')
    does(f'GRANT CREATE ON SCHEMA public TO "{role}"')
    with pytest.raises(Rejected, match="may make tables"):
        grant(postgres_url, role)
    does(f'REVOKE CREATE ON SCHEMA public FROM "{role}"')
    does(f'ALTER TABLE reads OWNER TO "{role}"')
    with pytest.raises(Rejected, match="owns tables"):
        grant(postgres_url, role)
    does("ALTER TABLE reads OWNER TO postgres")
    assert not grant(postgres_url, role).created
    log.close()


def test_the_command_line_says_what_is_wrong(postgres_url: str, sqlite_url: str, role: str) -> None:
    run("db", "grant", role, "--db", postgres_url).refused(exits.NOT_FOUND, role, "--create")
    run("db", "grant", role, "--db", sqlite_url).refused(exits.REFUSED, "SQLite has no roles")
    made = run("db", "grant", role, "--create", "--db", postgres_url)
    assert made.code == exits.OK
    assert "events: select, insert\n" in made.out


def test_an_owner_that_may_do_less_is_told_what_it_may_not(postgres_url: str, role: str) -> None:
    owner, other = f"owner {role}", f"other {role}"
    log = Log(postgres_url)
    with log.engine.connect() as connection:
        for each in (owner, role, other):
            connection.exec_driver_sql(f'CREATE ROLE "{each}" LOGIN')
        for table in metadata.tables:
            connection.exec_driver_sql(f'ALTER TABLE "{table}" OWNER TO "{owner}"')
    log.close()
    as_owner, as_service = as_role(postgres_url, owner), as_role(postgres_url, role)
    refused = run("db", "grant", "nobody yet", "--create", "--db", as_owner)
    refused.refused(exits.REFUSED, "may not make roles", "createuser")
    assert run("db", "grant", role, "--db", as_owner).code == exits.OK
    run("db", "grant", other, "--db", as_service).refused(exits.REFUSED, "another role's", owner)
    # What the database itself refuses is no bug of ours.
    run("keys", "list", "--db", as_role(postgres_url, other)).refused(exits.REFUSED, "permission denied", "may")
