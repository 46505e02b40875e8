"""The processes that a process began, whatever sessions they are in, and what they take."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}
    family = [pid]
    for one in family:  # grows while it is walked
        family += [child for child, parent in parents.items() if parent == one]
    return family[1:]


def living(family: list[int]) -> list[int]:
    """Those that have not ended; one that has, and waits to be buried by init, is not among them."""
    pids = ",".join(map(str, family))
    listed = subprocess.run(["ps", "-o", "pid=,stat=", "-p", pids], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid, state in map(str.split, listed.splitlines()) if not state.startswith("Z")]


def bury(family: list[int], seconds: float = 5.0) -> list[int]:
    """Wait until all have ended; kill, and return, those that have not."""
    deadline = time.monotonic() + seconds
    while family and (left := living(family)):
        if time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left
    return []


def stands_still(pid: int) -> bool:
    """Has SIGSTOP come to it? That is told some time after it was sent."""
    return "\nState:\tT" in Path(f"/proc/{pid}/status").read_text()


def anonymous(pid: int) -> int:
    """Bytes of memory of its own that a process has."""
    [kilobytes] = re.findall(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) * 1_024


def peers(pid: int) -> set[int]:
    """The other ends' ports of the connections over IPv4 that a process has."""
    folder = Path(f"/proc/{pid}")
    inodes = set()
    for link in (folder / "fd").iterdir():
        with suppress(FileNotFoundError):  # it has been closed meanwhile
            inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(link)))
    lines = [line.split() for line in (folder / "net" / "tcp").read_text().splitlines()[1:]]
    return {int(words[2].partition(":")[2], 16) for words in lines if words[9] in inodes}
