"""docs/checklist.md says what the tests say."""

from pathlib import Path

import pytest

from tests.checklist.document import DOCUMENT, ROOT, Row, document, rows

ROWS = {"S1": Row("one thing"), "S2": Row("two things", missing="the second"), "S3": Row("three")}
TESTS = """
import pytest

BOTH = [pytest.param(1, marks=pytest.mark.checklist("S1")), 2]

@pytest.mark.parametrize("n", BOTH)
def test_one(n): ...

@pytest.mark.checklist("S1", "S2")
def test_two(): ...
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(TESTS)
    return folder


def test_the_checklist_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(ROOT / "tests", rows()), "run: python -m tests.checklist"


def test_there_are_the_44_rows() -> None:
    assert list(rows()) == [f"S{n}" for n in range(1, 45)]


def test_a_row_holds_by_its_tests_in_part_where_something_is_missing_and_is_open_without(tests: Path) -> None:
    text = document(tests, ROWS)
    one, two = "[test_it::test_one](../tests/test_it.py)", "[test_it::test_two](../tests/test_it.py)"
    assert f"| S1 | one thing | hold | {one}<br>{two} |" in text
    assert f"| S2 | two things; missing: the second | hold in part | {two} |" in text
    assert "| S3 | three | open |  |" in text
    assert "Of 3 rows 1 hold, 1 hold in part, 1 open." in text


def test_a_mark_of_a_whole_file_marks_each_of_its_tests(tests: Path) -> None:
    (tests / "test_it.py").write_text(
        'import pytest\npytestmark = pytest.mark.checklist("S3")\ndef test_three(): ...\n'
    )
    assert "[test_it::test_three]" in document(tests, ROWS)


def test_a_row_that_there_is_not_is_refused(tests: Path) -> None:
    with pytest.raises(ValueError, match="test_two is to prove S2, which is no row"):
        document(tests, {"S1": Row("one thing")})


def test_a_mark_on_something_that_is_no_test_is_refused(tests: Path) -> None:
    (tests / "more.py").write_text('import pytest\n@pytest.mark.checklist("S1")\ndef helper(): ...\n')
    with pytest.raises(ValueError, match=r"more\.py line 2: this mark of the checklist marks no test"):
        document(tests, ROWS)
