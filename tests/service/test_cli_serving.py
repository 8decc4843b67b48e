"""What keeps the service from starting is one sentence, before anybody is told that it serves."""

import json
import socket
import tempfile
from pathlib import Path

import pytest

from service.cli import exits
from service.settings import unknown_settings
from tests.service.commandline import Said, run
from tests.service.http.conftest import publish


@pytest.fixture
def url(sqlite_url: str) -> str:
    publish(sqlite_url)
    return sqlite_url


def refused(url: str, code: int, *words: str, options: tuple[str, ...] = ("--port", "0")) -> Said:
    said = run("serve", "--first-key", "--db", url, *options)
    said.refused(code, "dealtrail:", *words)
    assert "serves" not in said.out + said.err
    assert "dt_" not in said.out + said.err
    # A key that was made and not shown would be lost.
    assert run("keys", "list", "--db", url, "--json").answer["keys"] == []
    return said


def test_a_port_that_is_taken_is_named_with_what_to_do(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused(url, exits.NO_ADDRESS, f"port {port} of 127.0.0.1 is taken", "--port", options=("--port", port))


def test_what_a_library_remarks_of_its_settings_is_a_line_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEALTRAIL_TELEMETRY", "otlp")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "sometimes")
    said = run("serve", "--port", "0", "--db", tmp_path / "nowhere.db")
    *lines, last = said.err.splitlines()
    assert last.startswith("dealtrail: there is no log")
    assert any("sometimes" in json.loads(line)["message"] for line in lines)


def test_an_empty_host_lets_nobody_in_unasked(url: str) -> None:
    refused(url, exits.REFUSED, "--host", "0.0.0.0", options=("--port", "0", "--host", ""))


def test_several_processes_need_a_place_to_count_in(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/1"])
    refused(url, exits.REFUSED, "--workers", "TMPDIR", options=("--port", "0", "--workers", "2"))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine_is_refused(url: str, host: str) -> None:
    refused(url, exits.NO_ADDRESS, "--host", host, options=("--port", "0", "--host", host))


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("DEALTRAIL_OIDC_ISSUER", "http://login.example.com", "DEALTRAIL_OIDC_ISSUER"),
        ("DEALTRAIL_OIDC_ISSUER", "https://login.example.com", "DEALTRAIL_OIDC_AUDIENCE"),
        ("DEALTRAIL_WEBHOOK_NETWORKS", "10.1.0.0/99", "10.1.0.0/99"),
        ("DEALTRAIL_PORT", "70000", "at most 65535"),
        ("DEALTRAIL_WORKERS", "65", "at most 64"),
        ("DEALTRAIL_PORT", "http", "no whole number"),
        ("DEALTRAIL_PATIENCE_SECONDS", "nan", "no number"),
        ("DEALTRAIL_BODY_SECONDS", "inf", "no number"),
        ("DEALTRAIL_WEBHOOK_DAYS", "some", "no number"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(
    url: str, name: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    said = refused(url, exits.REFUSED, name if "AUDIENCE" not in word else word, word)
    assert "class" not in said.err


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_is_meant() -> None:
    known = {"DEALTRAIL_DB": "x", "DEALTRAIL_PORT": "1", "DEALTRAIL_WEBHOOK_KEY_FILE": "y", "PATH": "z"}
    assert unknown_settings(known) == []
    misspelt, nothing = unknown_settings({**known, "DEALTRAIL_PROT": "1", "DEALTRAIL_ZZZ": "1"})
    assert misspelt == "DEALTRAIL_PROT is no setting, and changes nothing: is DEALTRAIL_PORT meant?"
    assert nothing.startswith("DEALTRAIL_ZZZ is no setting")
