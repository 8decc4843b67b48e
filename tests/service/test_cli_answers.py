"""The four answers on the command line: as JSON, as tables, and every wrong question."""

from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run

ANSWERS = ("board", "conversion", "cycle-time", "win-rate")


@pytest.mark.parametrize("command", ANSWERS)
def test_every_answer_names_what_it_was_computed_from(command: str, sample_log: Path) -> None:
    answer = run(command, "--db", sample_log, "--json").answer
    assert answer["pipeline"] == "office-coffee"
    assert answer["definition"] == 1
    assert answer["as_of"].endswith(":00Z")
    assert answer["known_at"] is None
    assert answer["position"] > 1000
    assert answer["n"] > 0


@pytest.mark.parametrize("command", ANSWERS)
def test_every_answer_can_be_asked_by_group(command: str, sample_log: Path) -> None:
    answer = run(command, "--db", sample_log, "--by", "owner", "--json").answer
    assert [group["key"] for group in answer["groups"]] == ["rep-03", "rep-04", "rep-05", "rep-06"]


@pytest.mark.parametrize("command", ANSWERS)
@pytest.mark.parametrize("by", [(), ("--by", "attr:machine"), ("--by", "month"), ("--by", "manager")])
def test_tables_are_plain_text_in_a_pipe(command: str, by: tuple[str, ...], sample_log: Path) -> None:
    said = run(command, "--db", sample_log, *by)
    assert said.code == exits.OK, said.err
    assert "\x1b" not in said.out
    assert "office-coffee" in said.out.splitlines()[0]


def test_the_funnel_is_drawn_as_bars_that_shrink(sample_log: Path) -> None:
    said = run("conversion", "--db", sample_log)
    bars = [line.count("█") for line in said.out.splitlines() if "█" in line]
    assert bars[0] == 36
    assert all(0 < bar <= 36 for bar in bars)


def test_the_json_of_the_board_is_the_contract(sample_log: Path) -> None:
    answer = run("board", "--db", sample_log, "--limit", "2", "--json").answer
    assert [stage["stage"] for stage in answer["stages"]] == [
        "contact",
        "qualification",
        "tasting",
        "proposal",
        "negotiation",
        "won",
        "lost",
        "in-use",
    ]
    assert {"kind", "count", "value", "weighted", "age_p50_seconds", "stalled"} <= answer["stages"][0].keys()
    assert sum(stage["count"] for stage in answer["stages"]) + answer["unmapped"]["count"] == answer["n"]
    assert len(answer["cards"]) == 2
    following = run("board", "--db", sample_log, "--limit", "2", "--after", answer["next"], "--json").answer
    assert {card["key"] for card in following["cards"]}.isdisjoint(card["key"] for card in answer["cards"])


def test_the_json_of_the_conversion_is_the_contract(sample_log: Path) -> None:
    answer = run("conversion", "--db", sample_log, "--json").answer
    for stage in answer["stages"]:
        parts = ("advanced", "lost", "moved_back", "transferred", "still_there")
        assert stage["entered"] == sum(stage[part] for part in parts)
    assert {"entered", "won", "lost", "open", "conversion"} <= answer["overall"].keys()
    assert {"from", "to", "n", "p50_seconds", "p85_seconds", "p90_seconds"} == answer["transitions"][0].keys()


def test_the_json_of_cycle_time_and_win_rate_is_the_contract(sample_log: Path) -> None:
    times = run("cycle-time", "--from", "proposal", "--db", sample_log, "--json").answer
    assert {"n", "p50_seconds", "p85_seconds", "p90_seconds", "mean_seconds"} == times["won"].keys()
    assert times["closed"]["n"] == times["won"]["n"] + times["lost"]["n"]
    rates = run("win-rate", "--db", sample_log, "--json").answer
    assert rates["win_rate"] == rates["won"] / (rates["won"] + rates["lost"])
    assert rates["won_value"][0]["currency"] == "EUR"


