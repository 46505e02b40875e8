"""A master and its replica, on ports of loopback: a replica finds its master by host and port only."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from tests.running import until
from tests.servers import Valkey


@contextmanager
def replicated() -> Iterator[tuple[Valkey, Valkey]]:
    """Both, once the replica has all that its master has."""
    port = _free_port()
    with (
        Valkey("--port", port, "--repl-diskless-sync-delay", "0") as master,
        Valkey("--replicaof", f"127.0.0.1 {port}") as replica,
        redis.Redis.from_url(replica.url) as client,
    ):
        until(lambda: _info(client)["master_link_status"] == "up", "the replica did not follow its master")
        yield master, replica


def _info(client: redis.Redis) -> Any:
    return client.info("replication")


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])
