"""What an address of a database may say, and what a database must be to hold a log."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, make_url

from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.log.connect import connect, database
from engine.log.people import people_frame
from engine.log.writes import Erasable, Person
from tests.postgres import Server


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("postgresql://me:pa@ss/word@host/sales", "%40 for @"),
        ("postgresql://me:pass?wo@rd@host/sales", "%40 for @"),
        ("postgresql://me:password@one:5432,two:5432/sales", "host=one:5432&host=two:5432"),
        ("postgresql://me:password@host/sales?sslmod=require", "'sslmod'"),
    ],
)
def test_an_address_that_can_not_be_right_is_refused_without_showing_its_password(address: str, remedy: str) -> None:
    with pytest.raises(Rejected, match=remedy) as refused:
        database(address)
    assert "pass" not in str(refused.value).replace("password@", "").replace("password's", "")


def settings_of(url: str, **options: str) -> dict[str, str]:
    engine = connect(database(make_url(url).update_query_dict(options).render_as_string(hide_password=False)))
    names = ("lock_timeout", "search_path", "client_encoding", "application_name")
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names}
    engine.dispose()
    return found


def test_options_of_an_address_come_beside_ours_and_before_them(postgres_url: str) -> None:
    ours = settings_of(postgres_url)
    assert (ours["lock_timeout"], ours["application_name"]) == ("5s", "dealtrail")
    asked = settings_of(postgres_url, options="-c search_path=crm -c lock_timeout=2s", application_name="crm")
    assert asked == {**ours, "search_path": "crm", "lock_timeout": "2s", "application_name": "crm"}


def test_texts_of_all_the_world_are_kept_whatever_encoding_the_role_would_speak(
    postgres_url: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.execute(f'ALTER DATABASE "{make_url(postgres_url).database}" SET client_encoding = latin1')
    monkeypatch.setenv("PGCLIENTENCODING", "latin1")
    log = Log(postgres_url)
    log.append([], Erasable(people=[Person(uuid4(), "customer", "crm", "1", name="Živa ☕")]))
    assert people_frame(log)["name"].to_list() == ["Živa ☕"]
    log.close()


@pytest.mark.parametrize("server", ["lock_timeout=0", "plan_cache_mode=auto"])
def test_a_connection_whose_limits_a_pooler_drops_is_refused(postgres_url: str, server: str) -> None:
    dropped = make_url(postgres_url).update_query_dict({"options": f"-c {server}"})
    with pytest.raises(Rejected, match="pooler"):
        Log(dropped.render_as_string())


def test_a_server_too_old_to_have_been_tried_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST", 99)
    monkeypatch.setattr(schema, "meta", schema.meta.to_metadata(MetaData(), name="not_there"))
    with pytest.raises(Rejected, match="99 is the oldest"):
        schema.init(postgres_url)


@pytest.fixture
def made(postgres_server: Server) -> Iterator[str]:
    name = f"made_{uuid4().hex}"
    yield name
    postgres_server.drop(name)


def test_a_database_that_does_not_hold_every_text_is_refused_before_anything_is_in_it(
    postgres_server: Server, made: str
) -> None:
    postgres_server.execute(f"CREATE DATABASE {made} ENCODING latin1 LOCALE 'C' TEMPLATE template0")
    with pytest.raises(Rejected, match=r"LATIN1.*--encoding=UTF8"):
        schema.init(postgres_server.url(made))
    assert schema.status(postgres_server.url(made)).state == "missing"


def test_a_database_whose_schema_is_not_there_is_refused(postgres_server: Server, made: str) -> None:
    url = postgres_server.create(made)
    postgres_server.execute(f"ALTER DATABASE {made} SET search_path = nowhere")
    with pytest.raises(Rejected, match="search_path"):
        schema.init(url)
