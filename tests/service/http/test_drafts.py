"""Drafts, previews, publications, rollbacks, comparisons over HTTP: what the command line does, for those who may."""

from copy import deepcopy
from typing import Any

import pytest

from tests.service.commandline import run
from tests.service.http.conftest import STAGES
from tests.service.http.server import Client, Service

LOANS = "/v1/pipelines/loans"
SIMPLER: dict[str, Any] = deepcopy(STAGES)
SIMPLER["stages"][2] = {"key": "offer", "kind": "open", "enter": {"event": "ProposalSent"}, "replaces": ["proposal"]}
BARE: dict[str, Any] = {"pipeline": "loans", "stages": [{"key": "contact", "kind": "open"}]}


def worked(manager: Client, deals: int) -> list[str]:
    """So many deals in proposal."""
    opened = [manager.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"] for _ in range(deals)]
    for deal in opened:
        manager.post(f"/v1/deals/{deal}/send-proposal").done()
    return opened


@pytest.mark.checklist("S4", "S14")
def test_a_draft_is_looked_at_from_all_sides_and_published(service: Service, manager: Client) -> None:
    worked(manager, 2)
    drafted = manager.post(f"{LOANS}/draft", {"definition": SIMPLER, "note": "as customers call it"}).answer
    [draft] = manager.get(f"{LOANS}/drafts").answer["drafts"]
    [event] = drafted["events"]
    assert (event["draft"], event["draft_id"]) == ("draft:1", draft["draft_id"])
    assert (draft["draft"], draft["based_on"], draft["note"]) == ("draft:1", 1, "as customers call it")
    assert draft["drafted_by"] == "the-manager"
    assert manager.get(LOANS, definition="draft:1").answer["definition"]["stages"][2]["key"] == "offer"
    assert manager.get("/v1/board", definition="draft:1").answer["definition"] == "draft:1"

    told = manager.get(f"{LOANS}/compare", definition="draft:1").answer
    assert (told["against"], told["definition"], told["n"], told["moves"]["n"]) == (1, "draft:1", 2, 0)
    row = next(row for row in told["stages"] if row["stage"] == "offer")
    assert (row["was"], row["how"], row["after"]["count"]) == (["proposal"], "renamed", 2)

    publish = {"draft_id": draft["draft_id"], "reason": "agreed"}
    manager.post(f"{LOANS}/publish", publish).refused(428, "version-needed")
    manager.post(f"{LOANS}/publish", publish, if_match=manager.get(LOANS).etag).done()
    assert manager.get(LOANS).answer["version"] == 2
    assert manager.get(f"{LOANS}/drafts").answer["drafts"] == []
    [draft] = manager.get(f"{LOANS}/drafts", all="true").answer["drafts"]
    assert draft["state"] == "published as version 2"


def test_stages_that_nobody_drafted_are_previewed_and_nothing_is_written(service: Service, manager: Client) -> None:
    deals = worked(manager, 2)
    before = service.running.log.position()
    told = manager.post(f"{LOANS}/preview", {"definition": BARE}).answer
    assert (told["against"], told["definition"]) == (1, "unpublished")
    assert told["moves"]["stages"] == [{"from": "proposal", "to": "contact", "n": 2}]
    assert {each["journey"] for each in told["moves"]["journeys"]} == {deal.replace("-", "") for deal in deals}
    assert service.running.log.position() == before
    none = manager.post(f"{LOANS}/preview?limit=1&since=2100-01-01", {"definition": BARE}).answer
    assert none["n"] == 0


def test_an_earlier_version_is_put_in_force_again(manager: Client) -> None:
    etag = manager.get(LOANS).etag
    manager.post(f"{LOANS}/publish", {"definition": SIMPLER, "reason": "simpler"}, if_match=etag).done()
    back = {"reason": "too simple"}
    manager.post(f"{LOANS}/rollback", back).refused(428, "version-needed")
    manager.post(f"{LOANS}/rollback", back, if_match=etag).refused(412, "changed")
    manager.post(f"{LOANS}/rollback", back, if_match=manager.get(LOANS).etag).done()
    shown = manager.get(LOANS).answer
    assert (shown["version"], shown["reason"]) == (3, "back to version 1: too simple")
    assert [each["version"] for each in shown["versions"]] == [1, 2, 3]
    assert shown["published_by"] == "the-manager"
    told = manager.get(f"{LOANS}/compare", against=1, definition=3).answer
    assert {row["how"] for row in told["stages"]} == {"same"}


def test_a_draft_is_published_over_the_version_it_was_drafted_on(manager: Client) -> None:
    manager.post(f"{LOANS}/draft", {"definition": SIMPLER}).done()
    draft = manager.get(f"{LOANS}/drafts").answer["drafts"][0]
    manager.post(f"{LOANS}/publish", {"definition": BARE, "reason": "bare"}, if_match="*").done()
    publish = {"draft_id": draft["draft_id"], "reason": "agreed"}
    manager.post(f"{LOANS}/publish", publish, if_match="*").refused(412, "changed", "version 2", "looked at 1")
    manager.post(f"{LOANS}/publish", {**publish, "replaces_version": 2}, if_match="*").done()


def test_what_one_saw_of_a_pipeline_is_its_drafts_too_unless_one_names_the_version_in_force(manager: Client) -> None:
    etag = manager.get(LOANS).etag
    manager.post(f"{LOANS}/draft", {"definition": SIMPLER}).done()
    publish = {"definition": BARE, "reason": "bare"}
    refused = manager.post(f"{LOANS}/publish", publish, if_match=etag)
    refused.refused(412, "changed", "pipeline 'loans' has changed since you saw it (a draft", "replaces_version")
    manager.post(f"{LOANS}/publish", {**publish, "replaces_version": 2}, if_match="*").refused(
        412, "changed", "version 1"
    )
    manager.post(f"{LOANS}/publish", {**publish, "replaces_version": 1}, if_match="*").done()


def test_a_draft_is_discarded(manager: Client) -> None:
    manager.post(f"{LOANS}/draft", {"definition": SIMPLER}).done()
    draft = manager.get(f"{LOANS}/drafts").answer["drafts"][0]
    manager.post(f"{LOANS}/discard-draft", {"draft_id": draft["draft_id"]}).done()
    assert manager.get(f"{LOANS}/drafts").answer["drafts"] == []
    publish = {"draft_id": draft["draft_id"], "reason": "agreed"}
    manager.post(f"{LOANS}/publish", publish, if_match="*").refused(409, "rejected", "discarded")


def test_reps_compare_for_their_team_and_change_nothing(service: Service, manager: Client) -> None:
    worked(manager, 1)
    rep = service.client("rep", "crm:rep-01")
    manager.post(f"{LOANS}/draft", {"definition": SIMPLER}).done()
    assert rep.get(f"{LOANS}/compare", definition="draft:1").answer["n"] == 0, "the deal is nobody's of the team"
    for path in ("draft", "preview", "publish", "rollback", "discard-draft"):
        rep.post(f"{LOANS}/{path}", {"definition": SIMPLER}, if_match="*").refused(403, "forbidden")


@pytest.mark.parametrize(
    ("query", "status", "kind", "words"),
    [
        ({"definition": "draft:9"}, 404, "not-found", ("no draft 9",)),
        ({"definition": "draft:x"}, 422, "invalid", ("draft:1",)),
        ({"against": "yesterday"}, 422, "invalid", ("against", "draft:1")),
        ({"against": 7}, 404, "not-found", ("version 7",)),
        ({"limit": 100_000}, 422, "invalid", ("limit",)),
        ({"owner": "nobody"}, 422, "invalid", ("owner",)),
        ({"colour": "red"}, 422, "invalid", ("colour",)),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(
    query: dict[str, Any], status: int, kind: str, words: tuple[str, ...], unheard: Client
) -> None:
    unheard.get(f"{LOANS}/compare", **query).refused(status, kind, *words)


def test_a_definition_that_makes_no_sense_is_refused(unheard: Client) -> None:
    unheard.post(f"{LOANS}/preview", {"definition": {**BARE, "stages": []}}).refused(422, "invalid", "stages")
    unheard.post(f"{LOANS}/preview", {"definition": {**BARE, "pipeline": "tea"}}).refused(422, "invalid", "'tea'")
    unheard.get("/v1/pipelines/tea/compare").refused(404, "not-found", "loans")
    unheard.get("/v1/pipelines/tea/drafts").refused(404, "not-found", "loans")


@pytest.mark.parametrize("path", ["preview", "draft", "publish"])
def test_stages_that_are_sent_bare_are_said_to_go_under_definition(path: str, unheard: Client) -> None:
    problem = unheard.post(f"{LOANS}/{path}", BARE, if_match="*").refused(422, "invalid", "under `definition`")
    assert [each["field"] for each in problem["errors"]] == ["body"], "and not each key as unknown"


def test_a_comparison_is_that_of_the_command_line_and_cheap_to_ask_again(sample_service: Service) -> None:
    ops = sample_service.client("ops")
    path = "/v1/pipelines/office-coffee/compare"
    query = {"against": 1, "as_of": "2100-01-01T00:00:00Z", "limit": 3}
    told = ops.get(path, **query)
    url = sample_service.running.log.url
    said = run("pipeline", "compare", "1", "--as-of", query["as_of"], "--limit", "3", "--db", url, "--json")
    assert told.answer == said.answer
    assert ops.get(path, {"If-None-Match": told.etag}, **query).status == 304
    assert ops.get(path, {"If-None-Match": told.etag}, **{**query, "owner": "rep-01"}).status == 200


@pytest.mark.checklist("S4")
def test_a_pipeline_that_was_not_there_gets_its_stages(manager: Client) -> None:
    stages = [{"key": "asked", "kind": "open", "name": "Asked"}, {"key": "sold", "kind": "won"}]
    manager.post("/v1/pipelines", {"pipeline": "boats", "name": "Boats"}).done()
    first = {"definition": {"pipeline": "boats", "stages": stages}, "reason": "we sell boats now"}
    manager.post("/v1/pipelines/boats/publish", first, if_match='"1"').done()
    shown = manager.get("/v1/pipelines/boats").answer
    assert [(stage["key"], stage["kind"]) for stage in shown["definition"]["stages"]] == [
        ("asked", "open"),
        ("sold", "won"),
    ]
    manager.post("/v1/deals", {"pipeline": "boats"}).done()
    assert manager.get("/v1/board", pipeline="boats").answer["stages"][0]["count"] == 1


def test_the_first_stages_of_a_pipeline_are_drafted_looked_at_and_published(manager: Client) -> None:
    place = "/v1/pipelines/wholesale"
    stages = {**SIMPLER, "pipeline": "wholesale"}
    told = manager.post(f"{place}/preview", {"definition": stages}).answer
    assert (told["against"], told["before"], told["definition"]) == (None, None, "unpublished")
    manager.post(f"{place}/draft", {"definition": stages}).done()
    [draft] = manager.get(f"{place}/drafts").answer["drafts"]
    assert (draft["draft"], draft["based_on"]) == ("draft:1", 0)
    told = manager.get(f"{place}/compare", definition="draft:1").answer
    assert (told["against"], {row["how"] for row in told["stages"]}) == (None, {"added"})
    manager.get(place).refused(404, "not-found")
    manager.get("/v1/board", pipeline="wholesale").refused(404, "not-found")
    assert manager.get(place, definition="draft:1").answer["versions"] == []
    manager.post(f"{place}/publish", {"draft_id": draft["draft_id"], "reason": "begun"}, if_match="*").done()
    assert manager.get(place).answer["version"] == 1
