"""What a definition asks of the policies, to be set side by side. Replay does not ask them: who may, tells it."""

from engine.projections.figures import Figures


class PolicyFigures(Figures):
    stages: tuple[str, ...]
    """where the definition asks for it"""
    watched: int
    """journeys that stand there"""
    due: int
    """what it would do at once: alerts, follow-ups, hand-overs"""


class PolicyRow(Figures):
    policy: str
    before: PolicyFigures
    after: PolicyFigures
