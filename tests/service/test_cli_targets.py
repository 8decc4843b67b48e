"""dealtrail targets and forecast, as somebody types them."""

from csv import DictReader
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run

MONTH = f"{datetime.now(UTC):%Y-%m}"


@pytest.mark.checklist("S15", "S36")
def test_targets_are_set_revised_withdrawn_and_shown(own_sample: Path) -> None:
    at = ("--db", own_sample)
    done = run("targets", "set", "--rep", "rep-03", "--period", "2026-W20", "--wins", "4", "--json", *at).answer
    assert done["events"] == ["target.set.v1"]
    short = done["target"][:8]
    assert "revised" in run("targets", "revise", short, "--wins", "5", "--reason", "a good week", *at).out
    assert "nothing to do" in run("targets", "revise", short, "--wins", "5", "--reason", "a good week", *at).out
    listed = run("targets", "list", "--rep", "rep-03", *at).out
    assert short in listed
    assert "5 wins" in listed
    run("targets", "withdraw", short, "--reason", "public holidays", *at)
    shown = run("targets", "show", done["target"], *at).out
    for words in ("withdrawn", "a good week", "public holidays", "4 wins", "5 wins"):
        assert words in shown
    week = run("forecast", "--period", "2026-W20", "--json", *at).answer
    assert week["every"] == "week"


def test_what_is_typed_wrong_is_told_with_what_would_be_right(own_sample: Path) -> None:
    def refused(code: int, *words: str, **options: str) -> None:
        typed = {"period": "2026-Q1", "team": "north", "value": "5 EUR", **options}
        flags = [part for name, value in typed.items() if value for part in (f"--{name}", value)]
        run("targets", "set", *flags, "--db", own_sample).refused(code, *words)

    refused(exits.USAGE, "--period", "2026-Q1", "2026-13", period="2026-13")
    refused(exits.USAGE, "--value", "not below zero", value="-5 EUR")
    refused(exits.USAGE, "--wins", "-1", value="", wins="-1")
    refused(exits.USAGE, "--attr", "NAME=VALUE", attr="new")
    refused(exits.REFUSED, "nroth", "north", team="nroth")
    refused(exits.REFUSED, "one of them", rep="rep-03")
    run("targets", "set", "--period", "2026-Q1", "--rep", "rep-99", "--wins", "1", "--db", own_sample).refused(
        exits.NOT_FOUND, "rep-99"
    )
    run("targets", "show", "nothing", "--db", own_sample).refused(exits.NOT_FOUND, "'nothing'")
    run("targets", "list", "--period", "2026-13", "--db", own_sample).refused(exits.USAGE, "--period", "2026-Q1")
    for flag, nobody, known in (("--rep", "nobody", "source:key"), ("--team", "nowhere", "north")):
        run("targets", "list", flag, nobody, "--db", own_sample).refused(exits.REFUSED, nobody, known)
    monthly = ("forecast", "--period", "2026-11", "--every", "week", "--db", own_sample)
    run(*monthly).refused(exits.REFUSED, "'week'", "a month")
    assert "No such target" in run("targets", "list", "--period", "2020-01", "--db", own_sample).out
    run("forecast", "--period", "soon", "--db", own_sample).refused(exits.REFUSED, "soon", "2026-Q1")


def test_a_forecast_is_drawn_and_told_as_csv(sample_log: Path) -> None:
    said = run("forecast", "--db", sample_log).out
    for words in (MONTH, "quota", "gap", "north", "rep-06", "all", "60,000.00 EUR"):
        assert words in said
    rows = list(DictReader(StringIO(run("forecast", "--csv", "--db", sample_log).out)))
    (north,) = (row for row in rows if row["table"] == "periods.teams" and row["team"] == "north")
    assert (north["quota_EUR"], north["pipeline"], north["period"]) == ("60000.00", "office-coffee", MONTH)
    assert float(north["attainment_EUR"]) == float(north["won_value_EUR"]) / 60_000
    people = {row["rep"]: row["quota_EUR"] for row in rows if row["table"] == "periods.teams.people"}
    assert people == {"rep-03": "25000.00", "rep-04": "25000.00", "rep-05": "25000.00", "rep-06": "20000.00"}
    behind = run("forecast", "--explain", "part=won team=north", "--json", "--db", sample_log).answer
    assert behind["figure"] == int(north["won"])


def test_how_far_off_forecasts_were_is_drawn_and_told_as_csv(sample_log: Path) -> None:
    at = ("--count", "2", "--horizon", "start", "--horizon", "10", "--db", sample_log)
    # The sample is told today: nothing of it was recorded by then.
    said = run("forecast-accuracy", *at).out
    for words in ("0 of 2", "insufficient history", "--hindsight"):
        assert words in said
    said = run("forecast-accuracy", "--hindsight", "--basis", "configured", *at).out
    for words in ("WAPE", "bias", "MAPE", "10 days before the end", "seen from"):
        assert words in said
    told = run("forecast-accuracy", "--hindsight", "--basis", "configured", "--by", "team", "--csv", *at).out
    rows = list(DictReader(StringIO(told)))
    lines = [row for row in rows if row["table"] == "horizons" and row["group"] == ""]
    assert [row["horizon"] for row in lines] == ["start", "10"]
    for line in lines:
        of_it = [row for row in rows if row["table"] == "horizons.points" and row["horizon"] == line["horizon"]]
        points = [row for row in of_it if row["group"] == "" and row["insufficient_history"] == "false"]
        assert len(points) == int(line["measured"])
        if points:
            missed = sum(abs(float(row["error_EUR"] or 0)) for row in points)
            assert float(line["wape_EUR"]) == pytest.approx(missed / float(line["came_EUR"]))
    run("forecast-accuracy", "--horizon", "soon", "--db", sample_log).refused(exits.REFUSED, "soon", "start")
