import pytest
from pydantic import ValidationError

from engine.aggregates.pipeline.commands import (
    ActivatePolicy,
    CreatePipeline,
    DiscardDraft,
    DraftDefinition,
    PublishDefinition,
    RollBackDefinition,
)
from engine.aggregates.pipeline.events import (
    DefinitionDrafted,
    DefinitionPublished,
    DraftDiscarded,
    PipelineCreated,
    PolicyActivated,
)
from engine.aggregates.pipeline.rules import decide
from engine.aggregates.pipeline.state import Pipeline, evolve, pipeline_stream
from engine.errors import Conflict, NotFound
from engine.stages.definition import Definition, parse_definition
from tests.aggregates.examples import PARTNERS, SALES
from tests.given_when_then import Aggregate, day, made, on, text

pipeline = Aggregate(decide, evolve, Pipeline())

CREATED = PipelineCreated(key="sales", name="Sales")
PUBLISHED = DefinitionPublished(version=1, definition=SALES, reason="first")
SHORTER: Definition = parse_definition({"pipeline": "sales", "stages": [{"key": "contact", "kind": "open"}]})
OTHER: Definition = parse_definition({"pipeline": "sales", "stages": [{"key": "other", "kind": "open"}]})
DRAFTED = DefinitionDrafted(draft_id=made(1), number=1, definition=SHORTER, based_on=1)


def test_a_pipeline_is_created_once() -> None:
    pipeline.given().when(CreatePipeline(pipeline="sales", name="Sales")).then(CREATED)
    pipeline.given(CREATED).when(CreatePipeline(pipeline="sales", name="Sales")).rejected("'sales'", "exists already")


def test_a_pipeline_is_found_by_its_key() -> None:
    assert pipeline_stream("sales") == pipeline_stream("sales") != pipeline_stream("partners")


def test_a_definition_is_drafted_on_top_of_the_one_in_force() -> None:
    draft = DraftDefinition(pipeline="sales", definition=SHORTER)
    pipeline.given(CREATED, PUBLISHED).when(draft).then(DRAFTED)
    pipeline.given(CREATED).when(draft).then(
        DefinitionDrafted(draft_id=made(1), number=1, definition=SHORTER, based_on=0)
    )


def test_a_draft_says_what_it_is_for_in_a_text_that_can_be_erased() -> None:
    draft = DraftDefinition(pipeline="sales", definition=SHORTER, note="the north asked for it")
    pipeline.given(CREATED).when(draft).then(
        DefinitionDrafted(
            draft_id=made(1), number=1, definition=SHORTER, based_on=0, note=text("the north asked for it")
        )
    )


def test_drafts_are_numbered_as_they_come_and_a_number_is_not_given_again() -> None:
    second = DefinitionDrafted(draft_id=made(2), number=2, definition=SALES, based_on=1)
    draft = DraftDefinition(pipeline="sales", definition=SALES)
    pipeline.given(CREATED, PUBLISHED, DRAFTED, DraftDiscarded(draft_id=made(1))).with_ids_after(1).when(draft).then(
        second
    )


def test_a_draft_changes_nothing_in_force() -> None:
    assert pipeline.given(CREATED, PUBLISHED, DRAFTED).state.definition == SALES


def test_a_definition_is_published_with_a_reason() -> None:
    publish = PublishDefinition(pipeline="sales", definition=SALES, reason="first")
    pipeline.given(CREATED).when(publish).then(PUBLISHED)
    pipeline.given(CREATED).when(PublishDefinition(pipeline="sales", definition=SALES)).rejected("reason")


def test_a_draft_is_published() -> None:
    publish = PublishDefinition(pipeline="sales", draft_id=made(1), reason="fewer stages", replaces_version=1)
    pipeline.given(CREATED, PUBLISHED, DRAFTED).when(publish).then(
        DefinitionPublished(version=2, definition=SHORTER, reason="fewer stages", draft_id=made(1))
    )
    pipeline.given(CREATED, PUBLISHED).when(publish).rejected("no draft")


def test_a_draft_is_published_only_over_the_version_it_was_drafted_on_unless_its_author_saw_the_newer() -> None:
    moved_on = pipeline.given(
        CREATED, PUBLISHED, DRAFTED, DefinitionPublished(version=2, definition=OTHER, reason="another")
    )
    blind = PublishDefinition(pipeline="sales", draft_id=made(1), reason="fewer stages")
    moved_on.when(blind).rejected("version 2", "looked at 1", as_=Conflict)
    seen = PublishDefinition(pipeline="sales", draft_id=made(1), reason="fewer stages", replaces_version=2)
    moved_on.when(seen).then(
        DefinitionPublished(version=3, definition=SHORTER, reason="fewer stages", draft_id=made(1))
    )


