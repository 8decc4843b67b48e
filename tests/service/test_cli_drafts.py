"""dealtrail pipeline draft, preview, publish, rollback, compare: stages are looked at before anybody works by them."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.log.application import Log
from service.cli import exits
from tests.service.commandline import run
from tests.test_project import ROOT

SAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "service" / "sample.yaml").read_text(encoding="utf-8"))


def sample_with(**edits: dict[str, Any] | None) -> dict[str, Any]:
    """The sample's stages with some fields of some changed; None: without the stage."""
    kept = [stage for stage in SAMPLE["stages"] if edits.get(stage["key"], {}) is not None]
    return {**SAMPLE, "stages": [{**stage, **(edits.get(stage["key"]) or {})} for stage in kept]}


@pytest.fixture
def one_offer(tmp_path: Path) -> Path:
    """Proposal and negotiation become one stage."""
    path = tmp_path / "one-offer.yaml"
    enter: list[dict[str, Any]] = [{"event": "ProposalSent"}, {"event": "ProposalRevised"}]
    enter.append({"all": [{"event": "ValueChanged"}, {"proposals": {"at_least": 1}}]})
    merged = {"key": "offer", "replaces": ["proposal", "negotiation"], "enter": {"any": enter}}
    path.write_text(yaml.safe_dump(sample_with(proposal=merged, negotiation=None)))
    return path


def position(database: Path) -> int:
    log = Log(f"sqlite:///{database}")
    try:
        return log.position()
    finally:
        log.close()


@pytest.mark.checklist("S14")
def test_a_preview_of_a_file_shows_both_and_writes_nothing(sample_log: Path, one_offer: Path) -> None:
    before = position(sample_log)
    told = run("pipeline", "preview", one_offer, "--db", sample_log, "--json").answer
    assert (told["against"], told["definition"]) == (1, "unpublished")
    rows = {row["stage"]: row for row in told["stages"]}
    board = {stage["stage"]: stage for stage in run("board", "--db", sample_log, "--json").answer["stages"]}
    assert rows["offer"]["how"] == "merged"
    assert rows["offer"]["before"]["count"] == board["proposal"]["count"] + board["negotiation"]["count"]
    assert rows["offer"]["after"]["count"] == rows["offer"]["before"]["count"]
    assert told["moves"]["n"] == 0, "what was in either stage is in the one that continues both"
    drawn = run("pipeline", "preview", one_offer, "--db", sample_log)
    assert "was negotiation" in drawn.out
    assert "Nothing was written" in drawn.out
    assert position(sample_log) == before


def typed(said: str, command: str) -> list[str]:
    """The words of a command that was told to be typed, from its name on."""
    return shlex.split(said[said.index(f"dealtrail {command}") :].partition("`")[0])[1:]


def test_what_the_preview_says_to_type_publishes_it(own_sample: Path, one_offer: Path) -> None:
    drawn = run("pipeline", "preview", one_offer, "--db", own_sample).out
    command = typed(drawn, "pipeline publish")
    assert command[-2:] == ["--reason", "..."]
    said = run(*command[:-1], "one offer is enough", "--json").answer
    assert said == {
        "pipeline": "office-coffee",
        "version": 2,
        "published": True,
        "reason": "one offer is enough",
    }


def test_what_is_said_to_be_typed_is_about_the_pipeline_and_the_database_that_were_looked_at(
    own_sample: Path, one_offer: Path, tmp_path: Path
) -> None:
    db = ("--db", own_sample.rename(tmp_path / "our own.db"))
    run("pipeline", "draft", one_offer, *db)
    drafted = run("pipeline", "draft", "ca", "--as", "wholesale", *db).out
    looked = run(*typed(drafted, "pipeline preview")).out
    published = run(*typed(looked, "pipeline publish"))
    assert published.out.startswith("wholesale: version 1 is in force")
    assert json.loads(run(*typed(published.out, "pipeline show"), "--json").out)["pipeline"] == "wholesale"
    refused = run("pipeline", "publish", "es", "--as", "wholesale", *db)
    refused.refused(exits.REFUSED, "--expect-version 1")
    looked = run(*typed(refused.err, "pipeline preview")).out
    said = run(*typed(looked, "pipeline publish"), "--json").answer
    assert (said["pipeline"], said["version"]) == ("wholesale", 2)


