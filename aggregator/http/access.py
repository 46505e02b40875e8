"""The access log: a line for a share of the requests, whichever path answers them."""

from collections.abc import Callable

import structlog

from aggregator.http.blocks import read_headers
from aggregator.http.clients import Clients
from aggregator.http.quick import AtOnce, Quick

_log = structlog.get_logger()


class AccessLog:
    """share: of the requests that get a line, 0 to 1. draw: uniform in [0, 1). Queries are left out, as they may hold
    what nobody should read in a log. clients: tells who asked."""

    def __init__(self, share: float, draw: Callable[[], float], clients: Clients) -> None:
        self._share = share
        self._draw = draw
        self._clients = clients

    def note(self, client: str, method: str, path: str, status: int, size: int, request_id: str) -> None:
        """A request was answered. client: its address. size: bytes of the body."""
        if self._draw() < self._share:
            _line(client, method, path, status, size, request_id)

    def note_raw(self, peer: str, request: bytes, answer: bytes) -> None:
        """The same, of what came in and what goes out: status line, date and request id are its first lines."""
        if self._draw() < self._share:
            method, target, _ = request.decode("latin-1").split(" ", 2)
            client = self._clients.of(peer, read_headers(request.split(b" ", 2)[2]) or {})
            head, _, body = answer.partition(b"\r\n\r\n")
            status, _, name, *_ = head.decode("latin-1").split("\r\n")
            _line(client, method, target, int(status.split(" ")[1]), len(body), name.partition(": ")[2])


def _line(client: str, method: str, target: str, status: int, size: int, request_id: str) -> None:
    path = target.partition("?")[0]
    _log.info("request", client=client, method=method, path=path, status=status, size=size, request_id=request_id)


class LoggedHits:
    """Hits on one connection that are logged."""

    def __init__(self, hits: AtOnce, log: AccessLog, peer: str) -> None:
        self._hits, self._log, self._peer = hits, log, peer
        self.at = hits.at

    def answer(self, data: bytes) -> bytes | None:
        """See `AtOnce`."""
        answer = self._hits.answer(data)
        self.at = self._hits.at
        if answer is not None:
            self._log.note_raw(self._peer, data, answer)
        return answer


class Logged:
    """What answers without ASGI, and is logged; where nothing is to be logged it is not there, and costs nothing."""

    def __init__(self, quick: Quick, log: AccessLog) -> None:
        self._quick, self._log = quick, log

    def hits_of(self, peer: str) -> AtOnce:
        """See `Quick`."""
        return LoggedHits(self._quick.hits_of(peer), self._log, peer)

    def begin(self, data: bytes, done: Callable[[bytes], None], peer: str) -> bool:
        """See `Quick`."""

        def noted(answer: bytes) -> None:
            self._log.note_raw(peer, data, answer)
            done(answer)

        return self._quick.begin(data, noted, peer)
