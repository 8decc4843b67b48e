"""The three refusals of the engine. No HTTP here: the service maps them to answers."""


class DealtrailError(Exception):
    """Base of every refusal; the message says what was wrong and what would be right."""

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        """field: which one of the question is wrong, where it is one."""
        super().__init__(message)
        self.field = field


class NotFound(DealtrailError):
    """The stream, pipeline, version or person named does not exist."""


class Rejected(DealtrailError):
    """A rule of the business refuses the command; nothing was written."""


class Conflict(DealtrailError):
    """Somebody else was first: another version of the stream, or the same command id with another body."""