def test_a_draft_is_kept_listed_looked_through_and_published(own_sample: Path, one_offer: Path) -> None:
    db = ("--db", own_sample)
    told = run("pipeline", "draft", one_offer, "--note", "the north asks for it", "--actor", "rep-01", *db, "--json")
    assert {name: told.answer[name] for name in ("draft", "based_on")} == {"draft": "draft:1", "based_on": 1}
    [listed] = run("pipeline", "drafts", *db, "--json").answer["drafts"]
    assert (listed["note"], listed["state"], listed["drafted_by"]) == ("the north asks for it", "open", "rep-01")
    by_draft = run("board", "--definition", "draft:1", *db, "--json").answer
    assert by_draft["definition"] == "draft:1"
    assert "offer" in [stage["stage"] for stage in by_draft["stages"]]
    assert "offer" not in run("board", *db).out, "a draft changes no answer"
    run("pipeline", "publish", "draft:1", *db).refused(exits.REFUSED, "reason")
    assert run("pipeline", "publish", "draft:1", "--reason", "agreed", *db, "--json").answer["version"] == 2
    assert "offer" in run("board", *db).out
    assert run("pipeline", "drafts", *db, "--json").answer["drafts"] == []
    [listed] = run("pipeline", "drafts", "--all", *db, "--json").answer["drafts"]
    assert listed["state"] == "published as version 2"


def test_a_draft_that_others_overtook_is_not_published_unseen(own_sample: Path, one_offer: Path) -> None:
    db = ("--db", own_sample)
    run("pipeline", "draft", one_offer, *db)
    other = one_offer.with_name("other.yaml")
    other.write_text(yaml.safe_dump(sample_with(tasting=None)))
    run("pipeline", "publish", other, "--expect-version", "1", "--reason", "no tasting", *db)
    before = position(own_sample)
    late = ("pipeline", "publish", "draft:1", "--reason", "agreed", *db)
    run(*late).refused(exits.CONFLICT, "version 2", "looked at 1")
    assert position(own_sample) == before
    assert "version 2 was published since" in run("pipeline", "drafts", *db).out
    assert run(*late, "--expect-version", "2", "--json").answer["version"] == 3


def test_a_new_draft_says_how_to_look_at_it_where_there_are_several_pipelines(
    own_sample: Path, one_offer: Path
) -> None:
    told = run("pipeline", "draft", one_offer, "--db", own_sample)
    command = typed(told.out, "pipeline preview")
    assert command == ["pipeline", "preview", "draft:1", "--pipeline", "office-coffee", "--db", str(own_sample)]


def test_a_draft_that_nobody_wants_is_discarded(own_sample: Path, one_offer: Path) -> None:
    db = ("--db", own_sample)
    run("pipeline", "draft", one_offer, *db)
    assert run("pipeline", "discard", "draft:1", *db, "--json").answer["discarded"] is True
    assert run("pipeline", "discard", "draft:1", *db, "--json").answer["discarded"] is False
    assert run("pipeline", "drafts", *db, "--json").answer["drafts"] == []
    run("pipeline", "publish", "draft:1", "--reason", "agreed", *db).refused(exits.REFUSED, "discarded")
    looked = run("pipeline", "preview", "draft:1", *db).out
    assert "draft:1 was discarded" in looked
    assert "pipeline publish" not in looked
    run("pipeline", "preview", "draft:2", *db).refused(exits.NOT_FOUND, "no draft 2", "draft:1")


