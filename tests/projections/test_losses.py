"""Losses: reasons by the stage they were lost from, late disqualifications, doubtful wins."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from engine.aggregates.deal.commands import Lose, SendProposal, Win
from engine.aggregates.journey.commands import AssessBant, SetScore
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, QualifyLead
from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.filters import Filters
from engine.projections.losses import Losses, losses
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.stages.presets import preset
from engine.values import Dimension, Money, Verdict
from tests.checklist.desk import BUDGET, CALL, TIMELINE, Desk
from tests.projections.journeys import Funnel, date_of, funnel, journey, look
from tests.projections.one_by_one import Told, one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def asked(told: Funnel, filters: Filters | None = None, **options: Any) -> Losses:
    return losses(told.look, filters or Filters(), **options)


@pytest.fixture
def desk(sqlite_url: str) -> Any:
    log = Log(sqlite_url)
    found = Desk(log)
    found.publish(preset("ca"))
    yield found
    log.close()


@pytest.mark.checklist("S28")
def test_reasons_are_told_by_the_stage_that_was_lost_from() -> None:
    told = funnel(
        journey("contact", "proposal", "lost", reason="price", value="10 EUR"),
        journey("contact", "proposal", "lost", reason="price", value="20 EUR"),
        journey("contact", "proposal", "lost", reason="silence", value=None),
        journey("contact", "disqualified", reason="price"),
        journey("contact", "won"),
    )
    found = asked(told)
    assert (found.n, found.lost, found.disqualified) == (4, 3, 1)
    contact, proposal = found.stages
    assert [(row.reason, row.n) for row in proposal.reasons] == [("price", 2), ("silence", 1)]
    assert (contact.stage, contact.n, contact.share) == ("contact", 1, 0.25)
    (price, silence) = found.reasons
    assert (price.n, price.lost, price.disqualified, price.share) == (3, 2, 1, 0.75)
    assert [money.amount for money in price.value] == ["130.00"]
    assert silence.value == ()


def test_a_reopened_loss_is_none_and_a_second_one_counts_from_where_it_was_lost_last() -> None:
    told = funnel(
        journey("contact", "lost", "^proposal", "lost"),
        journey("contact", "lost", "^qualified"),
    )
    (stage,) = asked(told).stages
    assert (stage.stage, stage.n, stage.reasons[0].reason) == ("proposal", 1, None)


@pytest.mark.checklist("S28")
def test_leads_found_unfit_late_are_listed_with_the_reason() -> None:
    told = funnel(
        journey("contact@0", "qualified@1", "disqualified@5", reason="no budget"),
        journey("contact@0", "disqualified@40", reason="moved away"),
        journey("contact@0", "disqualified@2", reason="a joke"),
        journey("contact@0", "qualified@1", "lost@50", reason="price"),
    )
    first, second = asked(told).late
    assert (first.key, first.reason, first.was_qualified, first.age_seconds) == ("1", "moved away", False, 40 * 86_400)
    assert (second.key, second.stage, second.reason, second.was_qualified) == ("0", "qualified", "no budget", True)
    assert [late.key for late in asked(told, late_days=41).late] == ["0"]
    with pytest.raises(Rejected, match="late_days"):
        asked(told, late_days=0)


def denied(dimension: Dimension) -> AssessBant:
    return AssessBant(dimension=dimension, verdict=Verdict.DENIED)


@pytest.mark.checklist("S28")
def test_doubtful_leads_that_won_are_listed_with_what_settled_the_doubt(desk: Desk) -> None:
    won = Win(evidence="order 1", value=Money.of(10, "EUR"))
    sure = desk.begin(CaptureLead(pipeline="ca")).goes(
        *(AssessBant(dimension=each, verdict=Verdict.CONFIRMED) for each in Dimension)
    )
    sure.goes(QualifyLead(), ConvertLead(), won)
    doubted = desk.begin(CaptureLead(pipeline="ca")).goes(TIMELINE, denied(Dimension.BUDGET), CALL, QualifyLead())
    doubted.goes(ConvertLead(), BUDGET, BUDGET, SendProposal(), won)
    (win,) = losses(desk.look()).doubtful
    assert win.journey == str(doubted.journey)
    assert {doubt.about: doubt.verdict for doubt in win.doubts} == {
        "budget": "denied",
        "authority": "unknown",
        "need": "unknown",
    }
    assert [(proof.about, proof.event) for proof in win.evidence] == [("budget", "BantAssessed"), ("won", "DealWon")]
    recorded = {str(entry.event_id): entry for entry in desk.log.stream(doubted.stream)}
    for proof in win.evidence:
        assert recorded[proof.event_id].position == proof.position
        assert recorded[proof.event_id].occurred_at == proof.occurred_at
    assert (win.touches, win.value and win.value.amount) == (1, "10.00")


@pytest.mark.checklist("S28")
def test_a_low_score_at_qualification_is_a_doubt_where_one_asks(desk: Desk) -> None:
    sale = desk.begin(CaptureLead(pipeline="ca")).goes(SetScore(fit=10, engagement=5), QualifyLead(), ConvertLead())
    sale.goes(SetScore(fit=40), Win(evidence="order 1"))
    assert losses(desk.look()).doubtful == ()
    (win,) = losses(desk.look(), score_below=30).doubtful
    assert [(doubt.about, doubt.verdict, doubt.score) for doubt in win.doubts] == [("score", "low", 15)]
    assert [proof.event for proof in win.evidence] == ["Scored", "DealWon"]
    assert losses(desk.look(), score_below=15).doubtful == ()


def test_the_window_is_that_of_the_close_and_groups_have_their_own_reasons(desk: Desk) -> None:
    told = funnel(
        journey("contact@0", "lost@5", source="ads"), journey("contact@0", "lost@9"), journey("contact@0", "won@9")
    )
    assert asked(told, Filters(since=date_of(6))).n == 1
    groups = asked(told, by="source").groups or ()
    assert [(group.key, group.n, group.stages[0].stage) for group in groups] == [
        ("ads", 1, "contact"),
        (None, 1, "contact"),
    ]
    desk.begin(CaptureLead(pipeline="ca")).goes(ConvertLead(), Lose(reason="price"))
    assert losses(desk.look()).reasons[0].reason == "price"


def test_where_nothing_was_lost_there_is_nothing_to_tell() -> None:
    found = asked(funnel(journey("contact")), by="owner")
    assert (found.n, found.stages, found.reasons, found.late, found.doubtful, found.groups) == (0, (), (), (), (), ())


@settings(max_examples=60, deadline=None)
@given(facts(), definitions())
def test_losses_equal_the_count_one_by_one(journeys: list[list[Fact]], definition: Definition) -> None:
    told = one_by_one(journeys, definition, as_of=AS_OF)
    found = losses(look(dict(enumerate(journeys)), definition, as_of=AS_OF), score_below=20)
    stages: Counter[str | None] = Counter()
    for each in told:
        if each.outcome in ("lost", "disqualified"):
            stages[each.visits[-2].stage if len(each.visits) > 1 else None] += 1
    assert {stage.stage: stage.n for stage in found.stages} == stages
    assert found.n == stages.total()
    assesses = any(fact.kind == "BantAssessed" for each in told for fact in each.life.entries)
    expected = {}
    for each in told:
        if each.outcome == "won" and (doubts := doubts_of(each, assesses=assesses)):
            expected[str(each.number)] = doubts
    assert {win.key: {doubt.about: doubt.verdict for doubt in win.doubts} for win in found.doubtful} == expected


def doubts_of(told: Told, *, assesses: bool) -> dict[str, str]:
    """When it was qualified; a sum of scores below 20 is low."""
    verdicts = dict.fromkeys(("budget", "authority", "need", "timeline"), "unknown") if assesses else {}
    fit = engagement = 0
    for fact in told.life.entries:
        if fact.kind == "BantAssessed":
            verdicts[fact.dimension or ""] = fact.verdict or ""
        elif fact.kind == "Scored":
            fit = fit if fact.fit is None else fact.fit
            engagement = engagement if fact.engagement is None else fact.engagement
        if fact.position == told.qualified_by:
            break
    low = {"score": "low"} if fit + engagement < 20 else {}
    doubts = {name: verdict for name, verdict in verdicts.items() if verdict != "confirmed"}
    return (doubts if "denied" in doubts.values() or len(doubts) > 1 else {}) | low
