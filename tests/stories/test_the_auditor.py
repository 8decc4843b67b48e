"""The auditor: follows one number to its events, sees what was known then, and changes nothing."""

from datetime import UTC, datetime

from sqlalchemy import text

from engine.log.application import Log
from tests.stories.conftest import Served
from tests.stories.pipeline import STAGES, euros


def test_an_auditor_follows_a_correction_back_to_what_was_known(served: Served) -> None:
    manager = served.key("manager", "crm:the-manager")
    manager.post("/v1/pipelines", {"pipeline": "furniture", "name": "Furniture"}).done()
    manager.post("/v1/pipelines/furniture/publish", {"definition": STAGES, "reason": "first"}, if_match="*").done()
    deal = manager.post("/v1/deals", {"pipeline": "furniture", "title": "desks", "value": euros(500)}).answer
    journey = deal["stream_id"]
    won = manager.post(f"/v1/deals/{journey}/win", {"evidence": "an e-mail"}).answer
    known = datetime.now(UTC).isoformat()
    wrong = {"event_id": won["events"][0]["event_id"], "reason": "never signed"}
    manager.post(f"/v1/journeys/{journey}/retract-entry", wrong).done()

    auditor = served.key("auditor", "login:the-auditor")
    assert auditor.get("/v1/win-rate").answer["won"] == 0
    assert auditor.get("/v1/win-rate", known_at=known).answer["won"] == 1
    history = auditor.get(f"/v1/journeys/{journey}/history").answer
    assert [(event["type"], event["retracted_by"] is not None) for event in history["events"]] == [
        ("deal.opened.v1", False),
        ("deal.won.v1", True),
        ("deal.entry_retracted.v1", False),
    ]
    assert history["state"]["stage"] == "contact"
    assert {event["actor"] for event in history["events"]} == {"the-manager"}
    after_the_win = auditor.get(f"/v1/journeys/{journey}/history", known_at=known, at=won["position"]).answer
    assert after_the_win["state"]["stage"] == "won"

    # Nothing was left out: the feed has every position, and the history's events are in it.
    feed = auditor.get("/v1/events", limit=1000).answer
    assert [event["position"] for event in feed["events"]] == list(range(1, feed["position"] + 1))
    assert {event["event_id"] for event in history["events"]} <= {event["event_id"] for event in feed["events"]}

    for attempt in (
        auditor.post(f"/v1/deals/{journey}/win", {"evidence": "signed"}),
        auditor.post("/v1/pipelines", {"pipeline": "other", "name": "Other"}),
        auditor.send("DELETE", f"/v1/people/{feed['events'][0]['actor']}"),
    ):
        attempt.refused(403, "forbidden", "auditor")
    log = Log(served.url)
    with log.engine.connect() as connection:
        paths = [row.path for row in connection.execute(text("SELECT path FROM reads ORDER BY read_at"))]
    log.close()
    assert paths.count("/v1/win-rate") == 2
    assert paths.count(f"/v1/journeys/{journey}/history") == 2
    assert len(paths) == 5
