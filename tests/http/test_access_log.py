"""The access log has a line for a share of the requests, and is off unless that is said."""

import re

import pytest

from tests.http.raw_answers import CLOSE
from tests.running import Mbu, Running, until
from tests.samples.hostile import as_segment, payloads

DECLARED = """
version = 1
defaults.fresh_for = "60s"
mbus.it = {{ url = "{url}" }}
fragments.it = {{ mbu = "it", path = "/it/{{id}}" }}
screens.home = {{ path = "/home/{{id}}", slots = {{ it = "it" }} }}
"""


def lines(running: Running) -> list[str]:
    """What was logged of requests."""
    return [line for line in running.stderr.splitlines() if '"event": "request"' in line]


@pytest.mark.parametrize("share", ["0", "1"])
def test_every_path_is_logged_or_none(mbu: Mbu, share: str) -> None:
    """Composed, from L1, and refused: each with its status and request id, and without its query."""
    mbu.put("/it/1", 1)
    with Running(DECLARED.format(url=mbu.url), flags=["--access-log", share]) as running:
        for path in ("/home/1", "/home/1", "/home/1?token=secret", "/nowhere"):
            running.get(path, {"x-request-id": "mine"})
        running.get("/healthz", {"x-request-id": "last"})
        if share == "0":
            assert lines(running) == []
            return
        until(lambda: any("last" in line for line in lines(running)), "the last line is there")
        logged = [line for line in lines(running) if '"mine"' in line]
        assert ['"/nowhere"' in line for line in logged] == [False, False, False, True]
        assert all('"status": 200' in line for line in logged[:3])
        assert '"status": 404' in logged[3]
        assert not any("secret" in line for line in logged)


def test_a_share_is_logged(mbu: Mbu) -> None:
    """About as many as were asked for."""
    mbu.put("/it/1", 1)
    with Running(DECLARED.format(url=mbu.url), flags=["--access-log", "0.5"]) as running:
        for _ in range(200):
            running.get("/home/1")
        # 200 fair coins: outside of this once in 10^9.
        assert until(lambda: 55 < len(lines(running)) < 145, "about half have a line")


HOSTILE = [
    *(b"/home/a%0A%7B%22event%22:%22forged%22%7D", b"/home/%1b%5B31m", b"/home/\x1b[31m", b"/home/a\nb", b"/\xff\x85"),
    *(path.encode() for text in payloads("127.0.0.1:1")[::4] for path in (f"/home/{as_segment(text)}", f"/{text}")),
    *(b'/"},{"event":"forged"', b"/%E2%80%A8", b"/%0d%0a%00", b"/nowhere?%0aforged", b"/<script>", b"/$(reboot)`id`"),
]


@pytest.mark.parametrize(("form", "begin"), [("json", '{"'), ("console", "2")])
def test_s29_a_request_has_one_line_whatever_it_says(mbu: Mbu, form: str, begin: str) -> None:
    """Its path is as it came, and nothing that a terminal would act on is in it; what was no HTTP has no line."""
    with Running(DECLARED.format(url=mbu.url), flags=["--access-log", "1", "--log-format", form]) as running:
        heads = [b"GET %b HTTP/1.1\r\nx-request-id: a b\r\nuser-agent: \xff\r\n" % path for path in HOSTILE]
        answered = b"".join(running.raw(head + CLOSE + b"\r\n") for head in heads)
        running.get("/healthz", {"x-request-id": "last"})
        until(lambda: "last" in running.stderr, "the last line is there")
        text = running.stderr
        assert text.replace("\n", "").isprintable()
        assert all(line.startswith(begin) for line in text.splitlines())
        assert len(re.findall("status.{1,3}404", text)) == answered.count(b"HTTP/1.1 404 ") > 5
