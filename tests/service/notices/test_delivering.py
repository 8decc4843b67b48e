"""Every event that is wanted is told once when all is well: signed, as a CloudEvent, without a name."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from engine.aggregates.deal.commands import ChangePipeline
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.aggregates.pipeline.commands import ActivatePolicy, CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.registry import TAGS
from engine.stages.definition import parse_definition
from service.notices import webhooks
from service.notices.changes import new_change
from service.notices.wanted import Wanted
from tests.policies.stories import ENDS, REP, Story, stage
from tests.service.notices.receiver import receiving
from tests.service.notices.world import LOOPBACK, hooked, send_all, told


def test_every_event_is_told_once_and_the_webhook_knows_how_far(log: Log) -> None:
    told(log, deals=5)
    with receiving() as receiver:
        made, _ = hooked(log, receiver.url)
        send_all(log)
        send_all(log)
        assert sorted(each.position for each in receiver.got) == list(range(1, log.position() + 1))
    found = webhooks.get(log, made.webhook_id)
    assert (found.position, found.waiting, found.parked, found.failures) == (log.position(), 0, 0, 0)
    assert found.answered_at is not None


def test_without_a_position_it_is_told_what_comes_from_now_on(log: Log) -> None:
    told(log, deals=1)
    before = log.position()
    with receiving() as receiver:
        webhooks.add(log, new_change(UUID(int=1)), receiver.url, Wanted(), inside=LOOPBACK)
        deal = handle(log, CaptureLead(pipeline="sales"), actor=REP, origin="cli").stream_id
        send_all(log)
        assert [each.position for each in receiver.got] == [before + 1]
        assert receiver.got[0].event["subject"] == str(deal)


def test_a_notice_is_a_signed_cloud_event_that_says_what_the_feed_says(log: Log) -> None:
    told(log, deals=2)
    feed = {row["position"]: row for row in read_feed(log, 0).iter_rows(named=True)}
    with receiving() as receiver:
        _, secret = hooked(log, receiver.url)
        send_all(log)
    for each in receiver.got:
        row, event = feed[each.position], each.event
        assert Verifier(secret).verify(each.body, dict(each.headers)) == event
        assert each.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert each.headers["webhook-id"] == event["id"] == str(UUID(row["event_id"]))
        assert (event["specversion"], event["type"]) == ("1.0", row["type"])
        assert event["source"] == f"urn:dealtrail:log:{log.log_id}"
        assert UUID(event["subject"]).hex == row["stream_id"]
        assert datetime.fromisoformat(event["time"]).timestamp() * 1e6 == pytest.approx(row["occurred_at"])
        assert event["data"] == json.loads(row["payload"])
        # CloudEvents: names of attributes are lower-case letters and digits.
        assert all(name.isalnum() and name == name.lower() for name in event)
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(each.body.replace(b"1", b"2"), dict(each.headers))


def test_no_name_no_free_text_leaves(log: Log) -> None:
    told(log, deals=2)
    with receiving() as receiver:
        hooked(log, receiver.url)
        send_all(log)
        for each in receiver.got:
            for secret in (b"Somebody", b"somebody@", b"rep-01", b"Smiths", b"leave"):
                assert secret not in each.body


def test_a_deal_goes_on_with_its_lead_s_journey(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    lead = story.do(CaptureLead(pipeline="sales"), at=0)
    deal = story.do(ConvertLead(), lead, at=1)
    story.touch(deal, at=2)
    with receiving() as receiver:
        hooked(log, receiver.url, types=["lead.*", "deal.*"])
        send_all(log)
        assert [each.event["subject"] for each in receiver.got] == [str(lead)] * 2 + [str(deal)] * 2
        assert {each.journey for each in receiver.got} == {lead}


def test_types_pipelines_and_origins_choose(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    story.do(CreatePipeline(pipeline="renewals", name="Renewals"), at=0)
    other = parse_definition({"pipeline": "renewals", "stages": [stage("renewal"), *ENDS]})
    story.do(PublishDefinition(pipeline="renewals", definition=other, reason="told"), at=0)
    deal = story.opened(0)
    story.touch(deal, at=1)
    story.do(ChangePipeline(pipeline="renewals", stage="renewal", reason="they are customers"), deal, at=2)
    story.touch(deal, at=3)
    handle(log, CaptureLead(pipeline="sales"), actor=REP, origin="import:crm")
    handle(log, CaptureLead(pipeline="sales"), actor=REP, origin="policy:test")
    assert types(log) == [
        *["pipeline.created.v1", "pipeline.definition_published.v1"] * 2,
        *["deal.opened.v1", "deal.touched.v1", "deal.pipeline_changed.v1", "deal.touched.v1"],
        "lead.captured.v1",
    ]
    assert types(log, types=["deal.touched"]) == ["deal.touched.v1"] * 2
    assert types(log, types=["deal.touched.v1", "lead.*"]) == ["deal.touched.v1"] * 2 + ["lead.captured.v1"]
    assert types(log, pipelines=["renewals"], types=["deal.*"]) == ["deal.pipeline_changed.v1", "deal.touched.v1"]
    assert types(log, pipelines=["renewals"], types=["pipeline.*"]) == types(log, pipelines=["sales"])[:2]
    story.do(ActivatePolicy(pipeline="renewals", policy="hand_over"), at=4)
    assert types(log, pipelines=["renewals"], types=["pipeline.policy_activated"]) == ["pipeline.policy_activated.v1"]
    assert types(log, origins=["import:*"]) == ["lead.captured.v1"]
    assert types(log, origins=["policy:*", "import:crm"]) == ["lead.captured.v1"] * 2


def types(log: Log, **wanted: list[str]) -> list[str]:
    """What is told, in the order of the log."""
    with receiving() as receiver:
        hooked(log, receiver.url, **wanted)
        send_all(log)
        return [each.event["type"] for each in sorted(receiver.got, key=lambda each: each.position)]


def test_a_long_stretch_of_what_is_not_wanted_is_passed(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.notices.arrivals.STRETCH", 3)
    monkeypatch.setattr("service.notices.arrivals.MOST", 2)
    told(log, deals=4)
    with receiving() as receiver:
        hooked(log, receiver.url, types=["deal.touched"])
        made, _ = hooked(log, receiver.url, types=["lead.*"])
        send_all(log)
        assert len(receiver.got) == 8
    assert webhooks.get(log, made.webhook_id).position == log.position()


@pytest.mark.parametrize("pattern", ["deal.vanished", "deal.won.v99", "*.won", "", "deal won"])
def test_a_type_that_no_event_has_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        Wanted(types=(pattern,))


def test_every_type_can_be_named_with_and_without_its_version() -> None:
    for tag in TAGS:
        assert Wanted(types=(tag,)).tags() == [tag]
        assert tag in Wanted(types=(tag.rpartition(".")[0],)).tags()
    assert Wanted().tags() == list(TAGS)


def test_a_secret_that_is_rotated_signs_until_it_ends(log: Log) -> None:
    told(log, deals=1, entries=1)
    with receiving() as receiver:
        made, first = hooked(log, receiver.url)
        send_all(log)
        _, second = webhooks.rotate(log, new_change(UUID(int=1)), made.webhook_id, hours=1)
        handle(log, CaptureLead(pipeline="sales"), actor=PersonRef(source="crm", key="x"), origin="cli")
        send_all(log)
        _, third = webhooks.rotate(log, new_change(UUID(int=1)), made.webhook_id, hours=0)
        handle(log, CaptureLead(pipeline="sales"), actor=PersonRef(source="crm", key="x"), origin="cli")
        send_all(log)
    by_secret = [
        [verified(secret, each.body, each.headers) for secret in (first, second, third)] for each in receiver.got
    ]
    assert by_secret == [[True, False, False]] * (len(receiver.got) - 2) + [[True, True, False], [False, False, True]]


def verified(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Verifier(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True
