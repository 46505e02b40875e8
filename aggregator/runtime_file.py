"""Where this user's embedded servers are written down, one file a namespace, so that other commands find them."""

import fcntl
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote


class EmbeddedError(Exception):
    """The embedded server cannot be had; the text says why, and what to do."""


class Registration:
    """This process's claim to be the one that embeds a server for a namespace.

    The lock on the file is the claim: it goes with the process, by whatever signal, and cannot be mistaken for that
    of another process that got the same pid. The file stays, empty; taking it away would let two processes lock two
    files of one name.
    """

    def __init__(self, namespace: str) -> None:
        """EmbeddedError, naming the process, where another one holds it."""
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours_alone(folder):
            raise EmbeddedError(f"{folder} belongs to somebody else, or others may write there: set XDG_RUNTIME_DIR")
        path = _path(folder, namespace)
        self._file = open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")  # noqa: SIM115  # closed by close()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            known = _parse(self._file.read())
            self._file.close()
            raise EmbeddedError(
                f"Process {known['pid'] if known else '(just starting)'} embeds a server for namespace {namespace!r} "
                "already: stop it, choose another --namespace, or share a server with --redis-url"
            ) from None
        self._write({"pid": os.getpid()})

    def announce(self, url: str) -> None:
        """From now on the server can be found."""
        self._write({"pid": os.getpid(), "url": url})

    def close(self) -> None:
        """Give the claim back; a second time does nothing."""
        if not self._file.closed:
            self._write(None)
            self._file.close()

    def _write(self, known: dict[str, Any] | None) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(known).encode() if known else b"")
        self._file.flush()


def find_embedded(namespace: str = "aggregator") -> str | None:
    """The URL of this user's running embedded server of that namespace, or None."""
    try:
        with open(os.open(_path(_folder(), namespace), os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            known = _parse(file.read())
    except OSError:
        return None
    return known["url"] if known and "url" in known and _alive(known["pid"]) else None


def _folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"aggregator-{os.getuid()}"


def _path(folder: Path, namespace: str) -> Path:
    return folder / f"{quote(namespace, safe='')}.json"


def _ours_alone(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _parse(text: bytes) -> dict[str, Any] | None:
    """None for an empty file, and for one that is just being written."""
    try:
        known = json.loads(text)
    except ValueError:
        return None
    return known if isinstance(known, dict) and isinstance(known.get("pid"), int) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
