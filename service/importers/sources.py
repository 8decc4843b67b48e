"""Which files an import reads: one, or those of a folder that the mapping names."""

from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from engine.errors import Rejected
from service.importers.mapping import Mapping
from service.importers.report import ImportReport


def files_of(path: Path, mapping: Mapping, report: ImportReport) -> list[tuple[int, Path]]:
    """The files in the order to read them, each with the place of its part in the mapping."""
    if not mapping.several:
        if path.is_dir():
            raise Rejected(f"{path} is a folder: name the file to import, or list its files in the mapping as `files`")
        return [(0, path)]
    if not path.is_dir():
        wanted = ", ".join(pattern for part in mapping.parts for pattern in part.file)
        raise Rejected(f"the mapping reads several files ({wanted}): name the folder they are in, not {path}")
    names = sorted(each.name for each in path.iterdir() if each.is_file())
    found: list[tuple[int, Path]] = []
    for place, part in enumerate(mapping.parts):
        own = [name for name in names if any(fits(name, pattern) for pattern in part.file)]
        if not own and not part.optional:
            raise Rejected(f"{path} has no file {' or '.join(part.file)}: add it, or say `optional: true` of it")
        if not own:
            report.missing_files += part.file
        found += [(place, path / name) for name in own]
    if not found:
        raise Rejected(f"{path} has none of the files that the mapping names")
    told = {path.name for _, path in found} | {table.file for table in mapping.tables.values()}
    report.other_files = [name for name in names if name.removesuffix(".gz") not in told and name not in told]
    return found


def fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.gz")


def digest(files: list[Path]) -> str:
    """Of one file its own sha256 in hex, of several that of theirs."""
    each = [digest_of(file) for file in files]
    return each[0] if len(each) == 1 else sha256("".join(each).encode()).hexdigest()


def digest_of(file: Path) -> str:
    with file.open("rb") as data:
        total = sha256()
        while block := data.read(1 << 20):
            total.update(block)
    return total.hexdigest()
