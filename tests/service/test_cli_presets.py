"""dealtrail pipeline presets, publishing one by its name, and --lang."""

from pathlib import Path

import pytest
import yaml

from engine.log.application import Log
from engine.stages.presets import PRESETS, preset
from service.cli import exits
from tests.checklist.desk import DEMO, Desk, OpenDeal
from tests.service.commandline import run
from tests.service.test_cli_pipeline import position


@pytest.fixture
def shop(sqlite_url: str) -> str:
    """A log with the preset es in force and one deal that stands in its demonstration."""
    assert run("pipeline", "publish", "es", "--db", sqlite_url).code == exits.OK
    log = Log(sqlite_url)
    Desk(log).begin(OpenDeal(pipeline="es")).goes(DEMO)
    log.close()
    return sqlite_url


def test_presets_are_listed_with_their_stages_and_languages() -> None:
    listed = run("pipeline", "presets", "--json").answer["presets"]
    assert tuple(each["preset"] for each in listed) == PRESETS
    drawn = run("pipeline", "presets", "--lang", "ro").out
    assert "A lua legătura, Calificare" in " ".join(drawn.split())
    assert "Lead generation, Lead qualification" in " ".join(drawn.split())


def test_one_preset_is_shown_stage_by_stage_in_its_language() -> None:
    drawn = run("pipeline", "presets", "ca", "--lang", "ca").out
    assert "Prospecció" in drawn
    assert "primer contacte" in drawn
    assert "marketing" in drawn


def test_a_preset_can_be_taken_as_a_file_changed_and_published(sqlite_url: str, tmp_path: Path) -> None:
    text = run("pipeline", "presets", "ro", "--yaml").out
    assert yaml.safe_load(text)["pipeline"] == "ro"
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("key: meeting", "key: visit"), encoding="utf-8")
    run("pipeline", "publish", mine, "--as", "mine", "--db", sqlite_url)
    shown = run("pipeline", "show", "mine", "--db", sqlite_url, "--json").answer
    assert shown["stages"] == ["contact", "qualification", "visit", "proposal", "close", "lost", "retention"]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_published_by_its_name(name: str, sqlite_url: str) -> None:
    said = run("pipeline", "publish", name, "--db", sqlite_url, "--json").answer
    assert said == {"pipeline": name, "version": 1, "published": True, "reason": "first version"}
    shown = run("pipeline", "show", name, "--db", sqlite_url, "--json").answer
    assert shown["stages"] == [stage.key for stage in preset(name).stages]


@pytest.mark.checklist("S40")
def test_one_preset_is_published_for_each_channel(sqlite_url: str) -> None:
    said = run("pipeline", "publish", "ca", "--as", "web", "--as", "phone", "--db", sqlite_url, "--json").answer
    assert [(each["pipeline"], each["published"]) for each in said["pipelines"]] == [("web", True), ("phone", True)]
    before = position(sqlite_url)
    again = run("pipeline", "publish", "ca", "--as", "web", "--as", "phone", "--db", sqlite_url)
    assert "phone: version 1 says the same already" in again.out
    assert position(sqlite_url) == before
    listed = run("pipeline", "list", "--db", sqlite_url, "--json").answer["pipelines"]
    assert [each["pipeline"] for each in listed] == ["phone", "web"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("publish", "fr"), exits.USAGE, ("fr", "presets are ca, es")),
        (("publish", "ca", "--as", "Web Shop"), exits.REFUSED, ("Web Shop",)),
        (("publish", "ca", "--as", "web", "--as", "Phone!"), exits.REFUSED, ("Phone!",)),
    ],
)
def test_a_wrong_publication_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], code: int, words: tuple[str, ...], sqlite_url: str
) -> None:
    run("pipeline", *arguments, "--db", sqlite_url).refused(code, *words)
    assert position(sqlite_url) == 0


def test_wrong_questions_about_presets_are_refused() -> None:
    run("pipeline", "presets", "fr").refused(exits.NOT_FOUND, "fr", "use one of ca")
    run("pipeline", "presets", "--yaml").refused(exits.USAGE, "--yaml", "name it")
    run("pipeline", "presets", "--lang", "català").refused(exits.USAGE, "--lang", "català")


@pytest.mark.checklist("S13")
@pytest.mark.parametrize("answer", ["board", "conversion", "cycle-time", "stalled"])
def test_stages_are_called_by_their_names_in_the_language_asked_for(answer: str, shop: str) -> None:
    said = run(answer, "--lang", "es", "--db", shop)
    assert "Demostración" in said.out
    assert "demonstration" not in said.out
    assert "Demonstration" in run(answer, "--lang", "fr", "--db", shop).out
    assert "demonstration" in run(answer, "--db", shop).out


@pytest.mark.parametrize("answer", ["board", "conversion", "cycle-time"])
def test_json_keeps_the_keys_and_adds_the_names(answer: str, shop: str) -> None:
    plain = run(answer, "--db", shop, "--json").answer
    named = run(answer, "--lang", "es", "--db", shop, "--json").answer
    assert named.pop("names")["demonstration"] == "Demostración"
    assert [stage["stage"] for stage in named["stages"]] == [stage["stage"] for stage in plain["stages"]]
    assert "names" not in plain


def test_a_name_that_looks_like_markup_is_shown_as_it_is(sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    stages = [{"key": "new", "kind": "open", "name": "[bold]new[/bold]", "team": "[a]"}]
    path.write_text(yaml.safe_dump({"pipeline": "odd", "name": "[x]", "stages": stages}))
    run("pipeline", "publish", path, "--db", sqlite_url)
    assert "[bold]new[/bold]" in run("board", "--lang", "en", "--db", sqlite_url).out
    shown = run("pipeline", "show", "--lang", "en", "--db", sqlite_url).out
    assert "[bold]new[/bold]" in shown
    assert "[x]" in shown
    assert "[a]" in shown
    assert "[x]" in run("pipeline", "list", "--db", sqlite_url).out


@pytest.mark.checklist("S2")
def test_a_pipeline_shows_names_descriptions_and_teams_in_the_language(shop: str) -> None:
    shown = run("pipeline", "show", "--lang", "es", "--db", shop).out
    for word in ("Prospectación", "Buscamos posibles clientes", "marketing", "Cierre", "sales"):
        assert word in shown