def test_a_version_is_rolled_back_and_the_new_one_says_so(own_sample: Path, one_offer: Path) -> None:
    db = ("--db", own_sample)
    first = run("board", "--as-of", "2026-11-01", *db, "--json").answer["stages"]
    run("pipeline", "rollback", "--reason", "x", *db).refused(exits.REFUSED, "no earlier version")
    run("pipeline", "publish", one_offer, "--expect-version", "1", "--reason", "one offer", *db)
    run("pipeline", "rollback", *db).refused(exits.REFUSED, "reason")
    run("pipeline", "rollback", "--reason", "x", "--expect-version", "1", *db).refused(exits.CONFLICT, "version 2")
    said = run("pipeline", "rollback", "--reason", "it hid who haggles", *db, "--json").answer
    assert (said["version"], said["reason"]) == (3, "back to version 1: it hid who haggles")
    assert run("board", "--as-of", "2026-11-01", *db, "--json").answer["stages"] == first
    shown = run("pipeline", "show", *db, "--json").answer
    assert [version["reason"] for version in shown["versions"]] == [
        "first version",
        "one offer",
        "back to version 1: it hid who haggles",
    ]


@pytest.mark.checklist("S43")
def test_two_versions_are_compared_as_a_draft_is_previewed(own_sample: Path, one_offer: Path) -> None:
    db = ("--db", own_sample, "--as-of", "2026-11-01", "--json")
    previewed = run("pipeline", "preview", one_offer, *db).answer
    run("pipeline", "publish", one_offer, "--expect-version", "1", "--reason", "one offer", *db[:2])
    compared = run("pipeline", "compare", "1", "2", *db).answer
    assert (compared["against"], compared["definition"]) == (1, 2)
    same = previewed.keys() - {"definition", "position"}
    assert {name: compared[name] for name in same} == {name: previewed[name] for name in same}
    back = run("pipeline", "compare", "2", "1", *db).answer
    assert back["difference"]["stalled"] == -compared["difference"]["stalled"]


def test_lists_are_as_long_as_asked_for_and_totals_tell_the_rest(sample_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "no-tasting.yaml"
    path.write_text(yaml.safe_dump(sample_with(tasting=None, qualification=None, qualified_from=None)
                                   | {"qualified_from": "proposal"}))  # fmt: skip
    told = run("pipeline", "preview", path, "--limit", "2", "--db", sample_log, "--json").answer
    assert told["moves"]["n"] == sum(move["n"] for move in told["moves"]["stages"]) > 2
    assert told["moves"]["n"] == sum(owner["n"] for owner in told["moves"]["owners"])
    assert len(told["moves"]["journeys"]) == 2


def test_a_preview_is_narrowed_and_looked_at_as_of_any_moment(sample_log: Path, one_offer: Path) -> None:
    asked = ("--owner", "rep-03", "--as-of", "2026-10-01", "--db", sample_log, "--json")
    told = run("pipeline", "preview", one_offer, *asked).answer
    board = run("board", *asked).answer
    assert told["n"] == board["n"]
    assert told["as_of"] == board["as_of"]
    assert {row["was"][0]: row["before"]["count"] for row in told["stages"] if len(row["was"]) == 1} == {
        stage["stage"]: stage["count"] for stage in board["stages"] if stage["stage"] not in ("proposal", "negotiation")
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("preview", "none.yaml"), exits.USAGE, ("none.yaml",)),
        (("preview", "draft:x"), exits.USAGE, ("draft:1",)),
        (("preview", "draft:7"), exits.NOT_FOUND, ("no draft 7",)),
        (("preview", "ca", "--against", "1"), exits.NOT_FOUND, ("office-coffee",)),
        (("preview", "draft:1", "--against", "yesterday"), exits.USAGE, ("yesterday", "draft:1")),
        (("preview", "draft:1", "--definition", "1"), exits.USAGE, ("--against",)),
        (("compare", "1", "9"), exits.NOT_FOUND, ("version 9", "1 to 1")),
        (("discard", "1"), exits.USAGE, ("draft:1",)),
        (("publish", "draft:3", "--reason", "x"), exits.NOT_FOUND, ("no draft 3",)),
    ],
)
def test_what_is_not_there_is_named_with_what_would_be_right(
    arguments: tuple[str, ...], code: int, words: tuple[str, ...], sample_log: Path
) -> None:
    run("pipeline", *arguments, "--db", sample_log).refused(code, *words)


