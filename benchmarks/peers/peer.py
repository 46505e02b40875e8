"""A peer: what else could answer the same screens with the same bytes."""

import importlib.util
import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from benchmarks.fleet import Site
from benchmarks.processes import Server

HERE = Path(__file__).parent


class Peer(NamedTuple):
    """why_missing: the command that installs it, where it is not here.

    marker: what the head of an answer holds, in lower case, if it came from where it should.
    revalidates: does it answer 304 to an If-None-Match of its own ETag?
    """

    name: str
    why_missing: Callable[[], str | None]
    start: Callable[[Site], AbstractContextManager[Server]]
    marker: bytes
    revalidates: bool = False


def lacks_programs(install: str, *programs: str) -> Callable[[], str | None]:
    """`install`, unless all programs are here."""
    # Servers are often in a folder that is not in the path of whoever runs a benchmark.
    return lambda: None if all(map(program, programs)) else install


def lacks_modules(*modules: str) -> Callable[[], str | None]:
    """How to install what is needed in Python, unless all modules are here."""
    return lambda: _install_modules(modules)


def _install_modules(modules: Iterable[str]) -> str | None:
    return None if all(map(importlib.util.find_spec, modules)) else ".venv/bin/pip install --editable '.[bench]'"


def program(name: str) -> str | None:
    """Where a program is, in the path or where servers are."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