def test_filters_narrow_and_add_up(sample_log: Path) -> None:
    whole = run("win-rate", "--db", sample_log, "--json").answer
    north = run("win-rate", "--db", sample_log, "--team", "north", "--json").answer
    south = run("win-rate", "--db", sample_log, "--team", "south", "--json").answer
    assert north["won"] + south["won"] == whole["won"]
    assert 0 < north["won"] < whole["won"]
    classic = run("win-rate", "--db", sample_log, "--attr", "machine=Classic", "--json").answer
    small = run("win-rate", "--db", sample_log, "--value-max", "1450", "--currency", "EUR", "--json").answer
    assert 0 < small["won"] < classic["won"]


def test_the_past_can_be_asked_for(sample_log: Path) -> None:
    now = run("board", "--db", sample_log, "--json").answer
    began = run("board", "--db", sample_log, "--as-of", "2000-01-01", "--json").answer
    assert began["n"] == 0
    assert began["as_of"] == "2000-01-01T00:00:00Z"
    unknown = run("board", "--db", sample_log, "--known-at", "2000-01-01T00:00Z", "--definition", "then", "--json")
    assert unknown.answer["n"] == 0
    assert now["n"] > 0


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        (("--as-of", "2026-01-05T09:00"), exits.USAGE, ("--as-of", "time zone")),
        (("--known-at", "yesterday"), exits.USAGE, ("--known-at", "yesterday")),
        (("--from-date", "2026-13-01"), exits.USAGE, ("--from-date", "2026-13-01")),
        (("--from-date", "2026-02-01", "--to-date", "2026-01-01"), exits.USAGE, ("empty",)),
        (("--tz", "Mars/Olympus"), exits.USAGE, ("--tz", "Mars/Olympus")),
        (("--value-min", "NaN", "--currency", "EUR"), exits.USAGE, ("--value-min", "NaN")),
        (("--value-min", "5"), exits.USAGE, ("currency",)),
        (("--currency", "EURO"), exits.USAGE, ("--currency", "EURO")),
        (("--attr", "machine"), exits.USAGE, ("--attr", "NAME=VALUE")),
        (("--definition", "soon"), exits.USAGE, ("definition", "soon")),
        (("--definition", "9"), exits.NOT_FOUND, ("9",)),
        (("--pipeline", "tea"), exits.NOT_FOUND, ("tea", "office-coffee")),
        (("--owner", "rep-99"), exits.REFUSED, ("rep-99",)),
        (("--team", "west"), exits.REFUSED, ("west", "north")),
        (("--attr", "colour=red"), exits.REFUSED, ("colour", "machine")),
        (("--by", "weather"), exits.REFUSED, ("weather", "owner")),
        (("--weather",), exits.USAGE, ("--weather",)),
    ],
)
@pytest.mark.parametrize("command", ANSWERS)
def test_a_wrong_question_is_refused_by_name(
    command: str, question: tuple[str, ...], code: int, words: tuple[str, ...], sample_log: Path
) -> None:
    run(command, *question, "--db", sample_log).refused(code, *words)


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        (("board", "--stage", "tea"), exits.REFUSED, ("tea", "contact")),
        (("board", "--after", "nonsense"), exits.REFUSED, ("nonsense",)),
        (("board", "--order", "colour"), exits.USAGE, ("colour",)),
        (("board", "--order", "value"), exits.USAGE, ("currency",)),
        (("board", "--limit", "-1"), exits.USAGE, ("--limit",)),
        (("cycle-time", "--from", "tea"), exits.REFUSED, ("tea", "contact")),
        (("cycle-time", "--from", "tasting", "--from-first-touch"), exits.REFUSED, ("one",)),
        (("conversion", "--within-days", "-3"), exits.REFUSED, ("-3",)),
        (("conversion", "--within-days", "nan"), exits.REFUSED, ("nan",)),
        (("conversion", "--in-period"), exits.REFUSED, ("until",)),
        (("win-rate", "--cohort", "born"), exits.USAGE, ("born",)),
    ],
)
def test_a_wrong_option_of_one_answer_is_refused_by_name(
    question: tuple[str, ...], code: int, words: tuple[str, ...], sample_log: Path
) -> None:
    run(*question, "--db", sample_log).refused(code, *words)


def test_an_enormous_option_is_refused_shortly(sample_log: Path) -> None:
    said = run("board", "--owner", "x" * 10_000_000, "--db", sample_log)
    assert said.code == exits.REFUSED
    assert len(said.err) < 2_000
