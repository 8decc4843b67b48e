"""Runs a command of the command line in this process and keeps what it said."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refused(self, code: int, *words: str) -> None:
        """The exit code, and a message without a traceback that names each of these."""
        assert self.code == code, f"{self.code}: {self.out}{self.err}"
        assert "Traceback" not in self.err
        # A box around a usage error breaks lines anywhere.
        flat = "".join(self.err.replace("│", "").split())
        for word in words:
            assert "".join(word.split()) in flat, f"{word!r} is not in: {self.err}"


def run(*arguments: str | Path) -> Said:
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code
    assert code is None or isinstance(code, int)
    return Said(code or 0, out.getvalue(), err.getvalue())
