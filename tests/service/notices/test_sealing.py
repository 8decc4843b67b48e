"""Secrets are kept sealed: a copy of the database alone signs nothing, and keys are changed while notices go out."""

import asyncio
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update
from standardwebhooks import Webhook as Verifier

from engine.aggregates.lead.commands import CaptureLead
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.log.copying import copy_log
from engine.log.tables import commands, webhook_secrets
from service.notices import lease, webhooks
from service.notices.changes import new_change
from service.notices.posting import Poster
from service.notices.sealing import FILE_VARIABLE, add_key, key_file, seal, unseal
from service.notices.trying import try_out
from tests.service.commandline import run
from tests.service.notices.receiver import receiving
from tests.service.notices.world import LOOPBACK, REP, hooked, send_all, told


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file of the test's own."""
    file = tmp_path / "own.keys"
    add_key(file)
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    return file


def kept(log: Log, *columns: Any) -> list[str]:
    with log.engine.connect() as connection:
        return list(connection.execute(select(*columns)).scalars())


def test_no_secret_stands_in_the_database(log: Log) -> None:
    made, first = hooked(log, "https://example.com/")
    _, second = webhooks.rotate(log, new_change(made.webhook_id), made.webhook_id, hours=1)
    for text in kept(log, webhook_secrets.c.secret) + kept(log, commands.c.result):
        assert not any(part in text for part in (first, second, "whsec_"))
    assert {unseal(log.url, text) for text in kept(log, webhook_secrets.c.secret)} == {first, second}


def test_beside_an_sqlite_database_a_key_file_is_made_for_its_owner_alone(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    file = key_file(sqlite_url)
    assert file is not None
    assert file.name == "log.db.webhook-keys"
    log = Log(sqlite_url)
    hooked(log, "https://example.com/a")
    written = file.read_text()
    hooked(log, "https://example.com/b")
    assert file.read_text() == written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if "keys" in path.name] == [file.name]
    log.close()


def test_on_postgresql_no_webhook_is_made_without_a_key(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    log = Log(postgres_url)
    with pytest.raises(Rejected, match=f"{FILE_VARIABLE} name a file.*webhooks seal --new-key"):
        hooked(log, "https://example.com/")
    assert webhooks.every(log) == []
    assert kept(log, commands.c.result) == []
    log.close()


def test_of_several_that_need_the_first_key_one_makes_it(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    begin = threading.Barrier(8)

    def sealed(number: int) -> str:
        begin.wait()
        return seal(sqlite_url, f"secret {number}")

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(sealed, range(8)))
    assert [unseal(sqlite_url, text) for text in texts] == [f"secret {number}" for number in range(8)]
    file = key_file(sqlite_url)
    assert file is not None
    assert len(file.read_text().split()) == 1


def test_a_key_file_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="nowhere/keys can't be written: No such file"):
        add_key(tmp_path / "nowhere" / "keys")


def test_keys_are_changed_while_notices_go_out(log: Log, keys: Path) -> None:
    told(log, deals=1, entries=1)
    with receiving() as receiver:
        _, secret = hooked(log, receiver.url)
        send_all(log)
        old = keys.read_text()
        said = run("webhooks", "seal", "--new-key", "--db", log.url, "--json").answer
        assert said["secrets"] == 1
        assert keys.read_text().endswith(old)
        # The old key may go now.
        keys.write_text(keys.read_text().split()[0] + "\n")
        handle(log, CaptureLead(pipeline="sales"), actor=REP, origin="cli")
        send_all(log)
        assert len(receiver.got) == log.position()
        for got in receiver.got:
            Verifier(secret).verify(got.body, dict(got.headers))


def test_a_secret_that_was_kept_open_signs_on_and_is_sealed_when_asked(log: Log) -> None:
    told(log, deals=1, entries=1)
    with receiving() as receiver:
        made, secret = hooked(log, receiver.url)
        with log.engine.begin() as connection:
            connection.execute(update(webhook_secrets).values(secret=secret))
        answer = asyncio.run(try_out(log, Poster(LOOPBACK), made.webhook_id))
        assert answer.accepted
        Verifier(secret).verify(receiver.got[0].body, dict(receiver.got[0].headers))
    assert ": 1 secrets of webhooks" in run("webhooks", "seal", "--db", log.url).out
    (text,) = kept(log, webhook_secrets.c.secret)
    assert (secret in text, unseal(log.url, text)) == (False, secret)


def test_without_its_key_a_webhook_waits_and_says_why(log: Log, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
    told(log, deals=1, entries=1)
    right = keys.read_text()
    with receiving() as receiver:
        made, _ = hooked(log, receiver.url)
        keys.write_text(Fernet.generate_key().decode())
        send_all(log)
        found = webhooks.get(log, made.webhook_id)
        assert (receiver.got, found.failures, found.parked) == ([], 1, 0)
        assert "not in the key file" in (found.problem or "")
        run("webhooks", "test", made.webhook_id.hex, "--db", log.url).refused(3, FILE_VARIABLE)
        keys.unlink()
        run("webhooks", "test", made.webhook_id.hex, "--db", log.url).refused(3, "can't be read")
        keys.write_text(right)
        send_all(log)
        assert len(receiver.got) == log.position()
    assert webhooks.get(log, made.webhook_id).failures == 0


def test_where_the_key_is_lost_another_secret_takes_its_place(log: Log, keys: Path) -> None:
    told(log, deals=1, entries=1)
    with receiving() as receiver:
        made, _ = hooked(log, receiver.url)
        keys.write_text(Fernet.generate_key().decode())
        _, secret = webhooks.rotate(log, new_change(made.webhook_id), made.webhook_id, hours=0)
        send_all(log)
        assert len(receiver.got) == log.position()
        Verifier(secret).verify(receiver.got[0].body, dict(receiver.got[0].headers))


def test_a_copy_of_the_database_sends_nothing_without_the_key_and_all_of_it_with_it(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FILE_VARIABLE)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
    log, there = Log(sqlite_url), f"sqlite:///{tmp_path / 'elsewhere'}"
    told(log, deals=1, entries=1)
    with receiving() as receiver:
        _, secret = hooked(log, receiver.url)
        log.close()
        copy_log(sqlite_url, there)
        copy = Log(there)
        send_all(copy)
        assert receiver.got == []
        monkeypatch.setenv(FILE_VARIABLE, f"{tmp_path / 'log.db'}.webhook-keys")
        send_all(copy)
        assert len(receiver.got) == copy.position()
        Verifier(secret).verify(receiver.got[0].body, dict(receiver.got[0].headers))
        copy.close()


@pytest.mark.parametrize(("text", "why"), [("", "holds no key"), ("secret\n", "no key: each is 32 bytes")])
def test_a_file_that_holds_no_key_is_named(keys: Path, text: str, why: str) -> None:
    keys.write_text(text)
    with pytest.raises(Rejected, match=why):
        seal("sqlite:///x.db", "whsec_")
