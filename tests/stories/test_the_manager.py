"""The sales manager: looks at other stages over all history, publishes them, and takes them back."""

from tests.service.commandline import run
from tests.stories.conftest import Served
from tests.stories.pipeline import STAGES, euros


def test_a_manager_sets_up_a_team_sells_and_splits_a_stage(served: Served) -> None:
    manager = served.key("manager", "crm:the-manager")
    manager.post("/v1/pipelines", {"pipeline": "furniture", "name": "Furniture"}).done()
    manager.post("/v1/pipelines/furniture/publish", {"definition": STAGES, "reason": "first"}, if_match="*").done()
    for rep, team in (("rep-01", "north"), ("rep-02", "south")):
        manager.post("/v1/reps", {"rep": {"source": "crm", "key": rep}, "team": team}).done()

    for number in range(6):
        owner = {"source": "crm", "key": f"rep-0{number % 2 + 1}"}
        lead = manager.post("/v1/leads", {"pipeline": "furniture", "owner": owner, "value": euros(1_000)}).answer
        journey = lead["stream_id"]
        for dimension in ("budget", "need"):
            verdict = {"dimension": dimension, "verdict": "confirmed"}
            manager.post(f"/v1/journeys/{journey}/assess-bant", verdict).done()
        manager.post(f"/v1/leads/{journey}/convert").done()
        if number < 4:
            manager.post(f"/v1/journeys/{journey}/touch", {"kind": "meeting"}).done()
            manager.post(f"/v1/deals/{journey}/send-proposal").done()
        if number < 2:
            manager.post(f"/v1/deals/{journey}/win", {"evidence": "signed order"}).done()

    funnel = manager.get("/v1/conversion").answer
    assert {each["stage"]: each["entered"] for each in funnel["stages"]} == {
        "contact": 6, "qualified": 6, "proposal": 4, "won": 2,
    }  # fmt: skip
    assert {group["key"]: group["n"] for group in manager.get("/v1/board", by="team").answer["groups"]} == {
        "north": 3,
        "south": 3,
    }

    contact, qualified, *later = STAGES["stages"]
    meeting = {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting"]}}}
    split = {**STAGES, "stages": [contact, qualified, meeting, *later]}
    preview = manager.post("/v1/pipelines/furniture/preview", {"definition": split}).answer
    (added,) = (row for row in preview["stages"] if row["how"] == "added")
    assert (added["stage"], added["after"]["entered"], preview["moves"]["n"]) == ("meeting", 4, 0)

    manager.post("/v1/pipelines/furniture/draft", {"definition": split, "note": "what do you think?"}).done()
    rep = served.key("rep", "crm:rep-01")
    (draft,) = rep.get("/v1/pipelines/furniture/drafts").answer["drafts"]
    assert rep.get("/v1/board", definition=draft["draft"]).answer["n"] == 3, "a rep sees what it means for the team"
    seen = manager.get("/v1/pipelines/furniture").etag
    publish = {"draft_id": draft["draft_id"], "reason": "meetings matter"}
    manager.post("/v1/pipelines/furniture/publish", publish, if_match=seen).done()

    now = manager.get("/v1/conversion").answer
    assert now["definition"] == 2
    assert {each["stage"]: each["entered"] for each in now["stages"]}["meeting"] == 4
    before = manager.get("/v1/conversion", definition=1).answer
    assert before["stages"] == funnel["stages"]

    seen = manager.get("/v1/pipelines/furniture").etag
    manager.post("/v1/pipelines/furniture/rollback", {"reason": "too many stages"}, if_match=seen).done()
    again = manager.get("/v1/conversion").answer
    assert (again["definition"], again["stages"]) == (3, funnel["stages"])
    assert run("check", "--db", served.url, "--json").answer["n"] == 0
