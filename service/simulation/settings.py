"""What a simulated history is made from: the same settings give the same history."""

from dataclasses import dataclass
from hashlib import sha256

from engine.errors import Rejected
from service.simulation.parameters import TRUE, Parameters, PipelineWays

SOURCE = "simulation"
"""What the simulated system is called, as source of people and keys."""
ORIGIN = f"import:{SOURCE}"
DAY = 86_400_000_000
"""microseconds"""
EVENTS_A_JOURNEY = 16.1
"""Mean over some years; --events is turned into a number of journeys by it."""


@dataclass(frozen=True)
class Settings:
    journeys: int
    seed: int
    since: int
    """microseconds; journeys begin from here on"""
    until: int
    """microseconds; what would happen later has not happened yet"""
    pipelines: tuple[str, ...] = tuple(TRUE.pipelines)
    titles: bool = False
    """a title of its own for each journey; else some titles are shared"""

    @property
    def run(self) -> str:
        """Names the history: all of its ids come from this."""
        said = f"{self.seed}\n{self.journeys}\n{self.since}\n{self.until}\n{','.join(self.pipelines)}"
        return sha256(said.encode()).hexdigest()

    @property
    def parameters(self) -> Parameters:
        """The true parameters, of these pipelines only."""
        unknown = [name for name in self.pipelines if name not in TRUE.pipelines]
        if unknown or not self.pipelines:
            known = ", ".join(TRUE.pipelines)
            raise Rejected(f"there is no simulated pipeline {', '.join(unknown) or 'of no name'}: use some of {known}")
        chosen = {name: TRUE.pipelines[name] for name in self.pipelines}
        if len(chosen) == 1:
            chosen = {name: without_transfers(ways) for name, ways in chosen.items()}
        return TRUE.model_copy(update={"pipelines": chosen})


def without_transfers(ways: PipelineWays) -> PipelineWays:
    """A pipeline alone: there is no other to change to."""
    return PipelineWays(share=1, stages=tuple(way.model_copy(update={"transferred": 0}) for way in ways.stages))
