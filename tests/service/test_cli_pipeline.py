"""dealtrail pipeline: publishing stages, and every definition that makes no sense."""

from pathlib import Path

import pytest
import yaml

from engine.log.application import Log
from service.cli import exits
from tests.service.commandline import run

STAGES = """
pipeline: loans
stages:
  - {key: contact, kind: open}
  - {key: offer, kind: open, enter: {event: ProposalSent}}
  - {key: won, kind: won, enter: {event: DealWon}}
"""


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    path = tmp_path / "stages.yaml"
    path.write_text(STAGES)
    return path


def position(url: str) -> int:
    log = Log(url)
    try:
        return log.position()
    finally:
        log.close()


@pytest.mark.checklist("S4")
def test_stages_are_published_listed_and_shown(database_url: str, stages: Path) -> None:
    first = run("pipeline", "publish", stages, "--db", database_url, "--json").answer
    assert first == {"pipeline": "loans", "version": 1, "published": True, "reason": "first version"}
    [listed] = run("pipeline", "list", "--db", database_url, "--json").answer["pipelines"]
    assert listed["stages"] == ["contact", "offer", "won"]
    shown = run("pipeline", "show", "--db", database_url, "--json").answer
    assert shown["definition"] == yaml.safe_load(STAGES)
    drawn = run("pipeline", "show", "loans", "--db", database_url)
    assert "event ProposalSent" in drawn.out


def test_publishing_the_same_again_writes_nothing(database_url: str, stages: Path) -> None:
    run("pipeline", "publish", stages, "--db", database_url)
    before = position(database_url)
    said = run("pipeline", "publish", stages, "--db", database_url, "--json").answer
    assert said == {"pipeline": "loans", "version": 1, "published": False, "reason": None}
    assert position(database_url) == before


@pytest.mark.checklist("S4")
def test_other_stages_need_a_reason_and_keep_the_older_version(database_url: str, stages: Path) -> None:
    run("pipeline", "publish", stages, "--db", database_url)
    stages.write_text(STAGES.replace("offer", "proposal"))
    blind = ("pipeline", "publish", stages, "--db", database_url)
    run(*blind, "--reason", "clearer").refused(exits.REFUSED, "version 1", "preview", "--expect-version 1")
    run(*blind, "--expect-version", "1").refused(exits.REFUSED, "reason")
    said = run(*blind, "--expect-version", "1", "--reason", "clearer", "--json").answer
    assert (said["version"], said["reason"]) == (2, "clearer")
    older = run("pipeline", "show", "loans", "--definition", "1", "--db", database_url, "--json").answer
    assert older["stages"] == ["contact", "offer", "won"]
    assert [version["version"] for version in older["versions"]] == [1, 2]


def test_publishing_over_somebody_elses_version_is_a_conflict(database_url: str, stages: Path) -> None:
    run("pipeline", "publish", stages, "--db", database_url)
    stages.write_text(STAGES.replace("offer", "proposal"))
    before = position(database_url)
    late = ("pipeline", "publish", stages, "--reason", "clearer", "--expect-version", "0", "--db", database_url)
    run(*late).refused(exits.CONFLICT, "version 1")
    assert position(database_url) == before


def test_publishing_over_a_version_of_a_pipeline_that_is_not_there_begins_none(sqlite_url: str, stages: Path) -> None:
    before = position(sqlite_url)
    late = ("pipeline", "publish", stages, "--expect-version", "1", "--db", sqlite_url)
    run(*late).refused(exits.CONFLICT, "no version of pipeline 'loans'", "looked at 1")
    assert position(sqlite_url) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pipeline: loans\nstages: []", ("stages",)),
        ("pipeline: loans", ("stages",)),
        (STAGES.replace("kind: won", "kind: lost-forever"), ("lost-forever",)),
        (STAGES.replace("ProposalSent", "ProposalSung"), ("ProposalSung",)),
        (STAGES.replace("event: ProposalSent", "weather: fine"), ("weather",)),
        (STAGES.replace("key: offer", "key: contact"), ("contact", "twice")),
        (STAGES.replace("{key: offer, kind: open,", "{key: offer, kind: open, replaces: [contact],"), ("replaces",)),
        (STAGES + "colour: red", ("colour",)),
        (STAGES.replace("kind: won,", "kind: won, probability: .nan,"), ("probability",)),
        ("just a sentence", ("loans.yaml",)),
        ("stages: [", ("YAML",)),
        ("pipeline: Loans!\n" + STAGES.split("\n", 2)[2], ("Loans!",)),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused_and_nothing_is_written(
    text: str, words: tuple[str, ...], sqlite_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "loans.yaml"
    path.write_text(text)
    run("pipeline", "publish", path, "--db", sqlite_url).refused(exits.REFUSED, *words)
    assert position(sqlite_url) == 0


def test_an_enormous_definition_is_refused_at_once(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_text(STAGES + "name: " + "x" * 10_000_000)
    said = run("pipeline", "publish", path, "--db", sqlite_url)
    said.refused(exits.REFUSED, "huge.yaml")
    assert len(said.err) < 2_000
    assert position(sqlite_url) == 0


def test_a_definition_in_another_encoding_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(STAGES.replace("contact", "contàcte").encode("latin-1"))
    run("pipeline", "publish", path, "--db", sqlite_url).refused(exits.REFUSED, "UTF-8")


def test_a_file_that_is_not_there_is_a_usage_error(sqlite_url: str) -> None:
    run("pipeline", "publish", "none.yaml", "--db", sqlite_url).refused(exits.USAGE, "none.yaml")


def test_an_unknown_pipeline_is_not_found(sample_log: Path) -> None:
    run("pipeline", "show", "tea", "--db", sample_log).refused(exits.NOT_FOUND, "tea", "office-coffee")


def test_without_a_pipeline_it_says_how_to_get_one(sqlite_url: str) -> None:
    assert "pipeline publish" in run("pipeline", "list", "--db", sqlite_url).out
    run("board", "--db", sqlite_url).refused(exits.REFUSED, "publish")
