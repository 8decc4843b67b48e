"""One stored payload of every event that was ever published, read for ever.

golden/TAG.json holds the bytes as the log keeps them. A new type tag gets a new file (any event of the type, with all
its fields set); a file is never changed: the payloads in people's databases don't change either.
"""

from pathlib import Path

import pytest

from engine.log.mapper import TagMapper
from engine.log.registry import TAGS, UPCASTERS

GOLDEN = Path(__file__).parent / "golden"
STORED = {path.name.removesuffix(".json"): path.read_text("utf-8") for path in GOLDEN.glob("*.json")}


def test_every_type_tag_has_a_golden_file_and_every_file_a_reader() -> None:
    assert set(STORED) == set(TAGS) | set(UPCASTERS)


@pytest.mark.parametrize("tag", sorted(STORED))
def test_it_still_loads(tag: str) -> None:
    event = TagMapper.tags[TagMapper.upcasters[tag][0] if tag in TagMapper.upcasters else tag]
    assert isinstance(mapper().event(tag, STORED[tag]), event)


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_it_is_stored_as_the_same_bytes(tag: str) -> None:
    assert mapper().event(tag, STORED[tag]).payload() == STORED[tag]


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_it_shows_every_field(tag: str) -> None:
    assert mapper().event(tag, STORED[tag]).model_fields_set == set(TAGS[tag].model_fields)


def mapper() -> TagMapper:
    from eventsourcing.persistence import JSONTranscoder

    return TagMapper(JSONTranscoder())
