"""At SIGTERM everything that is under way has an answer, and who asks how it is hears so to the end."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import orjson
import pytest
import redis

from tests.fleet import KEY, declaration, fill, target
from tests.running import Mbu, Running, until
from tests.tcp_proxy import TcpProxy

HOME = target("part0", "42")
BODY = b'{"tags":["part0:42"]}'
POST = (
    f"POST /invalidations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY['PROOF_KEY']}\r\n"
    f"content-length: {len(BODY)}\r\n\r\n"
).encode()
PAGE = "https://a.example"
GET = f"GET /home/42 HTTP/1.1\r\nhost: x\r\norigin: {PAGE}\r\nx-request-id: mine\r\n\r\n".encode()
FIELDS = [
    *("access-control-allow-origin", "access-control-expose-headers", "cache-control", "connection", "content-length"),
    *("content-type", "date", "retry-after", "vary", "x-request-id"),
]


class Asking:
    """A request under way on a connection of its own. pieces: sent apart."""

    def __init__(self, url: str, *pieces: bytes) -> None:
        address = urlsplit(url)
        self._connection = socket.create_connection((address.hostname or "", address.port), 15.0)
        for piece in pieces:
            self.say(piece)
            time.sleep(0.05 if len(pieces) > 1 else 0)  # so that they are read apart

    def say(self, piece: bytes) -> None:
        """Send more of it."""
        self._connection.sendall(piece)

    def leave(self) -> None:
        """Close the connection."""
        self._connection.close()

    def answer(self) -> tuple[int, bytes]:
        """Its status, and its body, when the connection ends; 0 if it ends without an answer."""
        status, _, body = self.whole()
        return status, body

    def whole(self) -> tuple[int, dict[str, str], bytes]:
        """The same, and its fields between."""
        said = b""
        with self._connection, suppress(ConnectionError):
            while piece := self._connection.recv(65_536):
                said += piece
        head, _, body = said.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        return (int(start.split(" ")[1]) if start else 0), dict(line.split(": ", 1) for line in lines), body


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """MBUs that answer for 42."""
    with Mbu() as mbu:
        fill(mbu, "42")
        yield mbu


@contextmanager
def stopping(mbu: Mbu, redis_url: str, *flags: str, more: str = "") -> Iterator[Running]:
    """A service that is to end with 0, and has nothing to say about it. more: of its declaration."""
    with Running(declaration(mbu.url) + more, redis_url, env=KEY, flags=flags) as service:
        yield service
        assert service.terminate() == 0
        assert "Traceback" not in service.stderr


def told(service: Running) -> None:
    """SIGTERM, and return once it has been taken: nobody listens at the public address any more."""
    os.kill(service.pid, signal.SIGTERM)
    until(lambda: refuses(service.url), "it goes on taking connections")


def refuses(url: str) -> bool:
    """Is nobody listening there any more?"""
    address = urlsplit(url)
    with suppress(ConnectionError):
        socket.create_connection((address.hostname or "", address.port), 1.0).close()
        return False
    return True


def test_r39_however_often_it_is_told_it_leaves_with_0(mbu: Mbu, redis_url: str) -> None:
    """Also while its interpreter ends, when nobody handles signals any more."""

    def ended() -> bool:
        os.kill(service.pid, signal.SIGTERM)
        return service.ended

    with Running(declaration(mbu.url), redis_url, env=KEY) as service:
        until(ended, "it goes on", every=0.001)
        assert service.status == 0


def test_r39_the_admin_listener_answers_until_the_workers_have_ended(mbu: Mbu, redis_url: str) -> None:
    """It says that nobody should come any more, and takes invalidations: what is served still has to be right."""
    with stopping(mbu, redis_url) as service:
        mbu.hold(HOME)
        reading = Asking(service.url, GET)
        until(lambda: mbu.calls[HOME], "it asked nobody")
        told(service)
        until(lambda: service.get("/readyz", admin=True).status == 503, "it is said to be ready")
        assert service.get("/healthz", admin=True).status == 200
        key = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}
        assert service.get("/invalidations", key, "POST", BODY, admin=True).status == 202
        mbu.release(HOME)
        assert reading.answer()[0] == 200


def test_r39_an_invalidation_under_way_is_taken(mbu: Mbu, redis_url: str) -> None:
    """Half of it came before the signal, and the rest after all workers had ended."""
    with stopping(mbu, redis_url) as service:
        publishing = Asking(service.admin_url, POST + BODY[:5])
        told(service)
        until(lambda: refuses(service.admin_url), "it goes on taking connections")
        publishing.say(BODY[5:])
        status, body = publishing.answer()
        assert status == 202
        assert orjson.loads(body)["position"]


def published(mbu: Mbu, redis_url: str, heard: bool) -> tuple[int, bytes]:
    """The answer to an invalidation that is in the log when the signal comes, while the log's server has yet to say
    so. heard: it says so then."""
    with TcpProxy(redis_url) as proxy, stopping(mbu, redis_url, "--log-url", proxy.url) as service:
        with redis.Redis.from_url(redis_url) as behind:
            length = behind.xlen(log := f"{service.namespace}:invalidations")
            proxy.drop(b"XADD", requests=False)
            publishing = Asking(service.admin_url, POST + BODY)
            until(lambda: behind.xlen(log) > length, "nothing was appended", every=0.002)
        os.kill(service.pid, signal.SIGTERM)
        if heard:
            until(lambda: refuses(service.admin_url), "it goes on taking connections", every=0.002)
            proxy.heal()
        return publishing.answer()


def test_r39_an_append_under_way_is_acknowledged(mbu: Mbu, redis_url: str) -> None:
    """It has a second, which is why this is tried again on a machine that stood still so long."""
    assert any(published(mbu, redis_url, heard=True)[0] == 202 for _ in range(3))


def test_r39_an_append_that_nothing_is_heard_of_is_said_to_be_unknown(mbu: Mbu, redis_url: str) -> None:
    """Not to be refused: it may be in the log."""
    status, body = published(mbu, redis_url, heard=False)
    assert status == 503
    assert b"twice does no harm" in body


@pytest.mark.parametrize("pieces", [[GET], [GET[:5], GET[5:]]], ids=["direct", "parsed"])
def test_r39_a_screen_that_is_not_there_in_time_is_told_so(pieces: list[bytes], mbu: Mbu, redis_url: str) -> None:
    """Whichever way it came, with all that an answer has, and that asking again does no harm; its MBU hangs."""
    shared = f'[cors]\norigins = ["{PAGE}"]\n'
    with stopping(mbu, redis_url, more=shared) as service:
        mbu.hold(HOME)
        asking = Asking(service.url, *pieces)
        until(lambda: mbu.calls[HOME], "it asked nobody")
        told(service)
        status, fields, body = asking.whole()
        assert (status, orjson.loads(body)["status"]) == (503, 503)
        assert b"Nothing is lost" in body
        assert sorted(fields) == FIELDS
        assert (fields["x-request-id"], fields["access-control-allow-origin"]) == ("mine", PAGE)
        mbu.release(HOME)


def test_r39_an_invalidation_that_is_not_done_in_time_is_told_so(mbu: Mbu, redis_url: str) -> None:
    """Its body does not come."""
    with stopping(mbu, redis_url) as service:
        asking = Asking(service.admin_url, POST + BODY[:5])
        told(service)
        status, body = asking.answer()
        assert (status, orjson.loads(body)["status"]) == (503, 503)
        assert b"may be done or not" in body


def test_a_publisher_that_leaves_leaves_no_traceback(mbu: Mbu, redis_url: str) -> None:
    """Half of its invalidation has come."""
    with stopping(mbu, redis_url) as service:
        leaving = Asking(service.admin_url, POST, BODY[:5])
        leaving.leave()
        assert service.get("/healthz", admin=True).status == 200
