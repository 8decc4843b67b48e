"""docs/pipelines.md: its commands do what it says, in its order, on the sample; what it links to is there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run
from tests.test_project import ROOT

PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.strip().splitlines()
]


@pytest.mark.checklist("S14")
def test_a_newcomer_follows_the_worked_example(
    sample_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(sample_log, tmp_path / "sample.db")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    outputs = {}
    for program, *arguments in COMMANDS:
        assert program == "dealtrail"
        said = run(*arguments)
        assert said.code == exits.OK, f"{arguments}: {said.err}"
        outputs[" ".join(arguments[:2])] = said.out
    assert len(COMMANDS) == 11
    told = outputs["pipeline compare"]
    table = [" ".join(line.split()) for line in PAGE.split("Stage by stage")[1].splitlines() if " demo " in line]
    assert table
    assert {row.split(" EUR")[0] for row in table} <= {
        " ".join(line.split()).split(" EUR")[0] for line in told.splitlines()
    }
    assert "back to version 1: it hid who haggles" in outputs["pipeline show"]


def test_what_the_page_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
