"""The installed command, running as its user would run it: a process with two listeners, asked from outside."""

import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from tests.family import bury, descendants
from tests.mbu import Mbu, Says

__all__ = ["Got", "Mbu", "Running", "Says", "until"]

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = ENDS_WITHIN = 15.0


class Got(NamedTuple):
    """A response; header names in lower case, repeated ones joined by ", "."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


def until(true: Callable[[], Any], what: str, seconds: float = 10.0, every: float = 0.02) -> Any:
    """Other processes take a moment: poll until it is true, and give it; fail, saying `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, what
        time.sleep(every)
    return found


class Running:
    """`aggregator serve` on free ports, as a context manager.

    declaration: the text of screens.toml. redis_url: None embeds a server. namespace: one of its own unless given;
    several of these with one redis_url and one namespace are a fleet. env: added to the environment. flags: more; with
    a --refresh-budget among them, hot views are refreshed.
    """

    def __init__(
        self,
        declaration: str,
        redis_url: str | None = None,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        namespace: str | None = None,
    ) -> None:
        self.namespace = namespace or f"t{uuid.uuid4().hex[:12]}"
        self.url = self.admin_url = self.redis_url = ""
        self._folder = tempfile.TemporaryDirectory(prefix="aggregator-running-")
        self.folder = Path(self._folder.name)
        self.file = self.folder / "screens.toml"
        self.file.write_text(declaration)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
        self.env = {**kept, "XDG_RUNTIME_DIR": self._folder.name, "PYTHONUNBUFFERED": "1", **(env or {})}
        options = ["--port", "0", "--admin-port", "0", "--workers", str(workers), "--namespace", self.namespace]
        # What is counted and looked for in most tests is what readers cause, and not what comes before them.
        options += [] if "--refresh-budget" in flags else ["--refresh-budget", "0"]
        options += ["--drain-limit", "2s", *(["--redis-url", redis_url] if redis_url else []), *flags]
        self._command = [sys.executable, "-m", "aggregator", "serve", str(self.file), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Running":
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self._process = subprocess.Popen(
                self._command, stdout=out, stderr=err, env=self.env, cwd=ROOT, start_new_session=True
            )
        try:
            until(lambda: self._announced() or self.ended, "it did not start", STARTS_WITHIN)
            assert self._announced(), "it ended"
        except BaseException as error:
            words = self.stderr
            self.__exit__()
            raise AssertionError(f"{error}; it said:\n{words}") from None
        return self

    def __exit__(self, *_: object) -> None:
        family = self.descendants()
        try:
            if not self.ended:
                self.terminate()
        finally:
            self._bury(family)
            self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The parent process."""
        assert self._process
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Has the parent process ended?"""
        return self._process is None or self._process.poll() is not None

    @property
    def status(self) -> int | None:
        """The parent's exit status; None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def stderr(self) -> str:
        """What it logged so far."""
        return (self.folder / "err").read_text(errors="replace")

    def descendants(self) -> list[int]:
        """Its workers and its embedded server: they have sessions of their own."""
        return descendants(self.pid)

    def terminate(self, seconds: float = ENDS_WITHIN) -> int:
        """SIGTERM; its exit status. Fails if it does not end in time."""
        assert self._process
        os.kill(self.pid, signal.SIGTERM)
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to the parent process alone."""
        assert self._process
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait(ENDS_WITHIN)

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
        admin: bool = False,
        timeout: float = 15.0,
    ) -> Got:
        """One request to the public or the admin listener, on a connection of its own."""
        address = urlsplit(self.admin_url if admin else self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            named: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                named[key] = f"{named[key]}, {value}" if key in named else value
            return Got(response.status, named, response.read())
        finally:
            connection.close()

    def raw(self, *pieces: bytes, timeout: float = 5.0, admin: bool = False) -> bytes:
        """Whatever a listener says to these bytes until it closes: send `connection: close`, or nonsense.

        pieces: sent apart, each after a moment in which it has said nothing yet.
        """
        address = urlsplit(self.admin_url if admin else self.url)
        with socket.create_connection((address.hostname or "", address.port), timeout) as connection:
            for piece in pieces:
                connection.sendall(piece)
                if select.select([connection], [], [], 0.02 if len(pieces) > 1 else 0.0)[0]:
                    break
            said = bytearray()
            with suppress(ConnectionError):  # it closed with bytes of ours unread
                while chunk := connection.recv(65_536):
                    said += chunk
            return bytes(said)

    def _announced(self) -> bool:
        lines = (self.folder / "out").read_text().splitlines()
        admin = next((line for line in lines if line.startswith("admin: ") and "redis: " in line), None)
        if admin is None:
            return False
        shown = urlsplit(lines[0].split(": ", 1)[1])
        self.url = f"{shown.scheme}://{shown.netloc}"
        _, self.admin_url, _, self.redis_url = admin.split()
        return True

    def _bury(self, family: list[int]) -> None:
        """What is its own ends with it; what does not is killed here."""
        if not self.ended:
            self.kill()
        bury(family)
