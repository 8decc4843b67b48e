"""A runner in its own process whose clock is wrong: python -m tests.policies.runner URL MINUTES."""

import sys
import time
from datetime import UTC, datetime, timedelta

from engine.log.application import Log
from engine.policies.run import run_once
from engine.projections.views import Views

if __name__ == "__main__":
    log, skew = Log(sys.argv[1]), timedelta(minutes=float(sys.argv[2]))
    views = Views(log)
    while True:
        now = datetime.now(UTC) + skew
        run_once(log, views, now=now, since=now - timedelta(days=30))
        time.sleep(0.02)
