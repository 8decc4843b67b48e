"""Versions and drafts of a pipeline's stages as they are told, on the command line and over HTTP."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from engine.log.application import Log
from engine.log.people import people_frame
from engine.log.texts import texts
from engine.projections.definitions import Definitions, Drafted, Published
from engine.projections.lens import DRAFT, called
from engine.stages.definition import Definition
from engine.values import from_micros


class Version(BaseModel):
    pipeline: str
    name: dict[str, str]
    version: int | str
    """draft:N of a draft"""
    published_at: datetime
    published_by: str | None
    """the name, else the key; of an erased person the id"""
    reason: str
    stages: list[str]


class Draft(BaseModel):
    pipeline: str
    draft: str
    draft_id: UUID
    based_on: int
    """the version in force when it was drafted; 0: none yet"""
    state: str
    """open, discarded, published as version N; or open though another version was published since"""
    note: str | None
    drafted_at: datetime
    drafted_by: str | None
    stages: list[str]


def versions_told(log: Log, versions: Iterable[Published]) -> list[Version]:
    versions = list(versions)
    people = callers(log, [each.actor for each in versions])
    return [
        Version(
            pipeline=each.definition.pipeline,
            name=each.definition.name,
            version=called(each.version),
            published_at=from_micros(each.occurred_at),
            published_by=who(each.actor, people),
            reason=each.reason,
            stages=keys(each.definition),
        )
        for each in versions
    ]


def drafts_told(log: Log, definitions: Definitions, drafts: Iterable[Drafted]) -> list[Draft]:
    drafts = list(drafts)
    people = callers(log, [each.actor for each in drafts])
    notes = texts(log, [each.note for each in drafts if each.note is not None])
    return [
        Draft(
            pipeline=each.definition.pipeline,
            draft=f"{DRAFT}{each.number}",
            draft_id=each.draft_id,
            based_on=each.based_on,
            state=state_of(each, definitions),
            note=None if each.note is None else notes.get(each.note),
            drafted_at=from_micros(each.occurred_at),
            drafted_by=who(each.actor, people),
            stages=keys(each.definition),
        )
        for each in drafts
    ]


def state_of(draft: Drafted, definitions: Definitions) -> str:
    if draft.published_as is not None:
        return f"published as version {draft.published_as}"
    if draft.discarded:
        return "discarded"
    versions = definitions.by_pipeline.get(draft.definition.pipeline)
    newest = versions[-1].version if versions else 0
    return "open" if newest == draft.based_on else f"open; version {newest} was published since"


def waits(draft: Drafted) -> bool:
    """It may still be published for the first time."""
    return draft.published_as is None and not draft.discarded


def keys(definition: Definition) -> list[str]:
    return [stage.key for stage in definition.stages]


def callers(log: Log, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """What people are called; erased ones are not in it."""
    wanted = {each.hex for each in ids if each is not None}
    rows = people_frame(log, customers=False).iter_rows(named=True) if wanted else ()
    return {UUID(hex=row["person_id"]): row["name"] or row["key"] for row in rows if row["person_id"] in wanted}


def who(person: UUID | None, people: Mapping[UUID, str]) -> str | None:
    return None if person is None else people.get(person, str(person))
