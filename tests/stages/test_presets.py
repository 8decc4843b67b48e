"""The presets: every stage is reached by what happens, in every one of them, through the whole path to the board."""

from collections.abc import Iterator

import pytest

from engine.aggregates.deal.commands import (
    Lose,
    MoveStage,
    OpenDeal,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    SendProposal,
    Win,
)
from engine.aggregates.journey.commands import SetScore
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, QualifyLead
from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.messages import Command
from engine.stages.definition import Stage
from engine.stages.names import stage_names
from engine.stages.presets import PRESETS, preset, preset_file, under
from tests.checklist.desk import AUTHORITY, BUDGET, CALL, DEMO, MEETING, NEED, TIMELINE, UNFIT, Desk, signal
from tests.stages.ways_in import Way, ways

CONVERT, OFFER, WIN = ConvertLead(), SendProposal(), Win(evidence="order 7")
PAID, DELIVERED, CONTENT = RecordPayment(), RecordDelivery(), RecordSatisfaction(score=9)
AIDA = (("attention",), ("interest", CALL), ("desire", NEED))
SALE = ("action", CONVERT, WIN)

LADDERS: dict[str, tuple[tuple[str | Command, ...], ...]] = {
    "ca": (
        ("prospecting", CALL),
        ("qualification", BUDGET, AUTHORITY, NEED),
        ("presentation", CALL, MEETING),
        ("negotiation", CONVERT, CALL, OFFER),
        ("closing", WIN),
        ("follow_up", PAID, DELIVERED, CALL),
    ),
    "es": (
        ("prospecting", CALL),
        ("qualification", NEED, QualifyLead()),
        ("presentation", signal("demo requested")),
        ("demonstration", CONVERT, MEETING, DEMO),
        ("closing", OFFER, WIN),
    ),
    "ro": (
        ("contact", CALL),
        ("qualification", BUDGET, AUTHORITY, TIMELINE),
        ("meeting", MEETING),
        ("proposal", CONVERT, OFFER),
        ("close", WIN),
        ("retention", CALL, CONTENT),
    ),
    "bg": (
        ("lead_generation", CALL, signal("mailing list joined")),
        ("lead_qualification", SetScore(fit=40), SetScore(engagement=30)),
        ("nurturing", CALL, CALL),
        ("conversion", CONVERT),
        ("quotes", CALL, OFFER),
        ("deals", WIN),
        ("contacts", CALL),
        ("billing", signal("invoice issued")),
        ("delivery", PAID, DELIVERED),
        ("inventory", signal("stock booked out")),
        ("after_sales", CALL, CONTENT),
    ),
    "aida": (*AIDA, SALE),
    "aidca": (*AIDA, ("conviction", CONVERT, OFFER), ("action", WIN)),
    "aidas": (*AIDA, SALE, ("satisfaction", PAID, CALL, CONTENT)),
    "aidcas": (*AIDA, ("confidence", BUDGET, AUTHORITY), SALE, ("satisfaction", CONTENT)),
    "tl": (
        ("learns",),
        ("selects", CALL),
        ("intends", NEED, TIMELINE),
        ("deals", CONVERT, WIN),
        ("pays", CALL, PAID),
        ("receives", DELIVERED),
        ("buys_again", CONTENT, signal("bought again")),
        ("buys_regularly", signal("buys regularly")),
    ),
    "builder": (
        ("cold_call", CALL),
        ("presentation", MEETING, AUTHORITY),
        ("commercial_offer", CONVERT, CALL, OFFER),
        ("contract", WIN),
        ("payment", PAID),
        ("delivery", DELIVERED),
        ("repeat_purchase", signal("bought again")),
        ("standing_contract", signal("standing contract signed")),
    ),
}
"""Every stage but the lost one: the last command brings the deal there, the others before it do not."""

