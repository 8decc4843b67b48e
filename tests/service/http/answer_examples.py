"""Makes the examples of answers that the OpenAPI document shows: `python -m tests.service.http.answer_examples`.

They are answers about the sample, with every list cut short; test_examples.py holds them against their shapes.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml

from engine.aggregates.target.state import target_stream
from engine.log import schema
from engine.log.application import Log
from service.routes.answer_examples import FILE
from service.routes.examples import OTHERS, STAGES
from service.sample import load_sample
from service.settings import Serving
from tests.service.http.server import Service, serving

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
KEPT = {"events": 3, "stages": 3, "funnel": 3, "visits": 3}
"""rows that a list keeps; 1 where nothing is said"""
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "get_sizing": ("/v1/sizing", {"target": "100000 EUR", "reps": 10}),
    "get_forecast_accuracy": ("/v1/forecast-accuracy", {"count": 1, "horizon": ["30"], "hindsight": True}),
    "get_compare": ("/v1/compare", {"since": "2026-06-01"}),
    "get_trend": ("/v1/trend", {"count": 3}),
    "explain_conversion": ("/v1/conversion/explain", {"cell": ["part=lost", "stage=proposal"], "limit": 1}),
    "get_journey": ("/v1/journeys/C-004", {}),
    "get_history": ("/v1/journeys/C-004/history", {}),
    "get_difference": ("/v1/journeys/C-004/difference", {"since": "2026-07-01", "until": "2026-08-01"}),
    "search": ("/v1/search", {"q": "coffee for 84"}),
    "get_pipeline": ("/v1/pipelines/office-coffee", {}),
    "list_drafts": ("/v1/pipelines/office-coffee/drafts", {}),
    "compare_definitions": ("/v1/pipelines/office-coffee/compare", {"definition": "draft:1", "limit": 1}),
    "get_rep": ("/v1/reps/rep-03", {}),
    "get_target": (f"/v1/targets/{target_stream('north', '2026-09', 'office-coffee', 'EUR')}", {}),
    "list_people": ("/v1/people", {"limit": 1}),
    "get_due": ("/v1/policies/due", {"since": "2026-06-01", "limit": 1}),
}
"""what is not asked by its address alone; of a shape that several answers have, one"""
PARKED = {
    "parked": [
        {
            "position": 1667,
            "type": "deal.won.v1",
            "event_id": "0b9e8a7c-5d4f-4e3a-8b2c-1d0f9e8a7b6c",
            "journey": "6f1c9d0e-3b7a-4c58-9e2d-5a8b7c6d4e3f",
            "queued_at": "2026-08-28T10:00:00Z",
            "parked_at": "2026-08-31T10:00:00Z",
            "attempts": 9,
            "problem": "answered 500",
        }
    ],
    "next": None,
}


def made(service: Service) -> Iterator[tuple[str, Any]]:
    """Name of a shape, and an answer of it."""
    client = service.client("admin")
    document = client.get("/openapi.json").answer
    draft = {"definition": STAGES, "note": "without negotiation"}
    client.post("/v1/pipelines/office-coffee/draft", draft).done()
    hook = client.post("/v1/webhooks", {"url": "https://example.com/hooks", "wanted": {"types": ["deal.won"]}}).answer
    here = f"/v1/webhooks/{hook['webhook_id']}"
    yield "WithSecret", {**hook, "secret": "whsec_c2hvd24gb25jZSwgYnkgdGhlIGNvbW1hbmQgdGhhdCBtYWRlIGl0"}
    yield "Kept", client.get(here).answer
    yield "ParkedNotices", PARKED
    yield "Tried", {"accepted": False, "status": 500, "problem": "answered 500", "seconds": 0.031}
    yield "Erased", {"rows": 4}
    seen = {"WithSecret", "Kept", "ParkedNotices", "Somebody"}
    for path, methods in document["paths"].items():
        operation = methods.get("get")
        if operation is None or "application/json" not in operation["responses"]["200"]["content"]:
            continue
        shape = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        name = operation["operationId"]
        if shape in seen or (name not in ASKED and ("{" in path or path.endswith("/explain"))):
            continue
        address, query = ASKED.get(name, (path, {}))
        words = {parameter["name"] for parameter in operation.get("parameters", ())}
        if "as_of" in words and name != "get_difference":
            query = {"as_of": NOW.isoformat(), **query}
        seen.add(shape)
        yield shape, short(client.get(address, **query).answer)
    yield "Corrected", client.post("/v1/people/rep-03/correct", OTHERS["correct_person"]).answer
    yield "Somebody", client.get("/v1/people/rep-03").answer
    yield "Removed", client.send("DELETE", here).answer


def short(told: Any, kept: int = 1) -> Any:
    if isinstance(told, dict):
        return {name: short(value, KEPT.get(name, 1)) for name, value in told.items()}
    if isinstance(told, list):
        return [short(each) for each in told[:kept]]
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sample.db"
        schema.init(url)
        log = Log(url)
        load_sample(log, NOW)
        log.close()
        with serving(url, Serving(policies_seconds=0, senders=0)) as service:
            found = dict(made(service))
    FILE.write_text(
        "# Made by tests/service/http/answer_examples.py.\n"
        + yaml.safe_dump(found, sort_keys=False, allow_unicode=True)
    )


if __name__ == "__main__":
    main()
