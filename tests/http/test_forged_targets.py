"""Whatever a client puts into an input: its MBU is asked, at a path of the template, and nobody else is."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import unquote

import pytest

from tests.http.raw_answers import CLOSE
from tests.running import Mbu, Running
from tests.samples.hostile import as_segment, payloads
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU/base"
[fragments.path]
mbu = "m"
path = "/path/{id}/end"
[fragments.query]
mbu = "m"
path = "/query/{query.q}/end?q={query.q}&fixed=1"
[fragments.header]
mbu = "m"
path = "/header/{header.x-h}/end"
headers = { x-of = "{header.x-h}" }
[fragments.cookie]
mbu = "m"
path = "/cookie/{cookie.c}/end"
[fragments.then]
mbu = "m"
path = "/then/{next}/end"
[screens.path]
path = "/path/{id}"
slots = { one = "path" }
[screens.query]
path = "/query"
query = { q = { default = "" } }
slots = { one = "query" }
[screens.header]
path = "/header"
headers = ["x-h"]
slots = { one = "header" }
[screens.cookie]
path = "/cookie"
cookies = ["c"]
slots = { one = "cookie" }
[screens.told]
path = "/told/{id}"
slots = { first = "path", then = { fragment = "then", with = { next = "first.next" } } }
"""
# A value has no sign that ends a segment, a query's value or a target.
_PLACE = r"[^/?#&\s\\]+"
AS_DECLARED = re.compile(
    rf"/base/(?:(?:path|header|cookie|then)/{_PLACE}/end|query/({_PLACE})/end\?q=({_PLACE})&fixed=1)"
)


def strays(mbu: Mbu) -> list[str]:
    """The targets that are not as declared, or become so where what is encoded is decoded first."""
    targets = [seen.target for seen in mbu.seen]
    return [target for target in targets if not AS_DECLARED.fullmatch(target) or _climbs(target)]


def _climbs(target: str) -> bool:
    path = unquote(target.partition("?")[0])
    return any(segment in (".", "..") for segment in re.split(r"[/\\]", path))


class Sink:
    """A listener that counts who comes."""

    def __init__(self) -> None:
        self.hits = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.at = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._listening.close()

    def _count(self) -> None:
        while self._listening.fileno() >= 0:
            try:
                self._listening.accept()[0].close()
            except OSError:
                return
            self.hits += 1


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as one:
        yield one


@pytest.fixture
def sink() -> Iterator[Sink]:
    """One that nothing may come to."""
    with closing(Sink()) as one:
        yield one


def requests(text: str) -> dict[str, bytes]:
    """The requests that bring a text, by the input that it is put into: encoded, and as it is."""
    encoded, plain = as_segment(text).encode(), text.encode()
    get = b"GET %b HTTP/1.1\r\n%b" + CLOSE + b"\r\n"
    return {
        "path": get % (b"/path/" + encoded, b""),
        "path as it is": get % (b"/path/" + plain, b""),
        "query": get % (b"/query?q=" + encoded, b""),
        "query as it is": get % (b"/query?q=" + plain, b""),
        "header": get % (b"/header", b"x-h: %b\r\n" % plain),
        "cookie": get % (b"/cookie", b"cookie: c=%b\r\n" % plain),
        "target": get % (plain, b""),
        "host": b"GET /path/1 HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % plain,
    }


@pytest.mark.prove
def test_s13_no_input_leaves_its_place_whatever_it_holds(running: Running, mbu: Mbu, sink: Sink) -> None:
    """Path, query, header, cookie, target and host: each is answered or refused, and none with a 5xx."""
    texts = payloads(sink.at)[:: scale(2, 1)]
    assert len(set(texts)) >= 200
    mbu.forget()
    for text in texts:
        for place, request in requests(text).items():
            said = running.raw(request)
            assert said.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), (place, text, said[:80])
    assert len(mbu.seen) > 2 * len(texts)
    assert strays(mbu) == []
    assert {seen.headers["host"] for seen in mbu.seen} == {mbu.url.removeprefix("http://")}
    assert sink.hits == 0
    print(f"{len(set(texts))} texts, {len(mbu.seen)} loads, all under their templates")


def test_s13_what_an_mbu_says_leaves_its_place_no_more(running: Running, mbu: Mbu, sink: Sink, id: str) -> None:
    """An input that comes out of another one's payload; and a redirection is not followed."""
    mbu.forget()
    for number, text in enumerate(payloads(sink.at)):
        mbu.put(f"/base/path/{id}-{number}/end", {"next": text})
        assert running.get(f"/told/{id}-{number}").status == 200
    mbu.put(f"/base/path/{id}/end", {"next": 1}, status=302, headers={"location": f"http://{sink.at}/"})
    assert running.get(f"/told/{id}").status == 200
    assert strays(mbu) == []
    assert sink.hits == 0
