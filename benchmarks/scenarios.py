"""The scenarios: what is asked of which server, and what its answers have to be for the figure to mean what it says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks.ask import ask
from benchmarks.fleet import Site, service
from benchmarks.mbu import screen
from benchmarks.peers import FLOOR, LUA, PEERS, Peer
from benchmarks.processes import Server
from benchmarks.requests import fill, phones, revalidating, strangers, users, viewers

LENGTH = len(screen(b"1"))  # of every user's


class Scenario(NamedTuple):
    """requests: for a turn. marker: in each answer's head, in lower case. length: of the body; None if it is coded."""

    name: str
    server: Server
    requests: Callable[[int], Sequence[bytes]]
    marker: bytes
    status: int = 200
    length: int | None = LENGTH

    def check(self, request: bytes) -> None:
        """AssertionError where the answer is not what is measured."""
        got = ask(self.server.port, request)
        assert got.status == self.status, (self.name, got)
        assert self.marker in got.head, (self.name, got.head)
        assert self.length is None or len(got.body) == self.length, (self.name, got)


def missing() -> dict[str, str]:
    """Peers that are not here, by name: how they are installed."""
    return {peer.name: command for peer in PEERS if (command := peer.why_missing())}


def scenarios(stack: ExitStack, site: Site) -> Iterator[Scenario]:
    """Start and fill all that is here; it ends with the stack."""
    absent = missing()
    for peer in PEERS:
        if peer.name not in absent:
            yield from _of_peer(peer, stack.enter_context(peer.start(site)))
    ours = stack.enter_context(service(site))
    yield from _of_service(ours, stack.enter_context(service(site, "--l1-bytes", "1KiB")))


def _of_peer(peer: Peer, server: Server) -> Iterator[Scenario]:
    yield _filled(Scenario(peer.name, server, _always(users()), peer.marker))
    if peer is LUA:
        yield _filled(Scenario(f"{peer.name}, 10,000 header blocks", server, _always(phones()), peer.marker))
    if peer.revalidates:
        known = _always(revalidating(server))
        yield _filled(Scenario(f"{peer.name}, 304", server, known, b"304 not modified", 304, 0))


def _of_service(ours: Server, no_l1: Server) -> Iterator[Scenario]:
    l1 = b'detail="l1"'
    yield _filled(Scenario("this, L1", ours, _always(users()), l1))
    yield _filled(Scenario("this, L1, 10,000 header blocks", ours, _always(phones()), l1))
    yield _filled(Scenario("this, L1, 304", ours, _always(revalidating(ours)), b"304 not modified", 304, 0))
    yield _filled(Scenario("this, L1, private, token of each viewer", ours, _always(viewers()), l1))
    for coding in ("gzip", "br"):
        asked = _always(users(f"accept-encoding: {coding}"))
        yield _filled(
            Scenario(f"this, L1, {coding}", ours, asked, b"content-encoding: " + coding.encode(), length=None)
        )
    yield _filled(Scenario("this, L2", no_l1, _always(users()), b'detail="l2"'))
    yield Scenario("this, cold: 8 calls", ours, strangers, b'detail="mbu')


def _always(requests: Sequence[bytes]) -> Callable[[int], Sequence[bytes]]:
    return lambda turn: requests


def _filled(scenario: Scenario) -> Scenario:
    """With all that it asks for held where it should come from, and its bytes looked at."""
    requests = scenario.requests(0)
    fill(scenario.server, requests, scenario.marker)
    if scenario.length:
        first = ask(scenario.server.port, requests[0]).body
        assert first == screen(b"1"), (scenario.name, first)
    return scenario


def yardsticks() -> tuple[str, str]:
    """What ratios are to: the name of the floor, and that of an L1 written by hand."""
    return FLOOR.name, LUA.name
