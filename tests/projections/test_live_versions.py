"""However many versions are asked for, few are followed; what is derived anew answers as what was followed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections.board import board
from engine.projections.lens import Lens
from engine.projections.views import LIVE, Views
from engine.stages.definition import Definition, parse_definition
from engine.values import TouchKind

REP = PersonRef(source="login", key="rep-01")
BEGAN = datetime.now(UTC) - timedelta(days=9)
VERSIONS = LIVE + 3


def after(touches: int) -> Definition:
    """The second stage is entered after so many touches."""
    return parse_definition(
        {
            "pipeline": "sales",
            "stages": [
                {"key": "contact", "kind": "open"},
                {"key": "talking", "kind": "open", "enter": {"touches": {"at_least": touches}}},
            ],
        }
    )


def standing(views: Views, version: int) -> list[int]:
    return [stage.count for stage in board(views.look("sales", Lens.of(definition=version))).stages]


def test_no_more_versions_are_followed_than_are_kept(log: Log) -> None:
    def do(command: Command, on: UUID | None = None) -> Outcome:
        return handle(log, command, actor=REP, origin="cli", on=on, occurred_at=BEGAN)

    do(CreatePipeline(pipeline="sales", name="Sales"))
    for number in range(VERSIONS):
        do(PublishDefinition(pipeline="sales", definition=after(number + 1), reason="another"))
    deals = [do(OpenDeal(pipeline="sales")).stream_id for _ in range(VERSIONS)]
    views = Views(log)
    every = range(1, VERSIONS + 1)
    assert [standing(views, version) for version in every] == [[VERSIONS, 0]] * VERSIONS
    for number, deal in enumerate(deals):
        for _ in range(number):
            do(Touch(kind=TouchKind.CALL), on=deal)
    assert len(views._live) == LIVE
    # So many deals had at least as many touches as the version asks for.
    assert [standing(views, version) for version in every] == [[at, VERSIONS - at] for at in every]
    assert list(views._live) == [("sales", version) for version in every[-LIVE:]]
