"""Search: by title, customer and key, whatever the case and the accents; nothing of an erased person; ever current."""

from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest

from engine.aggregates.deal.commands import ChangePipeline, Lose, MergeDeal, OpenDeal
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.errors import Rejected
from engine.log.application import Log
from engine.log.correction import correct_person
from engine.log.erasure import erase_person
from engine.log.people import person
from engine.projections import names as names_module
from engine.projections.lens import Lens
from engine.projections.names import Names
from engine.projections.search import Search, search
from engine.projections.views import Views
from engine.values import TouchKind
from tests.replay.test_history import ask, sales

__all__ = ["sales"]


class Desk:
    def __init__(self, log: Log) -> None:
        self.log, self.views = log, Views(log)
        self.names = Names(self.views)

    def look_for(self, text: str, **how: int) -> Search:
        self.views.catch_up()
        looks = [self.views.look(pipeline, Lens.of()) for pipeline in self.views.pipelines()]
        return search(looks, self.names, text, **how)

    def titles(self, text: str) -> list[str | None]:
        return [each.label for each in self.look_for(text).found]


@pytest.fixture
def desk(sales: Log) -> Desk:
    return Desk(sales)


def deal(log: Log, title: str | None, name: str | None = None, pipeline: str = "sales", **more: str) -> UUID:
    who = None if name is None else PersonRef(source="crm", key=f"c-{name}", name=name, **more)
    record = SourceKey(source="crm", key=f"D-{log.position()}")
    return ask(log, OpenDeal(pipeline=pipeline, title=title, person=who, record=record)).stream_id


def test_case_and_accents_do_not_count(desk: Desk) -> None:
    deal(desk.log, "Café für die Straße", "José García")
    deal(desk.log, "Łódź: Ørsted og Ærø")
    for text in ("cafe", "CAFÉ", "fur die strasse", "STRAßE", "jose garcia", "García José", "  josé  "):
        assert desk.titles(text) == ["Café für die Straße"], text
    for text in ("lodz", "orsted", "ÆRØ", "aero"):
        assert desk.titles(text) == ["Łódź: Ørsted og Ærø"], text
    deal(desk.log, "𝕬𝖗𝖙 Σίσυφος")
    for text in ("art", "ΣΙΣΥΦΟΣ", "σισυφοσ"):
        assert desk.titles(text) == ["𝕬𝖗𝖙 Σίσυφος"], text
    assert desk.titles("tea") == []


def test_signs_stand_for_themselves(desk: Desk) -> None:
    deal(desk.log, "100 % cotton_bags (new) \\o/")
    deal(desk.log, "1000 cottonXbags")
    for text in ("100 %", "cotton_", "(new)", "\\o/"):
        assert desk.titles(text) == ["100 % cotton_bags (new) \\o/"], text
    for text in ("%", "_", ".*"):
        assert len(desk.titles(text)) <= 1, text


def test_every_word_must_be_there_in_title_customer_or_key(desk: Desk) -> None:
    deal(desk.log, "Chairs", "Nordic Office", email="buy@nordic.example", phone="+47 555 01 23")
    deal(desk.log, "Desks", "Nordic House")
    assert desk.titles("nordic chairs") == ["Chairs"]
    assert sorted(str(title) for title in desk.titles("nordic")) == ["Chairs", "Desks"]
    assert desk.titles("nordic sofas") == []
    assert desk.titles("buy@nordic") == ["Chairs"]
    assert desk.titles("555 01") == ["Chairs"]
    [found] = desk.look_for("chairs").found
    assert found.customer is not None
    assert (found.customer.key, found.customer.label) == ("c-Nordic Office", "Nordic Office")
    assert found.key is not None
    assert desk.titles(found.key) == ["Chairs"]


def test_the_best_comes_first(desk: Desk) -> None:
    inside, word, lost = (deal(desk.log, title) for title in ("Megatea", "Green tea", "Tea lost"))
    ask(desk.log, Lose(reason="price"), lost)
    older, newer, exact = (deal(desk.log, title) for title in ("Teacups", "Teapots", "tea"))
    ask(desk.log, Touch(kind=TouchKind.CALL), older)
    ask(desk.log, Touch(kind=TouchKind.CALL), newer)
    found = desk.look_for("tea")
    assert [each.journey for each in found.found] == [str(each) for each in (exact, newer, older, lost, word, inside)]
    few = desk.look_for("tea", limit=2)
    assert (few.n, [each.journey for each in few.found]) == (6, [str(exact), str(newer)])


