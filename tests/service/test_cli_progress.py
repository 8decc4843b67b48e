"""What is told of long work where there is no terminal."""

from types import SimpleNamespace

import pytest

from service.cli import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds; the last one is now."""
    now = [0.0]
    monkeypatch.setattr("service.cli.progress.time", SimpleNamespace(monotonic=lambda: now[-1]))
    return now


def test_the_rate_of_writing_is_not_slowed_by_the_reading_before(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress.lines("rows", "reading", "writing")
    for at, done, total in ((10, 1_000, None), (12, 1_200, None), (12, 0, 1_200), (15, 900, 1_200)):
        clock.append(float(at))
        told(done, total)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 1,000 rows, 100 rows/s",
        "reading: 1,200 rows, 100 rows/s",
        "writing: 900 of 1,200 rows, 300 rows/s",
    ]


def test_where_the_total_is_known_at_once_the_rate_is_since_the_beginning(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress.lines("events", "checking", "checking")
    for at, done in ((4, 400), (8, 1_600)):
        clock.append(float(at))
        told(done, 2_000)
    assert capsys.readouterr().err.splitlines() == [
        "checking: 400 of 2,000 events, 100 events/s",
        "checking: 1,600 of 2,000 events, 200 events/s",
    ]
