"""A master, its replica and the sentinels that watch over them, on ports of loopback."""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from tests.running import until
from tests.servers import LIMITED, Valkey, binary

SERVICE = "main"
_CONF = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {service} 127.0.0.1 {master} {quorum}
sentinel down-after-milliseconds {service} 500
sentinel failover-timeout {service} 3000
"""
# Where services are limited, those who copy and watch are not.
_BEHIND = f"sentinel auth-user {SERVICE} behind\nsentinel auth-pass {SERVICE} any\n" if LIMITED else ""


class Sentinel:
    """One process; a context manager. more: lines of its configuration."""

    def __init__(self, master: int, quorum: int = 2, more: str = "", kind: str = "valkey") -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="aggregator-sentinel-"))
        conf = self._folder / "sentinel.conf"
        named = {"service": SERVICE, "folder": self._folder, "quorum": quorum}
        conf.write_text(_CONF.format(port=self.port, master=master, **named) + _BEHIND + more)
        self._command = [binary(kind), str(conf), "--sentinel"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Sentinel":
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._listens, "the sentinel did not start")
        return self

    def _listens(self) -> bool:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def freeze(self) -> None:
        """Let it hang."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)


class Watched:
    """ports: of the servers, the first master first. url: by which a client finds whichever is the master."""

    def __init__(self, servers: list[Valkey], ports: list[int], sentinels: list[Sentinel]) -> None:
        self.servers = servers
        self.ports = ports
        self.sentinels = sentinels
        self.url = url_of([sentinel.port for sentinel in sentinels])

    def fail_over(self) -> None:
        """Kill the first master, and return once every sentinel that answers names the other."""
        self.servers[0].kill()
        self._until_promoted()

    def give_over(self) -> None:
        """The same while the first master lives, which is demoted."""
        with redis.Redis(port=self.sentinels[0].port) as client:
            client.sentinel_failover(SERVICE)
        self._until_promoted()

    def _until_promoted(self) -> None:
        until(lambda: set(map(self._named, self.sentinels)) <= {None, self.ports[1]}, "nobody was promoted", 30.0)

    def _named(self, sentinel: Sentinel) -> int | None:
        with suppress(redis.RedisError), redis.Redis(port=sentinel.port, socket_timeout=0.5) as client:
            return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        return None


def url_of(ports: list[int], service: str = SERVICE, login: str = "", query: str = "") -> str:
    """Of sentinels at these ports."""
    return f"redis+sentinel://{login}{','.join(f'127.0.0.1:{port}' for port in ports)}/{service}{query}"


@contextmanager
def watched(kind: str = "valkey", more: str = "") -> Iterator[Watched]:
    """All of them, once each sentinel knows the others and the replica. more: lines of each sentinel's
    configuration."""
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        own = ("--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0")
        own += ("--masteruser", "behind", "--masterauth", "any") if LIMITED else ()
        master = stack.enter_context(Valkey("--port", str(ports[0]), *own, kind=kind))
        following = ("--replicaof", f"127.0.0.1 {ports[0]}")
        replica = stack.enter_context(Valkey("--port", str(ports[1]), *own, *following, kind=kind))
        sentinels = [stack.enter_context(Sentinel(ports[0], more=more, kind=kind)) for _ in range(3)]
        for sentinel in sentinels:
            until(lambda port=sentinel.port: _knows_all(port), "the sentinels did not find each other", 30.0, 0.1)
        yield Watched([master, replica], ports, sentinels)


def _knows_all(port: int) -> bool:
    with suppress(redis.RedisError), redis.Redis(port=port) as client:
        state: Any = client.sentinel_master(SERVICE)
        return bool(state["num-other-sentinels"] == 2 and state["num-slaves"] == 1)
    return False


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