def test_a_version_that_is_told_late_is_in_force_all_the_same() -> None:
    late = on(0.5, DefinitionPublished(version=2, definition=SHORTER, reason="since last week"))
    known = pipeline.given(CREATED, on(3, PUBLISHED), late)
    assert (known.state.version, known.state.definition) == (2, SHORTER)
    known.when(PublishDefinition(pipeline="sales", definition=OTHER, reason="another")).then(
        DefinitionPublished(version=3, definition=OTHER, reason="another")
    )


def test_a_draft_that_nobody_wants_is_discarded_once_and_not_published() -> None:
    discard = DiscardDraft(pipeline="sales", draft_id=made(1))
    drafted = pipeline.given(CREATED, PUBLISHED, DRAFTED)
    drafted.when(discard).then(DraftDiscarded(draft_id=made(1)))
    gone = pipeline.given(CREATED, PUBLISHED, DRAFTED, DraftDiscarded(draft_id=made(1)))
    gone.when(discard).nothing()
    gone.when(PublishDefinition(pipeline="sales", draft_id=made(1), reason="why")).rejected("draft 1", "discarded")
    pipeline.given(CREATED, PUBLISHED).when(discard).rejected("no draft")


def test_a_published_draft_is_history_and_stays() -> None:
    published = DefinitionPublished(version=2, definition=SHORTER, reason="fewer stages", draft_id=made(1))
    discard = DiscardDraft(pipeline="sales", draft_id=made(1))
    pipeline.given(CREATED, PUBLISHED, DRAFTED, published).when(discard).rejected("version 2", "roll back")


def test_a_draft_that_is_in_force_is_published_again_to_no_effect_until_another_is() -> None:
    published = DefinitionPublished(version=2, definition=SHORTER, reason="fewer stages", draft_id=made(1))
    in_force = pipeline.given(CREATED, PUBLISHED, DRAFTED, published)
    again = PublishDefinition(pipeline="sales", draft_id=made(1), reason="fewer stages")
    in_force.when(again).nothing()
    in_force.when(again.model_copy(update={"replaces_version": 1})).nothing()
    other = DefinitionPublished(version=3, definition=OTHER, reason="another")
    replaced = pipeline.given(CREATED, PUBLISHED, DRAFTED, published, other)
    replaced.when(again).rejected("version 3", "looked at 1", as_=Conflict)


def test_an_earlier_version_is_published_anew_and_says_so() -> None:
    second = DefinitionPublished(version=2, definition=SHORTER, reason="fewer stages")
    third = DefinitionPublished(version=3, definition=OTHER, reason="another")
    pipeline.given(CREATED, PUBLISHED, second).when(
        RollBackDefinition(pipeline="sales", reason="too few", replaces_version=2)
    ).then(DefinitionPublished(version=3, definition=SALES, reason="back to version 1: too few"))
    pipeline.given(CREATED, PUBLISHED, second, third).when(
        RollBackDefinition(pipeline="sales", to=1, reason="too few")
    ).then(DefinitionPublished(version=4, definition=SALES, reason="back to version 1: too few"))


def test_a_version_is_rolled_back_only_by_who_knows_it_with_a_reason_and_to_an_earlier_one() -> None:
    second = DefinitionPublished(version=2, definition=SHORTER, reason="fewer stages")
    known = pipeline.given(CREATED, PUBLISHED, second)
    known.when(RollBackDefinition(pipeline="sales", reason="x", replaces_version=1)).rejected(
        "version 2", "looked at 1", as_=Conflict
    )
    known.when(RollBackDefinition(pipeline="sales")).rejected("reason")
    known.when(RollBackDefinition(pipeline="sales", to=2, reason="x")).rejected("version 2", "1 to 1")
    pipeline.given(CREATED, PUBLISHED).when(RollBackDefinition(pipeline="sales", reason="x")).rejected("no earlier")
    pipeline.given().when(RollBackDefinition(pipeline="sales", reason="x")).rejected("create it first", as_=NotFound)


