"""The published definitions of every pipeline, and which of them a lens means."""

from dataclasses import dataclass

import polars as pl

from engine.aggregates.pipeline.events import DefinitionPublished
from engine.errors import NotFound, Rejected
from engine.projections.lens import Lens
from engine.stages.definition import Definition


@dataclass(frozen=True)
class Published:
    """One version of a pipeline's definition; times in microseconds."""

    version: int
    definition: Definition
    occurred_at: int
    recorded_at: int


class Definitions:
    """All versions by pipeline key, in the order they were published."""

    def __init__(self) -> None:
        self.by_pipeline: dict[str, list[Published]] = {}

    def take(self, feed: pl.DataFrame) -> None:
        """Adds what a batch of the feed publishes."""
        published = feed.filter(pl.col("type") == DefinitionPublished.TOPIC)
        for row in published.iter_rows(named=True):
            event = DefinitionPublished.model_validate_json(row["payload"])
            versions = self.by_pipeline.setdefault(event.definition.pipeline, [])
            versions.append(Published(event.version, event.definition, row["occurred_at"], row["recorded_at"]))

    def choose(self, pipeline: str | None, lens: Lens) -> Published:
        """The version a lens means. NotFound: no such pipeline or version; Rejected: there are several pipelines."""
        known = sorted(self.by_pipeline)
        if pipeline is None:
            if len(known) != 1:
                said = f"one of {', '.join(known)}" if known else "there is none: publish a definition first"
                raise Rejected(f"pipeline: name the pipeline ({said})")
            pipeline = known[0]
        if pipeline not in self.by_pipeline:
            raise NotFound(f"pipeline {pipeline!r} does not exist; there are: {', '.join(known) or 'none'}")
        versions = self.by_pipeline[pipeline]
        if lens.definition == "now":
            return versions[-1]
        if lens.definition == "then":
            return in_force(versions, lens)
        for published in versions:
            if published.version == lens.definition:
                return published
        raise NotFound(f"pipeline {pipeline!r} has no version {lens.definition}; it has 1 to {versions[-1].version}")


def in_force(versions: list[Published], lens: Lens) -> Published:
    """The newest version published and known by then; before the first publication, version 1."""
    then = [
        published
        for published in versions
        if published.occurred_at <= lens.as_of and (lens.known_at is None or published.recorded_at <= lens.known_at)
    ]
    return then[-1] if then else versions[0]
