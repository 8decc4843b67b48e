"""The project itself: locks, versions, help texts, make."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from service.cli.commands import app
from tests.service.commandline import run

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("bootstrap.lock", "run.lock", "test.lock")
TARGETS = ("setup", "run", "serve", "test", "check", "contract", "bench", "lock", "clean", "help")
EMPTY_ENVIRONMENT = {"PATH": os.environ["PATH"]}


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|^-[if] | @ ", text, re.MULTILINE)
    blocks = [block for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE) if "==" in block]
    assert len(blocks) == len(pins(lock)) > 0
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_hold_all_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(asked: list[str]) -> set[str]:
        return {re.split(r"[<>=\s;\[]", line)[0].lower().replace("_", "-") for line in asked}

    assert names(project["dependencies"]) | {"setuptools"} <= pins("run.lock").keys()
    extras = {name: names(asked) - {project["name"]} for name, asked in project["optional-dependencies"].items()}
    assert set().union(*extras.values()) <= pins("test.lock").keys()
    assert pins("run.lock").items() <= pins("test.lock").items()


def test_the_versions_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
    assert run("--version").out == f"dealtrail {version}\n"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_of_options_it_knows(path: tuple[str, ...]) -> None:
    said = run(*path, "--help")
    assert said.code == 0
    example = re.search(r"^Example: dealtrail (.*)$", COMMANDS[path].epilog or "", re.MULTILINE)
    assert example is not None
    assert example[1].split()[: len(path)] == list(path)
    known = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", example[1])) <= known


def test_the_help_tells_what_exit_codes_mean() -> None:
    said = run("--help").out
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "70 "):
        assert re.search(rf"^\s*{code}", said, re.MULTILINE), code


def make(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=folder, env=EMPTY_ENVIRONMENT, capture_output=True, check=True)
    return done.stdout.decode()


def test_make_says_what_there_is_to_do() -> None:
    said = make(ROOT)
    assert [line.split()[1] for line in said.splitlines()] == sorted(TARGETS, key=said.index)
    assert all(f"make {target} " in said for target in TARGETS)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files make looks at, as after a first setup."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / ".venv").mkdir()
    for moment, stamp in enumerate((".uv", ".run", ".test")):
        (tmp_path / ".venv" / stamp).touch()
        at = (tmp_path / "Makefile").stat().st_mtime + 10 + moment
        os.utime(tmp_path / ".venv" / stamp, (at, at))
    for file in (*(tmp_path / "requirements").iterdir(), tmp_path / "pyproject.toml"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return tmp_path


@pytest.mark.parametrize("target", ["setup", "run", "test", "bench"])
def test_a_second_run_installs_nothing(target: str, checkout: Path) -> None:
    said = make(checkout, "--dry-run", target)
    assert "pip" not in said
    assert len(said.splitlines()) == 1


def test_a_new_lock_is_installed_before_the_tests_run(checkout: Path) -> None:
    os.utime(checkout / "requirements" / "test.lock", (4_000_000_000, 4_000_000_000))
    assert "pip install" in make(checkout, "--dry-run", "test")


def test_ci_runs_make_check_and_check_ends_with_make_test() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1] == "exec make check"
    checks = make(ROOT, "--dry-run", "--always-make", "check")
    order = [checks.index(step) for step in ("ruff format --check", "ruff check", "bin/mypy", "lint-imports", "pytest")]
    assert order == sorted(order)


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexec python3 -c 'import sys; sys.version_info = (3, 9); exec(sys.argv[1])' \"$2\"\n")
    old.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    done = subprocess.run(
        ["make", "setup", f"PYTHON={old}"], cwd=tmp_path, env=EMPTY_ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert b"3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()
