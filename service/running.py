"""What a process of the service holds for all requests: the log, the views, the threads, and what it may forget."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from engine.errors import DealtrailError
from engine.lately import Lately
from engine.log.application import Log, Wanted, Written
from engine.log.people import erasures
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.names import Names
from engine.projections.views import ROOM
from replay.archive import views_of
from replay.stage_figures import Side
from service import metrics
from service.ahead import Ahead
from service.settings import Serving, archive_folder
from service.sharing import Sharing
from service.tracing import Tracing
from service.work import Bounds, Pool
from service.writing import Writer


class TimedLog(Log):
    """The log, telling how long appends take, and that there were some."""

    when_written: Callable[[], None] = staticmethod(lambda: None)

    def write_all(self, wanted: Sequence[Wanted]) -> list[Written | DealtrailError]:
        began = time.perf_counter()
        try:
            return super().write_all(wanted)
        finally:
            metrics.later(metrics.append_seconds.observe, time.perf_counter() - began)
            self.when_written()


PAGE_SECONDS: Final = 300.0
"""within which the next page is asked for, or what it is made from is derived anew"""
PAGES: Final = 4
"""of different worlds that may be gone on with at once; of a long log one (ROOM)"""
Pinned = tuple[str, int, int, int | None, int]
"""pipeline, version, as_of, known_at, position"""


class Running:
    """One a process."""

    def __init__(self, url: str, serving: Serving) -> None:
        """Rejected where there is no log of the newest schema."""
        self.serving = serving
        self.tracing = Tracing(serving)
        self.log = TimedLog(url)
        self.views = views_of(self.log, archive_folder(url), logging.getLogger(__name__).warning)
        self.ahead = Ahead(self.views)
        self.log.when_written = self.ahead.written
        bounds = Bounds(serving.waiting, serving.patience_seconds, serving.answer_seconds)
        self.names = Names(self.views)
        self.writing = Writer(self.log, serving.writers, bounds)
        self.changing = Pool("changing", 2, bounds)
        """what is written and is no command: erasures, webhooks"""
        self.reading = Pool("reading", serving.readers, bounds)
        self.access = Pool("access", 2, bounds)
        """who somebody is: apart, so that no slow answer, nor an issuer that hangs, holds up the others"""
        self.telling = Pool("telling", 1, bounds)
        """what metrics need of the database, so that no answer that hangs holds them up"""
        self.sharing = Sharing()
        self.ready = False
        """whether the views have read the whole log once"""
        self.when_ready: Callable[[], None] = lambda: None
        self.when_stopping: Callable[[], None] = lambda: None
        self.when_void: Callable[[str], None] = logging.getLogger(__name__).error
        """what to do where the log is no longer the one that was read, and why that is said"""
        self.answers: Lately[str, bytes] = Lately(64)
        """by entity tag"""
        self.looks: Lately[Pinned, Look] = Lately(PAGES)
        """what the first page of a list was made from, or one after it, for PAGE_SECONDS"""
        self.sides: Lately[tuple[Pinned, Filters], Side] = Lately(2)
        """what drafts were set beside"""

    def warm_up(self) -> None:
        """Read the log and derive what the questions of the present need."""
        self.views.catch_up()
        # Held together, for the log to be seen once for all pipelines.
        looks = [self.views.look(pipeline, Lens.of()) for pipeline in self.views.pipelines()]
        del looks
        self.when_ready()
        self.ahead.start()
        self.ready = True
        logging.getLogger(__name__).info("ready", extra={"position": self.views.position})

    def keep_up(self) -> None:
        """What would else be left to the next question."""
        self.views.catch_up()
        self.views.settle()
        self.looks.let_go(PAGE_SECONDS)

    def look(self, pipeline: str | None, lens: Lens) -> Look:
        self.ahead.asked()
        return self.views.look(pipeline, lens)

    def pinned(self, pin: Pinned, lens: Lens) -> Look:
        """The look of a page before, or the same made anew by a lens that shows the log up to that position."""
        kept = self.looks.get(pin)
        if kept is None:
            pipeline, _, _, known_at, position = pin
            kept = replace(self.views.look(pipeline, lens), known_at=known_at, position=position)
            self.keep(pin, kept)
        return self.views.with_names(kept)

    def keep(self, pin: Pinned, look: Look) -> None:
        """For the next page. Of a long log fewer are kept: through other times they are 150 MB each of ten million
        events, and made anew in a second.
        """
        self.looks.put(pin, look.for_later(), max(1, ROOM // max(1, len(self.views.columns.streams))))

    def erased(self) -> int:
        """How many erasures and corrections there were: they change what answers show, and no position."""
        return erasures(self.log)

    def close(self) -> None:
        self.writing.close()
        self.changing.close()
        self.reading.close()
        self.access.close()
        self.telling.close()
        metrics.catch_up(0)
        self.ahead.close()
        self.log.close()
        self.tracing.close()
