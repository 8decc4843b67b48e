"""The README's commands do what they say, in its order; what it links to is there."""

import re
import shlex
from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run
from tests.test_project import ROOT, make

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]
COMMANDS = [[shlex.split(line, comments=True) for line in block] for block in BLOCKS]
REAL = {"loans.db": "bpic2012/bpic2012.xes.gz", "hardware.db": "maven_crm/sales_pipeline.csv"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands need of a checkout, after what `make run` runs."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "service").symlink_to(ROOT / "service")
    last = make(ROOT, "--dry-run", "run").splitlines()[-1]
    assert last.endswith("dealtrail sample --to sample.db")
    assert run("sample", "--to", folder / "sample.db").code == exits.OK
    return folder


@pytest.fixture
def folder(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout


def of_database(name: str) -> list[list[str]]:
    return [
        command[1:] for block in COMMANDS for command in block if command[0].endswith("dealtrail") and name in command
    ]


def test_every_command_of_the_readme_is_run_here() -> None:
    run_here = [command for name in ("sample.db", *REAL) for command in of_database(name)]
    told = [command for block in COMMANDS for command in block if command[0] != "make"]
    assert len(run_here) == len(told) > 15


def test_the_only_thing_asked_of_make_is_make_run() -> None:
    assert [command for block in COMMANDS for command in block if command[0] == "make"] == [["make", "run"]]


def test_the_questions_to_the_sample_are_answered_in_their_order(folder: Path) -> None:
    for command in of_database("sample.db"):
        said = run(*command)
        assert said.code == exits.OK, f"{command}: {said.err}"
        assert said.out, command


@pytest.mark.real_log
@pytest.mark.parametrize("database", REAL)
def test_a_newcomer_imports_a_published_log_and_asks_it(database: str, folder: Path, shared_data: Path) -> None:
    for file in (shared_data / REAL[database]).parent.iterdir():
        (folder / file.name).symlink_to(file)
    outputs = []
    for command in of_database(database):
        said = run(*command)
        assert said.code == exits.OK, f"{command}: {said.err}"
        outputs.append(said.out)
    whole = "\n".join(outputs)
    figures = {
        "loans.db": ("2,246 won, 10,442 lost, 399 open", "13,087", "No difference"),
        "hardware.db": ("4,238", "2,473", "63.2%"),
    }
    for figure in figures[database]:
        assert figure in whole


def test_every_exit_code_of_the_readme_is_that_of_the_program() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert told == {getattr(exits, name) for name in dir(exits) if isinstance(getattr(exits, name), int)}


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/adr/README.md"])
def test_what_a_page_links_to_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link
