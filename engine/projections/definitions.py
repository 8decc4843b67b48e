"""The definitions of every pipeline, published and drafted, and which of them a lens means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import polars as pl

from engine.aggregates.pipeline.events import (
    DefinitionDrafted,
    DefinitionPublished,
    DraftDiscarded,
    PipelineCreated,
    PipelineEvent,
)
from engine.errors import NotFound, Rejected
from engine.messages import Event
from engine.projections.lens import DRAFT, Lens
from engine.stages.definition import Definition

EVENTS: Final[Mapping[str, type[Event]]] = {
    event.TOPIC: event for event in (PipelineCreated, DefinitionDrafted, DraftDiscarded, DefinitionPublished)
}
"""what of the feed is taken, by type tag"""


@dataclass(frozen=True)
class Published:
    """One version of a pipeline's definition; times in microseconds."""

    version: int
    """of a draft its number below zero"""
    definition: Definition
    occurred_at: int
    recorded_at: int
    reason: str = ""
    actor: UUID | None = None
    """person_id of who published it"""


@dataclass(frozen=True)
class Drafted:
    """A proposal; times in microseconds."""

    number: int
    draft_id: UUID
    definition: Definition
    based_on: int
    """the version in force when it was drafted; 0: none yet"""
    note: UUID | None
    """text_id of what it is for"""
    occurred_at: int
    recorded_at: int
    actor: UUID
    discarded: bool = False
    published_as: int | None = None


class Definitions:
    """All versions by pipeline key, in the order they were published, and all drafts by draft_id."""

    def __init__(self) -> None:
        self.by_pipeline: dict[str, list[Published]] = {}
        self.by_draft: dict[UUID, Drafted] = {}
        self.created: set[str] = set()
        """pipelines, with or without a definition"""

    def take(self, feed: pl.DataFrame) -> None:
        """Adds what a batch of the feed drafts, discards and publishes."""
        for row in feed.filter(pl.col("type").is_in(list(EVENTS))).iter_rows(named=True):
            event = EVENTS[row["type"]].model_validate_json(row["payload"])
            self.add(event, row["occurred_at"], row["recorded_at"], UUID(hex=row["actor"]))

    def add(self, event: PipelineEvent | Event, occurred_at: int, recorded_at: int, actor: UUID) -> None:
        """One event of a pipeline, in the order of positions; those that change no definition change nothing here."""
        match event:
            case PipelineCreated():
                self.created.add(event.key)
            case DefinitionDrafted():
                note = None if event.note is None else event.note.text_id
                self.by_draft[event.draft_id] = Drafted(
                    event.number,
                    event.draft_id,
                    event.definition,
                    event.based_on,
                    note,
                    occurred_at,
                    recorded_at,
                    actor,
                )
            case DraftDiscarded():
                if event.draft_id in self.by_draft:
                    self.by_draft[event.draft_id] = replace(self.by_draft[event.draft_id], discarded=True)
            case DefinitionPublished():
                published = Published(event.version, event.definition, occurred_at, recorded_at, event.reason, actor)
                versions = self.by_pipeline.get(event.definition.pipeline, [])
                # Told again where the batch could not be read to its end; and put there at once, for those who read.
                if all(known.version != event.version for known in versions):
                    self.by_pipeline[event.definition.pipeline] = [*versions, published]
                if event.draft_id in self.by_draft:
                    draft = self.by_draft[event.draft_id]
                    self.by_draft[event.draft_id] = replace(draft, published_as=event.version)

    def drafts(self, pipeline: str | None = None) -> list[Drafted]:
        """Of one pipeline or of all, in the order they were drafted."""
        return [draft for draft in list(self.by_draft.values()) if pipeline in (None, draft.definition.pipeline)]

    def key(self, pipeline: str | None) -> str:
        """The pipeline that is meant, be it without a version; without a name the only one. NotFound, Rejected."""
        known = sorted(self.by_pipeline)
        # A copy: another thread may be taking more.
        drafted = sorted({draft.definition.pipeline for draft in list(self.by_draft.values())} - set(known))
        if pipeline is None:
            meant = known or drafted
            if len(meant) != 1:
                said = f"one of {', '.join(meant)}" if meant else "there is none: publish a definition first"
                raise Rejected(f"pipeline: name the pipeline ({said})", field="pipeline")
            return meant[0]
        if pipeline not in (*known, *drafted) and pipeline not in self.created:
            said = f"pipeline {pipeline!r} does not exist; there are: {', '.join(known) or 'none'}"
            raise NotFound(said, field="pipeline")
        return pipeline

    def draft(self, pipeline: str, number: int) -> Drafted:
        """NotFound where there is none of the number."""
        for draft in self.drafts(pipeline):
            if draft.number == number:
                return draft
        known = ", ".join(f"{DRAFT}{draft.number}" for draft in self.drafts(pipeline)) or "none"
        raise NotFound(f"pipeline {pipeline!r} has no draft {number}; its drafts: {known}", field="definition")

    def choose(self, pipeline: str | None, lens: Lens) -> Published:
        """The version or draft a lens means. NotFound: no such pipeline, version or draft; Rejected: there are several
        pipelines.
        """
        pipeline = self.key(pipeline)
        if isinstance(lens.definition, int) and lens.definition < 0:
            draft = self.draft(pipeline, -lens.definition)
            return Published(lens.definition, draft.definition, draft.occurred_at, draft.recorded_at, "", draft.actor)
        if pipeline not in self.by_pipeline:
            known = ", ".join(f"{DRAFT}{draft.number}" for draft in self.drafts(pipeline))
            hint = f"one, or ask by definition {known}" if known else "its stages first"
            raise NotFound(f"pipeline {pipeline!r} has no version yet: publish {hint}", field="definition")
        versions = self.by_pipeline[pipeline]
        if lens.definition == "now":
            return versions[-1]
        if lens.definition == "then":
            return in_force(versions, lens)
        for published in versions:
            if published.version == lens.definition:
                return published
        said = f"pipeline {pipeline!r} has no version {lens.definition}; it has 1 to {versions[-1].version}"
        raise NotFound(said, field="definition")


def in_force(versions: list[Published], lens: Lens) -> Published:
    """The newest version published and known by then; before the first publication, version 1."""
    then = [
        published
        for published in versions
        if (lens.live or published.occurred_at <= lens.as_of)
        and (lens.known_at is None or published.recorded_at <= lens.known_at)
    ]
    return then[-1] if then else versions[0]
