"""A real Cluster for tests: masters on loopback ports, each with a third of the slots, and slots that move."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from tests.running import until
from tests.servers import Behind, binary

MASTERS = 3
_NODE_TIMEOUT = 2_000  # ms after which a master that says nothing is taken for dead
_READY_WITHIN = 30.0


class Node:
    """One of its servers, which comes back as it was. client: looks behind, and may do anything."""

    def __init__(self, kind: str) -> None:
        self.port, self.bus = _free_ports(2)
        self._folder = tempfile.mkdtemp(prefix="aggregator-test-cluster-")
        own = {
            "port": self.port,
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-port": self.bus,
            "cluster-node-timeout": _NODE_TIMEOUT,
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": 0,
            "save": "",
            "dir": self._folder,
        }
        self._command = [binary(kind), *[str(word) for name, value in own.items() for word in (f"--{name}", value)]]
        self.client = Behind(port=self.port, socket_timeout=5)
        self.start()

    def start(self) -> None:
        """Run it, until it answers; what it held is lost, its part in the Cluster is not."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers, "a node did not start", _READY_WITHIN)
        self.id = self.client.execute_command("CLUSTER MYID").decode()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it for good."""
        self.client.close()
        self.kill()
        shutil.rmtree(self._folder)

    def info(self) -> str:
        """What it knows of the Cluster's state."""
        return str(self.client.execute_command("CLUSTER INFO"))

    def _answers(self) -> bool:
        assert self.process.poll() is None, "a node ended before it answered"
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


class Cluster:
    """nodes: its masters, and then, of the first one, its replica, if there is one."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.masters = nodes[:MASTERS]
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.masters)
        size = REDIS_CLUSTER_HASH_SLOTS // MASTERS + 1
        for number, node in enumerate(self.masters):
            first, last = number * size, min((number + 1) * size, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, nodes[0].bus)
        for replica in nodes[MASTERS:]:
            replica.client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, nodes[0].bus)
            until(lambda one=replica: nodes[0].id in _known(one), "the replica meets its master", _READY_WITHIN)
            replica.client.execute_command("CLUSTER", "REPLICATE", nodes[0].id)
        until(self._agreed, "the nodes agree", _READY_WITHIN)

    def owner(self, slot: int) -> Node:
        """The master that has a slot, as they say themselves."""
        said = self.masters[0].client.execute_command("CLUSTER SLOTS")
        port = next(master[1] for first, last, master, *_ in said if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def move(self, slot: int, step: int = 10, between: Callable[[], None] = lambda: None) -> None:
        """Give a slot to the next master, `step` keys at a time; `between` is called before each and at the end."""
        source = self.owner(slot)
        target = self.masters[(list(self.masters).index(source) + 1) % MASTERS]
        until(self._heard, "the nodes hear of the last move", _READY_WITHIN, every=0.001)
        target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        between()
        while keys := source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, step):
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
            between()
        for node in (target, source, *self.masters):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def keys(self) -> list[bytes]:
        """Of all masters."""
        return [key for node in self.masters for key in node.client.scan_iter()]

    def emptied(self) -> "Cluster":
        """The same one, which holds nothing now."""
        for node in self.masters:
            node.client.flushall()
        return self

    def _heard(self) -> bool:
        """Does each know the newest epoch? One that does not would claim a slot with an older one than its last
        owner's, whose next word to the others would take it back, and its keys with it."""
        infos = [node.client.execute_command("CLUSTER INFO") for node in self.masters]
        newest = max(int(info["cluster_my_epoch"]) for info in infos)
        return all(int(info["cluster_current_epoch"]) >= newest for info in infos)

    def _agreed(self) -> bool:
        infos = [node.client.execute_command("CLUSTER INFO") for node in self.nodes]
        return all(
            info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == len(self.nodes) for info in infos
        )


@contextmanager
def cluster(kind: str = "valkey", replicas: int = 0) -> Iterator[Cluster]:
    """Three masters, and as many replicas of the first."""
    with ExitStack() as stack:
        nodes = []
        for _ in range(MASTERS + replicas):
            nodes.append(Node(kind))
            stack.callback(nodes[-1].end)
        yield Cluster(nodes)


def _known(node: Node) -> Any:
    return [one["node_id"] for one in node.client.execute_command("CLUSTER NODES").values()]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]
