"""The further answers on the command line: their JSON's head, their tables, and wrong questions."""

from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run

ANSWERS = {
    "activity": (),
    "losses": (),
    "satisfaction": (),
    "likeliest": (),
    "compare": ("--from-date", "2026-09-01"),
    "trend": (),
    "velocity": (),
    "sources": (),
    "sizing": ("--target", "100000 EUR", "--reps", "10"),
}


@pytest.mark.parametrize("command", ANSWERS)
def test_every_answer_names_what_it_was_computed_from(command: str, sample_log: Path) -> None:
    answer = run(command, *ANSWERS[command], "--db", sample_log, "--json").answer
    assert answer["pipeline"] == "office-coffee"
    assert (answer["definition"], answer["known_at"]) == (1, None)
    assert answer["position"] > 1000
    assert answer["n"] > 0


@pytest.mark.parametrize("command", ANSWERS)
@pytest.mark.parametrize("by", [(), ("--by", "attr:machine"), ("--by", "owner"), ("--by", "region")])
def test_tables_are_plain_text_in_a_pipe(command: str, by: tuple[str, ...], sample_log: Path) -> None:
    said = run(command, *ANSWERS[command], "--db", sample_log, *by)
    assert said.code == exits.OK, said.err
    assert "\x1b" not in said.out
    assert "office-coffee" in said.out.splitlines()[0]


def test_a_target_says_its_currency_and_is_one(sample_log: Path) -> None:
    run("sizing", "--target", "lots", "--db", sample_log).refused(exits.USAGE, "--target", "100000 EUR")
    run("sizing", "--target", "1.001 EUR", "--db", sample_log).refused(exits.USAGE, "--target", "decimals")
    run("sizing", "--target", "NaN EUR", "--db", sample_log).refused(exits.USAGE, "--target", "such as 100000 EUR")
    run("sizing", "--db", sample_log).refused(exits.USAGE, "a revenue or a number of deals")


def test_a_trend_is_drawn_as_sparklines(sample_log: Path) -> None:
    said = run("trend", "--every", "week", "--count", "20", "--db", sample_log)
    (line,) = (line for line in said.out.splitlines() if line.strip().startswith("entered") and "▁" in line)
    assert sum(line.count(step) for step in "▁▂▃▄▅▆▇█") == 20
    grouped = run("trend", "--by", "owner", "--figure", "won_value", "--db", sample_log)
    assert "rep-03" in grouped.out


def test_the_earlier_period_is_written_from_to(sample_log: Path) -> None:
    window = ("--from-date", "2026-09-01", "--db", sample_log)
    run("compare", *window, "--against", "2026-01-01").refused(exits.USAGE, "--against", "FROM..TO")
    run("compare", *window, "--against", "2026-02-01..2026-01-01").refused(exits.USAGE, "empty")
    run("compare", "--db", sample_log).refused(exits.REFUSED, "since")


@pytest.mark.parametrize(
    ("command", "cell"),
    [
        ("board", "stage=proposal"),
        ("conversion", "stage=proposal,part=lost"),
        ("conversion", "from=contact to=qualification"),
        ("cycle-time", "part=won"),
        ("win-rate", "part=lost"),
        ("stalled", "stage=proposal"),
        ("velocity", "part=cycle_days"),
        ("sources", "part=earned group=website"),
        ("activity", "kind=demo part=touches"),
        ("losses", "reason=price"),
        ("likeliest", "month=none"),
        ("trend", "part=won period=2026-10"),
        ("hygiene", "part=stale_notes"),
        ("follow-ups", "part=overdue"),
    ],
)
def test_behind_every_number_stand_journeys_and_events(command: str, cell: str, sample_log: Path) -> None:
    found = run(command, "--explain", cell, "--db", sample_log, "--json").answer
    assert found["answer"] == command
    assert found["n"] == len(found["journeys"])
    assert all(event["event_id"] and event["position"] for each in found["journeys"] for event in each["events"])
    drawn = run(command, "--explain", cell, "--db", sample_log)
    assert f"{found['figure']:,}" in drawn.out
    assert "\x1b" not in drawn.out


def test_a_number_that_is_not_there_is_refused(sample_log: Path) -> None:
    run("board", "--explain", "stage=nowhere", "--db", sample_log).refused(exits.REFUSED, "nowhere")
    run("board", "--explain", "proposal", "--db", sample_log).refused(exits.REFUSED, "NAME=VALUE")
    asked = ("board", "--explain", "stage=won group=rep-99", "--db", sample_log)
    run(*asked).refused(exits.REFUSED, "not grouped")
    run(*asked, "--by", "owner").refused(exits.REFUSED, "rep-99", "rep-03")
