"""JSON as it comes: lists, lines, answers with rows inside; every cell the text that stands in the file."""

import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.errors import Rejected
from service.importers.json_rows import read_json


def rows(folder: Path, text: str | bytes, columns: list[str] | None, name: str = "a.json", **options: Any) -> list[Any]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return pl.concat(list(read_json(path, columns, **options)), how="diagonal").rows()


def test_numbers_truth_and_nested_objects_keep_their_text(tmp_path: Path) -> None:
    text = '[{"a": 1.10, "b": {"c": true, "d": {"e": 12345678901234567890}}, "f": null, "g": "", "h": [1, {"i": "é"}]}]'
    columns = ["a", "b.c", "b.d.e", "h"]
    assert rows(tmp_path, text, columns) == [(1, "1.10", "true", "12345678901234567890", '["1",{"i":"é"}]')]
    assert rows(tmp_path, text, ["f", "a"], may_lack=["f"]) == [(1, None, "1.10")]


def test_lines_are_told_by_their_number(tmp_path: Path) -> None:
    text = '{"a": 1}\n\n{"a": 2}\n'
    assert rows(tmp_path, text, ["a"], "a.jsonl") == [(1, "1"), (3, "2")]
    assert rows(tmp_path, gzip.compress(text.encode()), ["a"], "a.ndjson.gz") == [(1, "1"), (3, "2")]
    assert rows(tmp_path, '{"a": 1}\n{"a": 2}\n', ["a"]) == [(1, "1"), (2, "2")]
    assert rows(tmp_path, b"\xef\xbb\xbf" + b'[{"a": 1}]', ["a"]) == [(1, "1")]


def test_rows_stand_where_the_mapping_says(tmp_path: Path) -> None:
    assert rows(tmp_path, '{"x": {"y": [{"a": 1}, {"a": 2}]}}', ["a"], rows="x.y") == [(1, "1"), (2, "2")]
    by_name = '{"ocel:events": {"e1": {"a": 1}, "e2": {"a": 2}}}'
    assert rows(tmp_path, by_name, ["_key", "a"], rows="ocel:events") == [(1, "e1", "1"), (2, "e2", "2")]
    answers = '{"data": [{"a": 1}, {"a": 2}]}\n{"data": null}\n{"data": []}\n{"data": [{"a": 3}]}\n'
    assert rows(tmp_path, answers, ["a"], "a.jsonl", rows="data") == [(1, "1"), (1, "2"), (4, "3")]


def test_lists_of_pairs_are_columns_and_the_last_value_counts(tmp_path: Path) -> None:
    text = '[{"p": [{"name": "x", "value": 1}, {"name": "y", "value": null}, {"name": "x", "value": 2}]}]'
    assert rows(tmp_path, text, ["p.x"], pairs=["p"]) == [(1, "2")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("[]", "has no rows"),
        ("[1, 2]", "no list of objects: say `rows: PATH`"),
        ('{"a": ', "line 1: no JSON"),
        ('[{"a": 1,}]', "no JSON"),
        ('[{"a": NaN}]', "NaN is no number"),
        ('[{"a": 1, "a": 2}]', "'a' is given twice in one object"),
        ('[{"b": 1}]', "has no 'a' in any row: it has b"),
        ('[{"a": "\\ud83d"}]', "half of a surrogate pair"),
        (b'[{"a": "\xff"}]', "not UTF-8"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_sound_json_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(Rejected, match=told):
        rows(tmp_path, text, ["a"])


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="line 2: no JSON"):
        rows(tmp_path, '{"a": 1}\n{"a": \n', ["a"], "a.jsonl")
    with pytest.raises(Rejected, match="nothing under 'data': it has error"):
        rows(tmp_path, '{"error": 1}', ["a"], rows="data")


def test_a_huge_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="holds more than 1000 bytes"):
        rows(tmp_path, gzip.compress(b'[{"a": "' + b"x" * 10_000 + b'"}]'), ["a"], "a.json.gz", limit=1_000)
