"""Conversion in columns equals conversion told journey by journey, over random logs, definitions and options."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.projections.conversion import Conversion, conversion
from engine.projections.filters import Filters
from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import Fact, life
from engine.stages.fold import Visit, fold
from engine.values import from_micros
from tests.projections.journeys import DAY, look
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


@dataclass(frozen=True)
class Asked:
    """Options; times in microseconds, as the random logs have them."""

    since: int | None
    until: int | None
    strict: bool
    within: int | None
    in_period: bool

    def holds(self, moment: int) -> bool:
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def horizon(self, entered: int) -> int:
        ends = [AS_OF]
        if self.within is not None:
            ends.append(entered + self.within)
        if self.in_period:
            assert self.until is not None
            ends.append(self.until - 1)
        return min(ends)


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """Bounds at the very times of the random logs, so that inside and outside meet."""
    since = draw(st.none() | st.integers(0, 3))
    until = draw(st.none() | st.integers((since or 0) + 1, 6))
    within = draw(st.none() | st.integers(1, 4))
    since, until, within = (None if bound is None else bound * 10 for bound in (since, until, within))
    return Asked(since, until, draw(st.booleans()), within, until is not None and draw(st.booleans()))


def rank(definition: Definition, visit: Visit) -> int:
    return definition.ranks.get(visit.stage, UNMAPPED)


def told(journeys: list[list[Fact]], definition: Definition, asked: Asked) -> dict[str, Counter[str]]:
    """Counts by stage, and of the whole under the key overall."""
    counts: dict[str, Counter[str]] = {stage.key: Counter() for stage in definition.stages if stage.kind != "lost"}
    counts["overall"] = Counter()
    for entries in journeys:
        alive = life(entries, as_of=AS_OF)
        visits = fold(alive, definition).visits
        left_for_good = {fact.position for fact in alive.entries if fact.kind == "PipelineChanged"}
        seen: set[str] = set()
        for n, visit in enumerate(visits):
            if not asked.holds(visit.entered_at):
                seen.add(visit.stage)
                continue
            horizon = asked.horizon(visit.entered_at)
            later = [other for other in visits[n:] if other.entered_at <= horizon]
            last = later[-1]
            away = left_the_pipeline(last, visits, alive.entries, definition, left_for_good)
            kind = definition.kind_of(rank(definition, last))
            place = "transferred" if away and last.left_at is not None and last.left_at <= horizon else kind
            if n == 0:
                won = any(definition.kind_of(rank(definition, other)) in ("won", "after_sale") for other in later)
                end = "won" if won else place if place in ("transferred", "lost") else "open"
                counts["overall"].update(["entered", end])
            if visit.stage not in seen and visit.stage in counts:
                counts[visit.stage].update(["entered", part(definition, visit, later, place, strict=asked.strict)])
            seen.add(visit.stage)
    return counts


def left_the_pipeline(
    visit: Visit, visits: list[Visit], entries: tuple[Fact, ...], definition: Definition, changes: set[int]
) -> bool:
    """The visit ended at a change to another pipeline: the first change after its entry that is not to this one."""
    following = visits[visits.index(visit) + 1] if visit is not visits[-1] else None
    entered = [fact.position for fact in entries].index(visit.entered_position)
    for fact in entries[entered + 1 :]:
        if following is not None and fact.position == following.entered_position:
            return False
        if fact.position in changes and fact.pipeline != definition.pipeline:
            return True
    return False


def part(definition: Definition, visit: Visit, later: list[Visit], place: str | None, *, strict: bool) -> str:
    own = rank(definition, visit)
    others = [(rank(definition, other), definition.kind_of(rank(definition, other))) for other in later]
    further = [(other, kind) for other, kind in others if other > own and kind != "lost"]
    if further:
        return "advanced" if not strict or passed(definition, own, others) else "skipped"
    if place in ("transferred", "lost"):
        return place
    return "moved_back" if others[-1][0] < own else "still_there"


def passed(definition: Definition, own: int, others: Sequence[tuple[int, str | None]]) -> bool:
    """The next stage was visited; any won stage is next after the last open one."""
    ahead = [stage for stage in definition.stages[own + 1 :] if stage.kind != "lost"]
    if definition.kind_of(own) == "won":
        ahead = [stage for stage in ahead if stage.kind != "won"]
    if not ahead:
        return False
    if ahead[0].kind == "won":
        return any(kind == "won" for _, kind in others)
    return any(definition.key_of(other) == ahead[0].key for other, _ in others)


def answered(answer: Conversion) -> dict[str, Counter[str]]:
    names = ("entered", "advanced", "skipped", "lost", "moved_back", "transferred", "still_there")
    found = {row.stage: Counter({name: getattr(row, name) for name in names}) for row in answer.stages}
    whole = answer.overall.model_dump(exclude={"conversion"})
    return {stage: +counts for stage, counts in found.items()} | {"overall": +Counter(whole)}


@settings(max_examples=150, deadline=None)
@given(facts(), definitions(), questions())
def test_conversion_equals_the_count_one_by_one(
    journeys: list[list[Fact]], definition: Definition, asked: Asked
) -> None:
    bounds = {
        "since": None if asked.since is None else from_micros(asked.since),
        "until": None if asked.until is None else from_micros(asked.until),
    }
    answer = conversion(
        look(dict(enumerate(journeys)), definition, as_of=AS_OF),
        Filters(**bounds),
        strict=asked.strict,
        within_days=None if asked.within is None else asked.within / DAY,
        in_period=asked.in_period,
    )
    assert answered(answer) == told(journeys, definition, asked)
