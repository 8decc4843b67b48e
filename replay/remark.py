"""One thing to look at in a definition, with the figures behind it and what to do."""

from typing import Literal

from engine.projections.figures import Figures

Kind = Literal[
    "never_entered", "never_true", "always_true", "swallows", "unmapped_keys", "passes_all", "abnormal_narrowing"
]


class Remark(Figures):
    """n of `of`: the figures behind it; what they count is said in `says`."""

    kind: Kind
    stage: str | None
    key: str | None = None
    """of unmapped_keys: the key"""
    new: bool = True
    """the definition that it is set beside does not deserve it"""
    says: str
    advice: str
    n: int
    of: int