ORIGINAL = {
    "ca": ("ca", "Prospecció, Qualificació, Presentació, Negociació, Tancament, Seguiment"),
    "es": ("es", "Prospectación, Calificación, Presentación, Demostración, Cierre"),
    "ro": ("ro", "A lua legătura, Calificare, Întâlnire, Propunere, Închidere, Retenție"),
    "bg": (
        "bg",
        "Генериране на лийдове, Квалификация на лийдове, Подхранване на лийдове, Конверсия, Оферти и фактури, Сделки, "
        "Контакти, Фактуриране, Доставка, Складови наличности, Следпродажбено обслужване",
    ),
    "aida": ("en", "Attention, Interest, Desire, Action"),
    "aidca": ("en", "Attention, Interest, Desire, Conviction, Action"),
    "aidas": ("en", "Attention, Interest, Desire, Action, Satisfaction"),
    "aidcas": ("en", "Attention, Interest, Desire, Confidence, Action, Satisfaction"),
    "tl": (
        "tl",
        "Nalaman ang alok, Pumipili, Balak bumili, Nakipagkasundo, Nagbayad, Natanggap, Bumili muli, "
        "Regular na bumibili",
    ),
    "builder": (
        "en",
        "Cold call, Presentation to the decision-maker, Commercial offer, Contract, Payment, Delivery, "
        "Repeat purchase, Standing contract",
    ),
}
BY_ROW = [
    pytest.param("ca", marks=pytest.mark.checklist("S1")),
    pytest.param("es", marks=pytest.mark.checklist("S8")),
    pytest.param("ro", marks=pytest.mark.checklist("S12")),
    pytest.param("bg", marks=pytest.mark.checklist("S32")),
    *(pytest.param(name, marks=pytest.mark.checklist("S37")) for name in ("aida", "aidca", "aidas", "aidcas")),
    pytest.param("tl", marks=pytest.mark.checklist("S38")),
    pytest.param("builder", marks=pytest.mark.checklist("S39")),
]


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    log = Log(sqlite_url)
    yield Desk(log)
    log.close()


@pytest.mark.parametrize("name", BY_ROW)
def test_a_deal_goes_through_every_stage_of_the_preset(name: str, desk: Desk) -> None:
    definition = preset(name)
    desk.publish(definition)
    sale = desk.begin(CaptureLead(pipeline=name))
    stood = LADDERS[name][0][0]
    for stage, *commands in LADDERS[name]:
        for command in commands:
            assert sale.stage == stood, command
            assert isinstance(command, Command)
            sale.goes(command)
        assert sale.stage == stage, commands
        stood = stage
    passed = [stage for stage, *_ in LADDERS[name]]
    assert passed == [stage.key for stage in definition.stages if stage.kind != "lost"]
    assert [(each.stage, each.entered) for each in desk.conversion().stages] == [(stage, 1) for stage in passed]


@pytest.mark.parametrize("name", BY_ROW)
def test_the_stages_of_the_preset_are_called_as_in_its_source(name: str, desk: Desk) -> None:
    language, names = ORIGINAL[name]
    lost = {stage.key for stage in preset(name).stages if stage.kind == "lost"}
    called = stage_names(preset(name), language)
    assert ", ".join(name for key, name in called.items() if key not in lost) == names


@pytest.mark.parametrize("name", PRESETS)
def test_an_unfit_lead_and_a_lost_deal_are_lost_in_every_preset(name: str, desk: Desk) -> None:
    desk.publish(preset(name))
    assert desk.begin(CaptureLead(pipeline=name)).goes(CALL, UNFIT).stage == "lost"
    assert desk.begin(OpenDeal(pipeline=name)).goes(OFFER, Lose(reason="price")).stage == "lost"


WAYS = [
    pytest.param(name, stage, way, id=f"{name}-{stage.key}-{n}")
    for name in PRESETS
    for stage in preset(name).stages
    if stage.enter is not None
    for n, way in enumerate(ways(stage.enter), 1)
]


