"""Several files of a folder are one history."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.keys import find_stream
from service.importers.mapping import parse_mapping
from service.importers.report import ImportRefused
from service.importers.run import run_import
from tests.service.importers.histories import LONG, ROWS, facts, lay

FILES: dict[str, Any] = {
    "source": "shop",
    "pipeline": "sales",
    "definition": "pipeline.yaml",
    "empty": ["-"],
    "files": {
        "deals": {
            "file": ["deals-*.csv"],
            "shape": "wide",
            "key": "id",
            "dates": {"on": {"format": "%Y-%m-%d", "zone": "UTC"}},
            "events": [{"event": "DealOpened", "at": "on", "with": {"source": {"column": "origin"}}}],
        },
        "moves": {
            "file": "moves.jsonl",
            "optional": "true",
            "shape": "long",
            "key": "deal.id",
            "activity": ["to"],
            "time": "on",
            "unknown": "skip",
            "dates": {"on": {"format": "epoch_ms"}},
            "events": [
                {"when": {"to": "won"}, "event": "DealWon", "with": {"evidence": {"row": "true"}}},
                {"otherwise": "true", "event": "StageMoved", "with": {"stage": {"column": "to"}}},
            ],
        },
    },
}
DEALS = {
    "deals-1.csv": "id,on,origin\na,2024-01-01,web\nb,2024-01-01,-\n",
    "deals-2.csv.gz": "id,on,origin\nc,2024-01-02,ads\n",
}
MOVES = (
    '{"deal": {"id": "a"}, "to": "won", "on": 1706745600000}\n'
    '{"deal": {"id": "b"}, "to": "won", "on": 1706745600000}\n'
    '{"deal": {"id": "b"}, "to": "offer", "on": 1706832000000}\n'
)


def laid(folder: Path, mapping: dict[str, Any]) -> tuple[Path, Path]:
    _, where = lay(folder, mapping, "")
    export = folder / "export"
    export.mkdir()
    for name, text in DEALS.items():
        lay(export, {}, text, name)
    for name in ("mapping.yaml", "pipeline.yaml"):
        (export / name).unlink()
    (export / "moves.jsonl").write_text(MOVES)
    (export / "notes.txt").write_text("of no use")
    return export, where


def test_files_of_a_folder_are_one_history(log: Log, tmp_path: Path) -> None:
    export, mapping = laid(tmp_path, FILES)
    report = run_import(log, export, mapping, actor="clerk")
    assert (report.rows, report.journeys, report.new_events) == (6, 3, 6)
    assert report.other_files == ["notes.txt"]
    assert [type(entry.event).__name__ for entry in log.stream(find_stream(log, "b"))] == [
        "DealOpened",
        "DealWon",
        "DealReopened",
    ]
    # By pieces on disk the same; a file that is not there takes nothing with it.
    before = facts(log)
    assert run_import(log, export, mapping, actor="clerk", in_memory=2).new_events == 0
    (export / "moves.jsonl").unlink()
    report = run_import(log, export, mapping, actor="clerk")
    assert (report.missing_files, report.new_events) == (["moves.jsonl"], 0)
    assert facts(log) == before


def test_a_bad_row_of_one_file_stops_all_and_names_its_file(log: Log, tmp_path: Path) -> None:
    export, mapping = laid(tmp_path, FILES)
    (export / "moves.jsonl").write_text(MOVES + '{"deal": {"id": "z"}, "to": "offer", "on": 1706832000000}\n')
    with pytest.raises(ImportRefused, match=r"moves.jsonl, line 4: nothing opens this journey"):
        run_import(log, export, mapping, actor="clerk")
    assert log.position() == 0


def test_a_mapping_of_several_files_takes_a_folder_and_one_of_one_a_file(log: Log, tmp_path: Path) -> None:
    export, mapping = laid(tmp_path, FILES)
    with pytest.raises(Rejected, match="name the folder they are in"):
        run_import(log, export / "moves.jsonl", mapping, actor="clerk")
    for file in export.glob("deals-*"):
        file.unlink()
    with pytest.raises(Rejected, match=r"has no file deals-\*.csv"):
        run_import(log, export, mapping, actor="clerk")
    with pytest.raises(Rejected, match="is a folder"):
        run_import(log, export, lay(tmp_path, LONG, ROWS)[1], actor="clerk")


def of_deals(**words: Any) -> dict[str, Any]:
    return {"files": {"deals": FILES["files"]["deals"] | words}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": "wide"}, "shape belong to a file"),
        ({"files": {}}, "give at least 1"),
        ({"files": ["a.csv"]}, "gives each file a name"),
        (of_deals(file=[]), "needs `file`"),
        ({"files": {"moves": FILES["files"]["moves"]}}, "no event opens a journey"),
        (of_deals(join={"x": "id"}), "not under `tables`"),
        ({"tables": {"x": {"file": "x.csv", "key": "a", "column": "id"}}}, "each says under `join`"),
        ({"tables": {"deal": {"file": "x.csv", "key": "a"}}}, "'deal.id' is of table 'deal'"),
        (of_deals(columns={"p": {"pick": "x"}}), "name the column to unfold"),
        (of_deals(columns={"p": {"first_of": ["q"]}, "q": {"first_of": ["p"]}}), "p, q are made of each other"),
        ({"definition": {"table": "stages", "stage": "a", "order": "b"}}, "not under `tables`"),
    ],
)  # fmt: skip
def test_a_mapping_of_files_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_mapping(FILES | change, "m.yaml")
    assert said in str(refused.value)
