"""Much is due, and nobody runs the policies: whatever is imported, read again, rebuilt or previewed, nothing fires."""

from pathlib import Path
from uuid import UUID

import polars as pl
import yaml

from engine.aggregates.deal.commands import SendProposal, Win
from engine.aggregates.journey.commands import RecordSignal
from engine.aggregates.pipeline.commands import PublishDefinition
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.stages.definition import parse_definition
from tests.policies.stories import Story, day, stage
from tests.policies.test_every_policy import DEFINITION, SIGNALS
from tests.service.commandline import run
from tests.service.test_cli_import import MAPPING, ROWS

RULED = """
pipeline: counter
stages: [{key: asked, kind: open, stall: {idle_days: 1}, tasks: [{key: call, kind: call}]},
  {key: won, kind: won, enter: {event: DealWon}, tasks: [{key: thank, kind: call}]}]
"""


def by_policies(url: str) -> int:
    log = Log(url)
    found = read_feed(log, 0).filter(pl.col("origin").str.starts_with("policy:")).height
    log.close()
    return found


def test_import_replay_rebuild_and_preview_fire_nothing(sqlite_url: str, tmp_path: Path) -> None:
    log = Log(sqlite_url)
    story = Story(log, {"stages": [stage("contact")]})
    story.do(PublishDefinition(pipeline="sales", definition=parse_definition(DEFINITION), reason="all of it"), at=0)
    deals = [story.opened(0) for _ in range(3)]
    story.do(RecordSignal(signal=SIGNALS[0]), deals[0], at=1)
    story.do(SendProposal(proposal_id=UUID(int=1), expires_at=day(2)), deals[1], at=1)
    story.do(Win(evidence="signed on paper"), deals[2], at=1)
    log.close()
    for name, text in (("mapping.yaml", MAPPING), ("stages.yaml", RULED), ("deals.csv", ROWS)):
        (tmp_path / name).write_text(text)
    stricter = {**DEFINITION, "stages": [dict(each) for each in DEFINITION["stages"]]}
    stricter["stages"][0]["stall"] = {"idle_days": 0.1}
    (tmp_path / "stricter.yaml").write_text(yaml.safe_dump(stricter))

    for words in (
        ["import", tmp_path / "deals.csv", "--mapping", tmp_path / "mapping.yaml"],
        ["import", tmp_path / "deals.csv", "--mapping", tmp_path / "mapping.yaml"],
        ["pipeline", "preview", tmp_path / "stricter.yaml"],
        ["pipeline", "draft", tmp_path / "stricter.yaml"],
        ["pipeline", "publish", tmp_path / "stricter.yaml", "--reason", "looked at", "--expect-version", "2"],
        ["archive", "build"],
        ["rebuild"],
        ["check"],
        ["history", str(deals[0])],
        ["stalled", "--pipeline", "sales"],
        ["board", "--pipeline", "sales"],
        ["follow-ups", "--pipeline", "sales"],
        ["policies", "list"],
        ["policies", "run", "--once", "--dry-run", "--since", "2025-01-01"],
    ):
        said = run(*words, "--db", sqlite_url)
        assert said.code == 0, (words, said)
        assert by_policies(sqlite_url) == 0, words
    run("policies", "run", "--once", "--since", "2025-01-01", "--db", sqlite_url)
    assert by_policies(sqlite_url) > 6
