"""API keys: made on the command line, shown once, kept as a hash, ended by revocation or by time."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.people import ensure_people, person
from service.cli import exits
from service.keys import create_key, find_key, owner_of_key, revoke_key
from tests.service.commandline import run

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_key_is_found_by_its_text_alone(log: Log) -> None:
    someone = owner_of_key(log, "rep-01")
    shown, key = create_key(log, someone, "rep", now=NOW, expires_at=NOW + timedelta(days=1))
    assert find_key(log, shown) == key
    assert find_key(log, shown[:-1]) is None
    assert find_key(log, key.prefix) is None
    assert find_key(log, "x" * 10_000_000) is None


def test_the_secret_of_a_key_has_256_bits_and_is_nowhere_in_the_database(log: Log) -> None:
    shown, key = create_key(log, owner_of_key(log, "rep-01"), "rep", now=NOW)
    secret = shown.removeprefix(f"dt_{key.prefix}_")
    assert len(secret) * 6 >= 256
    with log.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert not any(secret in str(value) for value in row)


def test_a_key_ends_at_its_time_or_when_it_is_revoked(log: Log) -> None:
    shown, key = create_key(log, owner_of_key(log, "rep-01"), "rep", now=NOW, expires_at=NOW + timedelta(days=1))
    assert key.valid(NOW)
    assert not key.valid(NOW + timedelta(days=1))
    revoke_key(log, key.prefix, NOW)
    found = find_key(log, shown)
    assert found is not None
    assert not found.valid(NOW)
    assert revoke_key(log, key.prefix, NOW + timedelta(hours=1)).revoked_at == NOW


def test_an_unknown_prefix_is_not_revoked(log: Log) -> None:
    with pytest.raises(NotFound, match="keys list"):
        revoke_key(log, "00000000", NOW)


def test_a_key_belongs_to_the_rep_of_an_import_and_not_to_a_namesake(log: Log) -> None:
    imported = ensure_people(log, [("rep", "crm", "rep-01")])["crm", "rep-01"].person_id
    assert (
        owner_of_key(log, "rep-01") == owner_of_key(log, "crm:rep-01") == owner_of_key(log, str(imported)) == imported
    )
    ensure_people(log, [("rep", "erp", "rep-01")])
    with pytest.raises(Rejected, match="crm:rep-01 or erp:rep-01"):
        owner_of_key(log, "rep-01")


def test_a_person_who_is_nobody_yet_is_added(log: Log) -> None:
    found = person(log, "login", "new-one")
    assert found is None
    assert owner_of_key(log, "new-one") == owner_of_key(log, "login:new-one")
    assert person(log, "login", "new-one") is not None


def test_the_command_line_shows_a_key_once(own_sample: Path) -> None:
    said = run("keys", "create", "--role", "auditor", "--person", "rep-01", "--db", own_sample)
    assert said.code == exits.OK
    assert re.fullmatch(r"dt_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n", said.out)
    prefix = said.out.split("_")[1]
    listed = run("keys", "list", "--db", own_sample, "--json")
    assert [(key["prefix"], key["role"], key["person"]) for key in listed.answer["keys"]] == [
        (prefix, "auditor", "rep-01")
    ]
    assert said.out.strip() not in listed.out
    assert run("keys", "revoke", prefix, "--db", own_sample).code == exits.OK
    assert run("keys", "list", "--db", own_sample, "--json").answer["keys"][0]["revoked_at"] is not None
    run("keys", "revoke", "ffffffff", "--db", own_sample).refused(exits.NOT_FOUND, "ffffffff")
    run("keys", "create", "--role", "king", "--person", "rep-01", "--db", own_sample).refused(exits.USAGE, "king")
