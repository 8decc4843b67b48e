"""May it? The rules of a person's moves: what the board shows at that moment decides."""

from engine.aggregates.context import Context
from engine.aggregates.deal.commands import ChangePipeline, MoveStage, ReopenDeal
from engine.aggregates.deal.events import (
    DealLost,
    DealOpened,
    DealReopened,
    DealWon,
    PipelineChanged,
    StageMoved,
)
from engine.aggregates.deal.state import Deal
from engine.aggregates.journey.rules import must_be_open_stage, must_follow
from engine.errors import Rejected
from engine.messages import Event
from engine.stages.definition import Stage, StageKind

TURNS = (DealOpened, DealWon, DealLost, DealReopened, PipelineChanged)
"""What opens and closes a deal: a decision to do so is not dated before one of these."""
CLOSED: tuple[StageKind, ...] = ("won", "lost", "after_sale")


def move(command: MoveStage, context: Context) -> list[Event]:
    must_follow(context, DealOpened)
    standing = context.standing
    target = known_stage(command.stage, context)
    match target.kind:
        case "won":
            raise Rejected(f"{target.key!r} is reached by winning, not by a move: win the deal with its evidence")
        case "lost":
            raise Rejected(f"{target.key!r} is reached by losing, not by a move: lose the deal with its reason")
        case "after_sale" if standing.kind not in ("won", "after_sale"):
            raise Rejected(f"{target.key!r} comes after the sale and the deal is not won: win it first")
        case "open" if standing.kind in CLOSED:
            raise Rejected(f"the deal is closed, in {standing.stage!r}: reopen it at {target.key!r} instead")
    if standing.stage == target.key:
        return []
    forced = target.gate is not None and not standing.meets(target.gate)
    if forced and target.gate is not None:
        must_be_forced(command, target, target.gate.describe())
    return [StageMoved(stage=target.key, reason=command.reason, override=forced)]


def change_pipeline(state: Deal, command: ChangePipeline, context: Context) -> list[Event]:
    must_follow(context, *TURNS)
    must_be_open(state, context, "changing its pipeline")
    if command.pipeline == state.journey.pipeline:
        raise Rejected(f"the deal is in pipeline {command.pipeline!r} already: move it to the stage instead")
    stage = must_be_open_stage(context.definition(command.pipeline), command.stage)
    return [PipelineChanged(pipeline=command.pipeline, stage=stage, reason=command.reason)]


def reopen(state: Deal, command: ReopenDeal, context: Context) -> list[Event]:
    must_follow(context, *TURNS)
    if state.outcome is None and context.standing.kind not in CLOSED:
        raise Rejected("the deal is open: move it to the stage instead")
    if command.reason is None:
        raise Rejected("a deal is reopened with a reason: pass one that says what changed")
    stage = must_be_open_stage(context.standing.definition, command.stage)
    return [DealReopened(stage=stage, reason=command.reason)]


def must_be_open(state: Deal, context: Context, wish: str, closed: tuple[StageKind, ...] = CLOSED) -> None:
    """Open by what was decided, and by what the board shows, which may know other ways to close."""
    if state.outcome is not None:
        raise Rejected(f"the deal is {state.outcome} already: reopen it before {wish}")
    if context.standing.kind in closed:
        raise Rejected(f"the deal stands in {context.standing.stage!r}: reopen it before {wish}")


def must_be_forced(command: MoveStage, target: Stage, gate: str) -> None:
    if not command.override:
        raise Rejected(
            f"the gate of {target.key!r} does not hold ({gate}): record what it needs, or pass override with a reason"
        )
    if command.reason is None:
        raise Rejected(f"the gate of {target.key!r} is passed by force only with a reason: pass one")


def known_stage(key: str, context: Context) -> Stage:
    definition = context.standing.definition
    rank = definition.ranks.get(key)
    if rank is None:
        known = ", ".join(stage.key for stage in definition.stages)
        raise Rejected(f"pipeline {definition.pipeline!r} has no stage {key!r}: use one of {known}")
    return definition.stages[rank]