def test_a_preset_is_previewed_as_another_pipelines_stages(sample_log: Path) -> None:
    told = run("pipeline", "preview", "es", "--as", "office-coffee", "--db", sample_log, "--csv")
    assert told.code == exits.OK, told.err
    assert "abnormal" in told.out or "never_entered" in told.out or "never_true" in told.out
    drawn = run("pipeline", "preview", "es", "--as", "office-coffee", "--lang", "es", "--db", sample_log)
    assert "Demostración" in drawn.out
    told_json = run("pipeline", "preview", "es", "--as", "office-coffee", "--lang", "es", "--db", sample_log, "--json")
    assert json.loads(told_json.out)["names"]["tasting"] == "Degustación"


def test_the_first_stages_of_a_pipeline_are_drafted_looked_at_and_published(own_sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "wholesale.yaml"
    path.write_text(yaml.safe_dump({**SAMPLE, "pipeline": "wholesale", "name": {"en": "Wholesale"}}))
    looked = run("pipeline", "preview", path, "--db", own_sample)
    assert "nothing yet -> unpublished" in looked.out
    assert "the first stages of a pipeline 'wholesale'" in looked.out
    drafted = run("pipeline", "draft", path, "--db", own_sample, "--actor", "ann")
    assert "wholesale: draft:1, the first stages of this pipeline" in drafted.out
    told = run("pipeline", "preview", "draft:1", "--pipeline", "wholesale", "--db", own_sample, "--json").answer
    assert (told["against"], told["before"], told["n"]) == (None, None, 0)
    assert [row["stage"] for row in told["stages"]] == [stage["key"] for stage in SAMPLE["stages"]]
    (waiting,) = run("pipeline", "drafts", "wholesale", "--db", own_sample, "--json").answer["drafts"]
    assert (waiting["draft"], waiting["based_on"], waiting["state"]) == ("draft:1", 0, "open")
    assert "wholesale" in run("pipeline", "show", "wholesale", "--definition", "draft:1", "--db", own_sample).out
    run("board", "--pipeline", "wholesale", "--db", own_sample).refused(exits.NOT_FOUND, "no version yet", "draft:1")
    published = run("pipeline", "publish", "draft:1", "--pipeline", "wholesale", "--db", own_sample, "--actor", "ann")
    assert "wholesale: version 1 is in force (first version)" in published.out
    assert run("board", "--pipeline", "wholesale", "--db", own_sample, "--json").answer["definition"] == 1


def test_another_name_is_marked_and_nothing_else_is_said_to_be_the_same(sample_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "stages.yaml"
    path.write_text(yaml.safe_dump(SAMPLE))
    alike = run("pipeline", "preview", path, "--db", sample_log).out
    assert "The stages of both are the same, word for word." in alike
    assert [line for line in alike.splitlines() if line.startswith(" ~")] == []
    path.write_text(yaml.safe_dump(sample_with(proposal={"name": {"en": "Offer"}})))
    renamed = run("pipeline", "preview", path, "--db", sample_log).out
    assert "word for word" not in renamed
    assert [line.split()[1] for line in renamed.splitlines() if line.startswith(" ~")] == ["proposal"]
    path.write_text(yaml.safe_dump({**SAMPLE, "name": {"en": "Coffee"}}))
    assert "word for word" not in run("pipeline", "preview", path, "--db", sample_log).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("publish", "FILE", "--expect-version", "1", "--reason", "r" * 201), "--reason: give at most 200 characters"),
        (("publish", "FILE", "--expect-version", "1", "--reason", " "), "--reason: give at least 1 character"),
        (("rollback", "--reason", "r" * 171), "--reason: give at most 170 characters"),
        (("draft", "FILE", "--note", "n" * 20_001), "--note: give at most 20000 characters"),
        (("draft", "FILE", "--actor", "a" * 201), "give at most 200 characters, not 201"),
    ],
)
def test_words_that_are_too_many_are_a_wrong_command_line(
    sample_log: Path, one_offer: Path, words: tuple[str, ...], said: str
) -> None:
    before = position(sample_log)
    typed = [str(one_offer) if word == "FILE" else word for word in words]
    run("pipeline", *typed, "--db", sample_log).refused(exits.USAGE, said)
    assert position(sample_log) == before
