"""Which definition a lens means: now, then, a version, a draft."""

from uuid import UUID

import pytest

from engine.aggregates.pipeline.events import DefinitionDrafted, DefinitionPublished, DraftDiscarded, PipelineCreated
from engine.errors import NotFound, Rejected
from engine.projections.definitions import Definitions
from engine.projections.lens import Lens, called, choice_of
from engine.stages.definition import Definition, parse_definition

SOMEBODY = UUID(int=5)


def stages(*keys: str, pipeline: str = "sales") -> Definition:
    return parse_definition({"pipeline": pipeline, "stages": [{"key": key, "kind": "open"} for key in keys]})


def told() -> Definitions:
    """sales: version 1 at 10 (recorded 100), version 2 at 20 (recorded 200), version 3 told late: at 15, recorded 300;
    two drafts, the first published as version 2, the second discarded.
    """
    found = Definitions()
    first, second = UUID(int=1), UUID(int=2)
    found.add(DefinitionPublished(version=1, definition=stages("a"), reason="begin"), 10, 100, SOMEBODY)
    found.add(DefinitionDrafted(draft_id=first, number=1, definition=stages("b"), based_on=1), 11, 110, SOMEBODY)
    found.add(DefinitionDrafted(draft_id=second, number=2, definition=stages("c"), based_on=1), 12, 120, SOMEBODY)
    published = DefinitionPublished(version=2, definition=stages("b"), reason="better", draft_id=first)
    found.add(published, 20, 200, SOMEBODY)
    found.add(DraftDiscarded(draft_id=second), 21, 210, SOMEBODY)
    found.add(DefinitionPublished(version=3, definition=stages("d"), reason="since then"), 15, 300, SOMEBODY)
    return found


@pytest.mark.parametrize(
    ("lens", "version", "first_stage"),
    [
        (Lens(1000), 3, "d"),
        (Lens(1000, definition=1), 1, "a"),
        (Lens(1000, definition=choice_of("draft:1")), -1, "b"),
        (Lens(1000, definition=choice_of("draft:2")), -2, "c"),
        (Lens(5, definition="then"), 1, "a"),
        (Lens(12, definition="then"), 1, "a"),
        (Lens(15, definition="then"), 3, "d"),
        (Lens(15, 250, definition="then"), 1, "a"),
        (Lens(20, 250, definition="then"), 2, "b"),
        (Lens(20, 99, definition="then"), 1, "a"),
    ],
)
def test_a_lens_means_one_definition(lens: Lens, version: int, first_stage: str) -> None:
    found = told().choose("sales", lens)
    assert (found.version, found.definition.stages[0].key) == (version, first_stage)


def test_a_draft_tells_what_became_of_it() -> None:
    first, second = told().drafts("sales")
    assert (first.published_as, first.discarded) == (2, False)
    assert (second.published_as, second.discarded) == (None, True)
    assert told().drafts("partners") == []


def test_a_version_tells_who_published_it_and_why() -> None:
    second = told().choose("sales", Lens(1000, definition=2))
    assert (second.reason, second.actor) == ("better", SOMEBODY)


@pytest.mark.parametrize(
    ("definition", "words"),
    [("4", "version 4; it has 1 to 3"), ("draft:3", "no draft 3; its drafts: draft:1, draft:2")],
)
def test_what_is_not_there_is_named_with_what_is(definition: str, words: str) -> None:
    with pytest.raises(NotFound, match=words):
        told().choose("sales", Lens(1000, definition=choice_of(definition)))


@pytest.mark.parametrize("definition", ["draft", "draft:", "draft:0", "draft:-1", "-1", "0", "1.5", "later", "draft:x"])
def test_what_is_no_definition_is_refused_with_what_would_be_one(definition: str) -> None:
    with pytest.raises(Rejected, match="draft:1"):
        choice_of(definition)


@pytest.mark.parametrize("definition", ["7", "draft:7"])
def test_an_answer_calls_its_definition_as_one_asks_for_it(definition: str) -> None:
    choice = choice_of(definition)
    assert isinstance(choice, int)
    assert str(called(choice)) == definition


def test_a_pipeline_without_stages_is_said_to_have_none_yet() -> None:
    found = told()
    found.add(PipelineCreated(key="partners", name="Partners"), 30, 300, SOMEBODY)
    with pytest.raises(NotFound, match="no version yet: publish its stages first"):
        found.choose("partners", Lens(1000))
    with pytest.raises(NotFound, match="does not exist"):
        found.choose("nowhere", Lens(1000))
    assert found.choose(None, Lens(1000)).version == 3
