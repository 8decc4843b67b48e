"""dealtrail people: found, corrected and erased from the command line."""

from pathlib import Path

from service.cli import exits
from tests.service.commandline import run


def test_who_is_corrected_is_called_so_by_every_answer(own_sample: Path) -> None:
    said = run(
        "people", "correct", "sample:rep-03", "--name", "Sales desk", "--phone", "1", "--db", own_sample, "--json"
    )
    assert said.answer["changed"] == ["name", "phone"]
    again = run("people", "correct", "rep-03", "--name", " Sales desk ", "--phone", "", "--db", own_sample)
    assert again.out.startswith("corrected: phone\n")
    shown = run("people", "show", said.answer["person_id"], "--db", own_sample, "--json").answer
    assert (shown["key"], shown["name"], shown["email"], shown["phone"]) == ("rep-03", "Sales desk", None, None)
    groups = run("board", "--by", "owner", "--db", own_sample, "--json").answer["groups"]
    assert {each["key"]: each["label"] for each in groups}["rep-03"] == "Sales desk"
    assert "nothing to correct" in run("people", "correct", "rep-03", "--phone", "", "--db", own_sample).out


def test_people_are_listed_by_words_source_and_key(own_sample: Path) -> None:
    run("people", "correct", "rep-03", "--name", "[b]Sales[/b]", "--db", own_sample)
    found = run("people", "list", "SALES", "--db", own_sample, "--json").answer
    assert ([each["key"] for each in found["people"]], found["more"]) == (["rep-03"], False)
    assert "[b]Sales[/b]" in run("people", "list", "--key", "rep-03", "--db", own_sample).out
    assert run("people", "list", "--source", "crm", "--db", own_sample, "--json").answer["people"] == []
    first = run("people", "list", "--source", "sample", "--limit", "1", "--db", own_sample)
    assert "rep-01" in first.out
    assert "--limit" in first.out


def test_nobody_is_erased_in_passing(own_sample: Path) -> None:
    before = run("board", "--db", own_sample, "--json", "--as-of", "2100-01-01").answer["n"]
    run("people", "erase", "rep-03", "--db", own_sample).refused(exits.USAGE, "sample:rep-03", "--yes")
    said = run("people", "erase", "rep-03", "--yes", "--db", own_sample, "--json").answer
    assert said["rows"] == 1
    run("people", "show", said["person_id"], "--db", own_sample).refused(exits.NOT_FOUND, said["person_id"])
    assert run("board", "--db", own_sample, "--json", "--as-of", "2100-01-01").answer["n"] == before


def test_what_is_no_correction_is_refused(own_sample: Path) -> None:
    run("people", "correct", "rep-03", "--db", own_sample).refused(exits.USAGE, "--name, --email or --phone")
    run("people", "correct", "rep-03", "--name", "x" * 201, "--db", own_sample).refused(exits.USAGE, "--name", "201")
    run("people", "correct", "rep-99", "--name", "x", "--db", own_sample).refused(exits.NOT_FOUND, "rep-99")
    run("people", "list", " ", "--db", own_sample).refused(exits.REFUSED, "can't be looked for")
