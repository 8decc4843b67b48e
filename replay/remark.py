"""One thing to look at in a definition, with the figures behind it and what to do."""

from typing import Literal

from engine.projections.figures import Figures

Kind = Literal[
    "never_entered",
    "never_true",
    "always_true",
    "swallows",
    "unmapped_keys",
    "passes_all",
    "abnormal_narrowing",
    "no_won_stage",
    "no_lost_stage",
    "other_outcomes",
    "key_given_away",
    "replaces_nothing",
]


class Remark(Figures):
    """n of `of`: the figures behind it; what they count is said in `says`."""

    kind: Kind
    stage: str | None
    key: str | None = None
    """of unmapped_keys and replaces_nothing: the key"""
    new: bool = True
    """the definition that it is set beside does not deserve it"""
    says: str
    advice: str
    n: int
    of: int
