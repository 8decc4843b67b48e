"""Filters mean the same in every answer."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from engine.aggregates.lead.commands import CaptureLead, DisqualifyLead
from engine.aggregates.target.commands import SetTarget
from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.filters import Filters
from engine.projections.win_rate import win_rate
from engine.stages.presets import preset
from engine.values import Attribute
from tests.checklist.desk import Desk
from tests.projections.journeys import Funnel, date_of, day, funnel, journey, person

ANSWERS = (board, conversion, cycle_time, win_rate)
NORTH = {"rep": person(1), "since": 0, "until": day(5), "team": "north", "manager": person(4), "region": "Alps"}
SOUTH = {"rep": person(1), "since": day(5), "until": None, "team": "south", "manager": person(5), "region": None}
SOLD = ("contact@0", "qualified@1", "won@3")


def ns(told: Funnel, **filters: Any) -> list[int]:
    """n of every answer."""
    return [answer(told.look, Filters(**filters)).n for answer in ANSWERS]


def test_an_owner_is_named_by_key_label_or_id() -> None:
    told = funnel(journey(*SOLD, owner=person(1)), journey(*SOLD, owner=person(2)), journey(*SOLD))
    for name in ("rep-1", "Rep One", "crm:rep-1", person(1), str(UUID(person(1)))):
        assert ns(told, owner=name) == [1, 1, 1, 1]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_unknown_owner_is_refused(answer: Any) -> None:
    with pytest.raises(Rejected, match="owner 'rep-99' is nobody known"):
        answer(funnel(journey("contact")).look, Filters(owner="rep-99"))


def test_of_two_people_of_one_key_the_one_who_owns_something_is_meant() -> None:
    told = funnel(journey(*SOLD, owner=person(1)), journey(*SOLD, owner=person(2))).look
    twins = told.people.with_columns(key=told.people["key"].replace("rep-3", "rep-1"))
    twins = twins.with_columns(source=twins["person_id"].replace_strict({person(3): "login"}, default="crm"))
    both = type(told)(**{**vars(told), "people": twins})
    assert win_rate(both, Filters(owner="rep-1")).n == 1
    same = type(told)(**{**vars(told), "people": twins.with_columns(key=twins["key"].replace("rep-2", "rep-1"))})
    with pytest.raises(Rejected, match="several people"):
        win_rate(same, Filters(owner="rep-1"))


def test_source_channel_and_attributes() -> None:
    told = funnel(
        journey(*SOLD, source="ads", channel="web", attributes={"product": "chair", "size": "big"}),
        journey(*SOLD, source="ads", channel="fair", attributes={"product": "table"}),
        journey(*SOLD),
    )
    assert ns(told, source="ads") == [2, 2, 2, 2]
    assert ns(told, source="ads", channel="fair") == [1, 1, 1, 1]
    assert ns(told, attributes=(("product", "chair"),)) == [1, 1, 1, 1]
    assert ns(told, attributes=(("product", "chair"), ("product", "table"))) == [2, 2, 2, 2]
    assert ns(told, attributes=(("product", "table"), ("size", "big"))) == [0, 0, 0, 0]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_unknown_attribute_word_or_grouping_is_refused(answer: Any) -> None:
    told = funnel(journey("contact", attributes={"product": "chair"}, source="ads", channel="web")).look
    with pytest.raises(Rejected, match="source 'adz': known are ads"):
        answer(told, Filters(source="adz"))
    with pytest.raises(Rejected, match="channel 'wbe': known are web"):
        answer(told, Filters(channel="wbe"))
    with pytest.raises(Rejected, match="product 'chiar': known are chair"):
        answer(told, Filters(attributes=(("product", "chair"), ("product", "chiar"))))
    with pytest.raises(Rejected, match="attribute 'prodcut': known are product"):
        answer(told, Filters(attributes=(("prodcut", "chair"),)))
    with pytest.raises(Rejected, match="attribute 'colour'"):
        answer(told, by="attr:colour")
    with pytest.raises(Rejected, match=r"by 'weather'.*owner, team"):
        answer(told, by="weather")


def sizes(size: str, **others: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name=name, value=value) for name, value in {"size": size, **others}.items())


def test_of_an_earlier_time_a_word_that_came_later_is_answered_with_nothing(sqlite_url: str) -> None:
    log = Log(sqlite_url)
    desk = Desk(log)
    desk.publish(preset("ca"))
    desk.begin(CaptureLead(pipeline="ca", source="fair", channel="desk", attributes=sizes("small")))
    before = desk.clock
    desk.clock += timedelta(days=2)
    late = CaptureLead(pipeline="ca", source="ads", channel="web", attributes=sizes("big", colour="red"))
    desk.begin(late).goes(DisqualifyLead(reason="budget"))
    about = (Attribute(name="size", value="huge"), Attribute(name="shape", value="round"))
    for goal in about:
        desk.say(SetTarget(team="north", pipeline="ca", period="2026-Q1", wins=3, attribute=goal))
    then, now = desk.look(as_of=before), desk.look()
    for goal in about:
        assert board(then, Filters(attributes=[(goal.name, goal.value)])).n == 0
    asked: list[dict[str, Any]] = [{"source": "ads"}, {"channel": "web"}]
    asked += [{"attributes": [pair]} for pair in (("size", "big"), ("colour", "red"))]
    for words in asked:
        assert (board(then, Filters(**words)).n, conversion(now, Filters(**words)).n) == (0, 1)
    assert win_rate(then, without_reasons=("budget",)).n == 0
    for wrong in ({"source": "adz"}, {"channel": "wbe"}, {"attributes": [("size", "bgi")]}):
        with pytest.raises(Rejected, match="no journey has"):
            board(then, Filters(**wrong))
    with pytest.raises(Rejected, match="no journey has the reason 'bugdet'"):
        win_rate(then, without_reasons=("bugdet",))
    log.close()


@pytest.mark.parametrize("answer", ANSWERS)
def test_groups_by_an_attribute(answer: Any) -> None:
    told = funnel(
        journey(*SOLD, attributes={"product": "chair"}), journey(*SOLD, attributes={"product": "desk"}), journey(*SOLD)
    )
    groups = answer(told.look, by="attr:product").groups
    assert [(group.key, group.label, group.n) for group in groups] == [
        ("chair", "chair", 1),
        ("desk", "desk", 1),
        (None, None, 1),
    ]


def test_team_manager_and_region_are_those_of_the_moment() -> None:
    told = funnel(journey(*SOLD, owner=person(1)), roster=[NORTH, SOUTH])
    assert ns(told, team="north") == [0, 1, 1, 1]
    assert ns(told, team="south") == [1, 0, 0, 0]
    assert ns(told, manager="rep-4") == [0, 1, 1, 1]
    assert ns(told, region="Alps", membership="today") == [0, 0, 0, 0]
    assert ns(told, manager="rep-5", membership="today") == [1, 1, 1, 1]


@pytest.mark.parametrize(("by", "key"), [("team", "north"), ("manager", "rep-4"), ("region", "Alps")])
def test_groups_by_membership(by: str, key: str) -> None:
    told = funnel(journey(*SOLD, owner=person(1)), journey(*SOLD, owner=person(2)), roster=[NORTH, SOUTH])
    for answer in (conversion, cycle_time, win_rate):
        groups = answer(told.look, by=by).groups
        assert groups is not None
        assert [(group.key, group.n) for group in groups] == [(key, 1), (None, 1)]
    today = board(told.look, Filters(team="south"), by=by).groups
    assert today is not None
    assert [group.key for group in today] == [{"team": "south", "manager": "rep-5", "region": None}[by]]


def test_who_left_the_roster_belongs_nowhere() -> None:
    told = funnel(journey(*SOLD, owner=person(1)), roster=[NORTH])
    assert ns(told, team="north") == [0, 1, 1, 1]
    assert ns(told, team="north", membership="today") == [0, 0, 0, 0]


def test_a_team_that_is_not_on_the_roster_is_refused() -> None:
    with pytest.raises(Rejected, match="team 'west' is not on the roster: known are north"):
        ns(funnel(journey("contact"), roster=[NORTH]), team="west")


def test_a_value_range_includes_both_ends_and_one_currency_alone() -> None:
    told = funnel(
        *[journey(*SOLD, value=value) for value in ("9.99 EUR", "10 EUR", "20 EUR", "20.01 EUR", "15 USD", None)]
    )
    assert ns(told, value_min=10, value_max=20, currency="EUR") == [2, 2, 2, 2]
    assert ns(told, value_min="20.005", currency="EUR") == [1, 1, 1, 1]
    assert ns(told, currency="USD") == [1, 1, 1, 1]
    assert ns(told, value_min=10**15, currency="CLF") == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"value_min": 1}, "names its currency"),
        ({"value_min": 2, "value_max": 1, "currency": "EUR"}, "above value_max"),
        ({"currency": "XXY"}, "no currency"),
        ({"tz": "Mars/Olympus"}, "no time zone"),
        ({"tz": "localtime"}, "no time zone"),
        ({"tz": "right/UTC"}, "no time zone"),
        ({"since": "2026-02-30"}, "write a date as"),
        ({"since": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001 (naive on purpose)
        ({"since": "2026-01-01T00:00:00"}, "no time zone"),
        ({"since": "yesterday"}, "since"),
        ({"since": "0001-01-01"}, "1900 to 2999"),
        ({"since": "2026-01-01T00:00:00 02:00"}, "%2B"),
        ({"value_min": "1e38", "currency": "EUR"}, "less than or equal"),
        ({"since": date(2026, 1, 2), "until": date(2026, 1, 2)}, "is empty"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_filters_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Filters.model_validate(wrong)


def test_the_time_zone_decides_days_and_months() -> None:
    told = funnel(journey("contact@26.6"))  # 2026-01-31T23:24:00Z
    assert ns(told, since=date(2026, 2, 1))[:2] == [0, 0]
    assert ns(told, since=date(2026, 2, 1), tz="Europe/Madrid")[:2] == [1, 1]
    assert ns(told, since="2026-02-01", until="2026-02-02", tz="Europe/Madrid")[:2] == [1, 1]
    groups = conversion(told.look, Filters(tz="Europe/Madrid"), by="month").groups
    assert groups is not None
    assert [group.key for group in groups] == ["2026-02"]


def test_bounds_with_an_offset_are_moments() -> None:
    told = funnel(journey("contact@0"))
    assert ns(told, since="2026-01-05T10:00:00+01:00", until=date_of(0.1))[0] == 1
    assert ns(told, since="2026-01-05T10:00:01+01:00")[0] == 0


def test_an_erased_owner_is_a_group_by_id() -> None:
    told = funnel(journey(*SOLD, owner=person(9))).look
    groups = win_rate(told, by="owner").groups
    assert groups is not None
    assert [(group.key, group.label) for group in groups] == [(person(9), person(9))]
