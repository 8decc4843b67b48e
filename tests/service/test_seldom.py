"""A database that is away for long does not fill the disk with tracebacks."""

import logging

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from service.seldom import Seldom


def test_what_goes_wrong_again_is_told_in_full_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    seldom = Seldom(lambda: now)
    away = OperationalError("SELECT 1", None, Exception("connection refused\nis the server running?"))
    for now in (0.0, 1.0, 59.0, 60.0, 61.0):  # noqa: B007 (the clock reads it)
        seldom.tell(logging.getLogger("service"), "database", away)
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False, True, False]
    assert all("connection refused" in vars(record)["error"] for record in caplog.records)
    caplog.clear()
    seldom.tell(logging.getLogger("service"), "database", ProgrammingError("SELECT", None, Exception("no such column")))
    (record,) = caplog.records
    assert record.exc_info, "another mistake is told in full"
