"""Cells of a CSV file that a spreadsheet would take for a formula.

A text that begins like one is preceded by an apostrophe, as OWASP's page on CSV injection advises: = + - @, tab,
carriage return, line feed, and the full-width forms that some spreadsheets read alike. A number stays a number, so
that what a negative amount means to a program does not change.
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

FORMULA: Final = r"^[=+\-@\t\r\n＝＋－＠]"
NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
ESCAPED: Final = FORMULA.replace("^", "^'", 1)


def harmless(text: str) -> str:
    """The text as a cell."""
    return f"'{text}" if re.match(FORMULA, text) and not re.match(NUMBER, text) else text


def harmless_cells(frame: "pl.DataFrame") -> "pl.DataFrame":
    """The frame with every column of texts as cells."""
    import polars as pl

    def cell(name: str) -> pl.Expr:
        text = pl.col(name)
        formula = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
        return pl.when(formula).then(pl.lit("'") + text).otherwise(text).alias(name)

    return frame.with_columns(cell(name) for name, dtype in frame.schema.items() if dtype == pl.String)


def as_written(column: str) -> "pl.Expr":
    """The texts of a column of cells."""
    import polars as pl

    cell = pl.col(column)
    return pl.when(cell.str.contains(ESCAPED)).then(cell.str.slice(1)).otherwise(cell).alias(column)
