"""Watching a file: whenever it is written anew, or another is put in its place, somebody is told."""

import asyncio
import os
from collections.abc import Callable

_EVERY = 1.0
State = tuple[int, int, int] | None


async def watched(path: str, changed: Callable[[], None]) -> None:
    """Call `changed` within a second of each change, until cancelled.

    It is looked at by its name, so that links that are turned to another file count, and every change on a file system
    that announces none. A file that is gone is waited for.
    """
    seen = _state(path)
    while True:
        await asyncio.sleep(_EVERY)
        now = _state(path)
        if now and now != seen:
            seen = now
            changed()


def _state(path: str) -> State:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
