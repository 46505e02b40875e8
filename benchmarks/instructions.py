"""Instructions a request in user space, counted by valgrind: the same on any machine, however busy it is."""

import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import cycle, islice
from pathlib import Path

from benchmarks.ask import read_answer
from benchmarks.callgrind import Callgrind, before, why_missing
from benchmarks.figures import Figure
from benchmarks.fleet import Site, service, site
from benchmarks.peers import bare, floor, nginx
from benchmarks.processes import LOAD_CORE, Server, pinned
from benchmarks.requests import fill, phones, revalidating, users, viewers

ASKED, IDLE_FOR = 300, 2.0
_USERS = 50


def measure() -> tuple[list[Figure], list[str]]:
    """Of those servers that valgrind can run; what they do while nothing is asked is taken off."""
    if command := why_missing():
        return [], [f"instructions: not measured, for want of valgrind: {command}"]
    folder = tempfile.TemporaryDirectory(prefix="aggregator-bench-")
    with pinned(LOAD_CORE), folder as name, site(Path(name)) as place:
        counts = dict(_counts(place))
    by_hand = counts.get(nginx.LUA.name)
    return [_figure(name, count, by_hand) for name, count in counts.items()], []


def _counts(place: Site) -> Iterator[tuple[str, float]]:
    under = before(place.folder)
    for peer, start in ((floor.PEER, floor.start), (nginx.LUA, nginx.lua), (bare.PEER, bare.constant)):
        if not peer.why_missing():
            yield from _of(place.folder, start(place, under), {peer.name: lambda server: users()[:_USERS]})
    yield from _of(
        place.folder,
        service(place, before=under),
        {
            "this, L1": lambda server: users()[:_USERS],
            "this, L1, the same user each time": lambda server: users()[:1],
            "this, L1, other headers each time": lambda server: _phones(),
            "this, L1, 304": lambda server: revalidating(server)[:_USERS],
            "this, L1, private, token of each viewer": lambda server: viewers()[:_USERS],
        },
    )


def _of(
    folder: Path, starting: AbstractContextManager[Server], asked: dict[str, Callable[[Server], Sequence[bytes]]]
) -> Iterator[tuple[str, float]]:
    with starting as server:
        for name, requests in asked.items():
            yield name, _a_request(folder, server, requests(server))


def _phones() -> list[bytes]:
    """More of them than are asked for, of few users."""
    return [request for request in phones() if int(request.split(b" ", 2)[1].rpartition(b"/")[2]) <= _USERS]


def _a_request(folder: Path, server: Server, requests: Sequence[bytes]) -> float:
    """Those of the process that answers."""
    fill(server, requests[:_USERS])
    callgrind = Callgrind(server.pids[-1], folder)
    callgrind.tell("--instr=on")
    _ask(server.port, requests, _USERS)  # translates the code that runs from now on
    idle = callgrind.rate_while(lambda: time.sleep(IDLE_FOR))
    began = time.monotonic()
    asked = callgrind.count_while(lambda: _ask(server.port, requests, ASKED))
    took = time.monotonic() - began
    callgrind.tell("--instr=off")
    return (asked - idle * took) / ASKED


def _ask(port: int, requests: Sequence[bytes], count: int) -> None:
    """One at a time, on one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, connection.makefile("rb") as answers:
        for request in islice(cycle(requests), count):
            connection.sendall(request)
            got = read_answer(answers)
            assert got.status in (200, 304), got


def _figure(name: str, count: float, by_hand: float | None) -> Figure:
    values = {"instructions": count}
    return Figure("instructions", name, values | ({"× nginx + Lua": count / by_hand} if by_hand else {}))
