"""docs/checklist.md: which rows of the checklist hold, told by the tests that prove them.

A test names its rows with `@pytest.mark.checklist("S17", "S19")`, on itself, on one of its parameters, or for a whole
file in `pytestmark`. The files are read, not run, so that the document does not depend on which tests a run chose.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "checklist.md"
ROWS = Path(__file__).with_name("rows.yaml")
HEAD = """# Checklist

What dealtrail must do, row by row, and the tests that prove it. Written by `python -m tests.checklist` from the marks
on the tests; `make check` fails when it is out of date.
"""


@dataclass(frozen=True)
class Row:
    text: str
    missing: str | None = None
    """what of the row is not there yet"""


def rows(path: Path = ROWS) -> dict[str, Row]:
    """By id, in order."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {row: Row(said) if isinstance(said, str) else Row(**said) for row, said in raw.items()}


def document(tests: Path, known: dict[str, Row]) -> str:
    """The whole text; ValueError where a mark names no row or marks no test."""
    proofs = proofs_in(tests)
    unknown = sorted(set(proofs) - set(known))
    if unknown:
        raise ValueError(f"{proofs[unknown[0]][0]} is to prove {unknown[0]}, which is no row of the checklist")
    states = [state(known[row], proofs.get(row, [])) for row in known]
    counts = ", ".join(f"{states.count(each)} {each}" for each in ("hold", "hold in part", "open"))
    lines = [HEAD, f"Of {len(known)} rows {counts}.", "", "| row | what | state | proven by |", "|---|---|---|---|"]
    for (row, said), is_so in zip(known.items(), states, strict=True):
        missing = f"; missing: {said.missing}" if said.missing else ""
        shown = "<br>".join(link(test) for test in proofs.get(row, []))
        lines.append(f"| {row} | {said.text}{missing} | {is_so} | {shown} |")
    return "\n".join(lines) + "\n"


def state(row: Row, tests: list[str]) -> str:
    if not tests:
        return "open"
    return "hold in part" if row.missing else "hold"


def link(test: str) -> str:
    """`tests/stages/test_presets.py::test_x` as a link to the file."""
    path, name = test.split("::")
    return f"[{Path(path).stem}::{name}](../{path})"


def proofs_in(tests: Path) -> dict[str, list[str]]:
    """Ids of the tests that prove each row, sorted."""
    proofs: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(tests.parent).as_posix()
        found = list(marked(tree))
        used = {id(mark) for _, mark in found}
        stray = [mark for mark in marks(tree) if id(mark) not in used]
        if stray:
            raise ValueError(f"{place} line {stray[0].lineno}: this mark of the checklist marks no test")
        for name, mark in found:
            for row in ast.literal_eval(ast.Tuple(mark.args, ast.Load())):
                listed = proofs.setdefault(row, [])
                if f"{place}::{name}" not in listed:
                    listed.append(f"{place}::{name}")
    return proofs


def marked(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Each test of a file with each of its marks."""
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for_all = list(marks(values["pytestmark"])) if "pytestmark" in values else []
    for test in tree.body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            named = [node.id for each in test.decorator_list for node in ast.walk(each) if isinstance(node, ast.Name)]
            around = [*test.decorator_list, *(values[name] for name in named if name in values)]
            for mark in [*for_all, *(mark for node in around for mark in marks(node))]:
                yield test.name, mark


def marks(node: ast.AST) -> Iterator[ast.Call]:
    """The calls `pytest.mark.checklist(...)` in a piece of a file."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.checklist":
            yield each
