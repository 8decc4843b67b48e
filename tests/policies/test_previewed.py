"""A preview shows what a change of the stages does to the policies: where they look, and what they would do at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.aggregates.deal.commands import MoveStage
from engine.log.application import Log
from tests.policies.stories import ENDS, Story, stage
from tests.service.commandline import run

CALL = {"key": "call", "kind": "call"}
BEFORE = {"stages": [stage("contact", idle_days=10_000 / 3) | {"tasks": [CALL]}, stage("proposal")]}


def previewed(log: Log, folder: Path, raw: dict[str, Any]) -> dict[str, Any]:
    file = folder / "draft.yaml"
    file.write_text(yaml.safe_dump({"pipeline": "sales", **raw, "stages": [*raw["stages"], *ENDS]}))
    assert "Policies" in run("pipeline", "preview", str(file), "--db", log.url).out
    return dict(run("pipeline", "preview", str(file), "--json", "--db", log.url).answer)


def by_policy(found: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {
        row["policy"]: tuple((each["stages"], each["watched"], each["due"]) for each in (row["before"], row["after"]))
        for row in found["policies"]
    }


@pytest.fixture
def story(log: Log) -> Story:
    """Three deals in contact with their task, one in proposal; nothing is left to be done."""
    story = Story(log, BEFORE)
    story.run(0, since=None)
    deals = [story.opened(1) for _ in range(4)]
    story.do(MoveStage(stage="proposal"), deals[0], at=1)
    assert len(story.run(1, since=None)) == 3
    return story


def test_a_changed_rule_shows_whom_it_would_alert_and_a_new_task_whom_it_is_asked_of(
    story: Story, tmp_path: Path
) -> None:
    before = story.log.position()
    after = {
        "stages": [
            stage("contact", idle_days=5) | {"tasks": [CALL, {"key": "brochure", "kind": "email"}]},
            stage("proposal") | {"ladder": {"after_days": [1, 2]}},
        ],
        "proposals": {"remind_days": 2},
    }
    found = previewed(story.log, tmp_path, after)
    assert by_policy(found) == {
        "expire_proposals": (([], 0, 0), (["contact", "proposal"], 4, 0)),
        "stage_tasks": ((["contact"], 3, 0), (["contact"], 3, 3)),
        # Never asked for before: it looks from the publication on.
        "climb_ladder": (([], 0, 0), (["proposal"], 1, 0)),
        "raise_stalled": ((["contact"], 3, 0), (["contact"], 3, 3)),
    }
    assert found["stalls"]["newly"] == 3
    edited = {(row["stage"], edit["field"]) for row in found["stages"] for edit in row["edits"]}
    assert edited == {("contact", "stall"), ("contact", "tasks"), ("proposal", "ladder")}
    assert [edit["field"] for edit in found["edits"]] == ["proposals"]
    assert story.log.position() == before
    # And so it comes.
    story.publish(after, at=2)
    done = story.run(40, since=None)
    counts = {name: sum(each.due.policy == name for each in done) for name in ("stage_tasks", "raise_stalled")}
    assert counts == {"stage_tasks": 3, "raise_stalled": 3}


def test_a_rule_that_is_taken_away_asks_for_nothing_more(story: Story, tmp_path: Path) -> None:
    found = previewed(story.log, tmp_path, {"stages": [stage("contact"), stage("proposal")]})
    assert by_policy(found) == {
        "stage_tasks": ((["contact"], 3, 0), ([], 0, 0)),
        "raise_stalled": ((["contact"], 3, 0), ([], 0, 0)),
    }
