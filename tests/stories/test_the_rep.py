"""The rep: records what happened, moves cards, does follow-ups; sees the team, and writes to the own journeys."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.stories.conftest import Served
from tests.stories.pipeline import STAGES, euros


@pytest.mark.checklist("S31")
def test_a_rep_works_a_lead_until_it_is_signed(served: Served) -> None:
    manager = served.key("manager", "crm:the-manager")
    manager.post("/v1/pipelines", {"pipeline": "furniture", "name": "Furniture"}).done()
    manager.post("/v1/pipelines/furniture/publish", {"definition": STAGES, "reason": "first"}, if_match="*").done()
    for rep in ("rep-01", "rep-02"):
        manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": "north"}).done()
    rep, colleague = served.key("rep", "crm:rep-01"), served.key("rep", "crm:rep-02")

    captured = {"pipeline": "furniture", "title": "chairs for 40", "source": "referral", "value": euros(8_000)}
    journey = rep.post("/v1/leads", captured).answer["stream_id"]
    card = rep.get("/v1/board").answer["cards"][0]
    assert (card["journey"], card["label"], card["owner"]["key"], card["stage"]) == (
        journey, "chairs for 40", "rep-01", "contact",
    )  # fmt: skip

    entry = {"kind": "call", "note": "wants leather"}
    # The network fails and the phone sends it again: it is one call.
    calls = [rep.post(f"/v1/journeys/{journey}/touch", entry, idempotency_key="call-1").answer for _ in range(3)]
    assert calls[0] == calls[1] == calls[2]
    due = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    rep.post(f"/v1/journeys/{journey}/schedule-follow-up", {"kind": "call", "due_at": due}).done()
    standing = rep.get(f"/v1/journeys/{journey}").answer["state"]
    assert standing["touches"] == 1
    follow_up = standing["follow_ups"][0]["follow_up_id"]
    done = {"follow_up_id": follow_up, "outcome": "reached"}
    rep.post(f"/v1/journeys/{journey}/complete-follow-up", done).done()
    assert rep.get(f"/v1/journeys/{journey}").answer["state"]["follow_ups"] == []

    assert colleague.get(f"/v1/journeys/{journey}").status == 200
    colleague.post(f"/v1/journeys/{journey}/touch", entry).refused(403, "forbidden")

    rep.post(f"/v1/leads/{journey}/convert").done()
    seen = rep.get(f"/v1/journeys/{journey}").etag
    rep.post(f"/v1/deals/{journey}/move-stage", {"stage": "proposal", "reason": "asked for one"}, if_match=seen).done()
    rep.post(f"/v1/deals/{journey}/move-stage", {"stage": "qualified"}, if_match=seen).refused(412, "changed")
    rep.post(f"/v1/deals/{journey}/win").refused(409, "rejected", "evidence")
    rep.post(f"/v1/deals/{journey}/win", {"evidence": "signed order 17"}).done()
    assert rep.get("/v1/win-rate").answer["won"] == 1
