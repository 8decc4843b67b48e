"""New events as they come, for the library's subscribers: by looking again, since positions have no holes."""

import time
from collections.abc import Sequence

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

POLL_SECONDS = 0.05
_AT_ONCE = 500


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Reads from a position on, and looks again every POLL_SECONDS, until stopped."""

    def __init__(self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        super().__init__(recorder, gt, topics)
        self._read_ahead: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._read_ahead:
                return self._read_ahead.pop()
            found = self._recorder.select_notifications(
                self._last_notification_id or 0, _AT_ONCE, topics=self._topics, inclusive_of_start=False
            )
            if found:
                self._last_notification_id = found[-1].id
                self._read_ahead = list(reversed(found))
            else:
                time.sleep(POLL_SECONDS)
        raise StopIteration