def test_a_journey_is_found_once_by_lead_and_deal_in_any_pipeline(desk: Desk) -> None:
    lead = ask(desk.log, CaptureLead(pipeline="sales", title="Twelve lamps")).stream_id
    ask(desk.log, ConvertLead(title="Thirteen lamps"), lead)
    deal(desk.log, "Lamps for partners", pipeline="partners")
    found = desk.look_for("lamps")
    assert sorted((each.pipeline, each.label, each.kind) for each in found.found) == [
        ("partners", "Lamps for partners", "deal"),
        ("sales", "Thirteen lamps", "deal"),
    ]
    assert [each.journey for each in desk.look_for("twelve").found] == [str(lead)]


def test_a_journey_is_found_in_the_pipeline_it_went_to(desk: Desk) -> None:
    moved, merged = deal(desk.log, "moved on"), deal(desk.log, "moved and merged")
    for each in (moved, merged):
        ask(desk.log, ChangePipeline(pipeline="partners", stage="contact", reason="theirs"), each)
    ask(desk.log, MergeDeal(into=moved), merged)
    found = desk.look_for("moved")
    assert found.n == 2
    assert {(each.label, each.pipeline, each.outcome) for each in found.found} == {
        ("moved on", "partners", "open"),
        ("moved and merged", "partners", "merged"),
    }


def test_what_was_written_a_moment_ago_is_found_and_what_was_erased_is_not(desk: Desk) -> None:
    assert desk.titles("bicycle") == []
    deal(desk.log, "A bicycle", "Somebody Known")
    assert desk.titles("bicycle") == ["A bicycle"]
    somebody = person(desk.log, "crm", "c-Somebody Known")
    assert somebody is not None
    erase_person(desk.log, somebody.person_id, somebody.person_id)
    assert desk.titles("somebody") == desk.titles("bicycle") == []


def test_who_is_corrected_or_erased_is_read_again_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    deal(desk.log, "A bicycle", "Somebody Else")
    first = deal(desk.log, "Two bicycles", "Eva Sol")
    customer = PersonRef(source="crm", key="c-Eva Sol")
    lead = ask(desk.log, CaptureLead(pipeline="sales", title="Three bicycles", person=customer)).stream_id
    ask(desk.log, ConvertLead(title="Four bicycles"), lead)
    assert len(desk.titles("bicycle")) == 3
    eva = person(desk.log, "crm", "c-Eva Sol")
    assert eva is not None
    read: list[str] = []
    whole = Names._by_id

    def noted(names: Names, columns: Any, ids: pl.Series) -> pl.DataFrame:
        read.extend(ids.drop_nulls())
        return whole(names, columns, ids)

    monkeypatch.setattr(Names, "_by_id", noted)
    correct_person(desk.log, "crm:c-Eva Sol", {"name": "Eva Luna"}, actor=eva.person_id, command_id=uuid4())
    assert sorted(map(str, desk.titles("eva luna"))) == ["Four bicycles", "Two bicycles"]
    # Of three openings: their titles, their customer, their streams.
    assert len(read) <= 9
    assert eva.person_id.hex in read
    assert desk.names.journeys_of(eva.person_id) == [lead, first]
    erase_person(desk.log, eva.person_id, eva.person_id)
    assert [desk.titles(text) for text in ("eva", "two", "three", "four")] == [[]] * 4
    assert desk.titles("bicycle") == ["A bicycle"]


def test_names_are_found_whether_tables_are_read_as_they_lie_or_row_by_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        deal(desk.log, f"Order {number:02}", f"Buyer {'xyz'[number % 3] * 2}")
    expected = [desk.look_for(text) for text in ("order", "buyer yy", "order 07")]
    for whole, asked in ((0, 5), (0, 5_000), (1_000, 5)):
        monkeypatch.setattr(names_module, "WHOLE", whole)
        monkeypatch.setattr(names_module, "_ASKED", asked)
        desk.names = Names(desk.views)
        assert [desk.look_for(text) for text in ("order", "buyer yy", "order 07")] == expected
    assert [each.n for each in expected] == [12, 4, 1]


def test_nothing_to_look_for_is_refused(desk: Desk) -> None:
    for text, remedy in (("", "give a word"), ("   ", "give a word"), ("x" * 201, "at most 200")):
        with pytest.raises(Rejected, match=remedy):
            desk.look_for(text)
    with pytest.raises(Rejected, match="limit"):
        desk.look_for("x", limit=101)
