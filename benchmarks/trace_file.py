"""Traces of requests from files: text, one request a line, plain or compressed (.gz, .xz)."""

import gzip
import lzma
from itertools import islice
from pathlib import Path
from typing import TextIO

from tests.replay import Trace

FOLDER = Path(__file__).parent / "traces"
IDENTITIES = ("id", "obj_id", "lbn")
UNSIZED = 1024


def found() -> dict[str, Path]:
    """The trace files that are here, by name."""
    files = sorted(file for file in FOLDER.glob("*") if ".csv" in file.suffixes)
    return {file.name.partition(".")[0]: file for file in files}


def read(file: Path, requests: int) -> Trace:
    """The first requests of a file.

    A line is `id` or `id,size`, size in bytes; or the first line names the columns, as in libCacheSim's sample:
    one of IDENTITIES, and `size`. An identity keeps the first size it has; without sizes all have UNSIZED.
    """
    with _open(file) as lines:
        first = lines.readline().strip().split(",")
        named = not first[0].isdecimal()
        identity = next(first.index(name) for name in IDENTITIES if name in first) if named else 0
        size = (first.index("size") if "size" in first else None) if named else 1
        rows = (line.strip().split(",") for line in islice(lines, requests))
        return _numbered([first, *rows][named:], identity, size)


def _numbered(rows: list[list[str]], identity: int, size: int | None) -> Trace:
    numbers: dict[str, tuple[int, int]] = {}
    trace = []
    for row in rows:
        sized = int(row[size]) if size is not None and size < len(row) else UNSIZED
        trace.append(numbers.setdefault(row[identity], (len(numbers), sized)))
    return trace


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt")
    return lzma.open(file, "rt") if file.suffix == ".xz" else file.open()
