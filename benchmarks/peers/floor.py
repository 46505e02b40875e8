"""The floor: what the system's own work costs, as nobody can answer with less."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.fleet import Site
from benchmarks.mbu import screen
from benchmarks.peers.c import compiled, why_missing
from benchmarks.peers.peer import Peer
from benchmarks.processes import Server, free_port, serving

# As long as the head of the service's own answer, but for what tells of slots.
_HEAD = (
    b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncache-control: private, no-cache\r\n"
    b'cache-status: floor;hit;ttl=1799;detail="L1"\r\nvary: accept\r\nage: 0\r\n'
    b'etag: "7e9ef60752482033a3fd57a6b08d7635"\r\n'
    b"content-type: application/json\r\nx-request-id: 23ed600a395adf6c\r\ncontent-length: %d\r\n\r\n"
)


@contextmanager
def start(site: Site, before: Sequence[str] = ()) -> Iterator[Server]:
    """It always answers with the screen of user 1."""
    port, answer, body = free_port(), site.folder / "floor.answer", screen(b"1")
    answer.write_bytes(_HEAD % len(body) + body)
    with serving([*before, compiled("floor", site.folder), port, answer], port) as server:
        yield server


PEER = Peer("C, a constant", why_missing, start, b"cache-status: floor;hit")
