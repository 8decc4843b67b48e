"""--csv: every answer as a table for a spreadsheet, with nothing left out."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.projections.figures import Amount, Answer, Figures
from service.cli import exits
from service.cli.as_csv import as_csv
from tests.service.commandline import run

ANSWERS = {
    "board": (),
    "conversion": ("--by", "owner"),
    "cycle-time": ("--by", "region"),
    "win-rate": ("--by", "month"),
    "stalled": (),
    "velocity": ("--by", "owner"),
    "sizing": ("--deals", "10"),
    "sources": (),
    "activity": ("--by", "owner"),
    "losses": ("--by", "source"),
    "satisfaction": ("--by", "owner"),
    "likeliest": (),
    "compare": ("--from-date", "2026-09-01"),
    "trend": ("--by", "owner"),
}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("command", ANSWERS)
def test_every_answer_is_a_table_that_names_what_it_was_computed_from(command: str, sample_log: Path) -> None:
    said = run(command, *ANSWERS[command], "--csv", "--db", sample_log)
    assert said.code == exits.OK, said.err
    rows = read(said.out)
    assert rows
    assert {row["pipeline"] for row in rows} == {"office-coffee"}
    assert all(row["log_position"] and row["as_of"].endswith("Z") for row in rows)
    assert all(None not in row for row in rows)


def test_the_figures_are_those_of_the_json(sample_log: Path) -> None:
    told = run("conversion", "--by", "owner", "--json", "--db", sample_log).answer
    rows = read(run("conversion", "--by", "owner", "--csv", "--db", sample_log).out)
    stages = [row for row in rows if row["table"] == "stages" and not row["group"]]
    assert [(row["stage"], int(row["entered"])) for row in stages] == [
        (stage["stage"], stage["entered"]) for stage in told["stages"]
    ]
    grouped = [int(row["entered"]) for row in rows if row["table"] == "stages" and row["group"] == "rep-03"]
    assert grouped == [stage["entered"] for stage in told["groups"][0]["stages"]]
    (overall,) = (row for row in rows if row["table"] == "overall" and not row["group"])
    assert float(overall["conversion"]) == told["overall"]["conversion"]


class Told(Figures):
    stage: str
    title: str
    worth: tuple[Amount, ...]
    change: str
    inner: tuple["Inner", ...] = ()


class Inner(Figures):
    reason: str
    n: int


class Small(Answer):
    best: Amount
    rows: tuple[Told, ...]


def small(*rows: Told) -> list[dict[str, str]]:
    head = {"pipeline": "sales", "definition": 1, "as_of": datetime(2026, 1, 5, tzinfo=UTC), "known_at": None}
    found = Small(**head, position=9, n=2, best=Amount(amount="7.00", currency="EUR"), rows=rows)
    return read(as_csv(found, {"contact": "Contacte"}))


def test_money_has_a_column_a_currency_and_inner_lists_name_their_parent() -> None:
    worth = (Amount(amount="1.50", currency="EUR"), Amount(amount="-3", currency="JPY"))
    whole, row, inner = small(
        Told(stage="contact", title="two", worth=worth, change="-1", inner=(Inner(reason="price", n=2),))
    )
    assert (whole["table"], whole["n"], whole["best_EUR"]) == ("all", "2", "7.00")
    assert (row["table"], row["worth_EUR"], row["worth_JPY"], row["stage_name"]) == ("rows", "1.50", "-3", "Contacte")
    assert (inner["table"], inner["stage"], inner["reason"], inner["n"]) == ("rows.inner", "contact", "price", "2")


@pytest.mark.parametrize("title", ["=1+1", "+cmd", "-x", "@sum", "\tx"])
def test_a_text_is_never_taken_for_a_formula(title: str) -> None:
    (_, row) = small(Told(stage="contact", title=title, worth=(), change="-1.5"))
    assert row["title"] == f"'{title}"
    assert row["change"] == "-1.5"


def test_two_shapes_at_once_are_refused(sample_log: Path) -> None:
    run("board", "--csv", "--json", "--db", sample_log).refused(exits.USAGE, "--json", "--csv")


def test_an_event_keeps_its_own_position(sample_log: Path) -> None:
    asked = ("win-rate", "--explain", "part=lost", "--db", sample_log)
    told = [event["position"] for each in run(*asked, "--json").answer["journeys"] for event in each["events"]]
    rows = read(run(*asked, "--csv").out)
    assert [int(row["position"]) for row in rows if row["table"] == "journeys.events"] == told
    assert len({row["log_position"] for row in rows}) == 1
