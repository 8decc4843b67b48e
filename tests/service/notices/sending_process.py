"""A process that sends, to be killed: python -m tests.service.notices.sending_process URL. Its leases run out soon."""

import asyncio
import sys

from engine.log.application import Log
from service.notices import lease, sender
from service.notices.senders import send
from tests.service.notices.world import QUICK

if __name__ == "__main__":
    lease.LEASE_SECONDS, sender.RENEW_SECONDS = 1.0, 0.3
    asyncio.run(send(Log(sys.argv[1]), QUICK, asyncio.Event()))
