"""What the exit code of a command means."""

from typing import Final

OK: Final = 0
FOUND: Final = 1
"""a check found differences, or an import left out rows that are bad"""
USAGE: Final = 2
REFUSED: Final = 3
NOT_FOUND: Final = 4
CONFLICT: Final = 5
NO_DATABASE: Final = 6
NO_ADDRESS: Final = 7
BUG: Final = 70

MEANING: Final = """\
Exit codes:
0  done
1  a check found differences, or an import left out bad rows
2  the command line is wrong
3  refused by a rule; nothing was written
4  not found
5  somebody else was first; nothing was written
6  no database there, or its schema is missing or of another version
7  the service can't listen there: its port is taken, say
70 a bug, or not enough memory"""