def test_before_the_first_publication_there_is_no_version_to_go_over_or_back_to() -> None:
    late = PublishDefinition(pipeline="sales", definition=SALES, reason="why", replaces_version=1)
    pipeline.given(CREATED).when(late).rejected("no version of pipeline 'sales'", "you looked at 1", as_=Conflict)
    back = RollBackDefinition(pipeline="sales", reason="why")
    pipeline.given(CREATED).when(back).rejected("no earlier version", "none was published yet")
    pipeline.given(CREATED, PUBLISHED).when(back).rejected("no earlier version", "version 1 is its first")


def test_exactly_one_of_a_draft_and_a_definition_is_published() -> None:
    known = pipeline.given(CREATED, PUBLISHED, DRAFTED)
    known.when(PublishDefinition(pipeline="sales", reason="why")).rejected("exactly one")
    known.when(PublishDefinition(pipeline="sales", draft_id=made(1), definition=SHORTER, reason="why")).rejected(
        "exactly one"
    )


def test_the_definition_in_force_is_not_published_again() -> None:
    again = PublishDefinition(pipeline="sales", definition=SALES, reason="again")
    pipeline.given(CREATED, PUBLISHED).when(again).nothing()


def test_a_definition_is_published_only_over_the_version_its_author_looked_at() -> None:
    def replacing(version: int) -> PublishDefinition:
        return PublishDefinition(pipeline="sales", definition=SHORTER, reason="why", replaces_version=version)

    pipeline.given(CREATED, PUBLISHED).when(replacing(0)).rejected("version 1", "looked at none", as_=Conflict)
    pipeline.given(CREATED, PUBLISHED).when(replacing(1)).then(
        DefinitionPublished(version=2, definition=SHORTER, reason="why")
    )


def test_the_first_draft_of_a_pipeline_begins_it() -> None:
    draft = DraftDefinition(pipeline="sales", definition=SALES)
    drafted = DefinitionDrafted(draft_id=made(1), number=1, definition=SALES, based_on=0)
    pipeline.given().when(draft).then(PipelineCreated(key="sales", name="sales"), drafted)
    publish = PublishDefinition(pipeline="sales", draft_id=made(1), reason="first version")
    published = DefinitionPublished(version=1, definition=SALES, reason="first version", draft_id=made(1))
    pipeline.given(CREATED, drafted).when(publish).then(published)


def test_a_pipeline_is_created_before_its_definition() -> None:
    command = PublishDefinition(pipeline="sales", definition=SALES, reason="first")
    pipeline.given().when(command).rejected("no pipeline 'sales'", "create it first", as_=NotFound)


@pytest.mark.parametrize(
    "command",
    [
        DraftDefinition(pipeline="sales", definition=PARTNERS),
        PublishDefinition(pipeline="sales", definition=PARTNERS, reason="first"),
    ],
)
def test_a_definition_names_its_own_pipeline(command: DraftDefinition | PublishDefinition) -> None:
    pipeline.given(CREATED).when(command).rejected("'partners'", "'sales'")


def test_a_definition_that_makes_no_sense_is_no_command() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        PublishDefinition.model_validate({"pipeline": "sales", "definition": {"pipeline": "sales", "stages": []}})


@pytest.mark.parametrize("event", [PUBLISHED, DRAFTED, CREATED])
def test_a_definition_is_read_back_as_it_was_stored(event: DefinitionPublished) -> None:
    assert type(event).model_validate_json(event.payload()) == event


def test_a_policy_is_activated_from_a_moment_on_and_a_runner_leaves_it_at_that() -> None:
    first = ActivatePolicy(pipeline="sales", policy="raise_stalled", since=day(1), unless_active=True)
    pipeline.given().when(first).rejected("create it first", as_=NotFound)
    pipeline.given(CREATED, PUBLISHED).when(first).then(PolicyActivated(policy="raise_stalled", since=day(1)))
    active = pipeline.given(CREATED, PUBLISHED, PolicyActivated(policy="raise_stalled", since=day(1)))
    active.when(first.model_copy(update={"since": day(2)})).nothing()
    earlier = ActivatePolicy(pipeline="sales", policy="raise_stalled", since=day(0))
    active.when(earlier).then(PolicyActivated(policy="raise_stalled", since=day(0)))
    active.when(earlier.model_copy(update={"since": day(1)})).nothing()
    other = ActivatePolicy(pipeline="sales", policy="hand_over", since=day(0), unless_active=True)
    active.when(other).then(PolicyActivated(policy="hand_over", since=day(0)))
