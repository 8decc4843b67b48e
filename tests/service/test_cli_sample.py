"""dealtrail sample: a new database each time, and never another's."""

from pathlib import Path

from service.cli import exits
from tests.service.commandline import run


def test_the_sample_shows_board_funnel_times_and_one_deal_and_says_what_to_try(tmp_path: Path) -> None:
    said = run("sample", "--to", tmp_path / "sample.db")
    assert said.code == exits.OK, said.err
    for words in ("stalled", "The funnel", "█", "From the opening to the close", "One deal", "Try next"):
        assert words in said.out


def test_an_earlier_sample_is_replaced(own_sample: Path) -> None:
    before = run("history", "C-001", "--db", own_sample, "--json").answer["events"][0]["recorded_at"]
    assert run("sample", "--to", own_sample).code == exits.OK
    after = run("history", "C-001", "--db", own_sample, "--json").answer["events"][0]["recorded_at"]
    assert after > before


def test_a_database_with_anything_else_in_it_is_left_alone(own_sample: Path, tmp_path: Path) -> None:
    stages = tmp_path / "stages.yaml"
    stages.write_text("pipeline: mine\nstages: [{key: asked, kind: open}]\n")
    assert run("pipeline", "publish", stages, "--db", own_sample).code == exits.OK
    kept = own_sample.read_bytes()
    run("sample", "--to", own_sample).refused(exits.REFUSED, "holds more than the sample")
    assert own_sample.read_bytes() == kept


def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear customer")
    said = run("sample", "--to", letter)
    assert said.code in (exits.REFUSED, exits.NO_DATABASE)
    assert letter.read_text() == "Dear customer"


def test_the_same_day_gives_the_same_history(tmp_path: Path, sample_log: Path) -> None:
    run("sample", "--to", tmp_path / "again.db")

    def told(path: Path) -> list[tuple[str, str]]:
        events = run("history", "C-004", "--db", path, "--json").answer["events"]
        return [(event["type"], str(event["stage_after"])) for event in events]

    assert told(tmp_path / "again.db") == told(sample_log)
