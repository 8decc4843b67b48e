"""The Containerfile, without a container: what it says, and that what it copies is enough to install and run."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.service.http.server import serving

ROOT = Path(__file__).resolve().parents[3]


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Containerfile").read_text().splitlines() if line and not line.startswith("#")]
    found = [tuple(line.split(" ", 1)) for line in lines]
    return [(word, rest) for word, rest in found]


def said(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def stages() -> Iterator[list[tuple[str, str]]]:
    stage: list[tuple[str, str]] = []
    for instruction in instructions():
        if instruction[0] == "FROM" and stage:
            yield stage
            stage = []
        stage.append(instruction)
    yield stage


def test_it_is_built_in_one_stage_and_runs_in_another_from_a_named_version() -> None:
    build, run = stages()
    assert [stage[0][0] for stage in (build, run)] == ["FROM", "FROM"]
    for base in said("FROM"):
        # No registry's name: whose mirror is used is not ours to say.
        assert re.fullmatch(r"python:3\.\d+-slim( AS build)?", base), base
    copied = [rest for word, rest in run if word == "COPY"]
    assert copied == ["--from=build /opt/dealtrail /opt/dealtrail"]


def test_it_runs_as_nobody_in_particular_and_is_told_to_stop_by_sigterm() -> None:
    *_, run = stages()
    words = [word for word, _ in run]
    (user,) = said("USER")
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) > 0
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(said("ENTRYPOINT")[0]) == ["dealtrail"]


def test_it_installs_what_is_locked_and_nothing_else() -> None:
    installs = [rest for rest in said("RUN") if " pip install " in rest]
    assert len(installs) == 2
    locked, ours = installs
    assert "--require-hashes" in locked
    assert "--requirement requirements/run.lock" in locked
    assert "--no-index --no-deps --no-build-isolation" in ours
    lock = (ROOT / "requirements" / "run.lock").read_text()
    assert "setuptools==" in lock
    assert "://" not in lock


def test_what_is_locked_is_enough_to_switch_telemetry_on() -> None:
    lock = (ROOT / "requirements" / "run.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["optional-dependencies"]["telemetry"]]
    assert wanted
    for each in wanted:
        version = re.search(rf"^{re.escape(each.name)}==(\S+)", lock, re.MULTILINE)
        assert version is not None, each.name
        assert each.specifier.contains(version[1])


def test_what_is_ignored_is_not_what_is_copied() -> None:
    let_in = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for rest in said("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    assert copied == let_in


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the copied files install, by the build's own last command; the locked packages are those of this run."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for rest in said("COPY"):
        *copied, to = rest.split()
        if "--from=build" in copied:
            continue
        for name in copied:
            place = source / (name if to == "./" else to)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, place)
    command = next(rest for rest in said("RUN") if "--no-build-isolation" in rest).split()
    assert command[0] == "/opt/dealtrail/bin/python"
    subprocess.run([sys.executable, *command[1:], "--quiet", f"--target={site}"], cwd=source, check=True)
    return site


def test_what_it_copies_is_enough_to_run(installed: Path, tmp_path: Path) -> None:
    def dealtrail(*arguments: str) -> str:
        command = [sys.executable, str(installed / "bin" / "dealtrail"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(installed)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "import engine, replay, service; print(engine.__file__, replay.__file__, service.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.check_output([sys.executable, "-c", where], cwd=tmp_path, env=environment, text=True)
    assert found.count(str(installed)) == 3
    assert "es" in dealtrail("pipeline", "presets")
    dealtrail("sample", "--to", "sample.db")
    assert json.loads(dealtrail("check", "--db", "sample.db", "--json"))["n"] == 0
    assert json.loads(dealtrail("board", "--db", "sample.db", "--json"))["n"] == 120


def test_its_health_check_tells_the_living_from_the_dead(sqlite_url: str) -> None:
    (told,) = said("HEALTHCHECK")
    command = json.loads(told[told.index("CMD ") + 4 :])
    assert command[0] == "python"

    def healthy(port: int) -> bool:
        # A container is often given the host's proxy.
        environment = {**os.environ, "DEALTRAIL_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
        done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, check=False)
        return done.returncode == 0

    with serving(sqlite_url) as service:
        assert healthy(service.port)
    assert not healthy(service.port)
