"""The TCP proxy does to a connection what it says, to the connections that are meant, and to no other."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
import redis

from tests.certificates import certificate
from tests.running import until
from tests.tcp_proxy import TcpProxy

SILENT = 0.1


class Echo(StreamRequestHandler):
    """Says what it is told."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            self.wfile.write(line)


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """To somebody who echoes."""
    with ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with TcpProxy(f"tcp://127.0.0.1:{server.server_address[1]}") as proxy:
            yield proxy
        server.shutdown()


def opened(proxy: TcpProxy, hello: bytes = b"hello\n") -> socket.socket:
    """A connection on which something was said and answered."""
    one = socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), 5)
    assert said(one, hello) == hello
    return one


def said(one: socket.socket, line: bytes) -> bytes:
    """What comes back; nothing if the connection is over."""
    try:
        one.sendall(line)
        return one.recv(100)
    except ConnectionError:
        return b""


def silent(one: socket.socket) -> bool:
    """Is nothing heard for a while, on a connection that stays?"""
    one.settimeout(SILENT)
    try:
        one.recv(100)
    except TimeoutError:
        return True
    finally:
        one.settimeout(5)
    return False


def test_a_cut_ends_those_that_said_something(proxy: TcpProxy) -> None:
    """The others go on, and new ones pass."""
    with opened(proxy, b"log\n") as log, opened(proxy, b"cache\n") as cache:
        proxy.cut(b"log")
        assert said(log, b"1\n") == b""
        assert said(cache, b"1\n") == b"1\n"
        until(lambda: proxy.connections == 1, "it counts what is over")
        opened(proxy, b"log\n").close()


def test_what_is_dropped_comes_late(proxy: TcpProxy) -> None:
    """The connection stays, as with TCP, which sends again."""
    with opened(proxy) as one, opened(proxy, b"other\n") as other:
        proxy.drop(b"hello")
        one.sendall(b"1\n")
        assert silent(one)
        assert said(other, b"1\n") == b"1\n"
        proxy.heal()
        assert one.recv(100) == b"1\n"


def test_replies_alone_can_be_dropped(proxy: TcpProxy) -> None:
    """What was asked for is done, and nobody is told."""
    with opened(proxy) as one:
        proxy.drop(requests=False)
        one.sendall(b"1\n")
        assert silent(one)
        proxy.cut()
        assert said(one, b"1\n") == b""


def test_a_half_open_connection_hears_nothing(proxy: TcpProxy) -> None:
    """Until it is over for the client, too; what it said meanwhile is lost."""
    with opened(proxy) as one:
        proxy.half_open()
        one.sendall(b"1\n")
        assert silent(one)
        proxy.heal()
        assert said(one, b"2\n") == b""
        opened(proxy).close()


def test_refused_are_those_there_are_and_those_to_come(proxy: TcpProxy) -> None:
    """Until it heals."""
    with opened(proxy) as one:
        proxy.refuse()
        assert said(one, b"1\n") == b""
        with pytest.raises(AssertionError):
            opened(proxy)
        proxy.heal()
        opened(proxy).close()


def test_what_is_delayed_is_held_for_so_long(proxy: TcpProxy) -> None:
    """Each way."""
    with opened(proxy) as one:
        proxy.delay(SILENT)
        one.sendall(b"1\n")
        assert silent(one)
        assert one.recv(100) == b"1\n"


def test_tls_is_ended(tmp_path: Path, redis_url: str) -> None:
    """In front of a server that has none, on a unix socket."""
    cert, key = certificate(tmp_path, "proxy")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with TcpProxy(redis_url, tls) as proxy:
        assert proxy.url.startswith("rediss://127.0.0.1:")
        with redis.Redis.from_url(f"{proxy.url}?ssl_ca_certs={cert}") as client:
            assert client.ping()
