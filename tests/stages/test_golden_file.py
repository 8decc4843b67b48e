"""The worked cases handed down with the stage rules, read from their file where it is there."""

from pathlib import Path

import pytest
import yaml

from engine.projections.seen import see
from engine.projections.visits import derive_visits
from tests.properties.columns_of import columns_of, known_by
from tests.stages.golden import folded, read_cases


@pytest.mark.real_log
def test_every_golden_case_holds_by_the_fold_and_over_columns(shared_data: Path) -> None:
    document = yaml.safe_load((shared_data.parent / "golden" / "stages.yaml").read_text())
    cases = read_cases(document)
    assert len(cases) >= 25
    for case in cases:
        columns = columns_of({0: case.facts})
        for question in case.questions:
            seen = see(columns, as_of=question.as_of, known=known_by(case.facts, question.known_at))
            visits = derive_visits(seen, case.definition, columns.codes)
            rows = visits.select("stage", "entered_at", "left_at", "how").rows()
            derived = [(case.definition.key_of(stage), *rest) for stage, *rest in rows]
            by_fold = folded(case.facts, case.definition, question.as_of, question.known_at)
            assert (case.name, by_fold) == (case.name, question.visits)
            assert (case.name, derived) == (case.name, question.visits)
