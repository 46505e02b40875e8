"""Callgrind: how many instructions a process of ours carries out while something is done."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.peer import lacks_programs

why_missing = lacks_programs("apt-get install valgrind", "valgrind", "callgrind_control")
_SUM = re.compile(r"^summary: (\d+)", re.MULTILINE)
_OUT = "counts.%p"


def before(folder: Path) -> list[str]:
    """What stands before a command; nothing is counted until that is asked for."""
    # LuaJIT writes the code that it runs.
    options = ["-q", "--instr-atstart=no", "--trace-children=yes", "--smc-check=all-non-file"]
    return ["valgrind", "--tool=callgrind", *options, f"--callgrind-out-file={folder / _OUT}"]


class Callgrind:
    """That of a process that was started so. folder: as it was given to `before`."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid = pid
        self._folder = folder

    def tell(self, order: str) -> None:
        """An option of callgrind_control."""
        command = ["callgrind_control", order, str(self._pid)]
        # It waits for ever for a process that nginx or another forked from the one that valgrind began.
        subprocess.run(command, capture_output=True, check=True, timeout=60)

    def count_while(self, doing: Callable[[], object]) -> int:
        """Instructions in user space, of all its threads."""
        self.tell("--zero")
        doing()
        self.tell("--dump")
        newest = max(self._folder.glob(f"counts.{self._pid}.*"), key=lambda file: int(file.suffix[1:]))
        found = _SUM.search(newest.read_text())
        assert found, newest
        return int(found[1])

    def rate_while(self, doing: Callable[[], object]) -> float:
        """Instructions a second."""
        began = time.monotonic()
        return self.count_while(doing) / (time.monotonic() - began)
