"""Files that can't be read are refused with the place and the reason, before anything is written."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from engine.errors import Rejected
from service.importers.csv_rows import LINE, read_csv
from service.importers.xes_rows import read_xes

TRACE = '<trace><string key="concept:name" value="1"/><event><string key="a" value="x"/></event></trace>'
XES = '<?xml version="1.0"?><log xmlns="http://www.xes-standard.org/">{}</log>'


def csv(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def rows(path: Path, columns: list[str] | None = None, **options: object) -> pl.DataFrame:
    return pl.concat(read_csv(path, columns, **options))  # type: ignore[arg-type]  # options of several types


def test_every_cell_stays_the_text_it_is(tmp_path: Path) -> None:
    found = rows(csv(tmp_path, b'id,n\n007,1e5\n"a,\nb",NaN\n,true\n'))
    assert found.to_dict(as_series=False) == {
        LINE: [2, 3, 5], "id": ["007", "a,\nb", None], "n": ["1e5", "NaN", "true"]
    }  # fmt: skip


def test_lines_stay_right_after_blank_ones_and_cells_of_several_lines(tmp_path: Path) -> None:
    found = rows(csv(tmp_path, b'a\n1\n\n"x\ny\nz"\n2\n'))
    assert found[LINE].to_list() == [2, 4, 7]


def test_many_batches_give_every_row_once(tmp_path: Path) -> None:
    body = "".join(f"{n}\n" for n in range(2500)).encode()
    found = rows(csv(tmp_path, b"a\n" + body))
    assert found["a"].to_list() == [str(n) for n in range(2500)]
    assert found[LINE].to_list() == list(range(2, 2502))


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    assert rows(csv(tmp_path, gzip.compress(b"a\n1\n"), "a.csv")).height == 1


def test_words_for_empty_cells_are_empty(tmp_path: Path) -> None:
    assert rows(csv(tmp_path, b"a\nNULL\nx\n"), empty=("NULL",))["a"].to_list() == [None, "x"]


def test_another_encoding_is_read_when_it_is_stated(tmp_path: Path) -> None:
    path = csv(tmp_path, "a\ncafé\n".encode("cp1252"))
    assert rows(path, encoding="cp1252")["a"].to_list() == ["café"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert rows(csv(tmp_path, b"\xef\xbb\xbfa\n1\n")).columns == [LINE, "a"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b\n", "a header and no rows"),
        (b"\n1,2\n", "no column 'a'"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3: 3 cells where the header has 2"),
        (b'a,b\n1,2\n"3,4\n', "unexpected end of data"),
        (b'a,b\n1,2\n"3"x,4\n', "line 3: "),
        (b"a,c\n1,2\n", "no column 'b': it has a, c"),
        (b"a,b,a\n1,2,3\n", "two columns 'a'"),
        ("a,b\n1,2\ncafé,4\n".encode("latin-1"), "line 3: not utf-8"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "line 2: field larger than field limit"),
    ],
)
def test_a_malformed_csv_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(Rejected, match=told):
        rows(csv(tmp_path, content), ["a", "b"])


def test_wrong_bytes_far_into_the_file_are_found(tmp_path: Path) -> None:
    content = b"a\n" + b"good\n" * 50_000 + b"caf\xe9\n" + b"good\n" * 50_000
    with pytest.raises(Rejected, match="line 50002: not utf-8"):
        rows(csv(tmp_path, content))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no such file"):
        rows(tmp_path / "none.csv")
    with pytest.raises(Rejected, match="is a folder"):
        rows(tmp_path)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"a\n" + bytes(range(48, 58)) * 5000 + b"\n", compresslevel=0)
    with pytest.raises(Rejected, match="truncated"):
        rows(csv(tmp_path, packed[: len(packed) // 2], "a.csv.gz"))


def test_a_broken_gzip_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"a\n" + b"1\n" * 1000))
    packed[-5] ^= 0xFF
    with pytest.raises(Rejected, match="no sound gzip"):
        rows(csv(tmp_path, bytes(packed), "a.csv.gz"))


def test_what_is_only_called_gzip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"named \.gz"):
        rows(csv(tmp_path, b"a\n1\n", "a.csv.gz"))


def test_more_bytes_than_allowed_after_unpacking_are_refused(tmp_path: Path) -> None:
    bomb = csv(tmp_path, gzip.compress(b"a\n" + b"1\n" * 1_000_000), "a.csv.gz")
    with pytest.raises(Rejected, match="more than 100000 bytes after unpacking"):
        rows(bomb, limit=100_000)
    xes = csv(tmp_path, gzip.compress(XES.format(TRACE * 10_000).encode()), "a.xes.gz")
    with pytest.raises(Rejected, match="more than 100000 bytes after unpacking"):
        list(read_xes(xes, ["a"], limit=100_000))


def test_the_attributes_of_a_trace_stand_with_each_of_its_events(tmp_path: Path) -> None:
    two = TRACE.replace("</event>", '</event><event><string key="a" value="y"/></event>')
    found = pl.concat(read_xes(csv(tmp_path, XES.format(two).encode(), "a.xes"), ["case:concept:name", "a"]))
    assert found.rows() == [(1, "1", "x"), (2, "1", "y")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (XES.format(""), "has no events"),
        (XES.format(TRACE)[:-20], "broken XML"),
        (XES.format(TRACE.replace('"a"', '"b"')), "no attribute 'a': it has b, case:concept:name"),
        (XES.format(TRACE).replace("<log", "<!DOCTYPE log><log", 1), "declares a document type"),
        (
            XES.format(TRACE.replace('"x"', '"&b;"')).replace(
                "<log", '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><log', 1
            ),
            "document type",
        ),
        (
            XES.format(TRACE).replace("<log", '<!DOCTYPE log [<!ENTITY f SYSTEM "file:///etc/hostname">]><log', 1),
            "document type",
        ),
    ],
)
def test_a_malformed_xes_is_refused(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(Rejected, match=told):
        list(read_xes(csv(tmp_path, content.encode(), "a.xes"), ["a"]))


def test_a_xes_file_that_is_no_xml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="broken XML"):
        list(read_xes(csv(tmp_path, b"hello", "a.xes"), ["a"]))
