import pytest
from pydantic import ValidationError

from engine.aggregates.inputs import PersonRef
from engine.aggregates.target.commands import ReviseTarget, SetTarget, TargetCommand, WithdrawTarget
from engine.aggregates.target.events import TargetRevised, TargetSet, TargetWithdrawn
from engine.aggregates.target.rules import decide
from engine.aggregates.target.state import Target, evolve, target_stream
from engine.values import Attribute, Money
from tests.aggregates.examples import DEFINITIONS
from tests.given_when_then import Aggregate, person

target = Aggregate(decide, evolve, Target(), DEFINITIONS, reps=(person("r1"),))

REP = PersonRef(source="crm", key="r1")
HUNDRED, MORE = Money.of(100, "EUR"), Money.of(120, "EUR")
SET = TargetSet(rep=person("r1"), period="2026-Q1", pipeline="sales", value=HUNDRED)


def asked(**fields: object) -> SetTarget:
    return SetTarget.model_validate({"period": "2026-Q1", "pipeline": "sales", **fields})


@pytest.mark.checklist("S36")
def test_a_rep_or_a_team_has_a_target_in_money_or_in_wins() -> None:
    target.given().when(asked(rep=REP, value=HUNDRED)).then(SET)
    kind = Attribute(name="type", value="new business")
    target.given().when(asked(team="north", wins=12, attribute=kind, reason="plan")).then(
        TargetSet(team="north", period="2026-Q1", pipeline="sales", wins=12, attribute=kind, reason="plan")
    )


def test_a_target_is_set_once_and_then_revised() -> None:
    target.given(SET).when(asked(rep=REP, value=MORE)).rejected("100.00 EUR", "2026-Q1", "revise it")
    target.given(SET, TargetWithdrawn(reason="leave")).when(asked(rep=REP, value=HUNDRED)).then(SET)


@pytest.mark.checklist("S11", "S36")
def test_a_target_is_adjusted_as_one_goes() -> None:
    revise = ReviseTarget(value=MORE, reason="two more reps")
    told = TargetRevised(value=MORE, reason="two more reps")
    target.given(SET).when(revise).then(told)
    target.given(SET, told).when(revise).nothing()
    target.given(SET, told).when(WithdrawTarget(reason="leave")).then(TargetWithdrawn(reason="leave"))


@pytest.mark.parametrize("command", [ReviseTarget(value=MORE, reason="x"), WithdrawTarget(reason="x")])
def test_what_is_withdrawn_is_set_again_before_it_is_changed(command: TargetCommand) -> None:
    target.given(SET, TargetWithdrawn(reason="leave")).when(command).rejected("withdrawn", "set it again")


def test_a_target_keeps_its_measure() -> None:
    target.given(SET).when(ReviseTarget(wins=3, reason="x")).rejected("in EUR", "given is wins", "withdraw it")
    target.given(SET).when(ReviseTarget(value=Money.of(5, "USD"), reason="x")).rejected("in EUR", "given is USD")
    target.given(SET).when(ReviseTarget(reason="x")).rejected("value, wins", "one of them")


def test_whose_and_how_much_is_said_once_each() -> None:
    target.given().when(asked(value=HUNDRED)).rejected("rep, team")
    target.given().when(asked(rep=REP, team="north", value=HUNDRED)).rejected("rep, team")
    target.given().when(asked(rep=REP)).rejected("value, wins")
    target.given().when(asked(rep=REP, value=HUNDRED, wins=2)).rejected("value, wins")


def test_only_who_is_on_the_roster_has_a_target_and_only_in_a_pipeline_there_is() -> None:
    stranger = PersonRef(source="crm", key="r9")
    target.given().when(asked(rep=stranger, value=HUNDRED)).rejected("rep", "crm:r9", "enrol")
    target.given().when(asked(rep=REP, value=HUNDRED, pipeline="lost")).rejected("'lost'", "publish one first")


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-Q5", "2026-W54", "2025-W53", "2026-q1", "1800-01"])
def test_a_period_that_is_none_is_refused_with_what_would_be_one(period: str) -> None:
    with pytest.raises(ValidationError, match=r"2026-Q1|1900"):
        asked(rep=REP, value=HUNDRED, period=period)


@pytest.mark.parametrize("period", ["2026-W01", "2026-W53", "2026-02", "2026-Q4"])
def test_weeks_months_and_quarters_are_periods(period: str) -> None:
    assert asked(rep=REP, value=HUNDRED, period=period).period == period


def test_every_holder_period_pipeline_measure_and_kind_of_deal_has_a_stream_of_its_own() -> None:
    kind = Attribute(name="type", value="new")
    streams = [
        target_stream(person("r1"), "2026-Q1", "sales", "EUR"),
        target_stream(person("r2"), "2026-Q1", "sales", "EUR"),
        target_stream("north", "2026-Q1", "sales", "EUR"),
        target_stream("north", "2026-01", "sales", "EUR"),
        target_stream("north", "2026-Q1", "partners", "EUR"),
        target_stream("north", "2026-Q1", "sales", "wins"),
        target_stream("north", "2026-Q1", "sales", "EUR", kind),
    ]
    assert len(set(streams)) == len(streams)