@pytest.mark.parametrize(("name", "stage", "way"), WAYS)
def test_every_way_into_every_stage_of_a_preset_leads_there(name: str, stage: Stage, way: Way, desk: Desk) -> None:
    desk.publish(preset(name))
    sold = (CONVERT, WIN) if stage.kind == "after_sale" else ()
    lead = desk.begin(CaptureLead(pipeline=name))
    lead.goes(*dict.fromkeys((*sold, *way.first)), *way.then[:-1])
    assert lead.stage != stage.key
    assert lead.goes(way.then[-1]).stage == stage.key


@pytest.mark.parametrize("name", PRESETS)
def test_a_gate_of_a_preset_stops_a_deal_that_nobody_knows_anything_of(name: str, desk: Desk) -> None:
    desk.publish(preset(name))
    gates = [stage.key for stage in preset(name).stages if stage.gate is not None]
    for stage in gates:
        with pytest.raises(Rejected, match=f"gate of '{stage}'"):
            desk.begin(OpenDeal(pipeline=name)).goes(MoveStage(stage=stage))


@pytest.mark.checklist("S2")
@pytest.mark.parametrize("name", PRESETS)
def test_every_stage_of_a_preset_has_names_descriptions_and_a_team(name: str) -> None:
    definition = preset(name)
    languages = set(definition.stages[0].name)
    for stage in definition.stages:
        assert set(stage.name) == set(stage.description) == languages
        assert stage.team is not None
    first, *others = [stage for stage in definition.stages if stage.kind != "after_sale"]
    assert first.team == "marketing"
    assert {stage.team for stage in others if stage.key != "nurturing"} == {"sales"}


@pytest.mark.parametrize("name", PRESETS)
def test_every_open_stage_of_a_preset_stalls_and_is_likelier_than_the_one_before(name: str) -> None:
    stages = [stage for stage in preset(name).stages if stage.kind == "open"]
    assert all(stage.stall is not None and stage.stall.idle_days is not None for stage in stages)
    chances = [stage.probability for stage in stages if stage.probability is not None]
    assert len(chances) == len(stages)
    assert chances == sorted(set(chances))


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="no preset 'fr': use one of ca, es"):
        preset("fr")


def test_every_preset_file_is_listed() -> None:
    folder = preset_file("ca").parent
    assert {path.stem for path in folder.glob("*.yaml")} == set(PRESETS)


@pytest.mark.checklist("S40")
def test_each_channel_has_a_funnel_of_its_own_with_the_same_stages(desk: Desk) -> None:
    for channel in ("web", "phone"):
        desk.publish(under(preset("ca"), channel))
    desk.begin(CaptureLead(pipeline="web")).goes(QualifyLead())
    desk.begin(CaptureLead(pipeline="phone"))
    web, phone = desk.board("web"), desk.board("phone")
    assert [stage.stage for stage in web.stages] == [stage.stage for stage in phone.stages]
    assert [stage.count for stage in web.stages] == [0, 1, 0, 0, 0, 0, 0]
    assert [stage.count for stage in phone.stages] == [1, 0, 0, 0, 0, 0, 0]


def test_a_pipeline_key_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(Rejected, match="Web Shop"):
        under(preset("ca"), "Web Shop")


@pytest.mark.checklist("S40")
def test_the_same_offer_is_cold_before_the_presentation_and_hot_after_it(desk: Desk) -> None:
    desk.publish(preset("builder"))
    sale = desk.begin(OpenDeal(pipeline="builder"))
    assert sale.goes(OFFER).stage == "cold_call"
    assert sale.goes(MEETING, AUTHORITY).stage == "presentation"
    assert sale.goes(OFFER).stage == "commercial_offer"


def test_a_deal_without_a_lead_begins_at_the_conversion(desk: Desk) -> None:
    desk.publish(preset("bg"))
    assert desk.begin(OpenDeal(pipeline="bg")).stage == "conversion"
