"""What cannot be a metrics page, or cannot be had, is refused with what was expected, in bounded time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from aggregator.commands import admin_page
from aggregator.commands.admin_page import page_of
from aggregator.mistakes import Mistaken
from tests.metrics import page
from tests.planning import story
from tests.running import Mbu

EXPECTED = 'expected: the admin URL that "aggregator serve" prints, such as http://127.0.0.1:8081\n'
NO_PAGE = "what {url} answers is not the metrics page of this service"
ONE = page(("m", "part", 0.1))
ONLY_INF = b"""# TYPE aggregator_mbu_load_seconds histogram
aggregator_mbu_load_seconds_bucket{mbu="m",fragment="part",le="+Inf"} 1
"""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"value": b"<html>\n"}, NO_PAGE),
        ({"value": b'{"a": [1]}'}, NO_PAGE),
        ({"value": b"# TYPE up gauge\nup 1\n"}, NO_PAGE),
        ({"value": b""}, NO_PAGE),
        ({"value": ONE.replace(b'le="+Inf"', b'le="40"')}, NO_PAGE),
        ({"value": ONE.replace(b',mbu="m"', b"")}, NO_PAGE),
        ({"value": ONLY_INF}, NO_PAGE),
        ({"value": b"\xff"}, "{url}/metrics does not answer as a service does"),
        ({"value": b"", "raw": b"SSH-2.0-OpenSSH\r\n\r\n"}, "{url}/metrics does not answer as a service does"),
        ({"value": b"", "status": 503}, "{url}/metrics answers 503"),
        (
            {"value": b"", "raw": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n#"},
            "{url}/metrics does not answer: its ",
        ),
        ({"value": b"", "reset": True, "raw": b""}, "{url}/metrics does not answer: Connection reset by peer"),
    ],
)
def test_what_is_no_metrics_page_is_refused(tmp_path: Path, mbu: Mbu, answer: dict[str, object], why: str) -> None:
    """Whatever else answers there."""
    mbu.put("/metrics", **answer)
    result = story(tmp_path, "--admin-url", mbu.url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"--admin-url: {why.format(url=mbu.url)}")
    assert result.stderr.endswith(f"; {EXPECTED}")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:8081", "is no URL of a service"),
        ("file://localhost/etc", "is no URL of a service"),
        ("http://127.0.0.1:8081/?metrics", "is no URL of a service"),
        ("http://me:hush@127.0.0.1:8081", "is no URL of a service"),
        ("http://127.0.0.1:hush", "host or port cannot be read"),
        ("", "is no URL of a service"),
    ],
)
def test_what_is_no_url_is_refused(tmp_path: Path, url: str, why: str) -> None:
    """Before anything is opened, and without showing what may be a password."""
    assert story(tmp_path, "--admin-url", url).stderr == f"--admin-url: {why}; {EXPECTED}"


def test_a_service_that_does_not_run_is_refused(tmp_path: Path) -> None:
    """Nobody listens there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    result = story(tmp_path, "--admin-url", url)
    assert result.stderr == f"--admin-url: {url}/metrics does not answer: Connection refused; {EXPECTED}"


def test_a_proxy_of_the_environment_is_not_used(mbu: Mbu, monkeypatch: pytest.MonkeyPatch) -> None:
    """The admin listener is nothing that one could reach."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    mbu.put("/metrics", b"here")
    assert page_of(mbu.url) == "here"


def test_a_page_without_end_is_given_up(mbu: Mbu, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be long, and not without bounds."""
    monkeypatch.setattr(admin_page, "LONGEST", 1_000)
    mbu.put("/metrics", b"#" * 1_000)
    assert len(page_of(mbu.url)) == 1_000
    mbu.put("/metrics", b"#" * 1_001)
    with pytest.raises(Mistaken, match="too long"):
        page_of(mbu.url)


@pytest.mark.timeout(10)
def test_a_page_that_does_not_come_is_given_up(mbu: Mbu) -> None:
    """Also one that has begun."""
    mbu.put("/metrics", b"", hang=True, raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n#")
    with pytest.raises(Mistaken, match="timed out"):
        page_of(mbu.url, within=0.1)


@contextmanager
def dripping() -> Iterator[str]:
    """The URL of a server that answers byte by byte, for ever."""
    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n")
            while not over.wait(0.02):
                connection.send(b"#")

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=drip, args=[listening])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.timeout(20)
def test_a_page_that_comes_too_slowly_is_given_up() -> None:
    """Though none of its bytes is long in coming."""
    with dripping() as url, pytest.raises(Mistaken, match="too slowly"):
        page_of(url, within=0.3)
